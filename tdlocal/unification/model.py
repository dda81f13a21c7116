"""unify.yml as objects, with every fault told at once.

The format is Treasure Data's: ``name``, ``keys``, ``tables``, ``canonical_ids`` (or ``persistent_ids``)
and ``master_tables``. Names follow its documentation; what it leaves open is decided here and said in
docs/how-people-are-matched.md.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tdlocal.engine.functions import regexps

SYMBOL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
FREE_NAME = re.compile(r"[A-Za-z0-9_]+")
ORDERS = ("first", "last")


class UnificationFaults(Exception):
    """Everything wrong with a unify.yml, one line each, as ``path: what``."""

    def __init__(self, faults: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{path}: {what}" for path, what in faults))
        self.faults = list(faults)


@dataclass(frozen=True)
class Key:
    """An identifier kind: which texts are valid ones."""

    name: str
    valid_regexp: str | None = None
    invalid_texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Table:
    """A source table and which of its columns hold which key."""

    database: str
    table: str
    name: str  # `as`, or the table's own name
    key_columns: tuple[tuple[str, str], ...]  # (column, key)
    incremental_columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class CanonicalId:
    """One level of unification: the keys (and lower canonical ids) that make two records one person."""

    name: str
    keys: tuple[str, ...]
    parents: tuple[str, ...] = ()
    source_tables: tuple[str, ...] | None = None
    do_not_merge_key: str | None = None
    kind: str = "canonical"  # or "persistent": the word its lookup's columns begin with
    guarded: bool = False  # whether some identifiers of a row may be of another person than others
    incremental: bool = False  # whether only people whom changed rows concern are worked on


@dataclass(frozen=True)
class Source:
    """One place an attribute may come from."""

    table: str
    column: str
    priority: int
    order: str
    order_by: str


@dataclass(frozen=True)
class Attribute:
    """One column of a master table and its survivorship rule."""

    name: str
    sources: tuple[Source, ...] = ()
    source_canonical_id: str | None = None
    array_elements: int | None = None
    valid_regexp: str | None = None
    invalid_texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class MasterTable:
    """A table of one row a person."""

    name: str
    canonical_id: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class Unification:
    """A whole unify.yml."""

    name: str
    keys: tuple[Key, ...]
    tables: tuple[Table, ...]
    canonical_ids: tuple[CanonicalId, ...]
    master_tables: tuple[MasterTable, ...] = ()

    @property
    def incremental(self) -> bool:
        """Whether only the people whom changed rows concern are worked on."""
        return any(each.incremental for each in self.canonical_ids)

    def key(self, name: str) -> Key:
        return next(key for key in self.keys if key.name == name)

    def table(self, name: str) -> Table:
        return next(table for table in self.tables if table.name == name)

    def canonical_id(self, name: str) -> CanonicalId:
        return next(each for each in self.canonical_ids if each.name == name)


@dataclass
class _Reader:
    """Takes a mapping apart and writes down every fault with its path."""

    faults: list[tuple[str, str]] = field(default_factory=list)

    def fault(self, path: str, what: str) -> None:
        self.faults.append((path, what))

    def mapping(self, value: object, path: str, known: Sequence[str]) -> Mapping[str, Any]:
        if not isinstance(value, Mapping):
            self.fault(path, f"must be a mapping, is {_kind(value)}")
            return {}
        for name in value:
            if name not in known:
                self.fault(
                    f"{path}.{name}" if path else str(name), f"unknown setting; known: {', '.join(known)}"
                )
        return value

    def items(self, value: object, path: str, *, required: bool = False) -> list[Any]:
        if value is None:
            if required:
                self.fault(path, "is missing or empty")
            return []
        if not isinstance(value, list):
            self.fault(path, f"must be a list, is {_kind(value)}")
            return []
        if required and not value:
            self.fault(path, "is missing or empty")
        return value

    def text(self, value: object, path: str, *, pattern: re.Pattern[str] | None = SYMBOL) -> str:
        if value is None or value == "":
            self.fault(path, "is missing or empty")
            return ""
        if isinstance(value, bool) or not isinstance(value, str | int):
            self.fault(path, f"must be text, is {_kind(value)}")
            return ""
        text = str(value)
        if pattern is not None and not pattern.fullmatch(text):
            self.fault(path, f"{text!r} is not a name (letters, digits, _)")
        return text

    def number(self, value: object, path: str, default: int | None, low: int, high: int) -> int | None:
        if value is None:
            return default
        if isinstance(value, str) and value.strip().isdigit():
            value = int(value)  # a number that came through ${…} arrives as text
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.fault(path, f"must be a whole number from {low} to {high}, is {value!r}")
            return default
        return value

    def words(self, value: object, path: str) -> tuple[str, ...]:
        return tuple(self.text(item, f"{path}[{at}]") for at, item in enumerate(self.items(value, path)))

    def regexp(self, value: object, path: str) -> str | None:
        if value is None:
            return None
        if not isinstance(value, str) or value == "":
            self.fault(path, f"must be a regular expression as text, is {_kind(value)}")
            return None
        try:
            regexps.compiled(value)  # Java's syntax, as Trino reads it
        except re.error as error:
            self.fault(path, f"is not a regular expression: {error}")
        return value

    def invalid_texts(self, value: object, path: str) -> tuple[str, ...]:
        texts = []
        for at, item in enumerate(self.items(value, path)):
            if isinstance(item, Mapping | list):
                self.fault(f"{path}[{at}]", f"must be text, is {_kind(item)}")
            elif item is not None:  # null is never an identifier anyway
                texts.append(_plain_text(item))
        return tuple(dict.fromkeys(texts))

    def unique(self, names: Sequence[str], path: str) -> None:
        for at, name in enumerate(names):
            if name and name in names[:at]:
                self.fault(f"{path}[{at}]", f"{name!r} is there twice")

    def known(self, name: str, names: Sequence[str], path: str, what: str) -> None:
        if name and name not in names:
            self.fault(path, f"{what} {name!r} is not declared; declared: {', '.join(names) or 'none'}")


def _kind(value: object) -> str:
    return "empty" if value is None else type(value).__name__


def _plain_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def read_unification(document: object) -> Unification:
    """Return *document* (a parsed unify.yml) as a Unification.

    Raises:
        UnificationFaults: every fault found, each with its path (``tables[2].key_columns[0].key``).
    """
    reader = _Reader()
    root = reader.mapping(
        document, "", ("name", "keys", "tables", "canonical_ids", "persistent_ids", "master_tables")
    )
    if reader.faults and not root:
        raise UnificationFaults([("unify.yml", what) for _, what in reader.faults])
    unification = Unification(
        name=reader.text(root.get("name"), "name", pattern=FREE_NAME),
        keys=tuple(_read_each(root.get("keys"), "keys", reader, _read_key)),
        tables=tuple(_read_each(root.get("tables"), "tables", reader, _read_table)),
        canonical_ids=tuple(_read_canonical_ids(root, reader)),
        master_tables=tuple(
            _read_each(root.get("master_tables"), "master_tables", reader, _read_master, required=False)
        ),
    )
    _check_references(unification, reader)
    if reader.faults:
        raise UnificationFaults(reader.faults)
    return unification


def _read_each(
    value: object,
    path: str,
    reader: _Reader,
    read: Callable[[object, str, _Reader], Any],
    *,
    required: bool = True,
) -> list[Any]:
    items = reader.items(value, path, required=required)
    return [read(item, f"{path}[{at}]", reader) for at, item in enumerate(items)]


def _read_key(value: object, path: str, reader: _Reader) -> Key:
    key = reader.mapping(value, path, ("name", "valid_regexp", "invalid_texts"))
    return Key(
        name=reader.text(key.get("name"), f"{path}.name"),
        valid_regexp=reader.regexp(key.get("valid_regexp"), f"{path}.valid_regexp"),
        invalid_texts=reader.invalid_texts(key.get("invalid_texts"), f"{path}.invalid_texts"),
    )


def _read_table(value: object, path: str, reader: _Reader) -> Table:
    table = reader.mapping(value, path, ("database", "table", "as", "incremental_columns", "key_columns"))
    name = reader.text(table.get("table"), f"{path}.table")
    columns = []
    for at, item in enumerate(reader.items(table.get("key_columns"), f"{path}.key_columns", required=True)):
        where = f"{path}.key_columns[{at}]"
        pair = reader.mapping(item, where, ("column", "key"))
        columns.append(
            (reader.text(pair.get("column"), f"{where}.column"), reader.text(pair.get("key"), f"{where}.key"))
        )
    return Table(
        database=reader.text(table.get("database"), f"{path}.database", pattern=FREE_NAME),
        table=name,
        name=reader.text(table["as"], f"{path}.as") if table.get("as") else name,
        key_columns=tuple(columns),
        incremental_columns=reader.words(table.get("incremental_columns"), f"{path}.incremental_columns"),
    )


def _read_canonical_ids(root: Mapping[str, Any], reader: _Reader) -> list[CanonicalId]:
    found = []
    for kind in ("canonical", "persistent"):
        found += _read_each(
            root.get(f"{kind}_ids"),
            f"{kind}_ids",
            reader,
            functools.partial(_read_canonical_id, kind=kind),
            required=False,
        )
    if not found and not any(
        path.startswith(("canonical_ids", "persistent_ids")) for path, _ in reader.faults
    ):
        reader.fault("canonical_ids", "is missing or empty")
    return found


def _read_canonical_id(value: object, path: str, reader: _Reader, kind: str) -> CanonicalId:
    parents = f"merge_by_{kind}_ids"
    known = ("name", "merge_by_keys", parents, "merge_iterations", "incremental_merge_iterations",
             "source_tables", "do_not_merge_key", "key_priorities")  # fmt: skip
    canonical = reader.mapping(value, path, known)
    for setting in ("merge_iterations", "incremental_merge_iterations"):
        reader.number(canonical.get(setting), f"{path}.{setting}", None, 1, 50)
    sources = canonical.get("source_tables")
    read = CanonicalId(
        name=reader.text(canonical.get("name"), f"{path}.name"),
        keys=_by_priority(canonical, path, reader),
        parents=reader.words(canonical.get(parents), f"{path}.{parents}"),
        source_tables=None if sources is None else reader.words(sources, f"{path}.source_tables"),
        do_not_merge_key=(
            reader.text(canonical["do_not_merge_key"], f"{path}.do_not_merge_key")
            if canonical.get("do_not_merge_key")
            else None
        ),
        kind=kind,
    )
    if not read.keys and not read.parents:
        reader.fault(f"{path}.merge_by_keys", "is missing or empty")
    return read


def _by_priority(canonical: Mapping[str, Any], path: str, reader: _Reader) -> tuple[str, ...]:
    """Return merge_by_keys, strongest first: as listed, or as key_priorities (1 = strongest) say."""
    keys = reader.words(canonical.get("merge_by_keys"), f"{path}.merge_by_keys")
    priorities = [
        reader.number(item, f"{path}.key_priorities[{at}]", at + 1, 1, 1000) or 0
        for at, item in enumerate(reader.items(canonical.get("key_priorities"), f"{path}.key_priorities"))
    ]
    if not priorities:
        return keys
    if len(priorities) != len(keys):
        reader.fault(f"{path}.key_priorities", f"has {len(priorities)} numbers for {len(keys)} keys")
        return keys
    return tuple(key for _, _, key in sorted(zip(priorities, range(len(keys)), keys, strict=True)))


def _read_master(value: object, path: str, reader: _Reader) -> MasterTable:
    master = reader.mapping(value, path, ("name", "canonical_id", "persistent_id", "attributes"))
    ids = [name for name in ("canonical_id", "persistent_id") if master.get(name)]
    if len(ids) != 1:
        reader.fault(path, "must have one of canonical_id and persistent_id")
    return MasterTable(
        name=reader.text(master.get("name"), f"{path}.name"),
        canonical_id=reader.text(master[ids[0]], f"{path}.{ids[0]}") if ids else "",
        attributes=tuple(_read_each(master.get("attributes"), f"{path}.attributes", reader, _read_attribute)),
    )


def _read_attribute(value: object, path: str, reader: _Reader) -> Attribute:
    known = ("name", "source_columns", "source_canonical_id", "source_persistent_id", "array_elements",
             "valid_regexp", "invalid_texts")  # fmt: skip
    attribute = reader.mapping(value, path, known)
    other = attribute.get("source_canonical_id") or attribute.get("source_persistent_id")
    sources = reader.items(attribute.get("source_columns"), f"{path}.source_columns")
    if bool(other) == bool(sources):
        reader.fault(path, "must have either source_columns or source_canonical_id")
    return Attribute(
        name=reader.text(attribute.get("name"), f"{path}.name"),
        sources=tuple(
            _read_source(item, f"{path}.source_columns[{at}]", at, reader) for at, item in enumerate(sources)
        ),
        source_canonical_id=reader.text(other, f"{path}.source_canonical_id") if other else None,
        array_elements=reader.number(attribute.get("array_elements"), f"{path}.array_elements", None, 1, 100),
        valid_regexp=reader.regexp(attribute.get("valid_regexp"), f"{path}.valid_regexp"),
        invalid_texts=reader.invalid_texts(attribute.get("invalid_texts"), f"{path}.invalid_texts"),
    )


def _read_source(value: object, path: str, at: int, reader: _Reader) -> Source:
    source = reader.mapping(value, path, ("table", "column", "priority", "order", "order_by"))
    order = str(source.get("order") or "last")
    if order not in ORDERS:
        reader.fault(f"{path}.order", f"must be first or last, is {order!r}")
    return Source(
        table=reader.text(source.get("table"), f"{path}.table"),
        column=reader.text(source.get("column"), f"{path}.column"),
        priority=reader.number(source.get("priority"), f"{path}.priority", at + 1, 1, 1000) or at + 1,
        order=order,
        order_by=reader.text(source.get("order_by") or "time", f"{path}.order_by"),
    )


def _check_references(unification: Unification, reader: _Reader) -> None:
    """Find names that nothing declares, names declared twice and canonical ids that need each other."""
    keys = [key.name for key in unification.keys]
    tables = [table.name for table in unification.tables]
    canonical = [each.name for each in unification.canonical_ids]
    reader.unique(keys, "keys")
    reader.unique(tables, "tables")
    reader.unique(canonical, "canonical_ids")
    reader.unique([master.name.lower() for master in unification.master_tables], "master_tables")
    for at, table in enumerate(unification.tables):
        for column_at, (_, key) in enumerate(table.key_columns):
            reader.known(key, keys, f"tables[{at}].key_columns[{column_at}].key", "key")
    for at, each in enumerate(unification.canonical_ids):
        path = f"{each.kind}_ids[{at}]"
        reader.unique(each.keys, f"{path}.merge_by_keys")
        for key_at, key in enumerate(each.keys):
            reader.known(key, keys, f"{path}.merge_by_keys[{key_at}]", "key")
        for source_table in each.source_tables or ():
            reader.known(source_table, tables, f"{path}.source_tables", "table")
        if each.do_not_merge_key:
            reader.known(each.do_not_merge_key, each.keys, f"{path}.do_not_merge_key", "key")
        for parent in each.parents:
            if parent not in canonical[:at]:
                reader.fault(
                    f"{path}.merge_by_{each.kind}_ids",
                    f"{parent!r} must be declared above {each.name!r}"
                    if parent in canonical
                    else f"canonical id {parent!r} is not declared; declared: {', '.join(canonical)}",
                )
    outputs = ("lookup", "graph", "keys", "tables", "source_key_stats", "result_key_stats", "previous")
    taken = {f"{name}_{what}".lower() for name in canonical for what in outputs}
    taken |= {f"enriched_{name}".lower() for name in tables}
    taken |= {"unification_changes", "unification_suspects"}
    for at, master in enumerate(unification.master_tables):
        path = f"master_tables[{at}]"
        reader.known(master.canonical_id, canonical, f"{path}.canonical_id", "canonical id")
        if master.name.lower() in taken:
            reader.fault(f"{path}.name", f"{master.name!r} is a table that the unification writes itself")
        reader.unique([attribute.name.lower() for attribute in master.attributes], f"{path}.attributes")
        for attribute_at, attribute in enumerate(master.attributes):
            where = f"{path}.attributes[{attribute_at}]"
            if attribute.name.lower() == "built_for":
                reader.fault(where, "'built_for' is a column that every table of the layer has")
            own = attribute.name == master.canonical_id
            if own and attribute.source_canonical_id != master.canonical_id:
                reader.fault(where, f"{attribute.name!r} is the table's own id column")
            if attribute.source_canonical_id:
                reader.known(
                    attribute.source_canonical_id, canonical, f"{where}.source_canonical_id", "canonical id"
                )
            for source_at, source in enumerate(attribute.sources):
                reader.known(source.table, tables, f"{where}.source_columns[{source_at}].table", "table")
