"""What the row cases do not hold: change every staging SQL a little, and see whether some case notices.

Run `python scripts/case_gaps.py` for staging/queries, or name SQL files. Each change (a branch of a CASE or a
part of a condition left out, a function not applied, a comparison turned, an order dropped, a column emptied)
is run against the cases of the file in tests/cases. Prints the changes that no case notices, and how many of
all were noticed. `--json` prints figures for machines; exit code 1 below `--least`.

Some changes change nothing (an order that breaks ties nobody has, an `else null`): 100 % is not to be had.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from sqlglot import exp, parse_one

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tdlocal.engine import open_engine
from tdlocal.engine.types import Engine, EngineError
from tests.support import PARAMS, ROOT, SESSION_UNIXTIME, known_tables, put_rows, render
from tests.test_cases import agrees

TURNED = {
    exp.EQ: exp.NEQ, exp.NEQ: exp.EQ, exp.GT: exp.GTE, exp.GTE: exp.GT, exp.LT: exp.LTE, exp.LTE: exp.LT,
    exp.Add: exp.Sub, exp.Sub: exp.Add, exp.Mul: exp.Div, exp.Div: exp.Mul,
}  # fmt: skip
UNCHANGED = (exp.Cast, exp.TryCast, exp.AggFunc, exp.Case, exp.If, exp.And, exp.Or, exp.Coalesce)


class Change(NamedTuple):
    """One small change of a query."""

    what: str  # in words
    before: str  # the part that was changed
    sql: str


class Case(NamedTuple):
    """One row case: an engine that has its tables, and what it expects."""

    engine: Engine
    expect: list[dict[str, Any]]
    ordered: bool
    params: dict[str, Any]


def changes(sql: str) -> Iterator[Change]:
    """Yield every small change of a query.

    Args:
        sql: one rendered select, Trino's dialect.
    """
    tree = parse_one(sql, dialect="trino")
    for place, node in enumerate(list(tree.walk())):
        for number in range(len(list(edits(node)))):
            copy = tree.copy()
            target = list(copy.walk())[place]
            before = "the answer" if isinstance(target, exp.Select) else cut(target)
            what, edit = list(edits(target))[number]
            edit()
            changed = copy.sql(dialect="trino")
            yield Change(what, before, changed)


def edits(node: exp.Expression) -> Iterator[tuple[str, Any]]:
    """Yield what can be changed at a node: words, and a function that does it."""
    if isinstance(node, exp.Case):
        branches = node.args["ifs"]
        for branch in branches if len(branches) > 1 else []:
            yield f"without the branch {cut(branch.this)}", lambda branch=branch: branch.pop()
        if node.args.get("default") is not None and not isinstance(node.args["default"], exp.Null):
            yield "else null", lambda: node.set("default", exp.Null())
    if isinstance(node, exp.And | exp.Or):
        yield f"without {cut(node.left)}", lambda: node.replace(node.right.copy())
        yield f"without {cut(node.right)}", lambda: node.replace(node.left.copy())
    if isinstance(node, exp.Where | exp.Having | exp.Qualify):
        yield "without it", lambda: node.pop()
    if isinstance(node, exp.Not):
        yield "without not", lambda: node.replace(node.this.copy())
    if type(node) in TURNED:
        yield "turned", lambda: node.replace(TURNED[type(node)](**node.args))
    if isinstance(node, exp.Coalesce):
        for index, part in enumerate([node.this, *node.expressions]):
            yield f"without {cut(part)}", lambda index=index: shorten(node, index)
    elif isinstance(node, exp.Func) and not isinstance(node, UNCHANGED) and is_column(node.this):
        yield "not applied", lambda: node.replace(node.this.copy())
    if isinstance(node, exp.Order) and len(node.expressions) > 1:
        for each in node.expressions:
            yield f"without {cut(each)}", lambda each=each: each.pop()
    if isinstance(node, exp.Ordered):
        yield "the other way round", lambda: node.set("desc", not node.args.get("desc"))
    if isinstance(node, exp.Join) and node.args.get("side"):
        yield "inner join", lambda: node.set("side", None)
    if isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Select):
        yield "without distinct", lambda: node.pop()
    if isinstance(node, exp.Select) and node.parent is None:
        for each in node.expressions:
            if each.alias_or_name not in ("built_for", "time", "*"):
                yield f"{each.alias_or_name} empty", lambda each=each: empty(each)


def is_column(value: Any) -> bool:
    """Tell whether a function's first argument is something that can stand in its place."""
    return isinstance(value, exp.Expression)


def empty(column: exp.Expression) -> None:
    """Make a column of the answer null."""
    name = column.alias_or_name
    column.replace(exp.alias_(exp.cast(exp.Null(), "varchar"), name, quoted=True))


def shorten(node: exp.Coalesce, index: int) -> None:
    """Take one value out of a coalesce."""
    left = [part.copy() for part in [node.this, *node.expressions]]
    del left[index]
    node.replace(left[0] if len(left) == 1 else exp.Coalesce(this=left[0], expressions=left[1:]))


def cut(node: exp.Expression) -> str:
    """Return a node's SQL, a line of it."""
    text = " ".join(node.sql(dialect="trino").split())
    return text if len(text) < 70 else text[:67] + "…"


def cases_of(path: Path) -> list[Case]:
    """Return the row cases of an SQL file, each with its tables laid out."""
    text, found = path.read_text(encoding="utf-8"), []
    for suite_path in sorted((ROOT / "tests/cases").rglob("*.yml")):
        suite = yaml.safe_load(suite_path.read_text(encoding="utf-8"))
        if ROOT / suite["sql"] != path:
            continue
        tables = {**known_tables(text), **(suite.get("tables") or {})}
        for case in suite["cases"]:
            engine = open_engine(None)
            for table in [*tables, *(name for name in case["given"] if name not in tables)]:
                put_rows(engine, table, case["given"].get(table, ()), tables.get(table))
            params = {**PARAMS, **suite.get("params", {})}
            found.append(Case(engine, case["expect"], bool(case.get("ordered")), params))
    return found


def notices(case: Case, sql: str) -> bool:
    """Tell whether a case fails on a query."""
    try:
        answer = case.engine.run(sql, database=case.engine.databases()[0], scheduled_time=SESSION_UNIXTIME)
        names = [column.name for column in answer.columns]
        left = [dict(zip(names, row, strict=True)) for batch in answer.batches() for row in batch]
    except EngineError:
        return True
    for wanted in case.expect:
        row = next((row for row in (left[:1] if case.ordered else left) if agrees(row, wanted)), None)
        if row is None:
            return True
        left.remove(row)
    return bool(left)


def gaps_of(path: Path) -> tuple[int, list[Change]]:
    """Return how many changes of a file there are, and those that no case notices."""
    cases = cases_of(path)
    if not cases:
        raise SystemExit(f"{path}: no row cases in tests/cases")
    sql = render(path.read_text(encoding="utf-8"), cases[0].params)
    plain = parse_one(sql, dialect="trino").sql(dialect="trino")
    if any(notices(case, plain) for case in cases):
        raise SystemExit(f"{path}: a case fails on the file as it is")
    tried, left = 0, []
    for change in changes(sql):
        if change.sql == plain:
            continue
        tried += 1
        if not any(notices(case, change.sql) for case in cases):
            left.append(change)
    for case in cases:
        case.engine.close()
    return tried, left


def main() -> int:
    """Print the changes that no case notices; return 0 when enough are noticed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="SQL files (all of staging/queries)")
    parser.add_argument("--least", type=float, default=0.9, help="share that must be noticed (0.9)")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    files = arguments.files or sorted((ROOT / "staging/queries").rglob("*.sql"))
    found = {}
    for path in files:
        name = path.resolve().relative_to(ROOT)
        tried, left = gaps_of(path.resolve())
        found[str(name)] = {"changes": tried, "unnoticed": len(left)}
        if not arguments.json:
            print(f"{name}: {tried - len(left)} of {tried} changes are noticed", flush=True)
            for change in left:
                print(f"    {change.what}: {change.before}", flush=True)
    tried = sum(each["changes"] for each in found.values())
    share = 1 - sum(each["unnoticed"] for each in found.values()) / max(tried, 1)
    print(
        json.dumps({"share": share, "files": found})
        if arguments.json
        else f"{share:.1%} of {tried} are noticed"
    )
    return 0 if share >= arguments.least else 1


if __name__ == "__main__":
    sys.exit(main())
