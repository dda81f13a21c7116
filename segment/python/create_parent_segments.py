"""Create the parent segments of segment/templates/parent_*.yml, or bring them up to date.

Tasks     wf08_create_refresh_master_segment: +list_templates ``list_templates``, +create ``main`` for each
          template, +list_active ``list_active``, +record ``record``
Reads     the templates; the columns of the tables that they name
Calls     GET and POST /audiences, PUT /audiences/<id>
Writes    va_config_<sub>.segment_logs; va_config_<sub>.parent_segments: template, name, audience_id,
          audience_database varchar, attributes, behaviors, population, session_unixtime bigint; one
          row an active parent segment, replaced whole
Stores    parent_templates (names of files), parent_audiences: {template: id}, failed_parents:
          {template: true}, active_audiences: a list of {template, id}, record_counts:
          {wf08_create_refresh_master_segment: {name: people}}, for the log

A parent segment is found by its name. One that differs from its template is changed; attributes and
behaviours that people added to it by hand stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.python import treasure
from common.python.attempt import run_id
from common.python.errors import TaskError
from common.python.params import name_for
from segment.python import cdp, parents, segment_log

WORKFLOW = "wf08_create_refresh_master_segment"
PARENT_COLUMNS = {
    "template": "varchar",
    "name": "varchar",
    "audience_id": "varchar",
    "audience_database": "varchar",
    "attributes": "bigint",
    "behaviors": "bigint",
    "population": "bigint",
    "session_unixtime": "bigint",
    "time": "bigint",
}


def list_templates(sub):
    """Task entry: store the templates' names."""
    import digdag

    found = parents.stems()
    if not found:
        raise TaskError("there is no parent segment", where=parents.FOLDER, mend="add parent_segment.yml")
    segment_log.prepare(sub)
    print(f"parent segments: {', '.join(found)}")
    digdag.env.store({"parent_templates": found})


def main(template, sub, gld, ana, stg, src, unif, endpoints, session_unixtime, defaults=None):
    """Task entry, one template; a fault is logged and stored by name, so that the others go on."""
    import digdag

    params = {"sub": sub, "gld": gld, "ana": ana, "stg": stg, "src": src, "unif": unif}
    row: dict[str, Any] = {"name": template, "segment_type": "parent"}
    try:
        row.update(create(template, params, endpoints["cdp"], defaults))
        digdag.env.store({"parent_audiences": {template: row["audience_id"]}})
    except Exception as error:
        row.update(action="failed", message=str(error))
        digdag.env.store({"failed_parents": {template: True}})
    print(f"parent segment {row['name']}: {row['action']} {row.get('message') or row['audience_id']}")
    segment_log.append(sub, int(session_unixtime), run_id(digdag.env.params), WORKFLOW, [row])


def create(
    stem: str, params: dict[str, str], api: str, defaults: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Create or change the parent segment of a template; return what the log says of it."""
    tables = parents.tables_of(parents.databases(parents.load(stem), params))
    template = dict(parents.checked(stem, params, tables))
    template["name"] = name_for(template["name"], params["sub"], defaults)
    wanted = parents.body(template, params, tables)
    there = [one for one in cdp.audiences(api).values() if one["name"] == template["name"]]
    if not there:
        number, action = str(cdp.create_audience(api, wanted)["id"]), "created"
    else:
        number = str(there[0]["id"])
        known = cdp.audience(api, number)
        whole = parents.merged(wanted, known)
        action = "updated" if parents.differs(whole, known) else "unchanged"
        if action == "updated":
            cdp.update_audience(api, number, whole)
    return {"name": template["name"], "audience_id": number, "action": action}


def list_active(parent_audiences):
    """Task entry: store the parent segments as a list for for_each>."""
    import digdag

    active = [{"template": name, "id": str(number)} for name, number in sorted(parent_audiences.items())]
    digdag.env.store({"active_audiences": active})


def record(active_audiences, sub, endpoints, session_unixtime):
    """Task entry: count the people of each parent segment and write both down."""
    import digdag

    session = int(session_unixtime)
    rows = [described(one["template"], str(one["id"]), endpoints["cdp"], session) for one in active_audiences]
    treasure.insert_rows(f"va_config_{sub}", "parent_segments", PARENT_COLUMNS, rows, replace=True)
    logged = [
        {
            "name": row["name"],
            "segment_type": "parent",
            "audience_id": row["audience_id"],
            "action": "refreshed",
            "population": row["population"],
        }
        for row in rows
    ]
    segment_log.append(sub, session, run_id(digdag.env.params), WORKFLOW, logged)
    digdag.env.store({"record_counts": {WORKFLOW: {row["name"]: row["population"] for row in rows}}})
    for row in rows:
        print(f"parent segment {row['name']}: {row['population']:,} people in {row['audience_database']}")


def described(template: str, number: str, api: str, session: int) -> dict[str, Any]:
    """Return the row of parent_segments."""
    known = cdp.audience(api, number)
    database = f"cdp_audience_{number}"
    counted = treasure.run_query(database, "select count(*) as people from customers")
    return {
        "template": template,
        "name": known["name"],
        "audience_id": number,
        "audience_database": database,
        "attributes": len(known.get("attributes") or []),
        "behaviors": len(known.get("behaviors") or []),
        "population": int(counted.rows[0][0]),
        "session_unixtime": session,
        "time": session,
    }
