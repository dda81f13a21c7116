"""How /v3 writes dates, tables and jobs, and the text formats of a result."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from tdlocal.account.jobs import Job
from tdlocal.account.tables import Table
from tdlocal.engine.types import Column


def date(seconds: int | None) -> str:
    """A moment as /v3 writes it; empty while it has not come.

    >>> date(1793491200)
    '2026-11-01 00:00:00 UTC'
    """
    return "" if seconds is None else time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))


def instant(seconds: int | None) -> str | None:
    """A moment as the newer APIs write it.

    >>> instant(1793491200)
    '2026-11-01T00:00:00Z'
    """
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def json_text(value: Any) -> str:
    """Compact JSON as text, for the JSON inside of JSON."""
    return orjson.dumps(value).decode()


def table_json(table: Table) -> dict[str, Any]:
    """A table as table/list and table/show give it."""
    return {
        "id": table.id,
        "name": table.info.name,
        "database": table.info.database,
        "type": "log",
        "count": table.info.rows,
        "estimated_storage_size": table.info.bytes,
        "schema": json_text(table.schema),
        "expire_days": table.expire_days,
        "created_at": date(table.info.created_at),
        "updated_at": date(table.info.updated_at),
        "counter_updated_at": date(table.info.updated_at),
        "last_log_timestamp": None,
        "include_v": table.include_v,
        "delete_protected": table.delete_protected,
        "last_import": None,
    }


def job_json(job: Job, url: str) -> dict[str, Any]:
    """A job as job/show and job/list give it. `result` stays empty: clients read a text there as rows."""
    schema = [[column.name, column.type] for column in job.columns]
    return {
        "job_id": str(job.id),
        "type": job.type,
        "status": job.status,
        "query": job.query,
        "database": job.database,
        "table": job.table_name,
        "url": f"{url}/v3/job/show/{job.id}",
        "user_name": job.user_name,
        "created_at": date(job.created_at),
        "updated_at": date(job.updated_at),
        "start_at": date(job.start_at),
        "end_at": date(job.end_at),
        "duration": job.duration,
        "cpu_time": None,
        "result_size": job.result_size,
        "num_records": job.num_records,
        "result": "",
        "result_url": job.result_url,
        "hive_result_schema": json_text(schema) if schema else "",
        "priority": job.priority,
        "retry_limit": job.retry_limit,
        "organization": None,
        "linked_result_export_job_id": None,
        "result_export_target_job_id": job.linked_job_id,
        "debug": {"cmdout": job.cmdout, "stderr": job.stderr},
    }


def status_json(job: Job) -> dict[str, Any]:
    """A job as job/status gives it."""
    return {
        "job_id": str(job.id),
        "status": job.status,
        "created_at": date(job.created_at),
        "updated_at": date(job.updated_at),
        "started_at": date(job.start_at),
        "start_at": date(job.start_at),
        "end_at": date(job.end_at),
        "duration": job.duration,
        "cpu_time": None,
        "result_size": job.result_size,
        "num_records": job.num_records,
    }


def json_lines(rows: Iterator[list[Any]], columns: Sequence[Column]) -> Iterator[bytes]:
    """One JSON array a line. NaN and infinities, which JSON lacks, as text."""
    floats = [column.type in ("double", "real") or "(" in column.type for column in columns]
    for batch in batched(rows):
        if any(floats):
            batch = [[named_float(value) for value in row] for row in batch]
        yield b"".join(orjson.dumps(row) + b"\n" for row in batch)


def named_float(value: Any) -> Any:
    """A float JSON lacks by its name; lists inside out; everything else as it is."""
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if value != value else "Infinity" if value > 0 else "-Infinity"
    return [named_float(one) for one in value] if isinstance(value, list) else value


def separated(
    rows: Iterator[list[Any]], columns: Sequence[Column], *, header: bool, separator: str
) -> Iterator[bytes]:
    """CSV or TSV; nulls are empty, lists JSON text."""
    names = [[column.name for column in columns]] if header else []
    for batch in batched(rows, first=names):
        text = io.StringIO()
        csv.writer(text, delimiter=separator, lineterminator="\n").writerows(
            [cell(value) for value in row] for row in batch
        )
        yield text.getvalue().encode("utf-8", "surrogatepass")


def cell(value: Any) -> Any:
    """A value in CSV."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        return json_text(value)
    return named_float(value)


def batched(rows: Iterator[list[Any]], first: list[list[Any]] | None = None) -> Iterator[list[list[Any]]]:
    """Lists of up to 1000 rows; *first* comes before them."""
    batch = list(first or [])
    for row in rows:
        batch.append(row)
        if len(batch) >= 1000:
            yield batch
            batch = []
    if batch:
        yield batch
