"""Runs a workflow: the tree of tasks as Digdag walks it, one event loop, threads for what blocks.

Every task gets an `Outcome`. A group runs its children by what each waits for; an operator runs, then its
sub-tasks (`^sub`), then its `_check`; a failure goes through `_retry`, then `_error` (`^error`), and stays
a failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import time
import traceback
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tdlocal import operators
from tdlocal.errors import KitError
from tdlocal.operators.base import Job, Result, Stopped, TaskFailure
from tdlocal.reserve import give_up_if_full
from tdlocal.workflow.faults import ConfigError
from tdlocal.workflow.model import Task, Workflow, generated
from tdlocal.workflow.parameters import Scope, Update, View, merged, view, whole_text
from tdlocal.workflow.retries import Retry, retry_fault, retry_of
from tdlocal.workflow.selection import Selection
from tdlocal.workflow.services import Services
from tdlocal.workflow.sessions import built_in, schedule_of
from tdlocal.workflow.state import Done, Journal, Memory, file_hash, fingerprint, hashes_of

DEEPEST = 150  # tasks inside tasks, such as call> of itself
THREADS = 64  # tasks that block at one time


@dataclass(slots=True)
class Outcome:
    """How a task ended: what it stored, its error, and whether anything in it really ran."""

    ok: bool
    stored: Update = field(default_factory=Update)
    error: dict[str, Any] | None = None
    ran: bool = False


@dataclass(slots=True)
class Options:
    """How to run.

    ``parameters`` are those of -P and -p together; ``dry`` runs nothing; ``show`` prints every task's
    parameters; ``threads`` is how many blocking tasks run at once.
    """

    parameters: dict[str, Any] = field(default_factory=dict)
    rerun: bool = False
    dry: bool = False
    show: bool = False
    threads: int = THREADS


class Run:
    """One attempt of one workflow at one session time.

    Args:
        services: what all tasks share.
        workflow: what to run.
        session: its session time, in the workflow's zone.
        journal: what succeeded before.
        options: how to run.
        selection: which tasks --start, --goal and --end leave.
        attempt: number of the attempt, 1 for the workflow that was asked for.
        identity: what a server calls this attempt: session_uuid, session_id, attempt_id, project_id,
            retry_attempt_name; those that are left out get names of their own.
    """

    def __init__(
        self,
        services: Services,
        workflow: Workflow,
        session: dt.datetime,
        journal: Journal,
        options: Options,
        selection: Selection | None = None,
        attempt: int = 1,
        pool: ThreadPoolExecutor | None = None,
        identity: Mapping[str, Any] | None = None,
    ) -> None:
        self.services, self.workflow, self.session = services, workflow, session
        self.journal, self.options = journal, options
        self.selection = selection or Selection()
        self.console = services.console
        self.pool = pool or ThreadPoolExecutor(options.threads, "task")
        self.runtime = {
            **built_in(session, workflow.timezone, schedule_of(workflow.schedule, workflow.timezone)),
            "session_uuid": str(uuid.uuid4()),
            "session_id": attempt,
            "project_id": 1,
            "attempt_id": attempt,
            "retry_attempt_name": None,
            **(identity or {}),
        }
        self.attempt = attempt
        self.edited = self._is_edited()
        self.count = 0
        self.loop: asyncio.AbstractEventLoop | None = None

    def _is_edited(self) -> bool:
        """Whether a task that succeeded, or a file of it, changed since: then tasks that follow it run again,
        and need the tables of those before, which the run before may have renamed when it published them.
        """
        root = self.services.project.root
        files = {item for done in self.journal.done.values() for item in done.files.items()}
        if any(file_hash(root / file) != digest for file, digest in files):
            return True
        tasks = [self.workflow.root]
        while tasks:
            task = tasks.pop()
            tasks += task.children
            saved = self.journal.done.get(task.name)
            if saved and saved.text != fingerprint(task.config):
                return True
        return False

    async def run(self) -> Outcome:
        """Run the workflow to its end."""
        self.loop = asyncio.get_running_loop()
        return await self.task(self.workflow.root, Scope(self.options.parameters), False, 0)

    async def task(self, task: Task, scope: Scope, changed: bool, depth: int) -> Outcome:
        """Run one task with everything below it.

        Args:
            task: the task.
            scope: what is visible above it.
            changed: whether something that it depends on ran anew, so that saved results do not hold.
            depth: how deep it is in the tree.
        """
        self.count += 1
        if depth > DEEPEST:
            problem = f"tasks nest more than {DEEPEST} deep: does a call> call itself?"
            return self._misconfigured(task, ConfigError(problem))
        if task.disable:
            return Outcome(True)
        inner = scope.with_export(task.export)
        if task.operator:
            return await self._operator(task, inner, changed, depth)
        return await self._group(task, inner, changed, depth)

    async def _group(self, task: Task, scope: Scope, changed: bool, depth: int) -> Outcome:
        retry = retry_of(task.retry, self._retry_warning(task))
        while True:
            outcome = await self._children(task, scope, changed, depth)
            if outcome.ok or not retry.again():
                break
            await self._pause(task, retry)
        if outcome.ok:
            return outcome
        return await self._handled(task, scope.after(outcome.stored), outcome, depth)

    def _retry_warning(self, task: Task) -> Callable[[str], None]:
        return lambda problem: self.console.warning(
            f"{task.name}: _retry is ignored: {problem} ({task.place})"
        )

    async def _pause(self, task: Task, retry: Retry) -> None:
        seconds = retry.interval()
        self.console.retrying(task.name, retry.count, retry.limit, seconds)
        if seconds:
            await asyncio.sleep(seconds)

    async def _children(self, task: Task, scope: Scope, changed: bool, depth: int) -> Outcome:
        if task.chain:
            return await self._in_a_row(task.children, scope, changed, depth)
        return await self._by_dependency(task.children, scope, changed, depth)

    async def _in_a_row(self, children: list[Task], scope: Scope, changed: bool, depth: int) -> Outcome:
        stored, ran = Update(), False
        for child in children:
            outcome = await self.task(child, scope, changed or ran, depth + 1)
            ran = ran or outcome.ran
            if outcome.stored:
                stored = stored.then(outcome.stored)
                scope = scope.after(outcome.stored)
            if not outcome.ok:
                return Outcome(False, stored, outcome.error, ran)
        return Outcome(True, stored, None, ran)

    async def _by_dependency(self, children: list[Task], scope: Scope, changed: bool, depth: int) -> Outcome:
        closures = _closures(children)
        running: list[asyncio.Task[Outcome | None]] = []

        async def one(position: int) -> Outcome | None:
            child = children[position]
            seen: dict[int, Outcome] = {}
            for above in child.upstream:
                outcome = await running[above]
                if outcome is None or not outcome.ok:
                    return None
            for above in closures[position]:
                seen[above] = running[above].result()  # type: ignore[assignment]
            inner = scope
            for outcome in seen.values():
                inner = inner.after(outcome.stored)
            anew = changed or any(outcome.ran for outcome in seen.values())
            return await self.task(child, inner, anew, depth + 1)

        for position in range(len(children)):
            running.append(asyncio.ensure_future(one(position)))
        try:
            outcomes = [await each for each in running]
        except BaseException:
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            raise
        return _together(outcomes)

    async def _operator(self, task: Task, scope: Scope, changed: bool, depth: int) -> Outcome:
        mode = self.selection.mode(task.name)
        if mode == "leave":
            return self._left_out(task)
        retry: Retry | None = None
        stored, ran, error = Update(), False, None
        goes_on = not (changed or self.options.rerun or mode == "force")
        memory = self.journal.memory(task.name, goes_on)
        while True:
            outcome, values = await self._once(task, scope, changed, depth, memory, mode)
            stored, ran, error = outcome.stored, ran or outcome.ran, outcome.error
            if outcome.ok:
                return Outcome(True, stored, None, ran)
            again = values is not None
            if again and retry is None:
                retry = retry_of(values or {}, self._retry_warning(task))
            if not (again and retry and retry.again()):
                break
            await self._pause(task, retry)
        return await self._handled(task, scope.after(stored), Outcome(False, stored, error, ran), depth)

    async def _once(
        self, task: Task, scope: Scope, changed: bool, depth: int, memory: Memory, mode: str
    ) -> tuple[Outcome, dict[str, Any] | None]:
        """One try of an operator with its sub-tasks and check.

        Returns:
            how it ended, and the evaluated parameters when a `_retry` may try again.
        """
        try:
            found = operators.operator(task.operator)
            seen = self.see(task, scope)
            if found.checks_retry and (problem := retry_fault(seen.values)):
                raise ConfigError(problem, mend="write a number or {limit: N, interval: S}")
        except ConfigError as error:
            return self._misconfigured(task, error), None
        values = seen.values
        if self.options.show:
            self.console.parameters(task.name, values)
        if self.options.dry:
            self.console.task_ended(task.name, task.operator, "dry", 0.0, "")
            return Outcome(True), None
        saved = None if found.generates else self._saved(task, values, changed, mode)
        if saved is not None:
            self.console.task_ended(task.name, task.operator, "skipped", 0.0, "")
            result, ran = Result(saved.stored, saved.exported, saved.subtasks), False
        else:
            answer = await self._work(task, found, seen, memory)
            if isinstance(answer, Outcome):
                return answer, values if answer.error and not answer.error.pop("_config", False) else None
            result, ran = answer, answer.effect
        below = await self._below(task, scope, result, changed or ran, depth)
        below.ran = below.ran or ran
        return below, values

    def see(self, task: Task, scope: Scope) -> View:
        """All parameters of an operator, evaluated.

        Raises:
            ConfigError: a template cannot be evaluated.
        """
        seen = self._view(task, scope, task.config)
        seen.values["_type"] = task.operator
        own = next(
            (seen.values[key] for key in task.config if key.endswith(">")), seen.values.get("_command")
        )
        seen.values["_command"] = own
        return seen

    def job(self, task: Task, seen: View, memory: Memory, log: Callable[[str], None]) -> Job:
        """What an operator is given."""
        return Job(
            task.name,
            task.operator,
            seen.values,
            task.config,
            task.folder,
            task.place,
            self.services,
            memory,
            log,
        )

    def _view(self, task: Task, scope: Scope, own: dict[str, Any]) -> View:
        return view(scope, {**self.runtime, "task_name": task.name}, own, self.workflow.timezone)

    async def _work(
        self, task: Task, found: operators.Operator, seen: View, memory: Memory
    ) -> Result | Outcome:
        """Let the operator work; a Result when it did, the failed Outcome when not."""
        log = self.console.task_log(task.name)
        job = self.job(task, seen, memory, log)
        self._warn_unused(task, found)
        self.journal.forget(task.name)
        self.console.task_started(task.name, task.operator, task.place)
        began = time.monotonic()
        try:
            run = operators.function(found)
            if found.module == "require":
                result: Result = await run(job, self)
            elif found.waits:
                result = await self._in_thread(run, job)
            else:
                result = run(job)
        except ConfigError as error:
            return self._misconfigured(task, error, time.monotonic() - began)
        except TaskFailure as error:
            return self._failed(
                task,
                error.message,
                task.operator,
                time.monotonic() - began,
                error.stacktrace,
                error.shown,
                error.mend,
                None if found.retriable and error.retriable else True,
            )
        except Stopped:
            raise asyncio.CancelledError from None
        except (asyncio.CancelledError, KeyboardInterrupt):
            raise
        except KitError as error:
            return self._failed(task, str(error), task.operator, time.monotonic() - began, "", "", error.mend)
        except (
            Exception
        ) as error:  # a fault of the kit or of the machine: told like any other, the run goes on
            log(traceback.format_exc())
            words = f"{type(error).__name__}: {error} (runtime)"
            return self._failed(task, words, task.operator, time.monotonic() - began)
        seconds = time.monotonic() - began
        how = "decided" if found.generates else "ok"
        self.console.task_ended(task.name, task.operator, how, seconds, result.note, result.rows)
        if not found.generates:
            self._save(task, seen, job, result)
        return result

    async def _in_thread(self, run: Callable[[Job], Result], job: Job) -> Result:
        assert self.loop is not None
        work = self.loop.run_in_executor(self.pool, run, job)
        limit = self.services.seconds.get(job.kind)
        try:
            if limit is None:
                return await asyncio.shield(work)
            return await asyncio.wait_for(asyncio.shield(work), limit)
        except TimeoutError:
            for stop in list(job.on_stop):
                stop()
            with contextlib.suppress(Exception):
                await work
            raise TaskFailure(
                f"{job.kind}> took longer than {limit:g} seconds and was stopped (runtime)", ""
            ) from None
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                await work
            raise

    def _warn_unused(self, task: Task, found: operators.Operator) -> None:
        if "*" in found.options:
            return
        for key in task.config:
            if (
                not key.endswith(">")
                and key not in operators.COMMON
                and key not in found.options
                and key[0] != "_"
            ):
                self.console.warning(
                    f"{task.name}: parameter {key!r} is not used by {task.operator}> ({task.place})"
                )

    async def _below(self, task: Task, scope: Scope, result: Result, changed: bool, depth: int) -> Outcome:
        """The sub-tasks of an operator and its check."""
        inner = scope.with_export(result.exported).after(result.stored)
        stored, ran = result.stored, False
        for suffix, config in (("^sub", result.subtasks), ("^check", task.check)):
            if not config:
                continue
            folder = task.folder
            if "_folder" in config:
                folder = Path(config["_folder"])
                config = without_key(config, "_folder")
            try:
                below = generated(task.name + suffix, config, folder, task.place)
            except ConfigError as error:
                failed = self._misconfigured(task, error)
                failed.stored = stored
                return failed
            outcome = await self.task(below, inner, changed or ran, depth + 1)
            stored, ran = stored.then(outcome.stored), ran or outcome.ran
            inner = inner.after(outcome.stored)
            if not outcome.ok:
                return Outcome(False, stored, outcome.error, ran)
        return Outcome(True, stored, None, ran)

    async def _handled(self, task: Task, scope: Scope, failed: Outcome, depth: int) -> Outcome:
        """Run the `_error` handler of a task that failed; it stays failed."""
        if give_up_if_full(self.services.state):
            self.console.warning(f"the disk of {self.services.state} is full: its reserve is given up")
        if not task.error or self.services.stopping.is_set():
            return failed
        error = {key: value for key, value in (failed.error or {}).items() if not key.startswith("_")}
        self.services.note_failures((failed.error or {}).get("_tasks", []))
        handler = generated(task.name + "^error", task.error, task.folder, task.place)
        inner = scope.with_export({"error": error})
        outcome = await self.task(handler, inner, True, depth + 1)
        own = failed.error
        if not outcome.ok:
            own = both_errors(failed.error, outcome.error)
        return Outcome(False, failed.stored.then(outcome.stored), own, True)

    def _failed(
        self,
        task: Task,
        message: str,
        kind: str,
        seconds: float = 0.0,
        stacktrace: str | None = "",
        shown: str = "",
        mend: str = "",
        config: bool | None = None,
    ) -> Outcome:
        message, shown = whole_text(message), whole_text(shown)
        error: dict[str, Any] = {"message": message}
        if stacktrace is not None:
            error["stacktrace"] = stacktrace or f"{kind}>({task.place}), {task.name}"
        error["_tasks"] = [{"task": task.name, **error}]
        self.console.task_failed(task.name, kind, task.place, shown or message, mend, seconds)
        if config:
            error["_config"] = True
        return Outcome(False, Update(), error, True)

    def _misconfigured(self, task: Task, error: ConfigError, seconds: float = 0.0) -> Outcome:
        return self._failed(
            task, f"{error} (config)", task.operator, seconds, "", error.shown or str(error), error.mend, True
        )

    def _left_out(self, task: Task) -> Outcome:
        """A task that --start, --goal or --end leaves out: what was kept of it still holds."""
        self.console.task_ended(task.name, task.operator, "left out", 0.0, "")
        saved = self.journal.done.get(task.name)
        return Outcome(True, saved.stored if saved else Update())

    def _saved(self, task: Task, values: dict[str, Any], changed: bool, mode: str) -> Done | None:
        """The kept result of a task, when it still holds."""
        if "^error" in task.name or mode == "force" or (self.options.rerun and not self.selection.chosen):
            return None
        saved = self.journal.done.get(task.name)
        if saved is None:
            return None
        reason = "something before it ran anew" if changed else self.stale(saved, task, values)
        if reason and mode != "resume":
            self.console.anew(task.name, reason)
            return None
        return saved

    def stale(self, saved: Done, task: Task, values: dict[str, Any]) -> str:
        """Why a kept result no longer holds; empty when it does."""
        if saved.text != fingerprint(task.config):
            return "its text changed"
        for file, digest in saved.files.items():
            if file_hash(self.services.project.root / file) != digest:
                return f"{file} changed"
        now = hashes_of(values, saved.reads)
        for name, digest in saved.reads.items():
            if now.get(name, digest) != digest:
                return f"parameter {name} changed"
        if saved.made and self.edited and self.services.is_gone(saved.made):
            return f"{saved.made} is no longer there"
        return ""

    def _save(self, task: Task, seen: View, job: Job, result: Result) -> None:
        root = self.services.project.root
        files = {}
        for path in result.files:
            with contextlib.suppress(ValueError):
                files[path.resolve().relative_to(root).as_posix()] = file_hash(path)
        hidden = task.config.keys() - seen.joined
        reads = (seen.reads | seen.joined | job.reads | result.reads) - hidden - {"_command", "_type"}
        self.journal.add(
            Done(
                task.name,
                fingerprint(task.config),
                files,
                hashes_of(job.values, reads),
                result.stored,
                result.exported,
                result.subtasks,
                result.made,
            )
        )


def without_key(config: dict[str, Any], key: str) -> dict[str, Any]:
    """A copy of a map that lacks *key*; places stay."""
    copy = type(config)(config)
    for name in ("marks", "place"):
        if hasattr(config, name):
            setattr(copy, name, getattr(config, name))
    del copy[key]
    return copy


def _closures(children: list[Task]) -> list[list[int]]:
    """For each child the positions of all that it waits for, directly or not, in order."""
    closures: list[set[int]] = []
    for child in children:
        above: set[int] = set(child.upstream)
        for position in child.upstream:
            above |= closures[position]
        closures.append(above)
    return [sorted(closure) for closure in closures]


def _together(outcomes: list[Outcome | None]) -> Outcome:
    """The outcome of a group from those of its children; None is a child that could not start."""
    stored, error, ok, ran = Update(), None, True, False
    for outcome in outcomes:
        if outcome is None:
            ok = False
            continue
        stored = stored.then(outcome.stored)
        ran = ran or outcome.ran
        if not outcome.ok:
            ok = False
            error = both_errors(error, outcome.error)
    return Outcome(ok, stored, error, ran)


def both_errors(first: dict[str, Any] | None, second: dict[str, Any] | None) -> dict[str, Any]:
    """The error of two failures: what the second says counts, the list of failed tasks has both."""
    one, other = first or {}, second or {}
    return {**merged(one, other), "_tasks": [*one.get("_tasks", ()), *other.get("_tasks", ())]}
