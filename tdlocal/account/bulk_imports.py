"""Bulk imports: parts are uploaded, frozen, performed and committed.

The rows are in the table when the perform job has ended, all parts in one transaction, and the session
is then `committed`: a client that waits for the commit need not sleep (td-client sleeps five seconds
when it sees `ready`). Commit itself has nothing left to do.
"""

from __future__ import annotations

import gzip
import hashlib
import re
import shutil
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgpack

from tdlocal.account.clock import now
from tdlocal.account.errors import AlreadyThere, NotThere, Refused
from tdlocal.account.imports import append_records, sort_out, unpack
from tdlocal.account.jobs import Job, Outcome

if TYPE_CHECKING:
    from tdlocal.account.account import Account

NAME = re.compile(r"[^/\x00]{1,255}")
ERROR_RECORDS = 10_000  # kept for error_records


@dataclass(frozen=True)
class BulkImport:
    """One session. The counts are None until it was performed."""

    id: int
    name: str
    database: str
    table: str
    status: str
    upload_frozen: bool
    job_id: int | None
    valid_records: int | None
    error_records: int | None
    valid_parts: int | None
    error_parts: int | None
    created_at: int


class BulkImports:
    """Create, fill, perform and delete bulk import sessions."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._folder = account.state / "bulk_imports"
        account.store.script(
            "create table if not exists bulk_imports (id integer primary key autoincrement, "
            "name text unique not null, database text not null, table_name text not null, "
            "status text not null default 'uploading', upload_frozen integer not null default 0, "
            "job_id integer, valid_records integer, error_records integer, valid_parts integer, "
            "error_parts integer, created_at integer not null);"
            "create table if not exists bulk_import_parts (session integer not null, "
            "name text not null, primary key (session, name))"
        )
        account.store.execute("update bulk_imports set status = 'uploading' where status = 'performing'")

    def create(self, name: str, database: str, table: str) -> None:
        """Open a session for a table that exists; AlreadyThere when the name is taken."""
        if not NAME.fullmatch(name):
            raise Refused("a bulk import's name has 1 to 255 characters and no slash")
        self._account.tables.info(database, table)
        try:
            self._account.store.execute(
                "insert into bulk_imports (name, database, table_name, created_at) values (?, ?, ?, ?)",
                [name, database, table, now()],
            )
        except sqlite3.IntegrityError:
            raise AlreadyThere(f"Bulk import '{name}' already exists") from None

    def show(self, name: str) -> BulkImport:
        """One session; NotThere when there is none of that name."""
        row = self._account.store.one("select * from bulk_imports where name = ?", [name])
        if row is None:
            raise NotThere(f"Bulk import '{name}' does not exist")
        return bulk_import_of(row)

    def all(self) -> list[BulkImport]:
        """All sessions, oldest first."""
        return [
            bulk_import_of(row) for row in self._account.store.query("select * from bulk_imports order by id")
        ]

    def delete(self, name: str) -> None:
        """Forget a session and its parts; rows it has loaded stay."""
        session = self.show(name)
        with self._account.store.transaction() as store:
            store.execute("delete from bulk_import_parts where session = ?", [session.id])
            store.execute("delete from bulk_imports where id = ?", [session.id])
        shutil.rmtree(self._parts_folder(session), ignore_errors=True)

    def upload(self, name: str, part: str, body: bytes) -> None:
        """Keep a part (a gzipped msgpack stream); the same name again replaces it."""
        session = self._open_for_upload(name)
        if not NAME.fullmatch(part):
            raise Refused("a part's name has 1 to 255 characters and no slash")
        folder = self._parts_folder(session)
        folder.mkdir(parents=True, exist_ok=True)
        path = self._part_file(session, part)
        temporary = path.with_suffix(f".{threading.get_ident()}")
        temporary.write_bytes(body)
        temporary.replace(path)
        self._account.store.execute(
            "insert or ignore into bulk_import_parts (session, name) values (?, ?)", [session.id, part]
        )

    def parts(self, name: str) -> list[str]:
        """Names of a session's parts, sorted."""
        session = self.show(name)
        rows = self._account.store.query(
            "select name from bulk_import_parts where session = ? order by name", [session.id]
        )
        return [row["name"] for row in rows]

    def delete_part(self, name: str, part: str) -> None:
        """Forget one part; NotThere when there is none of that name."""
        session = self._open_for_upload(name)
        deleted = self._account.store.execute(
            "delete from bulk_import_parts where session = ? and name = ?", [session.id, part]
        )
        if not deleted.rowcount:
            raise NotThere(f"Bulk import '{name}' has no part '{part}'")
        self._part_file(session, part).unlink(missing_ok=True)

    def freeze(self, name: str, frozen: bool = True) -> None:
        """Close a session for uploads, or open it again."""
        session = self.show(name)
        if session.status != "uploading":
            raise Refused(f"Bulk import '{name}' is {session.status}")
        self._set(session.id, upload_frozen=int(frozen))

    def perform(self, name: str, user_name: str = "") -> Job:
        """Load all parts in one transaction, as a job; records without a time are kept aside.

        Raises Refused unless the session is frozen, and when it was performed already.
        """
        session = self.show(name)
        with self._account.store.transaction():
            session = self.show(name)
            if session.status != "uploading":
                raise Refused(f"Bulk import '{name}' is {session.status} already")
            if not session.upload_frozen:
                raise Refused(f"Bulk import '{name}' is not frozen")
            self._set(session.id, status="performing")
        job = self._account.jobs.start(
            "bulk_import_perform",
            session.database,
            f"bulk import {name}",
            lambda job, cancelled: self._load(session, job, cancelled),
            table_name=session.table,
            user_name=user_name,
        )
        self._account.store.execute("update bulk_imports set job_id = ? where id = ?", [job.id, session.id])
        return job

    def commit(self, name: str) -> None:
        """Nothing is left to do after a successful perform; Refused before."""
        session = self.show(name)
        if session.status == "performing" and session.job_id is not None:
            self._account.jobs.wait(session.job_id, 30)
            session = self.show(name)
        if session.status != "committed":
            raise Refused(f"Bulk import '{name}' is {session.status}: perform it before the commit")

    def error_records(self, name: str) -> bytes:
        """Records that were not loaded, as a gzipped msgpack stream of maps."""
        path = self._parts_folder(self.show(name)) / "errors.msgpack.gz"
        return path.read_bytes() if path.exists() else gzip.compress(b"", mtime=0)

    def _open_for_upload(self, name: str) -> BulkImport:
        session = self.show(name)
        if session.upload_frozen or session.status != "uploading":
            raise Refused(f"Bulk import '{name}' is frozen: it takes no parts")
        return session

    def _load(self, session: BulkImport, job: Job, cancelled: threading.Event) -> Outcome:
        good: list[dict[str, Any]] = []
        bad: list[dict[str, Any]] = []
        counts = {"valid_parts": 0, "error_parts": 0}
        try:
            for part in self.parts(session.name):
                if cancelled.is_set():
                    raise Refused("killed")
                try:
                    imported = sort_out(unpack(self._part_file(session, part).read_bytes()))
                except Refused as error:
                    raise Refused(f"part '{part}': {error.message}; nothing was loaded") from None
                good += imported.good
                bad += imported.bad
                counts["error_parts" if imported.bad else "valid_parts"] += 1
            if good:
                append_records(
                    self._account, session.database, session.table, good, f"bulk_import/{session.id}"
                )
        except BaseException:
            self._set(session.id, status="uploading")
            raise
        self._keep_errors(session, bad[:ERROR_RECORDS])
        self._set(session.id, status="committed", valid_records=len(good), error_records=len(bad), **counts)
        note = f"{len(good)} records loaded, {len(bad)} without a time"
        return Outcome(note=note)

    def _keep_errors(self, session: BulkImport, records: list[dict[str, Any]]) -> None:
        if records:
            folder = self._parts_folder(session)
            packed = b"".join(msgpack.packb(record) for record in records)
            (folder / "errors.msgpack.gz").write_bytes(gzip.compress(packed, 1))

    def _set(self, session_id: int, **values: Any) -> None:
        names = ", ".join(f"{name} = ?" for name in values)
        self._account.store.execute(
            f"update bulk_imports set {names} where id = ?", [*values.values(), session_id]
        )

    def _parts_folder(self, session: BulkImport) -> Path:
        return self._folder / str(session.id)

    def _part_file(self, session: BulkImport, part: str) -> Path:
        digest = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()
        return self._parts_folder(session) / f"{digest}.part"


def bulk_import_of(row: dict[str, Any]) -> BulkImport:
    """A session from its row."""
    values = {name: value for name, value in row.items() if name != "table_name"}
    values["upload_frozen"] = bool(values["upload_frozen"])
    return BulkImport(table=row["table_name"], **values)
