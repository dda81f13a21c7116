"""Merging by exact keys: to the end, whatever the shape; compared with scipy."""

import itertools

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from tdlocal.engine.types import Column
from tdlocal.unification import contraction
from tests.support import SESSION_UNIXTIME
from tests.unification.support import Run, one_table, partition, people, put, rows, unify


def labelled(engine, edges):
    """Return vertex → label by the compiled tasks for pairs (v, w)."""
    if "cc" not in engine.databases():
        engine.create_database("cc")
    if engine.table("cc", "g_edges_0") is not None:
        engine.drop_table("cc", "g_edges_0")
    engine.create_table(
        "cc", "g_edges_0", [Column("v", "bigint"), Column("w", "bigint"), Column("time", "bigint")]
    )
    pairs = np.array(sorted({(min(e), max(e)) for e in edges if e[0] != e[1]}), dtype=np.int64).reshape(-1, 2)
    if len(pairs):
        columns = {"v": pairs[:, 0], "w": pairs[:, 1], "time": np.full(len(pairs), SESSION_UNIXTIME)}
        engine.append("cc", "g_edges_0", pa.table(columns))
    export = {"td": {"database": "cc"}, "rounds": contraction.constants()}
    run = Run(engine).run({"_export": export, **contraction.components("g")})
    return dict(rows(engine, "select v, r from g_map_0", "cc")), run


def expected(edges):
    """Return the components that scipy finds, as sets."""
    vertices = sorted({v for edge in edges if edge[0] != edge[1] for v in edge})
    number = {v: at for at, v in enumerate(vertices)}
    if not vertices:
        return set()
    kept = [edge for edge in edges if edge[0] != edge[1]]
    matrix = coo_matrix(
        (np.ones(len(kept)), ([number[a] for a, _ in kept], [number[b] for _, b in kept])),
        shape=(len(vertices), len(vertices)),
    )
    return partition(
        dict(zip(vertices, map(str, connected_components(matrix, directed=False)[1]), strict=True))
    )


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=80))
def test_random_graphs_fall_apart_as_scipy_says(engine, edges):
    labels, _ = labelled(engine, edges)
    assert partition({v: str(label) for v, label in labels.items()}) == expected(edges)


def test_a_label_is_a_vertex_of_its_own_component(engine):
    edges = [(1, 2), (2, 3), (10, 11), (2_147_483_646, 5)]
    labels, _ = labelled(engine, edges)
    assert labels[5] == labels[2_147_483_646] in (5, 2_147_483_646)
    assert labels[10] in (10, 11)


@pytest.mark.parametrize("shape", ["chain", "star", "tree", "many pairs"])
def test_a_hundred_thousand_links_of_any_shape_need_few_rounds(engine, shape):
    n = 100_000
    dice = np.random.default_rng(1)
    names = dice.permutation(n)
    edges = {
        "chain": list(itertools.pairwise(names)),
        "star": [(names[0], v) for v in names[1:]],
        "tree": [(names[at], names[dice.integers(0, at)]) for at in range(1, n)],
        "many pairs": list(zip(names[: n // 2], names[n // 2 :], strict=True)),
    }[shape]
    labels, run = labelled(engine, [(int(a), int(b)) for a, b in edges])
    assert len(set(labels.values())) == (n // 2 if shape == "many pairs" else 1)
    assert len(labels) == n
    assert run.results["loops"] * contraction.ROUNDS_A_TASK <= 24


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.tuples(*[st.sampled_from([None, "", *"abcdefghijkl"])] * 3), min_size=1, max_size=25))
def test_records_that_share_any_identifier_are_one_person(engine, records):
    put(engine, "stg.a", ["email", "phone", "token"], records)
    unify(engine, one_table(["email", "phone", "token"]))
    vertices = {}
    edges = []
    for at, record in enumerate(records, start=1):
        for kind, value in zip("ept", record, strict=True):
            if value:
                vertices.setdefault((kind, value), 1000 + len(vertices))
                edges.append((at, vertices[kind, value]))
    together = {frozenset(v for v in group if v < 1000) for group in expected(edges)}
    assert partition(people(engine)) == together
    without = {at for at, record in enumerate(records, start=1) if not any(record)}
    assert {at for at, who in people(engine).items() if who is None} == without


def test_a_rerun_gives_the_same_bytes(engine):
    put(engine, "stg.a", ["email", "phone"], [("e1", "p1"), ("e2", "p1"), ("e3", "p3"), ("e4", None)])

    def contents():
        unify(engine, one_table(["email", "phone"]))
        return {
            table.name: sorted(rows(engine, f"select * from {table.name}", "cdp_unification_t"), key=repr)
            for table in engine.tables("cdp_unification_t")
        }

    first = contents()
    assert contents() == first
    assert {name for name in first if name.startswith("w1_") or "__next" in name} == set()
