"""What statements write, and what the engine's own methods do to tables."""

import random

import pyarrow as pa
import pytest

from tdlocal.engine.types import Column, EngineError
from tests.engine.conftest import NOW


def types(engine, name):
    return {column.name: column.type for column in engine.table("shop", name).columns}


def test_types_are_stored_as_treasure_data_stores_them(engine, ask):
    columns = "1 as i, real '1.5' as r, 'x' as s, array[1] as a, map(array['k'], array[1]) as m"
    ask(f"create table t as select {columns}")
    assert types(engine, "t") == {
        "i": "bigint", "r": "double", "s": "varchar", "a": "array(bigint)", "m": "varchar", "time": "bigint"
    }  # fmt: skip
    assert ask("select * from t") == [(1, 1.5, "x", [1], '{"k":1}', NOW)]


@pytest.mark.parametrize(
    ("value", "cast"),
    [
        ("date '2020-01-01'", "CAST(c AS varchar)"),
        ("timestamp '2020-01-01 00:00:00'", "CAST(to_unixtime(c) AS bigint)"),
        ("now()", "CAST(to_unixtime(c) AS bigint)"),
        ("1.5", "CAST(c AS double)"),
        ("true", "IF(c, 1, 0)"),
        ("json '1'", "json_format(c)"),
        ("x'00'", "to_hex(c)"),
        ("null", "CAST(c AS varchar)"),
    ],
)
def test_what_is_not_stored_is_refused_with_the_cast_to_write(engine, ask, value, cast):
    with pytest.raises(EngineError) as caught:
        ask(f"create table t as select {value} as c")
    assert cast in caught.value.message
    assert engine.table("shop", "t") is None


def test_without_strictness_it_becomes_text_or_double(engine, ask):
    ask("create table t as select date '2020-01-01' as d, 1.5 as n, true as b", strict=False)
    assert ask("select d, n, b from t") == [("2020-01-01", 1.5, "true")]


def test_time_is_the_scheduled_time_unless_it_is_given(ask):
    ask("create table t as select 1 as n")
    ask("insert into t select 2; insert into t (n, time) values (3, 7)")
    assert ask("select n, time from t order by n") == [(1, NOW), (2, NOW), (3, 7)]


def test_statements_before_a_failing_one_stay_done(engine, ask):
    with pytest.raises(EngineError):
        ask("create table a as select 1 as n; select * from missing; create table b as select 1 as n")
    assert [table.name for table in engine.tables("shop")] == ["a"]


def test_a_syntax_error_anywhere_runs_nothing(engine, ask):
    with pytest.raises(EngineError) as caught:
        ask("create table a as select 1 as n; select from")
    assert caught.value.name == "SYNTAX_ERROR"
    assert engine.tables("shop") == []


def test_a_view_that_is_not_there_is_dropped_if_it_exists(engine, ask):
    assert ask("drop view if exists later") == []
    ask("create table now_there as select 1 a")
    for sql, told in [
        ("drop view later", "does not exist"),
        ("drop view if exists now_there", "but a table with that name exists. Did you mean DROP TABLE"),
    ]:
        with pytest.raises(EngineError, match=told) as caught:
            ask(sql)
        assert caught.value.name == "GENERIC_USER_ERROR"
    assert ask("select a from now_there") == [(1,)]


def test_explain_validates_and_refuses_forms_that_are_no_text(engine, ask):
    assert ask("explain (type validate) select 1") == [(True,)]
    assert len(ask("explain (type distributed, format text) select 1")) == 1
    for sql, name in [
        ("explain (type validate) select nope", "COLUMN_NOT_FOUND"),
        ("explain (type io, format json) select 1", "NOT_SUPPORTED"),
        ("explain (format json) select 1", "NOT_SUPPORTED"),
    ]:
        with pytest.raises(EngineError) as caught:
            ask(sql)
        assert caught.value.name == name


def test_the_cache_sees_a_changed_table(ask):
    ask("create table t as select 1 as n")
    assert ask("select * from t") == [(1, NOW)]
    ask("alter table t add column s varchar")
    assert ask("select * from t") == [(1, NOW, None)]
    ask("drop table t; create table t as select 'x' as n")
    assert ask("select n from t") == [("x",)]


def test_the_cache_sees_another_scheduled_time(engine):
    sql = "select td_scheduled_time()"
    for now in (5, 6):
        answer = engine.run(sql, database="shop", scheduled_time=now)
        assert next(answer.batches()) == [(now,)]


def test_update_and_delete_say_how_many(engine, ask):
    ask("create table t as select n from unnest(sequence(1, 10)) x(n)")
    assert ask("update t set n = n * 10 where n > 8") == [(2,)]
    assert ask("delete from t where n > 5") == [(5,)]
    assert ask("select sum(n) from t") == [(15,)]
    assert engine.delete_range("shop", "t", NOW, NOW + 1) == 5


def test_append_makes_columns_and_fits_values(engine, ask):
    engine.create_table("shop", "t", [Column("n", "bigint"), Column("s", "varchar")])
    rows = pa.table({"n": ["1", "x"], "new": [1.5, None], "time": [3, 4], "tags": [["a"], None]})
    assert engine.append("shop", "t", rows) == 2
    assert ask("select n, s, new, tags, time from t order by time") == [
        (1, None, 1.5, ["a"], 3),
        (None, None, None, None, 4),
    ]
    assert engine.tail("shop", "t", 1)[0]["time"] == 4


def test_set_columns_casts_adds_and_drops(engine, ask):
    ask("create table t as select '1' as a, 'x' as b, 2 as c")
    engine.set_columns("shop", "t", [Column("a", "bigint"), Column("b", "bigint"), Column("d", "varchar")])
    assert types(engine, "t") == {"a": "bigint", "b": "bigint", "time": "bigint", "d": "varchar"}
    assert ask("select a, b, d from t") == [(1, None, None)]


def test_tables_move_between_databases(engine, ask):
    engine.create_database("other")
    ask("create table t as select 1 as n")
    engine.move_table("shop", "t", "other")
    assert engine.table("shop", "t") is None
    assert ask("select n from other.t") == [(1,)]
    ask("alter table other.t rename to shop.back")
    assert ask("select n from back") == [(1,)]


@pytest.mark.parametrize("name", ["main", "temp", "system", "memory", "td-x", "order", "1abc", "default"])
def test_every_name_may_be_a_database(engine, name):
    engine.create_database(name)
    answer = engine.run("create table t as select 1 as n; select n from t", database=name, scheduled_time=0)
    assert next(answer.batches()) == [(1,)]
    engine.drop_database(name)
    assert engine.databases() == ["shop"]


def test_prepared_texts_are_found_by_name(engine):
    answer = engine.run(
        "execute p using 5", database="shop", scheduled_time=0, prepared={"p": "select ? + 1"}
    )
    assert next(answer.batches()) == [(6,)]


@pytest.mark.parametrize("seed", range(3))
def test_rows_that_tables_are_said_to_have_are_those_they_have(engine, ask, seed):
    dice = random.Random(seed)
    names = ["a", "b", "c"]
    for name in names:
        ask(f"create table {name} as select 1 as n")
    for _ in range(40):
        first, second = dice.sample(names, 2)
        match dice.randrange(6):
            case 0:
                ask(f"drop table {first}")
                ask(
                    f"create table {first} as select n from unnest(sequence(1, {dice.randrange(9)})) as t (n)"
                )
            case 1:
                ask(f"insert into {first} (n) values 1, 2")
            case 2:
                ask(f"delete from {first} where n = 1")
            case 3:
                engine.swap_tables("shop", first, second)
            case 4:
                engine.rename_table("shop", first, second, overwrite=True)
                ask(f"create table {first} (n bigint)")
            case _:
                engine.append("shop", first, pa.table({"n": [3]}))
        told = {table.name: table.rows for table in engine.tables("shop") if dice.random() < 0.5}
        told |= {name: engine.table("shop", name).rows for name in names if dice.random() < 0.5}
        assert told == {name: ask(f"select count(*) from {name}")[0][0] for name in told}


def test_a_table_like_another_has_its_columns(ask):
    ask("create table t (time bigint, name varchar, tags array(varchar))")
    ask("create table u (like t including properties, extra double)")
    assert ask("describe u") == [
        ("time", "bigint", "", ""),
        ("name", "varchar", "", ""),
        ("tags", "array(varchar)", "", ""),
        ("extra", "double", "", ""),
    ]


@pytest.mark.parametrize(
    ("sql", "name"),
    [
        ("alter table t rename column name to tags", "COLUMN_ALREADY_EXISTS"),
        ("create table u (like nosuch)", "TABLE_NOT_FOUND"),
        ("create table t (x bigint)", "TABLE_ALREADY_EXISTS"),
        ("insert into t (name, name) values ('a', 'b')", "DUPLICATE_COLUMN_NAME"),
        ("show create view t", "TABLE_NOT_FOUND"),
        ("deallocate prepare nosuch", "NOT_FOUND"),
        ("create table u as select null as x", "COLUMN_TYPE_UNKNOWN"),
    ],
)
def test_what_trino_refuses_to_define(ask, sql, name):
    ask("create table t (time bigint, name varchar, tags varchar)")
    with pytest.raises(EngineError) as told:
        ask(sql, strict=False)
    assert told.value.name == name
