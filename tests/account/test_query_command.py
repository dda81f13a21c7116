"""`tdlocal query`: one question, three forms of answer."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tdlocal.local_server import LocalServer


def ask(server: LocalServer, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tdlocal.cli", "query", "--state", str(server.state), *words],
        input=stdin, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


def test_a_table_for_people(server: LocalServer) -> None:
    done = ask(server, "select * from (values (1, 'a'), (20, null)) t (number, name) order by 1")
    assert done.stdout == "number  name\n------  ----\n     1  a\n    20\n(2 rows)\n"


def test_csv_and_json_for_machines(server: LocalServer) -> None:
    sql = "select 1 as n, 'a,\"b\"' as s, array[1] as l, cast(null as double) as d"
    assert ask(server, sql, "--format", "csv").stdout == 'n,s,l,d\n1,"a,""b""",[1],\n'
    assert ask(server, sql, "--json").stdout == '{"n":1,"s":"a,\\"b\\"","l":[1],"d":null}\n'


def test_a_question_from_stdin_over_many_pages(server: LocalServer) -> None:
    sql = "select x * 1000 + y from unnest(sequence(0, 59)) a (x) cross join unnest(sequence(1, 1000)) b (y)"
    assert len(ask(server, "-", "--format", "csv", stdin=sql).stdout.splitlines()) == 60_001


def test_a_statement_without_rows(server: LocalServer) -> None:
    assert ask(server, "create schema if not exists asked").stdout.splitlines()[0].strip() == "result"
    assert ask(server, "create table asked.t as select 1 as n").returncode == 0
    assert ask(server, "select n from t", "-d", "asked", "--json").stdout == '{"n":1}\n'


@pytest.mark.parametrize(
    "sql, complaint",
    [("select nothing", "COLUMN_NOT_FOUND"), ("  ", "no question"), ("copy t to 'x'", "SYNTAX_ERROR")],
)
def test_a_failure_is_one_line(server: LocalServer, sql: str, complaint: str) -> None:
    done = ask(server, sql)
    assert done.returncode == 1 and done.stdout == ""
    assert complaint in done.stderr and len(done.stderr.splitlines()) == 1
