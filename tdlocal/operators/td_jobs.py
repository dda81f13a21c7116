"""td_load>, td_run>, td_table_export>, td_result_export>, td_partial_delete>: other jobs of the account."""

from __future__ import annotations

import datetime as dt
import json
import re
from typing import Any
from urllib.parse import quote, urlencode

from tdlocal.operators.base import Job, Result, as_text
from tdlocal.operators.td import connection_options, finished
from tdlocal.operators.td_client import TdClient, database_of, table_name
from tdlocal.workflow.faults import ConfigError, Fault
from tdlocal.workflow.parameters import Update
from tdlocal.workflow.sessions import zone
from tdlocal.workflow.yaml_reader import read_yaml

RESETS: list[tuple[str, ...]] = [("td", "last_job"), ("td", "last_job_id")]


def load(job: Job) -> Result:
    """td_load>: a bulk load, from a YAML file or by the name of a saved one."""
    client = TdClient(job)
    command = job.command
    name = "" if isinstance(command, dict) else as_text(job.need_command())
    files: list[Any] = []
    if isinstance(command, dict) or name.endswith((".yml", ".yaml")):
        database, table = table_name(job.text("table", "") or "", database_of(job))
        config, files = _load_config(job, name)
        query = {
            "domain_key": client.domain_key(),
            "query": "",
            "priority": 0,
            "version": "0.9.0",
            "table": table,
        }
        body = json.dumps({"config": job.with_secrets(config)}).encode()
        answer = client.post(f"/v3/job/issue/bulkload/{quote(database)}?{urlencode(query)}", body)
    else:
        body = json.dumps(
            {"scheduled_time": str(job.values.get("session_unixtime")), "domain_key": client.domain_key()}
        ).encode()
        answer = client.post(f"/v3/bulk_loads/{quote(name, safe='')}/jobs", body)
    return _done(job, client, str(answer["job_id"]), files)


def _load_config(job: Job, name: str) -> tuple[Any, list[Any]]:
    if not name:
        return dict(job.command or {}), []
    faults: list[Fault] = []
    path = job.file(name)
    section = read_yaml(path, job.services.project.root, faults)
    if section is None:
        raise ConfigError("; ".join(map(str, faults)))
    evaluated = _evaluated(job, section)
    return evaluated.get("config", evaluated), [path]


def _evaluated(job: Job, value: Any) -> Any:
    if isinstance(value, str):
        return job.evaluate(value)
    if isinstance(value, dict):
        return {key: _evaluated(job, item) for key, item in value.items()}
    if isinstance(value, list):
        return [_evaluated(job, item) for item in value]
    return value


def run_saved(job: Job) -> Result:
    """td_run>: a saved query, by name or number."""
    client = TdClient(job)
    command = job.need_command()
    moment = _moment(job, as_text(job.get("session_time", job.values["session_time"])))
    if isinstance(command, int):
        when = moment.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        body = json.dumps({"scheduled_time": when, "domain_key": client.domain_key()}).encode()
        job_id = str(client.post(f"/v4/queries/{command}/jobs", body)["id"])
    else:
        path = f"/v3/schedule/run/{quote(as_text(command), safe='')}/{int(moment.timestamp())}"
        jobs = client.post(path, {"domain_key": client.domain_key()})["jobs"]
        job_id = str(jobs[0]["job_id"])
    shown = client.wait(job_id)
    stored = finished(job, client, job_id, shown)
    resets = RESETS + ([("td", "last_results")] if "last_results" in stored else [])
    return Result(Update(resets, {"td": stored}), rows=int(shown.get("num_records") or 0))


def table_export(job: Job) -> Result:
    """td_table_export>: a table's rows to S3; the account says by name what it cannot export to."""
    database, table = table_name(as_text(job.need("table")), database_of(job))
    client = TdClient(job)
    form = {
        "storage_type": "s3",
        "bucket": as_text(job.need("s3_bucket")),
        "access_key_id": job.secret("aws.s3.access_key_id"),
        "secret_access_key": job.secret("aws.s3.secret_access_key"),
        "from": str(int(_moment(job, as_text(job.need("from"))).timestamp())),
        "to": str(int(_moment(job, as_text(job.need("to"))).timestamp())),
        "file_prefix": as_text(job.need("s3_path_prefix")),
        "file_format": as_text(job.need("file_format")),
        "pool_name": job.text("pool_name", None, "td"),
    }
    path = f"/v3/export/run/{quote(database)}/{quote(table)}"
    answer = client.post(path, {key: value for key, value in form.items() if value is not None})
    return _done(job, client, str(answer["job_id"]), [])


def result_export(job: Job) -> Result:
    """td_result_export>: the result of a finished job to a connection."""
    client = TdClient(job)
    connection = as_text(job.need("result_connection"))
    form = connection_options(job, client, connection)
    source = as_text(job.need("job_id"))
    answer = client.post(
        f"/v3/job/result_export/{quote(source)}", {key: str(value) for key, value in form.items()}
    )
    return _done(job, client, str(answer["job_id"]), [])


def partial_delete(job: Job) -> Result:
    """td_partial_delete>: the rows of a table between two full hours."""
    database, table = table_name(as_text(job.command or job.need("table")), database_of(job))
    bounds = {key: int(_moment(job, as_text(job.need(key))).timestamp()) for key in ("from", "to")}
    for key, value in bounds.items():
        if value % 3600:
            raise ConfigError(f"'{key}' parameter must be a full hour")
    client = TdClient(job)
    form = {key: str(value) for key, value in bounds.items()} | {"domain_key": client.domain_key()}
    answer = client.post(f"/v3/table/partialdelete/{quote(database)}/{quote(table)}", form)
    return _done(job, client, str(answer["job_id"]), [])


def _done(job: Job, client: TdClient, job_id: str, files: list[Any]) -> Result:
    shown = client.wait(job_id)
    records = int(shown.get("num_records") or 0)
    stored = {"last_job_id": job_id, "last_job": {"id": job_id, "num_records": records}}
    return Result(Update(list(RESETS), {"td": stored}), files=files, rows=records)


def _moment(job: Job, text: str) -> dt.datetime:
    """A point in time: ISO with offset, `yyyy-MM-dd HH:mm:ss [+-]HHMM`, a date in the workflow's zone, or
    unix seconds.

    Raises:
        ConfigError: it is none of these.
    """
    if re.fullmatch(r"\d{6,}", text):
        return dt.datetime.fromtimestamp(int(text), dt.UTC)
    tidy = re.sub(r"\s+([+-]\d{2}):?(\d{2})$", r"\1:\2", text.strip())
    try:
        moment = dt.datetime.fromisoformat(tidy)
    except ValueError:
        raise ConfigError(f"{text!r} is no point in time") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=zone(job.services.zone))
