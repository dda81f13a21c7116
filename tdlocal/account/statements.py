"""Statements of the Trino protocol: run in the background, read page by page.

A statement holds its rows in the engine's spool, never an open result. A page can be asked for again
(the client may have lost the answer); asking for the next one says that the last one has arrived.

One whose client is told to ask again is written down. When the account is killed meanwhile it goes on after
its last statement that wrote; one whose rows were on their way fails, since they may come in another order.
"""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from tdlocal.account.clock import now
from tdlocal.account.errors import NotThere
from tdlocal.account.values import trino_rows
from tdlocal.engine.types import Answer, Column, EngineError

if TYPE_CHECKING:
    from tdlocal.account.account import Account

WORKERS = 32
READERS = 4
BATCH = 1000
PAGE_ROWS = 25_000
PAGE_BYTES = 4 * 2**20  # a page ends with the batch that reaches either limit
REMEMBERED = 1000  # statements that are over, for who asks how they ended
IDLE_SECONDS = 900  # a statement nobody asks for is forgotten
KILLED = "the account was killed while these rows were being read: run the statement again"
TABLE = """
create table if not exists statements (
    id text primary key, token text not null, sql text not null, database text not null,
    at integer not null, time_zone text not null, number integer not null, is_read integer not null)
"""
Rows = list[tuple[Any, ...]]


@dataclass
class Page:
    """One page: its rows as JSON text (Trino's forms), and whether another follows."""

    number: int
    data: bytes = b"[]"
    rows: int = 0
    last: bool = False
    ready: bool = True  # False while the statement runs


@dataclass
class Statement:
    """A statement in hand."""

    id: str
    token: str
    about: tuple[str, str, int, str] = ("", "", 0, "")  # SQL, database, moment, time zone
    number: int = field(default_factory=lambda: -time.time_ns())  # under it the engine notes what is done
    headers: dict[str, str] = field(default_factory=dict)  # of the reply, for the client's session
    update_type: str = ""  # of a statement that the engine does not see
    kept: bool = False  # whether it is written down
    expired: str = ""  # what a statement fails with that took longer than it may
    cancelled: threading.Event = field(default_factory=threading.Event)
    done: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    answer: Answer | None = None
    error: EngineError | None = None
    batches: Iterator[Rows] | None = None
    served: int = 0  # rows on the pages made so far
    ahead: Future[tuple[bytes, int]] | None = None  # the next page, in the making
    page: Page | None = None
    started: float = field(default_factory=time.monotonic)
    asked: float = field(default_factory=time.monotonic)

    @property
    def columns(self) -> list[Column]:
        return list(self.answer.columns) if self.answer else []


class Statements:
    """Start, page through and cancel statements."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="statement")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="page")
        self._in_hand: dict[str, Statement] = {}
        self._over: OrderedDict[str, tuple[str, str, EngineError | None]] = OrderedDict()
        self._lock = threading.Lock()
        self._count = 0
        account.store.script(TABLE)

    def start(
        self, sql: str, database: str, time_zone: str = "UTC", limit: tuple[float, str] | None = None
    ) -> Statement:
        """Run a statement; wait for `done`, or ask for pages.

        Args:
            sql: one statement.
            database: where names without one belong to.
            time_zone: the session's.
            limit: the seconds it may run, and what it fails with when it takes longer.
        """
        statement = self._new()
        statement.about = (sql, database, now(), time_zone)
        self._workers.submit(self._run, statement)
        if limit is not None:
            timer = threading.Timer(limit[0], self._expire, [statement, limit[1]])
            timer.daemon = True
            timer.start()
        return statement

    def _expire(self, statement: Statement, message: str) -> None:
        """Stop a statement that is still at work when its time is over."""
        if not statement.done.is_set():
            statement.expired = message
            statement.cancelled.set()

    def resume(self, going_on: bool, steps: Mapping[int, int]) -> None:
        """Go on with the statements whose clients were told to ask again before the account was killed.

        Args:
            going_on: their clients still wait.
            steps: how many of each one's statements are done.
        """
        rows = self._account.store.query("select * from statements")
        if rows:
            self._account.store.execute("delete from statements")
        for row in rows if going_on else ():
            about = (row["sql"], row["database"], row["at"], row["time_zone"])
            statement = self._in_hand[row["id"]] = Statement(row["id"], row["token"], about)
            if row["is_read"]:
                statement.error = EngineError("GENERIC_INTERNAL_ERROR", KILLED, "INTERNAL_ERROR", 65536)
                statement.done.set()
            else:
                self._workers.submit(self._run, statement, steps.get(row["number"], 0))

    def _keep(self, statement: Statement, is_read: bool = False) -> None:
        """Write a statement down whose client will ask again."""
        if statement.about[0] and (is_read or not statement.kept):
            statement.kept = True
            values = [statement.id, statement.token, *statement.about, statement.number, int(is_read)]
            self._account.store.execute(
                "insert or replace into statements values (?, ?, ?, ?, ?, ?, ?, ?)", values
            )

    def finished(self, columns: list[Column], rows: Rows) -> Statement:
        """A statement whose rows are known already."""
        from tdlocal.engine.spool import Listed

        statement = self._new()
        self._take(statement, Listed(tuple(columns), rows))
        statement.done.set()
        return statement

    def failed(self, error: EngineError) -> Statement:
        """A statement that is known to fail."""
        statement = self._new()
        statement.error = error
        statement.done.set()
        return statement

    def queue(self, statement: Statement, seconds: float) -> None:
        """Give a statement some time before its client is told where the first page will be."""
        if not statement.done.wait(seconds):
            self._keep(statement)

    def known(self, statement_id: str) -> tuple[str, str, EngineError | None] | None:
        """State, SQL and error of a statement; None for one that is not in hand nor among the last ones."""
        statement = self._in_hand.get(statement_id)
        return self._over.get(statement_id) if statement is None else _told(statement)

    def cancel_by_id(self, statement_id: str) -> None:
        """Stop a statement, if it is in hand."""
        statement = self._in_hand.get(statement_id)
        if statement is not None:
            self.cancel(statement)

    def find(self, statement_id: str, token: str) -> Statement:
        """The statement of a next address; NotThere when it is over or the address is not one of ours."""
        statement = self._in_hand.get(statement_id)
        if statement is None or not secrets.compare_digest(statement.token, token):
            raise NotThere(f"Query not found: {statement_id[:60]}")
        statement.asked = time.monotonic()
        return statement

    def page(self, statement: Statement, number: int, seconds: float) -> Page:
        """Page *number* (from 0): a new one, or the last one again; not ready when it takes longer.

        Raises the statement's EngineError, NotThere for a page that is gone.
        """
        if not statement.done.wait(seconds):
            self._keep(statement)
            return Page(number, ready=False)
        with statement.lock:
            if statement.error is not None:
                self.forget(statement)
                raise statement.error
            current = statement.page
            if current is not None and current.number == number:
                return current
            if number < (current.number if current else 0) or (current is not None and current.last):
                raise NotThere(f"page {number} of {statement.id} is gone")
            statement.page = self._next_page(statement, number)
            if statement.page.last:
                self._drop_rows(statement)
            elif number == 0:
                self._keep(statement, is_read=True)
            return statement.page

    def cancel(self, statement: Statement) -> None:
        """Stop a statement and forget its rows."""
        statement.cancelled.set()
        statement.done.wait(2)
        self.forget(statement)

    def finish(self, statement: Statement) -> None:
        """Free the rows of a statement whose last page is made; that page can still be asked for."""
        if statement.page is None or statement.page.number == 0:
            self.forget(statement)

    def forget(self, statement: Statement) -> None:
        """Forget a statement that is over."""
        with self._lock:
            if self._in_hand.pop(statement.id, None):
                self._over[statement.id] = _told(statement)
                if len(self._over) > REMEMBERED:
                    self._over.popitem(last=False)
        if statement.kept:
            statement.kept = False
            self._account.store.execute("delete from statements where id = ?", [statement.id])
        self._drop_rows(statement)

    def close(self) -> None:
        """Stop everything in hand."""
        with self._lock:
            in_hand = list(self._in_hand.values())
        for statement in in_hand:
            statement.cancelled.set()
        for statement in in_hand:
            self.cancel(statement)
        self._workers.shutdown(wait=False, cancel_futures=True)
        self._readers.shutdown(wait=False, cancel_futures=True)

    def _new(self) -> Statement:
        with self._lock:
            self._count += 1
            stamp = time.strftime("%Y%m%d_%H%M%S", time.gmtime())
            name = f"{stamp}_{self._count:05d}_local"
            statement = Statement(name, secrets.token_hex(12))
            self._in_hand[statement.id] = statement
            idle = [one for one in self._in_hand.values() if time.monotonic() - one.asked > IDLE_SECONDS]
        for one in idle:
            one.cancelled.set()
            self.forget(one)
        return statement

    def _run(self, statement: Statement, first: int = 0) -> None:
        sql, database, at, time_zone = statement.about
        try:
            if statement.cancelled.is_set():
                raise EngineError("USER_CANCELED", "Query was canceled", code=3)
            answer = self._account.engine.run(
                sql,
                database=database,
                scheduled_time=at,
                time_zone=time_zone,
                cancelled=statement.cancelled,
                job=statement.number,
                first=first,
            )
            self._take(statement, answer)
        except EngineError as error:
            late = EngineError("EXCEEDED_TIME_LIMIT", statement.expired, "INSUFFICIENT_RESOURCES", 131075)
            statement.error = late if statement.expired else error
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            statement.error = EngineError("GENERIC_INTERNAL_ERROR", message, "INTERNAL_ERROR", 65536)
        finally:
            statement.done.set()

    def _take(self, statement: Statement, answer: Answer) -> None:
        statement.answer = answer
        statement.batches = iter(answer.batches(BATCH))

    def _next_page(self, statement: Statement, number: int) -> Page:
        assert statement.answer is not None
        data, rows = statement.ahead.result() if statement.ahead else read_page(statement)
        statement.served += rows
        last = statement.served >= statement.answer.row_count
        statement.ahead = None if last else self._readers.submit(read_page, statement)
        return Page(number, data, rows, last)

    def _drop_rows(self, statement: Statement) -> None:
        if statement.answer is not None:
            statement.answer.close()


def _told(statement: Statement) -> tuple[str, str, EngineError | None]:
    """State, SQL and error of a statement."""
    state = "RUNNING" if not statement.done.is_set() else "FAILED" if statement.error else "FINISHED"
    return state, statement.about[0], statement.error


def read_page(statement: Statement) -> tuple[bytes, int]:
    """The next rows of a statement as JSON text, and how many they are."""
    assert statement.batches is not None
    parts: list[bytes] = []
    rows = size = 0
    while rows < PAGE_ROWS and size < PAGE_BYTES:
        batch = next(statement.batches, None)
        if batch is None:
            break
        parts.append(orjson.dumps(trino_rows(batch, statement.columns))[1:-1])
        rows += len(batch)
        size += len(parts[-1])
    return b"[" + b",".join(parts) + b"]", rows
