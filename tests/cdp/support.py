"""A live account on a free port, and a client that speaks plain HTTP to it."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path
from typing import Any

import requests
import uvicorn

from tdlocal.account.account import Account
from tdlocal.api.server import Application
from tdlocal.engine import open_engine

KEY = "1/0123456789"
SESSION = 1_793_491_200  # 2026-11-01T00:00:00Z
DAY = 86_400


class Client:
    """Calls routes of one account. `get("/audiences")` gives the answer's JSON and fails on a refusal."""

    def __init__(self, url: str, account: Account) -> None:
        self.url, self.account = url, account

    def call(self, method: str, path: str, body: Any = None, **named: Any) -> requests.Response:
        headers = {"Authorization": f"TD1 {KEY}"} | named.pop("headers", {})
        return requests.request(method, self.url + path, json=body, headers=headers, timeout=30, **named)

    def get(self, path: str, **named: Any) -> Any:
        return answer(self.call("GET", path, **named))

    def post(self, path: str, body: Any = None) -> Any:
        return answer(self.call("POST", path, body))

    def put(self, path: str, body: Any = None) -> Any:
        return answer(self.call("PUT", path, body))

    def patch(self, path: str, body: Any = None) -> Any:
        return answer(self.call("PATCH", path, body))

    def delete(self, path: str) -> Any:
        return answer(self.call("DELETE", path))

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Status and JSON of a call that must not succeed."""
        response = self.call(method, path, body)
        assert response.status_code >= 400, response.text
        return response.status_code, response.json()

    def sql(self, text: str, database: str = "raw") -> list[tuple[Any, ...]]:
        """Rows of a statement, straight from the engine."""
        found = self.account.engine.run(text, database=database, scheduled_time=SESSION)
        try:
            return [row for batch in found.batches() for row in batch]
        finally:
            found.close()

    def ended(self, attempt: str) -> dict[str, Any]:
        """Poll an attempt until it is done, as scripts do."""
        for _ in range(1200):
            shown: dict[str, Any] = self.get(f"/api/attempts/{attempt}")
            if shown["done"]:
                return shown
            time.sleep(0.02)
        raise AssertionError(f"attempt {attempt} does not end")

    def build_audience(self, audience: str, session: str = "2026-11-01T00:00:00+00:00", **more: Any) -> Any:
        """Run the audience's own workflow, as `require>` and scripts do, and wait for its end."""
        project = self.get(f"/api/projects?name=cdp_audience_{audience}")["projects"][0]
        workflow = self.get(f"/api/projects/{project['id']}/workflows/audience")
        started = self.put("/api/attempts", {"workflowId": workflow["id"], "sessionTime": session, **more})
        return self.ended(started["id"])


def answer(response: requests.Response) -> Any:
    assert response.status_code == 200, f"{response.status_code} {response.text}"
    return response.json()


class Running:
    """`with Running(folder) as client`: an account over *folder*, answering HTTP."""

    def __init__(self, state: Path) -> None:
        self.account = Account(state, open_engine(state / "warehouse.duckdb", memory_limit="512MB"), key=KEY)
        self.application = Application(self.account)
        self.socket = socket.create_server(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.account.url = url
        self.client = Client(url, self.account)
        config = uvicorn.Config(self.application, log_level="warning", lifespan="off")
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run, args=([self.socket],), daemon=True)

    def __enter__(self) -> Client:
        self.thread.start()
        return self.client

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.application.close()
        self.account.close()
        self.socket.close()
