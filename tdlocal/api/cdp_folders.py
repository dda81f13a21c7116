"""/audiences/{id}/folders, /entities/folders, /entities/by-folder, /tree: folders of segments."""

from __future__ import annotations

from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.cdp_values import as_id
from tdlocal.account.errors import Refused
from tdlocal.api.cdp_shapes import (
    CDP_API,
    INCLUDED,
    body_of,
    folder,
    folder_entity,
    json_api,
    plain,
    segment,
    segment_entity,
)
from tdlocal.api.wire import Request, route

PACK = "se-starter-pack segment/python/api/folder.py"
BOXES = "treasure-boxes segment_sync, ps_backup_restore"


@route("GET", "/audiences/{audience}/folders", source=PACK)
@plain
def list_folders(account: Account, request: Request, audience: str) -> Any:
    return [folder(row) for row in account.folders.all(account.audiences.get(audience)["id"])]


@route("POST", "/audiences/{audience}/folders", source=BOXES)
@plain
def create_folder(account: Account, request: Request, audience: str) -> Any:
    body = body_of(request)
    parent = body.get("parentFolderId")
    number = account.audiences.get(audience)["id"]
    return folder(
        account.folders.create(number, body.get("name"), parent=parent, description=body.get("description"))
    )


@route("GET", "/audiences/{audience}/folders/{number}", source=BOXES)
@plain
def show_folder(account: Account, request: Request, audience: str, number: str) -> Any:
    return folder(account.folders.get(number, as_id(audience)))


@route("PATCH", "/audiences/{audience}/folders/{number}", source=CDP_API)
@plain
def update_folder(account: Account, request: Request, audience: str, number: str) -> Any:
    account.folders.get(number, as_id(audience))
    body = body_of(request)
    changes = {key: body[key] for key in ("name", "description") if key in body}
    return folder(account.folders.update(number, changes | {"parent": body.get("parentFolderId")}))


@route("DELETE", "/audiences/{audience}/folders/{number}", source=CDP_API)
@plain
def delete_folder(account: Account, request: Request, audience: str, number: str) -> Any:
    account.folders.get(number, as_id(audience))
    return folder(account.folders.delete(number))


@route("GET", "/audiences/{audience}/folders/{number}/segments", source=BOXES)
@plain
def folder_segments(account: Account, request: Request, audience: str, number: str) -> Any:
    account.folders.get(number, as_id(audience))
    return [
        segment(row, len(account.syndications.all(segment=row["id"])))
        for row in account.segments.inside(number)
    ]


@route("POST", "/audiences/{audience}/folders/{number}/put_in", source=CDP_API)
@plain
def put_in_folder(account: Account, request: Request, audience: str, number: str) -> Any:
    """Move segments into a folder: all of them, or none when one does not exist."""
    account.folders.get(number, as_id(audience))
    if not isinstance(request.json, list):
        raise Refused("the body must be a list of segment ids")
    with account.store.transaction():
        for one in request.json:
            account.segments.update(one, {"folder": number}, audience)
    return {}


@route("POST", "/entities/folders", source=PACK)
@json_api
def create_folder_entity(account: Account, request: Request) -> Any:
    given = entity(body_of(request))
    parent = parent_of(body_of(request))
    if parent is None:
        raise Refused("relationships.parentFolder.data.id is missing")
    audience = account.folders.get(parent)["audience_id"]
    made = account.folders.create(
        audience, given.get("name"), parent=parent, description=given.get("description")
    )
    return {"data": folder_entity(made), "included": INCLUDED}


@route("GET", "/entities/folders/{number}", source=PACK)
@json_api
def show_folder_entity(account: Account, request: Request, number: str) -> Any:
    return {"data": folder_entity(account.folders.get(number)), "included": INCLUDED}


@route("PATCH", "/entities/folders/{number}", source=PACK)
@json_api
def update_folder_entity(account: Account, request: Request, number: str) -> Any:
    given = entity(body_of(request))
    changes = {key: given[key] for key in ("name", "description") if key in given}
    changed = account.folders.update(number, changes | {"parent": parent_of(body_of(request))})
    return {"data": folder_entity(changed), "included": INCLUDED}


@route("DELETE", "/entities/folders/{number}", source=PACK)
@json_api
def delete_folder_entity(account: Account, request: Request, number: str) -> Any:
    return {"data": folder_entity(account.folders.delete(number)), "included": INCLUDED}


@route("GET", "/entities/by-folder/{number}", source=PACK)
@json_api
def by_folder(account: Account, request: Request, number: str) -> Any:
    """The folder, the folders below it down to `depth`, and the segments of all of them."""
    depth = request.number("depth", 1)
    with_rule = request.query.get("with_rule") != "false"
    folders = account.folders.below(number, max(0, min(depth, 1000)))
    data = [folder_entity(row) for row in folders]
    for row in folders:
        for one in account.segments.inside(row["id"]):
            count = len(account.syndications.all(segment=one["id"]))
            data.append(segment_entity(one, count, with_rule=with_rule))
    return {"data": data, "included": INCLUDED}


@route("GET", "/tree/audiences/{audience}/segment_folders", source="treasure-boxes events_master; td-skills")
@json_api
def folder_tree(account: Account, request: Request, audience: str) -> Any:
    rows = account.folders.all(account.audiences.get(audience)["id"])
    return {"data": [folder_entity(row) for row in rows]}


def entity(body: dict[str, Any]) -> dict[str, Any]:
    """The attributes of a JSON:API body, which may come bare or below `data`."""
    inner = body.get("data", body)
    attributes = inner.get("attributes") if isinstance(inner, dict) else None
    if not isinstance(attributes, dict):
        raise Refused("attributes must be an object")
    return attributes


def parent_of(body: dict[str, Any]) -> Any:
    """The id in `relationships.parentFolder.data`, None when it is not there."""
    found: Any = body.get("data", body)
    for key in ("relationships", "parentFolder", "data", "id"):
        found = found.get(key) if isinstance(found, dict) else None
    return found
