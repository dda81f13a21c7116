"""A workflow's tasks as Digdag compiles them, with every fault that Digdag would refuse at load.

Digdag stops at the first fault of a file; here all faults are gathered. A task definition is immutable
once made; what is generated while running (`_do`, call>, `_error`, sub-tasks) is compiled by the same code.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tdlocal.workflow.faults import ConfigError, Fault, Place
from tdlocal.workflow.yaml_reader import Section, read_yaml

TOP_KEYS = ("timezone", "schedule", "sla")
BAD_NAME = re.compile(r"[^\w=\[\]{}%&@`,.^-]")
GROUP_KEYS = frozenset(
    "timezone schedule sla _parallel _background _after _error _check _retry _export _secrets".split()
)
ROOT_KEYS = GROUP_KEYS - {"_background", "_after"}
OWN_KEYS = ("_export", "_error", "_check", "_background", "_after", "_disable")
EMPTY: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Parallel:
    """How the children of a group run: one after another, all at once, or in chunks of ``limit``."""

    together: bool = False
    limit: int = 0


@dataclass(slots=True)
class Task:
    """One task of a file, or one that was generated.

    ``config`` holds the task's own keys as written (for an operator), ``upstream`` the positions of the
    siblings it waits for, ``retry`` its `_retry` under that key, ``folder`` where its files and its `call>`
    are looked up.
    """

    name: str
    place: Place
    folder: Path
    operator: str = ""
    config: dict[str, Any] = field(default_factory=dict)
    export: dict[str, Any] = field(default_factory=dict)
    error: Section | None = None
    check: Section | None = None
    retry: dict[str, Any] = field(default_factory=dict)
    disable: Any = False
    background: bool = False
    after: tuple[str, ...] = ()
    parallel: Parallel = Parallel()
    children: list[Task] = field(default_factory=list)
    upstream: tuple[int, ...] = ()
    chain: bool = True  # children run strictly one after another

    @property
    def command(self) -> Any:
        """What stands behind the operator's name."""
        for key, value in self.config.items():
            if key.endswith(">"):
                return value
        return self.config.get("_command")

    def all_tasks(self) -> Iterator[Task]:
        """This task and all below it, in file order."""
        yield self
        for child in self.children:
            yield from child.all_tasks()


@dataclass(slots=True)
class Workflow:
    """One .dig file: its tasks, time zone and schedule."""

    name: str
    path: Path
    root: Task
    timezone: str
    schedule: Section | None
    source: Section


def read_workflow(path: Path, root: Path, faults: list[Fault], text: str | None = None) -> Workflow | None:
    """One .dig file compiled, or None when it has faults (which are added to *faults*)."""
    before = len(faults)
    section = read_yaml(path, root, faults, text)
    if section is None:
        return None
    workflow = workflow_of(section, path, faults)
    return workflow if len(faults) == before else None


def workflow_of(section: Section, path: Path, faults: list[Fault], name: str = "") -> Workflow:
    """The workflow that a map of keys means; *path* is the file that it came from."""
    from tdlocal.workflow.sessions import schedule_faults, zone_fault

    name = name or path.stem
    timezone = section.get("timezone", "UTC")
    schedule = section.get("schedule")
    problem = zone_fault(timezone)
    if problem:
        faults.append(
            Fault(section.at("timezone"), problem, "use a name like UTC or Asia/Tokyo", code="timezone")
        )
        timezone = "UTC"
    if schedule is not None:
        faults.extend(schedule_faults(section, timezone))
    body = Section((key, value) for key, value in section.items() if key not in TOP_KEYS)
    body.marks, body.place = section.marks, section.place
    for key in [key for key in body if not key.startswith("+") and key not in ROOT_KEYS]:
        mend = (
            "put it in a task, such as `+main:`"
            if key.endswith(">")
            else "put a + before a task, or use _export"
        )
        problem = f"workflow {name!r} includes unknown key {key!r}"
        faults.append(Fault(section.at(key), problem, mend))
        del body[key]
    task = _task(f"+{name}", body, body.place, path.parent, faults, False)
    return Workflow(
        name, path, task, str(timezone), schedule if isinstance(schedule, Section) else None, section
    )


def generated(name: str, config: Any, folder: Path, place: Place) -> Task:
    """A task that was made while running, such as the content of `_do`.

    Raises:
        ConfigError: it is not a task.
    """
    faults: list[Fault] = []
    if not isinstance(config, dict):
        raise ConfigError(f"Expected a map of tasks but got {type(config).__name__}: {str(config)[:80]}")
    task = _task(name, config, getattr(config, "place", place), folder, faults, False)
    if faults:
        raise ConfigError("; ".join(f"{fault.problem} ({fault.place})" for fault in faults))
    return task


def operator_of(config: dict[str, Any]) -> str:
    """The operator's name without >, or empty text for a group."""
    if "_type" in config:
        return str(config["_type"])
    return next((key[:-1] for key in config if key.endswith(">")), "")


def _task(
    name: str, config: dict[str, Any], place: Place, folder: Path, faults: list[Fault], in_parallel: bool
) -> Task:
    task = Task(name, place, folder)
    at = config.at if isinstance(config, Section) else lambda key: place
    task.disable = _flag(config, "_disable", at, faults)
    if task.disable:
        return task  # nothing of it is looked at
    words = [key for key in config if key.endswith(">")]
    children = [key for key in config if key.startswith("+")]
    task.export = _map(config, "_export", at, faults) or EMPTY
    task.error = _handler(name + "^error", config, "_error", folder, at, faults)
    task.check = _handler(name + "^check", config, "_check", folder, at, faults)
    task.retry = {"_retry": config["_retry"]} if "_retry" in config else {}
    task.background = _flag(config, "_background", at, faults)
    task.after = _after(config, at, faults)
    if in_parallel and task.background:
        problem = '"_background: true" is invalid (unnecessary) in a parent with "_parallel: true"'
        faults.append(Fault(at("_background"), problem, "take it out"))
    if words or "_type" in config:
        task.operator = operator_of(config)
        own = Section(
            (key, value) for key, value in config.items() if key not in OWN_KEYS and key not in children
        )
        own.place, own.marks = place, getattr(config, "marks", {})
        task.config = own
        _operator_faults(name, words, children, config, at, faults)
        return task
    for key in config:
        if not key.startswith("+") and key not in GROUP_KEYS:
            faults.append(Fault(at(key), f"{name} contains invalid key {key!r}", _mend_of(key, config[key])))
    task.parallel = _parallel(config, at, faults)
    task.children = _children(name, config, children, folder, at, faults, task.parallel.together)
    _connect(task, at, faults)
    return task


def _mend_of(key: str, value: Any) -> str:
    """How to mend a key that a group does not know."""
    near = difflib.get_close_matches(key, sorted(GROUP_KEYS), 1)
    if near:
        return f"did you mean {near[0]}?"
    if isinstance(value, dict) and not key.startswith("_"):
        return f"a task in a group starts with +: did you mean +{key}?"
    return "take it out" if key == "_disable" else "put it under _export, or into the tasks of the group"


def _operator_faults(
    name: str, words: list[str], children: list[str], config: dict[str, Any], at: Any, faults: list[Fault]
) -> None:
    if len(words) > 1:
        problem = f"{name} has more than one operator: {', '.join(words)}"
        faults.append(Fault(at(words[1]), problem, "give each operator a task of its own"))
    if children:
        problem = f"{name} has an operator ({(words or ['_type'])[0]}) and sub-tasks ({', '.join(children)})"
        faults.append(Fault(at(children[0]), problem, "put the operator in a sub-task of its own"))


def _children(
    name: str,
    config: dict[str, Any],
    keys: list[str],
    folder: Path,
    at: Any,
    faults: list[Fault],
    together: bool,
) -> list[Task]:
    children = []
    for key in keys:
        value, place = config[key], at(key)
        bad = BAD_NAME.search(key[1:])
        if bad or not 1 < len(key) < 256:
            problem = f"must not contain character {bad[0]!r}" if bad else "must have 1 to 254 characters"
            faults.append(Fault(place, f"task name {key[:300]!r} {problem}", "use letters, digits, - or _"))
            continue
        if value is None:
            faults.append(Fault(place, f"task {key} is empty", "give it an operator, or write {}"))
            continue
        if not isinstance(value, dict):
            faults.append(
                Fault(
                    place,
                    f"task {key} must be a map but is {str(value)[:40]!r}",
                    "write `operator>: …` below it",
                )
            )
            continue
        children.append(_task(name + key, value, place, folder, faults, together))
    return children


def _connect(task: Task, at: Any, faults: list[Fault]) -> None:
    """Set what each child waits for."""
    children, names = task.children, [child.name[len(task.name) :] for child in task.children]
    plain = not task.parallel.together and not any(child.background or child.after for child in children)
    task.chain = plain
    if plain:
        return
    previous: list[int] = []
    for position, child in enumerate(children):
        if task.parallel.together:
            limit = task.parallel.limit
            waits = []
            if limit > 0 and position >= limit:
                chunk = position // limit * limit
                waits = list(range(chunk - limit, chunk))
            for name in child.after:
                if name in names[:position]:
                    waits.append(names.index(name))
                else:
                    problem = (
                        f"_after of {names[position]} names {name}, which is no earlier task of this group"
                    )
                    faults.append(Fault(child.place, problem, "move that task above this one"))
            child.upstream = tuple(sorted(set(waits)))
            continue
        if child.after:
            problem = '"_after" is invalid where the parent has no "_parallel: true"'
            faults.append(
                Fault(child.place, problem, "add _parallel: true to the parent, or take _after out")
            )
        if child.background:  # waits for nothing: it starts with the first task of the group
            previous.append(position)
        else:
            child.upstream = tuple(previous)
            previous = [position]


def _handler(
    name: str, config: dict[str, Any], key: str, folder: Path, at: Any, faults: list[Fault]
) -> Section | None:
    if key not in config:
        return None
    value = config[key]
    if not isinstance(value, dict):
        faults.append(Fault(at(key), f"{key} must be a map of tasks but is {str(value)[:40]!r}"))
        return None
    if not value:
        return None
    section = value if isinstance(value, Section) else Section(value, at(key))
    _task(name, section, at(key), folder, faults, False)
    return section


def _map(config: dict[str, Any], key: str, at: Any, faults: list[Fault]) -> dict[str, Any] | None:
    value = config.get(key)
    if value is None or isinstance(value, dict):
        return value
    faults.append(Fault(at(key), f"{key} must be a map but is {str(value)[:40]!r}"))
    return None


def _flag(config: dict[str, Any], key: str, at: Any, faults: list[Fault]) -> bool:
    try:
        return as_boolean(config.get(key, False), key)
    except ConfigError as error:
        mend = "a template is not evaluated here: write true or false" if "${" in str(config[key]) else ""
        faults.append(Fault(at(key), str(error), mend))
        return False


def _after(config: dict[str, Any], at: Any, faults: list[Fault]) -> tuple[str, ...]:
    value = config.get("_after", ())
    if isinstance(value, str):
        value = [value]
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, str) for item in value):
        faults.append(Fault(at("_after"), "_after must be a list of task names", "write `_after: [+name]`"))
        return ()
    return tuple(value)


def _parallel(config: dict[str, Any], at: Any, faults: list[Fault]) -> Parallel:
    try:
        return parallel_of(config["_parallel"]) if "_parallel" in config else Parallel()
    except ConfigError as error:
        faults.append(Fault(at("_parallel"), str(error), "write true, false or {limit: N}"))
        return Parallel()


def parallel_of(value: Any) -> Parallel:
    """What `_parallel:` means.

    >>> parallel_of(True), parallel_of("false").together, parallel_of({"limit": "2"}).limit
    (Parallel(together=True, limit=0), False, 2)

    Raises:
        ConfigError: anything but true, false (also as text, which a template gives) and {limit: N}.
    """
    if isinstance(value, dict):
        if value.get("limit") is None:
            raise ConfigError("_parallel: Parameter 'limit' is required but not set")
        return Parallel(True, as_integer(value["limit"], "limit"))
    if isinstance(value, (bool, str)):
        return Parallel(as_boolean(value, "_parallel"))
    raise ConfigError(f"Invalid _parallel format: {json.dumps(value, default=str)[:100]}")


def as_boolean(value: Any, key: str) -> bool:
    """True or false, also from text and numbers, as Digdag reads them; empty text is false.

    Raises:
        ConfigError: neither.
    """
    if isinstance(value, bool):
        return value
    if isinstance(value, (int, float)):
        return value != 0
    if value in ("true", "True", "TRUE"):
        return True
    if value in ("false", "False", "FALSE", ""):
        return False
    kind = (
        "string" if isinstance(value, str) else "object" if isinstance(value, dict) else type(value).__name__
    )
    raise ConfigError(f"Expected 'true' or 'false' for key '{key}' but got {_shown(value)} ({kind})")


def as_integer(value: Any, key: str) -> int:
    """A whole number, also from text.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(value, bool) or value is None:
        raise ConfigError(f"Expected integer (int) type for key '{key}' but got {_shown(value)}")
    if isinstance(value, (int, float)) and value == value and abs(value) < 2**63:
        return int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?\d{1,18}\s*", value):
        return int(value)
    raise ConfigError(f"Expected integer (int) type for key '{key}' but got {_shown(value)}")


def _shown(value: Any) -> str:
    return f'"{value[:100]}"' if isinstance(value, str) else str(value)[:100]
