"""The live tree on a terminal: what runs now, how long, beside what; what is done is folded into numbers."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

from rich.console import Console as Terminal
from rich.live import Live
from rich.text import Text
from rich.tree import Tree

from tdlocal.console.events import Console
from tdlocal.console.logs import TaskLogs
from tdlocal.workflow.faults import Place

REFRESHES = 8  # a second
SHOWN = 24  # running tasks


class LiveConsole(Console):
    """Keeps a tree of running tasks at the bottom of the terminal; everything else scrolls by above it."""

    def __init__(self, logs: TaskLogs | None = None) -> None:
        super().__init__(logs)
        self.terminal = Terminal(stderr=True, highlight=False)
        self.running: dict[str, tuple[str, float]] = {}
        self.done: dict[str, tuple[int, int]] = {}
        self.title = ""
        self.live = Live(
            get_renderable=self._tree, console=self.terminal, refresh_per_second=REFRESHES, transient=True
        )

    def run_started(self, workflow: str, session: str, state: Path) -> None:
        """The run begins."""
        super().run_started(workflow, session, state)
        self.title = workflow
        self.live.start()

    def task_started(self, name: str, kind: str, place: Place) -> None:
        """A task begins to work."""
        super().task_started(name, kind, place)
        with self._lock:
            self.running[name] = (kind, time.monotonic())

    def task_ended(
        self, name: str, kind: str, how: str, seconds: float, note: str, rows: int | None = None
    ) -> None:
        """A task went well or was passed over: counted in the groups above it."""
        self.counts[how] += 1
        self._event(
            "task_ended", task=name, operator=kind, how=how, seconds=round(seconds, 3), note=note, rows=rows
        )
        with self._lock:
            self.running.pop(name, None)
            parts = segments(name)
            for depth in range(1, len(parts)):
                above = "/".join(parts[:depth])
                tasks, total = self.done.get(above, (0, 0))
                self.done[above] = (tasks + 1, total + (rows or 0))
            if len(parts) <= 2 and how != "left out":
                self._say(self.task_line(name, kind, how, seconds, note, rows))

    def task_failed(
        self, name: str, kind: str, place: Place, problem: str, mend: str, seconds: float
    ) -> None:
        """A task failed."""
        with self._lock:
            self.running.pop(name, None)
        super().task_failed(name, kind, place, problem, mend, seconds)

    def _say(self, *lines: str) -> None:
        for line in lines:
            style = "red" if line.startswith("  FAILED") else "yellow" if "warning:" in line else ""
            self.terminal.print(Text(line, style=style), soft_wrap=True)

    def output(self, name: str, text: str) -> None:
        """What a task prints, set in."""
        body = "".join(f"      {line}\n" for line in text.rstrip("\n").split("\n"))
        self.terminal.print(Text(body, end=""), soft_wrap=True)

    def _tree(self) -> Tree:
        with self._lock:
            running = list(self.running.items())
            counts = dict(self.counts)
            done = dict(self.done)
        now = time.monotonic()
        told = ", ".join(f"{count} {how}" for how, count in counts.items() if count)
        root = Tree(Text(f"{self.title}  {told}  {now - self.began:.0f} s", style="bold"))
        nodes: dict[str, Any] = {}
        for name, (kind, began) in running[:SHOWN]:
            parts = segments(name)
            above = root
            for depth in range(1, len(parts)):
                path = "/".join(parts[: depth + 1])
                if path not in nodes:
                    nodes[path] = above.add(Text(_label(parts[depth], *done.get(path, (0, 0)))))
                above = nodes[path]
            above.label = Text.assemble(
                parts[-1], "  ", (f"{kind}>", "cyan"), "  ", (f"{now - began:.1f} s", "bold")
            )
        if len(running) > SHOWN:
            root.add(Text(f"and {len(running) - SHOWN} more"))
        return root

    def run_ended(self, how: str, detail: list[str]) -> None:
        """The run is over."""
        self.live.stop()
        super().run_ended(how, detail)

    def close(self) -> None:
        """Take the tree away."""
        self.live.stop()


def _label(name: str, tasks: int, rows: int) -> str:
    folded = f"{tasks} done" if tasks else ""
    return "  ".join(filter(None, [name, folded, f"{rows:,} rows" if rows else ""]))


def segments(name: str) -> list[str]:
    """The parts of a task's name.

    >>> segments("+main+load^sub+for-0=x=0=1+one")
    ['main', 'load', 'for-0=x=0=1', 'one']
    """
    return [part for part in re.split(r"\+|\^sub(?=\+|$)|(?=\^)", name) if part]
