"""What leaves tables: table exports, and the results of jobs on their way to a result output.

A result output `td://…` is a table of this account. One of the storages (s3, gcs, sftp, …) is an object
of a bucket, which is a folder of this account. For every other kind the rows are kept in
`<state>/unsent/<job>.jsonl.gz`, and the job says that nothing was sent.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

import orjson
import pyarrow as pa

from tdlocal.account.buckets import STORAGES
from tdlocal.account.errors import Refused
from tdlocal.account.imports import column_name, typed_array
from tdlocal.account.jobs import Job, Outcome
from tdlocal.account.loads import masked, put_in
from tdlocal.account.result_files import TABLE_FORMATS, file_format, write_file, write_table
from tdlocal.account.tables import check_name
from tdlocal.account.values import job_rows, parse_type
from tdlocal.engine.types import Column

if TYPE_CHECKING:
    from tdlocal.account.account import Account

BATCH = 1000
TABLE_TYPES = ("td", "treasure_data", "treasuredata")
TABLE_MODES = ("append", "replace", "truncate")
SCHEMES = {"gs": "gcs", "azure": "azure_blob_storage", "wasb": "azure_blob_storage", "s3_v2": "s3"}
NUMBERS = {"bigint": "bigint", "integer": "bigint", "smallint": "bigint", "tinyint": "bigint"}
DOUBLES = {"double": "double", "real": "double"}


@dataclass(frozen=True)
class Target:
    """Where a result goes: the kind of system and its settings."""

    kind: str
    settings: dict[str, Any]
    url: str = ""  # as it was given, without a password

    @property
    def label(self) -> str:
        """The target as jobs show it, without secrets."""
        return self.url or orjson.dumps({"type": self.kind, **masked(self.settings)}).decode()

    @property
    def kept(self) -> str:
        """The target as JSON, to go on with after a crash; nothing is sent, so it needs no secrets."""
        return orjson.dumps({"kind": self.kind, "settings": masked(self.settings), "url": self.url}).decode()


Rows = Callable[[], Iterator[list[Any]]]


class Exports:
    """Write tables and results to where they are asked to go."""

    def __init__(self, account: Account) -> None:
        self._account = account
        self._unsent = account.state / "unsent"

    def export_table(self, database: str, table: str, settings: dict[str, str], **about: Any) -> Job:
        """Start a job that writes the rows of a table (from <= time < to) to an object of a bucket.

        Args:
            database: the table's database.
            table: its name.
            settings: storage_type s3, bucket, file_prefix, file_format (TABLE_FORMATS), from, to.
            about: domain_key, user_name, … as Jobs.start takes them.
        """
        self._account.tables.info(database, table)
        if settings.get("storage_type", "s3") not in STORAGES:
            raise Refused(f"storage_type '{settings['storage_type'][:40]}' is unknown; use s3")
        form = settings.get("file_format") or "jsonl.gz"
        if form not in TABLE_FORMATS:
            raise Refused(f"file_format '{form[:40]}' is unknown; use one of {', '.join(TABLE_FORMATS)}")
        bucket = settings.get("bucket", "")
        if not bucket:
            raise Refused("parameter 'bucket' is required")
        bounds = [whole(settings, word) for word in ("from", "to")]
        prefix = settings.get("file_prefix") or f"{database}/{table}"

        def export(job: Job, cancelled: threading.Event) -> Outcome:
            key = f"{prefix.strip('/')}_{job.id}.{form}"
            self._account.buckets.check(bucket, key)
            answer = self._account.engine.run(
                f'select * from "{table}"{between(*bounds)}',
                database=database,
                scheduled_time=job.scheduled_time,
                cancelled=cancelled,
            )
            try:
                rows = (
                    list(row) for batch in answer.batches(BATCH) for row in job_rows(batch, answer.columns)
                )
                with self._account.buckets.writing(bucket, key) as file:
                    write_table(file, rows, answer.columns, form)
                return Outcome(rows=answer.row_count, note=f"{answer.row_count} records to {bucket}/{key}")
            finally:
                answer.close()

        shown = orjson.dumps(masked(settings)).decode()
        return self._account.jobs.start("export", database, shown, export, table_name=table, **about)

    def export_result(self, job: Job, target: Target, **about: Any) -> Job:
        """Start a job that delivers the rows of a finished job; Refused when it has none."""
        self._account.jobs.result_file(job)

        def export(made: Job, cancelled: threading.Event) -> Outcome:
            note = self.deliver(made, job.columns, lambda: self._account.jobs.rows(job), target)
            return Outcome(rows=job.num_records, note=note)

        about |= {"linked_job_id": job.id, "result_url": target.label}
        return self._account.jobs.start("result_export", job.database, job.query, export, **about)

    def target(self, text: str, connection: str = "", settings: str = "") -> Target:
        """What a result output says; Refused or NotThere when it says nothing that can be.

        Args:
            text: a url, a name of /v3/result, or JSON with a `type`.
            connection: the number of a result output, instead of *text*.
            settings: JSON with what the connection leaves open (`result_connection_settings`).
        """
        given = json_object(settings) if settings else {}
        url = ""
        if connection:
            text = self._account.results.with_id(connection).url
        elif text.lstrip().startswith("{"):
            given, text = json_object(text), ""
        elif "://" not in text:
            name, _, rest = text.partition(":")
            text = self._account.results.show(name).url
            given = {"path": rest} | given if rest else given
        else:
            url = without_password(text)
        target = read_url(text) if text else Target(kind_of(given), {})
        return self._checked(Target(target.kind, {**target.settings, **given}, url))

    @staticmethod
    def kept_target(text: str) -> Target:
        """The target of `Target.kept`."""
        return Target(**orjson.loads(text))

    def deliver(self, job: Job, columns: Sequence[Column], rows: Rows, target: Target) -> str:
        """Write rows to a target; returns what was done, in a sentence."""
        if target.kind in TABLE_TYPES:
            return self._to_table(job, columns, rows, target.settings)
        if target.kind in STORAGES:
            bucket, key = place(target)
            with self._account.buckets.writing(bucket, key) as file:
                write_file(file, rows(), columns, key, target.settings)
            return f"the result is in {bucket}/{key}"
        self._unsent.mkdir(exist_ok=True)
        path = self._unsent / f"{job.id}.jsonl.gz"
        with path.open("wb") as file:
            write_table(file, rows(), columns, "jsonl.gz")
        about = {"type": target.kind, "settings": masked(target.settings)}
        (self._unsent / f"{job.id}.json").write_bytes(orjson.dumps(about))
        kept = f"the rows are kept in <state>/unsent/{path.name}"
        return f"result output to {target.kind} is never sent by tdlocal; {kept}"

    def _checked(self, target: Target) -> Target:
        if target.kind in TABLE_TYPES:
            database, table, mode = table_place(target.settings)
            self._account.databases.check(database)
            if mode not in TABLE_MODES:
                raise Refused(f"mode '{mode[:40]}' is not supported by tdlocal; use {', '.join(TABLE_MODES)}")
            check_name(table)
        elif target.kind in STORAGES:
            self._account.buckets.check(*place(target))
            file_format(target.settings, place(target)[1])
        return target

    def _to_table(self, job: Job, columns: Sequence[Column], rows: Rows, settings: dict[str, Any]) -> str:
        database, table, mode = table_place(settings)
        if self._account.engine.table(database, table) is None:
            self._account.tables.create(database, table)
        info = self._account.tables.info(database, table)
        append = mode == "append"
        present = {one.name: one.type for one in info.columns} if append else {}
        arrow = arrow_rows(list(rows()), columns, present, job.scheduled_time)
        put_in(self._account, database, table, arrow, "append" if append else "replace", f"result {job.id}")
        return f"{arrow.num_rows} records to table {database}.{table} ({mode})"


def arrow_rows(
    rows: list[list[Any]], columns: Sequence[Column], present: dict[str, str], at: int
) -> pa.Table:
    """Result rows as table columns; a row without `time` gets the job's."""
    made: dict[str, pa.Array] = {}
    values: Sequence[Sequence[Any]] = list(zip(*rows, strict=True)) if rows else [[] for _ in columns]
    for column, cells in zip(columns, values, strict=True):
        name = column_name(column.name)
        kind = "bigint" if name == "time" else present.get(name) or stored_type(column.type)
        made[name] = typed_array(list(cells), parse_type(kind))
    times = made["time"].to_pylist() if "time" in made else [None] * len(rows)
    made["time"] = pa.array([at if one is None else one for one in times], pa.int64())
    return pa.table(made)


def stored_type(type_text: str) -> str:
    """The type a result column is stored with: bigint, double, array of these, else varchar."""
    tree = parse_type(type_text)
    if tree.name == "array":
        inner = type_text[type_text.index("(") + 1 : type_text.rindex(")")]
        return f"array({stored_type(inner)})"
    return NUMBERS.get(tree.name) or DOUBLES.get(tree.name) or "varchar"


def whole(settings: dict[str, str], word: str) -> int | None:
    """A bound of an export in unix seconds; None when it is not given."""
    text = settings.get(word, "")
    if not text:
        return None
    if not re.fullmatch(r"-?\d{1,15}", text):
        raise Refused(f"parameter '{word}' must be unix seconds, not '{text[:40]}'")
    return int(text)


def between(start: int | None, end: int | None) -> str:
    """The condition of an export.

    >>> between(0, None)
    ' where time >= 0'
    """
    parts = [f"time >= {start}"] if start is not None else []
    parts += [f"time < {end}"] if end is not None else []
    return f" where {' and '.join(parts)}" if parts else ""


def without_password(url: str) -> str:
    """
    >>> without_password("s3://key:secret@/lake/x.csv"), without_password("mysql://host/db")
    ('s3://key:***@/lake/x.csv', 'mysql://host/db')
    """
    return re.sub(r"^([a-zA-Z0-9_+.-]+://[^/:@]*):[^@]*@", r"\1:***@", url)


def read_url(url: str) -> Target:
    """A result output's url: its scheme is the kind, the rest its settings.

    >>> read_url("td://@/shop/orders?mode=replace").settings
    {'mode': 'replace', 'database': 'shop', 'table': 'orders'}
    >>> read_url("s3://id:secret@/lake/out/orders.csv.gz").settings["bucket"]
    'lake'
    """
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError as error:
        raise Refused(f"the result output url cannot be read: {error}") from None
    kind = SCHEMES.get(parts.scheme, parts.scheme)
    settings: dict[str, Any] = dict(parse_qsl(parts.query, keep_blank_values=True))
    path = unquote(parts.path).strip("/")
    host = parts.hostname or ""
    if kind in TABLE_TYPES:
        database, _, table = path.partition("/")
        return Target(kind, settings | {"database": database, "table": table})
    if kind in STORAGES:
        in_path = kind in ("s3", "gcs", "azure_blob_storage", "file") and (not host or "." in host)
        bucket, rest = path.partition("/")[::2] if in_path else (host, path)
        return Target(kind, settings | {STORAGES[kind][0][0]: bucket} | ({"path": rest} if rest else {}))
    return Target(kind, settings | {"host": host + port, "user": parts.username or "", "path": path})


def json_object(text: str) -> dict[str, Any]:
    """Settings given as JSON."""
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise Refused(f"the result output settings are not JSON: {error}") from None
    if not isinstance(value, dict):
        raise Refused("the result output settings must be an object")
    return value


def kind_of(settings: dict[str, Any]) -> str:
    """The `type` of settings given as JSON."""
    kind = settings.get("type")
    if not isinstance(kind, str) or not kind:
        raise Refused("the result output settings need a `type`")
    return SCHEMES.get(kind, kind)


def table_place(settings: dict[str, Any]) -> tuple[str, str, str]:
    """Database, table and mode of a target that is a table."""
    database = str(settings.get("user_database_name") or settings.get("database") or "")
    table = str(settings.get("user_table_name") or settings.get("table") or settings.get("path") or "")
    if not database or not table:
        raise Refused("a result output to Treasure Data needs a database and a table: td://@/database/table")
    return database, table, str(settings.get("mode") or "append")


def place(target: Target) -> tuple[str, str]:
    """Bucket and object name of a target that is a storage."""
    word = STORAGES[target.kind][0][0]
    bucket = str(target.settings.get(word) or target.settings.get("bucket") or "")
    key = str(
        target.settings.get("path")
        or target.settings.get("path_prefix")
        or target.settings.get("remote_path")
        or ""
    )
    if not bucket or not key:
        raise Refused(f"a result output to {target.kind} needs a {word} and a path")
    return bucket, key.strip("/")
