"""The one HTTP client: what is tried again, what never is, and what no text ever holds."""

import http.server
import json
import socket
import sys
import threading
import types

import pytest
import yaml

from common.python import client, treasure
from tests.support import ROOT

KEY = "1/0123456789abcdef0123456789abcdef01234567"


class Script(http.server.BaseHTTPRequestHandler):
    """Answers with what the test wrote down, one entry a request; `drop` closes the connection."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        self.server.ends.add(self.client_address)
        length = int(self.headers.get("Content-Length") or 0)
        self.server.seen.append((self.command, self.path, self.rfile.read(length).decode()))
        entry = self.server.script.pop(0) if self.server.script else (200, {}, {})
        if entry == "drop":
            self.close_connection = True
            self.connection.close()
            return
        status, headers, body = entry
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = self.server.hangs_up

    do_GET = do_POST = do_PUT = do_DELETE = answer

    def log_message(self, *words):
        pass


@pytest.fixture
def api(monkeypatch):
    """A scripted API; waits are noted instead of slept."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Script)
    server.script, server.seen, server.waits = [], [], []
    server.ends, server.hangs_up = set(), False
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("TD_API_SERVER", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("TD_API_KEY", KEY)
    client.settings.cache_clear()
    monkeypatch.setattr(client.time, "sleep", server.waits.append)
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("fault", [(429, {}, {}), (500, {}, {}), (503, {}, {}), "drop"])
def test_a_transient_fault_of_a_get_is_tried_again(api, fault):
    api.script = [fault, fault, (200, {}, {"status": "ok"})]
    assert treasure.call("GET", "/v3/x") == {"status": "ok"}
    assert len(api.seen) == 3


def test_retry_after_is_honoured(api):
    api.script = [(429, {"Retry-After": "7"}, {}), (200, {}, {})]
    treasure.call("GET", "/v3/x")
    assert max(api.waits) >= 7


def test_waits_grow_and_are_never_equal_for_all(api):
    api.script = [(500, {}, {})] * 5
    treasure.call("GET", "/v3/x")
    waits = [wait for wait in api.waits if wait > 0]
    assert len(waits) == 5
    assert waits[4] > waits[0]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422])
def test_a_refusal_is_not_tried_again_and_says_what_the_api_said(api, status):
    api.script = [(status, {}, {"text": "no such thing"})]
    with pytest.raises(treasure.ApiError, match="no such thing") as caught:
        treasure.call("GET", "/v3/x?password=1")
    assert len(api.seen) == 1
    assert caught.value.status == status
    assert KEY not in str(caught.value) and "password" not in str(caught.value)


@pytest.mark.parametrize("fault", [(500, {}, {}), "drop"])
def test_a_post_is_sent_once_unless_a_second_one_does_no_harm(api, fault):
    api.script = [fault, (200, {}, {})]
    with pytest.raises(treasure.ApiError):
        treasure.call("POST", "/v3/x")
    assert len(api.seen) == 1
    api.script = [fault, (200, {}, {})]
    treasure.call("POST", "/v3/x", repeatable=True)
    assert len(api.seen) == 3


def test_an_endless_fault_ends_with_a_plain_error(api):
    api.script = [(503, {}, {})] * 50
    with pytest.raises(treasure.ApiError) as caught:
        treasure.call("GET", "/v3/x")
    assert len(api.seen) == client.Calls().tries
    assert caught.value.status == 503


def test_a_job_is_issued_once_even_when_its_answer_was_lost(api):
    api.script = ["drop", (409, {}, {"details": {"conflicts_with": "77"}})]
    assert treasure.issue("db_x", "select 1", 5, "key-1") == "77"
    first, second = (body for _, _, body in api.seen)
    assert first == second
    assert "domain_key=key-1" in first and "scheduled_time=5" in first


def test_hosts_of_treasure_data_are_the_local_accounts_when_there_is_one(api):
    treasure.call("GET", "https://api-cdp.treasuredata.com/audiences?x=1")
    assert api.seen == [("GET", "/audiences?x=1", "")]


def test_the_calls_of_a_task_share_a_connection(api):
    for _ in range(5):
        treasure.call("GET", "/v3/x")
        treasure.call("POST", "/v3/y", form={"a": 1}, repeatable=True)
    assert len(api.ends) == 1


def test_a_call_that_must_not_be_repeated_has_a_connection_of_its_own(api):
    treasure.call("GET", "/v3/x")
    for _ in range(3):
        treasure.call("POST", "/v3/y")
    treasure.call("GET", "/v3/x")
    assert len(api.ends) == 4


def test_connections_that_the_host_closes_harm_nobody(api):
    api.hangs_up = True
    for _ in range(3):
        treasure.call("POST", "/v3/y")
        treasure.call("GET", "/v3/x")
    assert [method for method, _, _ in api.seen if method == "POST"] == ["POST"] * 3


def test_how_fast_and_how_patient_is_configured(api, monkeypatch):
    digdag = types.ModuleType("digdag")
    digdag.env = types.SimpleNamespace(params={"calls": {"tries": 3, "requests_per_second": 1, "burst": 1}})
    monkeypatch.setitem(sys.modules, "digdag", digdag)
    monkeypatch.setattr(client, "_buckets", {})
    client.settings.cache_clear()
    api.script = [(503, {}, {})] * 50
    with pytest.raises(treasure.ApiError):
        treasure.call("GET", "/v3/x")
    assert len(api.seen) == 3
    assert max(api.waits) > 1, "the second try had to wait for its token"
    client.settings.cache_clear()


def test_a_setting_that_is_unknown_or_no_number_is_told():
    with pytest.raises(treasure.TaskError, match="calls: retries, tries cannot be used"):
        client.calls_of({"retries": 3, "tries": 0, "burst": 2})
    told = yaml.safe_load((ROOT / "config/src_params.yml").read_text())["calls"]
    assert client.calls_of(told) == client.Calls()


def test_nobody_at_the_address_is_given_up_sooner(api, monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("TD_API_SERVER", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(treasure.ApiError, match=r"no answer to GET .*refused") as caught:
            treasure.call("GET", "/v3/x")
    assert caught.value.status == 0
    assert sum(wait > 0 for wait in api.waits) == client.Calls().refused_tries - 1


def test_a_proxy_of_the_environment_is_used(api, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://10.0.0.9:3128")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    far, near = (client.urllib.parse.urlsplit(url) for url in ("http://example.com/x", "http://127.0.0.1/x"))
    assert client.proxy_for(far) == ("10.0.0.9", 3128)
    assert client.proxy_for(near) is None


def test_the_rate_is_limited():
    bucket = client.Bucket(rate=10, burst=1)
    assert bucket.take() == 0.0
    assert 0.05 < bucket.take() <= 0.1
    assert 0.15 < bucket.take() <= 0.2


def test_a_missing_variable_names_itself(monkeypatch):
    monkeypatch.delenv("TD_API_KEY", raising=False)
    with pytest.raises(treasure.TaskError, match="TD_API_KEY is not set"):
        treasure.api_key()


def test_rows_go_in_as_they_are(treasure, params):
    name = f"va_config_{params['sub']}"
    treasure.create_database(name)
    nasty = 'it\'s "x"\n<b>${y}</b> \\ 日本 \t'
    columns = {"text": "varchar", "whole": "bigint", "number": "double"}
    rows = [{"text": nasty, "whole": -3, "number": 0.1}, {"number": 1e-9}, {"text": "", "number": 2}]
    treasure.insert_rows(name, "notes", columns, rows)
    found = treasure.run_query(name, "select text, whole, number from notes").rows
    assert sorted(found, key=repr) == sorted(
        [[nasty, -3, 0.1], [None, None, 1e-9], ["", None, 2.0]], key=repr
    )
    treasure.insert_rows(name, "notes", columns, rows[:1], replace=True)
    assert treasure.run_query(name, "select count(*) from notes").rows == [[1]]
    treasure.insert_rows(name, "notes", columns, [], replace=True)
    assert treasure.run_query(name, "select count(*) from notes").rows == [[0]]
