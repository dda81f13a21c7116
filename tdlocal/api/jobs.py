"""/v3/job: issue, watch, stop jobs and read their results.

Short jobs are waited for before the answer to issue, and a status request is held while the job runs:
a client that looks before it sleeps never sleeps for a short job.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.exports import Target
from tdlocal.account.job_results import read_rows, unpacked
from tdlocal.account.jobs import QUERY_TYPES, Job
from tdlocal.api.encode import job_json, json_lines, separated, status_json
from tdlocal.api.wire import Fault, Reply, Request, route

PYTHON = "td-client-python 1.7 tdclient/job_api.py"
JAVA = "td-client-java 0.9 TDClient.java"
EXPORT = "td-client-python 1.7 tdclient/export_api.py; Digdag td_table_export>"
BUCKETS = "buckets are folders under <state>/buckets; nothing is fetched from or sent to other machines"
RESULT_OUTPUTS = (
    "result outputs to td:// and to buckets are written; for every other kind the rows are kept in "
    "<state>/unsent, never sent, and the job's output says so"
)
ISSUE_SECONDS = 0.2
STATUS_SECONDS = 4.0
LIST_LIMIT = 10_000
QUERY_LIMIT = 32 * 2**20
CHUNK = 2**18
GZIP = "application/x-gzip"


@route(
    "POST",
    "/v3/job/issue/{kind}/{database}",
    source=f"{PYTHON}; {JAVA}",
    body_limit=QUERY_LIMIT,
    partly="presto, trino, hive, bulkload; priority, pool_name and engine_version are kept, not used; "
    f"{RESULT_OUTPUTS}; {BUCKETS}",
)
def issue(account: Account, request: Request, kind: str, database: str) -> Any:
    about = job_options(account, request)
    if kind == "bulkload":
        table = request.required("table")
        job = account.loads.issue(database, table, request.json, **about)
    elif kind in QUERY_TYPES:
        target = target_of(account, request)
        shown = "" if target is None else target.label
        query = request.required("query")
        job = account.jobs.issue(kind, database, query, result_url=shown, target=target, **about)
    else:
        known = ", ".join((*QUERY_TYPES, "bulkload"))
        raise Fault(422, f"job type '{kind}' is unknown; use one of {known}")
    return started(account, job)


def job_options(account: Account, request: Request) -> dict[str, Any]:
    """What every kind of job may be given."""
    params = request.params
    return {
        "scheduled_time": request.number("scheduled_time") if params.get("scheduled_time") else None,
        "domain_key": params.get("domain_key") or None,
        "priority": request.number("priority", 0),
        "retry_limit": request.number("retry_limit", 0),
        "user_name": account.users.who(request.key),
    }


def target_of(account: Account, request: Request) -> Target | None:
    """Where a result is to go; None when nothing is said of it."""
    text = request.params.get("result") or ""
    connection = request.params.get("result_connection_id") or ""
    if not text and not connection:
        return None
    return account.exports.target(text, connection, request.params.get("result_connection_settings") or "")


def started(account: Account, job: Job) -> dict[str, Any]:
    """The answer to an issued job, after a moment in which a short one ends."""
    account.jobs.wait(job.id, ISSUE_SECONDS)
    return {"job_id": str(job.id), "job": str(job.id), "database": job.database}


@route("GET", "/v3/job/status/{job_id}", source=PYTHON)
def status(account: Account, request: Request, job_id: str) -> Any:
    job = account.jobs.show(job_id)
    if not job.finished:
        account.jobs.wait(job.id, STATUS_SECONDS)
        job = account.jobs.show(job_id)
    return status_json(job)


@route("GET", "/v3/job/status_by_domain_key/{domain_key}", source=JAVA)
def status_by_domain_key(account: Account, request: Request, domain_key: str) -> Any:
    return status(account, request, job_id=str(account.jobs.with_domain_key(domain_key).id))


@route("GET", "/v3/job/show/{job_id}", source=PYTHON)
def show(account: Account, request: Request, job_id: str) -> Any:
    return job_json(account.jobs.show(job_id), account.url)


@route("GET", "/v3/job/list", source=PYTHON)
def list_jobs(account: Account, request: Request) -> Any:
    first = max(0, request.number("from", 0))
    last = min(request.number("to", first + 19), first + LIST_LIMIT)
    if "from_id" in request.params or "conditions" in request.params:
        raise Fault(422, "parameters from_id and conditions are not supported by tdlocal")
    jobs = account.jobs.latest(first, last, request.params.get("status") or None)
    shown = [job_json(job, account.url) for job in jobs]
    return {"count": len(shown), "from": first, "to": last, "jobs": shown}


@route("POST", "/v3/job/kill/{job_id}", source=PYTHON)
def kill(account: Account, request: Request, job_id: str) -> Any:
    return {"former_status": account.jobs.kill(job_id), "job_id": job_id}


@route("GET", "/v3/job/result/{job_id}", source=f"{PYTHON}; {JAVA}")
def result(account: Account, request: Request, job_id: str) -> Any:
    job = account.jobs.show(job_id)
    path = account.jobs.result_file(job)
    kind = request.params.get("format", "tsv")
    header = request.params.get("header", "false").lower() == "true"
    if kind == "msgpack.gz":
        return file_range(path, request.headers.get("range"))
    if kind == "msgpack":
        return Reply(body=unpacked(path), content_type="application/x-msgpack")
    return Reply(body=text_result(job, path, kind, header), content_type=f"{TEXT[kind]}; charset=utf-8")


TEXT = {"json": "application/json", "csv": "text/csv", "tsv": "text/tab-separated-values"}


def text_result(job: Job, path: Path, kind: str, header: bool) -> Any:
    """The rows as JSON lines, CSV or TSV."""
    if kind not in TEXT:
        raise Fault(422, f"format '{kind[:40]}' is unknown; use msgpack, msgpack.gz, {', '.join(TEXT)}")
    rows = read_rows(path)
    if kind == "json":
        return json_lines(rows, job.columns)
    return separated(rows, job.columns, header=header, separator="," if kind == "csv" else "\t")


def file_range(path: Path, wanted: str | None) -> Reply:
    """A file, or the part of it that a Range header asks for (206)."""
    size = path.stat().st_size
    whole = {"Accept-Ranges": "bytes"}
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", (wanted or "").strip())
    if match is None or match.groups() == ("", ""):
        return Reply(200, file_chunks(path, 0, size), GZIP, whole | {"Content-Length": str(size)})
    first, last = match[1], match[2]
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        return Reply(416, b"", headers={"Content-Range": f"bytes */{size}"})
    length = end - start + 1
    headers = whole | {"Content-Range": f"bytes {start}-{end}/{size}", "Content-Length": str(length)}
    return Reply(206, file_chunks(path, start, length), GZIP, headers)


def file_chunks(path: Path, start: int, length: int) -> Iterator[bytes]:
    """A part of a file, chunk by chunk."""
    with path.open("rb") as file:
        file.seek(start)
        while length > 0 and (chunk := file.read(min(CHUNK, length))):
            length -= len(chunk)
            yield chunk


@route("POST", "/v3/job/result_export/{job_id}", source=JAVA, partly=RESULT_OUTPUTS)
def export_result(account: Account, request: Request, job_id: str) -> Any:
    target = target_of(account, request)
    if target is None:
        raise Fault(422, "parameter 'result' or 'result_connection_id' is required")
    job = account.exports.export_result(account.jobs.show(job_id), target, **job_options(account, request))
    return started(account, job) | job_json(account.jobs.show(job.id), account.url)


@route("POST", "/v3/export/run/{database}/{table}", source=EXPORT, partly=BUCKETS)
def export_table(account: Account, request: Request, database: str, table: str) -> Any:
    about = job_options(account, request)
    return started(account, account.exports.export_table(database, table, request.params, **about))
