"""A project as the checks see it: every task of every file, also those in branches, and the names it
defines.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pathspec

from tdlocal.workflow.faults import Fault, Place
from tdlocal.workflow.model import Task, Workflow, _task, read_workflow
from tdlocal.workflow.yaml_reader import Section

NEVER = {".git", ".venv", "venv", "node_modules", "__pycache__", ".tdlocal", ".digdag"}
BRANCHES = ("_do", "_else_do")


@dataclass(slots=True)
class Spot:
    """One task with what stands above it: the exports of its ancestors, nearest last, and the file it is
    in.
    """

    task: Task
    exports: list[dict[str, Any]]
    file: Path
    loops: frozenset[str] = frozenset()


@dataclass(slots=True)
class Module:
    """A Python file of the project: its syntax tree, or why it has none."""

    path: Path
    tree: ast.Module | None
    fault: Fault | None = None


class Checked:
    """A project folder under check.

    Args:
        root: the folder.
        given: names of parameters that come by -p.
    """

    def __init__(self, root: Path, given: set[str]) -> None:
        self.root, self.given = root, given
        self.faults: list[Fault] = []
        self.workflows: dict[Path, Workflow] = {}
        self.spots: list[Spot] = []
        self.called: set[Path] = set()
        self.modules: dict[Path, Module] = {}
        for path in sorted(root.glob("*.dig")):
            if path.is_file() and not path.name.startswith("."):
                self._read(path)

    def shown(self, path: Path) -> str:
        """*path* relative to the project."""
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    def fault(
        self, place: Place, problem: str, mend: str = "", code: str = "task", warn: bool = False
    ) -> None:
        """Note a fault."""
        self.faults.append(Fault(place, problem, mend, "warning" if warn else "error", code))

    def _read(self, path: Path) -> None:
        path = path.resolve()
        if path in self.workflows or (
            path in self.called and path not in self.workflows and not path.is_file()
        ):
            return
        workflow = read_workflow(path, self.root, self.faults)
        self.called.add(path)
        if workflow is None:
            return
        self.workflows[path] = workflow
        for spot in self._walk(workflow.root, [], path, frozenset()):
            self.spots.append(spot)

    def read_called(self, path: Path) -> None:
        """Check a file that a call> names, once."""
        if path.resolve() not in self.called:
            self._read(path)

    def _walk(
        self, task: Task, above: list[dict[str, Any]], file: Path, loops: frozenset[str]
    ) -> Iterator[Spot]:
        exports = [*above, task.export] if task.export else above
        yield Spot(task, exports, file, loops)
        if task.operator == "call":
            command = task.command
            if isinstance(command, str) and "${" not in command:
                target = task.folder / (command if command.endswith(".dig") else command + ".dig")
                if target.is_file():
                    self.read_called(target)
        for child in task.children:
            yield from self._walk(child, exports, file, loops)
        inner = loops | _loop_names(task)
        for key in BRANCHES:
            body = task.config.get(key)
            if isinstance(body, dict):
                yield from self._branch(task, f"{task.name}^sub", body, exports, file, inner)
        for handler, name in ((task.error, "^error"), (task.check, "^check")):
            if handler is not None:
                yield from self._branch(task, task.name + name, handler, exports, file, loops | {"error"})

    def _branch(
        self,
        task: Task,
        name: str,
        body: dict[str, Any],
        exports: list[dict[str, Any]],
        file: Path,
        loops: frozenset[str],
    ) -> Iterator[Spot]:
        place = body.place if isinstance(body, Section) else task.place
        below = _task(name, body, place, task.folder, self.faults, False)
        yield from self._walk(below, exports, file, loops)

    @cached_property
    def ignored(self) -> pathspec.PathSpec[Any]:
        """What .digdagignore leaves out of a push."""
        file = self.root / ".digdagignore"
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
        return pathspec.PathSpec.from_lines("gitignore", lines)

    @cached_property
    def pushed(self) -> list[Path]:
        """The files that `push` would send, in order."""
        found: list[Path] = []
        waiting = [self.root]
        while waiting:
            folder = waiting.pop()
            for entry in sorted(folder.iterdir()):
                relative = entry.relative_to(self.root).as_posix()
                if entry.name.startswith(".") or entry.name in NEVER:
                    continue
                if self.ignored.match_file(relative + ("/" if entry.is_dir() else "")):
                    continue
                if entry.is_dir() and not entry.is_symlink():
                    waiting.append(entry)
                elif entry.is_file():
                    found.append(entry)
        return sorted(found)

    def module(self, path: Path) -> Module:
        """A Python file, parsed once."""
        path = path.resolve()
        if path not in self.modules:
            try:
                tree = ast.parse(path.read_bytes(), str(path))
                self.modules[path] = Module(path, tree)
            except SyntaxError as error:
                place = Place(self.shown(path), error.lineno or 0, error.offset or 0)
                self.modules[path] = Module(
                    path, None, Fault(place, f"not Python: {error.msg}", code="python")
                )
            except (ValueError, OSError, RecursionError) as error:
                place = Place(self.shown(path))
                self.modules[path] = Module(
                    path, None, Fault(place, f"cannot be read: {error}", code="python")
                )
        return self.modules[path]

    @cached_property
    def texts_in_python(self) -> set[str]:
        """Every text and every keyword in the project's Python files that could be the name of a parameter
        or a table.
        """
        words: set[str] = set()
        for path in self.pushed:
            if path.suffix != ".py":
                continue
            tree = self.module(path).tree
            for node in ast.walk(tree) if tree else ():
                if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) < 100:
                    words.add(node.value)
                elif isinstance(node, ast.keyword) and node.arg:
                    words.add(node.arg)
        return words

    @cached_property
    def words_in_config(self) -> set[str]:
        """Words of the project's YAML files: tables that are named there are made by whoever reads them."""
        words: set[str] = set()
        for path in self.pushed:
            if path.suffix in (".yml", ".yaml"):
                words |= set(re.findall(r"[A-Za-z_]\w+", path.read_text(encoding="utf-8", errors="replace")))
        return words

    @cached_property
    def defined(self) -> set[str]:
        """Names of parameters that something in the project defines."""
        known = set(self.given) | self.texts_in_python
        for spot in self.spots:
            known |= spot.task.export.keys() | spot.task.config.keys() | spot.loops | _loop_names(spot.task)
            defaults = spot.task.export.get("defaults")
            if isinstance(defaults, dict):
                known |= defaults.keys()
            params = spot.task.config.get("params")
            if isinstance(params, dict):
                known |= params.keys()
        return known

    @cached_property
    def plain(self) -> dict[str, Any]:
        """Plain values of exports and defaults, for reading queries: the first that is found of each name."""
        values: dict[str, Any] = {}
        for spot in self.spots:
            defaults = spot.task.export.get("defaults")
            for source in (spot.task.export, defaults if isinstance(defaults, dict) else {}):
                for key, value in source.items():
                    if isinstance(value, (str, int, float)) and "${" not in str(value):
                        values.setdefault(key, value)
        return values


def _loop_names(task: Task) -> frozenset[str]:
    command = task.command
    if task.operator == "for_each" and isinstance(command, dict):
        return frozenset(command)
    return {
        "loop": frozenset({"i"}),
        "for_range": frozenset({"range"}),
        "td_for_each": frozenset({"td"}),
    }.get(task.operator, frozenset())
