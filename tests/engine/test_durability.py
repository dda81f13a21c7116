"""kill -9 at any moment: what was acknowledged is there, what was not is wholly there or wholly not."""

import itertools
import random
import shutil
import subprocess
import sys
import time

from tdlocal.engine import open_engine

WRITER = """
import sys
from tdlocal.engine import open_engine
from pathlib import Path
engine = open_engine(Path(sys.argv[1]))
run = lambda sql: engine.run(sql, database="shop", scheduled_time=0)
if "shop" not in engine.databases():
    engine.create_database("shop")
    run("create table log (n bigint, part bigint)")
    run("create table live as select 0 as v, n from unnest(sequence(1, 500)) t(n)")
n = int(sys.argv[2])
print("ready", flush=True)
while True:
    n += 1
    run(f"insert into log (n, part) select {n}, p from unnest(sequence(1, 100)) t(p)")
    run(f"create table next as select {n} as v, n from unnest(sequence(1, 500)) t(n)")
    engine.rename_table("shop", "next", "live", overwrite=True)
    print(n, flush=True)
"""
KILLS = 6


def test_kill_9_keeps_what_was_acknowledged(tmp_path):
    path = tmp_path / "td-warehouse.duckdb"
    rng = random.Random(5)
    done = 0
    for _ in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(done)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout.readline() == "ready\n"
        time.sleep(rng.uniform(0.05, 0.4))
        writer.kill()
        acknowledged = [int(line) for line in writer.stdout.read().split("\n")[:-1] if line]
        writer.wait()
        done = check(path, acknowledged[-1] if acknowledged else done)


def check(path, least):
    """Open the file again; the highest n that is there."""
    start = time.monotonic()
    engine = open_engine(path)
    assert time.monotonic() - start < 5
    try:
        run = lambda sql: [r for b in engine.run(sql, database="shop", scheduled_time=0).batches() for r in b]  # noqa: E731
        counts = dict(run("select n, count(*) from log group by n"))
        assert set(counts.values()) <= {100}
        assert least == 0 or set(range(1, least + 1)) <= set(counts)
        ((versions, rows, version),) = run("select count(distinct v), count(*), max(v) from live")
        assert (versions, rows) == (1, 500) and version >= least
        run("drop table if exists next")
        return max(counts, default=0)
    finally:
        engine.close()


def test_what_was_closed_opens_again_with_names_types_and_birthdays(tmp_path):
    path = tmp_path / "td-warehouse.duckdb"
    engine = open_engine(path)
    engine.create_database("main")
    engine.run("create table t as select 1 a, array['x'] b, 1.5e0 c", database="main", scheduled_time=7)
    before = engine.table("main", "t")
    engine.close()
    engine = open_engine(path)
    after = engine.table("main", "t")
    assert (after.columns, after.created_at, after.rows) == (before.columns, before.created_at, 1)
    assert [column.type for column in after.columns] == ["bigint", "array(varchar)", "double", "bigint"]
    engine.close()


def test_a_birthday_is_the_same_after_a_restart_however_slow_the_creation(tmp_path, monkeypatch):
    path = tmp_path / "td-warehouse.duckdb"
    clock = itertools.count(1_700_000_000)
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))  # a second passes at every look
    engine = open_engine(path)
    engine.create_database("main")
    engine.run("create table t (a bigint)", database="main", scheduled_time=7)
    engine.run("create table u as select 1 a", database="main", scheduled_time=7)
    before = [engine.table("main", name).created_at for name in ("t", "u")]
    engine.close()
    engine = open_engine(path)
    assert [engine.table("main", name).created_at for name in ("t", "u")] == before
    engine.close()


CHANGES = """
create table updated as select 1 as a
create table swapped as select 1 as a
create table inserted (a bigint)
insert into inserted (a) select 1
update updated set a = 2
insert into inserted (a) select 3 where false
delete from inserted where a = 9
alter table swapped add column b varchar
create table gone as select 1 as a
update gone set a = 2
drop table gone
create table gone as select 3 as a
"""


def test_when_contents_changed_last_survives_a_kill_and_goes_with_them(tmp_path, monkeypatch):
    clock = itertools.count(1_700_000_000)
    monkeypatch.setattr(time, "time", lambda: float(next(clock)))  # a second passes at every look
    engine = open_engine(tmp_path / "td-warehouse.duckdb")
    engine.create_database("main")
    for statement in CHANGES.strip().splitlines():
        engine.run(statement, database="main", scheduled_time=7)
    moments = lambda: {table.name: table.updated_at for table in engine.tables("main")}  # noqa: E731
    before = moments()
    engine.swap_tables("main", "updated", "swapped")
    engine.rename_table("main", "inserted", "renamed")
    after = moments()
    assert (after["swapped"], after["updated"], after["renamed"]) == (
        before["updated"], before["swapped"], before["inserted"],
    )  # fmt: skip
    for name in ("td-warehouse.duckdb", "td-warehouse.duckdb.wal"):
        shutil.copy(tmp_path / name, tmp_path / f"copy-{name.replace('td-', '')}")  # as a kill leaves it
    engine.close()
    (tmp_path / "copy-warehouse.duckdb.wal").rename(tmp_path / "copy.duckdb.wal")
    (tmp_path / "copy-warehouse.duckdb").rename(tmp_path / "copy.duckdb")
    engine = open_engine(tmp_path / "copy.duckdb")
    assert moments() == after
    monkeypatch.setattr(time, "time", lambda: 1_600_000_000.0)  # the clock was set back
    engine.run("update renamed set a = 4", database="main", scheduled_time=7)
    assert moments()["renamed"] == after["renamed"] + 1
    engine.close()
