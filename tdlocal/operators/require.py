"""require>: another workflow as a session of its own, once for each session time."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import TYPE_CHECKING, Any

from tdlocal.operators.base import Job, Result, TaskFailure, as_text
from tdlocal.workflow.faults import ConfigError
from tdlocal.workflow.sessions import iso, zone

if TYPE_CHECKING:
    from tdlocal.workflow.executor import Run


async def run(job: Job, run: Run) -> Result:
    """Run the workflow unless this run has done so already; only `params` are passed on, nothing comes
    back.
    """
    name = as_text(job.need_command())
    project_name, project_id = job.text("project_name"), as_text(job.own.get("project_id")) or None
    if project_name or project_id:
        from tdlocal.operators.require_project import run_in_account

        ok, attempt = await asyncio.get_running_loop().run_in_executor(
            run.pool, run_in_account, job, name, project_name, project_id
        )
    else:
        ok, attempt = await _run_here(job, run, name)
    if not ok and not job.flag("ignore_failure"):
        raise TaskFailure(
            f"Dependent workflow failed. Session id: {attempt}, attempt id: {attempt}", retriable=False
        )
    return Result(effect=False, note="" if ok else "failed, which is ignored")


async def _run_here(job: Job, run: Run, name: str) -> tuple[bool, int]:
    from tdlocal.workflow.executor import Run as NewRun

    services = job.services
    workflow = services.project.workflows.get(name)
    if workflow is None:
        problem = f"Dependent workflow does not exist. projectId: 1, workflowName:{name}"
        known = ", ".join(sorted(services.project.workflows))
        raise ConfigError(problem, mend=f"name one of this folder's workflows, without .dig: {known}")
    session = _session(job, workflow.timezone)
    started: dict[tuple[str, str], Any] = services.shared.setdefault("required", {})
    key = (workflow.name, iso(session.astimezone(dt.UTC)))
    rerun_on = job.text("rerun_on", "none")
    before = started.get(key)
    if before is not None:
        ok, attempt = await asyncio.shield(before)
        if rerun_on == "none" or (rerun_on == "failed" and ok):
            return ok, attempt
    attempt = services.shared["attempts"] = services.shared.get("attempts", 1) + 1
    task = asyncio.ensure_future(_attempt(job, run, NewRun, workflow, session, attempt))
    started[key] = task
    return await task


async def _attempt(
    job: Job, run: Run, make: type[Run], workflow: Any, session: dt.datetime, attempt: int
) -> tuple[bool, int]:
    services = job.services
    options = type(run.options)(
        parameters=dict(job.get("params", {}) or {}),
        rerun=run.options.rerun,
        dry=run.options.dry,
        show=run.options.show,
        threads=run.options.threads,
    )
    journal = services.shared["states"].journal(workflow.name, session, run.journal.keep)
    try:
        child = make(services, workflow, session, journal, options, attempt=attempt, pool=run.pool)
        child.loop = run.loop
        outcome = await child.run()
        run.count += child.count
        return outcome.ok, attempt
    finally:
        journal.close()


def _session(job: Job, zone_name: str) -> dt.datetime:
    text = as_text(job.own.get("session_time", job.values["session_time"]))
    for form in (text, text.replace(" ", "T")):
        try:
            moment = dt.datetime.fromisoformat(form)
        except ValueError:
            continue
        return moment.astimezone(zone(zone_name)) if moment.tzinfo else moment.replace(tzinfo=zone(zone_name))
    raise ConfigError(f"session_time {text!r} is no time")
