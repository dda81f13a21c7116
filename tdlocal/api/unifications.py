"""/unifications: the identity service. Its answer is a workflow, which http_call> runs as sub-tasks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from tdlocal.api.wire import Fault, Request, route
from tdlocal.unification.compile import TooLong, compile_workflow
from tdlocal.unification.model import UnificationFaults

if TYPE_CHECKING:
    from tdlocal.account.account import Account

PREDECESSOR = "treasure-data/se-starter-pack retail-starter-pack/wf05_unify.dig"


@route("POST", "/unifications/workflow_call", source=PREDECESSOR)
def workflow_call(account: Account, request: Request) -> dict[str, Any]:
    """Answer with the workflow that unifies by the body's `unification`; 422 tells every fault of it.

    Beside Treasure Data's `full_refresh`, `build_aside` leaves the tables as <table>__next and
    `protection` (match.yml's settings, as a map or as JSON text) keeps strangers apart.
    """
    body = request.json
    if not isinstance(body, dict) or not isinstance(body.get("unification"), dict):
        raise Fault(422, "the body must be JSON with `unification`, the content of unify.yml")
    try:
        return compile_workflow(
            body["unification"],
            full_refresh=_flag(body, "full_refresh", True),
            build_aside=_flag(body, "build_aside", False),
            protection=_settings(body, "protection"),
        )
    except UnificationFaults as faults:
        raise Fault(422, f"unify.yml: {faults}") from None
    except TooLong as error:
        raise Fault(422, str(error)) from None


def _flag(body: dict[str, Any], name: str, default: bool) -> bool:
    """Return a true/false setting; text that came through ${…} counts too."""
    value = body.get(name, default)
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = None
    if not isinstance(value, bool):
        raise Fault(422, f"{name} must be true or false")
    return value


def _settings(body: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a map of settings; JSON text counts too."""
    value = body.get(name) or {}
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            value = None
    if not isinstance(value, dict):
        raise Fault(422, f"{name} must be a map of settings")
    return value
