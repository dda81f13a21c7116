"""How fast the account is, beside raw DuckDB and beside the drivers' own share of the work.

Run `python benchmarks/account.py`; `--rows N` for other sizes, `--stream N` for a large answer that must not
sit in memory, `--json` for machines. Exit code 1 when a target is missed.

What is compared is run by turns and the medians are taken. Where other processes take the machine, times of
single calls would say more about them than about the account: then the processor time of client and server
counts instead, which is what the call takes on a machine of its own, and the line says so.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import msgpack
import orjson
import pytd
import requests
import tdclient
from trino.mapper import RowMapperFactory

from tdlocal.engine import open_engine
from tdlocal.engine.catalog import Catalog
from tdlocal.engine.dialect import Dialect
from tdlocal.local_server import LocalServer, local_account

COLUMNS = "n, n * 2 as m, cast(n as double) / 3 as f, cast(n as varchar) as s, 'constant text' as t"
CROWDED = 1.2  # a loop that takes so much longer than its processor time shares the machine
ROUNDS = 5
CTAS_ROUNDS = 9
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Line:
    """One figure with its target."""

    what: str
    figure: float
    unit: str
    target: float
    by_processor: bool = False

    @property
    def fine(self) -> bool:
        return self.figure >= self.target if self.unit == "rows/s" else self.figure <= self.target


@dataclass
class Spent:
    """Seconds on the clock, and of the processors in this process and the server."""

    wall: float
    processor: float


def crowded() -> bool:
    """Do other processes take a good part of the machine just now?"""
    wall, processor = time.perf_counter(), time.process_time()
    while time.process_time() - processor < 0.05:
        pass
    return time.perf_counter() - wall > 0.05 * CROWDED


def processor_seconds(pid: int) -> float:
    """What all threads of a process have used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def spent(call: Callable[[], Any], pid: int, times: int = 1) -> Spent:
    """One of *times* calls: the median on the clock, the mean of the processors."""
    walls = []
    before = processor_seconds(pid) + time.process_time()
    for _ in range(times):
        began = time.perf_counter()
        call()
        walls.append(time.perf_counter() - began)
    after = processor_seconds(pid) + time.process_time()
    return Spent(statistics.median(walls), (after - before) / times)


def server_pid(server: LocalServer) -> int:
    return int(json.loads((server.state / "server.json").read_text())["pid"])


def latency(what: str, call: Callable[[], Any], pid: int, target: float) -> Line:
    """The median of many calls in milliseconds."""
    shared = crowded()
    costs = [spent(call, pid, 80) for _ in range(ROUNDS)]
    shared = shared or crowded()
    wall = statistics.median(cost.wall for cost in costs)
    least = min(cost.processor for cost in costs)  # the round that the others disturbed least
    return Line(what, (least if shared else wall) * 1000, "ms", target, shared)


def seconds(call: Callable[[], Any]) -> float:
    """One call, in seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def pages(server: LocalServer, sql: str) -> Iterator[bytes]:
    """The pages of a statement as they come over the wire."""
    with requests.Session() as session:
        session.headers.update({"X-Trino-User": server.key, "X-Trino-Schema": "bench"})
        content = session.post(f"{server.url}/v1/statement", data=sql).content
        yield content
        while "nextUri" in (page := orjson.loads(content)):
            content = session.get(page["nextUri"]).content
            yield content


def driver_floor(collected: list[bytes]) -> float:
    """Seconds the trino driver itself spends on these pages: parsing and mapping."""
    began = time.perf_counter()
    mapper = None
    for content in collected:
        page = orjson.loads(content)
        if mapper is None and page.get("columns"):
            mapper = RowMapperFactory().create(columns=page["columns"], legacy_primitive_types=False)
        if mapper is not None:
            mapper.map(page.get("data") or [])
    return time.perf_counter() - began


def job(client: tdclient.Client, sql: str) -> list[Any]:
    """One query by td-client, as its tutorial does it."""
    issued = client.query("bench", sql, type="presto")
    issued.wait()
    if not issued.success():
        raise SystemExit(f"the query failed: {issued.debug}")
    return list(issued.result())


def ctas(folder: Path, rows: int) -> Line:
    """Processor time of a big CREATE TABLE AS in the engine, over that of raw DuckDB in the same process.

    Both write the same table by the same statement to a file, by turns, raw DuckDB with the settings that
    make the account quick: its own choice of compression for texts takes twice the time.
    """
    engine = open_engine(folder / "engine.duckdb")
    engine.create_database("bench")
    spread = f"from unnest(sequence(1, {rows // 1000})) a (x) cross join unnest(sequence(1, 1000)) b (y)"
    source = f"create table source as select (x - 1) * 1000 + y as n {spread}"
    engine.run(source, database="bench", scheduled_time=0)
    made = f"drop table if exists big;\ncreate table big as select {COLUMNS}"
    bare = f"{made}, 0::bigint as time from source"
    settings = {"memory_limit": "4GB", "temp_directory": str(folder / "raw-spill")}
    mine, theirs = [], []
    with duckdb.connect(str(folder / "raw.duckdb"), config=settings) as raw:
        raw.execute("set global disabled_compression_methods = 'dict_fsst'")
        raw.execute(f"create table source as select range + 1 as n, 0::bigint as time from range({rows})")
        for _ in range(CTAS_ROUNDS):
            began = time.process_time()
            engine.run(f"{made} from source", database="bench", scheduled_time=0)
            between = time.process_time()
            raw.execute(bare)
            mine.append(between - began)
            theirs.append(time.process_time() - between)
    engine.close()
    ratio = statistics.median(mine) / statistics.median(theirs)
    return Line(f"CREATE TABLE AS, {rows:,} rows, over raw DuckDB", ratio, "x", 1.03, True)


def fill(client: tdclient.Client, rows: int) -> None:
    """The table that is read."""
    spread = f"from unnest(sequence(1, {rows // 1000})) a (x) cross join unnest(sequence(1, 1000)) b (y)"
    source = f"create table source as select (x - 1) * 1000 + y as n {spread}"
    job(client, f"drop table if exists source;\n{source}")
    job(client, f"drop table if exists big;\ncreate table big as select {COLUMNS} from source")


def reading(server: LocalServer, reader: pytd.Client, rows: int) -> Line:
    """pytd's query over the driver's parsing of the same pages, by turns."""
    sql = f"select n, m, f, s, t from big limit {rows}"
    pairs = []
    for _ in range(ROUNDS):
        floor = driver_floor(list(pages(server, sql)))
        pairs.append((seconds(lambda: reader.query(sql)), floor))
    whole, floor = (statistics.median(times) for times in zip(*pairs, strict=True))
    return Line(f"reading {rows:,} rows by pytd, over the driver's own share", whole / floor, "x", 2.0)


def upload(server: LocalServer, client: tdclient.Client, rows: int, pid: int) -> Line:
    """Rows a second of one import, on the server's side."""
    records = (
        {"time": n, "n": n * 7, "f": n / 8, "s": f"é{n % 1000}", "a": "x", "b": n % 7, "c": None, "d": "text"}
        for n in range(rows)
    )
    body = gzip.compress(b"".join(msgpack.packb(record) for record in records), 1)
    client.create_log_table("bench", "loaded")
    url = f"{server.url}/v3/table/import/bench/loaded/msgpack.gz"
    rates, shared = [], crowded()
    for _ in range(ROUNDS):
        before = processor_seconds(pid)
        answer = requests.put(url, data=body, headers={"Authorization": server.key})
        answer.raise_for_status()
        used = processor_seconds(pid) - before
        rates.append(rows / (used if shared else answer.json()["elapsed_time"]))
    return Line("import, rows a second", statistics.median(rates), "rows/s", 200_000, shared)


def translation() -> list[Line]:
    """A query of a hundred lines, seen for the first time and again; processor time of this process."""
    step = "select\n    n,\n    sum(m) as m,\n    max(s) as s,\n    {} as k\nfrom {}\ngroup by\n    n"
    parts = ["first as (\n" + step.format("1", "big") + "\n)"]
    for n in range(2, 11):
        before = "first" if n == 2 else f"step_{n - 1}"
        parts.append(f"step_{n} as (\n{step.format(n, before)}\n)")
    sql = "with\n" + ",\n".join(parts) + "\nselect *\nfrom step_10"
    engine = open_engine(None)
    engine.create_database("bench")
    engine.run("create table big (n bigint, m bigint, s varchar)", database="bench", scheduled_time=0)
    catalog: Catalog = engine.catalog

    def translated(dialect: Dialect) -> float:
        began = time.process_time()
        dialect.plan(dialect.statements(sql)[0], database="bench", scheduled_time=0)
        return time.process_time() - began

    translated(Dialect(catalog))
    cold = statistics.median(translated(Dialect(catalog)) for _ in range(20))
    warm = Dialect(catalog)
    translated(warm)
    began = time.process_time()
    for _ in range(2000):
        translated(warm)
    known = (time.process_time() - began) / 2000
    engine.close()
    lines = sql.count("\n") + 1
    return [
        Line(f"translating a query of {lines} lines, first time", cold * 1000, "ms", 20.0, True),
        Line("the same again", known * 1000, "ms", 0.1, True),
    ]


def memory(pid: int, what: str) -> float:
    """A process' VmRSS or VmHWM in megabytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(what))


def streamed(server: LocalServer, rows: int, pid: int) -> Line:
    """How much the server grows while a large answer goes out page by page."""
    spread = f"from unnest(sequence(1, {rows // 1000})) a (x) cross join unnest(sequence(1, 1000)) b (y)"
    sql = f"select x * 1000 + y as n, cast(y as double) / 7 as f, cast(x as varchar) as s {spread}"
    for _ in pages(server, sql.replace(f"1, {rows // 1000}", "1, 100")):
        pass  # what the server needs once, it has now
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak counts from here
    before, received = memory(pid, "VmRSS"), 0
    for content in pages(server, sql):
        received += len(orjson.loads(content).get("data") or [])
    if received != rows:
        raise SystemExit(f"{received:,} of {rows:,} rows came")
    return Line(f"the server grows while {rows:,} rows go out", memory(pid, "VmHWM") - before, "MB", 300.0)


def measure(rows: int, stream: int) -> Iterator[Line]:
    """Every figure, as soon as it is known."""
    yield from translation()
    folder = Path(tempfile.mkdtemp(prefix="bench-account-"))
    yield ctas(folder, 3 * rows)
    began, shared = time.perf_counter(), crowded()
    with local_account(folder / "state") as server:
        started, pid = time.perf_counter() - began, server_pid(server)
        used = processor_seconds(pid)
        yield Line("first answer after start", used if shared else started, "s", 1.0, shared)
        os.environ.update(TD_API_SERVER=server.url, TD_PRESTO_API=server.url, TD_API_KEY=server.key)
        client = tdclient.Client()
        client.create_database("bench")
        reader = pytd.Client(database="bench")
        reader.query("select 1")
        job(client, "select 1")
        yield latency("select 1 by pytd", lambda: reader.query("select 1"), pid, 3.0)
        yield latency("select 1 by td-client", lambda: job(client, "select 1"), pid, 6.0)
        fill(client, rows)
        yield reading(server, reader, rows)
        yield upload(server, client, rows // 2, pid)
        if stream:
            yield streamed(server, stream, pid)


def main() -> int:
    """Print the figures; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--stream", type=int, default=0, metavar="ROWS")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    missed = 0
    for line in measure(arguments.rows, arguments.stream):
        missed += not line.fine
        if arguments.json:
            print(json.dumps(vars(line) | {"met": line.fine}))
            continue
        note = "  (processor time)" if line.by_processor else ""
        verdict = "ok" if line.fine else "MISSED"
        target = f"{line.figure:12,.3f} {line.unit:7} target {line.target:<9,g}"
        print(f"{line.what:60} {target} {verdict}{note}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
