"""Treasure Data's APIs as tasks use them: one request, one job, one table.

``connect`` gives pytd's client for tasks that work with data frames; ``call`` is one HTTP request by the
rules of common.python.client; ``run_query`` runs SQL as a job, once, even when an answer is lost on the way.
The last two need the standard library alone, so that a small task starts quickly.

Reads     TD_API_KEY, TD_API_SERVER, TD_PRESTO_API of the task's `_env`
"""

from __future__ import annotations

import json as jsonlib
import os
import sys
import time
import urllib.parse
import uuid
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from common.python.client import SAFE_METHODS, ApiError, decoded, send
from common.python.errors import TaskError
from common.python.once import once


class Rows(NamedTuple):
    """The answer of a query: column names, rows as lists, the job and how many rows it made."""

    columns: list[str]
    rows: list[list[Any]]
    job_id: str = ""
    count: int = 0

    def dicts(self) -> list[dict[str, Any]]:
        """Return the rows as dicts."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def connect(database: str) -> Any:
    """Return pytd's client for *database*; its key and hosts come from the task's `_env`.

    Raises TaskError when the key or the server is missing there.
    """
    import pytd

    return pytd.Client(apikey=api_key(), endpoint=api_server(), database=database, default_engine="presto")


def api_key() -> str:
    """Return the API key of the task's `_env`."""
    return from_env("TD_API_KEY", "${secret:td.apikey}")


def api_server() -> str:
    """Return the API's URL, without a slash at the end."""
    return from_env("TD_API_SERVER", "${endpoints.api}").rstrip("/")


def from_env(name: str, value: str) -> str:
    """Return an environment variable that the task's `_env` has to set."""
    found = os.environ.get(name, "")
    if not found:
        raise TaskError(f"{name} is not set", where="the task's _env", mend=f'add {name}: "{value}" there')
    return found


def call(
    method: str,
    url: str,
    *,
    json: Any = None,
    form: Mapping[str, Any] | None = None,
    params: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
    repeatable: bool | None = None,
    timeout: float = 0.0,
    raw: bool = False,
) -> Any:
    """Send one request to an API of Treasure Data and return its JSON answer.

    Transient faults (429, 5xx, broken connections) are tried again with growing, jittered waits that
    honour Retry-After, if the request may be repeated: GET, HEAD, PUT and DELETE are, POST and PATCH
    only when the caller says so because a key or its meaning makes a second one harmless.

    Args:
        method: HTTP's word.
        url: whole URL, or a path of the api host such as `/v3/table/list/src_retail`.
        json: body, sent as JSON.
        form: body, sent as form fields.
        params: added to the URL.
        headers: added to the request.
        repeatable: whether a second request does no harm; told from the method when None.
        timeout: seconds without a word before a try counts as broken; that of the settings when 0.
        raw: return the answer's bytes.

    Returns:
        The decoded JSON, None for an empty answer, text when it is no JSON, bytes when *raw*.

    Raises:
        ApiError: the answer was a refusal, or no answer came in all tries. Its text holds no key.
    """
    target = address(url, params)
    told = {"Authorization": f"TD1 {api_key()}", **(headers or {})}
    body = None
    if json is not None:
        body = jsonlib.dumps(json).encode()
        told.setdefault("Content-Type", "application/json")
    elif form is not None:
        body = urllib.parse.urlencode(form).encode()
        told.setdefault("Content-Type", "application/x-www-form-urlencoded")
    elif method == "POST":
        body = b""
    may_repeat = method in SAFE_METHODS if repeatable is None else repeatable
    answer = send(method, target, told, body, may_repeat=may_repeat, timeout=timeout)
    return answer if raw else decoded(answer)


def address(url: str, params: Mapping[str, Any] | None = None) -> str:
    """Return the whole URL. A local account answers for every host of Treasure Data."""
    server = api_server()
    if url.startswith("/"):
        url = server + url
    parts = urllib.parse.urlsplit(url)
    home = urllib.parse.urlsplit(server)
    if "treasuredata" in (parts.hostname or "") and home.hostname in ("127.0.0.1", "localhost", "::1"):
        url = urllib.parse.urlunsplit((home.scheme, home.netloc, parts.path, parts.query, ""))
    if params:
        url += ("&" if "?" in url else "?") + urllib.parse.urlencode(params)
    return url


def run_query(
    database: str,
    sql: str,
    *,
    session_unixtime: int | str | None = None,
    rows: bool = True,
    domain_key: str | None = None,
) -> Rows:
    """Run *sql* as a job, once, wait for it, and return its rows.

    Args:
        database: where unqualified names are looked up.
        sql: Trino SQL; several statements with `;` between are run in order.
        session_unixtime: what TD_SCHEDULED_TIME() answers.
        rows: False leaves the rows where they are and counts only.
        domain_key: a second job with the same key is not started; a fresh one when None.

    Raises:
        TaskError: the job failed; its text holds Trino's message.
    """
    job_id = issue(database, sql, session_unixtime, domain_key or str(uuid.uuid4()))
    job = ended(job_id, "show" if rows else "status")
    if job["status"] != "success":
        job = job if rows else call("GET", f"/v3/job/show/{job_id}")
        debug = job.get("debug") or {}
        text = str(debug.get("stderr") or debug.get("cmdout") or "no message").strip()
        raise TaskError(
            text[-2000:], where=f"job {job_id} on {database}", mend="mend what the message names, run again"
        )
    if not rows:
        return Rows([], [], job_id)
    columns = [column[0] for column in jsonlib.loads(job.get("hive_result_schema") or "[]")]
    body = call("GET", f"/v3/job/result/{job_id}", params={"format": "json"}, raw=True)
    found = [jsonlib.loads(line) for line in body.decode("utf-8").split("\n") if line.strip()]
    return Rows(columns, found, job_id, len(found))


def issue(database: str, sql: str, session_unixtime: int | str | None, domain_key: str) -> str:
    """Start a job and return its id; a lost answer does not start it twice."""
    form: dict[str, Any] = {"query": sql + task_mark(), "priority": 0, "domain_key": domain_key}
    if session_unixtime is not None:
        form["scheduled_time"] = int(session_unixtime)
    try:
        answer = call("POST", f"/v3/job/issue/presto/{quoted_path(database)}", form=form, repeatable=True)
    except ApiError as error:
        details = error.answer.get("details") if isinstance(error.answer, dict) else None
        if error.status == 409 and details and details.get("conflicts_with"):
            return str(details["conflicts_with"])
        raise
    return str(answer["job_id"])


def task_mark() -> str:
    """Return the line that tells whose job it is, as Digdag writes it above the SQL of td> tasks.

    It comes last, so that the lines which an error names are those of the SQL.
    """
    digdag = sys.modules.get("digdag")
    name = digdag.env.params.get("task_name") if digdag is not None else None
    return f"\n-- task_name: {name}" if name else ""


def ended(job_id: str, word: str) -> dict[str, Any]:
    """Return what `/v3/job/status` or `/v3/job/show` says of a job when it is over.

    It is asked for at growing intervals of at most five seconds.
    """
    interval = 0.02
    while True:
        job: dict[str, Any] = call("GET", f"/v3/job/{word}/{job_id}")
        if job["status"] not in ("queued", "booting", "running"):
            return job
        time.sleep(interval)
        interval = min(5.0, interval * 1.6)


def tables(database: str) -> dict[str, dict[str, Any]]:
    """Return the tables of *database* by name, as `/v3/table/list` tells them; none when it is not there."""
    try:
        answer = call("GET", f"/v3/table/list/{quoted_path(database)}")
    except ApiError as error:
        if error.status == 404:
            return {}
        raise
    return {table["name"]: table for table in answer["tables"]}


def columns_of(table: Mapping[str, Any]) -> dict[str, str]:
    """Return column → type (string, long, double, array<…>) of one of `tables`' values, without `time`.

    >>> columns_of({"schema": '[["email","string"],["total","long"]]'})
    {'email': 'string', 'total': 'long'}
    """
    return {column[0]: column[1] for column in jsonlib.loads(table.get("schema") or "[]")}


def create_database(database: str) -> None:
    """Create *database* unless it is there."""
    try:
        call("POST", f"/v3/database/create/{quoted_path(database)}", repeatable=True)
    except ApiError as error:
        if error.status != 409:
            raise


def rename_table(database: str, name: str, new_name: str) -> None:
    """Rename a table, over another of the new name if there is one; a lost answer is no fault."""
    path = "/".join(quoted_path(part) for part in (database, name, new_name))
    once(
        lambda: call("POST", f"/v3/table/rename/{path}", form={"overwrite": "true"}),
        lambda: True if name not in tables(database) else None,
    )


def swap_tables(database: str, first: str, second: str) -> None:
    """Exchange the contents of two tables at once."""
    call("POST", "/v3/table/swap/" + "/".join(quoted_path(part) for part in (database, first, second)))


def delete_table(database: str, name: str) -> None:
    """Delete a table; one that is not there is no fault."""
    try:
        call("POST", f"/v3/table/delete/{quoted_path(database)}/{quoted_path(name)}", repeatable=True)
    except ApiError as error:
        if error.status != 404:
            raise


def insert_rows(
    database: str,
    table: str,
    columns: Mapping[str, str],
    rows: Sequence[Mapping[str, Any]],
    *,
    replace: bool = False,
    make: bool = True,
) -> None:
    """Write rows by SQL: visible when this returns, and once only.

    Args:
        database: the table's database.
        table: its name.
        columns: name → Trino type (varchar, bigint, double), in order; `time` is added by Treasure Data.
        rows: dicts; a missing key is null.
        replace: the table then holds these rows and no others.
        make: make the table when it is not there; False saves the look.
    """
    layout = ", ".join(f"{identifier(name)} {kind}" for name, kind in columns.items())
    name = f"{table}__next" if replace else table
    start = f"drop table if exists {identifier(name)};\n" if replace else ""
    start += f"create table if not exists {identifier(name)} ({layout})"
    names = ", ".join(identifier(column) for column in columns)
    inserts = []
    for chunk in chunks(rows):
        inserts.append(f"insert into {identifier(name)} ({names})\n{rows_sql(columns, chunk)}")
    if make or replace:
        inserts[:1] = [";\n".join([start, *inserts[:1]])]
    for sql in inserts:
        run_query(database, sql, rows=False)
    if replace:
        rename_table(database, name, table)


def rows_sql(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a query of *rows*.

    A column that is the same in all rows is written once, another as one text of lines: a list of thousands
    of literals takes an engine longer to plan than to run. Where a value is missing or has lines of its own,
    the rows are listed.

    >>> print(rows_sql({"a": "varchar", "b": "bigint"}, [{"a": "x", "b": 1}, {"a": "x", "b": 2}]))
    select 'x', cast(column_2 as bigint)
    from unnest(split('1
    2', chr(10))) as lines (column_2)
    >>> print(rows_sql({"a": "varchar"}, [{"a": "x"}, {}]))
    values
    ('x'),
    (cast(null as varchar))
    """
    taken: list[str] = []
    lines: dict[str, str] = {}
    for number, (column, kind) in enumerate(columns.items(), start=1):
        values = [row.get(column) for row in rows]
        literals = {literal(value, kind) for value in values}
        if len(literals) == 1:
            taken += literals
            continue
        texts = [one_line(value, kind) for value in values]
        if None in texts:
            return listed(columns, rows)
        name = f"column_{number}"
        lines[name] = f"split({literal(chr(10).join(map(str, texts)))}, chr(10))"
        taken.append(name if kind == "varchar" else f"cast({name} as {kind})")
    if not lines:
        return listed(columns, rows)
    return (
        f"select {', '.join(taken)}\nfrom unnest({', '.join(lines.values())}) as lines ({', '.join(lines)})"
    )


def listed(columns: Mapping[str, str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the query of *rows* that lists each value."""
    each = (
        "(" + ", ".join(literal(row.get(name), kind) for name, kind in columns.items()) + ")" for row in rows
    )
    return "values\n" + ",\n".join(each)


def one_line(value: Any, kind: str) -> str | None:
    """Return a value as the text that a cast to *kind* reads; None when that is not one line."""
    if value is None:
        return None
    if kind == "bigint":
        return str(int(value))
    if kind == "double":
        return repr(float(value))
    return None if "\n" in str(value) else str(value)


def chunks(rows: Sequence[Mapping[str, Any]], size: int = 400_000) -> list[list[Mapping[str, Any]]]:
    """Cut *rows* so that one statement stays far below the longest that Treasure Data takes."""
    found: list[list[Mapping[str, Any]]] = []
    used = size
    for row in rows:
        weight = sum(len(str(value)) + 4 for value in row.values())
        if used + weight > size:
            found.append([])
            used = 0
        found[-1].append(row)
        used += weight
    return found


def literal(value: Any, kind: str = "varchar") -> str:
    """Return *value* as Trino SQL. In its strings only the single quote is special.

    >>> literal("it's"), literal(3, "bigint"), literal(None, "double"), literal(2, "double")
    ("'it''s'", '3', 'cast(null as double)', '2.0e0')
    """
    if value is None:
        return f"cast(null as {kind})"
    if kind == "bigint":
        return str(int(value))
    if kind == "double":
        return f"{float(value)!r}e0" if "e" not in repr(float(value)) else repr(float(value))
    return "'" + str(value).replace("'", "''") + "'"


def identifier(name: str) -> str:
    """Return *name* quoted.

    >>> identifier('order')
    '"order"'
    """
    return '"' + name.replace('"', '""') + '"'


def quoted_path(name: str) -> str:
    """Return *name* as one part of a URL's path."""
    return urllib.parse.quote(name, safe="")
