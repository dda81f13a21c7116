"""config/validation.yml, read and checked whole."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.python.errors import told_together
from common.python.lined_yaml import Lined
from common.python.retail_schema import did_you_mean

FILE = "config/validation.yml"
TOP_KEYS = ("validation_config", "tables", "rows", "references", "totals")
CONFIG = {
    "fail_on_missing_table": True,
    "fail_on_missing_column": True,
    "warn_on_type_mismatch": True,
    "quality_threshold": 0.95,
    "row_count_change": 0.5,
}
TABLE_KEYS = ("key", "fresh_days", "columns")
COLUMN_KEYS = ("completeness", "format", "range", "values", "severity")
ROW_KEYS = ("name", "of", "where", "severity", "advice")
SEVERITIES = ("critical", "warning", "info")  # in the order in which a reader wants them


@dataclass(frozen=True)
class ColumnRule:
    """What is expected of one column's values."""

    completeness: float | None = None
    format: str = ""
    least: float | None = None
    largest: float | None = None
    values: tuple[str, ...] = ()
    severity: str = "warning"
    place: str = FILE


@dataclass(frozen=True)
class Rules:
    """The whole file: settings, rules per table and column, keys, conditions, references and totals."""

    settings: Mapping[str, Any]
    columns: Mapping[str, Mapping[str, ColumnRule]]
    keys: Mapping[str, tuple[str, ...]]
    fresh_days: Mapping[str, float] = field(default_factory=dict)
    rows: tuple[Mapping[str, Any], ...] = ()
    references: tuple[Mapping[str, Any], ...] = ()
    totals: tuple[Mapping[str, Any], ...] = ()
    places: Mapping[str, str] = field(default_factory=dict)

    def rule(self, table: str, column: str) -> ColumnRule:
        """Return the rule of a column, the usual one when the file has none."""
        return self.columns.get(table, {}).get(column, ColumnRule())


def read_rules(schema: Mapping[str, Mapping[str, str]], path: str = FILE) -> Rules:
    """Return the rules.

    Args:
        schema: table → column → type; names of the file are checked against it.

    Raises:
        TaskError: every fault of the file, with its line.
    """
    source = Lined(path)
    faults = list(source.doubled)
    faults += unknown_keys(source, (), source.data, TOP_KEYS)
    given = source.data.get("validation_config") or {}
    faults += unknown_keys(source, ("validation_config",), given, CONFIG)
    for name, value in given.items():
        if name in CONFIG and isinstance(value, bool) != isinstance(CONFIG[name], bool):
            faults.append(f"{source.place('validation_config', name)}: {name} is not like {CONFIG[name]}")
    tables = source.data.get("tables") or {}
    faults += unknown_keys(source, ("tables",), tables, schema)
    columns: dict[str, dict[str, ColumnRule]] = {}
    keys: dict[str, tuple[str, ...]] = {}
    fresh_days: dict[str, float] = {}
    places: dict[str, str] = {}
    for table, entry in tables.items():
        known = schema.get(table, {})
        entry = entry or {}
        faults += unknown_keys(source, ("tables", table), entry, TABLE_KEYS)
        keys[table] = tuple(entry.get("key") or ())
        faults += [
            f"{source.place('tables', table, 'key')}: key names no column of {table}: {name}"
            for name in keys[table]
            if known and name not in known
        ]
        days = entry.get("fresh_days")
        places[table] = source.place("tables", table)
        if isinstance(days, int | float) and not isinstance(days, bool) and days > 0:
            fresh_days[table] = float(days)
        elif days is not None:
            faults.append(f"{source.place('tables', table, 'fresh_days')}: fresh_days is a number of days")
        given_columns = entry.get("columns") or {}
        faults += unknown_keys(source, ("tables", table, "columns"), given_columns, known)
        columns[table] = {
            column: column_rule(source, table, column, spec or {}, faults)
            for column, spec in given_columns.items()
        }
    rows = tuple(source.data.get("rows") or ())
    references = tuple(source.data.get("references") or ())
    totals = tuple(source.data.get("totals") or ())
    for position, entry in enumerate(rows):
        faults += unknown_keys(source, ("rows", position), entry, ROW_KEYS)
    for kind, entries, needed in (
        ("rows", rows, ("name", "of", "where")),
        ("references", references, ("name", "from", "to")),
        ("totals", totals, ("name", "of", "by", "equals")),
    ):
        for position, entry in enumerate(entries):
            place = source.place(kind, position)
            faults += [f"{place}: {kind} needs {name}" for name in needed if name not in entry]
            if entry.get("severity", "warning") not in SEVERITIES:
                faults.append(f"{place}: severity is one of {', '.join(SEVERITIES)}")
            for column in named_columns(entry):
                table, _, name = column.partition(".")
                if name not in schema.get(table, {}):
                    faults.append(f"{place}: no column {column} in the retail schema")
            places[str(entry.get("name"))] = place
    if faults:
        raise told_together(faults, where=path, mend="mend these lines")
    return Rules({**CONFIG, **given}, columns, keys, fresh_days, rows, references, totals, places)


def column_rule(
    source: Lined, table: str, column: str, spec: Mapping[str, Any], faults: list[str]
) -> ColumnRule:
    """Return one column's rule; what is wrong with it goes to *faults*."""
    path = ("tables", table, "columns", column)
    place = source.place(*path)
    faults += unknown_keys(source, path, spec, COLUMN_KEYS)
    share = spec.get("completeness")
    if share is not None and (not isinstance(share, int | float) or not 0 <= share <= 1):
        faults.append(f"{place}: completeness of {column} is a share between 0 and 1")
    bounds = spec.get("range") or [None, None]
    if not isinstance(bounds, list) or len(bounds) != 2:
        faults.append(f"{place}: range of {column} is [least, largest]")
        bounds = [None, None]
    severity = spec.get("severity", "warning")
    if severity not in SEVERITIES:
        faults.append(f"{place}: severity is one of {', '.join(SEVERITIES)}")
    pattern = str(spec.get("format") or "")
    if "(?" in pattern.replace("(?i)", ""):
        faults.append(f"{place}: format of {column} uses (?…), which not every engine has")
    else:
        try:
            re.compile(pattern)
        except re.error as error:
            faults.append(f"{place}: format of {column} is no regular expression: {error}")
    values = tuple(str(value).lower() for value in spec.get("values") or ())
    return ColumnRule(share, pattern, bounds[0], bounds[1], values, severity, place)


def unknown_keys(source: Lined, path: tuple[Any, ...], given: Any, known: Any) -> list[str]:
    """Return a fault for each key of *given* that is not among *known*."""
    if not isinstance(given, dict):
        return [f"{source.place(*path)}: this is no map"]
    return [
        f"{source.place(*path, name)}: unknown name {name}{did_you_mean(name, known)}"
        for name in given
        if name not in known
    ]


def named_columns(entry: Mapping[str, Any]) -> list[str]:
    """Return every `table.column` that a condition, reference or total names."""
    named = [entry.get("from"), entry.get("of"), entry.get("equals")]
    to = entry.get("to") or []
    return [str(name) for name in [*named, *(to if isinstance(to, list) else [to])] if name]
