"""Treasure Data's HTTP APIs over tdlocal.account: one module an area, all on one port."""

# Imported at server start. A module named here that does not exist is an error: add yours when it does.
AREAS: list[str] = [
    "tdlocal.api.databases",
    "tdlocal.api.tables",
    "tdlocal.api.jobs",
    "tdlocal.api.imports",
    "tdlocal.api.events",
    "tdlocal.api.bulk_imports",
    "tdlocal.api.trino",
    "tdlocal.api.schedules",
    "tdlocal.api.users",
    "tdlocal.api.access_control",
    "tdlocal.api.results",
    "tdlocal.api.connections",
    "tdlocal.api.mails",
    "tdlocal.api.unifications",
    "tdlocal.api.cdp_audiences",
    "tdlocal.api.cdp_folders",
    "tdlocal.api.cdp_segments",
    "tdlocal.api.reporting",
    "tdlocal.api.workflow_projects",
    "tdlocal.api.workflow_attempts",
]
