"""Create and build the data model of every dashboard through the reporting API.

Task      wf07_analytics +build_data_models, ``py>: analytics.python.data_models.main``
Reads     `data_model` of analytics/dashboards/*.yml; the tables' columns, /v3/table/list
Calls     GET and POST /reporting/datamodels, POST /reporting/datamodels/<oid>/builds and
          GET …/builds/<oid> until it has ended
Writes    va_config_<sub>.datamodel_builds: dashboard, name, oid, status, message varchar, tables,
          built_for bigint; one row a model, replaced whole
Raises    TaskError at the end, naming every model that failed; the others are built

A model is found by its name, so a second run builds the same one again. A model whose template has
changed keeps its old columns until it is deleted there: the API has no call that changes one.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from analytics.python import templates
from common.python import treasure
from common.python.errors import TaskError
from common.python.once import once
from common.python.params import name_for

BUILT = ("success", "succeeded", "done", "completed", "finished", "built")
BROKEN = ("failed", "failure", "error", "killed", "canceled", "cancelled")
PATIENCE = 1800  # seconds until a build that has not ended counts as failed
TYPES = {"long": "bigint", "double": "float"}
COLUMNS = {
    "dashboard": "varchar",
    "name": "varchar",
    "oid": "varchar",
    "status": "varchar",
    "message": "varchar",
    "tables": "bigint",
    "built_for": "bigint",
    "time": "bigint",
}


def main(database, sub, session_unixtime, defaults=None):
    """Task entry."""
    session = int(session_unixtime)
    models_of = {name: one.get("data_model") for name, one in templates.load_all().items()}
    wanted = {
        name: {**model, "name": name_for(model["name"], sub, defaults)}
        for name, model in models_of.items()
        if model
    }
    known = models()
    there = treasure.tables(database)
    rows, builds = [], {}
    for dashboard, model in wanted.items():
        row = {"dashboard": dashboard, "name": model["name"], "tables": len(model["tables"])}
        rows.append({**row, "built_for": session, "time": session, "status": "running"})
        try:
            rows[-1]["oid"] = known.get(model["name"]) or create(database, model, there)
            builds[dashboard] = start_build(rows[-1]["oid"])
        except TaskError as error:
            rows[-1].update(status="failed", message=str(error))
    for row in rows:
        if row["status"] == "running":
            row["status"], row["message"] = wait(row["oid"], builds[row["dashboard"]])
        print(f"data model {row['name']}: {row['status']}{', ' + row['message'] if row['message'] else ''}")
    treasure.create_database(f"va_config_{sub}")
    treasure.insert_rows(f"va_config_{sub}", "datamodel_builds", COLUMNS, rows, replace=True)
    failed = [f"{row['name']}: {row['message']}" for row in rows if row["status"] != "built"]
    if failed:
        raise TaskError(
            f"{len(failed)} of {len(rows)} data models failed: {'; '.join(failed)}",
            where=f"va_config_{sub}.datamodel_builds",
            mend="mend what the messages name, run wf07_analytics again",
        )


def create(database: str, model: Mapping[str, Any], there: Mapping[str, Mapping[str, Any]]) -> str:
    """Create the model and return its oid."""
    body = {"apikey": treasure.api_key(), **definition(database, model, there)}
    made = once(
        lambda: treasure.call("POST", "/reporting/datamodels", json=body)["oid"],
        lambda: models().get(model["name"]),
    )
    return str(made)


def models() -> dict[str, str]:
    """Return name → oid of the account's data models."""
    return {model["name"]: str(model["oid"]) for model in treasure.call("GET", "/reporting/datamodels")}


def definition(
    database: str, model: Mapping[str, Any], there: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the model as the reporting API takes it.

    >>> there = {"a": {"schema": '[["x","long"],["y","string"]]'}, "b": {"schema": '[["x","long"]]'}}
    >>> made = definition("d", {"name": "M", "tables": ["a", "b"], "relations": [["a.x", "b.x"]]}, there)
    >>> made["datamodel"]["datasets"]["d"]["tables"]["a"]
    {'columns': {'x': {'type': 'bigint'}, 'y': {'type': 'text'}}}
    >>> made["datamodel"]["relations"]
    [[{'dataset': 'd', 'table': 'a', 'column': 'x'}, {'dataset': 'd', 'table': 'b', 'column': 'x'}]]
    """
    columns = {
        table: treasure.columns_of(there[table]) if table in there else {} for table in model["tables"]
    }
    absent = [f"{table}" for table, found in columns.items() if not found]
    ends = [end.split(".") for relation in model.get("relations", []) for end in relation]
    absent += [".".join(end) for end in ends if end[1] not in columns.get(end[0], {})]
    if absent:
        raise TaskError(
            f"not there: {', '.join(absent)}",
            where=f"data model {model['name']}",
            mend=f"name tables and columns of {database} in {templates.FOLDER}",
        )
    tables = {
        table: {"columns": {column: {"type": TYPES.get(kind, "text")} for column, kind in found.items()}}
        for table, found in columns.items()
    }
    pairs = zip(ends[::2], ends[1::2], strict=True)
    return {
        "name": model["name"],
        "type": "elasticube",
        "description": model.get("description", ""),
        "shared_users": list(model.get("shared_users", [])),
        "datamodel": {
            "datasets": {database: {"type": "presto", "database": database, "tables": tables}},
            "relations": [
                [{"dataset": database, "table": end[0], "column": end[1]} for end in pair] for pair in pairs
            ],
        },
    }


def start_build(oid: str) -> str:
    """Start a full build and return its oid; one that was started twice builds the same."""
    path = f"/reporting/datamodels/{oid}/builds"
    answer = treasure.call("POST", path, json={"buildType": "full"}, repeatable=True)
    return str(answer["oid"])


def wait(oid: str, build: str) -> tuple[str, str]:
    """Return how the build ended, "built" or "failed", and what was said of it."""
    interval, deadline = 0.1, time.monotonic() + PATIENCE
    while True:
        try:
            answer = treasure.call("GET", f"/reporting/datamodels/{oid}/builds/{build}")
        except TaskError as error:
            return "failed", str(error)
        status = str(answer.get("status", "")).lower()
        if status in BUILT:
            return "built", ""
        if status in BROKEN:
            return "failed", str(answer.get("message") or answer.get("error") or status)
        if time.monotonic() > deadline:
            return "failed", f"build {build} has not ended in {PATIENCE} seconds, last status {status!r}"
        time.sleep(interval)
        interval = min(15.0, interval * 1.7)
