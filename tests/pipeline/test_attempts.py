"""wf00 pushed to the account and started there: what an attempt's parameters do."""

from __future__ import annotations

import io
import tarfile
import time

import pytest
import requests

from tdlocal.local_server import local_account
from tests.pipeline.shop import SESSION, rows
from tests.pipeline.small_shop import copy_of

NEXT = "2026-11-02"
DECIDED = "select workflow, reason from run_decisions where run_id = '{}' and decision = '{}' order by 1"
LIVE = "select max(built_for) as session from src_retail.consents"


class Console:
    """A pushed project and its attempts, by the workflow API."""

    def __init__(self, server, project, workflow="wf00_orchestration"):
        self.url, self.headers = server.url, {"Authorization": f"TD1 {server.key}"}
        number = self.ask("PUT", "/api/projects?project=retail&revision=1", data=packed(project))["id"]
        self.workflow = self.ask("GET", f"/api/projects/{number}/workflows/{workflow}")["id"]
        self.started = 0

    def ask(self, method, path, **more):
        answer = requests.request(method, self.url + path, headers=self.headers, timeout=60, **more)
        assert answer.ok, answer.text
        return answer.json()

    def run(self, session, **params):
        """Start an attempt and see it end well."""
        attempt = self.ended(self.start(session, **params))
        log = self.ask("GET", f"/api/attempts/{attempt['id']}/tasks")
        failed = [task for task in log["tasks"] if task["state"] == "error"]
        assert attempt["success"], failed

    def start(self, session, **params):
        """Start an attempt."""
        self.started += 1
        body = {
            "workflowId": self.workflow,
            "sessionTime": f"{session}T00:00:00+00:00",
            "retryAttemptName": f"try-{self.started}",
            "params": params,
        }
        return self.ask("PUT", "/api/attempts", json=body)

    def ended(self, attempt):
        """The attempt when it is over."""
        deadline = time.monotonic() + 120
        while not attempt["done"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
            attempt = self.ask("GET", f"/api/attempts/{attempt['id']}")
        return attempt


def packed(project):
    """The project as `td workflow push` sends it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in sorted(project.rglob("*")):
            if path.is_file():
                archive.add(path, arcname=str(path.relative_to(project)))
    return buffer.getvalue()


@pytest.mark.slow
def test_the_forms_of_one_run_work_as_parameters_of_an_attempt(small, project, tmp_path):
    state = copy_of(small, tmp_path / "state")
    quiet = {"email_success": False}
    with local_account(state) as server:
        console = Console(server, project)

        def last_run():
            return rows(state, "select max_by(run_id, decided_at) as run from run_decisions")[0]["run"]

        console.run(SESSION, only="wf02_mapping", **quiet)
        first = last_run()
        assert [row["workflow"] for row in rows(state, DECIDED.format(first, "run"))] == ["wf02_mapping"]
        console.run(NEXT, only="wf02_mapping", **quiet)
        newer = rows(state, LIVE)[0]["session"]
        console.run(NEXT, rollback_to=first, **quiet)
        assert rows(state, LIVE)[0]["session"] == newer - 86_400
        console.run(NEXT, **{"from": "wf09_create_segment"}, create_segments="false", **quiet)
        skipped = rows(state, DECIDED.format(last_run(), "skip"))
        assert {row["reason"] for row in skipped} == {"this run starts at wf09_create_segment"}
        assert len(skipped) == 7
