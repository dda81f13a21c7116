"""A full disk, a fatal error of DuckDB, another process on the file."""

import os
import subprocess
import sys

import duckdb
import pytest

from tdlocal.engine import open_engine
from tdlocal.engine.types import EngineError

FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from tdlocal.engine import open_engine
from tdlocal.engine.types import EngineError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
engine = open_engine(Path(sys.argv[1]))
run = lambda sql: [r for b in engine.run(sql, database="shop", scheduled_time=0).batches() for r in b]
engine.create_database("shop")
run("create table kept as select 1 as n")
resource.setrlimit(resource.RLIMIT_FSIZE, (8_000_000, 8_000_000))
try:
    rows = "table(sequence(1, 2000000)) t(n)"
    run(f"create table big as select cast(random() as varchar) || cast(n as varchar) as s from {rows}")
    print("no error")
except EngineError as error:
    print(error.name)
print(run("select n from kept"), engine.table("shop", "big"))
"""


def test_a_full_disk_is_said_and_survived(tmp_path):
    path = tmp_path / "td-warehouse.duckdb"
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, timeout=120
    )
    assert done.stdout.split("\n")[:2] == ["GENERIC_INSUFFICIENT_RESOURCES", "[(1,)] None"], done.stderr
    engine = open_engine(path)
    assert [table.name for table in engine.tables("shop")] == ["kept"]
    engine.close()


def test_after_a_fatal_error_the_file_is_opened_again(tmp_path):
    engine = open_engine(tmp_path / "td-warehouse.duckdb")
    engine.create_database("shop")
    engine.run("create table t as select 1 as n", database="shop", scheduled_time=0)
    with pytest.raises(EngineError), engine._job():
        raise duckdb.FatalException("database has been invalidated")
    answer = engine.run("select n from t", database="shop", scheduled_time=0)
    assert next(answer.batches()) == [(1,)]
    engine.close()


def test_a_second_process_is_told_so(tmp_path):
    path = tmp_path / "td-warehouse.duckdb"
    engine = open_engine(path)
    code = (
        f"from pathlib import Path; from tdlocal.engine import open_engine; open_engine(Path({str(path)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "lock" in done.stderr
    engine.close()


def test_an_engine_leaves_no_folder_behind(tmp_path):
    """What an engine in memory spooled is gone when it is closed or lost."""
    code = (
        "import os, tempfile\nfrom tdlocal.engine import open_engine\n"
        "def used(engine):\n"
        "    sql = 'select n from unnest(sequence(1, 10000)) t(n) cross join unnest(sequence(1, 50)) u(m)'\n"
        "    answer = engine.run(sql, database='', scheduled_time=0)\n"
        "    return answer, len(os.listdir(tempfile.gettempdir()))\n"
        "engine = open_engine(None)\nassert os.listdir(tempfile.gettempdir()) == []\n"
        "answer, count = used(engine)\nassert count == 1\nengine.close()\n"
        "assert os.listdir(tempfile.gettempdir()) == []\nlost = used(open_engine(None))\nprint('done')\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert ended.stdout == "done\n", ended.stderr
    assert list(tmp_path.iterdir()) == []
