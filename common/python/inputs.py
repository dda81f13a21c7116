"""What each workflow reads and writes, and a fingerprint of what it reads.

A workflow that succeeded in a session need not run again there as long as its fingerprint stays: the
files that make it up (config, its folder, common, its .dig) and the state of the tables it reads.
"""

from __future__ import annotations

import hashlib
import json
import os
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


def database(layer: str, params: Mapping[str, Any]) -> str:
    """Return the layer's database.

    >>> database("stg", {"stg": "staging", "sub": "retail"})
    'staging_retail'
    """
    return f"{params[layer]}_{params['sub']}"


def fingerprint(workflow: str, params: Mapping[str, Any], project: Path) -> str:
    """Return sixteen hex digits that change when anything the workflow reads changes."""
    stage = STAGES[workflow]
    parts: list[Any] = [hash_of_files(project, workflow, stage.folder)]
    for layer in stage.reads:
        parts.append(versions(treasure.tables(database(layer, params))))
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


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
    for name in sorted([workflow_file.name, *files_of(project, ("config", "common", folder))]):
        digest.update(f"{name}\0".encode())
        with open(project / name, "rb") as file:
            digest.update(hashlib.sha256(file.read()).digest())
    return digest.hexdigest()


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
