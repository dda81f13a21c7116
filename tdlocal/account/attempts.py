"""Sessions and attempts of workflows: started, watched, killed, and their tasks and logs.

An attempt of an audience's own workflow builds the audience inside the account; an attempt of a pushed
project runs on the kit's runner, as a child process (project_runs). What ran when the server stopped is an
error.
"""

from __future__ import annotations

import json
import re
import threading
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tdlocal.account.attempt_runs import AudienceRun, Run
from tdlocal.account.cdp_values import as_id, text_or_none
from tdlocal.account.errors import NotThere, Refused
from tdlocal.account.project_runs import ProjectRun, clean
from tdlocal.account.workflow_times import session_unix, stamp

if TYPE_CHECKING:
    from tdlocal.account.account import Account

TABLES = """
create table if not exists sessions (
    id integer primary key autoincrement,
    project_id integer not null references projects (id),
    workflow_name text not null,
    session_time integer not null,
    uuid text not null,
    unique (project_id, workflow_name, session_time)
);
create table if not exists attempts (
    id integer primary key autoincrement,
    session_id integer not null references sessions (id),
    workflow_id integer not null references workflows (id),
    number integer not null,
    retry_name text,
    params text not null,
    state text not null,
    cancel_requested integer not null default 0,
    created_at text not null,
    finished_at text
)
"""
SELECT = """
select attempts.*, sessions.session_time, sessions.uuid as session_uuid, sessions.workflow_name,
    sessions.project_id, projects.name as project_name, projects.audience_id, workflows.timezone,
    workflows.revision_id, workflows.config
from attempts
join sessions on sessions.id = attempts.session_id
join workflows on workflows.id = attempts.workflow_id
join projects on projects.id = sessions.project_id
"""
RUNNING = "running"


class Attempts:
    """The attempts of the account, as rows of the store, and the runs in hand."""

    def __init__(self, account: Account) -> None:
        self.account = account
        self.store = account.store
        self.folder = account.state / "attempts"
        self.store.script(TABLES)
        self._bury()
        self._runs: dict[int, Run] = {}
        self._threads: dict[int, threading.Thread] = {}

    def start(self, given: Mapping[str, Any]) -> tuple[dict[str, Any], bool]:
        """Start an attempt; return it and whether it is new.

        *given*: workflowId, sessionTime, params, retryAttemptName, resume. A session that was tried already
        under the same retryAttemptName is not tried again: the attempt that did is returned.
        """
        workflow = self.account.projects.workflow(given.get("workflowId"))
        params = {} if given.get("params") is None else given["params"]
        if not isinstance(params, dict):
            raise Refused("params must be an object")
        session_time = session_unix(given.get("sessionTime"))
        retry_name = text_or_none(given.get("retryAttemptName"), "retryAttemptName")
        resume = self._resume(given.get("resume"), workflow)
        with self.store.transaction():
            session = self._session(workflow, session_time)
            earlier = self.store.one(
                "select id from attempts where session_id = ? and retry_name is ? order by id desc",
                (session, retry_name),
            )
            if earlier:
                return self.get(earlier["id"]), False
            cursor = self.store.execute(
                "insert into attempts"
                " (session_id, workflow_id, number, retry_name, params, state, created_at)"
                " values (?, ?, (select count(*) + 1 from attempts where session_id = ?), ?, ?, ?, ?)",
                (session, workflow["id"], session, retry_name, json.dumps(params), RUNNING, stamp()),
            )
        attempt = self.get(cursor.lastrowid)
        self._run(attempt, resume)
        return attempt, True

    def kill(self, attempt: Any) -> dict[str, Any]:
        """Ask a running attempt to stop."""
        row = self.get(attempt)
        if row["state"] == RUNNING:
            self.store.execute("update attempts set cancel_requested = 1 where id = ?", (row["id"],))
            run = self._runs.get(row["id"])
            if run:
                run.kill()
        return self.get(attempt)

    def wait(self, attempt: Any, seconds: float) -> None:
        """Return when the attempt has ended or *seconds* have passed."""
        thread = self._threads.get(as_id(attempt))
        if thread:
            thread.join(seconds)

    def get(self, attempt: Any) -> dict[str, Any]:
        row = self.store.one(f"{SELECT} where attempts.id = ?", (as_id(attempt),))
        if row is None:
            raise NotThere(f"attempt {attempt} does not exist")
        return row

    def all(
        self,
        *,
        project: str | None = None,
        workflow: str | None = None,
        session: int | None = None,
        retried: bool = True,
        last_id: int | None = None,
        count: int = 100,
    ) -> list[dict[str, Any]]:
        """Attempts, newest first. Without *retried* only the newest of each session."""
        wheres: list[str] = ["true"]
        args: list[Any] = []
        for condition, value in (
            ("projects.name = ?", project),
            ("sessions.workflow_name = ?", workflow),
            ("sessions.id = ?", session),
            ("attempts.id < ?", last_id),
        ):
            if value is not None:
                wheres.append(condition)
                args.append(value)
        if not retried:
            wheres.append("attempts.id = (select max(id) from attempts a where a.session_id = sessions.id)")
        return self.store.query(
            f"{SELECT} where {' and '.join(wheres)} order by attempts.id desc limit ?", [*args, count]
        )

    def sessions(
        self, *, project: int | None = None, last_id: int | None = None, count: int = 100
    ) -> list[Any]:
        """Sessions, newest first, each with its newest attempt."""
        wheres, args = ["true"], []
        if project is not None:
            wheres.append("sessions.project_id = ?")
            args.append(project)
        if last_id is not None:
            wheres.append("sessions.id < ?")
            args.append(last_id)
        newest = "attempts.id = (select max(id) from attempts a where a.session_id = sessions.id)"
        return self.store.query(
            f"{SELECT} where {' and '.join([newest, *wheres])} order by sessions.id desc limit ?",
            [*args, count],
        )

    def is_running(self, project: int, workflow: str) -> bool:
        """Whether an attempt of a workflow is under way."""
        return bool(
            self.store.one(
                f"{SELECT} where projects.id = ? and sessions.workflow_name = ? and attempts.state = ?",
                (project, workflow, RUNNING),
            )
        )

    def session(self, number: Any) -> dict[str, Any]:
        rows = self.all(session=as_id(number), retried=False, count=1)
        if not rows:
            raise NotThere(f"session {number} does not exist")
        return rows[0]

    def tasks(self, attempt: Any) -> list[dict[str, Any]]:
        """The tasks of an attempt, parents first."""
        row = self.get(attempt)
        return self._run_of(row).tasks()

    def logs(self, attempt: Any) -> dict[str, bytes]:
        """The logs of an attempt by task name."""
        return self._run_of(self.get(attempt)).logs()

    def close(self) -> None:
        """Kill what runs; the server stops."""
        for run in list(self._runs.values()):
            run.kill()
        for thread in list(self._threads.values()):
            thread.join(10)

    def _bury(self) -> None:
        """Mark as failed what ran when an earlier server was killed."""
        for row in self.store.query("select id from attempts where state = ?", (RUNNING,)):
            clean(self.folder / str(row["id"]))
        self.store.execute(
            "update attempts set state = 'error', finished_at = ? where state = ?", (stamp(), RUNNING)
        )

    def _run_of(self, attempt: dict[str, Any]) -> Run:
        known = self._runs.get(attempt["id"])
        kind = AudienceRun if attempt["audience_id"] is not None else ProjectRun
        return known or kind(self.account, attempt, self.folder / str(attempt["id"]))

    def _run(self, attempt: dict[str, Any], resume: Mapping[str, Any] | None) -> None:
        run = self._run_of(attempt)
        run.resume = resume
        self._runs[attempt["id"]] = run
        thread = threading.Thread(target=self._perform, args=(attempt["id"], run), daemon=True)
        self._threads[attempt["id"]] = thread
        thread.start()

    def _perform(self, attempt: int, run: Run) -> None:
        state = "error"
        try:
            state = run.perform()
        finally:
            if self.get(attempt)["cancel_requested"] and state != "success":
                state = "killed"
            self.store.execute(
                "update attempts set state = ?, finished_at = ? where id = ?", (state, stamp(), attempt)
            )
            self._runs.pop(attempt, None)
            self._threads.pop(attempt, None)

    def _session(self, workflow: Mapping[str, Any], session_time: int) -> int:
        key = (workflow["project_id"], workflow["name"], session_time)
        self.store.execute(
            "insert or ignore into sessions (project_id, workflow_name, session_time, uuid)"
            " values (?, ?, ?, ?)",
            (*key, str(uuid.uuid4())),
        )
        rows = self.store.query(
            "select id from sessions where project_id = ? and workflow_name = ? and session_time = ?", key
        )
        return int(rows[0]["id"])

    def _resume(self, resume: Any, workflow: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """The attempt that a new one goes on from; its finished tasks are not run again."""
        if resume is None:
            return None
        if not isinstance(resume, dict) or resume.get("mode") not in ("failed", "from"):
            raise Refused('resume must be like {"mode": "failed", "attemptId": "1"}')
        if resume["mode"] == "from" and not re.fullmatch(r"[+^][^\x00-\x20]{1,500}", str(resume.get("from"))):
            raise Refused('resume with mode "from" needs "from", a task like "+load"')
        earlier = self.get(resume.get("attemptId"))
        if (earlier["project_id"], earlier["workflow_name"]) != (workflow["project_id"], workflow["name"]):
            raise Refused(f"attempt {earlier['id']} is one of another workflow")
        return resume | {"attemptId": earlier["id"]}
