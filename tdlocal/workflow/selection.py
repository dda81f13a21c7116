"""Which tasks --start, --goal, --end and a task name on the command line choose."""

from __future__ import annotations

from dataclasses import dataclass, field

from tdlocal.errors import KitError
from tdlocal.workflow.model import Task


@dataclass(slots=True)
class Selection:
    """For each task of the files one of "force" (run it whatever was saved), "resume" (run it unless it
    succeeded before, whatever changed since) and "leave" (do not run it).

    What a task generates is treated like the task. ``chosen`` tells whether anything was selected at all.
    """

    modes: dict[str, str] = field(default_factory=dict)
    chosen: bool = False

    def mode(self, name: str) -> str:
        """ "force", "resume", "leave" or empty text for the task called *name*."""
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
        start: the tasks that come before it are run unless they succeeded, it and all others in any case.
        goal: the tasks that come before it are run unless they succeeded, it in any case, no others.
        end: only the tasks that come before it.
        only: that task and its children.
        rerun: run what is left even where it was saved.

    Raises:
        KitError: a name fits no task, or two options contradict each other.
    """
    _together(start, goal, end, rerun)
    order = [task.name for task in root.all_tasks()]
    selection = Selection()
    modes = selection.modes
    for pattern, kind in ((start, "start"), (goal, "goal"), (end, "end"), (only, "only")):
        if not pattern:
            continue
        selection.chosen = True
        name = _find(order, pattern)
        before = _before(root, name)
        for other in order:
            inside, above = other == name or _is_below(other, name), _is_below(name, other)
            if above:
                continue
            if other in before and kind in ("start", "goal"):
                modes.setdefault(other, "resume")
            elif kind == "start" or (kind == "goal" and inside):
                modes.setdefault(other, "force")
            elif not (other in before and kind == "end") and not (inside and kind == "only"):
                modes[other] = "leave"
    if rerun and selection.chosen:
        for other in order:
            modes.setdefault(other, "force")
    return selection


def _together(start: str, goal: str, end: str, rerun: bool) -> None:
    options = {"--rerun": rerun, "--start": start, "--goal": goal, "--end": end}
    for one, other in (
        ("--start", "--goal"),
        ("--goal", "--end"),
        ("--rerun", "--start"),
        ("--rerun", "--goal"),
    ):
        if options[one] and options[other]:
            raise KitError(f"{one} and {other} don't work together", mend="give one of them")


def _before(root: Task, name: str) -> set[str]:
    """Names of the tasks that *name* waits for, directly or not, with all that is below them."""
    found: set[str] = set()
    group: Task | None = root
    while group is not None and group.name != name:
        below = [each.name == name or _is_below(name, each.name) for each in group.children]
        if True not in below:
            break
        position = below.index(True)
        for above in _waited_for(group, position):
            found |= {task.name for task in group.children[above].all_tasks()}
        group = group.children[position]
    return found


def _waited_for(group: Task, position: int) -> set[int]:
    if group.chain:
        return set(range(position))
    found = set(group.children[position].upstream)
    for above in group.children[position].upstream:
        found |= _waited_for(group, above)
    return found


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
