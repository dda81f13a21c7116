"""The customer data platform's API: parent segments (audiences), folders, segments.

*cdp* is the API's URL, `${endpoints.cdp}`. Things are found by their names; when the answer to a create was
lost, they are looked for before it is sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.python import treasure
from common.python.once import once


def audiences(cdp: str) -> dict[str, dict[str, Any]]:
    """Return every parent segment by its id, as text."""
    return {str(one["id"]): one for one in treasure.call("GET", f"{cdp}/audiences")}


def audience(cdp: str, number: str) -> dict[str, Any]:
    """Return one parent segment with its attributes and behaviours."""
    found: dict[str, Any] = treasure.call("GET", f"{cdp}/audiences/{number}")
    return found


def create_audience(cdp: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Create a parent segment and return it; one of that name that came in between is returned instead."""
    made: dict[str, Any] = once(
        lambda: treasure.call("POST", f"{cdp}/audiences", json=body),
        lambda: next((one for one in audiences(cdp).values() if one["name"] == body["name"]), None),
    )
    return made


def update_audience(cdp: str, number: str, body: Mapping[str, Any]) -> dict[str, Any]:
    """Replace a parent segment's definition."""
    changed: dict[str, Any] = treasure.call("PUT", f"{cdp}/audiences/{number}", json=body)
    return changed


def root_folder(cdp: str, number: str) -> tuple[str, dict[str, str]]:
    """Return the id of the audience's root folder, and name → id of the folders right below it."""
    folders = treasure.call("GET", f"{cdp}/audiences/{number}/folders")
    root = next(str(one["id"]) for one in folders if one["parentFolderId"] is None)
    return root, {one["name"]: str(one["id"]) for one in folders if str(one["parentFolderId"]) == root}


def create_folder(cdp: str, number: str, name: str, parent: str) -> str:
    """Create a folder and return its id; one of that name that is there already is returned instead."""
    body = {
        "type": "folder-segment",
        "attributes": {"audienceId": str(number), "name": name, "description": ""},
        "relationships": {"parentFolder": {"data": {"id": parent, "type": "folder-segment"}}},
    }
    made = once(
        lambda: treasure.call("POST", f"{cdp}/entities/folders", json=body)["data"]["id"],
        lambda: root_folder(cdp, number)[1].get(name),
    )
    return str(made)


def segments(cdp: str, number: str) -> dict[str, dict[str, Any]]:
    """Return the audience's segments by their names."""
    return {one["name"]: one for one in treasure.call("GET", f"{cdp}/audiences/{number}/segments")}


def save_segment(
    cdp: str, audience: str, folder: str, name: str, description: str, rule: Mapping[str, Any]
) -> tuple[str, str]:
    """Create the segment or bring it up to date; return its id and what was done."""
    attributes = {
        "audienceId": str(audience),
        "name": name,
        "description": description,
        "countPopulation": True,
        "rule": rule,
    }
    body = {
        "type": "segment-batch",
        "attributes": attributes,
        "relationships": {"parentFolder": {"data": {"id": folder, "type": "folder-segment"}}},
    }
    known = segments(cdp, audience).get(name)
    if known is None:
        made = once(
            lambda: treasure.call("POST", f"{cdp}/entities/segments", json=body)["data"]["id"],
            lambda: segments(cdp, audience).get(name, {}).get("id"),
        )
        return str(made), "created"
    number = str(known["id"])
    same = known.get("rule") == rule and (known.get("description") or "") == description
    if same and str(known.get("segmentFolderId")) == folder:
        return number, "unchanged"
    treasure.call("PATCH", f"{cdp}/entities/segments/{number}", json={"id": number, **body}, repeatable=True)
    return number, "updated"


def population(cdp: str, segment: str) -> int | None:
    """Return how many people the segment has, None while that is not counted."""
    answer = treasure.call("GET", f"{cdp}/entities/segments/{segment}")
    count = answer["data"]["attributes"].get("population")
    return None if count is None else int(count)
