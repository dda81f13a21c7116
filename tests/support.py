"""What many tests need: where shared data lies, and SQL run by rows in, rows out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import quickjs
import yaml

from tdlocal.engine import open_engine
from tdlocal.engine.types import Column, Engine

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
SESSION_UNIXTIME = 1_793_491_200  # 2026-11-01T00:00:00Z, the session of the sample shop

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder ../shared is not here")

PARAMS: dict[str, Any] = {
    "raw": "raw",
    "prp": "prp",
    "src": "src",
    "stg": "staging",
    "unif": "cdp_unification",
    "gld": "golden",
    "ana": "analytics",
    "sub": "t",
    "unification_id": "retail_unification_id",
    "session_unixtime": SESSION_UNIXTIME,
    "since": 0,
}

STANDARD_TABLES = {
    "words": "kind word code",
    "phone_rules": "country calling_code is_main international_prefix national_prefix "
    "transform_text transform_group pattern lengths",
    "emails_standard": "email trfmd_email valid_email_flag reason",
    "phones_standard": "phone_number country trfmd_phone_number reason",
    "names_standard": "kind name trfmd_name title suffix",
    "addresses_standard": "address country trfmd_address",
    "dates_standard": "source value trfmd_unix is_ambiguous",
}
DATABASES = {"src": "src_t", "stg": "staging_t"}
READ_TABLE = r"\$\{(src|stg)\}_\$\{sub\}\.(\w+)"

ARROW_TYPES = {"bigint": pa.int64(), "double": pa.float64(), "varchar": pa.string()}


def render(text: str, params: Mapping[str, Any]) -> str:
    """Evaluate every ``${…}`` of *text* as JavaScript over *params*, as Digdag does."""
    context = quickjs.Context()
    for name, value in params.items():
        context.eval(f"var {name} = {json.dumps(value)}")

    def evaluate(match: re.Match[str]) -> str:
        value = json.loads(context.eval(f"JSON.stringify({match[1]})") or "null")
        if value is None:
            return ""
        return value if isinstance(value, str) else json.dumps(value)

    return re.sub(r"\$\{(.*?)\}", evaluate, text, flags=re.DOTALL)


def column_type(values: Sequence[Any]) -> str:
    """Return the Trino type that holds every value of a column; all null is varchar."""
    seen = {type(value) for value in values if value is not None}
    if seen <= {int} and seen:
        return "bigint"
    if seen <= {int, float} and seen:
        return "double"
    if seen == {list}:
        return f"array({column_type([item for value in values if value for item in value])})"
    return "varchar"


def arrow_type(trino: str) -> pa.DataType:
    """Return the Arrow type of a Treasure Data column type."""
    if trino.startswith("array("):
        return pa.list_(arrow_type(trino[6:-1]))
    return ARROW_TYPES[trino]


def put_rows(
    engine: Engine, table: str, rows: Sequence[Mapping[str, Any]], types: Mapping[str, str] | None = None
) -> None:
    """Create *table* (``database.name``) and fill it.

    Args:
        types: column name → type, also of columns that no row names; the rest is told from the values.
    """
    database, name = table.split(".")
    if database not in engine.databases():
        engine.create_database(database)
    columns = dict(types or {})
    for column in dict.fromkeys(column for row in rows for column in row):
        if column not in columns:
            columns[column] = column_type([row.get(column) for row in rows])
    columns.setdefault("time", "bigint")
    engine.create_table(database, name, [Column(column, kind) for column, kind in columns.items()])
    if rows:
        engine.append(
            database,
            name,
            pa.table(
                {
                    column: pa.array(
                        [row.get(column, SESSION_UNIXTIME if column == "time" else None) for row in rows],
                        type=arrow_type(kind),
                    )
                    for column, kind in columns.items()
                }
            ),
        )


def known_tables(sql: str) -> dict[str, dict[str, str]]:
    """Return the tables that *sql* reads and whose columns are known: the retail schema, standard values."""
    schema = yaml.safe_load((ROOT / "config/retail_schema.yml").read_text(encoding="utf-8"))
    types = {"string": "varchar", "long": "bigint", "double": "double"}
    known = {
        f"src_t.{table}": {column: types[kind] for column, kind in columns.items()}
        for table, columns in schema.items()
    }
    known |= {
        f"staging_t.{table}__next": dict.fromkeys(columns.split(), "varchar")
        for table, columns in STANDARD_TABLES.items()
    }
    known["staging_t.dates_standard__next"]["trfmd_unix"] = "bigint"
    read = {f"{DATABASES[prefix]}.{table}" for prefix, table in re.findall(READ_TABLE, sql)}
    return {table: columns for table, columns in known.items() if table in read}


def run_sql(
    engine: Engine,
    sql_file: Path,
    params: Mapping[str, Any],
    given: Mapping[str, Sequence[Mapping[str, Any]]],
    types: Mapping[str, Mapping[str, str]] | None = None,
) -> list[dict[str, Any]]:
    """Answer *sql_file* for the rows of *given*, written to a table first as the workflow does."""
    text = sql_file.read_text(encoding="utf-8")
    tables = {**known_tables(text), **(types or {})}
    for table in [*tables, *(name for name in given if name not in tables)]:
        put_rows(engine, table, given.get(table, ()), tables.get(table))
    sql = render(text, {**PARAMS, **params})
    database = next(iter([*tables, *given]), "t.t").split(".")[0]
    if database not in engine.databases():
        engine.create_database(database)
    engine.run(
        f"create table {database}.answer__next as\n{sql}",
        database=database,
        scheduled_time=SESSION_UNIXTIME,
        strict=True,
    )
    answer = engine.run(sql, database=database, scheduled_time=SESSION_UNIXTIME, strict=True)
    names = [column.name for column in answer.columns]
    return [dict(zip(names, row, strict=True)) for batch in answer.batches() for row in batch]


@pytest.fixture(scope="session")
def opened_engine() -> Any:
    """One engine in memory for all tests of a worker: opening takes longer than most of them."""
    opened = open_engine(None)
    yield opened
    opened.close()


@pytest.fixture
def engine(opened_engine: Engine) -> Any:
    """An empty engine in memory."""
    assert opened_engine.databases() == []
    yield opened_engine
    for database in opened_engine.databases():
        opened_engine.drop_database(database)
