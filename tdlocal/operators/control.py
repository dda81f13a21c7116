"""Operators that only decide what runs: if>, loop>, for_each>, for_range>, call>; and echo>, fail>, wait>."""

from __future__ import annotations

import itertools
import json
import re
import urllib.parse
from typing import Any

from tdlocal.operators.base import Job, Result, Stopped, TaskFailure, as_list, as_text, parse_json
from tdlocal.workflow.faults import ConfigError
from tdlocal.workflow.model import as_boolean, as_integer
from tdlocal.workflow.yaml_reader import Section

MOST = 1000  # sub-tasks one operator may make, as on Treasure Data
DURATION = re.compile(
    r"\s*(?:(\d+)\s*d)?\s*(?:(\d+)\s*h)?\s*(?:(\d+)\s*m)?\s*(?:(\d+)\s*s)?\s*", re.IGNORECASE
)


def echo(job: Job) -> Result:
    """Print a text."""
    job.services.console.output(job.name, job.need_text())
    return Result(effect=False)


def fail(job: Job) -> Result:
    """Fail with a message."""
    message = job.need_text() if job.command is not None else ""
    raise TaskFailure(message, retriable=False, shown=message or "fail> without a message")


def wait(job: Job) -> Result:
    """Do nothing for a while."""
    duration = job.command if job.command is not None else job.need("duration")
    seconds = seconds_of(duration)
    if job.get("poll_interval") is not None:
        seconds_of(job.get("poll_interval"))
        if job.flag("blocking"):
            raise ConfigError("poll_interval can't be specified with blocking:true")
    if job.services.stopping.wait(seconds):
        raise Stopped
    return Result(effect=False)


def seconds_of(value: Any) -> float:
    """A duration such as `10s`, `5m` or `1d 2h 30m`: days, hours, minutes, seconds in this order.

    >>> seconds_of("1h 30m"), seconds_of("10S")
    (5400.0, 10.0)

    Raises:
        ConfigError: it is none; a bare number is none either.
    """
    found = DURATION.fullmatch(str(value))
    if not found or not any(found.groups()):
        raise ConfigError(
            f"Invalid duration: {as_text(value)}", mend="write days, hours, minutes, seconds: 90s, 1h 30m, 2d"
        )
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


def choose(job: Job) -> Result:
    """if>: run `_do` or `_else_do`."""
    branches = {key: job.raw.get(key, {}) for key in ("_do", "_else_do")}
    for key, tasks in branches.items():
        if not isinstance(tasks, dict):
            raise ConfigError(f"Parameter '{key}' must be an object")
    chosen = "_do" if as_boolean(job.need_command(), "_command") else "_else_do"
    if not any(branches.values()):
        raise ConfigError("Both _do and _else_do are not specified.")
    taken = branches[chosen]
    return Result(subtasks=taken or None, effect=False, note=chosen if taken else "nothing to do")


def loop(job: Job) -> Result:
    """Run `_do` a number of times, with `i` from 0. A parameter `count`, from anywhere, wins."""
    count = as_integer(job.need_command(), "_command")
    if job.get("count") is not None:
        count = as_integer(job.get("count"), "count")
    body = _body(job)
    _limit(count, "loop")
    return _repeated(job, ((f"+loop-{i}", {"i": i}) for i in range(count)), body)


def for_each(job: Job) -> Result:
    """Run `_do` for every combination of the lists, the last one changing fastest."""
    command = job.need_command()
    if isinstance(command, str):
        command = parse_json(command)
    if not isinstance(command, dict):
        raise ConfigError(f"for_each> takes a map of lists but got {json.dumps(command)[:100]}")
    lists = {key: as_list(value, key) for key, value in command.items()}
    body = _body(job)
    total = 1
    for values in lists.values():
        total *= len(values)
    _limit(total, "for_each")
    first = max((at + 1 for at, values in enumerate(lists.values()) if not values), default=0)
    names = list(enumerate(lists))[first:]  # Digdag starts anew behind an empty list
    combinations = itertools.product(*[list(enumerate(lists[name])) for _, name in names]) if names else ()
    return _repeated(job, (_combination(names, chosen) for chosen in combinations), body)


def _combination(
    names: list[tuple[int, str]], chosen: tuple[tuple[int, Any], ...]
) -> tuple[str, dict[str, Any]]:
    words, values = [], {}
    for (order, name), (position, value) in zip(names, chosen, strict=True):
        words.append(f"{order}={_short(name)}={position}={_short(value)}")
        values[name] = value
    return "+for-" + "&".join(words), values


def _short(value: Any) -> str:
    """Eight characters of a value, as they stand in a task's name.

    >>> _short("or ange+long name"), _short({"k": "v"}), _short(2.0), _short(None)
    ('or%20ange%2B', '%7B%22k%22%3A%22v%22', '2.0', 'null')
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return urllib.parse.quote(text[:8], safe="*-._")


def for_range(job: Job) -> Result:
    """Run `_do` for each part of a range, cut by step or by a number of slices."""
    command = job.need_command()
    if isinstance(command, str):
        command = parse_json(command)
    if not isinstance(command, dict):
        raise ConfigError("for_range> takes a map with from, to and step or slices")
    for key in ("from", "to"):
        if command.get(key) is None:
            raise ConfigError(f"Parameter '{key}' is required but not set")
    start, end = as_integer(command["from"], "from"), as_integer(command["to"], "to")
    step, slices = command.get("step"), command.get("slices")
    if step is not None and slices is not None:
        raise ConfigError("Setting both step and slices options to for_range is invalid")
    if step is None and slices is None:
        raise ConfigError("step or slices option is required for for_range")
    body = _body(job)
    if step is not None:
        width = as_integer(step, "step")
        if width < 1:
            raise ConfigError(f"step option must be same or greater than 1 but got {width}")
    else:
        parts = as_integer(slices, "slices")
        if parts < 1:
            raise ConfigError(f"slices option must be same or greater than 1 but got {parts}")
        width = -(-(end - start) // parts)
    starts = range(start, end, max(width, 1))
    _limit(len(starts), "for_range")
    ranges = (
        (
            f"+range-from={low}&to={min(low + width, end)}",
            {"range": {"from": low, "to": min(low + width, end), "index": i}},
        )
        for i, low in enumerate(starts)
    )
    return _repeated(job, ranges, body)


def _body(job: Job) -> dict[str, Any]:
    body = job.raw.get("_do")
    if body is None:
        raise ConfigError("Parameter '_do' is required but not set")
    if not isinstance(body, dict):
        raise ConfigError(f"_do must be a map of tasks but is {as_text(body)[:60]!r}")
    return body


def _limit(count: int, what: str) -> None:
    if count > MOST:
        raise ConfigError(f"Too many {what} subtasks. Limit: {MOST}")


def _repeated(job: Job, items: Any, body: dict[str, Any]) -> Result:
    """`_do` once for each (name, exports), as sub-tasks."""
    tasks: dict[str, Any] = {}
    for name, exports in items:
        tasks[name] = exported(body, exports)
    if not tasks:
        return Result(effect=False, note="nothing to do")
    if "_parallel" in job.values:
        tasks["_parallel"] = job.values["_parallel"]
    return Result(subtasks=tasks, effect=False)


def exported(body: dict[str, Any], exports: dict[str, Any]) -> Section:
    """A copy of a task whose `_export` holds *exports*, which win over its own."""
    copy = Section(body)
    if isinstance(body, Section):
        copy.marks, copy.place = body.marks, body.place
    own = body.get("_export")
    copy["_export"] = {**own, **exports} if isinstance(own, dict) else exports
    return copy


def call(job: Job) -> Result:
    """Run the tasks of another file below this one."""
    name = job.need_text()
    workflow = job.services.project.called(name, job.folder)
    body = Section(
        (key, value) for key, value in workflow.source.items() if key not in ("timezone", "schedule", "sla")
    )
    body.marks, body.place = workflow.source.marks, workflow.source.place
    result = Result(subtasks=body, effect=False)
    result.subtasks["_folder"] = str(workflow.path.parent)  # type: ignore[index]
    return result
