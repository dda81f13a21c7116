"""`tdlocal load` and `tdlocal sample --load` against a running local account."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time

import pytest
from tdclient.errors import APIError

from tdlocal.cli import main
from tdlocal.errors import KitError
from tdlocal.files.upload import Upload
from tdlocal.local_server import local_account


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with local_account(tmp_path_factory.mktemp("account") / "state") as running:
        yield running


@pytest.fixture(scope="module")
def account(server):
    """An account with the database raw_t."""
    upload = Upload(server.url, server.key)
    upload.make_database("raw_t")
    return upload


@pytest.fixture
def load(server, tmp_path):
    """Write content to a file and load it; returns the exit code."""

    def run(content, *words, name="a.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return main(["load", str(path), "--state", str(server.state), *words])

    return run


def rows(account, table, columns="*"):
    return account.execute("raw_t", f'select {columns} from "{table}" order by 1')


def test_a_file_becomes_a_table_with_types_and_time(account, load):
    assert load("sku,qty,price\nA,1,2.5\nB,,3\n", "--into", "raw_t.lines", "--time", "2026-01-01") == 0
    assert account.schema("raw_t", "lines") == [("sku", "string"), ("qty", "long"), ("price", "double")]
    assert rows(account, "lines", "sku, qty, price, time") == [
        ["A", 1, 2.5, 1_767_225_600],
        ["B", None, 3.0, 1_767_225_600],
    ]


def test_loading_again_replaces_and_append_adds(account, load):
    load("k,n\na,1\nb,2\n", "--into", "raw_t.again")
    load("k,n\nc,3\n", "--into", "raw_t.again")
    assert rows(account, "again", "k, n") == [["c", 3]]
    load("k,n,more\nd,4,x\n", "--into", "raw_t.again", "--append")
    assert rows(account, "again", "k, n, more") == [["c", 3, None], ["d", 4, "x"]]


def test_append_refuses_values_that_do_not_fit(account, load, capsys):
    load("k,n\na,1\n", "--into", "raw_t.narrow")
    assert load("k,n\nb,many\n", "--into", "raw_t.narrow", "--append") == 1
    assert "column n is long there and string in the file" in capsys.readouterr().err
    assert rows(account, "narrow", "k, n") == [["a", 1]]


def test_a_failing_load_leaves_the_table_as_it_was(account, load, capsys):
    load("k,n\na,1\n", "--into", "raw_t.whole")
    bad = "k,n\n" + "b,2\n" * 300_000 + "c\n"
    assert load(bad, "--into", "raw_t.whole", "--types", "k=string,n=long") == 1
    assert "a.csv:300002" in capsys.readouterr().err
    assert rows(account, "whole", "k, n") == [["a", 1]]
    assert [table.name for table in account.client.tables("raw_t") if "__load" in table.name] == []


def test_what_a_killed_load_left_beside_does_not_hinder_the_next(account, load):
    account.client.create_log_table("raw_t", "killed__load")
    assert load("k,n\na,1\n", "--into", "raw_t.killed") == 0
    assert rows(account, "killed", "k, n") == [["a", 1]]
    assert account.schema("raw_t", "killed__load") is None


@pytest.mark.parametrize("how", ["--replace", "--append"])
def test_a_load_that_is_killed_leaves_the_table_as_it_was(server, account, load, tmp_path, how):
    load("k,n\na,1\n", "--into", "raw_t.struck")
    path = tmp_path / "large.csv"
    path.write_text("k,n\n" + "b,2\n" * 1_000_000)
    words = ["load", str(path), "--into", "raw_t.struck", how, "--state", str(server.state)]
    child = subprocess.Popen([sys.executable, "-m", "tdlocal.cli", *words], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while account.schema("raw_t", "struck__load") is None:
        assert child.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    child.kill()
    assert child.wait() == -signal.SIGKILL
    assert rows(account, "struck", "k, n") == [["a", 1]]
    assert load("k,n\nc,3\n", "--into", "raw_t.struck", how) == 0
    assert rows(account, "struck", "k, n") == ([["c", 3]] if how == "--replace" else [["a", 1], ["c", 3]])


@pytest.mark.parametrize(
    "content, told",
    [
        (b"k,n\na,1\nb,2,3\n", ("3 values where the file has 2 columns", "a.csv:3")),
        (b"k,n\na,1\n\xff\xfeb,2\n", ("a.csv:3",)),
        (b"k,n\na,1\nb\x00,2\n", ("NUL", "a.csv:3")),
        (b"k,K\na,1\n", ("k", "a.csv")),
        (b"", ("empty", "a.csv")),
    ],
)
def test_a_broken_file_loads_nothing_and_is_told_with_its_place(account, load, capsys, content, told):
    load("k,n\na,1\n", "--into", "raw_t.sound")
    assert load(content, "--into", "raw_t.sound") == 1
    said = capsys.readouterr().err.splitlines()[-1]
    assert [words for words in told if words not in said] == [], said
    assert rows(account, "sound", "k, n") == [["a", 1]]


def test_bad_rows_left_out_are_told_and_the_exit_code_says_so(account, load, capsys):
    assert load("k,n\na,1\nb\nc,3\n", "--into", "raw_t.skipped", "--bad-rows", "skip") == 1
    assert "a.csv:3: 1 values where the file has 2 columns; left out" in capsys.readouterr().err
    assert rows(account, "skipped", "k, n") == [["a", 1], ["c", 3]]


def test_the_rows_time_may_come_from_a_column(account, load):
    load("k,at\na,2026-01-01T00:00:00Z\nb,60\n", "--into", "raw_t.timed", "--time-column", "at")
    assert rows(account, "timed", "k, time") == [["a", 1_767_225_600], ["b", 60]]


def test_several_files_are_one_table_whatever_the_order_of_columns(server, account, tmp_path):
    (tmp_path / "one.csv").write_text("k,n\na,1\n")
    (tmp_path / "two.csv").write_text("n,k\n2.5,b\n")
    files = [str(tmp_path / name) for name in ("one.csv", "two.csv")]
    assert main(["load", *files, "--into", "raw_t.joined", "--state", str(server.state)]) == 0
    assert rows(account, "joined", "k, n") == [["a", 1.0], ["b", 2.5]]
    (tmp_path / "three.csv").write_text("k,m\nc,3\n")
    files.append(str(tmp_path / "three.csv"))
    assert main(["load", *files, "--into", "raw_t.joined", "--state", str(server.state)]) == 1
    assert account.count("raw_t", "joined") == 2


def test_a_list_loads_many_tables(server, account, tmp_path, capsys):
    (tmp_path / "one.csv").write_text("a,b\n1,x\n")
    (tmp_path / "two.csv").write_bytes("2\tÉ\n".encode("cp1252"))
    (tmp_path / "loads.yml").write_text(
        "- {files: one.csv, into: 'raw_{sub}.listed_one'}\n"
        "- {files: [two.csv], into: 'raw_{sub}.listed_two', no_header: true, columns: [n, t], "
        "encoding: cp1252}\n"
    )
    words = ["--list", str(tmp_path / "loads.yml"), "--data", str(tmp_path), "--sub", "t"]
    assert main(["load", *words, "--state", str(server.state)]) == 0
    assert rows(account, "listed_two", "n, t") == [[2, "É"]]
    (tmp_path / "loads.yml").write_text("- {files: one.csv, into: raw_t.x, colums: [a]}\n")
    assert main(["load", *words, "--state", str(server.state)]) == 1
    assert "unknown option colums" in capsys.readouterr().err


@pytest.mark.parametrize("into", ["lines", "raw_t.Lines", "raw_t.x", "a.b.c"])
def test_a_name_that_is_no_table_is_refused(load, capsys, into):
    assert load("a\n1\n", "--into", into) == 1
    assert "is not database.table" in capsys.readouterr().err


def test_a_number_that_is_none_is_told(load, capsys):
    assert load("k,n\na,1\nb,x\n", "--into", "raw_t.forced", "--types", "n=long") == 1
    assert "'x' is not a long | found in column n, row 2" in capsys.readouterr().err


def test_only_the_head_makes_an_empty_table(account, load, capsys):
    assert load("k,n\n", "--into", "raw_t.bare") == 0
    assert "no rows, only the columns" in capsys.readouterr().err
    assert account.count("raw_t", "bare") == 0
    assert load("k,time\n", "--into", "raw_t.bare") == 0, "a time that no row has is one nevertheless"
    assert account.count("raw_t", "bare") == 0


def test_a_wrong_key_is_refused_by_the_account(server):
    from tdclient.errors import AuthError

    with pytest.raises((AuthError, KitError)):
        Upload(server.url, "1/wrong").make_database("raw_other")


def test_the_sample_is_loaded_once_and_again_when_a_table_changed(server, account, tmp_path, capsys):
    words = ["sample", "--people", "300", "--seed", "2", "--load", "--database", "raw_shop", "--json"]
    words += ["--out", str(tmp_path / "shop"), "--state", str(server.state)]
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert first["did"] == "loaded"
    counts = {table.name: table.count for table in account.client.tables("raw_shop")}
    assert {name: counts[name] for name in first["records"]} == first["records"]
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["did"] == "already loaded"
    account.execute("raw_shop", "delete from consents where time > 0")
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out)["did"] == "loaded"
    assert account.count("raw_shop", "consents") == first["records"]["consents"]
    other = [word if word != "2" else "3" for word in words]
    assert main(other) == 0
    assert json.loads(capsys.readouterr().out)["did"] == "loaded"


def test_loaded_columns_are_those_of_the_sources(account, server, tmp_path):
    from tdlocal.sample.tables import TABLES

    words = ["sample", "--people", "60", "--load", "--database", "raw_types", "--out", str(tmp_path / "shop")]
    assert main([*words, "--state", str(server.state)]) == 0
    for table in TABLES:
        wanted = [pair for pair in zip(table.names, table.types, strict=True) if pair[0] != "time"]
        assert account.schema("raw_types", table.name) == wanted
    zips = account.execute("raw_types", "select zip from loyalty_profile where zip like '0%'")
    assert all(isinstance(row[0], str) for row in zips)


def test_what_the_account_refuses_is_one_line(load, capsys, monkeypatch):
    def refuse(*_arguments):
        raise APIError("500: Import failed: no space left on device")

    monkeypatch.setattr(Upload, "_set_schema", refuse)
    assert load("k,n\na,1\n", "--into", "raw_t.refused") == 1
    said = capsys.readouterr().err
    assert "the account refused: 500: Import failed: no space left on device | found in raw_t.refused" in said
    assert "Traceback" not in said
