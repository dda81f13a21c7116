"""Exact unification of many identifiers, beside scipy's components and Splink's clustering on the same edges.

    .venv/bin/python benchmarks/unification.py [--rows 1000000,10000000] [--splink PYTHON]

Rows are records of a source with up to three identifiers; people are 30 % of them, with skewed numbers of
records. Time and memory are those of the compiled workflow: records to lookup, statistics and enriched rows.
After the first and the last size a day with 1 % new rows is unified incrementally, with and without
protection, beside a full run over the same rows; `--days` measures nothing else. Of the new rows half say
nothing that was not known, a quarter bring a new card of somebody known, a quarter are of new people.
"""

from __future__ import annotations

import argparse
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import pyarrow as pa  # noqa: E402
from scipy.sparse import coo_matrix  # noqa: E402
from scipy.sparse.csgraph import connected_components  # noqa: E402

from tdlocal.engine import open_engine  # noqa: E402
from tdlocal.engine.types import Column, Engine  # noqa: E402
from tdlocal.unification.compile import compile_workflow  # noqa: E402
from tests.unification.support import Run, one_table, rows  # noqa: E402

U = "cdp_unification_t"
KEYS = ("email", "phone", "token")
PROTECTION = {
    "keys": {
        "email": {"limit": 50},
        "phone": {"strength": "weak", "limit": 50},
        "token": {"strength": "weak"},
    },
    "profile_keys": ["email"],
}
SPLINK = """
import json, sys, time, duckdb
from splink.internals.duckdb.database_api import DuckDBAPI
from splink.clustering import cluster_pairwise_predictions_at_threshold as cluster
con = duckdb.connect(); con.execute("set threads=2; set memory_limit='8GB'")
con.execute(f"create table edges as select v as unique_id_l, w as unique_id_r, 1.0 as match_probability from '{sys.argv[1]}'")
con.execute("create table nodes as select unique_id_l as unique_id from edges union select unique_id_r from edges")
api = DuckDBAPI(connection=con)
frame = lambda name: api.table_to_splink_dataframe(name, name)
started = time.perf_counter()
found = cluster(frame("nodes"), frame("edges"), api, node_id_column_name="unique_id", edge_id_column_name_left="unique_id_l",
                edge_id_column_name_right="unique_id_r", threshold_match_probability=0.5)
count = con.execute(f"select count(distinct cluster_id) from {found.physical_name}").fetchone()[0]
print(json.dumps({"seconds": time.perf_counter() - started, "clusters": count}))
"""  # noqa: E501


def source(count: int, strangers: float = 1) -> pa.Table:
    """Return *count* records of 0.3 × *count* people; how many records a person has is Zipf's law.

    Args:
        strangers: share of records whose card is anybody's; of the others it is one of the person's own. All
            of them make, by chance, one huge component beside the small ones.
    """
    dice = np.random.default_rng(1)
    people = int(count * 0.3)
    weight = dice.zipf(1.8, people).clip(1, 200).astype(float)
    more = dice.choice(people, count - people, p=weight / weight.sum())
    owner = dice.permutation(np.concatenate([np.arange(people), more]))  # everybody has a record
    email = owner * 3 + dice.integers(0, 3, count)
    phone = owner * 2 + dice.integers(0, 2, count)
    token = dice.integers(0, count * 2, count)
    if strangers < 1:
        token = np.where(dice.random(count) < strangers, token, owner * 6 + dice.integers(0, 6, count))

    def texts(before: str, numbers: np.ndarray, kept: np.ndarray) -> pa.Array:
        values = np.char.add(before, numbers.astype(str))
        return pa.array(values.tolist(), pa.string(), mask=~kept)

    return pa.table(
        {
            "email": texts("person.", email, np.full(count, True)),
            "phone": texts("+1415", phone, phone % 3 < 2),
            "token": texts("tok_", token, token % 4 == 0),
            "time": pa.array(1_700_000_000 + np.arange(count) % 1_000_000),
        }
    )


def measure(count: int, splink: str | None) -> float:
    """Print the figures of *count* rows; return the seconds of processor."""
    with tempfile.TemporaryDirectory() as folder:
        engine = open_engine(Path(folder) / "bench.duckdb", memory_limit="6GB", threads=2)
        engine.create_database("stg")
        engine.create_table("stg", "a", [*(Column(key, "varchar") for key in KEYS), Column("time", "bigint")])
        engine.append("stg", "a", source(count))
        workflow = compile_workflow(one_table(list(KEYS)))
        del workflow["+clean_up"]  # the edges are compared below
        started, used = time.perf_counter(), time.process_time()
        Run(engine).run(workflow)
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
        identifiers, people = rows(
            engine, "select count(*), count(distinct canonical_id) from who_lookup", U
        )[0]
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        sizes = f"{count:,} rows, {identifiers:,} identifiers, {people:,} people"
        filled = sum(rows(engine, "select count(email), count(phone), count(token) from a", "stg")[0])
        sizes += f", {filled:,} values"
        print(
            f"{sizes}: {seconds:.1f} s ({cpu:.1f} s of processor), {memory:.2f} GB at most with the source",
            flush=True,
        )
        edges = np.array(rows(engine, "select v, w from w1_all_edges_0", U), dtype=np.int64)
        alone = identifiers - len(np.unique(edges))
        engine.close()
        beside_scipy(edges, people - alone)
        if splink:
            beside_splink(edges, people - alone, splink, Path(folder))
    return cpu


def day_after(records: pa.Table) -> pa.Table:
    """Return 1 % as many records: half say nothing new, a quarter have a new card, a quarter new people."""
    dice = np.random.default_rng(3)
    count = len(records) // 100
    new = records.take(pa.array(dice.integers(0, len(records), count)))
    email, token = (new.column(key).to_pylist() for key in ("email", "token"))
    phone = new.column("phone").to_pylist()
    for at in range(count // 2, count):
        token[at] = f"tok_new_{at}"
        if at >= count * 3 // 4:
            email[at], phone[at] = f"new.{at // 2}", None
    times = pa.array(1_800_000_000 + np.arange(count))
    return pa.table({"email": email, "phone": pa.array(phone, pa.string()), "token": token, "time": times})


def next_day(count: int) -> None:
    """Print what a day with 1 % new rows costs, as a share of a full run over the same rows."""
    before = source(count, strangers=0.02)
    new = day_after(before)
    for name, protection in (("unify.yml alone", None), ("protected", PROTECTION)):
        with tempfile.TemporaryDirectory() as folder:
            engine = open_engine(Path(folder) / "bench.duckdb", memory_limit="6GB", threads=2)
            engine.create_database("stg")
            columns = [*(Column(key, "varchar") for key in KEYS), Column("time", "bigint")]
            engine.create_table("stg", "a", columns)
            engine.append("stg", "a", before)
            _day(engine, 1, protection, full=False)
            engine.append("stg", "a", new)
            daily, full = (_day(engine, day, protection, full=day == 3) for day in (2, 3))
            engine.close()
        print(
            f"  {count:,} rows and 1 % new ones, {name}: {daily:.1f} s of processor,"
            f" a full run {full:.1f} s ({daily / full:.0%})",
            flush=True,
        )


def _day(engine: Engine, day: int, protection: dict[str, object] | None, *, full: bool) -> float:
    used = time.process_time()
    workflow = compile_workflow(one_table(list(KEYS)), full_refresh=full, protection=protection)
    Run(engine, 1_793_491_200 + day * 86_400).run(workflow)
    return time.process_time() - used


def beside_scipy(edges: np.ndarray, people: int) -> None:
    """Label the same edges by scipy, in memory; tell time and whether the components are as many."""
    started = time.perf_counter()
    names, numbers = np.unique(edges, return_inverse=True)
    numbers = numbers.reshape(edges.shape)
    shape = (len(names), len(names))
    matrix = coo_matrix((np.ones(len(edges), dtype=np.int8), (numbers[:, 0], numbers[:, 1])), shape=shape)
    found = connected_components(matrix, directed=False)[0]
    seconds = time.perf_counter() - started
    same = "the same" if found == people else f"NOT the same: ours {people:,}"
    print(f"  scipy, edges only ({len(edges):,}): {seconds:.1f} s, {found:,} components, {same}", flush=True)


def beside_splink(edges: np.ndarray, people: int, python: str, folder: Path) -> None:
    """The same by Splink's clustering."""
    import pyarrow.parquet

    file = folder / "edges.parquet"
    pyarrow.parquet.write_table(pa.table({"v": edges[:, 0], "w": edges[:, 1]}), file)
    done = subprocess.run([python, "-c", SPLINK, str(file)], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.strip().splitlines()[-1])
    same = "the same" if found["clusters"] == people else f"NOT the same: ours {people:,}"
    print(
        f"  Splink, edges only: {found['seconds']:.1f} s, {found['clusters']:,} clusters, {same}", flush=True
    )


def main() -> None:
    """Print the figures, and how time grows with the rows."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="1000000,3000000,10000000", help="sizes, with commas between")
    parser.add_argument("--days", action="store_true", help="only what a day with 1 %% new rows costs")
    parser.add_argument("--splink", help="Python of an environment with Splink 5")
    arguments = parser.parse_args()
    counts = [int(count) for count in arguments.rows.split(",")]
    if arguments.days:
        for count in counts:
            next_day(count)
        return
    times = []
    for count in counts:
        times.append(measure(count, arguments.splink))
        if count in (counts[0], counts[-1]):
            next_day(count)
    if not arguments.splink:
        print("Splink was not asked for: --splink names a Python that has it")
    if len(counts) > 1:
        slope = math.log(times[-1] / times[0]) / math.log(counts[-1] / counts[0])
        linear = math.log(math.log(counts[-1]) / math.log(counts[0])) / math.log(counts[-1] / counts[0]) + 1
        print(f"processor time grows as rows^{slope:.2f}; n log n would be rows^{linear:.2f} over this range")


if __name__ == "__main__":
    main()
