"""pytd 2.4, unmodified: queries, DataFrames there and back, pandas_td, dbapi."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytd
import pytd.pandas_td as td
import pytest
import trino
from pytd.dbapi import connect
from pytd.table import Table

UNICODE = ["é", "日本語", "🛒 cart", "quote ' and \" and \\", "tab\tand\nline", None]


def frame(client: pytd.Client, sql: str) -> pd.DataFrame:
    return pd.DataFrame(**client.query(sql))


@pytest.fixture
def mixed() -> pd.DataFrame:
    """One column of each kind that shops have."""
    return pd.DataFrame(
        {
            "time": [1793491200 + n for n in range(6)],
            "whole": [1, -1, 2**53 + 1, 2**62, 0, 7],
            "fraction": [1.5, -0.25, 1e300, 5e-324, 0.1, 2.0],
            "text": UNICODE,
            "flag": [True, False, True, True, False, False],
            "maybe": [1.0, np.nan, 3.5, np.inf, -np.inf, None],
        }
    )


# ---- queries


def test_a_query_gives_data_and_columns(pytd_client: pytd.Client) -> None:
    assert pytd_client.query("select 1 as a, 'x' as b") == {"data": [[1, "x"]], "columns": ["a", "b"]}


def test_unnamed_columns_are_named_by_place(pytd_client: pytd.Client) -> None:
    assert pytd_client.query("select 1, count(*) from (values 1) t (a)")["columns"] == ["_col0", "_col1"]


def test_a_failed_query_raises_trinos_error(pytd_client: pytd.Client) -> None:
    with pytest.raises(trino.exceptions.TrinoUserError) as caught:
        pytd_client.query("select * from no_such_table")
    assert caught.value.error_name == "TABLE_NOT_FOUND"
    with pytest.raises(trino.exceptions.TrinoUserError) as caught:
        pytd_client.query("selec 1")
    assert caught.value.error_name == "SYNTAX_ERROR"


def test_a_wrong_key_is_refused(database: str) -> None:
    with pytest.raises(trino.exceptions.HttpError, match="401"):
        pytd.Client(apikey="1/wrong", database=database).query("select 1")


@pytest.mark.parametrize("more", [{"force_tdclient": True}, {"priority": 1}])
def test_a_query_by_the_job_api(pytd_client: pytd.Client, more: dict[str, object]) -> None:
    assert pytd_client.query("select 1 as a", **more) == {"data": [[1]], "columns": ["a"]}


def test_a_large_answer_comes_in_pages(pytd_client: pytd.Client) -> None:
    answer = pytd_client.query("select n, cast(n as varchar) s from unnest(sequence(1, 10000)) a (n), "
                               "unnest(sequence(1, 10)) b (m) order by n, m")  # fmt: skip
    assert len(answer["data"]) == 100_000
    assert answer["data"][0] == [1, "1"] and answer["data"][-1] == [10_000, "10000"]


# ---- exists, Table, lists


def test_exists_and_lists(pytd_client: pytd.Client, database: str) -> None:
    assert pytd_client.exists(database) and not pytd_client.exists("no_such_database")
    assert not pytd_client.exists(database, "t")
    pytd_client.query("create table t (a bigint)")
    assert pytd_client.exists(database, "t")
    assert [table.name for table in pytd_client.list_tables()] == ["t"]
    assert database in [one.name for one in pytd_client.list_databases()]
    pytd_client.create_database_if_not_exists(database)


def test_a_table_is_made_and_deleted(pytd_client: pytd.Client, database: str) -> None:
    table = Table(pytd_client, database, "made")
    assert not table.exists
    table.create(["a", "b"], ["bigint", "varchar"])
    assert table.exists
    assert pytd_client.api_client.table(database, "made").schema == [["a", "long", "a"], ["b", "string", "b"]]
    table.delete()
    assert not table.exists


# ---- DataFrames there and back


@pytest.mark.parametrize("form", ["csv", "msgpack"])
def test_a_dataframe_comes_back_by_bulk_import(
    pytd_client: pytd.Client, database: str, mixed: pd.DataFrame, form: str
) -> None:
    pytd_client.load_table_from_dataframe(
        mixed.copy(), f"{database}.mixed", writer="bulk_import", if_exists="overwrite", fmt=form
    )
    back = frame(pytd_client, "select whole, fraction, text, flag, maybe from mixed order by time")
    assert back["whole"].tolist() == mixed["whole"].tolist()
    assert back["fraction"].tolist() == mixed["fraction"].tolist()
    assert back["text"].tolist() == UNICODE
    # Treasure Data has no booleans: they become text
    assert back["flag"].tolist() == ["true", "false", "true", "true", "false", "false"]
    maybe = back["maybe"].tolist()
    assert maybe[0] == 1.0 and maybe[2:5] == [3.5, math.inf, -math.inf]
    assert pd.isna(maybe[1]) and pd.isna(maybe[5])
    assert "unnamed" not in [c.lower() for c in frame(pytd_client, "select * from mixed limit 1").columns]


def test_csv_changes_what_treasure_data_changes(pytd_client: pytd.Client, database: str) -> None:
    data = pd.DataFrame({"code": ["001", "002"], "mark": ["none", "x"], "time": [1, 2]})
    pytd_client.load_table_from_dataframe(data, f"{database}.t", if_exists="overwrite")
    assert pytd_client.query("select code, mark from t order by time")["data"] == [[1, None], [2, "x"]]


def test_lists_become_arrays(pytd_client: pytd.Client, database: str) -> None:
    data = pd.DataFrame(
        {"time": [1, 2], "a": [[1, 2], [3]], "b": [["x"], None], "c": [[0, None], [2, 3]], "d": [[0.5], []]}
    )
    pytd_client.load_table_from_dataframe(data, f"{database}.t", if_exists="overwrite", keep_list=True)
    assert pytd_client.api_client.table(database, "t").schema == [
        ["a", "array<long>", "a"],
        ["b", "array<string>", "b"],
        ["c", "array<string>", "c"],
        ["d", "array<double>", "d"],
    ]
    rows = pytd_client.query("select a, b, c, d from t order by time")["data"]
    assert rows == [[[1, 2], ["x"], ["0", None], [0.5]], [[3], None, ["2", "3"], []]]


def test_a_dataframe_comes_back_by_insert_into(pytd_client: pytd.Client, database: str) -> None:
    data = pd.DataFrame({"n": [1, 2**53 + 1], "f": [1.5, np.inf], "s": ["it's", "日本"]})
    pytd_client.load_table_from_dataframe(data, f"{database}.t", writer="insert_into", if_exists="overwrite")
    assert pytd_client.query("select n, f, s from t order by n")["data"] == [
        [1, 1.5, "it's"],
        [2**53 + 1, math.inf, "日本"],
    ]
    with pytest.raises(RuntimeError, match="already exists"):
        pytd_client.load_table_from_dataframe(data, f"{database}.t", writer="insert_into", if_exists="error")


@pytest.mark.parametrize("if_exists, rows", [("append", 4), ("overwrite", 2), ("ignore", 2)])
def test_what_happens_to_a_table_that_is_there(
    pytd_client: pytd.Client, database: str, if_exists: str, rows: int
) -> None:
    data = pd.DataFrame({"n": [1, 2], "time": [1, 2]})
    pytd_client.load_table_from_dataframe(data.copy(), f"{database}.t", if_exists="error")
    pytd_client.load_table_from_dataframe(data.copy(), f"{database}.t", if_exists=if_exists)
    assert pytd_client.query("select count(*) from t")["data"] == [[rows]]


@pytest.mark.parametrize("form", ["csv", "msgpack"])
def test_a_hundred_thousand_rows(pytd_client: pytd.Client, database: str, form: str) -> None:
    count = 100_000
    data = pd.DataFrame(
        {
            "time": np.arange(count) + 1_700_000_000,
            "n": np.arange(count) * 7,
            "f": np.arange(count) / 8,
            "s": [f"é{n % 1000}" for n in range(count)],
        }
    )
    pytd_client.load_table_from_dataframe(data.copy(), f"{database}.big", if_exists="overwrite", fmt=form)
    back = frame(pytd_client, "select time, n, f, s from big order by time")
    pd.testing.assert_frame_equal(back, data, check_dtype=False)


# ---- pandas_td and dbapi


def test_pandas_td_reads_and_writes(pytd_client: pytd.Client, database: str) -> None:
    con = td.connect()
    data = pd.DataFrame({"n": [1, 2], "at": pd.to_datetime([0, 7200], unit="s")})
    td.to_td(data, f"{database}.t", con, if_exists="replace", time_col="at")
    engine = td.create_engine(f"presto:{database}", con=con)
    assert td.read_td("select n from t order by n", engine)["n"].tolist() == [1, 2]
    assert td.read_td_query("select n from t order by n", engine)["n"].tolist() == [1, 2]
    assert td.read_td_table("t", engine, columns=["n"], time_range=(0, 3600))["n"].tolist() == [1]
    with pytest.raises(RuntimeError):
        td.to_td(pd.DataFrame({"n": [1]}), f"{database}.t", con, if_exists="fail")


def test_dbapi_with_parameters(pytd_client: pytd.Client, database: str) -> None:
    cursor = connect(pytd_client).cursor()
    cursor.execute("select * from (values (1, 'a'), (2, 'it''s ?')) t (n, s) where s = ?", ("it's ?",))
    assert cursor.fetchall() == [[2, "it's ?"]]
    assert [column[0] for column in cursor.description] == ["n", "s"]
