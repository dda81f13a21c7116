"""What a run would do: the task tree with what runs, what is skipped and why. Nothing is run or written.

Where a task has to run first, what it would store is not known; the kept result of an earlier run stands in
for it where there is one, and otherwise a task that needs it is shown as decided while running.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tdlocal import operators
from tdlocal.operators.base import Job, Result, as_text
from tdlocal.workflow.executor import Run, without_key
from tdlocal.workflow.faults import ConfigError, Place
from tdlocal.workflow.model import Task, generated
from tdlocal.workflow.parameters import Scope, Update, View
from tdlocal.workflow.sql_tables import SqlFault, tables_read, tables_written

DEEPEST = 60
MOST = 20_000  # lines of a plan


@dataclass(slots=True)
class Planned:
    """One line of a plan.

    ``action`` is "run", "skip", "leave", "decide", "group", "disabled" or "fail"; ``why`` says what it
    rests on.
    """

    depth: int
    name: str
    operator: str
    place: Place
    action: str
    why: str = ""
    reads: list[str] = field(default_factory=list)
    writes: list[str] = field(default_factory=list)
    sql: str = ""


@dataclass(slots=True)
class _Found:
    stored: Update = field(default_factory=Update)
    anew: bool = False
    unknown: bool = False


class Planner:
    """Plans one run.

    Args:
        run: the run that is planned; it is not run.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self.lines: list[Planned] = []

    def plan(self) -> list[Planned]:
        """The whole plan, in file order."""
        self._task(self.run.workflow.root, Scope(self.run.options.parameters), _Found(), 0, "")
        return self.lines

    def _add(self, task: Task, depth: int, action: str, why: str = "", **more: Any) -> Planned:
        line = Planned(depth, task.name, task.operator, task.place, action, why, **more)
        self.lines.append(line)
        return line

    def _task(self, task: Task, scope: Scope, above: _Found, depth: int, when: str) -> _Found:
        if depth > DEEPEST or len(self.lines) > MOST:
            self._add(task, depth, "decide", "the plan ends here: too deep or too long")
            return _Found(unknown=True)
        if task.disable:
            self._add(task, depth, "disabled", "_disable: true")
            return _Found()
        inner = scope.with_export(task.export)
        if task.operator:
            return self._operator(task, inner, above, depth, when)
        self._add(task, depth, "group", when)
        return self._children(task, inner, above, depth)

    def _children(self, task: Task, scope: Scope, above: _Found, depth: int) -> _Found:
        total = _Found(anew=above.anew, unknown=above.unknown)
        results: list[_Found] = []
        for child in task.children:
            before = range(len(results)) if task.chain else _closure(task.children, len(results))
            seen, inner = _Found(anew=above.anew, unknown=above.unknown), scope
            for position in before:
                inner = inner.after(results[position].stored)
                seen.anew = seen.anew or results[position].anew
                seen.unknown = seen.unknown or results[position].unknown
            results.append(self._task(child, inner, seen, depth + 1, ""))
        for result in results:
            total.stored = total.stored.then(result.stored)
            total.anew = total.anew or result.anew
            total.unknown = total.unknown or result.unknown
        return total

    def _operator(self, task: Task, scope: Scope, above: _Found, depth: int, when: str) -> _Found:
        run = self.run
        saved = run.journal.done.get(task.name)
        stored = saved.stored if saved else Update()
        mode = run.selection.mode(task.name)
        if mode == "leave":
            self._add(task, depth, "leave", "left out by --start, --goal or --end")
            return _Found(stored)
        try:
            found = operators.operator(task.operator)
        except ConfigError as error:
            self._add(task, depth, "fail", str(error))
            return _Found(unknown=True)
        try:
            seen = run.see(task, scope)
        except ConfigError as error:
            action = "decide" if above.unknown else "fail"
            why = f"known while running: {error.shown}" if above.unknown else error.shown or str(error)
            self._add(task, depth, action, why)
            if task.operator == "if" and action == "decide":
                for key in ("_do", "_else_do"):
                    if isinstance(task.config.get(key), dict):
                        self._sub(
                            task, scope, task.config[key], _Found(anew=above.anew, unknown=True), depth, key
                        )
            else:
                self._unresolved(task, depth)
            return _Found(stored, above.anew, True)
        job = run.job(task, seen, run.journal.memory(task.name), lambda text: None)
        if found.generates:
            return self._generating(task, scope, above, depth, found, job, when)
        action, why = self._decision(task, seen, saved, above, mode)
        line = self._add(task, depth, action, "; ".join(filter(None, [when, why])))
        if task.operator.startswith("td"):
            self._tables(line, job)
        unknown = action == "run" and saved is None and not found.pure
        if unknown and task.operator == "py":
            stored = _settled(seen.values, run.options.parameters)
        below = _Found(stored, above.anew, above.unknown or unknown)
        if task.operator in ("td_for_each", "http_call", "py") and saved and saved.subtasks:
            self._sub(task, scope.with_export(saved.exported).after(stored), saved.subtasks, below, depth)
        elif isinstance(task.config.get("_do"), dict):
            self._unresolved(task, depth)
        self._check(task, scope.after(stored), below, depth)
        anew = action == "run" and not found.pure and saved is not None
        return _Found(stored, above.anew or anew, below.unknown)

    def _decision(self, task: Task, seen: View, saved: Any, above: _Found, mode: str) -> tuple[str, str]:
        run = self.run
        if mode == "force":
            return "run", "asked for"
        if run.options.rerun:
            return "run", "--rerun"
        if saved is None:
            return "run", "has not succeeded yet"
        if mode == "resume":
            return "skip", "succeeded before"
        if above.anew:
            return "run", "something before it runs anew"
        reason = run.stale(saved, task, seen.values)
        return ("run", reason) if reason else ("skip", "succeeded, nothing changed since")

    def _generating(
        self,
        task: Task,
        scope: Scope,
        above: _Found,
        depth: int,
        found: operators.Operator,
        job: Job,
        when: str,
    ) -> _Found:
        try:
            result: Result = operators.function(found)(job)
        except ConfigError as error:
            self._add(task, depth, "fail", error.shown or str(error))
            return _Found(unknown=True)
        count = sum(key.startswith("+") for key in result.subtasks or ())
        told = f"{count} times" if task.operator in ("loop", "for_each", "for_range") else result.note
        if task.operator == "call":
            told = as_text(job.command)
        sure = "" if not above.unknown else "as far as it is known now"
        self._add(task, depth, "group", "  ".join(filter(None, [when, told, sure])))
        if not result.subtasks:
            return _Found(anew=above.anew, unknown=above.unknown)
        below = self._sub(task, scope, result.subtasks, above, depth)
        self._check(task, scope.after(below.stored), below, depth)
        return below

    def _sub(
        self, task: Task, scope: Scope, subtasks: dict[str, Any], above: _Found, depth: int, when: str = ""
    ) -> _Found:
        folder = Path(subtasks["_folder"]) if "_folder" in subtasks else task.folder
        try:
            body = without_key(subtasks, "_folder") if "_folder" in subtasks else subtasks
            below = generated(task.name + "^sub", body, folder, task.place)
        except ConfigError as error:
            self._add(task, depth + 1, "fail", str(error))
            return _Found(unknown=True)
        inner = scope.with_export(below.export)
        if below.operator:
            return self._task(below, scope, above, depth + 1, when)
        if when:
            self._add(below, depth + 1, "group", when)
        return self._children(below, inner, above, depth + 1 if when else depth)

    def _check(self, task: Task, scope: Scope, above: _Found, depth: int) -> None:
        if task.check:
            below = generated(task.name + "^check", task.check, task.folder, task.place)
            self._task(below, scope, above, depth + 1, "check")

    def _unresolved(self, task: Task, depth: int) -> None:
        """Branches that are only known while running, by their text."""
        for key in ("_do", "_else_do"):
            body = task.config.get(key)
            if not isinstance(body, dict):
                continue
            try:
                below = generated(f"{task.name}^sub", body, task.folder, task.place)
            except ConfigError as error:
                self._add(task, depth + 1, "fail", str(error))
                continue
            for each in below.all_tasks():
                level = depth + 1 + each.name[len(below.name) :].count("+")
                self._add(each, level, "decide" if each.operator else "group", key)

    def _tables(self, line: Planned, job: Job) -> None:
        """What a td task reads and writes, and its query."""
        target = job.own.get("create_table") or job.own.get("insert_into")
        try:
            if job.kind in ("td", "td_for_each", "td_wait"):
                from tdlocal.operators.td import query_of

                line.sql, _ = query_of(job)
                line.reads, line.writes = tables_read(line.sql), tables_written(line.sql)
        except ConfigError as error:
            line.why = "; ".join(filter(None, [line.why, error.shown or str(error)]))
        except SqlFault as error:
            line.why = "; ".join(filter(None, [line.why, f"not Trino SQL: {error.problem}"]))
        for key in ("create_tables", "empty_tables", "drop_tables"):
            line.writes += [
                as_text(item) for item in job.own.get(key) or () if isinstance(job.own.get(key), list)
            ]
        if target:
            line.writes.append(as_text(target))
        database = as_text(job.get("database", "", "td"))
        line.reads = [name if "." in name or not database else f"{database}.{name}" for name in line.reads]
        line.writes = [name if "." in name or not database else f"{database}.{name}" for name in line.writes]


def _settled(values: dict[str, Any], given: dict[str, Any]) -> Update:
    """What a first task that settles `defaults:` is likely to store: the defaults, or what -p gives
    instead.
    """
    defaults = values.get("defaults")
    if not isinstance(defaults, dict):
        return Update()
    return Update(
        [], {key: given.get(key, value) for key, value in defaults.items()} | {"params_settled": True}
    )


def _closure(children: list[Task], position: int) -> list[int]:
    found: set[int] = set()
    waiting = list(children[position].upstream)
    while waiting:
        above = waiting.pop()
        if above not in found:
            found.add(above)
            waiting += children[above].upstream
    return sorted(found)


def tree_lines(lines: list[Planned]) -> Iterator[tuple[Planned, str]]:
    """Each line with its short name, set in by its depth."""
    for line in lines:
        cut = max(line.name.rfind("+"), line.name.rfind("^"))
        yield line, "  " * line.depth + line.name[max(cut, 0) :]
