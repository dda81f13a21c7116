"""Faults of project files: where, what, how to mend; gathered, sorted and told together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from tdlocal.errors import KitError


@dataclass(frozen=True, order=True)
class Place:
    """A position in a project file; lines and columns count from 1, 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if not self.line:
            return self.file
        return f"{self.file}:{self.line}:{self.column}" if self.column else f"{self.file}:{self.line}"


@dataclass(frozen=True, order=True)
class Fault:
    """One fault. ``level`` is "error" (refused) or "warning" (told only); ``code`` is a short stable name."""

    place: Place
    problem: str
    mend: str = ""
    level: str = "error"
    code: str = "structure"

    def __str__(self) -> str:
        mend = f" | to mend: {self.mend}" if self.mend else ""
        return f"{self.place}: {self.problem}{mend}"


class WorkflowFaults(KitError):
    """Project files that cannot be run; ``faults`` holds every one of them, by file and line."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = sorted(set(faults))
        count = len(self.faults)
        head = "1 fault, nothing was run" if count == 1 else f"{count} faults, nothing was run"
        super().__init__("\n".join([head, *(f"  {fault}" for fault in self.faults)]))


class ConfigError(Exception):
    """A task that cannot start because of what is written in it; never retried. Digdag's "(config)" errors.

    Args:
        message: what `${error.message}` becomes, but for the "(config)" behind it.
        shown: what a person is shown, where that is shorter.
        mend: how to mend it, where that is known.
    """

    def __init__(self, message: str, shown: str = "", mend: str = "") -> None:
        super().__init__(message)
        self.shown, self.mend = shown, mend
