"""Judge every segment's template before any of them is touched; tell all faults at once.

Task      wf09_create_segment +validate, ``py>: segment.python.validate.main``
Reads     segment/templates/segments_*.yml, segment/queries
Calls     GET /audiences, GET /audiences/<id>; GET and POST of folders, one folder a type
Stores    segment_templates: a list of {file, number, name, audience_id, folder}; segment_queries: how
          many of them are queries; query_audiences: a list of {id}, the parent segments of those
Raises    TaskError with every fault: names twice, unknown attributes, behaviours, columns, operators,
          schedules and types, values of the wrong kind, queries that are not there
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from common.python.errors import TaskError, told_together
from common.python.params import name_for
from segment.python import cdp, parents, rules, segment_log, templates
from segment.python.templates import Entry


def main(sub, endpoints, defaults=None):
    """Task entry."""
    import digdag

    api = endpoints["cdp"]
    entries, faults = templates.load_all()
    if not entries and not faults:
        raise TaskError("there is no segment", where=templates.FOLDER, mend="add a file segments_<name>.yml")
    known = cdp.audiences(api)
    named = {number: one["name"] for number, one in known.items()}
    targets = {entry: target(entry, named, faults, sub, defaults) for entry in entries}
    shown = {number: cdp.audience(api, number) for number in sorted({*targets.values()} & {*known})}
    catalogues = {number: rules.Catalogue.of(one) for number, one in shown.items()}
    for entry, number in targets.items():
        if number in catalogues and not templates.faults_of(entry):
            faults += [f"{entry.place}: {fault}" for fault in rule_of(entry, catalogues[number])[1]]
    if faults:
        raise told_together(faults, where=templates.FOLDER, mend="mend these entries; nothing was changed")
    segment_log.prepare(sub)
    folders = {number: type_folders(api, number, entries, targets) for number in catalogues}
    digdag.env.store(
        {
            "segment_templates": [
                {
                    "file": entry.file,
                    "number": entry.number,
                    "name": entry.name,
                    "audience_id": number,
                    "folder": folders.get(number, {}).get(entry.type, ""),
                }
                for entry, number in targets.items()
            ],
            "segment_queries": sum(1 for entry in entries if entry.query),
            "query_audiences": [
                {"id": number} for number in sorted({n for e, n in targets.items() if e.query} & {*known})
            ],
        }
    )
    print(f"{len(entries)} segments are in order")


def target(
    entry: Entry,
    known: Mapping[str, str],
    faults: list[str],
    sub: str = "",
    defaults: Mapping[str, Any] | None = None,
) -> str:
    """Return the id of the entry's parent segment: its audience_id, else by its name, else our only one.

    An audience_id that the account does not have is no fault of the template; that segment fails alone.
    """
    if entry.said.get("audience_id") is not None:
        return str(entry.said["audience_id"])
    ours = [str(parents.load(stem).get("name")) for stem in parents.stems()]
    name = str(entry.said.get("audience") or (ours[0] if len(ours) == 1 else ""))
    if not name:
        faults.append(f"{entry.place}: name its parent segment by `audience:`, one of {', '.join(ours)}")
        return ""
    name = name_for(name, sub, defaults)
    found = [number for number, one in known.items() if one == name]
    if not found:
        faults.append(
            f"{entry.place}: there is no parent segment {name!r}; run wf08_create_refresh_master_segment"
        )
    return found[0] if found else ""


def rule_of(entry: Entry, catalogue: rules.Catalogue) -> tuple[dict[str, Any], list[str]]:
    """Return the API's rule of an entry and its faults; a query's members are rows of a behaviour."""
    if entry.query is None:
        return rules.compile_rule(entry.said, catalogue)
    member = {"column": "segment", "operator": "=", "value": entry.name}
    rule = {"all": [{"behavior": "segment_members", "operator": ">=", "value": 1, "where": [member]}]}
    return rules.compile_rule({"rule": rule}, catalogue)


def type_folders(
    api: str, number: str, entries: Sequence[Entry], targets: Mapping[Entry, str]
) -> dict[str, str]:
    """Return type → folder of one parent segment; folders that are not there are made."""
    root, there = cdp.root_folder(api, number)
    wanted = sorted({entry.type for entry in entries if targets[entry] == number})
    return {
        kind: there.get(folder_name(kind)) or cdp.create_folder(api, number, folder_name(kind), root)
        for kind in wanted
    }


def folder_name(kind: str) -> str:
    """Return a type's folder.

    >>> folder_name("value")
    'Value Segments'
    """
    return f"{kind.title()} Segments"
