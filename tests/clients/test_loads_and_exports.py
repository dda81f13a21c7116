"""Bulk loads, table exports and result outputs through td-client-python, with folders for buckets."""

from __future__ import annotations

import bz2
import csv
import gzip
import io
import json
from pathlib import Path
from typing import Any

import msgpack
import pytest
import requests
import tdclient
from tdclient import errors

from tdlocal.local_server import LocalServer

PACKED = gzip.compress(b"a|b\n1|x\n", mtime=0)  # without the time: tests are named by it
CSV = (
    b'Id,Name,Price,Bought At\r\n1,"Ad""a",1.5,2026-11-01 10:00:00\r\n2,,2,2026-11-02 00:00:00\r\n3,"",x,\r\n'
)


@pytest.fixture
def bucket(server: LocalServer, database: str) -> Path:
    """An empty bucket, named like the test's database."""
    folder = server.state / "buckets" / database
    folder.mkdir(parents=True)
    return folder


def source(bucket: Path, prefix: str = "in/", **more: Any) -> dict[str, Any]:
    return {"type": "s3", "bucket": bucket.name, "path_prefix": prefix, "secret_access_key": "sesame", **more}


def put(bucket: Path, key: str, content: bytes) -> None:
    path = bucket / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def run(client: tdclient.Client, job_id: Any) -> Any:
    job = client.job(getattr(job_id, "id", job_id))
    job.wait()
    job.update()
    return job


def load(client: tdclient.Client, database: str, config: dict[str, Any], table: str = "t") -> Any:
    if table not in [one.name for one in client.tables(database)]:
        client.create_log_table(database, table)
    return run(client, client.api.connector_issue(database, table, {"config": config}))


def rows(client: tdclient.Client, database: str, sql: str) -> list[Any]:
    return list(run(client, client.query(database, sql, type="presto").id).result())


def test_guess_preview_and_load_as_the_tutorial_does(
    client: tdclient.Client, database: str, bucket: Path
) -> None:
    put(bucket, "in/a.csv", CSV.replace(b'3,"",x,\r\n', b""))
    guessed = client.api.connector_guess({"in": source(bucket), "out": {"mode": "append"}})
    parser = guessed["config"]["in"]["parser"]
    assert (parser["type"], parser["newline"], parser["skip_header_lines"]) == ("csv", "CRLF", 1)
    assert [(one["name"], one["type"]) for one in parser["columns"]] == [
        ("Id", "long"), ("Name", "string"), ("Price", "double"), ("Bought At", "timestamp"),
    ]  # fmt: skip
    preview = client.api.connector_preview(guessed)
    assert [one["name"] for one in preview["schema"]] == ["id", "name", "price", "bought_at", "time"]
    assert preview["records"][0][:3] == [1, 'Ad"a', 1.5]
    put(bucket, "in/a.csv", CSV)
    job = load(client, database, guessed["config"])
    assert job.success() and job.type == "bulkload" and job.num_records == 2
    assert "1 left out" in job.debug["cmdout"] and "in/a.csv:4: 'x' is no number" in job.debug["cmdout"]
    assert "sesame" not in job.query
    assert rows(client, database, "select id, name, price, bought_at from t order by id") == [
        [1, 'Ad"a', 1.5, "2026-11-01 10:00:00.000"],
        [2, None, 2.0, "2026-11-02 00:00:00.000"],
    ]


@pytest.mark.parametrize(
    ("key", "content", "parser"),
    [
        ("in/a.gz", PACKED, {"type": "csv", "delimiter": "|", "skip_header_lines": 1}),
        ("in/a.tsv.bz2", bz2.compress(b"1\tx\n"), {"type": "tsv"}),
        ("in/a.jsonl", b'{"a": "1", "b": "x", "c": 9}\n', {"type": "jsonl"}),
        ("in/a.json", b'{\n "a": 1,\n "b": "x"}', {"type": "json"}),
        ("in/a.json", b'[{"a": 1, "b": "x"}]', {"type": "json", "flatten_json_array": True}),
        ("in/a.json", b'{"data": {"a": 1, "b": "x"}}', {"type": "json", "root": "/data"}),
        ("in/a.msgpack", msgpack.packb({"a": 1, "b": "x"}), {"type": "msgpack"}),
        ("in/a.csv", "1,x\n".encode("utf-16"), {"type": "csv", "charset": "UTF-16"}),
    ],
)  # fmt: skip
def test_objects_are_read_by_their_parser(
    client: tdclient.Client, database: str, bucket: Path, key: str, content: bytes, parser: dict[str, Any]
) -> None:
    put(bucket, key, content)
    columns = [{"name": "a", "type": "long"}, {"name": "b", "type": "string"}]
    job = load(client, database, {"in": source(bucket, parser={**parser, "columns": columns})})
    assert job.success(), job.debug
    assert rows(client, database, "select a, b from t") == [[1, "x"]]


def test_filters_change_columns_and_rows(client: tdclient.Client, database: str, bucket: Path) -> None:
    put(bucket, "in/a.json", b'{"User": {"name": "Ada", "tags": ["x"]}, "at": 1793491200000}\n[1]\n')
    config = {
        "in": source(bucket, parser={"type": "json"}),
        "filters": [
            {"type": "expand_json", "json_column_name": "record", "expanded_columns": [
                {"name": "User.name", "type": "string"}, {"name": "User.tags", "type": "json"},
                {"name": "at", "type": "long"},
            ]},
            {"type": "rename", "columns": {"User.name": "Person"}, "rules": [{"rule": "upper_to_lower"},
                {"rule": "character_types", "pass_types": ["a-z", "0-9"], "pass_characters": "_"}]},
            {"type": "add_time", "to_column": {"name": "time", "type": "timestamp"},
             "from_column": {"name": "at", "unix_timestamp_unit": "milli"}},
            {"type": "remove_columns", "remove": ["at"]},
        ],
        "out": {"mode": "replace"},
    }  # fmt: skip
    for _ in range(2):
        assert load(client, database, config).success()
    assert rows(client, database, "select person, user_tags, time from t order by time") == [
        ["Ada", '["x"]', 1793491200],
        [None, None, rows(client, database, "select max(time) from t")[0][0]],
    ]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"bucket": "nothing-here"}, "bucket 'nothing-here' does not exist"),
        ({"path_prefix": "other/"}, "no object that begins with 'other/'"),
        ({"bucket": "../state"}, "cannot be a bucket's name"),
        ({"type": "mysql"}, "no connector 'mysql' here"),
        ({"parser": {"type": "xml"}}, "no parser 'xml' here"),
        ({"parser": {"type": "csv", "columns": [{"name": "a", "type": "money"}]}}, "unknown type 'money'"),
        (
            {"parser": {"type": "csv", "columns": [{"name": "a"}], "stop_on_invalid_record": True}},
            "4 values for 1",
        ),
        ({"decoders": [{"type": "zip"}]}, "cannot be read"),
    ],
)
def test_a_load_that_cannot_be_fails_and_says_why(
    client: tdclient.Client, database: str, bucket: Path, change: dict[str, Any], why: str
) -> None:
    put(bucket, "in/a.csv", CSV)
    columns = [{"name": name, "type": "string"} for name in "abcd"]
    job = load(client, database, {"in": source(bucket, parser={"type": "csv", "columns": columns}) | change})
    assert job.error() and why in job.debug["stderr"]
    assert rows(client, database, "select count(*) from t") == [[0]]


def test_a_load_needs_its_table_and_a_configuration(client: tdclient.Client, database: str) -> None:
    with pytest.raises(errors.NotFoundError, match="nothing"):
        client.api.connector_issue(database, "nothing", {"config": {"in": {"type": "s3"}}})
    client.create_log_table(database, "t")
    with pytest.raises(errors.APIError, match="section `in`"):
        client.api.connector_issue(database, "t", {"query": "x"})
    for call in (client.api.connector_guess, client.api.connector_preview):
        with pytest.raises(errors.APIError, match="no connector"):
            call(
                {"config": {"in": {"type": "salesforce"}}}
                if call == client.api.connector_preview
                else {"in": {"type": "x"}}
            )


def test_a_session_loads_only_what_is_new(client: tdclient.Client, database: str, bucket: Path) -> None:
    client.create_log_table(database, "t")
    put(bucket, "in/1.csv", b"1\n")
    parser = {"type": "csv", "columns": [{"name": "a", "type": "long"}]}
    name = f"load_{database}"
    made = client.api.connector_create(
        name, database, "t", {"config": {"in": source(bucket, parser=parser)}}, {"cron": "@daily"}
    )
    assert made["name"] == name and made["config"]["in"]["secret_access_key"] == "***"
    assert name in [one["name"] for one in client.api.connector_list()]
    first = client.api.connector_run(name, scheduled_time=1793491200, domain_key=f"key {database}")
    assert run(client, first["job_id"]).success()
    with pytest.raises(errors.AlreadyExistsError):
        client.api.connector_run(name, domain_key=f"key {database}")
    put(bucket, "in/2.csv", b"2\n")
    for _ in range(2):
        assert run(client, client.api.connector_run(name)["job_id"]).success()
    assert rows(client, database, "select a from t order by a") == [[1], [2]]
    history = client.api.connector_history(name)
    assert [one["records"] for one in history] == [0, 1, 1] and history[0]["database"] == {"name": database}
    client.api.connector_update(name, {"time_column": "a", "config": {"in": source(bucket, parser=parser)}})
    assert client.api.connector_show(name)["config_diff"] == {"in": {"last_path": "in/2.csv"}}
    for words in ({"database": 1}, {"delay": "soon"}, {"cron": "61 * * * *"}):
        with pytest.raises(errors.APIError, match="422"):
            client.api.connector_update(name, words)
    assert client.api.connector_delete(name)["name"] == name


@pytest.mark.parametrize("form", ["jsonl.gz", "tsv.gz", "json.gz", "line-json.gz"])
def test_a_table_export_is_an_object_of_the_bucket(
    client: tdclient.Client, database: str, bucket: Path, form: str
) -> None:
    sql = "create table t as select a, 'x' as b, array[a] as c, 100 * a as time from (values 1, 2, 3) v(a)"
    run(client, client.query(database, sql, type="presto").id)
    told = {"bucket": bucket.name, "file_prefix": "out/t", "file_format": form, "from": "100", "to": "300",
            "access_key_id": "a", "secret_access_key": "sesame"}  # fmt: skip
    job = run(client, client.export_data(database, "t", "s3", told))
    assert job.success() and job.num_records == 2 and "sesame" not in job.query
    [path] = (bucket / "out").iterdir()
    text = gzip.decompress(path.read_bytes()).decode()
    if form == "tsv.gz":
        _, *found = csv.reader(io.StringIO(text), delimiter="\t")
        assert sorted(found) == [["1", "x", "[1]", "100"], ["2", "x", "[2]", "200"]]
        return
    found = json.loads(text) if form == "json.gz" else list(map(json.loads, text.splitlines()))
    assert sorted(one["a"] for one in found) == [1, 2]
    assert {"a": 1, "b": "x", "c": [1], "time": 100} in found


def test_exports_that_cannot_be(client: tdclient.Client, database: str, bucket: Path) -> None:
    client.create_log_table(database, "t")
    with pytest.raises(errors.NotFoundError):
        client.export_data(database, "nothing", "s3", {"bucket": bucket.name})
    with pytest.raises(errors.APIError, match="file_format"):
        client.export_data(database, "t", "s3", {"bucket": bucket.name, "file_format": "xml.gz"})
    job = run(client, client.export_data(database, "t", "s3", {"bucket": "no-bucket-here"}))
    assert job.error() and "does not exist" in job.debug["stderr"]
    job = run(
        client, client.export_data(database, "t", "s3", {"bucket": bucket.name, "file_prefix": "../../x"})
    )
    assert job.error() and "cannot be an object's name" in job.debug["stderr"]


def result(client: tdclient.Client, database: str, url: str, sql: str = "select 1 as a, 'x' as b") -> Any:
    return run(client, client.query(database, sql, type="presto", result_url=url).id)


def test_a_result_goes_to_a_table(client: tdclient.Client, database: str) -> None:
    for mode in ("append", "append", "replace", "append"):
        job = result(client, database, f"td://@/{database}/made?mode={mode}")
        assert job.success() and job.num_records == 1
        assert list(job.result()) == [[1, "x"]]
    assert rows(client, database, "select a, b from made") == [[1, "x"], [1, "x"]]


def test_a_result_goes_to_a_bucket(client: tdclient.Client, database: str, bucket: Path) -> None:
    url = f"s3://key:sesame@/{bucket.name}/out/a.csv?null=NULL&newline=lf"
    job = result(client, database, url, "select 1 as a, null as b, array[1, 2] as c")
    assert job.success() and "sesame" not in job.result_url
    assert (bucket / "out/a.csv").read_text() == 'a,b,c\n1,NULL,"[1,2]"\n'
    job = result(client, database, f"sftp://u:p@{bucket.name}:22/a.tsv.gz?header=false")
    assert job.success()
    assert gzip.decompress((bucket / "a.tsv.gz").read_bytes()) == b"1\tx\r\n"


def test_results_elsewhere_are_kept_and_never_sent(
    client: tdclient.Client, database: str, server: LocalServer
) -> None:
    job = result(client, database, "mysql://user:sesame@host/db/table")
    assert job.success() and "never sent" in job.debug["cmdout"] and "sesame" not in job.result_url
    kept = server.state / "unsent" / f"{job.id}.jsonl.gz"
    assert gzip.decompress(kept.read_bytes()) == b'{"a":1,"b":"x"}\n'
    assert "sesame" not in (server.state / "unsent" / f"{job.id}.json").read_text()


@pytest.mark.parametrize(
    "url", ["nothing", "td://@/", "td://@/no_such_db/t", "s3://k:s@/no-bucket/x.csv", "{", "{}"]
)
def test_result_outputs_that_cannot_be_are_refused_at_once(
    client: tdclient.Client, database: str, url: str
) -> None:
    with pytest.raises(errors.APIError):
        client.query(database, "select 1", type="presto", result_url=url)


def test_a_finished_result_is_exported_by_its_connection(
    client: tdclient.Client, database: str, server: LocalServer, bucket: Path
) -> None:
    """As Digdag's td_result_export> does it."""
    client.create_result(f"lake_{database}", f"s3://key:sesame@/{bucket.name}")
    assert not any("sesame" in one.url for one in client.results())
    headers = {"Authorization": server.key}
    lookup = requests.get(
        f"{server.url}/v3/connections/lookup", params={"name": f"lake_{database}"}, headers=headers, timeout=9
    )
    job = result(client, database, "")
    form = {"result_connection_id": lookup.json()["id"], "result_connection_settings": '{"path": "r.jsonl"}'}
    answer = requests.post(
        f"{server.url}/v3/job/result_export/{job.id}", data=form, headers=headers, timeout=9
    )
    exported = run(client, answer.json()["job_id"])
    assert exported.success() and (bucket / "r.jsonl").read_bytes() == b'{"a":1,"b":"x"}\n'
    client.delete_result(f"lake_{database}")
