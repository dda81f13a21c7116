"""`tdlocal check`: every fault of a project that can be found without data, a server or running anything."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tdlocal.workflow.checks import files, names, python, sql, tasks
from tdlocal.workflow.checks.project import Checked
from tdlocal.workflow.faults import Fault


def check(root: Path, given: Iterable[str] = ()) -> list[Fault]:
    """All faults of the project in *root*, sorted by file and line.

    Args:
        root: project folder.
        given: names of parameters that will come by -p.
    """
    project = Checked(root.resolve(), set(given))
    for part in (tasks, names, python, sql, files):
        part.check(project)
    return sorted(set(project.faults))
