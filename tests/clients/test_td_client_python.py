"""td-client-python 1.7, unmodified, used as its tutorial uses it."""

from __future__ import annotations

import csv
import gzip
import io
import math
import time
from pathlib import Path

import msgpack
import pytest
import requests
import tdclient
from tdclient import errors
from tdclient.bulk_import_model import BulkImport

from tdlocal.local_server import LocalServer


def rows_of(client: tdclient.Client, database: str, sql: str, **more: object) -> list[list[object]]:
    job = client.query(database, sql, type="presto", **more)
    job.wait()
    assert job.success(), job.debug
    return list(job.result())


def packed(*records: dict[str, object]) -> io.BytesIO:
    return io.BytesIO(gzip.compress(b"".join(msgpack.packb(record) for record in records)))


def put(
    client: tdclient.Client, database: str, table: str, *records: dict[str, object], **more: object
) -> None:
    body = packed(*records)
    client.import_data(database, table, "msgpack.gz", body, len(body.getvalue()), **more)


def upload(session: BulkImport, part: str, *records: dict[str, object]) -> None:
    body = packed(*records)
    session.upload_part(part, body, len(body.getvalue()))


# ---- databases


def test_a_created_database_is_listed(client: tdclient.Client) -> None:
    client.create_database("listed_one")
    assert "listed_one" in [one.name for one in client.databases()]
    assert client.database("listed_one").permission == "administrator"


def test_creating_a_database_twice_is_a_conflict(client: tdclient.Client, database: str) -> None:
    with pytest.raises(errors.AlreadyExistsError, match=f"'{database}' already exists"):
        client.create_database(database)


def test_a_deleted_database_is_gone(client: tdclient.Client, database: str) -> None:
    client.delete_database(database)
    with pytest.raises(errors.NotFoundError):
        client.delete_database(database)
    with pytest.raises(errors.NotFoundError):
        client.database(database)


@pytest.mark.parametrize("name", ["ab", "Upper", "with space", "with-dash", "é" * 5, "x" * 256])
def test_a_name_that_breaks_the_rule_is_refused(client: tdclient.Client, name: str) -> None:
    with pytest.raises(errors.APIError, match="422"):
        client.create_database(name)


def test_the_server_says_that_it_is_well(client: tdclient.Client) -> None:
    assert client.server_status() == "ok"


# ---- tables


def test_a_created_table_is_listed_with_its_schema(client: tdclient.Client, database: str) -> None:
    client.create_log_table(database, "orders")
    client.update_schema(
        database, "orders", [["sku", "string"], ["price", "double"], ["tags", "array<string>"]]
    )
    table = client.table(database, "orders")
    assert table.schema == [
        ["sku", "string", "sku"], ["price", "double", "price"], ["tags", "array<string>", "tags"],
    ]  # fmt: skip
    assert table.count == 0 and table.type == "log"
    with pytest.raises(errors.AlreadyExistsError):
        client.create_log_table(database, "orders")


def test_tables_of_an_unknown_database_are_not_found(client: tdclient.Client) -> None:
    with pytest.raises(errors.NotFoundError):
        client.tables("no_such_database")


def test_delete_of_a_missing_table_is_not_found(client: tdclient.Client, database: str) -> None:
    with pytest.raises(errors.NotFoundError):
        client.delete_table(database, "nothing")


def test_swap_exchanges_rows(client: tdclient.Client, database: str) -> None:
    for name in ("live", "next"):
        client.create_log_table(database, name)
        put(client, database, name, {"time": 1, "who": name})
    client.swap_table(database, "live", "next")
    assert rows_of(client, database, "select who from live") == [["next"]]
    assert rows_of(client, database, "select who from next") == [["live"]]


def test_rename_overwrites_only_when_asked(
    client: tdclient.Client, database: str, server: LocalServer
) -> None:
    for name in ("live", "next"):
        client.create_log_table(database, name)
        put(client, database, name, {"time": 1, "who": name})
    url = f"{server.url}/v3/table/rename/{database}/next/live"
    headers = {"Authorization": server.key}
    assert requests.post(url, headers=headers).status_code == 409
    assert requests.post(url, data={"overwrite": "true"}, headers=headers).status_code == 200
    assert rows_of(client, database, "select who from live") == [["next"]]
    assert [table.name for table in client.tables(database)] == ["live"]


def test_tail_gives_the_newest_rows_first(client: tdclient.Client, database: str) -> None:
    client.create_log_table(database, "events")
    put(client, database, "events", *({"time": n, "n": n} for n in range(50)))
    assert [row["n"] for row in client.tail(database, "events", 3)] == [49, 48, 47]


def test_expiry_is_kept(client: tdclient.Client, database: str) -> None:
    client.create_log_table(database, "events")
    client.update_expire(database, "events", 30)
    assert client.table(database, "events").expire_days == 30


def test_a_table_moves_to_another_database(client: tdclient.Client, database: str) -> None:
    client.create_database(f"{database}_old")
    client.create_log_table(database, "events")
    client.change_database(database, "events", f"{database}_old")
    assert client.tables(database) == []
    assert [table.name for table in client.tables(f"{database}_old")] == ["events"]


def test_partial_delete_takes_whole_hours(
    client: tdclient.Client, database: str, server: LocalServer
) -> None:
    client.create_log_table(database, "events")
    records = [{"time": hour * 3600 + 5, "hour": hour} for hour in range(4)]
    put(client, database, "events", *records)
    url = f"{server.url}/v3/table/partialdelete/{database}/events"
    headers = {"Authorization": server.key}
    answer = requests.post(url, data={"from": "3600", "to": "10800"}, headers=headers)
    assert client.job(answer.json()["job_id"]).success()
    assert rows_of(client, database, "select hour from events order by 1") == [[0], [3]]
    assert requests.post(url, data={"from": "1", "to": "3600"}, headers=headers).status_code == 422


# ---- jobs


def test_a_query_gives_its_rows_and_schema(client: tdclient.Client, database: str) -> None:
    job = client.query(database, "select 1 as a, 'x' as b, cast(null as double) as c", type="presto")
    job.wait()
    assert list(job.result()) == [[1, "x", None]]
    assert job.result_schema == [["a", "integer"], ["b", job.result_schema[1][1]], ["c", "double"]]
    assert job.result_schema[1][1].startswith("varchar")
    assert job.num_records == 1 and job.database == database and job.type == "presto"


@pytest.mark.parametrize("form", ["msgpack", "json", "csv"])
def test_every_result_format_gives_the_rows(client: tdclient.Client, database: str, form: str) -> None:
    job = client.query(
        database, "select * from (values (1, 'a', 1.5e0), (2, 'é', null)) t (a, b, c)", type="presto"
    )
    job.wait()
    assert list(job.result_format(form)) == [[1, "a", 1.5], [2, "é", None]]


def test_a_result_is_downloaded_in_parts(
    client: tdclient.Client, database: str, server: LocalServer, tmp_path: Path
) -> None:
    job = client.query(
        database, "select n, cast(n as varchar) from table(sequence(1, 5000)) t (n)", type="presto"
    )
    job.wait()
    rows = list(job.result_format("msgpack", store_tmpfile=True))
    assert rows == [[n, str(n)] for n in range(1, 5001)]
    url = f"{server.url}/v3/job/result/{job.id}?format=msgpack.gz"
    headers = {"Authorization": server.key}
    whole = requests.get(url, headers=headers).content
    assert len(whole) == job.result_size
    part = requests.get(url, headers=headers | {"Range": "bytes=10-19"})
    assert part.status_code == 206 and part.content == whole[10:20]
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(whole)}"
    assert requests.get(url, headers=headers | {"Range": f"bytes={len(whole)}-"}).status_code == 416


def test_csv_and_tsv_over_plain_http(client: tdclient.Client, database: str, server: LocalServer) -> None:
    job = client.query(database, "select 'a,b' as x, array[1, 2] as y, null as z, true as w", type="presto")
    job.wait()
    url = f"{server.url}/v3/job/result/{job.id}"
    headers = {"Authorization": f"TD1 {server.key}"}
    text = requests.get(url, params={"format": "csv", "header": "True"}, headers=headers).text
    assert list(csv.reader(io.StringIO(text))) == [["x", "y", "z", "w"], ["a,b", "[1,2]", "", "true"]]
    assert requests.get(url, params={"format": "tsv"}, headers=headers).text == "a,b\t[1,2]\t\ttrue\n"
    assert requests.get(url, params={"format": "xml"}, headers=headers).status_code == 422


def test_nan_and_infinities_come_back(client: tdclient.Client, database: str) -> None:
    job = client.query(database, "select nan() a, infinity() b, -infinity() c", type="presto")
    job.wait()
    (row,) = job.result()
    assert math.isnan(row[0]) and row[1:] == [math.inf, -math.inf]
    assert list(job.result_format("json")) == [["NaN", "Infinity", "-Infinity"]]


def test_a_failed_query_says_why(client: tdclient.Client, database: str) -> None:
    job = client.query(database, "select nothing from (values 1) t (a)", type="presto")
    job.wait()
    assert job.error() and not job.success()
    assert "failed: line 1:8: Column 'nothing' cannot be resolved" in job.debug["stderr"]
    with pytest.raises(ValueError, match="not ready"):
        list(job.result())


def test_two_statements_in_one_job(client: tdclient.Client, database: str) -> None:
    for value in (1, 2):
        sql = f'DROP TABLE IF EXISTS "t";\nCREATE TABLE "t" AS\n-- a comment; here\nselect {value} as a'
        assert rows_of(client, database, sql) == []
    assert rows_of(client, database, "select a from t") == [[2]]
    assert rows_of(client, database, "insert into t\nselect 3") == []
    assert rows_of(client, database, "select a from t order by a") == [[2], [3]]


def test_the_scheduled_time_is_now(client: tdclient.Client, database: str) -> None:
    rows = rows_of(client, database, "select td_scheduled_time()", scheduled_time=1793491200)
    assert rows == [[1793491200]]


def test_the_domain_key_makes_issue_harmless(
    client: tdclient.Client, database: str, server: LocalServer
) -> None:
    first = client.query(database, "select 1", type="presto", domain_key="once")
    with pytest.raises(errors.AlreadyExistsError):
        client.query(database, "select 1", type="presto", domain_key="once")
    answer = requests.post(
        f"{server.url}/v3/job/issue/presto/{database}",
        data={"query": "select 1", "domain_key": "once"},
        headers={"Authorization": server.key},
    )
    assert answer.status_code == 409 and answer.json()["details"]["conflicts_with"] == first.id
    by_key = requests.get(
        f"{server.url}/v3/job/status_by_domain_key/once", headers={"Authorization": server.key}
    )
    assert by_key.json()["job_id"] == first.id


@pytest.mark.parametrize("body", ["form", "multipart", "json", "query"])
def test_parameters_come_in_four_ways(server: LocalServer, database: str, body: str) -> None:
    values = {"query": "select td_scheduled_time()", "scheduled_time": "3600"}
    ways = {
        "form": {"data": values},
        "multipart": {"files": {name: (None, value) for name, value in values.items()}},
        "json": {"json": values},
        "query": {"params": values},
    }
    headers = {"Authorization": f"TD1 {server.key}"}
    answer = requests.post(f"{server.url}/v3/job/issue/trino/{database}", headers=headers, **ways[body])
    assert '"job_id":"' in answer.text
    url = f"{server.url}/v3/job/result/{answer.json()['job_id']}?format=json"
    assert requests.get(url, headers=headers).text == "[3600]\n"


def test_a_short_job_costs_no_sleep(client: tdclient.Client, database: str) -> None:
    started = time.perf_counter()
    for _ in range(5):
        rows_of(client, database, "select 1")
    assert time.perf_counter() - started < 5  # one sleep of td-client's would be 5 s


LONG = (
    "select count(*) from table(sequence(1, 30000)) a (x) "
    "cross join table(sequence(1, 3000000)) b (y) where x * y % 7 = 3"
)


def test_a_running_job_is_killed(client: tdclient.Client, database: str) -> None:
    job = client.query(database, LONG, type="presto")
    assert job.kill() == "running"
    assert job.killed()


def test_jobs_are_listed_newest_first(client: tdclient.Client, database: str) -> None:
    ids = [client.query(database, f"select {n}", type="presto").id for n in range(3)]
    listed = [job.id for job in client.jobs(0, 2)]
    assert listed == ids[::-1]
    assert all(job.status() == "success" for job in client.jobs(0, 2, "success"))


def test_an_unknown_job_and_an_unknown_database(client: tdclient.Client) -> None:
    with pytest.raises(errors.NotFoundError):
        client.job("99999999")
    with pytest.raises(errors.NotFoundError):
        client.job("no-number")
    with pytest.raises(errors.NotFoundError):
        client.query("no_such_database", "select 1", type="presto")


def test_a_hive_query_runs_and_names_columns_as_hive_does(client: tdclient.Client, database: str) -> None:
    job = client.query(database, "select `a`, count(*) from (select 1 as a) t group by `a`", type="hive")
    job.wait()
    assert job.success(), job.debug
    assert [name for name, _ in job.result_schema] == ["a", "_c1"]


def test_the_cursor_of_td_client(database: str, server: LocalServer) -> None:
    with tdclient.connect(db=database, type="presto") as connection:
        cursor = connection.cursor()
        cursor.execute("select 1 as a, 'x' as b union all select 2, 'y' order by 1")
        assert [column[0] for column in cursor.description] == ["a", "b"]
        assert cursor.fetchall() == [[1, "x"], [2, "y"]]


# ---- imports


def test_imported_records_come_back(client: tdclient.Client, database: str) -> None:
    client.create_log_table(database, "events")
    records = [
        {"time": 10, "n": 1, "f": 1.5, "s": "é", "b": True, "l": [1, 2], "m": {"k": 1}, "": 7},
        {"time": 11, "n": None, "f": 2, "s": None, "b": None, "l": None, "m": None},
    ]
    put(client, database, "events", *records)
    rows = rows_of(client, database, "select time, n, f, s, b, l, m from events order by time")
    assert rows == [[10, 1, 1.5, "é", "true", [1, 2], '{"k":1}'], [11, None, 2.0, None, None, None, None]]
    assert [column[:2] for column in client.table(database, "events").schema] == [
        ["n", "long"], ["f", "double"], ["s", "string"], ["b", "string"], ["l", "array<long>"],
        ["m", "string"],
    ]  # fmt: skip


def test_a_unique_id_imports_once(client: tdclient.Client, database: str) -> None:
    client.create_log_table(database, "events")
    for _ in range(2):
        put(client, database, "events", {"time": 1}, unique_id="a-1")
    put(client, database, "events", {"time": 1}, unique_id="a-2")
    assert rows_of(client, database, "select count(*) from events") == [[2]]


def test_a_column_that_is_there_keeps_its_type(client: tdclient.Client, database: str) -> None:
    client.create_log_table(database, "events")
    client.update_schema(database, "events", [["n", "long"], ["f", "double"], ["s", "string"]])
    records = [{"time": 1, "n": "12", "f": "1.5", "s": 3}, {"time": 2, "n": "x", "f": "x", "s": [1]}]
    put(client, database, "events", *records)
    rows = rows_of(client, database, "select n, f, s from events order by time")
    assert rows == [[12, 1.5, "3"], [None, None, "[1]"]]


def test_a_record_without_time_imports_nothing(client: tdclient.Client, database: str) -> None:
    client.create_log_table(database, "events")
    with pytest.raises(errors.APIError, match="time"):
        put(client, database, "events", {"time": 1}, {"n": 1})
    assert rows_of(client, database, "select count(*) from events") == [[0]]


def test_a_csv_file_is_imported(client: tdclient.Client, database: str, tmp_path: Path) -> None:
    client.create_log_table(database, "people")
    path = tmp_path / "people.csv"
    path.write_text("time,name,age\n1,Ada,36\n2,Bob,\n")
    client.import_file(database, "people", "csv", str(path))
    assert rows_of(client, database, "select name, age from people order by time") == [
        ["Ada", 36],
        ["Bob", None],
    ]


def test_an_import_into_a_missing_table_is_not_found(client: tdclient.Client, database: str) -> None:
    with pytest.raises(errors.NotFoundError):
        put(client, database, "nothing", {"time": 1})


# ---- bulk imports


def test_the_whole_life_of_a_bulk_import(client: tdclient.Client, database: str) -> None:
    client.create_log_table(database, "events")
    name = f"load_{database}"
    session = client.create_bulk_import(name, database, "events")
    with pytest.raises(errors.AlreadyExistsError):
        client.create_bulk_import(name, database, "events")
    upload(session, "part1", {"time": 1, "n": 1}, {"n": 2})
    upload(session, "part2", {"time": 3, "n": 3})
    upload(session, "part3", {"time": 9})
    session.delete_part("part3")
    assert session.list_parts() == ["part1", "part2"]
    assert session.status == "uploading" and not session.upload_frozen
    session.freeze()
    with pytest.raises(errors.APIError, match="frozen"):
        upload(session, "part4", {"time": 9})
    session.unfreeze()
    session.freeze()
    started = time.perf_counter()
    job = session.perform(wait=True)
    assert job.success()
    assert (session.valid_records, session.error_records) == (2, 1)
    assert (session.valid_parts, session.error_parts) == (1, 1)
    assert list(session.error_record_items()) == [{"n": 2}]
    session.commit(wait=True)
    assert time.perf_counter() - started < 5  # commit's sleep alone would be 5 s
    assert session.status == "committed"
    assert rows_of(client, database, "select n from events order by time") == [[1], [3]]
    assert name in [one.name for one in client.bulk_imports()]
    session.delete()
    with pytest.raises(errors.NotFoundError):
        client.bulk_import(name)


def test_a_broken_part_fails_the_perform_job(client: tdclient.Client, database: str) -> None:
    client.create_log_table(database, "events")
    session = client.create_bulk_import(f"broken_{database}", database, "events")
    upload(session, "good", {"time": 1})
    session.upload_part("bad", io.BytesIO(b"\x1f\x8bnonsense"), 10)
    session.freeze()
    job = session.perform(wait=True)
    assert job.error() and "part 'bad'" in job.debug["stderr"]
    assert rows_of(client, database, "select count(*) from events") == [[0]]


# ---- keys


def test_a_wrong_key_is_refused(server: LocalServer) -> None:
    with tdclient.Client(apikey="1/wrong") as stranger, pytest.raises(errors.AuthError):
        stranger.databases()


def test_an_unknown_call_names_itself(server: LocalServer) -> None:
    answer = requests.get(f"{server.url}/v3/nothing/like/it", headers={"Authorization": server.key})
    assert answer.status_code == 501 and "GET /v3/nothing/like/it" in answer.json()["error"]


def test_a_column_has_one_name_in_records_and_another_in_statements(
    client: tdclient.Client, database: str
) -> None:
    client.create_log_table(database, "t")
    client.create_log_table(database, "u")

    def send(**record: object) -> None:
        packed = gzip.compress(msgpack.packb({"time": 1, **record}))
        client.import_data(database, "t", "msgpack.gz", io.BytesIO(packed), len(packed))

    send(userId=1)
    client.update_schema(database, "t", [["userId", "long", "user_id"], ["n", "long"]])
    send(userId=2, n=5)
    assert client.table(database, "t").schema == [["userId", "long", "user_id"], ["n", "long", "n"]]
    job = client.query(database, "select user_id, n from t order by user_id", type="presto")
    job.wait()
    assert list(job.result()) == [[1, None], [2, 5]]
    client.swap_table(database, "t", "u")
    assert client.table(database, "u").schema[0] == ["userId", "long", "user_id"]
    client.update_schema(database, "u", [["userId", "long", "person"]])
    assert client.table(database, "u").schema == [["userId", "long", "person"]]
    job = client.query(database, "select person from u order by person", type="presto")
    job.wait()
    assert list(job.result()) == [[1], [2]]
