"""`kill -9` under load: what was acknowledged is there, what was not is there whole or not at all."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import threading
import time
from pathlib import Path

import msgpack
import pytest
import requests

from tdlocal.account.account import Account
from tdlocal.engine import open_engine
from tdlocal.engine.types import EngineError
from tdlocal.local_server import LocalServer, local_account

KILLS = int(os.environ.get("TDLOCAL_KILLS", "4"))
PART = 50  # records of an import: all of them or none


def load(server: LocalServer, worker: int, first: int, acknowledged: set[str], stop: threading.Event) -> None:
    """Import, insert, create and swap until the server is gone; note what was acknowledged."""
    session = requests.Session()
    session.headers["Authorization"] = server.key
    number = first
    while not stop.is_set():
        number += 1
        mark = f"{worker}-{number}"
        try:
            records = b"".join(msgpack.packb({"time": n, "mark": mark}) for n in range(PART))
            answer = session.put(
                f"{server.url}/v3/table/import_with_id/shop/events/{mark}/msgpack.gz",
                data=gzip.compress(records, 1),
                timeout=20,
            )
            if answer.ok:
                acknowledged.add(f"import {mark}")
            sql = f"insert into notes select 1 as time, '{mark}' as mark from table(sequence(1, {PART}))"
            answer = session.post(f"{server.url}/v3/job/issue/presto/shop", data={"query": sql}, timeout=20)
            job = answer.json()["job_id"]
            if session.get(f"{server.url}/v3/job/status/{job}", timeout=20).json()["status"] == "success":
                acknowledged.add(f"insert {mark}")
                acknowledged.add(f"job {job}")
            name = f"t_{worker}_{number}"
            if session.post(f"{server.url}/v3/table/create/shop/{name}/log", timeout=20).ok:
                acknowledged.add(f"table {name}")
            session.post(f"{server.url}/v3/table/swap/shop/live/next", timeout=20)
        except (requests.RequestException, KeyError, ValueError):
            if stop.wait(0.01):
                return


def counts(server: LocalServer, table: str) -> dict[str, int]:
    """Rows by mark."""
    sql = f"select mark, count(*) from {table} group by mark"
    headers = {"X-Trino-User": server.key, "X-Trino-Schema": "shop"}
    page = requests.post(f"{server.url}/v1/statement", data=sql, headers=headers).json()
    rows = page.get("data", [])
    while "nextUri" in page:
        page = requests.get(page["nextUri"], headers=headers).json()
        rows += page.get("data", [])
    return dict(rows)


@pytest.mark.timeout(600)
def test_kill_9_under_load(tmp_path: Path) -> None:
    chance = random.Random(5)
    acknowledged: set[str] = set()
    with local_account(tmp_path) as server:
        post = {"headers": {"Authorization": server.key}}
        requests.post(f"{server.url}/v3/database/create/shop", **post)
        for name in ("events", "notes", "live", "next"):
            requests.post(f"{server.url}/v3/table/create/shop/{name}/log", **post)
            schema = {"schema": json.dumps([["mark", "string"]])}
            requests.post(f"{server.url}/v3/table/update-schema/shop/{name}", data=schema, **post)
    starts = []
    for kill in range(KILLS):
        stop = threading.Event()
        with local_account(tmp_path) as server:
            threads = [
                threading.Thread(target=load, args=(server, worker, kill * 1000, acknowledged, stop))
                for worker in range(4)
            ]
            for thread in threads:
                thread.start()
            until = time.monotonic() + 60
            while not acknowledged and time.monotonic() < until:
                time.sleep(0.05)
            time.sleep(chance.uniform(0.2, 1.2))
            pid = json.loads((tmp_path / "server.json").read_text())["pid"]
            os.kill(pid, signal.SIGKILL)
            stop.set()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()
        started = time.perf_counter()
        with local_account(tmp_path) as server:
            starts.append(time.perf_counter() - started)
            headers = {"Authorization": server.key}
            for table, verb in (("events", "import"), ("notes", "insert")):
                found = counts(server, table)
                assert set(found.values()) <= {PART}, "a write is there in part, or twice"
                known = {one.split()[1] for one in acknowledged if one.startswith(verb)}
                assert known <= found.keys(), "an acknowledged write is lost"
            listed = requests.get(f"{server.url}/v3/table/list/shop", headers=headers).json()["tables"]
            names = {table["name"] for table in listed}
            assert {one.split()[1] for one in acknowledged if one.startswith("table")} <= names
            assert {"live", "next"} <= names
            jobs = requests.get(f"{server.url}/v3/job/list?to=9999", headers=headers).json()["jobs"]
            states = {job["job_id"]: job["status"] for job in jobs}
            assert set(states.values()) <= {"success", "error"}
            assert all(states[one.split()[1]] == "success" for one in acknowledged if one.startswith("job"))
            cut = [job for job in jobs if job["status"] == "error"]
            assert all("server restarted" in job["debug"]["stderr"] for job in cut)
    assert acknowledged
    assert min(starts) < 2


def test_an_import_repeated_after_a_crash_is_there_once(tmp_path: Path) -> None:
    body = gzip.compress(msgpack.packb({"time": 1, "mark": "x"}))
    for _ in range(2):
        with local_account(tmp_path) as server:
            headers = {"Authorization": server.key}
            requests.post(f"{server.url}/v3/database/create/shop", headers=headers)
            requests.post(f"{server.url}/v3/table/create/shop/events/log", headers=headers)
            url = f"{server.url}/v3/table/import_with_id/shop/events/one/msgpack.gz"
            assert requests.put(url, data=body, headers=headers).ok
            os.kill(json.loads((tmp_path / "server.json").read_text())["pid"], signal.SIGKILL)
    with local_account(tmp_path) as server:
        assert counts(server, "events") == {"x": 1}


def test_statements_of_a_killed_account_go_on_unless_their_rows_were_on_their_way(
    tmp_path: Path,
) -> None:
    def account(going_on: bool) -> Account:
        return Account(tmp_path, open_engine(None), going_on=going_on)

    first = account(False)
    sequence = "unnest(sequence(1, 9999)) as a (x) cross join unnest(sequence(1, {})) as b (y)"
    many = f"select x from {sequence.format(9)}"
    read = first.statements.start(many, "information_schema")
    assert not first.statements.page(read, 0, 30).last
    slow = f"select max(x * y) from {sequence.format(2000)}"
    asked = first.statements.start(slow, "information_schema")
    first.statements.page(asked, 0, 0)  # its client is told to ask again
    second = account(True)  # over what the first left
    assert (
        second.statements.page(second.statements.find(asked.id, asked.token), 0, 30).data == b"[[19998000]]"
    )
    with pytest.raises(EngineError, match="the account was killed while these rows were being read"):
        second.statements.page(second.statements.find(read.id, read.token), 1, 30)
    for one in (first, second):
        one.close()
