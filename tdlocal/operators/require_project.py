"""require> of a workflow in a project that lives in the account, such as `audience` of cdp_audience_<id>."""

from __future__ import annotations

import json
import time
from typing import Any
from urllib.parse import urlencode

from tdlocal.operators.base import Job, Stopped
from tdlocal.workflow.faults import ConfigError

SLOWEST_POLL = 0.5  # seconds


def run_in_account(job: Job, name: str, project_name: str | None, project_id: str | None) -> tuple[bool, int]:
    """Start an attempt of the account's workflow and wait for it.

    Returns:
        whether it succeeded, and the attempt's number.

    Raises:
        ConfigError: there is no such project or workflow.
    """
    calls = _Calls(job)
    query = {"name": project_name} if project_name else {}
    projects = calls.get("/api/projects", query).get("projects", [])
    wanted = [
        p for p in projects if str(p["id"]) == project_id or (project_name and p["name"] == project_name)
    ]
    workflows: list[Any] = []
    if wanted:
        workflows = calls.get(f"/api/projects/{wanted[0]['id']}/workflows", {"name": name}).get(
            "workflows", []
        )
    found = next((workflow for workflow in workflows if workflow["name"] == name), None)
    if found is None:
        shown = f"projectName: {project_name}" if project_name else f"projectId: {project_id}"
        raise ConfigError(f"Dependent workflow does not exist. {shown}, workflowName:{name}")
    session = job.own.get("session_time", job.values["session_time"])
    order: dict[str, Any] = {
        "workflowId": found["id"],
        "sessionTime": session,
        "params": job.get("params", {}) or {},
    }
    attempt, new = calls.start(order)
    rerun_on = job.text("rerun_on", "none")
    if not new and (
        rerun_on == "all" or (rerun_on == "failed" and attempt["done"] and not attempt["success"])
    ):
        order["retryAttemptName"] = f"{job.name}-{time.time_ns()}"
        attempt, _ = calls.start(order)
    pause = 0.01
    while not attempt["done"]:
        if job.services.stopping.wait(pause):
            raise Stopped
        pause = min(pause * 1.5, SLOWEST_POLL)
        attempt = calls.get(f"/api/attempts/{attempt['id']}", {})
    return bool(attempt["success"]), int(attempt["id"])


class _Calls:
    """The workflow API of the account."""

    def __init__(self, job: Job) -> None:
        import urllib3

        account = job.services.account()
        self.url, self.http = account.url, urllib3.PoolManager(retries=False, timeout=600)
        self.headers = {"Authorization": f"TD1 {account.key}", "Content-Type": "application/json"}

    def get(self, path: str, query: dict[str, Any]) -> dict[str, Any]:
        """GET as JSON; an empty map when nothing is there."""
        answer = self.http.request("GET", f"{self.url}{path}?{urlencode(query)}", headers=self.headers)
        if answer.status == 404:
            return {}
        if answer.status >= 400:
            raise ConfigError(
                f"{answer.status} from GET {path}: {answer.data[:200].decode('utf-8', 'replace')}"
            )
        found: dict[str, Any] = json.loads(answer.data)
        return found

    def start(self, order: dict[str, Any]) -> tuple[dict[str, Any], bool]:
        """Start an attempt; the one that is there already (409 answers with it) is not new."""
        answer = self.http.request(
            "PUT", f"{self.url}/api/attempts", body=json.dumps(order), headers=self.headers
        )
        if answer.status not in (200, 409):
            raise ConfigError(
                f"{answer.status} from PUT /api/attempts: {answer.data[:200].decode('utf-8', 'replace')}"
            )
        found: dict[str, Any] = json.loads(answer.data)
        return found, answer.status == 200
