"""config/schema_map.yml: read, checked whole, and turned into SQL. No query runs here."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.python.declared_prep import DeclaredPrep, read_prep
from common.python.errors import TaskError, told_together
from common.python.lined_yaml import Lined
from common.python.retail_schema import FILE as SCHEMA_FILE
from common.python.retail_schema import TYPES, did_you_mean, read_schema, type_named
from common.python.treasure import identifier, literal
from common.python.written_numbers import FORMS, number_text, whole_text

FILE = "config/schema_map.yml"
QUERIES = Path("prep/queries")
TABLE_KEYS = ("prp_table_name", "prep", "columns", "description")
COLUMN_KEYS = ("prp", "src", "type", "expr", "default", "required", "description", "extra", "number")
TEXT_TYPES = ("string", "varchar")
PAIRS = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True)
class MappedColumn:
    """One column of a src table and where it comes from; `prp` and `expr` empty: it is null."""

    name: str
    type: str
    prp: str = ""
    source_name: str = ""
    expr: str = ""
    default: Any = None
    required: bool = False
    place: str = ""
    number: str = ""  # how the source writes numbers, a word of written_numbers.FORMS; empty: plainly

    def read_from(self, prp_columns: Mapping[str, str]) -> str:
        """Return the PRP column that is read, empty when the table has none of its names."""
        return next((name for name in (self.prp, self.source_name) if name and name in prp_columns), "")


@dataclass(frozen=True)
class MappedTable:
    """One table of the map. An absent one has no columns from anywhere."""

    name: str
    prp_table: str
    columns: tuple[MappedColumn, ...]
    absent: bool = False
    place: str = ""
    prep: DeclaredPrep | None = None


def read_map(
    schema: Mapping[str, Mapping[str, str]],
    tables: Sequence[str],
    absent: Sequence[str],
    path: str = FILE,
) -> list[MappedTable]:
    """Return the tables of the map, in the order of *tables*, every column of the schema in each.

    Args:
        schema: table → column → type of the retail schema.
        tables: the source tables of config/src_params.yml.
        absent: those that the shop does not have.
        path: the map's file.

    Raises:
        TaskError: faults of the file, all of them, each with its line.
    """
    source = Lined(path)
    faults = list(source.doubled)
    faults += table_faults(source, schema, tables, absent)
    found = []
    for table in tables:
        if table not in schema:
            continue
        entry = source.data.get(table) or {}
        if not isinstance(entry, dict):
            continue
        is_absent = table in absent or str(entry.get("prp_table_name", "")).lower() in (
            "not exists",
            "absent",
        )
        columns = mapped_columns(source, table, entry, schema[table], faults)
        if is_absent:
            columns = tuple(MappedColumn(column.name, column.type) for column in columns)
        prp_table = str(entry.get("prp_table_name") or table)
        prep = None
        if "prep" in entry:
            prep, wrong = read_prep(entry["prep"], source.place(table, "prep"))
            faults += wrong
        found.append(MappedTable(table, prp_table, columns, is_absent, source.place(table), prep))
    if faults:
        raise told_together(faults, where=path, mend="mend these lines; no query has run yet")
    return found


def mapping(tables: Any, absent_tables: Any) -> list[MappedTable]:
    """Return the checked map for the tables of config/src_params.yml (names, or maps with src_table_name)."""
    return read_map(read_schema(), table_names(tables), table_names(absent_tables))


def table_names(tables: Any) -> list[str]:
    """Return names of tables as the config gives them.

    >>> table_names([{"src_table_name": "consents"}, "pageviews"]), table_names('["a"]')
    (['consents', 'pageviews'], ['a'])
    """
    found = json.loads(tables) if isinstance(tables, str) and tables else tables or []
    return [table["src_table_name"] if isinstance(table, dict) else str(table) for table in found]


def table_faults(
    source: Lined, schema: Mapping[str, Any], tables: Sequence[str], absent: Sequence[str]
) -> list[str]:
    """Return what is wrong with the names of tables."""
    faults = [
        f"config/src_params.yml: table {table!r} is not in {SCHEMA_FILE}{did_you_mean(table, schema)}"
        for table in [*tables, *absent]
        if table not in schema
    ]
    for table, entry in source.data.items():
        place = source.place(table)
        if table not in schema:
            faults.append(f"{place}: no table {table} in {SCHEMA_FILE}{did_you_mean(table, schema)}")
        elif not isinstance(entry, dict):
            faults.append(f"{place}: {table} is no map with prp_table_name and columns")
        else:
            faults += [
                f"{source.place(table, key)}: unknown key {key}{did_you_mean(key, TABLE_KEYS)}"
                for key in entry
                if key not in TABLE_KEYS
            ]
            if not isinstance(entry.get("columns") or {}, dict):
                faults.append(f"{source.place(table, 'columns')}: columns of {table} are no map")
    faults += [
        f"{source.path}: table {table} is not mapped; map it, or list it under absent_tables of"
        " config/src_params.yml"
        for table in tables
        if table in schema and table not in source.data and table not in absent
    ]
    return faults


def mapped_columns(
    source: Lined, table: str, entry: Mapping[str, Any], known: Mapping[str, str], faults: list[str]
) -> tuple[MappedColumn, ...]:
    """Return the columns of one table: those of the schema in its order, then extra ones."""
    columns = entry.get("columns") or {}
    found: dict[str, MappedColumn] = {}
    for key, spec in columns.items() if isinstance(columns, dict) else ():
        place = source.place(table, "columns", key)
        spec = {"prp": spec} if isinstance(spec, str) else spec
        problem = column_fault(key, spec, known)
        if problem:
            faults.append(f"{place}: {problem}")
            continue
        name, source_name = target_name(key, spec, known)
        if name in found:
            faults.append(f"{place}: {table}.{name} has two sources; the other is {found[name].place}")
            continue
        found[name] = MappedColumn(
            name,
            type_named(spec.get("type", known.get(name, "string"))) or "string",
            prp=str(spec.get("prp") or ""),
            source_name=source_name,
            expr=str(spec.get("expr") or "").strip(),
            default=spec.get("default"),
            required=bool(spec.get("required", False)),
            place=place,
            number=str(spec.get("number") or ""),
        )
    ordered = [found.pop(name, MappedColumn(name, kind)) for name, kind in known.items()]
    return (*ordered, *found.values())


def column_fault(key: str, spec: Any, known: Mapping[str, str]) -> str:
    """Return what is wrong with one column's entry, empty when nothing is."""
    if not isinstance(spec, dict):
        return f"{key} is no map like {{prp: …, type: string}}"
    unknown = [name for name in spec if name not in COLUMN_KEYS]
    if unknown:
        return f"{key}: unknown key {unknown[0]}{did_you_mean(unknown[0], COLUMN_KEYS)}"
    if spec.get("type") is not None and type_named(spec["type"]) is None:
        return f"{key}: unknown type {spec['type']!r}; use string, long or double"
    src = spec.get("src")
    if key not in known and src not in known and not spec.get("extra"):
        hint = did_you_mean(key, known)
        return f"{key} is no column of the table{hint}; a column of your own needs `extra: true`"
    if src in known and key in known and src != key:
        return f"{key} and src: {src} are two columns of the table; write one of them"
    if spec.get("number") and (spec["number"] not in FORMS or type_named(spec.get("type")) == "string"):
        return f"{key}: number is {' or '.join(FORMS)}, and for columns of type long or double"
    if spec.get("prp") and spec.get("expr"):
        return f"{key}: prp and expr exclude each other; write one"
    return (
        f"{key}: {expression_fault(str(spec['expr']))}"
        if expression_fault(str(spec.get("expr") or ""))
        else ""
    )


def target_name(key: str, spec: Mapping[str, Any], known: Mapping[str, str]) -> tuple[str, str]:
    """Return the column that is written, and what the source itself may call it.

    `src` names the column of the src table. Where it is no column of the schema but the key is one, it is
    taken for the source's own name.

    >>> target_name("customer_id", {"src": "cust_id"}, {"customer_id": "string"})
    ('customer_id', 'cust_id')
    >>> target_name("mail", {"src": "email"}, {"email": "string"})
    ('email', '')
    """
    src = str(spec.get("src") or key)
    if src in known or (key not in known and spec.get("src")):
        return src, ""
    return key, "" if src == key else src


def expression_fault(expression: str) -> str:
    """Return what is unbalanced in a Trino expression, empty when nothing is.

    >>> expression_fault("lower(trim(x)"), expression_fault("concat(a, ')')"), expression_fault("a; b")
    ('a bracket is not closed', '', 'an expression holds no semicolon')
    """
    bare = re.sub(r"'(?:[^']|'')*'", "''", expression)
    bare = re.sub(r'"(?:[^"]|"")*"', '""', bare)
    if "'" in bare.replace("''", ""):
        return "a quote is not closed"
    if ";" in bare:
        return "an expression holds no semicolon"
    if "--" in bare or "/*" in bare:
        return "an expression holds no comment"
    open_brackets: list[str] = []
    for character in bare:
        if character in "([{":
            open_brackets.append(character)
        elif character in PAIRS and (not open_brackets or open_brackets.pop() != PAIRS[character]):
            return "a bracket is closed that was not opened"
    return "a bracket is not closed" if open_brackets else ""


def missing_columns(table: MappedTable, prp_columns: Mapping[str, str]) -> list[MappedColumn]:
    """Return the mapped columns that the PRP table does not have."""
    return [column for column in table.columns if column.prp and not column.read_from(prp_columns)]


def value_sql(column: MappedColumn, prp_columns: Mapping[str, str]) -> str:
    """Return the SQL of one column's value, of its type.

    >>> value_sql(MappedColumn("points", "long", prp="p"), {"p": "string"})
    'try_cast(regexp_replace(nullif(trim("p"), \\'\\'), \\'[.]0+$\\', \\'\\') as bigint)'
    """
    target = TYPES[column.type]
    if column.expr:
        value = f"try_cast(({column.expr}) as {target})"
    else:
        name = column.read_from(prp_columns)
        value = (
            converted(identifier(name), prp_columns[name], column.type, column.number)
            if name
            else f"cast(null as {target})"
        )
    if column.default is not None:
        value = f"coalesce({value}, {literal(column.default, target)})"
    return value


def converted(name: str, kind: str, target: str, number: str = "") -> str:
    """Return *name*, of Treasure Data type *kind*, as *target*; a value that cannot be is null.

    Args:
        number: how text writes numbers, a word of written_numbers.FORMS; empty: plainly, as 1234.5.
    """
    if target == "string":
        if kind in TEXT_TYPES:
            return name
        if kind == "double":  # 12345, not 1.2345E4: numbers of orders and people come as doubles
            whole = f"{name} = floor({name}) and abs({name}) < 1e15"
            digits = f"cast(cast({name} as bigint) as varchar)"
            return f"case when {whole} then {digits} else cast({name} as varchar) end"
        nested = kind.startswith(("array", "map", "row"))
        return f"json_format(cast({name} as json))" if nested else f"cast({name} as varchar)"
    if kind in TEXT_TYPES:
        text = number_text(name, number) if number else f"nullif(trim({name}), '')"
        text = whole_text(text) if target == "long" else text
        return f"try_cast({text} as {TYPES[target]})"
    return name if kind == target else f"try_cast({name} as {TYPES[target]})"


def map_sql(table: MappedTable, prp_columns: Mapping[str, str], prp_database: str, session: int) -> str:
    """Return the select that makes the src table of its PRP table.

    Args:
        table: the map's entry.
        prp_columns: column → type of the PRP table, `time` included where it has one.
        prp_database: its database.
        session: session_unixtime of the run, the value of built_for.
    """
    values = [(value_sql(column, prp_columns), column.name) for column in table.columns]
    if "time" not in (column.name for column in table.columns):
        values.append(("try_cast(time as bigint)" if "time" in prp_columns else str(session), "time"))
    values.append((str(session), "built_for"))
    lines = ",\n".join(f"    {value} as {identifier(name)}" for value, name in values)
    if table.absent:
        return f"select\n{lines}\nfrom (values (1)) as nothing (one)\nwhere one = 0"
    return f"select\n{lines}\nfrom {identifier(prp_database)}.{identifier(table.prp_table)}"


def rejects_sql(
    table: MappedTable, prp_columns: Mapping[str, str], prp_database: str
) -> tuple[str, list[MappedColumn]]:
    """Return a query of one row (rows of the table, then values lost per column) and its columns.

    The SQL is empty when no value can be lost.
    """
    columns = [column for column in table.columns if may_lose(column, prp_columns)]
    if not columns or table.absent:
        return "", []
    counts = ",\n".join(
        f"    count_if({lost_sql(column, prp_columns)}) as c{i}" for i, column in enumerate(columns)
    )
    source = f"{identifier(prp_database)}.{identifier(table.prp_table)}"
    return f"select\n    count(*) as rows_read,\n{counts}\nfrom {source}", columns


def may_lose(column: MappedColumn, prp_columns: Mapping[str, str]) -> bool:
    """Tell whether a value of the source can fail to become the column's type."""
    if column.expr:
        return column.type != "string"
    name = column.read_from(prp_columns)
    return bool(name) and column.type != "string" and prp_columns[name] != column.type


def lost_sql(column: MappedColumn, prp_columns: Mapping[str, str]) -> str:
    """Return the condition of a value that is there and cannot be converted."""
    if column.expr:
        lost = f"try_cast(({column.expr}) as {TYPES[column.type]})"
        return f"coalesce(trim(cast(({column.expr}) as varchar)), '') <> '' and {lost} is null"
    name = column.read_from(prp_columns)
    text = (
        f"trim({identifier(name)})"
        if prp_columns[name] in TEXT_TYPES
        else f"cast({identifier(name)} as varchar)"
    )
    lost = converted(identifier(name), prp_columns[name], column.type, column.number)
    return f"coalesce({text}, '') <> '' and {lost} is null"


def samples_sql(
    table: MappedTable, column: MappedColumn, prp_columns: Mapping[str, str], prp_database: str
) -> str:
    """Return a query of the five most frequent values that were lost."""
    name = f"({column.expr})" if column.expr else identifier(column.read_from(prp_columns))
    return (
        f"select substr(cast({name} as varchar), 1, 200) as sample, count(*) as occurrences\n"
        f"from {identifier(prp_database)}.{identifier(table.prp_table)}\n"
        f"where {lost_sql(column, prp_columns)}\ngroup by 1\norder by 2 desc, 1\nlimit 5"
    )


def raw_tables(sql: str) -> list[tuple[str, int]]:
    """Return the raw tables that a prep query names, with their lines.

    >>> raw_tables("select 1\\nfrom ${raw}_${sub}.crm_export as c")
    [('crm_export', 2)]
    """
    named = re.compile(r"\$\{raw\}_\$\{sub\}\"?\.\"?(\w+)")
    return [
        (match[1], number)
        for number, line in enumerate(sql.splitlines(), start=1)
        for match in named.finditer(line)
    ]


def raw_tables_of(table: MappedTable, folder: Path = QUERIES) -> list[str]:
    """Return the raw tables that a table of the map comes from: those of its prep, else of its query."""
    if table.prep:
        return list(dict.fromkeys(table.prep.sources))
    paths = [folder / f"{name}.sql" for name in (table.name, table.prp_table)]
    path = next((path for path in paths if path.is_file()), None)
    found = raw_tables(path.read_text(encoding="utf-8")) if path else []
    return list(dict.fromkeys(name for name, _ in found))


def no_such_table(name: str) -> TaskError:
    """Return the error for a table that the map does not have."""
    return TaskError(f"table {name} is not mapped", where=FILE, mend="name one of its tables")
