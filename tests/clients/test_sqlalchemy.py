"""SQLAlchemy with the trino driver's dialect: statements, reflection, tables made and filled."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import quote_plus

import pandas as pd
import pytest

from tdlocal.local_server import LocalServer

sa = pytest.importorskip("sqlalchemy")


@pytest.fixture
def engine(server: LocalServer, database: str) -> Iterator[sa.Engine]:
    address = server.url.removeprefix("http://")
    made = sa.create_engine(
        f"trino://{quote_plus(server.key)}@{address}/td-presto/{database}",
        connect_args={"http_scheme": "http"},
    )
    yield made
    made.dispose()


def test_statements_with_parameters(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select :a as a, 2 as b"), {"a": "it's"}).fetchall()
    assert rows == [("it's", 2)]


def test_tables_are_made_filled_and_read(engine: sa.Engine) -> None:
    table = sa.Table("made", sa.MetaData(), sa.Column("n", sa.BigInteger), sa.Column("s", sa.String))
    table.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(table.insert().values(n=1, s="x"))
        connection.execute(table.insert().values(n=2, s=None))
        rows = connection.execute(sa.select(table.c.n, table.c.s).order_by(table.c.n)).fetchall()
        frame = pd.read_sql("select n from made order by n", connection)
    assert rows == [(1, "x"), (2, None)]
    assert frame["n"].tolist() == [1, 2]


def test_reflection(engine: sa.Engine, database: str) -> None:
    with engine.connect() as connection:
        connection.execute(sa.text("create table shown (n bigint, s varchar, l array(double))"))
    inspector = sa.inspect(engine)
    assert database in inspector.get_schema_names()
    assert inspector.get_table_names() == ["shown"]
    assert inspector.has_table("shown") and not inspector.has_table("hidden")
    columns = {column["name"]: str(column["type"]) for column in inspector.get_columns("shown")}
    assert columns["n"] == "BIGINT" and columns["s"].startswith("VARCHAR") and "time" in columns
    reflected = sa.Table("shown", sa.MetaData(), autoload_with=engine)
    assert {"n", "s", "l", "time"} == set(reflected.columns.keys())
