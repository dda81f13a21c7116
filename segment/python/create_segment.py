"""Create one segment or bring it up to date. A fault is logged, not raised: the others go on.

Task      wf09_create_segment +create_segments, ``py>: segment.python.create_segment.main`` for each template
Reads     the template's entry of segment/templates
Calls     GET /audiences/<id>, GET /audiences/<id>/segments, POST, PATCH and GET /entities/segments
Writes    va_config_<sub>.segment_logs: one row, with the number of people
Stores    failed_segments: {name: true} when it failed; the workflow's last task fails for all of them;
          record_counts: {wf09_create_segment: {name: people}}, for the log

The name alone is stored, never the message: stored text is evaluated as a template by later tasks.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from common.python.attempt import run_id
from common.python.errors import TaskError
from segment.python import cdp, rules, segment_log, templates, validate
from segment.python.run_queries import WORKFLOW


def main(template_config, sub, endpoints, session_unixtime, audience_id=""):
    """Task entry."""
    import digdag

    template = json.loads(template_config) if isinstance(template_config, str) else template_config
    row: dict[str, Any] = {"name": template["name"], "audience_id": str(audience_id)}
    try:
        row.update(create(template, str(audience_id or template["audience_id"]), endpoints["cdp"]))
    except Exception as error:
        row.update(action="failed", message=str(error))
        digdag.env.store({"failed_segments": {template["name"]: True}})
    people = row.get("population")
    if people is not None:
        digdag.env.store({"record_counts": {WORKFLOW: {template["name"]: people}}})
    told = row.get("message") or ("people not counted yet" if people is None else f"{people:,} people")
    print(f"segment {template['name']}: {row['action']}, {told}")
    segment_log.append(sub, int(session_unixtime), run_id(digdag.env.params), WORKFLOW, [row])


def create(template: Mapping[str, Any], audience: str, api: str) -> dict[str, Any]:
    """Do what the template asks for; return what the log says of it."""
    entry = entry_of(template)
    known = cdp.audience(api, audience)
    folder = template.get("folder") or cdp.root_folder(api, audience)[0]
    rule, faults = validate.rule_of(entry, rules.Catalogue.of(known))
    if faults:
        raise TaskError("; ".join(faults), where=entry.place, mend="mend the entry")
    description = str(entry.said.get("description", ""))
    number, action = cdp.save_segment(api, audience, folder, entry.name, description, rule)
    return result(entry, audience, number, action, cdp.population(api, number))


def entry_of(template: Mapping[str, Any]) -> templates.Entry:
    """Return the entry that the validation meant; TaskError when the file has changed since."""
    for entry in templates.load_all()[0]:
        if entry.file == template["file"] and entry.number == int(template["number"]):
            return entry
    raise TaskError(
        f"entry {template['number']} is gone",
        where=f"{templates.FOLDER}/{template['file']}",
        mend="run wf09_create_segment again",
    )


def result(
    entry: templates.Entry, audience: str, segment: str, action: str, people: int | None
) -> dict[str, Any]:
    """Return the log's words for a segment that is in order."""
    return {
        "segment_type": entry.type,
        "audience_id": audience,
        "segment_id": segment,
        "action": action,
        "population": people,
    }
