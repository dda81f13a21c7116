"""Which tasks --start, --goal, --end and a task name on the command line choose."""

from __future__ import annotations

from dataclasses import dataclass, field

from tdlocal.errors import KitError
from tdlocal.workflow.model import Task


@dataclass(slots=True)
class Selection:
    """For each task of the files one of "force" (run it whatever was saved) and "leave" (do not run it).

    What a task generates is treated like the task. ``chosen`` tells whether anything was selected at all.
    """

    modes: dict[str, str] = field(default_factory=dict)
    chosen: bool = False

    def mode(self, name: str) -> str:
        """ "force", "leave" or empty text for the task called *name*."""
        if not self.modes:
            return ""
        while name:
            if name in self.modes:
                return self.modes[name]
            cut = max(name.rfind("+"), name.rfind("^"))
            name = name[:cut] if cut > 0 else ""
        return ""


def select(
    root: Task, start: str = "", goal: str = "", end: str = "", only: str = "", rerun: bool = False
) -> Selection:
    """The selection that the options mean.

    Args:
        root: the workflow.
        start: that task and all after it, whatever was saved; nothing before it.
        goal: that task and its children, whatever was saved; nothing before and after it.
        end: everything before that task.
        only: that task and its children.
        rerun: run what is left even where it was saved.

    Raises:
        KitError: a name fits no task.
    """
    order = [task.name for task in root.all_tasks()]
    selection = Selection()
    modes = selection.modes
    for pattern, kind in ((start, "start"), (goal, "goal"), (end, "end"), (only, "only")):
        if not pattern:
            continue
        selection.chosen = True
        name = _find(order, pattern)
        position = order.index(name)
        for index, other in enumerate(order):
            inside, above = other == name or _is_below(other, name), _is_below(name, other)
            if above:
                continue
            if kind == "start":
                modes[other] = "force" if index >= position else "leave"
            elif kind == "end":
                if index >= position:
                    modes[other] = "leave"
            elif inside:
                if kind == "goal" or rerun:
                    modes[other] = "force"
            else:
                modes[other] = "leave"
    if rerun and selection.chosen:
        for other in order:
            modes.setdefault(other, "force")
    return selection


def _is_below(name: str, ancestor: str) -> bool:
    return name.startswith(ancestor) and name != ancestor and name[len(ancestor)] in "+^"


def _find(order: list[str], pattern: str) -> str:
    full = [name for name in order if name == pattern]
    ends = full or [name for name in order if name.endswith("+" + pattern.removeprefix("+"))]
    if not ends:
        raise KitError(
            f"no task is called {pattern!r}",
            mend="tasks: " + ", ".join(order[1:8]) + (" …" if len(order) > 8 else ""),
        )
    if len(ends) > 1:
        raise KitError(f"{pattern!r} means several tasks: {', '.join(ends[:5])}", mend="give the whole name")
    return ends[0]
