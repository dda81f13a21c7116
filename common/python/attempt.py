"""Which attempt of which session a task belongs to.

Reads     the workflow API, for `alone`: the attempts of this session
Raises    TaskError when another attempt of this session is at work
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.python import treasure
from common.python.errors import TaskError


def run_id(params: Mapping[str, Any]) -> str:
    """Return what the logs call this run: the session's uuid and the attempt's number.

    On a server all attempts of a session have the session's uuid; on one machine each run has another.

    >>> run_id({"session_uuid": "22ed", "attempt_id": 7}), run_id({"session_uuid": "22ed"})
    ('22ed-7', '22ed')
    """
    return "-".join(str(params[name]) for name in ("session_uuid", "attempt_id") if params.get(name))


def alone():
    """Task entry: stop when an attempt of this session that was started before is at work still.

    A server starts a second one when it is asked for under another name. The runner on one machine has a
    lock; the API knows nothing of its runs.
    """
    import digdag

    params = digdag.env.params
    before = others_before(attempts_of(params), str(params.get("attempt_id")), params.get("session_uuid"))
    if before:
        raise TaskError(
            f"attempt {', '.join(before)} of this session is at work",
            where=f"session {params.get('session_date', '')}",
            mend="wait for its end, or kill it, then start again",
        )


def attempts_of(params: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the attempts of this session as the API tells them; none when it does not."""
    try:
        url = f"{params['endpoints']['workflow']}/api/sessions/{params['session_id']}/attempts"
        return list(treasure.call("GET", url)["attempts"])
    except (TaskError, KeyError, TypeError) as error:
        print(f"this session's attempts are not known here: {error}")
        return []


def others_before(attempts: list[dict[str, Any]], own: str, uuid: Any) -> list[str]:
    """Return the numbers of the attempts that are not done and were started before *own*.

    A list in which *own* does not stand is of another session that has the same number.

    >>> one = {"id": "1", "sessionUuid": "22ed", "done": False}
    >>> two = {"id": "2", "sessionUuid": "22ed", "done": False}
    >>> others_before([two, one], "2", "22ed"), others_before([two, one], "1", "22ed")
    (['1'], [])
    >>> others_before([two, one], "2", "other")
    []
    """
    if not any(str(attempt["id"]) == own and attempt.get("sessionUuid") == uuid for attempt in attempts):
        return []
    return [str(each["id"]) for each in attempts if not each["done"] and int(each["id"]) < int(own)]
