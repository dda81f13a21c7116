"""Run the workflow `audience` of project `cdp_audience_<id>`, which builds a parent segment.

Task      wf08 and wf09 +refresh where require> cannot see that project (a local account),
          ``py>: segment.python.refresh.main``; on Treasure Data require> does the same
Calls     GET /api/projects, GET /api/projects/<id>/workflows/audience, PUT and GET /api/attempts
Raises    TaskError when the project is not there, the attempt fails or does not end

Every call runs the workflow anew, also in a session in which it ran: the golden tables may be newer.
"""

from __future__ import annotations

import time
import uuid
from typing import Any

from common.python import treasure
from common.python.errors import TaskError
from common.python.treasure import ApiError

PATIENCE = 4 * 3600  # seconds until a run that has not ended counts as failed


def main(audience, endpoints, session_time):
    """Task entry."""
    api, project = endpoints["workflow"], f"cdp_audience_{audience['id']}"
    workflow = workflow_id(api, project)
    started = start(api, workflow, session_time)
    ended = wait(api, started)
    if not ended.get("success"):
        raise TaskError(
            f"the run of {project} failed (attempt {ended['id']})",
            where=f"workflow audience of project {project}",
            mend="see the attempt's log, mend it, run wf08_create_refresh_master_segment again",
        )
    print(f"{project}: refreshed by attempt {ended['id']}")


def workflow_id(api: str, project: str) -> str:
    """Return the id of the project's workflow `audience`."""
    found = treasure.call("GET", f"{api}/api/projects", params={"name": project})["projects"]
    if not found:
        raise TaskError(
            f"there is no project {project}",
            where="the workflow API",
            mend="create the parent segment: run wf08_create_refresh_master_segment",
        )
    workflow = treasure.call("GET", f"{api}/api/projects/{found[0]['id']}/workflows/audience")
    return str(workflow["id"])


def start(api: str, workflow: str, session_time: str) -> str:
    """Start the workflow and return the attempt's id; a name of its own makes a second one of the session."""
    body = {
        "workflowId": workflow,
        "sessionTime": session_time,
        "retryAttemptName": f"refresh-{uuid.uuid4()}",
        "params": {},
    }
    try:
        attempt: dict[str, Any] = treasure.call("PUT", f"{api}/api/attempts", json=body)
    except ApiError as error:
        if error.status != 409 or not isinstance(error.answer, dict) or "id" not in error.answer:
            raise
        attempt = error.answer
    return str(attempt["id"])


def wait(api: str, attempt: str) -> dict[str, Any]:
    """Return the attempt when it is done."""
    interval, deadline = 0.1, time.monotonic() + PATIENCE
    while True:
        answer: dict[str, Any] = treasure.call("GET", f"{api}/api/attempts/{attempt}")
        if answer.get("done"):
            return answer
        if time.monotonic() > deadline:
            raise TaskError(
                f"attempt {attempt} has not ended in {PATIENCE // 3600} hours",
                where="the workflow API",
                mend="look at the attempt; run again when it has ended",
            )
        time.sleep(interval)
        interval = min(10.0, interval * 1.6)
