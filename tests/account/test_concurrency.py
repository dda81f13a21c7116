"""Thirty-two clients at once: no lost write, no 5xx, no deadlock; swaps are atomic to readers."""

from __future__ import annotations

import collections
import gzip
import random
import threading
import time

import msgpack
import pytest
import requests
import tdclient

from tdlocal.local_server import LocalServer

CLIENTS = 32
ROUNDS = 6


class Client(threading.Thread):
    """One client: mixed reads and writes; `codes` counts what came back."""

    def __init__(self, server: LocalServer, number: int) -> None:
        super().__init__()
        self.server, self.number = server, number
        self.codes: collections.Counter[int] = collections.Counter()
        self.failure: BaseException | None = None
        self.http = requests.Session()
        self.http.headers.update(
            {"Authorization": server.key, "X-Trino-User": server.key, "X-Trino-Schema": "busy"}
        )

    def call(self, method: str, path: str, **more: object) -> requests.Response:
        answer = self.http.request(method, f"{self.server.url}{path}", timeout=60, **more)  # type: ignore[arg-type]
        self.codes[answer.status_code] += 1
        return answer

    def statement(self, sql: str) -> list[list[object]]:
        page = self.call("POST", "/v1/statement", data=sql).json()
        rows = page.get("data", [])
        while "nextUri" in page:
            page = self.http.get(page["nextUri"], timeout=60).json()
            rows += page.get("data", [])
        assert "error" not in page, page
        return rows

    def run(self) -> None:
        try:
            for turn in range(ROUNDS):
                self.turn(turn)
        except BaseException as error:
            self.failure = error

    def turn(self, turn: int) -> None:
        mark = f"{self.number}-{turn}"
        records = [{"time": n, "mark": mark, f"c{turn}": n} for n in range(20)]
        body = gzip.compress(b"".join(msgpack.packb(record) for record in records))
        assert self.call("PUT", "/v3/table/import/busy/events/msgpack.gz", data=body).ok
        sql = f"insert into notes (time, mark) select 1, '{mark}'"
        job = self.call("POST", "/v3/job/issue/presto/busy", data={"query": sql}).json()["job_id"]
        while (state := self.call("GET", f"/v3/job/status/{job}").json()["status"]) in ("queued", "running"):
            pass
        assert state == "success"
        own = f"own_{self.number}"
        made = f"create table {own} as select {turn} n"
        for sql in (f"drop table if exists {own}", made, f"select n from {own}"):
            rows = self.statement(sql)
        assert rows == [[turn]]
        self.call("POST", "/v3/table/create/busy/shared/log")
        if self.number % 8 == 0:
            assert self.call("POST", "/v3/table/swap/busy/live/next").ok
        # whichever of the two is live, it is whole: never missing, never a mixture
        [[least, most, count]] = self.statement("select min(v), max(v), count(*) from live")
        assert least == most and count == 1000
        assert self.call("GET", "/v3/table/list/busy").ok


@pytest.mark.timeout(240)
def test_thirty_two_clients(server: LocalServer) -> None:
    with tdclient.Client(apikey=server.key, endpoint=server.url) as client:
        client.create_database("busy")
        for name in ("events", "notes", "live", "next"):
            client.create_log_table("busy", name)
            client.update_schema("busy", name, [["mark", "string"], ["v", "long"]])
        for value, name in enumerate(("live", "next")):
            sql = f"insert into {name} select n, '', {value} from unnest(sequence(1, 1000)) t (n)"
            job = client.query("busy", sql, type="presto")
            job.wait()
            assert job.success(), job.debug
        clients = [Client(server, number) for number in range(CLIENTS)]
        started = time.perf_counter()
        for one in random.Random(1).sample(clients, CLIENTS):
            one.start()
        for one in clients:
            one.join(200)
            assert not one.is_alive(), "a client hangs"
        took = time.perf_counter() - started
        assert [one.failure for one in clients if one.failure] == []
        codes = sum((one.codes for one in clients), collections.Counter())
        assert set(codes) <= {200, 409}, codes
        sql = "select (select count(*) from events), (select count(distinct mark) from notes)"
        job = client.query("busy", sql, type="presto")
        job.wait()
        assert list(job.result()) == [[CLIENTS * ROUNDS * 20, CLIENTS * ROUNDS]]
        print(f"{sum(codes.values())} calls in {took:.1f} s: {sum(codes.values()) / took:.0f} a second")
