"""Operators, their parameters, the files they name, and forms that Digdag takes without a word but that do
not work.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tdlocal import operators
from tdlocal.operators.control import seconds_of
from tdlocal.workflow.checks.project import Checked, Spot
from tdlocal.workflow.faults import ConfigError, Place
from tdlocal.workflow.parameters import holds_template
from tdlocal.workflow.retries import retry_fault
from tdlocal.workflow.yaml_reader import PlainFraction, Section

NEEDS_BRANCH = {"loop": "_do", "for_each": "_do", "for_range": "_do", "td_for_each": "_do"}
EFFECT_OPERATORS = {"td", "td_for_each"}
NEEDS_TEXT = {"echo", "sh", "call", "require", "http", "http_call", "wait", "loop", "for_each"}


def check(project: Checked) -> None:
    """Note what is wrong with each task."""
    for spot in list(project.spots):
        if spot.task.operator:
            _operator(project, spot)
        else:
            _group(project, spot)
        _exports(project, spot)
        _numbers(project, spot)


def _numbers(project: Checked, spot: Spot) -> None:
    """Values that look like numbers and are text on Digdag, as 0.5 is."""
    for section in (spot.task.export, spot.task.config):
        for place, text in _fractions(section, spot.task.place):
            project.fault(
                place,
                f"{text} is text on Digdag, not a number, as every number that begins with 0. is",
                f'write {text.replace("0.", ".", 1)}, or "{text}" where text is meant',
                "number",
                True,
            )


def _fractions(value: Any, place: Place) -> Iterator[tuple[Place, str]]:
    if isinstance(value, PlainFraction):
        yield place, str(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in ("_do", "_else_do"):  # tasks of their own
                yield from _fractions(item, value.at(key) if isinstance(value, Section) else place)
    elif isinstance(value, list):
        for item in value:
            yield from _fractions(item, place)


def _at(spot: Spot, key: str) -> Place:
    config = spot.task.config
    return config.at(key) if isinstance(config, Section) else spot.task.place


def _operator(project: Checked, spot: Spot) -> None:
    task, name = spot.task, spot.task.operator
    found = operators.OPERATORS.get(name)
    if found is None:
        if name in operators.OTHERS:
            problem = f"operator {name}> ({operators.OTHERS[name]}) is not supported by tdlocal"
            project.fault(task.place, problem, "it runs on Treasure Data only", "operator", True)
            return
        near = difflib.get_close_matches(name, operators.OPERATORS, 1)
        mend = f"did you mean {near[0]}>?" if near else f"operators: {', '.join(sorted(operators.OPERATORS))}"
        project.fault(task.place, f"unknown operator {name}>", mend, "operator")
        return
    _parameters(project, spot, found)
    _branches(project, spot)
    _retry(project, spot)
    _command(project, spot)
    _files(project, spot)
    if task.operator == "require":
        _required(project, spot)


def _parameters(project: Checked, spot: Spot, found: operators.Operator) -> None:
    if "*" in found.options:
        return
    known = found.options | operators.COMMON
    for key in spot.task.config:
        if key.endswith(">") or key in known:
            continue
        near = difflib.get_close_matches(key, sorted(found.options), 1)
        mend = (
            f"did you mean {near[0]}?"
            if near
            else f"{spot.task.operator}> knows {', '.join(sorted(found.options)) or 'no parameters'}"
        )
        project.fault(
            _at(spot, key),
            f"{spot.task.operator}> has no parameter {key!r}",
            mend,
            "parameter",
            key not in near,
        )


def _branches(project: Checked, spot: Spot) -> None:
    task = spot.task
    if task.operator == "if" and not (task.config.get("_do") or task.config.get("_else_do")):
        project.fault(task.place, "if> has neither _do nor _else_do", "give it the tasks to run", "branch")
    needed = NEEDS_BRANCH.get(task.operator)
    if needed and needed not in task.config:
        project.fault(
            task.place, f"{task.operator}> has no {needed}", "give it the tasks to repeat", "branch"
        )
    for key in ("_do", "_else_do"):
        if key in task.config and not isinstance(task.config[key], dict):
            project.fault(task.place, f"{key} must be a map of tasks", "", "branch")
    if (
        task.operator == "for_range"
        and isinstance(task.command, dict)
        and {"step", "slices"} <= task.command.keys()
    ):
        project.fault(task.place, "for_range> has both step and slices", "keep one", "branch")


def _retry(project: Checked, spot: Spot) -> None:
    task = spot.task
    if not task.retry:
        return
    problem = retry_fault(task.retry)
    if problem:
        found = operators.OPERATORS.get(task.operator)
        fails = found is not None and found.checks_retry
        project.fault(
            task.place,
            f"{'the task fails' if fails else '_retry is ignored'}: {problem}",
            "write a number or {limit: N, interval: S}",
            "retry",
            not fails,
        )
    elif task.operator in EFFECT_OPERATORS:
        project.fault(
            task.place,
            f"_retry on {task.operator}> asks about the same failed job again, it submits no new one",
            "put _retry on a group around this task",
            "retry",
            True,
        )
    elif task.operator == "fail":
        project.fault(task.place, "_retry on fail> does nothing", "take it out", "retry", True)


def _command(project: Checked, spot: Spot) -> None:
    task = spot.task
    command = task.command
    needs_text = task.operator in NEEDS_TEXT and not (task.operator == "wait" and "duration" in task.config)
    if command is None and needs_text:
        project.fault(task.place, f"{task.operator}> has no text behind it", "", "command")
    if task.operator == "td" and command is None and "query" not in task.config:
        project.fault(
            task.place, "td> has neither a file nor query:", "name a .sql file or write query:", "command"
        )
    if task.operator == "td" and command == "":
        project.fault(
            task.place,
            'td> "" is read as a folder',
            "write `td>:` with nothing behind it, and query:",
            "command",
        )
    if task.operator == "td" and {"insert_into", "create_table"} <= task.config.keys():
        project.fault(task.place, "insert_into and create_table together are refused", "keep one", "command")
    if task.operator == "td_wait" and re.fullmatch(
        r"\d+|[0-9]s|[12][0-9]s", str(task.config.get("interval", "30s"))
    ):
        project.fault(
            task.place, "interval of td_wait> must be a text of at least 30s", "write 30s", "command"
        )
    if task.operator == "wait" and isinstance(command, (str, int, float)) and "${" not in str(command):
        try:
            seconds_of(command)
        except ConfigError as error:
            project.fault(task.place, str(error), error.mend, "command")
    if task.operator == "mail":
        _recipients(project, spot)


def _recipients(project: Checked, spot: Spot) -> None:
    to = spot.task.config.get("to")
    name = re.fullmatch(r"\$\{\s*([\w.]+)(?:\.join\([^)]*\))?\s*\}", to) if isinstance(to, str) else None
    if name is None:
        return
    value: Any = {}
    for export in spot.exports:
        value = {**value, **export}
    for word in name[1].split("."):
        value = value.get(word) if isinstance(value, dict) else None
    if isinstance(value, list):
        project.fault(
            spot.task.place,
            f"to: {to} becomes the text of a list, which mail> refuses",
            "one mail each by for_each>, or a literal list",
            "mail",
        )


def _files(project: Checked, spot: Spot) -> None:
    task, command = spot.task, spot.task.command
    wanted: list[str] = []
    if (
        task.operator in ("td", "td_for_each", "td_wait", "mail") and isinstance(command, str) and command
    ) or (task.operator == "td_load" and isinstance(command, str) and command.endswith((".yml", ".yaml"))):
        wanted.append(command)
    elif task.operator == "call" and isinstance(command, str):
        wanted.append(command if command.endswith(".dig") else command + ".dig")
    for name in wanted:
        if not _there(task.folder, name):
            near = _near(task.folder, name)
            mend = f"did you mean {near}?" if near else "paths are relative to the .dig file's folder"
            project.fault(_at(spot, f"{task.operator}>"), f"no such file: {name}", mend, "missing-file")


def _required(project: Checked, spot: Spot) -> None:
    """The workflow that require> names."""
    task, command = spot.task, spot.task.command
    if not isinstance(command, str) or {"project_name", "project_id"} & task.config.keys() or "${" in command:
        return
    if "/" in command or not (project.root / f"{command}.dig").is_file():
        problem = f"require> {command}: no such workflow in the project's top folder"
        mend = "require> sees only top-level .dig files, named without .dig; call> takes any"
        project.fault(task.place, problem, mend, "missing-file")


def _there(folder: Path, name: str) -> bool:
    if "${" not in name:
        return (folder / name).is_file()
    pattern = re.sub(r"\$\{[^}]*\}", "*", name)
    if pattern.startswith(("*", "/")):
        return True
    try:
        return any(True for _ in folder.glob(pattern))
    except (ValueError, NotImplementedError):
        return True


def _near(folder: Path, name: str) -> str:
    beside = (folder / name).parent
    if not beside.is_dir():
        return ""
    found = difflib.get_close_matches(Path(name).name, [entry.name for entry in beside.iterdir()], 1)
    return (Path(name).parent / found[0]).as_posix() if found else ""


def _group(project: Checked, spot: Spot) -> None:
    task = spot.task
    if task.check is not None:
        project.fault(
            task.place,
            "_check on a group is silently ignored",
            "put it on a task with an operator",
            "check",
            True,
        )
    if task.retry:
        problem = retry_fault(task.retry)
        if problem or holds_template(task.retry):
            why = problem or "templates are not evaluated in the _retry of a group"
            project.fault(task.place, f"_retry is ignored: {why}", "write a number", "retry", True)


def _exports(project: Checked, spot: Spot) -> None:
    """Templates that see other parameters unexpanded, and an _env that reaches no process."""
    if "_env" in spot.task.export:
        export = spot.task.export
        place = export.at("_env") if isinstance(export, Section) else spot.task.place
        problem = "_env under _export reaches no process: only a task's own _env does"
        project.fault(place, problem, "put _env into each py>, sh> or rb> task", "exported-env", True)
    visible: dict[str, Any] = {}
    for export in spot.exports:
        visible.update(export)
    if not visible:
        return
    for key, value in spot.task.export.items():
        place = spot.task.export.at(key) if isinstance(spot.task.export, Section) else spot.task.place
        if (
            isinstance(value, str)
            and re.search(rf"\$\{{[^}}]*(?<![\w.'\"]){re.escape(key)}\b", value)
            and "typeof" not in value
        ):
            project.fault(
                place,
                f"{key} refers to itself: it sees its own text, not the outer value",
                "give the new value another name",
                "self-reference",
                True,
            )
        elif isinstance(value, dict):
            _inside(project, place, key, value, visible)
    for key, value in spot.task.config.items():
        if isinstance(value, dict) and key not in ("_do", "_else_do"):
            _inside(project, spot.task.place, key, value, visible)


def _inside(project: Checked, place: Place, key: str, value: dict[str, Any], visible: dict[str, Any]) -> None:
    for inner, text in value.items():
        if isinstance(text, dict):
            _inside(project, place, f"{key}.{inner}", text, visible)
        if not isinstance(text, str):
            continue
        for name in re.findall(r"\$\{\s*([A-Za-z_]\w*)", text):
            if name in value:
                continue
            if isinstance(visible.get(name), str) and "${" in visible[name]:
                project.fault(
                    place,
                    f"{key}.{inner} uses {name}, which is a template: inside a map it is seen unexpanded",
                    f"make {name} a plain or stored value",
                    "nested-template",
                    True,
                )
