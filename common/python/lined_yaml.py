"""YAML that knows its lines, so that a fault of a config file is told with the place to mend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from common.python.errors import TaskError


class Lined:
    """A config file: `data`, and the line of every key.

    Args:
        path: the file, relative to the project.

    Raises:
        TaskError: the file is not there, is no YAML, or its top is not a map.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = str(path)
        self.lines: dict[tuple[Any, ...], int] = {}
        self.doubled: list[str] = []
        try:
            text = Path(path).read_text(encoding="utf-8")
        except OSError as error:
            raise TaskError(
                f"{self.path} cannot be read: {error.strerror}", where="the project", mend="put the file back"
            ) from None
        except UnicodeDecodeError as error:
            raise TaskError(
                f"{self.path} is not UTF-8", where=f"byte {error.start}", mend="save it as UTF-8"
            ) from None
        try:
            self.data: dict[str, Any] = yaml.safe_load(text) or {}
            node = yaml.compose(text, Loader=yaml.SafeLoader)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark
            place = f"{self.path}:{mark.line + 1}" if mark else self.path
            raise TaskError(
                f"this is no YAML: {error.problem or error.context}",
                where=place,
                mend="mend the line, or the one above",
            ) from None
        if not isinstance(self.data, dict):
            raise TaskError(
                "the top of the file is no map", where=f"{self.path}:1", mend="write `name: value` lines"
            )
        if node is not None:
            self._walk(node, ())

    def _walk(self, node: yaml.Node, path: tuple[Any, ...]) -> None:
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                here = (*path, key.value)
                line = key.start_mark.line + 1
                if here in self.lines:
                    self.doubled.append(f"{self.path}:{line}: {key.value} stands here a second time")
                self.lines[here] = line
                self._walk(value, here)
        elif isinstance(node, yaml.SequenceNode):
            for position, value in enumerate(node.value):
                self.lines[(*path, position)] = value.start_mark.line + 1
                self._walk(value, (*path, position))

    def place(self, *path: Any) -> str:
        """Return file:line of a key; of the nearest key above it when it is not there."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.path}:{self.lines.get(path, 1)}"
