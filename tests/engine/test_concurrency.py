"""Many jobs at once: swaps beside readers and writers, appends, cancelling, conflicts."""

import threading
import time

import pyarrow as pa
import pytest

from tdlocal.engine import open_engine
from tdlocal.engine.types import Column, EngineError


@pytest.fixture
def engine(tmp_path):
    opened = open_engine(tmp_path / "td-warehouse.duckdb")
    opened.create_database("shop")
    yield opened
    opened.close()


def run(engine, sql, **options):
    answer = engine.run(sql, database="shop", scheduled_time=0, **options)
    rows = [row for batch in answer.batches() for row in batch]
    answer.close()
    return rows


def together(*jobs):
    """Run the jobs at once and raise the first error of any."""
    errors = []

    def guarded(job):
        try:
            job()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def test_a_swap_is_never_seen_by_readers_nor_loses_a_writers_row(engine):
    run(engine, "create table live as select 1 as version, n from table(sequence(1, 1000)) t(n)")
    run(engine, "create table spare as select 2 as version, n from table(sequence(1, 1000)) t(n)")
    run(engine, "create table log (n bigint)")
    stop = threading.Event()
    written = []

    def read():
        while not stop.is_set():
            ((versions, rows),) = run(engine, "select count(distinct version), count(*) from live")
            assert versions == 1 and rows >= 1000

    def write(who):
        while not stop.is_set():
            run(engine, f"insert into log (n) values ({who})")
            written.append(who)

    def swap():
        for _ in range(60):
            engine.swap_tables("shop", "live", "spare")
        stop.set()

    together(read, read, lambda: write(1), lambda: write(2), swap)
    assert run(engine, "select count(*) from log") == [(len(written),)]


def test_inserts_and_swaps_of_the_same_table_lose_nothing(engine):
    for name in ("a", "b"):
        engine.create_table("shop", name, [Column("n", "bigint")])
    acknowledged = []

    def insert(start):
        for n in range(start, start + 40):
            run(engine, f"insert into a (n) values ({n})")
            acknowledged.append(n)

    together(
        lambda: insert(0),
        lambda: insert(1000),
        lambda: [engine.swap_tables("shop", "a", "b") for _ in range(20)],
        lambda: [engine.append("shop", "a", pa.table({"n": [5000 + i]})) for i in range(20)],
    )
    found = {n for name in ("a", "b") for (n,) in run(engine, f"select n from {name}")}
    assert found == {*acknowledged, *range(5000, 5020)}


def test_racing_definitions_end_in_one_table_and_plain_errors(engine):
    outcomes = []

    def define():
        for turn in range(10):
            try:
                run(engine, f"create table if not exists x{turn} as select {turn} as n")
                run(engine, f"drop table if exists x{turn}")
                outcomes.append("ok")
            except EngineError as error:
                outcomes.append(error.name)

    together(*[define] * 6)
    assert set(outcomes) <= {"ok", "TABLE_ALREADY_EXISTS", "TABLE_NOT_FOUND"}
    assert engine.tables("shop") == []


def test_rename_with_overwrite_replaces_at_once(engine):
    run(engine, "create table live as select 0 as v")
    stop = threading.Event()

    def publish():
        for turn in range(1, 30):
            run(engine, f"create table next as select {turn} as v")
            engine.rename_table("shop", "next", "live", overwrite=True)
        stop.set()

    def read():
        last = 0
        while not stop.is_set():
            ((value,),) = run(engine, "select v from live")
            assert value >= last
            last = value

    together(publish, read, read)
    assert run(engine, "select v from live") == [(29,)]


def test_a_cancelled_job_stops_soon_and_leaves_nothing(engine):
    cancelled = threading.Event()
    threading.Timer(0.3, cancelled.set).start()
    start = time.monotonic()
    with pytest.raises(EngineError) as caught:
        run(
            engine,
            "create table big as select count(*) as c from table(sequence(1, 100000)) a(x)"
            " cross join table(sequence(1, 100000)) b(y) where (x * y) % 7 = 3",
            cancelled=cancelled,
        )
    assert caught.value.name == "USER_CANCELED"
    assert time.monotonic() - start < 10
    assert engine.table("shop", "big") is None
    assert run(engine, "select 1") == [(1,)]


def test_large_answers_lie_in_a_file_until_closed(engine, tmp_path):
    answer = engine.run(
        "select n, 'x' as s from table(sequence(1, 200000)) t(n)", database="shop", scheduled_time=0
    )
    assert len(list((tmp_path / "spool" / "answers").iterdir())) == 1
    assert answer.row_count == 200_000
    batches = list(answer.batches(1000))
    assert max(map(len, batches)) <= 1000
    assert [row for batch in batches for row in batch] == [(n, "x") for n in range(1, 200_001)]
    answer.close()
    assert list((tmp_path / "spool" / "answers").iterdir()) == []
