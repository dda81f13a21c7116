"""Connected components in plain SQL: randomised contraction (Bögeholz, Brand and Todor, 2020).

Every round hashes the vertices by a fresh affine permutation of the integers modulo a prime, lets each
vertex point to the neighbour (or itself) with the smallest hash, and contracts along those pointers. The
number of edges falls by a constant factor a round whatever the shape of the graph, so a chain of 100,000
links needs no more rounds than a star. The pointers of all rounds are then composed, last round first.

The hash is inverted where the smallest is taken, so vertices keep their own numbers and two components can
never get the same label by accident. Constants are drawn once from a fixed seed: a run repeats exactly.
"""

from __future__ import annotations

import random
from typing import Any

from tdlocal.unification.sql import create

PRIME = 2_147_483_647  # 2^31 - 1: a product of two residues stays inside a bigint
ROUNDS_A_TASK = 4
TASKS = 8  # 32 rounds; a graph of 10 million edges needs about 18
SEED = 20_200_414


def constants() -> list[list[int]]:
    """Return [a, b, inverse of a] for every round: h(v) = (a v + b) mod PRIME.

    >>> all(a * inverse % PRIME == 1 for a, _, inverse in constants())
    True
    """
    dice = random.Random(SEED)
    drawn = [(dice.randrange(1, PRIME), dice.randrange(PRIME)) for _ in range(ROUNDS_A_TASK * TASKS)]
    return [[a, b, pow(a, -1, PRIME)] for a, b in drawn]


def _round(edges: str, pointers: str, contracted: str, step: int) -> str:
    a, b, inverse = (f"${{rounds[i * {ROUNDS_A_TASK} + {step}][{part}]}}" for part in range(3))
    smaller = f"least(({a} * v + {b}) % {PRIME}, ({a} * w + {b}) % {PRIME})"
    return create(
        pointers,
        f"select v, ((min(h) + {PRIME} - {b}) % {PRIME}) * {inverse} % {PRIME} as r\n"
        f"from (\n  select v, {smaller} as h from {edges}\n"
        f"  union all\n  select w as v, {smaller} as h from {edges}\n) as hashed\ngroup by v",
    ) + create(
        contracted,
        f"select distinct least(x.r, y.r) as v, greatest(x.r, y.r) as w\nfrom {edges} as e\n"
        f"inner join {pointers} as x on e.v = x.v\ninner join {pointers} as y on e.w = y.v\nwhere x.r <> y.r",
    )


def components(prefix: str) -> dict[str, Any]:
    """Return the tasks that label the components of a graph.

    Args:
        prefix: begins the name of every table. ``<prefix>_edges_0`` (v, w bigint, v < w, each pair once,
            numbers from 0 to PRIME - 1) is read; ``<prefix>_map_0`` (v, r) is written: the label of every
            vertex that has an edge, the same for all vertices of a component, one of their own numbers.

    Returns:
        Digdag tasks by name; they use td.last_results and the list ``rounds`` of an ``_export``.
    """
    edges, pointers, mapped = f"{prefix}_edges", f"{prefix}_reps", f"{prefix}_map"
    last = ROUNDS_A_TASK - 1
    script = ""
    for step in range(ROUNDS_A_TASK):
        before = f"{edges}_${{i}}" if step == 0 else f"{edges}_s{step}"
        after = f"{edges}_${{i + 1}}" if step == last else f"{edges}_s{step + 1}"
        script += _round(before, f"{pointers}_s{step}", after, step)
    joins, target = "", "p0.r"
    for step in range(1, ROUNDS_A_TASK):
        joins += f"\nleft join {pointers}_s{step} as p{step} on p{step}.v = {target}"
        target = f"coalesce(p{step}.r, {target})"
    script += create(f"{pointers}_${{i}}", f"select p0.v, {target} as r\nfrom {pointers}_s0 as p0{joins}")
    # the map that the last round composes with is empty; the loop below writes the others
    script += create(f"{mapped}_${{i + 1}}", f"select v, w as r from {edges}_${{i}} where 1 = 0")
    script += f"select count(*) as edges_left, ${{i + 1}} as loops from {edges}_${{i + 1}}"
    compose = create(
        f"{mapped}_${{td.last_results.loops - 1 - i}}",
        f"select p.v, coalesce(m.r, p.r) as r\nfrom {pointers}_${{td.last_results.loops - 1 - i}} as p\n"
        f"left join {mapped}_${{td.last_results.loops - i}} as m on p.r = m.v",
    )
    # used up one step ago, so a step that is killed and run again still finds what it reads
    compose += "".join(
        f"drop table if exists {table}_${{td.last_results.loops + 1 - i}};\n"
        for table in (edges, pointers, mapped)
    )
    return {
        "+contract": {
            "loop>": TASKS,
            "_do": {
                "+round": {
                    "if>": "${i == 0 || Number(td.last_results.edges_left) > 0}",
                    "_do": {"+step": {"td>": {"data": script}, "store_last_results": True}},
                }
            },
        },
        "+check": {
            "if>": "${Number(td.last_results.edges_left) > 0}",
            "_do": {
                "+failed": {
                    "fail>": f"{prefix}: the graph did not contract in {TASKS * ROUNDS_A_TASK} rounds"
                }
            },
        },
        "+compose": {"loop>": "${td.last_results.loops}", "_do": {"+step": {"td>": {"data": compose}}}},
    }


def work_tables() -> list[str]:
    """Return the names, without their prefix, of the tables that `components` leaves behind."""
    return [
        *(f"edges_s{step}" for step in range(1, ROUNDS_A_TASK)),
        *(f"reps_s{step}" for step in range(ROUNDS_A_TASK)),
        *(f"{what}_{loop}" for loop in range(2) for what in ("edges", "map", "reps")),
    ]
