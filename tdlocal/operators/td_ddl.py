"""td_ddl>: databases and tables made, emptied, dropped and renamed, always in one order."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from tdlocal.operators.base import Job, Result, as_list
from tdlocal.operators.td_client import TdClient, database_of, table_name
from tdlocal.workflow.faults import ConfigError


def run(job: Job) -> Result:
    """Drop and empty databases, make and empty databases, drop and empty tables, make and empty tables,
    rename.
    """
    default = database_of(job)
    client = TdClient(job)
    names = {
        key: _names(job, key)
        for key in (
            "drop_databases",
            "empty_databases",
            "create_databases",
            "drop_tables",
            "empty_tables",
            "create_tables",
        )
    }
    renames = [_rename(item, default) for item in _list(job, "rename_tables")]
    for name in names["drop_databases"] + names["empty_databases"]:
        client.post(f"/v3/database/delete/{quote(name)}", ignore=(404,))
    for name in names["create_databases"] + names["empty_databases"]:
        client.post(f"/v3/database/create/{quote(name)}", ignore=(409,))
    for name in names["drop_tables"] + names["empty_tables"]:
        client.post(f"/v3/table/delete/{_path(name, default)}", ignore=(404,))
    for name in names["create_tables"] + names["empty_tables"]:
        client.post(f"/v3/table/create/{_path(name, default)}/log", ignore=(409,))
    for database, old, new in renames:
        tables = {
            table["name"] for table in client.get(f"/v3/table/list/{quote(database)}").get("tables", [])
        }
        if old not in tables:
            if f"{old} to {new}" in job.memory.get("renaming", ()) and new in tables:
                continue  # by the run before, which was killed before it could say so
            raise ConfigError(f"Renaming table {database}.{old} doesn't exist")
        job.memory.keep("renaming", [*job.memory.get("renaming", ()), f"{old} to {new}"])
        # it was there just now: "not found" is the answer to a second try after the first one's was lost
        path = f"/v3/table/rename/{quote(database)}/{quote(old)}/{quote(new)}"
        client.post(path, {"overwrite": "true"}, ignore=(404,))
    done = sum(len(each) for each in names.values()) + len(renames)
    return Result(note=f"{done} done")


def _list(job: Job, key: str) -> list[Any]:
    value = job.get(key)
    return [] if value is None else as_list(value, key)


def _names(job: Job, key: str) -> list[str]:
    return [str(item) for item in _list(job, key)]


def _path(name: str, default: str) -> str:
    database, table = table_name(name, default)
    return f"{quote(database)}/{quote(table)}"


def _rename(item: Any, default: str) -> tuple[str, str, str]:
    if not isinstance(item, dict) or "from" not in item or "to" not in item:
        raise ConfigError("rename_tables takes a list of {from: table, to: table}")
    database, old = table_name(str(item["from"]), default)
    new_database, new = table_name(str(item["to"]), database)
    if new_database != database:
        raise ConfigError(f"rename_tables cannot move {database}.{old} to another database")
    return database, old, new
