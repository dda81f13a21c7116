"""What each workflow reads and writes, and a fingerprint of what it reads.

A workflow that succeeded in a session need not run again there as long as its fingerprint stays: the
files that make it up (its .dig, config, common, its folder and those that its .dig and its Python name) and
the state of the tables it reads.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from common.python import treasure
from common.python.errors import TaskError


class Stage(NamedTuple):
    """A workflow: its folder, and the layers (names of config/src_params.yml) it reads and writes."""

    folder: str
    reads: tuple[str, ...]
    writes: tuple[str, ...] = ()


STAGES = {
    "wf02_mapping": Stage("prep", ("raw",), ("prp", "src")),
    "wf03_validate": Stage("validation", ("src",)),
    "wf04_stage": Stage("staging", ("src",), ("stg",)),
    "wf05_unify": Stage("unification", ("stg",), ("unif",)),
    "wf06_golden": Stage("golden", ("unif", "stg"), ("gld",)),
    "wf07_analytics": Stage("analytics", ("gld", "unif"), ("ana",)),
    "wf08_create_refresh_master_segment": Stage("segment", ("gld",)),
    "wf09_create_segment": Stage("segment", ("gld",), ("ana",)),
}
WORKFLOWS = tuple(STAGES)
MOST_NAMED = 5  # tables in a reason


def database(layer: str, params: Mapping[str, Any]) -> str:
    """Return the layer's database.

    >>> database("stg", {"stg": "staging", "sub": "retail"})
    'staging_retail'
    """
    return f"{params[layer]}_{params['sub']}"


def fingerprint(workflow: str, params: Mapping[str, Any], project: Path) -> str:
    """Return sixteen hex digits: eight change when a file of the workflow does, eight when a table does."""
    stage = STAGES[workflow]
    states = [versions(treasure.tables(database(layer, params))) for layer in stage.reads]
    of_tables = hashlib.sha256(json.dumps(states, sort_keys=True).encode()).hexdigest()
    return hash_of_files(project, workflow, stage.folder)[:8] + of_tables[:8]


def what_changed(
    workflow: str, params: Mapping[str, Any], before: str | None, after: str, since: str | None
) -> str:
    """Return in words what differs between two fingerprints; tables by name where their times tell it.

    Args:
        workflow: stem of its file.
        params: the run's.
        before: fingerprint of the last success.
        after: fingerprint of now.
        since: when the last success began, as the log has it.
    """
    old = before or ""
    parts = ["its config, SQL or Python"] if old[:8] != after[:8] else []
    if old[8:] != after[8:]:
        named = changed_tables(workflow, params, since or "9")
        named = [*named[:MOST_NAMED], "…"] if len(named) > MOST_NAMED else named
        parts.append(f"tables it reads ({', '.join(named)})" if named else "the tables it reads")
    return " and ".join(parts)


def changed_tables(workflow: str, params: Mapping[str, Any], since: str) -> list[str]:
    """Return the tables that the workflow reads and that changed after *since*, like 2026-11-01T04:00:00Z."""
    names = [database(layer, params) for layer in STAGES[workflow].reads]
    return [
        f"{name}.{table}"
        for name in names
        for table, about in sorted(treasure.tables(name).items())
        if is_live(table) and changed_at(about) > since
    ]


def changed_at(table: Mapping[str, Any]) -> str:
    """Return when a table was made or changed last, as the log writes times.

    >>> changed_at({"created_at": "2026-11-01 04:00:00 UTC", "updated_at": "2026-11-01 04:00:09 UTC"})
    '2026-11-01T04:00:09Z'
    """
    last = table.get("counter_updated_at") or table.get("updated_at") or ""
    return max(str(table.get("created_at") or ""), str(last)).replace(" UTC", "Z").replace(" ", "T")


def hash_of_files(project: Path, workflow: str, folder: str) -> str:
    """Return a hash over names and contents of the files that make up a workflow."""
    digest = hashlib.sha256()
    workflow_file = project / f"{workflow}.dig"
    if not workflow_file.is_file():
        raise TaskError(
            f"there is no workflow {workflow}",
            where=str(project),
            mend=f"put {workflow}.dig back into the project",
        )
    shared = files_of(project, ("config", "common"))
    for name in sorted([*files_named(project, workflow_file.name, folder), *shared]):
        digest.update(f"{name}\0".encode())
        with open(project / name, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


def files_named(project: Path, workflow_file: str, folder: str) -> list[str]:
    """Return the files of *folder*, and of all that its Python and the workflow name: folders, modules.

    One that only a comment names counts too: a workflow that runs too often is better than one too seldom.
    """
    others = {entry.name for entry in os.scandir(project) if entry.is_dir() or entry.name.endswith(".py")}
    others -= {"config", "common", *left_at_home(project)}
    modules = "|".join(sorted(re.escape(name.removesuffix(".py")) for name in others))
    mention = re.compile(
        rf"(?<![\w./])(?:{modules})(?=[./]\w)|(?<=import )(?:{modules})\b|(?<=from )(?:{modules})\b"
    )
    found: dict[str, None] = {}
    waiting = [workflow_file, *files_of(project, [folder])]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found[name] = None
        if not name.endswith((".py", ".dig")):
            continue
        text = (project / name).read_text(encoding="utf-8", errors="replace")
        named = set(mention.findall(text))
        waiting += [f"{one}.py" for one in named if f"{one}.py" in others]
        waiting += files_of(project, sorted(named & others))
    return sorted(found)


def left_at_home(project: Path) -> set[str]:
    """Return the folders at the top that are not pushed, so that no task can read them."""
    try:
        lines = (project / ".digdagignore").read_text(encoding="utf-8").splitlines()
    except OSError:
        return set()
    return {line.strip("/") for line in lines}


def files_of(project: Path, folders: Iterable[str]) -> list[str]:
    """Return the files below *folders* as paths within the project; not hidden ones, nor Python's caches."""
    found = []
    for folder in folders:
        if not (project / folder).is_dir():
            continue
        with os.scandir(project / folder) as entries:
            seen = [entry for entry in entries if not entry.name.startswith((".", "__pycache__"))]
        found += [f"{folder}/{entry.name}" for entry in seen if entry.is_file()]
        found += files_of(project, [f"{folder}/{entry.name}" for entry in seen if entry.is_dir()])
    return found


def is_live(name: str) -> bool:
    """Tell whether a table is neither being built nor an earlier state.

    >>> is_live("consents"), is_live("consents__next"), is_live("consents__prev2")
    (True, False, False)
    """
    return "__next" not in name and "__prev" not in name


def versions(tables: Mapping[str, Mapping[str, Any]]) -> list[list[Any]]:
    """Return what tells two states of a database apart: its live tables, not their earlier states.

    >>> table = {"count": 3, "schema": "[]", "created_at": "x", "updated_at": "y"}
    >>> versions({"a": table, "a__prev": {}})
    [['a', 3, '[]', 'x', 'y']]
    """
    return [
        [
            name,
            table.get("count"),
            table.get("schema"),
            table.get("created_at"),
            table.get("counter_updated_at") or table.get("updated_at"),
        ]
        for name, table in sorted(tables.items())
        if is_live(name)
    ]
