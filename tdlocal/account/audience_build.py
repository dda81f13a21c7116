"""Build an audience: the database `cdp_audience_<id>` with `customers` and one table a behaviour.

`customers` has one row a customer: every column of the master table, the attributes joined to it, and
`cdp_customer_id`, a hash of the master's join columns, so that a person keeps the same id in every build.
Tables are made aside and renamed over the live ones when all of them stand.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tdlocal.account.segment_matrix import CUSTOMER, Column, Matrix
from tdlocal.account.segment_operators import identifier, text_literal
from tdlocal.engine.types import Engine, TableInfo

ASIDE = "__next"
KINDS_BY_TYPE = {"bigint": "number", "double": "number", "array(varchar)": "string_array"}
ARRAYS_OF_NUMBERS = ("array(bigint)", "array(double)")


class BuildFault(Exception):
    """An audience that cannot be built; `faults` tells everything that is missing."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = list(faults)


@dataclass(frozen=True)
class Step:
    """One table to make: its name and the select that fills it."""

    table: str
    sql: str


def steps(audience: int, definition: Mapping[str, Any], engine: Engine) -> list[Step]:
    """The tables to make, customers first. Raises BuildFault naming every missing table and column."""
    database = f"cdp_audience_{audience}"
    sources = _Sources(engine)
    master = definition["master"]
    table = sources.table(master["parentDatabaseName"], master["parentTableName"], "master")
    keys = join_columns(definition)
    sources.need(table, keys, "master")
    sources.need(table, [one["columnName"] for one in definition["audienceFilters"]], "audienceFilters")
    groups = attribute_groups(definition["attributes"])
    for group in groups:
        sources.check(group)
    behaviors = [Behavior(part, sources) for part in definition["behaviors"]]
    if table is not None:
        taken = {column.name for column in table.columns} | {CUSTOMER}
        for attribute in definition["attributes"]:
            if attribute["matrixColumnName"] in taken:
                sources.faults.append(
                    f"attribute {attribute['name']!r}: the master table has a column"
                    f" {attribute['matrixColumnName']!r} already"
                )
    if sources.faults or table is None:
        raise BuildFault(sources.faults)
    made = [
        Step("customers", customers_sql(table, keys or plain_columns(table), groups, definition, sources))
    ]
    return made + [Step(one.table, one.sql(database, table)) for one in behaviors]


def build(
    audience: int,
    definition: Mapping[str, Any],
    engine: Engine,
    session: int,
    cancelled: threading.Event | None = None,
) -> dict[str, int]:
    """Make all tables and put them in place; return the rows of each.

    Args:
        audience: its id, which names the database.
        definition: see Audiences.definition.
        engine: where the tables are.
        session: unix seconds that `td_scheduled_time()` stands for.
        cancelled: set it to stop the build; the statement in hand then fails.
    """
    plan = steps(audience, definition, engine)
    database = f"cdp_audience_{audience}"
    if database not in engine.databases():
        engine.create_database(database)
    for step in plan:
        aside = step.table + ASIDE
        if engine.table(database, aside) is not None:
            engine.drop_table(database, aside)
        sql = f"create table {identifier(aside)} as\n{step.sql}"
        engine.run(sql, database=database, scheduled_time=session, cancelled=cancelled).close()
    for step in plan:
        engine.rename_table(database, step.table + ASIDE, step.table, overwrite=True)
    wanted = {step.table for step in plan}
    for table in engine.tables(database):
        if table.name.startswith("behavior_") and table.name not in wanted:
            engine.drop_table(database, table.name)
    return {table.name: table.rows for table in engine.tables(database) if table.name in wanted}


def matrix_of(audience: int, definition: Mapping[str, Any], engine: Engine) -> Matrix:
    """What rules may use: as built, or, before the first build, as declared."""
    database = f"cdp_audience_{audience}"
    built = {table.name: table for table in engine.tables(database)} if database in engine.databases() else {}
    declared = {one["matrixColumnName"]: Column(one["type"]) for one in definition["attributes"]}
    master = definition["master"]
    source = built.get("customers") or engine.table(master["parentDatabaseName"], master["parentTableName"])
    customers = stored_columns(source, declared)
    if "customers" not in built:
        customers |= {name: column for name, column in declared.items() if name not in customers}
    behaviors = {}
    for part in definition["behaviors"]:
        name = part["matrixTableName"]
        columns = {one["matrixColumnName"]: Column(one["type"]) for one in part["schema"]}
        columns.setdefault("timestamp", Column("timestamp", "bigint"))
        source = built.get(name)
        if source is None and part["allColumns"]:
            source = engine.table(part["parentDatabaseName"], part["parentTableName"])
        stored = stored_columns(source, columns)
        behaviors[name] = stored if name in built else columns | stored
    return Matrix(database, customers, behaviors)


def stored_columns(table: TableInfo | None, declared: Mapping[str, Column]) -> dict[str, Column]:
    """The table's columns with the kind they were declared with, or the kind of their type."""
    found = {}
    for column in table.columns if table else ():
        known = declared.get(column.name)
        kind = known.kind if known else kind_of(column.name, column.type)
        found[column.name] = Column(kind, column.type)
    return found


def kind_of(name: str, stored: str) -> str:
    if name == "time":
        return "timestamp"
    if stored in ARRAYS_OF_NUMBERS:
        return "number_array"
    return KINDS_BY_TYPE.get(stored, "string")


def join_columns(definition: Mapping[str, Any]) -> list[str]:
    """The master's columns that attributes and behaviours join to, in order of first use."""
    parts = (*definition["attributes"], *definition["behaviors"])
    return list(dict.fromkeys(part["foreignKey"] for part in parts))


def plain_columns(table: TableInfo) -> list[str]:
    names = [column.name for column in table.columns if column.name != "time" and is_orderable(column.type)]
    return names or ["time"]


def is_orderable(stored: str) -> bool:
    return not stored.startswith(("array", "map"))


@dataclass(frozen=True)
class Group:
    """Attributes that come from the same row of the same table."""

    database: str
    table: str
    key: str
    foreign_key: str
    attributes: tuple[Mapping[str, Any], ...]


def attribute_groups(attributes: Iterable[Mapping[str, Any]]) -> list[Group]:
    found: dict[tuple[str, str, str, str], list[Mapping[str, Any]]] = {}
    for one in attributes:
        key = (one["parentDatabaseName"], one["parentTableName"], one["parentKey"], one["foreignKey"])
        found.setdefault(key, []).append(one)
    return [Group(*key, tuple(members)) for key, members in found.items()]


class _Sources:
    """Looks tables and columns up and gathers what is missing."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.faults: list[str] = []
        self._tables: dict[tuple[str, str], TableInfo | None] = {}

    def table(self, database: str, name: str, place: str) -> TableInfo | None:
        if (database, name) not in self._tables:
            there = database in self.engine.databases()
            self._tables[database, name] = self.engine.table(database, name) if there else None
        found = self._tables[database, name]
        if found is None:
            self.faults.append(f"{place}: table {database}.{name} does not exist")
        return found

    def need(self, table: TableInfo | None, columns: Iterable[str], place: str) -> None:
        if table is None:
            return
        known = {column.name for column in table.columns}
        for name in dict.fromkeys(columns):
            if name not in known:
                self.faults.append(f"{place}: {table.database}.{table.name} has no column {name!r}")

    def check(self, group: Group) -> None:
        names = ", ".join(repr(one["name"]) for one in group.attributes)
        table = self.table(group.database, group.table, f"attribute {names}")
        self.need(table, [group.key], f"attribute {names}")
        for one in group.attributes:
            self.need(table, [one["parentColumn"]], f"attribute {one['name']!r}")

    def type(self, database: str, table: str, column: str) -> str:
        found = self._tables[database, table]
        columns = found.columns if found else ()
        return next((one.type for one in columns if one.name == column), "varchar")


class Behavior:
    """One behaviour: its checks, made at once, and its select."""

    def __init__(self, part: Mapping[str, Any], sources: _Sources) -> None:
        self.part, self.sources = part, sources
        self.table = str(part["matrixTableName"])
        place = f"behavior {part['name']!r}"
        self.source = sources.table(part["parentDatabaseName"], part["parentTableName"], place)
        columns = [one["parentColumn"] for one in part["schema"]]
        sources.need(self.source, [part["parentKey"], *columns], place)

    def columns(self) -> dict[str, str]:
        """Column in the matrix → column of the source."""
        found = {one["matrixColumnName"]: one["parentColumn"] for one in self.part["schema"]}
        if self.part["allColumns"] and self.source:
            taken = set(found.values())
            found |= {one.name: one.name for one in self.source.columns if one.name not in taken}
        found.setdefault("timestamp", "time")
        found.setdefault("time", "time")
        found.pop(CUSTOMER, None)
        return found

    def sql(self, database: str, master: TableInfo) -> str:
        picked = [f"b.{identifier(column)} as {identifier(name)}" for name, column in self.columns().items()]
        listed = ",\n  ".join([f"c.{identifier(CUSTOMER)}", *picked])
        source = f"{identifier(self.part['parentDatabaseName'])}.{identifier(self.part['parentTableName'])}"
        customers = f"{identifier(database)}.{identifier('customers' + ASIDE)}"
        join = same(
            (f"c.{identifier(self.part['foreignKey'])}", column_type(master, self.part["foreignKey"])),
            (f"b.{identifier(self.part['parentKey'])}", column_type(self.source, self.part["parentKey"])),
        )
        return f"select\n  {listed}\nfrom {source} b\ninner join {customers} c on {join}"


def customers_sql(
    table: TableInfo,
    keys: Sequence[str],
    groups: Sequence[Group],
    definition: Mapping[str, Any],
    sources: _Sources,
) -> str:
    """The select of `customers`: a row of the master with any join column set, once."""
    names = [column.name for column in table.columns if column.name != CUSTOMER]
    parted = ", ".join(identifier(key) for key in keys)
    ties = ", ".join(identifier(one.name) for one in table.columns if is_orderable(one.type))
    wheres = ["(" + " or ".join(f"{identifier(key)} is not null" for key in keys) + ")"]
    for one in definition["audienceFilters"]:
        values = ", ".join(text_literal(value) for value in one["rightValues"])
        wheres.append(f"{as_text(one['columnName'])} in ({values or 'null'})")
    selected = [
        f"{hashed('m', keys)} as {identifier(CUSTOMER)}",
        *(f"m.{identifier(name)}" for name in names),
    ]
    joins = []
    for number, group in zip(itertools.count(1), groups, strict=False):
        alias = f"a{number}"
        selected += [
            f"{alias}.{identifier(one['parentColumn'])} as {identifier(one['matrixColumnName'])}"
            for one in group.attributes
        ]
        join = same(
            (f"m.{identifier(group.foreign_key)}", column_type(table, group.foreign_key)),
            (f"{alias}.{identifier(group.key)}", sources.type(group.database, group.table, group.key)),
        )
        joins.append(f"left join (\n{first_rows(group, sources)}\n) {alias} on {join}")
    listed = ",\n  ".join(selected)
    master = f"{identifier(table.database)}.{identifier(table.name)}"
    return (
        f"select\n  {listed}\nfrom (\n"
        f"  select *, row_number() over (partition by {parted} order by {ties}) as _place\n"
        f"  from {master}\n  where {' and '.join(wheres)}\n) m\n" + "\n".join([*joins, "where m._place = 1"])
    )


def first_rows(group: Group, sources: _Sources) -> str:
    """One row a key of an attribute table: the newest, ties broken by the attributes themselves."""
    columns = list(dict.fromkeys([group.key, *(one["parentColumn"] for one in group.attributes)]))
    ties = [
        identifier(name)
        for name in columns[1:]
        if is_orderable(sources.type(group.database, group.table, name)) and name != "time"
    ]
    listed = ", ".join(identifier(name) for name in columns)
    order = ", ".join([f"{identifier('time')} desc", *ties])
    key = identifier(group.key)
    return (
        f"  select {listed} from (\n"
        f"    select {listed}, row_number() over (partition by {key} order by {order}) as _place\n"
        f"    from {identifier(group.database)}.{identifier(group.table)} where {key} is not null\n"
        f"  ) ranked where _place = 1"
    )


def hashed(alias: str, keys: Sequence[str]) -> str:
    texts = [f"coalesce(cast({alias}.{identifier(key)} as varchar), '')" for key in keys]
    joined = texts[0] if len(texts) == 1 else f"concat({', chr(31), '.join(texts)})"
    return f"lower(to_hex(sha1(to_utf8({joined}))))"


def as_text(column: str) -> str:
    return f"cast({identifier(column)} as varchar)"


def same(first: tuple[str, str], second: tuple[str, str]) -> str:
    """Equality of two columns; as text when their types differ."""
    if first[1] == second[1]:
        return f"{first[0]} = {second[0]}"
    return f"cast({first[0]} as varchar) = cast({second[0]} as varchar)"


def column_type(table: TableInfo | None, name: str) -> str:
    return next((one.type for one in (table.columns if table else ()) if one.name == name), "varchar")
