"""Filters of a bulk load, in the words of Embulk's: rename, remove_columns, add_time, column, expand_json."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from tdlocal.account.errors import Refused
from tdlocal.account.load_parsers import Skipped, member
from tdlocal.account.load_values import (
    DEFAULT_FORMAT,
    LoadColumn,
    Unusable,
    read_columns,
    reader_of,
    timestamp_reader,
)

Rows = Iterator[list[Any]]
Change = Callable[[Rows, Skipped], Rows]
UNITS = {"sec": 1_000_000, "milli": 1_000, "micro": 1, "nano": 0.001}
CLASSES = {"a-z": "a-z", "A-Z": "A-Z", "0-9": "0-9", "a-zA-Z": "a-zA-Z", "a-zA-Z0-9": "a-zA-Z0-9"}


def apply_filters(
    filters: Any, columns: list[LoadColumn], loaded_at: int
) -> tuple[list[LoadColumn], list[Change]]:
    """The columns after all filters, and what each does to the rows.

    Args:
        filters: the configuration's list.
        columns: the parser's columns.
        loaded_at: unix seconds that `upload_time` means.

    Raises Refused naming the filter that is not known or makes no sense.
    """
    changes: list[Change] = []
    if filters is None:
        return columns, changes
    if not isinstance(filters, list):
        raise Refused("filters must be a list")
    for one in filters:
        kind = one.get("type") if isinstance(one, dict) else None
        make = FILTERS.get(str(kind))
        if make is None:
            raise Refused(f"there is no filter '{kind!s:.40}' here; use {', '.join(FILTERS)}")
        columns, change = make(one, columns, loaded_at)
        if change is not None:
            changes.append(change)
    names = [column.name for column in columns]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise Refused(f"two columns are named '{twice}'")
    return columns, changes


def position_of(columns: list[LoadColumn], name: Any, where: str) -> int:
    """Where a column stands; Refused when there is none of that name."""
    for position, column in enumerate(columns):
        if column.name == name:
            return position
    raise Refused(f"{where}: there is no column '{name!s:.60}'")


def rename(
    settings: dict[str, Any], columns: list[LoadColumn], _: int
) -> tuple[list[LoadColumn], Change | None]:
    """Other names, one by one (`columns`) and by rules."""
    given = settings.get("columns") or {}
    for name in given:
        position_of(columns, name, "filter rename")
    names = [renamed(given.get(column.name, column.name), column.name) for column in columns]
    for rule in settings.get("rules") or ():
        names = renamed_by(rule, names)
    return [replace(column, name=name) for column, name in zip(columns, names, strict=True)], None


def renamed(new: Any, old: str) -> str:
    """A new name as `columns` of rename gives it: text, or {new_name}."""
    name = new.get("new_name", old) if isinstance(new, dict) else new
    if not isinstance(name, str) or not name:
        raise Refused(f"filter rename: '{old}' has no new name")
    return name


def renamed_by(rule: Any, names: list[str]) -> list[str]:
    """All names after one rule of rename."""
    settings = {"rule": rule} if isinstance(rule, str) else dict(rule)
    kind = settings.get("rule")
    if kind in ("upper_to_lower", "lower_to_upper"):
        return [name.lower() if kind == "upper_to_lower" else name.upper() for name in names]
    if kind == "truncate":
        return [name[: int(settings.get("max_length", 128))] for name in names]
    if kind == "character_types":
        allowed = allowed_letters(settings)
        return [re.sub(f"[^{allowed}]", lambda _: str(settings.get("replace", "_")), name) for name in names]
    if kind == "first_character_types":
        allowed = allowed_letters(settings)
        prefix = settings.get("prefix")
        return [first_letter(name, allowed, prefix, str(settings.get("replace", "_"))) for name in names]
    if kind == "regex_replace":
        match, new = (
            str(settings.get("match", "")),
            re.sub(r"\$(\d)", r"\\\1", str(settings.get("replace", ""))),
        )
        return [re.sub(match, new, name) for name in names]
    if kind == "unique_number_suffix":
        return numbered(names, int(settings.get("max_length", 128)), str(settings.get("delimiter", "_")))
    raise Refused(f"filter rename has no rule '{kind!s:.40}' here")


def allowed_letters(settings: dict[str, Any]) -> str:
    """The inside of a character class."""
    classes = "".join(CLASSES.get(str(one), "") for one in settings.get("pass_types") or ())
    return classes + re.escape(str(settings.get("pass_characters", ""))) or "\\0"


def first_letter(name: str, allowed: str, prefix: Any, replacement: str) -> str:
    """A name whose first letter is allowed."""
    if not name or re.match(f"[{allowed}]", name):
        return name
    return f"{prefix}{name}" if prefix else replacement + name[1:]


def numbered(names: list[str], longest: int, delimiter: str) -> list[str]:
    """Names that differ: the second `a` is `a_1`.

    >>> numbered(["a", "b", "a"], 128, "_")
    ['a', 'b', 'a_1']
    """
    taken: set[str] = set()
    result = []
    for name in names:
        new, number = name[:longest], 0
        while new in taken or (number and new in names):
            number += 1
            suffix = f"{delimiter}{number}"
            new = name[: longest - len(suffix)] + suffix
        taken.add(new)
        result.append(new)
    return result


def chosen(columns: list[LoadColumn], positions: list[int]) -> tuple[list[LoadColumn], Change]:
    """Some of the columns."""

    def change(rows: Rows, _: Skipped) -> Rows:
        return ([row[position] for position in positions] for row in rows)

    return [columns[position] for position in positions], change


def remove_columns(
    settings: dict[str, Any], columns: list[LoadColumn], _: int
) -> tuple[list[LoadColumn], Change]:
    """Leave out (`remove`) or keep (`keep`) columns."""
    names = settings.get("remove") or settings.get("keep") or []
    if not settings.get("accept_unmatched_columns"):
        for name in names:
            position_of(columns, name, "filter remove_columns")
    keeps = "keep" in settings
    return chosen(columns, [p for p, column in enumerate(columns) if (column.name in names) == keeps])


def column(settings: dict[str, Any], columns: list[LoadColumn], _: int) -> tuple[list[LoadColumn], Change]:
    """`columns` chooses, `drop_columns` leaves out, `add_columns` adds with a default."""
    where = "filter column"
    wanted = settings.get("columns")
    if wanted:
        known = [column.name for column in columns]
        entries = [one for one in wanted if one.get("src", one.get("name")) in known or "default" not in one]
        positions = [position_of(columns, one.get("src", one.get("name")), where) for one in entries]
        kept, change = chosen(columns, positions)
        kept = [replace(old, name=str(one["name"])) for old, one in zip(kept, entries, strict=True)]
    else:
        dropped = [one.get("name") for one in settings.get("drop_columns") or ()]
        kept, change = chosen(columns, [p for p, one in enumerate(columns) if one.name not in dropped])
    added = [one for one in [*(settings.get("add_columns") or ()), *(wanted or ())] if "default" in one]
    added = [one for one in added if one.get("name") not in [old.name for old in kept]]
    new = [LoadColumn(str(one["name"]), str(one.get("type", "string"))) for one in added]
    values = [reader_of(made)(one["default"]) for made, one in zip(new, added, strict=True)]
    return [*kept, *new], lambda rows, skipped: ([*row, *values] for row in change(rows, skipped))


def add_time(
    settings: dict[str, Any], columns: list[LoadColumn], loaded_at: int
) -> tuple[list[LoadColumn], Change]:
    """A column `time` (or `to_column`), from another column or from a value."""
    where = "filter add_time"
    target = settings.get("to_column") or {"name": "time"}
    made = LoadColumn(str(target.get("name", "time")), str(target.get("type", "timestamp")))
    if made.type not in ("timestamp", "long"):
        raise Refused(f"{where}: to_column must be a timestamp or a long")
    factor = 1 if made.type == "timestamp" else 1_000_000
    source = settings.get("from_column")
    if source is None:
        first, step = fixed_moment(settings.get("from_value") or {"mode": "upload_time"}, loaded_at, where)

        def counted(rows: Rows, _: Skipped) -> Rows:
            return ([*row, (first + number * step) // factor] for number, row in enumerate(rows))

        return [*columns, made], counted
    position = position_of(columns, source.get("name"), where)
    read = moment_reader(source, columns[position])

    def read_rows(rows: Rows, skipped: Skipped) -> Rows:
        for row in rows:
            value = row[position]
            try:
                yield [*row, None if value is None else read(value) // factor]
            except Unusable as error:
                skipped.add(f"column {source['name']}", str(error), stop=False)

    return [*columns, made], read_rows


def moment_reader(source: dict[str, Any], taken_from: LoadColumn) -> Callable[[Any], int]:
    """What makes microseconds of the values of a column."""
    if taken_from.type == "timestamp":
        return lambda value: int(value)
    if taken_from.type in ("long", "double"):
        factor = UNITS.get(str(source.get("unix_timestamp_unit", "sec")))
        if factor is None:
            raise Refused(f"filter add_time: unix_timestamp_unit must be one of {', '.join(UNITS)}")
        return lambda value: int(value * factor)
    form = str(source.get("timestamp_format") or source.get("format") or DEFAULT_FORMAT)
    return timestamp_reader(form, str(source.get("timezone") or source.get("default_timezone") or "UTC"))


def fixed_moment(value: dict[str, Any], loaded_at: int, where: str) -> tuple[int, int]:
    """The microseconds of the first row, and what each further row adds to them."""
    mode = value.get("mode", "fixed_time")
    if mode == "upload_time":
        return loaded_at * 1_000_000, 0
    form = str(value.get("timestamp_format") or DEFAULT_FORMAT)
    zone_name = str(value.get("timezone") or value.get("default_timezone") or "UTC")
    factor = int(UNITS.get(str(value.get("unix_timestamp_unit", "sec")), 1_000_000))

    def moment(word: str) -> int:
        given = value.get(word)
        if isinstance(given, int):
            return given * factor
        try:
            return timestamp_reader(form, zone_name)(given)
        except Unusable as error:
            raise Refused(f"{where}: {word} {error}") from None

    if mode == "fixed_time":
        return moment("value"), 0
    if mode == "incremental_time":
        return moment("from"), 1_000_000
    raise Refused(f"{where}: from_value has no mode '{mode!s:.40}'")


def expand_json(
    settings: dict[str, Any], columns: list[LoadColumn], _: int
) -> tuple[list[LoadColumn], Change]:
    """Members of a JSON column as columns in its place."""
    where = "filter expand_json"
    position = position_of(columns, settings.get("json_column_name"), where)
    made = read_columns(settings.get("expanded_columns"), f"{where}: expanded_columns", settings)
    root = str(settings.get("root", "$.")).rstrip(".") or "$"
    readers = [reader_of(one) for one in made]
    made_names = [re.sub(r"^\$\.?", "", one.name) for one in made]
    kept = settings.get("keep_expanding_json_column")
    stop = bool(settings.get("stop_on_invalid_record"))

    def change(rows: Rows, skipped: Skipped) -> Rows:
        for row in rows:
            try:
                values = expanded(row[position])
            except Unusable as error:
                skipped.add(where, str(error), stop=stop)
                continue
            yield [
                *row[:position],
                *(row[position : position + 1] if kept else ()),
                *row[position + 1 :],
                *values,
            ]

    def expanded(value: Any) -> list[Any]:
        if isinstance(value, str):
            value = reader_of(LoadColumn("", "json"))(value)
        if not isinstance(value, dict):
            return [None] * len(made)
        found = [member(value, f"{root}.{name}") for name in made_names]
        return [None if one is None else read(one) for one, read in zip(found, readers, strict=True)]

    before = columns[: position + 1] if kept else columns[:position]
    return [*before, *columns[position + 1 :], *made], change


FILTERS: dict[str, Callable[..., tuple[list[LoadColumn], Change | None]]] = {
    "rename": rename,
    "remove_columns": remove_columns,
    "add_time": add_time,
    "column": column,
    "expand_json": expand_json,
}
