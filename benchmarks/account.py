"""How fast the account is, beside raw DuckDB and beside the drivers' own share of the work.

Run `python benchmarks/account.py`; `--rows N` for other sizes, `--json` for machines. Exit code 1 when a
target is missed.
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
from pathlib import Path
from typing import Any

import duckdb
import msgpack
import orjson
import pytd
import requests
import tdclient
from trino.mapper import RowMapperFactory

from tdlocal.local_server import LocalServer, local_account

COLUMNS = "n, n * 2 as m, cast(n as double) / 3 as f, cast(n as varchar) as s, 'constant text' as t"


def median_ms(call: Callable[[], Any], times: int = 200) -> float:
    """The median of many calls, in milliseconds."""
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        call()
        spent.append(time.perf_counter() - began)
    return statistics.median(spent) * 1000


def seconds(call: Callable[[], Any]) -> float:
    """One call, in seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def best(call: Callable[[], Any], times: int = 3) -> float:
    """The best of some calls, in seconds."""
    return min(seconds(call) for _ in range(times))


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


def ctas(client: tdclient.Client, folder: Path, rows: int) -> tuple[float, float]:
    """Seconds of a big CREATE TABLE AS through the account, and in raw DuckDB."""
    spread = f"from unnest(sequence(1, {rows // 1000})) a (x) cross join unnest(sequence(1, 1000)) b (y)"
    source = f"create table source as select (x - 1) * 1000 + y as n {spread}"
    job(client, f"drop table if exists source;\n{source}")
    made = "drop table if exists big;\ncreate table big as select"
    account = best(lambda: job(client, f"{made} {COLUMNS} from source"))
    with duckdb.connect(str(folder / "raw.duckdb")) as raw:
        raw.execute(f"create table source as select range + 1 as n from range({rows})")
        return account, best(lambda: raw.execute(f"{made} {COLUMNS}, 0::bigint as time from source"))


def upload(server: LocalServer, client: tdclient.Client, rows: int) -> float:
    """Rows a second of one import, on the server's side."""
    records = (
        {"time": n, "n": n * 7, "f": n / 8, "s": f"é{n % 1000}", "a": "x", "b": n % 7, "c": None, "d": "text"}
        for n in range(rows)
    )
    body = gzip.compress(b"".join(msgpack.packb(record) for record in records), 1)
    client.create_log_table("bench", "loaded")
    url = f"{server.url}/v3/table/import/bench/loaded/msgpack.gz"
    answer = requests.put(url, data=body, headers={"Authorization": server.key})
    answer.raise_for_status()
    return rows / answer.json()["elapsed_time"]


def measure(rows: int) -> list[tuple[str, float, str, float]]:
    """(what, figure, unit, target) of every line."""
    folder = Path(tempfile.mkdtemp(prefix="bench-account-"))
    began = time.perf_counter()
    with local_account(folder / "state") as server:
        started = time.perf_counter() - began
        os.environ.update(TD_API_SERVER=server.url, TD_PRESTO_API=server.url, TD_API_KEY=server.key)
        client = tdclient.Client()
        client.create_database("bench")
        reader = pytd.Client(database="bench")
        reader.query("select 1")
        job(client, "select 1")
        lines = [
            ("first answer after start", started, "s", 1.0),
            ("select 1 by pytd, median", median_ms(lambda: reader.query("select 1")), "ms", 3.0),
            ("select 1 by td-client, median", median_ms(lambda: job(client, "select 1")), "ms", 6.0),
        ]
        account, raw = ctas(client, folder, rows)
        lines.append((f"CREATE TABLE AS, {rows:,} rows, over raw DuckDB", account / raw, "x", 1.03))
        sql = "select n, m, f, s, t from big"
        floor = driver_floor(list(pages(server, sql)))
        whole = seconds(lambda: reader.query(sql))
        lines.append((f"reading {rows:,} rows by pytd, over the driver's own share", whole / floor, "x", 2.0))
        lines.append(("import, rows a second", upload(server, client, rows // 2), "rows/s", 200_000))
    return lines


def main() -> int:
    """Print the figures; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    missed = 0
    for what, figure, unit, target in measure(arguments.rows):
        fine = figure >= target if unit == "rows/s" else figure <= target
        missed += not fine
        if arguments.json:
            print(json.dumps({"what": what, "figure": figure, "unit": unit, "target": target, "met": fine}))
        else:
            print(f"{what:58} {figure:12,.2f} {unit:7} target {target:<9,g} {'ok' if fine else 'MISSED'}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
