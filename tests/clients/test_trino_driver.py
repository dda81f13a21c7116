"""The trino driver and SQLAlchemy's dialect on the statement protocol."""

from __future__ import annotations

import datetime
import decimal
import http.client
import json
import math
import threading
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlparse

import pytest
import requests
import trino

from tdlocal.local_server import LocalServer


@pytest.fixture
def connection(server: LocalServer, database: str) -> Iterator[trino.dbapi.Connection]:
    address = urlparse(server.url)
    with trino.dbapi.connect(
        host=address.hostname, port=address.port, user=server.key, catalog="td-presto", schema=database,
        timezone="UTC",
    ) as made:  # fmt: skip
        yield made


def fetched(connection: trino.dbapi.Connection, sql: str, params: object = None) -> list[list[object]]:
    cursor = connection.cursor()
    cursor.execute(sql, params)
    return cursor.fetchall()


@pytest.mark.parametrize(
    "sql, value",
    [
        ("cast(1 as bigint)", 1),
        ("cast(9007199254740993 as bigint)", 2**53 + 1),
        ("true", True),
        ("1.5e0", 1.5),
        ("infinity()", math.inf),
        ("cast('1.50' as decimal(10, 2))", decimal.Decimal("1.50")),
        ("'é'", "é"),
        ("cast(null as varchar)", None),
        ("date '2026-11-01'", datetime.date(2026, 11, 1)),
        ("timestamp '2026-11-01 09:30:00.250'", datetime.datetime(2026, 11, 1, 9, 30, 0, 250000)),
        ("from_unixtime(0)", datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)),
        ("array[1, null, 3]", [1, None, 3]),
        ("array[array['a']]", [["a"]]),
        ("map(array['k'], array[1.5e0])", {"k": 1.5}),
        ("x'00ff'", b"\x00\xff"),
        ("row(1, 'x')", (1, "x")),
    ],
)
def test_values_keep_their_type(connection: trino.dbapi.Connection, sql: str, value: object) -> None:
    assert fetched(connection, f"select {sql}") == [[value]]


def test_nan_is_nan(connection: trino.dbapi.Connection) -> None:
    assert math.isnan(fetched(connection, "select nan()")[0][0])  # type: ignore[arg-type]


def test_description_has_types(connection: trino.dbapi.Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("select cast(1 as bigint) n, cast('a' as varchar(5)) s, cast(1 as decimal(10, 2)) d")
    assert [column[:2] for column in cursor.description] == [
        ("n", "bigint"), ("s", "varchar(5)"), ("d", "decimal(10,2)"),
    ]  # fmt: skip


@pytest.mark.parametrize("value", [1, 1.5, "it's", None, True, datetime.date(2026, 1, 2), [1, 2], b"\x01"])
def test_parameters(connection: trino.dbapi.Connection, value: object) -> None:
    assert fetched(connection, "select ?, '?' -- ?", (value,)) == [[value, "?"]]


def test_prepared_statements(connection: trino.dbapi.Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("prepare find from select * from (values 1, 2, 3) t (n) where n > ?").fetchall()
    assert fetched(connection, "execute find using 1") == [[2], [3]]
    assert fetched(connection, "describe input find") == [[0, "unknown"]]
    assert fetched(connection, "describe output find") == [["n", "", "", "", "integer", 0, False]]
    cursor.execute("deallocate prepare find").fetchall()
    assert connection._client_session.prepared_statements == {}
    with pytest.raises(trino.exceptions.TrinoUserError, match="Prepared statement not found"):
        fetched(connection, "execute another using 1")


def test_a_wrong_number_of_parameters(connection: trino.dbapi.Connection) -> None:
    with pytest.raises(trino.exceptions.TrinoUserError) as caught:
        fetched(connection, "select ?, ?", (1,))
    assert caught.value.error_name == "INVALID_PARAMETER_USAGE"


def test_session_properties_and_use(connection: trino.dbapi.Connection, database: str) -> None:
    cursor = connection.cursor()
    cursor.execute("set session query_max_run_time = '1h'").fetchall()
    assert connection._client_session.properties == {"query_max_run_time": "1h"}
    cursor.execute("reset session query_max_run_time").fetchall()
    assert connection._client_session.properties == {}
    cursor.execute("create table t as select 1 as a").fetchall()
    connection._client_session.schema = "nowhere_else"
    cursor.execute(f"use {database}").fetchall()
    assert fetched(connection, "select a from t") == [[1]]


def test_writes_tell_how_many_rows(connection: trino.dbapi.Connection) -> None:
    cursor = connection.cursor()
    cursor.execute("create table t (a bigint)")
    cursor.execute("insert into t (a) values 1, 2, 3")
    assert cursor.fetchall() == [[3]]
    assert cursor.update_type == "INSERT"


@pytest.mark.parametrize(
    "sql, name",
    [
        ("select * from nothing", "TABLE_NOT_FOUND"),
        ("select nothing from (values 1) t (a)", "COLUMN_NOT_FOUND"),
        ("select from where", "SYNTAX_ERROR"),
        ("select 1 / 0", "DIVISION_BY_ZERO"),
        ("select cast('x' as bigint)", "INVALID_CAST_ARGUMENT"),
        ("select no_such_function(1)", "FUNCTION_NOT_FOUND"),
        ("select 1; select 2", "SYNTAX_ERROR"),
    ],
)
def test_errors_have_trinos_names(connection: trino.dbapi.Connection, sql: str, name: str) -> None:
    with pytest.raises(trino.exceptions.TrinoUserError) as caught:
        fetched(connection, sql)
    assert caught.value.error_name == name


def test_a_time_zone_that_does_not_exist(server: LocalServer) -> None:
    headers = {"X-Trino-User": server.key, "X-Trino-Time-Zone": "Mars/Base"}
    assert requests.post(f"{server.url}/v1/statement", data=b"select 1", headers=headers).status_code == 400


def test_an_empty_statement_is_a_bad_request(server: LocalServer) -> None:
    headers = {"X-Trino-User": server.key}
    assert requests.post(f"{server.url}/v1/statement", data=b" \n", headers=headers).status_code == 400
    assert requests.post(f"{server.url}/v1/statement", data=b"\xff", headers=headers).status_code == 400


def test_a_wrong_key_is_refused(server: LocalServer) -> None:
    for headers in ({}, {"X-Trino-User": "nobody"}, {"Authorization": "Basic bm9ib2R5OnB3"}):
        answer = requests.post(f"{server.url}/v1/statement", data=b"select 1", headers=headers)
        assert answer.status_code == 401


SLOW = (
    "select count(*) from table(sequence(1, 30000)) a (x) "
    "cross join table(sequence(1, 3000000)) b (y) where x * y % 7 = 3"
)


def test_a_slow_statement_is_cancelled(connection: trino.dbapi.Connection) -> None:
    cursor = connection.cursor()
    caught: list[Exception] = []

    def run() -> None:
        try:
            cursor.execute(SLOW)
        except Exception as error:
            caught.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(1.5)
    started = time.perf_counter()
    cursor.cancel()
    thread.join(20)
    assert not thread.is_alive() and time.perf_counter() - started < 10


def test_a_page_can_be_asked_for_again(server: LocalServer, database: str) -> None:
    headers = {"X-Trino-User": server.key, "X-Trino-Schema": database}
    sql = (
        b"select n, m from table(sequence(1, 5000)) a (n) "
        b"cross join table(sequence(1, 20)) b (m) order by 1, 2"
    )
    first = requests.post(f"{server.url}/v1/statement", data=sql, headers=headers).json()
    rows: list[list[int]] = []
    page = first
    while "nextUri" in page:
        address = page["nextUri"]
        page = requests.get(address, headers=headers).json()
        assert requests.get(address, headers=headers).json() == page
        rows += page.get("data", [])
    assert rows == [[n, m] for n in range(1, 5001) for m in range(1, 21)]
    assert requests.get(first["nextUri"], headers=headers).status_code in (404, 410)
    assert requests.get(address.replace("/executing/", "/executing/x"), headers=headers).status_code == 404


def behind_next_uri(server: LocalServer, sql: str, **headers: str) -> tuple[list[dict[str, Any]], list[Any]]:
    """All replies to a statement, read as PyHive, trino-js-client and trino-go-client do: what the first
    one tells beside its nextUri is not looked at, and no user is sent with the requests that follow.
    """
    sent = {"X-Trino-User": server.key, **headers}
    first = requests.post(f"{server.url}/v1/statement", data=sql.encode(), headers=sent)
    assert first.json().keys() == {"id", "infoUri", "stats", "warnings", "nextUri"}
    assert first.json()["stats"]["state"] == "QUEUED"
    replies, kept = [first.json()], [first]
    while "nextUri" in replies[-1]:
        kept.append(requests.get(replies[-1]["nextUri"]))
        replies.append(kept[-1].json())
    return replies, [one.headers for one in kept]


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("select 1 a, 'x' b", {"data": [[1, "x"]]}),
        ("create schema behind_next_uri", {"data": [[True]], "updateType": "CREATE SCHEMA"}),
        ("prepare p from select 1", {"data": [[True]], "updateType": "PREPARE"}),
        ("use other", {"updateType": "USE"}),
    ],
)
def test_rows_and_headers_come_behind_next_uri(server: LocalServer, sql: str, told: dict[str, Any]) -> None:
    replies, headers = behind_next_uri(server, sql)
    assert told.items() <= replies[-1].items() and replies[-1]["stats"]["state"] == "FINISHED"
    wanted = {"prepare": "X-Trino-Added-Prepare", "use": "X-Trino-Set-Schema"}.get(sql.split()[0])
    assert wanted is None or (wanted in headers[-1] and wanted not in headers[0])


def test_errors_and_many_rows_come_behind_next_uri(server: LocalServer) -> None:
    for sql in ("select nope", "execute nope"):
        replies, _ = behind_next_uri(server, sql)
        assert replies[-1]["error"]["errorType"] == "USER_ERROR", replies
    replies, _ = behind_next_uri(server, "select n from table(sequence(1, 60000)) a (n)")
    assert sum(len(reply.get("data", [])) for reply in replies) == 60000


def test_a_statement_is_told_about_and_stopped_by_its_id(server: LocalServer) -> None:
    headers = {"X-Trino-User": server.key}
    replies, _ = behind_next_uri(server, "select nope")
    info = requests.get(replies[0]["infoUri"], headers=headers).json()
    assert (info["state"], info["query"], info["errorCode"]["name"]) == (
        "FAILED",
        "select nope",
        "COLUMN_NOT_FOUND",
    )
    slow = requests.post(f"{server.url}/v1/statement", data=SLOW.encode(), headers=headers).json()
    assert requests.get(slow["infoUri"], headers=headers).json()["state"] == "RUNNING"
    assert requests.delete(slow["infoUri"]).status_code == 401
    assert requests.delete(slow["infoUri"], headers=headers).status_code == 204
    assert requests.get(slow["nextUri"]).status_code == 404
    assert requests.get(f"{server.url}/v1/query/nobody", headers=headers).status_code == 410


def test_a_transaction_reads_and_writes_nothing(server: LocalServer, database: str) -> None:
    """What a connector without transactions of its own does: setAutoCommit(false) is for reading."""
    address = urlparse(server.url)
    level = trino.transaction.IsolationLevel.READ_COMMITTED
    with trino.dbapi.connect(
        host=address.hostname, port=address.port, user=server.key, catalog="td-presto", schema=database,
        isolation_level=level,
    ) as careful:  # fmt: skip
        assert fetched(careful, "-- all\n (select 1)") == [[1]]
        for sql, name in [
            ("create table t as select 1 a", "AUTOCOMMIT_WRITE_CONFLICT"),
            ("start transaction", "NOT_SUPPORTED"),
        ]:
            with pytest.raises(trino.exceptions.TrinoUserError) as caught:
                fetched(careful, sql)
            assert caught.value.error_name == name
        careful.commit()
        assert fetched(careful, "select 2") == [[2]]
        careful.rollback()
    replies, _ = behind_next_uri(server, "commit")
    assert replies[-1]["error"]["errorName"] == "NOT_IN_TRANSACTION"


def test_a_header_may_come_several_times(server: LocalServer) -> None:
    """JDBC sends a line for each statement that is prepared."""
    address = urlparse(server.url)
    line = http.client.HTTPConnection(address.hostname, address.port)
    line.putrequest("POST", "/v1/statement")
    for name, value in [
        ("X-Trino-User", server.key),
        ("X-Trino-Source", "trino-python-client"),
        ("X-Trino-Prepared-Statement", "one=select%20%3F%2C%201"),
        ("X-Trino-Prepared-Statement", "two=select%202"),
        ("Content-Length", "20"),
    ]:
        line.putheader(name, value)
    line.endheaders(b"execute one using 7 ")
    assert json.loads(line.getresponse().read())["data"] == [[7, 1]]
    line.close()


def test_a_statement_may_take_as_long_as_the_session_says(server: LocalServer, database: str) -> None:
    address = urlparse(server.url)
    limits = {"query_max_run_time": "200ms", "query_max_execution_time": "1h"}
    with trino.dbapi.connect(
        host=address.hostname, port=address.port, user=server.key, catalog="td-presto", schema=database,
        session_properties=limits,
    ) as hasty:  # fmt: skip
        assert fetched(hasty, "select 1") == [[1]]
        with pytest.raises(trino.exceptions.TrinoQueryError) as caught:
            fetched(hasty, SLOW)
    assert (caught.value.error_name, caught.value.error_code) == ("EXCEEDED_TIME_LIMIT", 131075)
    headers = {"X-Trino-User": server.key, "X-Trino-Session": "query_max_run_time=soon"}
    assert requests.post(f"{server.url}/v1/statement", data=b"select 1", headers=headers).status_code == 400


@pytest.mark.parametrize(
    "table",
    ["system.jdbc.attributes", "system.jdbc.procedure_columns", "information_schema.enabled_roles",
     "information_schema.applicable_roles"],
)  # fmt: skip
def test_tables_that_drivers_read_are_there(connection: trino.dbapi.Connection, table: str) -> None:
    assert fetched(connection, f"select * from {table}") == []


def test_the_server_tells_its_version(server: LocalServer, connection: trino.dbapi.Connection) -> None:
    told = requests.get(f"{server.url}/v1/info").json()["nodeVersion"]["version"]
    assert fetched(connection, "select version(), node_version from system.runtime.nodes") == [[told, told]]


def test_the_catalog_has_treasure_datas_name(connection: trino.dbapi.Connection, database: str) -> None:
    """dbt, JDBC tools and people write the catalog before the schema, and look tables up by it."""
    fetched(connection, f'create table "td-presto"."{database}".t as select 1 as "Ä b"')
    named = f'"td-presto".{database}.t'
    assert fetched(connection, f'select {named}."ä b" from {named}') == [[1]]
    assert fetched(connection, "select current_catalog") == [["td-presto"]]
    assert fetched(connection, "show catalogs") == [["td-presto"], ["system"]]
    found = fetched(
        connection,
        'select t.table_catalog, t.table_name, mv.name from "td-presto".information_schema.tables t'
        " left join (select * from system.metadata.materialized_views where catalog_name = 'td-presto') mv"
        f" on mv.name = t.table_name where t.table_schema = '{database}'",
    )
    assert found == [["td-presto", "t", None]]
    [[text]] = fetched(connection, f"show create table {database}.t")
    assert text.startswith(f'CREATE TABLE "td-presto".{database}.t (') and '"ä b" integer' not in text
    with pytest.raises(trino.exceptions.TrinoUserError, match="Catalog 'hive' not found"):
        fetched(connection, f"select * from hive.{database}.t")
