"""Whatever bytes come in, the answer is a 4xx or a sensible 2xx, never a 5xx and never a hang."""

from __future__ import annotations

import gzip
import itertools
import json
import zlib
from typing import Any
from urllib.parse import quote

import msgpack
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tdlocal.account.account import Account
from tdlocal.account.imports import import_records
from tdlocal.account.prepared import bind, count_marks, plan, split
from tdlocal.api.server import Application
from tdlocal.api.wire import Fault, Request, multipart_fields
from tdlocal.engine.types import EngineError

NUMBERS = itertools.count()
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FEW = settings(QUICK, max_examples=50)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=5,
)
RECORDS = st.lists(
    st.dictionaries(st.text(max_size=8), VALUES, max_size=4).map(lambda record: {**record, "time": 1}),
    max_size=4,
)


def status(application: Application, method: str, path: str, **more: Any) -> int:
    headers = {"authorization": "1/test", **more.pop("headers", {})}
    request = Request(method, path, more.pop("query", ""), headers, more.pop("body", b""))
    return application.reply_to(application.router.find(method, path), request).status


@QUICK
@given(body=st.binary(max_size=200))
@pytest.mark.parametrize("frame", ["bare", "gzip", "cut"])
def test_imports_of_any_bytes(application: Application, body: bytes, frame: str) -> None:
    account = application.account
    if account.engine.table("shop", "events") is None:
        account.tables.create("shop", "events")
    packed = body if frame == "bare" else gzip.compress(body)[: None if frame == "gzip" else -5]
    answer = status(application, "PUT", "/v3/table/import/shop/events/msgpack.gz", body=packed)
    assert answer in (200, 422)


@FEW
@given(records=RECORDS)
def test_imports_of_any_records(account: Account, records: list[dict[str, Any]]) -> None:
    name = f"t{next(NUMBERS)}"
    account.tables.create("shop", name)
    body = gzip.compress(b"".join(msgpack.packb(record) for record in records))
    assert import_records(account, "shop", name, body) == len(records)
    assert account.tables.info("shop", name).rows == len(records)


def test_a_bomb_is_refused(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tdlocal.account.imports.UNPACKED_LIMIT", 2**20)
    application.account.tables.create("shop", "events")
    bomb = gzip.compress(msgpack.packb({"time": 1, "a": "x" * 2**22}))
    assert len(bomb) < 2**14
    assert status(application, "PUT", "/v3/table/import/shop/events/msgpack.gz", body=bomb) == 422


def test_a_deeply_nested_record_is_refused(application: Application) -> None:
    application.account.tables.create("shop", "events")
    deep = b"\x82\xa4time\x01\xa1a" + b"\x91" * 5000 + b"\x01"
    assert status(application, "PUT", "/v3/table/import/shop/events/msgpack.gz", body=deep) in (200, 422)


@QUICK
@given(body=st.binary(max_size=300), boundary=st.text(max_size=10))
def test_multipart_of_any_bytes(body: bytes, boundary: str) -> None:
    for content_type in (f"multipart/form-data; boundary={boundary}", "multipart/form-data"):
        try:
            fields = multipart_fields(content_type, body)
        except Fault as fault:
            assert fault.status == 400
        else:
            assert all(isinstance(value, str) for value in fields.values())


@QUICK
@given(fields=st.dictionaries(st.text("abc", min_size=1), st.text(st.characters(exclude_categories=["Cs"]))))
def test_multipart_comes_back(fields: dict[str, str]) -> None:
    parts = [
        f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join(parts) + "--frontier--\r\n"
    assert multipart_fields("multipart/form-data; boundary=frontier", body.encode()) == fields


@QUICK
@given(body=st.binary(max_size=200))
@pytest.mark.parametrize(
    "kind",
    ["application/json", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "", "a/b"],
)
@pytest.mark.parametrize(
    "path",
    [
        "/v3/job/issue/presto/shop",
        "/v3/schedule/create/x",
        "/v3/table/update-schema/shop/t",
        "/v3/user/add/x",
    ],
)
def test_any_body_of_any_kind(application: Application, path: str, kind: str, body: bytes) -> None:
    answer = status(application, "POST", path, body=body, headers={"content-type": kind})
    assert answer < 500


@QUICK
@given(value=st.recursive(st.none() | st.integers() | st.text(max_size=6), lambda inner: st.lists(inner)))
def test_any_schema(application: Application, value: Any) -> None:
    if application.account.engine.table("shop", "t") is None:
        application.account.tables.create("shop", "t")
    body = json.dumps({"schema": value}).encode()
    answer = status(
        application, "POST", "/v3/table/update-schema/shop/t", body=body,
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert answer in (200, 422)


@QUICK
@given(names=st.lists(st.text(min_size=1, max_size=12), min_size=3, max_size=3))
@pytest.mark.parametrize(
    "method, path",
    [
        ("POST", "/v3/database/create/{0}"),
        ("POST", "/v3/database/delete/{0}"),
        ("GET", "/v3/table/list/{0}"),
        ("POST", "/v3/table/create/{0}/{1}/log"),
        ("POST", "/v3/table/create/shop/{1}/log"),
        ("POST", "/v3/table/swap/shop/{1}/{2}"),
        ("GET", "/v3/job/show/{0}"),
        ("GET", "/v3/job/result/{0}"),
        ("POST", "/v3/bulk_import/create/{0}/shop/{1}"),
        ("PUT", "/v3/bulk_import/upload_part/{0}/{1}"),
        ("POST", "/v3/schedule/run/{0}/{1}"),
        ("GET", "/v1/statement/executing/{0}/{1}/{2}"),
        ("GET", "/v3/{0}/{1}"),
    ],
)
def test_any_names_in_a_path(application: Application, method: str, path: str, names: list[str]) -> None:
    spelled = path.format(*(quote(name, safe="", errors="replace") for name in names))
    assert status(application, method, spelled) < 500 or path == "/v3/{0}/{1}"


@QUICK
@given(header=st.text(max_size=40))
def test_any_key(application: Application, header: str) -> None:
    assert status(application, "GET", "/v3/database/list", headers={"authorization": header}) in (200, 401)


@QUICK
@given(query=st.text(max_size=40))
@pytest.mark.parametrize("path", ["/v3/job/list", "/v3/table/tail/shop/t", "/v3/schedule/history/x"])
def test_any_query_string(application: Application, path: str, query: str) -> None:
    assert status(application, "GET", path, query=query) < 500
    assert status(application, "GET", path, query=f"from={quote(query)}&count={quote(query)}") < 500


def test_a_number_beyond_64_bits_is_refused(application: Application) -> None:
    for path in ("/v3/job/list", "/v3/table/tail/shop/t", "/v3/schedule/history/x"):
        big = 2**63
        assert 400 <= status(application, "GET", path, query=f"from={big}&to={big}&count={big}") < 500


@QUICK
@given(sql=st.text(max_size=80), values=st.lists(st.text(max_size=5), max_size=3))
def test_any_statement_text(sql: str, values: list[str]) -> None:
    for text in (sql, f"execute immediate '{sql}' using {','.join(values)}", f"prepare a from {sql}"):
        try:
            plan(text, {"a": sql})
            bind(sql, values)
        except EngineError as error:
            assert error.kind == "USER_ERROR"
    assert count_marks(sql) <= sql.count("?")
    split(sql)


@QUICK
@given(sql=st.text(max_size=60))
def test_any_sql_over_the_statement_protocol(application: Application, sql: str) -> None:
    headers = {"x-trino-schema": "shop"}
    body = sql.encode("utf-8", "replace")
    assert status(application, "POST", "/v1/statement", body=body, headers=headers) in (200, 400)


@pytest.mark.parametrize("data", [zlib.compress(b"x"), b"\x1f\x8b", b"\x1f\x8b\x08" + b"\xff" * 30, b"\xc1"])
def test_broken_streams(application: Application, data: bytes) -> None:
    application.account.tables.create("shop", "events")
    assert status(application, "PUT", "/v3/table/import/shop/events/msgpack.gz", body=data) == 422


WORDS = st.sampled_from(
    """
    type csv tsv json jsonl msgpack s3 lake in out filters parser columns name long double string
    timestamp boolean  format %Y-%m-%d %z %Q delimiter quote escape charset utf-8 utf-16 base64 decoders
    gzip zip bzip2 rename rules rule  character_types regex_replace match ( replace add_time to_column
    from_column from_value mode fixed_time value  incremental_time expand_json json_column_name
    expanded_columns record root column add_columns default remove keep  append skip_header_lines 1
    path_match_pattern time_column max_length unique_number_suffix
    """.split()
)
CONFIGS = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 2**40) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=15,
)


@FEW
@given(
    parser=CONFIGS,
    filters=CONFIGS,
    source=st.dictionaries(WORDS, CONFIGS, max_size=2),
    content=st.binary(max_size=80),
)
@example(parser={"charset": 1}, filters=None, source={}, content=b"\0")
@pytest.mark.parametrize("call", ["preview", "guess"])
def test_any_bulk_load(
    application: Application, call: str, parser: Any, filters: Any, source: Any, content: bytes
) -> None:
    bucket = application.account.state / "buckets" / "lake"
    bucket.mkdir(parents=True, exist_ok=True)
    (bucket / "a").write_bytes(content)
    config = {
        "in": {**source, "type": "s3", "bucket": "lake", "path_prefix": "a", "parser": parser},
        "filters": filters,
    }
    body = json.dumps({"config": config}).encode()
    headers = {"content-type": "application/json"}
    assert status(application, "POST", f"/v3/bulk_loads/{call}", body=body, headers=headers) in (
        200,
        404,
        422,
    )


@FEW
@given(
    content=st.binary(max_size=120),
    kind=st.sampled_from(["csv", "json", "jsonl", "msgpack"]),
    options=st.dictionaries(WORDS, CONFIGS, max_size=3),
)
def test_any_object_of_a_bulk_load(
    application: Application, content: bytes, kind: str, options: dict[str, Any]
) -> None:
    account = application.account
    bucket = account.state / "buckets" / "lake"
    bucket.mkdir(parents=True, exist_ok=True)
    (bucket / "a").write_bytes(content)
    columns = [
        {"name": name, "type": name} for name in ("long", "double", "string", "timestamp", "boolean", "json")
    ]
    parser = {**options, "type": kind, "columns": columns, "allow_optional_columns": True}
    config = {"in": {"type": "s3", "bucket": "lake", "path_prefix": "a", "parser": parser}}
    body = json.dumps({"config": config}).encode()
    headers = {"content-type": "application/json"}
    assert status(application, "POST", "/v3/bulk_loads/preview", body=body, headers=headers) in (200, 422)


@FEW
@given(
    value=VALUES,
    kind=st.sampled_from(["application/json", "application/vnd.treasuredata.v1+json", "text/plain"]),
)
@pytest.mark.parametrize(
    "path", ["/js/v3/event/shop/e", "/postback/v3/event/shop/e", "/shop/e", "/v3/access_control/policies"]
)
def test_any_event(application: Application, path: str, value: Any, kind: str) -> None:
    try:
        body = json.dumps(value).encode()
    except (TypeError, ValueError):
        body = repr(value).encode()
    answer = status(application, "POST", path, body=body, headers={"content-type": kind})
    assert answer < 500 or (answer == 501 and path == "/shop/e")


@FEW
@given(url=st.text(max_size=30), scheme=st.sampled_from(["td", "s3", "gs", "sftp", "mysql", "{", ""]))
def test_any_result_output(application: Application, scheme: str, url: str) -> None:
    text = json.dumps({"type": url}) if scheme == "{" else f"{scheme}://{url}" if scheme else url
    body = json.dumps({"query": "select 1", "result": text}).encode()
    headers = {"content-type": "application/json"}
    assert status(application, "POST", "/v3/job/issue/presto/shop", body=body, headers=headers) < 500
