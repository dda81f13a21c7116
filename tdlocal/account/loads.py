"""Bulk loads: objects of a bucket into a table, by a configuration in Embulk's words (in, filters, out).

A bucket is a folder of this account (tdlocal.account.buckets). A load is one append: all of it is in the
table when the job has ended well, and nothing of it otherwise. Records that do not fit are left out,
counted and told in the job's output, as Embulk does.
"""

from __future__ import annotations

import re
import threading
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from tdlocal.account.buckets import place_in
from tdlocal.account.clock import now
from tdlocal.account.errors import NotThere, Refused
from tdlocal.account.imports import as_string, column_name, typed_array
from tdlocal.account.jobs import Job, Outcome
from tdlocal.account.load_filters import Change, apply_filters
from tdlocal.account.load_guess import guess
from tdlocal.account.load_parsers import Parser, Skipped, open_object, parser_of
from tdlocal.account.load_values import LoadColumn, moment_text
from tdlocal.account.values import parse_type

if TYPE_CHECKING:
    from collections.abc import Callable

    from tdlocal.account.account import Account

BATCH = 20_000
PREVIEW_ROWS = 20
BROKEN = (
    OSError, EOFError, ValueError, TypeError, LookupError, AttributeError, OverflowError, re.error,
    zlib.error, zipfile.BadZipFile,
)  # fmt: skip
TIME_TEXT = "%Y-%m-%d %H:%M:%S.%3N"
PREVIEW_TIME = "%Y-%m-%d %H:%M:%S.%6N UTC"
TRINO_TYPES = {"long": "bigint", "double": "double"}
MODES = ("append", "replace")
SECRET = re.compile(
    r"secret|password|passphrase|private|access_key|account_key|token|keyfile|apikey", re.IGNORECASE
)


@dataclass(frozen=True)
class Plan:
    """What a configuration asks for, checked."""

    objects: list[tuple[str, Path]]
    decoders: Any
    parser: Parser
    columns: list[LoadColumn]
    changes: list[Change]
    mode: str
    time_column: str
    timestamps: str  # "string" or "sec"
    time_format: str
    time_zone: str

    def rows(self, skipped: Skipped) -> Iterator[list[Any]]:
        """All rows after all filters."""
        rows = self._parsed(skipped)
        for change in self.changes:
            rows = change(rows, skipped)
        return rows

    def _parsed(self, skipped: Skipped) -> Iterator[list[Any]]:
        for key, path in self.objects:
            with told_plainly(f"object '{key}' cannot be read"), open_object(path, self.decoders) as stream:
                yield from self.parser.rows(stream, key, skipped)


@contextmanager
def told_plainly(what: str) -> Iterator[None]:
    """Say *what* went wrong where an object is broken or a configuration has the wrong shape."""
    try:
        yield
    except BROKEN as error:
        raise Refused(f"{what}: {error}") from None


class Loads:
    """Issue, preview and guess bulk loads."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def issue(
        self,
        database: str,
        table: str,
        content: dict[str, Any],
        *,
        done: Callable[[str], None] | None = None,
        **about: Any,
    ) -> Job:
        """Start a bulkload job.

        Args:
            database: where the table is.
            table: it must exist, as on Treasure Data.
            content: the configuration: {config: {in, filters, out}}, or these words themselves.
            done: is called with the name of the last object when the load has succeeded.
            about: domain_key, scheduled_time, priority, … as Jobs.start takes them.

        Raises NotThere for the database or the table, Refused for a configuration that is none.
        """
        config = config_in(content)
        self._account.tables.info(database, table)
        time_column = str(content.get("time_column") or "")

        def load(job: Job, cancelled: threading.Event) -> Outcome:
            plan = self._planned(config, time_column, job.scheduled_time)
            outcome = self._load(plan, database, table, job, cancelled)
            if done is not None and plan.objects:
                done(plan.objects[-1][0])
            return outcome

        shown = orjson.dumps({"config": masked(config)}).decode()
        return self._account.jobs.start("bulkload", database, shown, load, table_name=table, **about)

    def preview(self, content: dict[str, Any]) -> dict[str, Any]:
        """The columns and the first rows of a load that is not run."""
        plan = self._planned(config_in(content), str(content.get("time_column") or ""), now())
        schema = [
            {"index": number, "name": column.name, "type": column.type}
            for number, column in enumerate(plan.columns)
        ]
        with told_plainly("the first rows cannot be shown"):
            rows = [
                [shown(value, column) for value, column in zip(row, plan.columns, strict=True)]
                for row in islice(plan.rows(Skipped()), PREVIEW_ROWS)
            ]
        return {"schema": schema, "records": rows}

    def guess(self, content: dict[str, Any]) -> dict[str, Any]:
        """The configuration with what it lacks guessed from the first object."""
        config = config_in(content)
        objects = self._objects(config["in"])
        with told_plainly(f"nothing can be guessed from object '{objects[0][0]}'"):
            return {"config": guess(config, objects[0][1])}

    def _objects(self, source: dict[str, Any]) -> list[tuple[str, Path]]:
        bucket, prefix = place_in(source)
        found = self._account.buckets.objects(bucket, prefix)
        pattern = source.get("path_match_pattern")
        if pattern:
            try:
                found = [one for one in found if re.search(str(pattern), one[0])]
            except re.error as error:
                raise Refused(f"path_match_pattern is no pattern: {error}") from None
            if not found:
                raise NotThere(f"no object of bucket '{bucket}' matches {pattern}")
        last = source.get("last_path")
        return [one for one in found if one[0] > last] if isinstance(last, str) and last else found

    def _planned(self, config: dict[str, Any], time_column: str, loaded_at: int) -> Plan:
        source, out = config["in"], config.get("out") or {}
        mode = str(out.get("mode") or "append")
        if mode not in MODES:
            raise Refused(
                f"out.mode '{mode[:40]}' is not supported by tdlocal; use one of {', '.join(MODES)}"
            )
        objects = self._objects(source)
        with told_plainly("the configuration makes no sense"):
            parser = parser_of(source.get("parser"))
            columns, changes = apply_filters(config.get("filters"), parser.columns, loaded_at)
        timestamps = str(out.get("default_timestamp_type_convert_to") or "string")
        if timestamps not in ("string", "sec"):
            raise Refused("out.default_timestamp_type_convert_to must be string or sec")
        return Plan(
            objects,
            source.get("decoders"),
            parser,
            columns,
            changes,
            mode,
            time_source(columns, str(out.get("time_column") or time_column)),
            timestamps,
            str(out.get("default_timestamp_format") or TIME_TEXT),
            str(out.get("default_timezone") or "UTC"),
        )

    def _load(self, plan: Plan, database: str, table: str, job: Job, cancelled: threading.Event) -> Outcome:
        skipped = Skipped()
        present = (
            {}
            if plan.mode == "replace"
            else {one.name: one.type for one in self._account.tables.info(database, table).columns}
        )
        parts = []
        rows = plan.rows(skipped)
        while batch := list(islice(rows, BATCH)):
            if cancelled.is_set():
                raise Refused("the job was killed")
            parts.append(arrow_part(plan, batch, present, job.scheduled_time))
        count = sum(part.num_rows for part in parts)
        if parts:
            put_in(self._account, database, table, pa.concat_tables(parts), plan.mode, f"bulkload {job.id}")
        note = f"{count} records from {len(plan.objects)} objects, {skipped.count} left out"
        return Outcome(rows=count, note="\n".join([note, *skipped.told]))


def put_in(account: Account, database: str, table: str, rows: pa.Table, mode: str, once: str) -> None:
    """Append rows to a table, or put them in the place of what it holds; either way at once."""
    if mode == "append":
        account.tables.append(database, table, rows, once)
        return
    beside = f"{table[:200]}__{re.sub(r'[^0-9a-z]', '_', once)}"
    if account.engine.table(database, beside) is not None:  # the account was killed at this work
        account.engine.drop_table(database, beside)
    account.tables.create(database, beside)
    try:
        account.tables.append(database, beside, rows)
        account.tables.rename(database, beside, table, overwrite=True)
    except BaseException:
        account.engine.drop_table(database, beside)
        raise


def config_in(content: Any) -> dict[str, Any]:
    """The configuration in what a client sent; Refused when there is none."""
    if isinstance(content, dict) and isinstance(content.get("config"), dict):
        content = content["config"]
    if not isinstance(content, dict) or not isinstance(content.get("in"), dict):
        raise Refused("a bulk load needs a configuration with a section `in`")
    if not isinstance(content.get("out") or {}, dict):
        raise Refused("the section `out` must be a map")
    return content


def masked(value: Any) -> Any:
    """A configuration without its secrets, to be shown.

    >>> masked({"in": {"secret_access_key": "abc", "bucket": "b"}})
    {'in': {'secret_access_key': '***', 'bucket': 'b'}}
    """
    if isinstance(value, dict):
        return {
            name: "***" if isinstance(one, str) and SECRET.search(str(name)) else masked(one)
            for name, one in value.items()
        }
    return [masked(one) for one in value] if isinstance(value, list) else value


def time_source(columns: list[LoadColumn], wanted: str) -> str:
    """The column that `time` is taken from; empty when there is none, and the load's moment is taken."""
    fit = [column.name for column in columns if column.type in ("long", "timestamp")]
    if wanted:
        if wanted not in fit:
            raise Refused(f"time_column '{wanted[:60]}' is no column of type long or timestamp")
        return wanted
    if "time" in fit:
        return "time"
    return next((column.name for column in columns if column.type == "timestamp"), "")


def arrow_part(plan: Plan, rows: list[list[Any]], present: dict[str, str], loaded_at: int) -> pa.Table:
    """Rows as an Arrow table with `time`, typed as the table has it or as the configuration says."""
    columns: dict[str, pa.Array] = {}
    moments = [loaded_at] * len(rows)
    for column, values in zip(plan.columns, zip(*rows, strict=True), strict=True):
        if column.name == plan.time_column:
            moments = [loaded_at if value is None else seconds(value, column) for value in values]
        name = column_name(column.name)
        if name in ("time", ""):
            continue
        kind = "long" if column.type == "timestamp" and plan.timestamps == "sec" else column.type
        stored = present.get(name) or TRINO_TYPES.get(kind, "varchar")
        as_number = column.type == "timestamp" and stored == "bigint"
        cells = [stored_value(value, column, plan, as_number=as_number) for value in values]
        columns[name] = typed_array(cells, parse_type(stored))
    columns["time"] = pa.array(moments, pa.int64())
    return pa.table(columns)


def seconds(value: int, column: LoadColumn) -> int:
    """A value of a long or timestamp column as unix seconds."""
    return value // 1_000_000 if column.type == "timestamp" else value


def stored_value(value: Any, column: LoadColumn, plan: Plan, *, as_number: bool) -> Any:
    """A value as Treasure Data stores it."""
    if value is None:
        return None
    if column.type == "timestamp":
        if as_number:
            return seconds(value, column)
        return moment_text(value, plan.time_format, plan.time_zone)
    return as_string(value) if column.type in ("boolean", "json") else value


def shown(value: Any, column: LoadColumn) -> Any:
    """A value in a preview."""
    return (
        moment_text(value, PREVIEW_TIME, "UTC") if column.type == "timestamp" and value is not None else value
    )
