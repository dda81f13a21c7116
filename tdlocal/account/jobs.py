"""Jobs: statements that run in the background, their states and their results.

A job is written down before it starts and after it ends, so what was acknowledged is known after a
crash. A job that was running then is marked as failed ("server restarted"); when its client still waits, a
query goes on after its last statement that wrote, and its result output is delivered once (`resume`).
"""

from __future__ import annotations

import gzip
import logging
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from tdlocal.account import job_results
from tdlocal.account.clock import now
from tdlocal.account.errors import AlreadyThere, NotThere, Refused
from tdlocal.engine.types import Column, EngineError
from tdlocal.reserve import is_full

if TYPE_CHECKING:
    from tdlocal.account.account import Account
    from tdlocal.account.exports import Target

WORKERS = 16
KEPT_RESULTS = 2000  # result files; older ones are deleted when the account is opened
FINISHED = ("success", "error", "killed")
QUERY_TYPES = ("presto", "trino", "hive")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a job's work gives: a table of rows (in its result file), or nothing."""

    columns: Sequence[Column] = ()
    rows: int = 0
    size: int = 0
    note: str = ""


@dataclass(frozen=True)
class Job:
    """One job as the store has it. Times are unix seconds, None while they have not come."""

    id: int
    type: str
    database: str
    query: str
    status: str
    created_at: int
    updated_at: int
    start_at: int | None
    end_at: int | None
    scheduled_time: int
    priority: int
    retry_limit: int
    result_url: str
    domain_key: str | None
    user_name: str
    num_records: int
    result_size: int
    columns: list[Column]
    cmdout: str
    stderr: str
    table_name: str | None
    linked_job_id: int | None
    resumable: int = 0  # 1: a crash does not end it
    target: str = ""  # where its rows go besides the result, without secrets (Target.kept)

    @property
    def finished(self) -> bool:
        return self.status in FINISHED

    @property
    def duration(self) -> int | None:
        if self.start_at is None or self.end_at is None:
            return None
        return self.end_at - self.start_at


@dataclass
class Work:
    """A job in hand: set `cancelled` to stop it; `done` is set when its end is written down."""

    cancelled: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)


Task = Callable[[Job, threading.Event], Outcome]

TABLE = """
create table if not exists jobs (
    id integer primary key autoincrement, type text not null, database text not null, query text not null,
    status text not null, created_at integer not null, updated_at integer not null, start_at integer,
    end_at integer, scheduled_time integer not null, priority integer not null, retry_limit integer not null,
    result_url text not null, domain_key text unique, user_name text not null, num_records integer not null,
    result_size integer not null, columns text not null, cmdout text not null, stderr text not null,
    table_name text, linked_job_id integer);
create index if not exists jobs_by_status on jobs (status)
"""


LOST = (
    "status = 'error', stderr = 'server restarted', cmdout = 'server restarted', end_at = updated_at "
    "where status in ('queued', 'running')"
)


class Jobs:
    """Issue, watch, stop and read jobs."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._folder = account.state / "results"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._no_rows = self._folder / "none.msgpack.gz"
        self._no_rows.write_bytes(gzip.compress(b"", mtime=0))
        self._in_hand: dict[int, Work] = {}
        self._unsaved: dict[int, dict[str, Any]] = {}  # how jobs ended that a full disk could not take
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="job")
        self._background = ThreadPoolExecutor(WORKERS, thread_name_prefix="background")
        account.store.script(TABLE)
        account.store.add_column("jobs", "resumable", "integer not null default 0")
        account.store.add_column("jobs", "target", "text not null default ''")
        account.store.execute(f"update jobs set {LOST} and not resumable")
        self._forget_old_results()

    def issue(
        self,
        kind: str,
        database: str,
        query: str,
        *,
        scheduled_time: int | None = None,
        domain_key: str | None = None,
        priority: int = 0,
        retry_limit: int = 0,
        result_url: str = "",
        user_name: str = "",
        target: Target | None = None,
    ) -> Job:
        """Write a query job down and start it.

        Args:
            kind: presto, trino or hive.
            database: must exist, else NotThere.
            query: statements, `;` between.
            scheduled_time: what td_scheduled_time() says; the moment of issue when None.
            domain_key: AlreadyThere with the first job's id when a job has this key already.
            priority: -2 to 2, kept and shown.
            retry_limit: kept and shown.
            result_url: the result output as it is shown.
            user_name: who issued it.
            target: where the rows go besides the result (Exports.target).
        """
        if kind not in QUERY_TYPES:
            raise Refused(f"job type '{kind}' is unknown; use one of {', '.join(QUERY_TYPES)}")
        self._account.databases.check(database)
        run: Task = self._run_hive if kind == "hive" else self._run_query
        task = run if target is None else partial(self._run_and_deliver, run, target)
        return self.start(
            kind,
            database,
            query,
            task,
            scheduled_time=scheduled_time,
            domain_key=domain_key,
            priority=priority,
            retry_limit=retry_limit,
            result_url=result_url,
            user_name=user_name,
            resumable=1,
            target="" if target is None else target.kept,
        )

    def resume(self, going_on: bool, steps: Mapping[int, int]) -> None:
        """Go on with the queries that were in hand when the account was killed, or mark them as failed.

        Each goes on once only: it may be what killed the account.

        Args:
            going_on: their clients still wait.
            steps: how many statements of each job are done.
        """
        lost = self._account.store.query("select * from jobs where status in ('queued', 'running')")
        self._account.store.execute("update jobs set resumable = 0 where resumable")
        if not going_on:
            self._account.store.execute(f"update jobs set {LOST}")
            return
        for job in map(job_of, lost):
            run = self._run_hive if job.type == "hive" else self._run_query
            task: Task = partial(run, first=steps.get(job.id, 0))
            if job.target:
                task = partial(self._run_and_deliver, task, self._account.exports.kept_target(job.target))
            work = self._in_hand[job.id] = Work()
            self._workers.submit(self._perform, job.id, task, work)

    def start(self, kind: str, database: str, query: str, task: Task, **about: Any) -> Job:
        """Write a job of any kind down and run *task* for it; see `issue` for *about*."""
        job = self._written(kind, database, query, about)
        work = Work()
        with self._lock:
            self._in_hand[job.id] = work
        self._workers.submit(self._perform, job.id, task, work)
        return job

    def run(self, sql: str, database: str, scheduled_time: int | None = None) -> Job:
        """Run a query job in this thread and return it finished; look at its `status`."""
        self._account.databases.check(database)
        job = self._written("presto", database, sql, {"scheduled_time": scheduled_time})
        work = Work()
        with self._lock:
            self._in_hand[job.id] = work
        self._perform(job.id, self._run_query, work)
        return self.show(job.id)

    def submit(self, function: Callable[..., Any], *args: Any, **named: Any) -> Future[Any]:
        """Run *function* in the background, e.g. the building of a data model. Its errors are logged."""

        def logged() -> Any:
            try:
                return function(*args, **named)
            except Exception:
                log.exception("background work failed")
                raise

        return self._background.submit(logged)

    def wait(self, job_id: int, seconds: float) -> None:
        """Return when the job has ended or *seconds* have passed."""
        work = self._in_hand.get(job_id)
        if work is not None:
            work.done.wait(seconds)

    def show(self, job_id: int | str) -> Job:
        """One job; NotThere when there is none of this id."""
        if isinstance(job_id, str) and not (job_id.isascii() and job_id.isdigit() and len(job_id) < 16):
            raise NotThere(f"Job '{job_id[:40]}' does not exist")
        row = self._account.store.one("select * from jobs where id = ?", [int(job_id)])
        if row is None:
            raise NotThere(f"Job '{job_id}' does not exist")
        return job_of(row | self._unsaved.get(row["id"], {}))

    def with_domain_key(self, key: str) -> Job:
        """The job with this key; NotThere when there is none."""
        row = self._account.store.one("select * from jobs where domain_key = ?", [key])
        if row is None:
            raise NotThere(f"there is no job with the domain key '{key[:80]}'")
        return job_of(row | self._unsaved.get(row["id"], {}))

    def latest(self, first: int = 0, last: int = 19, status: str | None = None) -> list[Job]:
        """Jobs from number *first* to *last* (both included), newest first."""
        where = "" if status is None else "where status = :status"
        rows = self._account.store.query(
            f"select * from jobs {where} order by id desc limit :count offset :first",
            {"status": status, "count": max(0, last - first + 1), "first": max(0, first)},
        )
        return [job_of(row | self._unsaved.get(row["id"], {})) for row in rows]

    def kill(self, job_id: str) -> str:
        """Stop a job if it has not ended; returns the status it had."""
        job = self.show(job_id)
        work = self._in_hand.get(job.id)
        if work is not None and not job.finished:
            work.cancelled.set()
            work.done.wait(2)
        return job.status

    def result_file(self, job: Job) -> Path:
        """The msgpack.gz file of a job's rows; Refused while it has none, NotThere when it never will."""
        if not job.finished:
            raise Refused(f"job {job.id} is {job.status}: its result is not ready")
        if job.status != "success":
            raise NotThere(f"job {job.id} ended with {job.status} and has no result")
        path = self._path(job.id) if job.columns else self._no_rows
        if not path.exists():
            raise NotThere(f"the result of job {job.id} was deleted: the newest {KEPT_RESULTS} are kept")
        return path

    def rows(self, job: Job) -> Iterator[list[Any]]:
        """The rows of a finished job."""
        return job_results.read_rows(self.result_file(job))

    def close(self) -> None:
        """Stop all jobs in hand and wait a moment for them."""
        with self._lock:
            in_hand = list(self._in_hand.values())
        for work in in_hand:
            work.cancelled.set()
        for work in in_hand:
            work.done.wait(2)
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._background.shutdown(wait=False, cancel_futures=True)

    def _path(self, job_id: int) -> Path:
        return self._folder / f"{job_id}.msgpack.gz"

    def _forget_old_results(self) -> None:
        files = [path for path in self._folder.iterdir() if path.stem.partition(".")[0].isdigit()]
        files.sort(key=lambda path: int(path.stem.partition(".")[0]))
        for path in files[:-KEPT_RESULTS]:
            path.unlink(missing_ok=True)

    def _written(self, kind: str, database: str, query: str, about: dict[str, Any]) -> Job:
        at = now()
        scheduled = about.get("scheduled_time")
        values = {
            "type": kind,
            "database": database,
            "query": query,
            "status": "queued",
            "created_at": at,
            "updated_at": at,
            "scheduled_time": at if scheduled is None else scheduled,
            "priority": about.get("priority", 0),
            "retry_limit": about.get("retry_limit", 0),
            "result_url": about.get("result_url", ""),
            "domain_key": about.get("domain_key"),
            "user_name": about.get("user_name", ""),
            "num_records": 0,
            "result_size": 0,
            "columns": "[]",
            "cmdout": "",
            "stderr": "",
            "table_name": about.get("table_name"),
            "linked_job_id": about.get("linked_job_id"),
            "resumable": about.get("resumable", 0),
            "target": about.get("target", ""),
        }
        names = ", ".join(values)
        marks = ", ".join(f":{name}" for name in values)
        try:
            written = self._account.store.execute(f"insert into jobs ({names}) values ({marks})", values)
        except sqlite3.IntegrityError:
            first = self.with_domain_key(str(about.get("domain_key")))
            raise AlreadyThere(
                f"Domain key has already been taken by job {first.id}", conflicts_with=str(first.id)
            ) from None
        return job_of({"id": written.lastrowid, "start_at": None, "end_at": None, **values})

    def _perform(self, job_id: int, task: Task, work: Work) -> None:
        try:
            if work.cancelled.is_set():
                self._end(job_id, "killed", Outcome())
                return
            self._account.store.execute(
                "update jobs set status = 'running', start_at = ?, updated_at = ? where id = ?",
                [now(), now(), job_id],
            )
            outcome = task(self.show(job_id), work.cancelled)
            self._end(job_id, "success", outcome)
        except EngineError as error:
            status = "killed" if work.cancelled.is_set() else "error"
            self._end(job_id, status, Outcome(), f"Query {query_id(job_id)} failed: {error.message}")
        except (Refused, NotThere, AlreadyThere) as error:
            self._end(job_id, "error", Outcome(), error.message)
        except Exception as error:
            log.exception("job %s failed", job_id)
            name = "cannot write to the local account" if is_full(error) else type(error).__name__
            self._end(job_id, "error", Outcome(), f"{name}: {error}")
        finally:
            with self._lock:
                self._in_hand.pop(job_id, None)
            work.done.set()

    def _end(self, job_id: int, status: str, outcome: Outcome, error: str = "") -> None:
        columns = [[column.name, column.type] for column in outcome.columns]
        values = {
            "status": status,
            "num_records": outcome.rows,
            "result_size": outcome.size,
            "columns": orjson.dumps(columns).decode(),
            "cmdout": error or outcome.note,
            "stderr": error,
            "end_at": now(),
            "updated_at": now(),
        }
        sets = ", ".join(f"{name} = :{name}" for name in values)
        try:
            self._account.store.execute(
                f"update jobs set {sets}, start_at = coalesce(start_at, :end_at) where id = :id",
                {**values, "id": job_id},
            )
        except sqlite3.OperationalError as full:
            if not is_full(full):
                raise
            self._unsaved[job_id] = values

    def _run_query(self, job: Job, cancelled: threading.Event, first: int = 0) -> Outcome:
        return self._run_sql(job, job.query, cancelled, first)

    def _run_hive(self, job: Job, cancelled: threading.Event, first: int = 0) -> Outcome:
        from tdlocal.account.hive import to_trino

        return self._run_sql(job, to_trino(job.query), cancelled, first)

    def _run_and_deliver(self, run: Task, target: Target, job: Job, cancelled: threading.Event) -> Outcome:
        outcome = run(job, cancelled)
        if not outcome.columns:
            return replace(outcome, note="the statement has no rows: nothing went to the result output")
        path = self._path(job.id)
        try:
            note = self._account.exports.deliver(
                job, outcome.columns, lambda: job_results.read_rows(path), target
            )
        except (Refused, NotThere, AlreadyThere, OSError) as error:
            raise Refused(f"the query has run, but its result output failed: {error}") from None
        return replace(outcome, note=note)

    def _run_sql(self, job: Job, sql: str, cancelled: threading.Event, first: int) -> Outcome:
        answer = self._account.engine.run(
            sql,
            database=job.database,
            scheduled_time=job.scheduled_time,
            cancelled=cancelled,
            job=job.id if job.resumable else None,
            first=first,
        )
        try:
            columns = [] if answer.update_type else list(answer.columns)
            if not columns:
                return Outcome(size=self._no_rows.stat().st_size)
            size = job_results.write_result(answer, self._path(job.id))
            return Outcome(columns, answer.row_count, size)
        finally:
            answer.close()


def query_id(job_id: int) -> str:
    """The query's name in error texts; it looks like one of Trino's."""
    return f"20260101_000000_{job_id:05d}_local"


def job_of(row: dict[str, Any]) -> Job:
    """A job from its row."""
    columns = [Column(name, type_text) for name, type_text in orjson.loads(row["columns"])]
    return Job(**{**row, "columns": columns})
