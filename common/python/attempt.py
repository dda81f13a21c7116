"""Which attempt of which session a task belongs to.

Reads     the workflow API, for `alone`: the attempts of this project
Raises    TaskError when another attempt on the same databases is at work
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from common.python import treasure
from common.python.errors import TaskError
from common.python.inputs import WORKFLOWS

MOST_ATTEMPTS = 100  # the newest of the project are asked for


def run_id(params: Mapping[str, Any]) -> str:
    """Return what the logs call this run: the session's uuid and the attempt's number.

    On a server all attempts of a session have the session's uuid; on one machine each run has another.

    >>> run_id({"session_uuid": "22ed", "attempt_id": 7}), run_id({"session_uuid": "22ed"})
    ('22ed-7', '22ed')
    """
    return "-".join(str(params[name]) for name in ("session_uuid", "attempt_id") if params.get(name))


def alone(workflow_name="wf00_orchestration"):
    """Task entry: stop when an attempt that works on the same databases was started before and is at work.

    A server starts a second attempt of a session when it is asked for under another name, and another session
    at any time. The runner on one machine has locks; the API knows nothing of its runs.
    """
    import digdag

    params = digdag.env.params
    before = others_before(known_attempts(params), params, {workflow_name, *WORKFLOWS})
    if before:
        raise TaskError(
            f"another run is at work: {', '.join(before)}",
            where="the attempts of this project",
            mend="wait for its end, or kill it, then start again",
        )


def known_attempts(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the newest attempts of this attempt's project; none where the API knows nothing of it.

    A number that the API knows may be that of another attempt, when this one runs on a machine of its own.
    """
    try:
        api = f"{params['endpoints']['workflow']}/api/attempts"
        own = treasure.call("GET", f"{api}/{params['attempt_id']}")
        if own["sessionUuid"] != params["session_uuid"]:
            return []
        asked = {"project": own["project"]["name"], "include_retried": "true", "page_size": MOST_ATTEMPTS}
        return list(treasure.call("GET", f"{api}?{urlencode(asked)}")["attempts"])
    except (TaskError, KeyError, TypeError) as error:
        if getattr(error, "status", 0) != 404:  # a run on a machine of its own is no attempt of the API
            print(f"the attempts of this project are not known here: {error}")
        return []


def others_before(
    attempts: Sequence[Mapping[str, Any]], params: Mapping[str, Any], workflows: Container[str]
) -> list[str]:
    """Return number and session of the attempts of *workflows* that write what this one writes: not done,
    started before it, with the same `sub`.

    >>> about = {"workflow": {"name": "wf06_golden"}, "sessionTime": "2026-11-01T00:00:00Z", "done": False}
    >>> both = [{"id": "2", "params": {}, **about}, {"id": "1", "params": {"sub": "x"}, **about}]
    >>> mine = {"attempt_id": 2, "sub": "x", "defaults": {"sub": "x"}}
    >>> others_before(both, mine, ["wf06_golden"])
    ['attempt 1, session 2026-11-01T00:00:00Z']
    >>> others_before(both, {**mine, "attempt_id": 1}, ["wf06_golden"])
    []
    >>> others_before(both, {**mine, "sub": "trial"}, ["wf06_golden"])
    []
    """
    default = params["defaults"]["sub"]
    found = {
        int(each["id"]): f"attempt {each['id']}, session {each['sessionTime']}"
        for each in attempts
        if int(each["id"]) < int(params["attempt_id"])
        and not each["done"]
        and each["workflow"]["name"] in workflows
        and (each.get("params") or {}).get("sub", default) == params["sub"]
    }
    return [found[number] for number in sorted(found)]
