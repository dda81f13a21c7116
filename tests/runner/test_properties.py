"""Random task trees against a small model; random YAML and templates never give a traceback."""

from __future__ import annotations

import asyncio
import datetime as dt
import io
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tdlocal.console.events import Console
from tdlocal.workflow import templates
from tdlocal.workflow.checks import check
from tdlocal.workflow.executor import Options, Run
from tdlocal.workflow.faults import ConfigError, Fault
from tdlocal.workflow.model import read_workflow
from tdlocal.workflow.parameters import Scope, Update, merged, view
from tdlocal.workflow.project import Project
from tdlocal.workflow.services import Services
from tdlocal.workflow.state import Journal

Node = tuple[Any, ...]


def trees(parallel: bool) -> st.SearchStrategy[Node]:
    leaf = st.one_of(st.just(("echo",)), st.just(("echo",)), st.just(("fail",)), st.just(("off",)))
    together = st.booleans() if parallel else st.just(False)

    def group(children: st.SearchStrategy[Node]) -> st.SearchStrategy[Node]:
        return st.one_of(
            st.tuples(
                st.just("group"), together, st.lists(children, max_size=4), st.booleans(), st.integers(0, 2)
            ),
            st.tuples(st.just("loop"), together, st.integers(0, 3), children, st.booleans()),
            st.tuples(st.just("if"), st.booleans(), children, children),
        )

    return st.recursive(leaf, group, max_leaves=12)


def written(node: Node, name: str) -> dict[str, Any]:
    """The task as Digdag takes it; *name* is its path, which its echo prints."""
    kind = node[0]
    if kind == "echo":
        return {"echo>": name}
    if kind == "fail":
        return {"fail>": name}
    if kind == "off":
        return {"_disable": True, "echo>": name}
    if kind == "if":
        return {"if>": node[1], "_do": written(node[2], name + "y"), "_else_do": written(node[3], name + "n")}
    if kind == "loop":
        task = {"loop>": node[2], "_do": {"+x": written(node[3], name + "l")}, "_parallel": node[1]}
        return task | ({"_error": {"echo>": name + "h"}} if node[4] else {})
    task: dict[str, Any] = {f"+{i}": written(child, f"{name}.{i}") for i, child in enumerate(node[2])}
    task["_parallel"] = node[1]
    if node[3]:
        task["_error"] = {"echo>": name + "h"}
    if node[4]:
        task["_retry"] = node[4]
    return task


def expected(node: Node, name: str) -> tuple[bool, list[str]]:
    """Whether the task ends well, and what it prints."""
    kind = node[0]
    if kind == "echo":
        return True, [name]
    if kind in ("fail", "off"):
        return kind == "off", []
    if kind == "if":
        return expected(node[2], name + "y") if node[1] else expected(node[3], name + "n")
    if kind == "loop":
        ok, printed = several([(node[3], name + "l")] * node[2], node[1])
        return ok, printed if ok or not node[4] else [*printed, name + "h"]
    printed = []
    for _ in range(node[4] + 1):
        ok, more = several([(child, f"{name}.{i}") for i, child in enumerate(node[2])], node[1])
        printed += more
        if ok:
            return True, printed
    return False, [*printed, name + "h"] if node[3] else printed


def several(children: list[tuple[Node, str]], together: bool) -> tuple[bool, list[str]]:
    good, printed = True, []
    for child, name in children:
        ok, more = expected(child, name)
        printed += more
        good = good and ok
        if not ok and not together:
            break
    return good, printed


def run(task: dict[str, Any]) -> tuple[bool, list[str]]:
    """Run a workflow of one task in this process."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "main.dig").write_text(json.dumps({"+t": task}))
        console = Console(None, True)
        console.out, console.err = io.StringIO(), io.StringIO()
        project = Project(root)
        project.load()
        services = Services(project, root / ".tdlocal", console, None)
        session = dt.datetime(2024, 3, 10, tzinfo=dt.UTC)
        attempt = Run(services, project.workflow("main"), session, Journal(root / "j", False), Options())
        outcome = asyncio.run(attempt.run())
        return outcome.ok, console.out.getvalue().splitlines()


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees(False))
def test_a_sequential_tree_runs_as_the_model_says(tree: Node) -> None:
    assert run(written(tree, "t")) == expected(tree, "t")


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(trees(True))
def test_a_parallel_tree_runs_as_the_model_says(tree: Node) -> None:
    ok, printed = run(written(tree, "t"))
    good, expected_lines = expected(tree, "t")
    assert (ok, sorted(printed)) == (good, sorted(expected_lines))


VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 5), st.sampled_from(["", "a", "${x}", "$$", "${nosuch}"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
    ),
    max_leaves=8,
)
MAPS = st.dictionaries(st.sampled_from(["x", "y", "z", "m"]), VALUES, max_size=4)


@given(MAPS, MAPS, MAPS)
def test_merging_is_associative_and_changes_nothing(
    a: dict[str, Any], b: dict[str, Any], c: dict[str, Any]
) -> None:
    before = json.dumps([a, b, c])
    if not _mixed(a, b, c):
        assert merged(merged(a, b), c) == merged(a, merged(b, c))
    assert json.dumps([a, b, c]) == before


def _mixed(*maps: Any) -> bool:
    """Whether some key is a map in one and a plain value in another, where order counts."""
    kinds: dict[str, set[bool]] = {}
    for each in maps:
        for key, value in each.items():
            kinds.setdefault(key, set()).add(isinstance(value, dict))
            if isinstance(value, dict) and any(
                _mixed(value, other[key]) for other in maps if isinstance(other.get(key), dict)
            ):
                return True
    return any(len(found) > 1 for found in kinds.values())


@given(MAPS, MAPS, MAPS, st.lists(st.tuples(st.sampled_from("xyz")), max_size=2))
def test_two_updates_are_one(
    values: dict[str, Any], a: dict[str, Any], b: dict[str, Any], resets: list[Any]
) -> None:
    first, second = Update([], a), Update(resets, b)
    if not _mixed(values, a, b):
        assert first.then(second).applied(values) == second.applied(first.applied(values))


@given(MAPS, MAPS)
def test_evaluating_gives_values_or_a_config_error(exports: dict[str, Any], own: dict[str, Any]) -> None:
    try:
        seen = view(Scope(exports), {"task_name": "+t"}, own, "UTC")
    except ConfigError as error:
        assert "Failed to evaluate a variable" in str(error)
        return
    for key, value in own.items():
        if not isinstance(value, (str, dict, list)):
            assert seen.values[key] == value


@settings(max_examples=400, deadline=None)
@given(st.text(max_size=60) | st.text("${}'\"\\/*`=>()[]:.?!a1 \n", max_size=40))
def test_a_random_template_gives_text_or_a_config_error(text: str) -> None:
    try:
        result = templates.evaluate(text, {"a": 1}, "UTC")
    except ConfigError:
        return
    assert isinstance(result, str)


YAML_TEXT = (
    st.text("+_ab:>-!&*[]{}\"'|\n #~0x$%@\t", max_size=80) | st.text(max_size=60) | st.binary(max_size=60)
)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(YAML_TEXT)
def test_a_random_file_loads_or_is_refused_with_its_place(content: str | bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "main.dig"
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass"))
        faults: list[Fault] = []
        workflow = read_workflow(path, Path(folder), faults)
        assert (workflow is None) == bool(faults)
        assert all(fault.place.file == "main.dig" for fault in faults)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.dictionaries(
        st.sampled_from(["+a", "+b", "_export", "td>", "py>", "_do", "if>", "_retry"]), VALUES, max_size=4
    )
)
def test_check_takes_any_map(content: dict[str, Any]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "main.dig").write_text(json.dumps({"+t": content}))
        assert all(str(fault) for fault in check(Path(folder)))
