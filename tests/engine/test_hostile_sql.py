"""DuckDB's doors that Trino does not have stay shut, whatever the client writes."""

import contextlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tdlocal.engine import open_engine
from tdlocal.engine.types import EngineError

DOORS = [
    "select * from read_csv('/etc/passwd')",
    "select * from read_text('/etc/passwd')",
    "select * from read_blob('/etc/passwd')",
    "select * from read_parquet('x.parquet')",
    "select * from '/etc/passwd'",
    'select * from "/etc/passwd"',
    'select * from "x.csv"',
    "select * from glob('/*')",
    "select * from sniff_csv('/etc/passwd')",
    "select read_text('/etc/passwd')",
    "select content from read_text('/etc/passwd') t(content)",
    "copy (select 1) to '/tmp/out.csv'",
    "copy t from '/etc/passwd'",
    "export database '/tmp/out'",
    "import database '/tmp/out'",
    "attach ':memory:' as other",
    "attach '/tmp/other.duckdb'",
    "detach td",
    "install httpfs",
    "load httpfs",
    "update extensions",
    "pragma database_list",
    "pragma version",
    "call pragma_version()",
    "checkpoint",
    "force checkpoint",
    "vacuum",
    "set memory_limit = '1TB'",
    "set global enable_external_access = true",
    "set search_path = 'main'",
    "reset memory_limit",
    "set variable x = 1",
    "begin",
    "begin transaction",
    "start transaction",
    "commit",
    "prepare p as select 1",
    "create macro f() as 1",
    "create function f() as 1",
    "create view v as select 1",
    "create temp table x as select 1",
    "create index i on t (a)",
    "create sequence s",
    "create type e as enum ('a')",
    "create secret s (type s3)",
    "select * from duckdb_settings()",
    "select * from duckdb_tables()",
    "select * from duckdb_databases()",
    "select * from pragma_database_list()",
    "select * from pragma_table_info('t')",
    "select * from query('select 1')",
    "select * from query_table('t')",
    "select * from json_execute_serialized_sql('{}')",
    "select * from range(10)",
    "select * from generate_series(1, 3)",
    "select getenv('HOME')",
    "select current_setting('memory_limit')",
    "select getvariable('x')",
    "select py_fail('A', 'b')",
    "select py_url_part('a', 'host')",
    "select nextval('s')",
    "select * from main.t",
    'select * from "td-once"',
    'select * from main."td-once"',
    "select * from memory.information_schema.tables",
    "select * from pg_catalog.pg_tables",
    "select * from information_schema.key_column_usage",
    "select 1 as a; copy t to 'x'",
    "summarize t",
    "describe select 1",
    "pivot t on a",
    "select * from t; install x",
    "select columns(*) from t",
    "select #1 from t",
    "select $1",
    "select a from t using sample 1",
    "from t",
    "values (1) union by name values (2)",
    "select unnest([1,2])",
    "select struct_pack(a := 1)",
    "select 1 order by all",
    "select list_transform([1], lambda x: x)",
    "select try(1/0) over ()",
    "select * from t at (version => 1)",
]


@pytest.fixture(scope="module")
def engine():
    opened = open_engine(None)
    opened.create_database("shop")
    opened.run("create table t as select 1 a", database="shop", scheduled_time=0)
    yield opened
    opened.close()


@pytest.mark.parametrize("sql", DOORS)
def test_is_refused(engine, sql):
    with pytest.raises(EngineError) as caught:
        engine.run(sql, database="shop", scheduled_time=0)
    assert caught.value.kind == "USER_ERROR"


def test_quoted_names_are_names_and_nothing_else(engine):
    run = lambda sql: engine.run(sql, database="shop", scheduled_time=0)  # noqa: E731
    name = '"a""; drop table t; --"'
    run(f"create table {name} as select 1 as {name}")
    answer = run(f"select {name} from {name}")
    assert [row for batch in answer.batches() for row in batch] == [(1,)]
    run(f"drop table {name}")
    assert engine.table("shop", "t") is not None


@pytest.mark.parametrize(
    "text", ["it's", "\\'; drop table t; --", "$1 {0} %s", "\0", "\ue000\ue002", "é日本", "$$a$$"]
)
def test_strings_come_back_as_they_were(engine, text):
    quoted = text.replace("'", "''")
    answer = engine.run(f"select '{quoted}', max('{quoted}')", database="shop", scheduled_time=0)
    assert [row for batch in answer.batches() for row in batch] == [(text, text)]


WORDS = st.sampled_from(
    """select from where group by order limit ( ) , * . 1 1.5 1e0 'a' "b" t a b count sum max ( -> x [ ]
    array row
    map cast as bigint varchar case when then else end and or not in is null like between + - / % || = < >
    <> union
    all join on using unnest with values interval '1' day date '2020-01-01' try if coalesce over partition
    ; --
    distinct lateral cross left ? exists json_value timestamp at time zone 'UTC' extract transform
    filter""".split()
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.lists(WORDS, max_size=25).map(" ".join), st.text(max_size=60), st.text().map("select ".__add__)
    )
)
def test_any_text_gives_rows_or_an_engine_error(engine, text):
    with contextlib.suppress(EngineError):
        engine.run(text, database="shop", scheduled_time=0).close()


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(WORDS, min_size=1, max_size=8))
def test_any_expression_gives_rows_or_a_users_error(engine, words):
    try:
        engine.run(f"select {' '.join(words)} from t", database="shop", scheduled_time=0).close()
    except EngineError as error:
        assert error.kind == "USER_ERROR", error.message


def test_deep_nesting_is_an_error_and_no_crash(engine):
    for text in (
        "(" * 5000 + "1" + ")" * 5000,
        "not " * 5000 + "true",
        "-" * 3000 + "1",
        "+".join(["1"] * 5000),
    ):
        with contextlib.suppress(EngineError):
            engine.run(f"select {text}", database="shop", scheduled_time=0).close()
