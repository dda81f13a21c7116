"""The local account as td operators use it: Treasure Data's own client, with jobs issued and watched as
Digdag does.
"""

from __future__ import annotations

import contextlib
import csv
import io
import itertools
import json
import logging
import math
import re
import time
import uuid
from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from urllib.parse import quote, urlencode

import urllib3

from tdlocal.operators.base import Job, TaskFailure, frames
from tdlocal.workflow.faults import ConfigError

FIRST_POLL, SLOWEST_POLL = 0.002, 0.25  # seconds
TRIES = 12  # of a request whose answer is a transient fault
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 5.0  # seconds before the next try; doubled each time
REFUSED_TRIES = 9  # when nobody answers at the account's address
TRANSIENT = (408, 429, 500, 502, 503, 504)
BAD = ("error", "killed")
RESTARTED = "server restarted"  # what the account says of a job that was in hand when it was killed


class JobLost(TaskFailure):
    """The account was killed while it had the job in hand."""


class TdClient:
    """Talks to the account for one task.

    Args:
        job: the task.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.api = _api(job)

    def get(
        self, path: str, params: dict[str, Any] | None = None, ignore: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        """GET, answered by JSON; statuses in *ignore* give an empty map."""
        return self._json("GET", path, params, ignore)

    def post(
        self, path: str, params: dict[str, Any] | bytes | None = None, ignore: tuple[int, ...] = ()
    ) -> dict[str, Any]:
        """POST, answered by JSON; statuses in *ignore* give an empty map."""
        return self._json("POST", path, params if params is not None else {}, ignore)

    def _json(self, method: str, path: str, params: Any, ignore: tuple[int, ...] = ()) -> dict[str, Any]:
        status, body = self._answer(method, path, params)
        if status in ignore:
            return {}
        if status == 409 and "conflicts_with" in str(body):
            with contextlib.suppress(ValueError, KeyError, TypeError):
                return {"job_id": json.loads(body)["details"]["conflicts_with"]}
        if status == 401:
            raise TaskFailure(
                f"the account refuses this API key: 401 from {method} {path} (runtime)",
                frames(self.job),
                shown="the account refuses this API key | found in TD_API_KEY",
                mend=f"unset TD_API_KEY, or give the key that {self.job.services.state / 'api_key'} holds",
            )
        if status >= 400:
            raise TaskFailure(
                f"{status} from {method} {path}: {_told(body)} (runtime)", frames(self.job), shown=_told(body)
            )
        try:
            answer: dict[str, Any] = json.loads(body)
        except ValueError:
            raise TaskFailure(
                f"no JSON from {method} {path}: {body[:200]!r} (runtime)", frames(self.job)
            ) from None
        return answer

    def _answer(self, method: str, path: str, params: Any) -> tuple[int, bytes]:
        """The status and body of a request. Digdag's td operators repeat what fails for a while, and so
        does this: a job has a domain key, and every other request does the same when it is sent twice.

        Raises:
            TaskFailure: the account gave no answer.
        """
        problem, last = "", (0, b"")
        for count in range(TRIES):
            asked = 0.0
            try:
                last, asked = self._once(method, path, params)
                if last[0] not in TRANSIENT:
                    return last
                problem = f"it answered {last[0]}: {_told(last[1])}"
            except (urllib3.exceptions.HTTPError, OSError) as error:
                last, problem = (0, b""), str(error)
            if count + 1 == (REFUSED_TRIES if "refused" in problem else TRIES):
                break
            self._pause(count, asked)
        if last[0]:
            return last
        raise TaskFailure(
            f"the account did not answer {method} {path}: {problem} (runtime)",
            frames(self.job),
            mend="run again: what succeeded is skipped",
        )

    def _pause(self, count: int, asked: float) -> None:
        """Wait before the next try, at least as long as the account *asked* for."""
        self.job.services.stopping.wait(max(asked, min(LONGEST_PAUSE, FIRST_PAUSE * 2**count)))
        self.job.check_stopped()

    def _once(self, method: str, path: str, params: Any) -> tuple[tuple[int, bytes], float]:
        """One try: status and body, and the seconds that the account asks to wait."""
        how: dict[str, Any] = {"fields": params}
        own = {"accept-encoding": "deflate, gzip"}
        if method == "POST":
            is_json = isinstance(params, bytes)
            own["content-type"] = "application/json" if is_json else "application/x-www-form-urlencoded"
            how = {"body": params if is_json else urlencode(params)}
        url, headers = self.api.build_request(path=path, headers=own)
        response = self.api.send_request(method, url, headers=headers, decode_content=True, **how)
        asked = response.headers.get("Retry-After", "")
        return (response.status, response.data), float(asked) if asked.isdigit() else 0.0

    def issue(self, engine: str, database: str, query: str, **more: Any) -> str:
        """Issue a query; the job's id."""
        form = {
            "query": query,
            "priority": 0,
            "domain_key": self.domain_key(),
            "version": "0.9.0",
            "retry_limit": 0,
            **more,
        }
        answer = self.post(
            f"/v3/job/issue/{engine}/{quote(database)}", {k: str(v) for k, v in form.items() if v is not None}
        )
        return str(answer["job_id"])

    def domain_key(self) -> str:
        """The same key for every try of one request, so that the account runs it once."""
        return str(self.job.memory.setdefault("domain_key", str(uuid.uuid4())))

    def wait(self, job_id: str) -> dict[str, Any]:
        """Wait for a job; its show record.

        Raises:
            TaskFailure: it failed or was killed.
        """
        forget = self.job.services.on_stop(lambda: self.kill(job_id))
        pause = FIRST_POLL
        try:
            shown = self.get(f"/v3/job/show/{job_id}")  # a short job has ended: one request for most
            while (status := shown["status"]) not in ("success", *BAD):
                asked = self.get(f"/v3/job/status/{job_id}")["status"]
                if asked in ("success", *BAD):
                    shown = self.get(f"/v3/job/show/{job_id}")
                    continue
                self.job.check_stopped()
                time.sleep(pause)
                pause = min(pause * 1.5, SLOWEST_POLL)
        finally:
            forget()
        if status in BAD:
            self.job.check_stopped()
            debug = shown.get("debug") or {}
            words = "\n".join([debug.get("cmdout") or "", debug.get("stderr") or ""])
            told = "\n".join(dict.fromkeys(line for line in words.split("\n") if line.strip()))
            told = re.sub(r"^Query \S+ failed: ", "", told) or f"job {job_id} ended with status {status}"
            raise (JobLost if RESTARTED in words else TaskFailure)(
                words,
                frames(self.job, f"TD job {job_id} failed with status {status.upper()}"),
                shown=self._in_file(told),
            )
        return shown

    def _in_file(self, told: str) -> str:
        """*told* with the place in the SQL file, where the engine names a line of the statement."""
        file, above = self.job.memory.get("sql", ("", 0))
        if not file:
            return told
        found = re.search(r"\bline (\d+)(?:[:,]\s*(?:col(?:umn)?[: ]\s*)?(\d+))?", told, re.IGNORECASE)
        line = int(found[1]) - above if found else 0
        return f"{told}\nin {file}:{line}" if line > 0 else f"{told}\nin {file}"

    def kill(self, job_id: str) -> None:
        """Kill a job; from another thread, so with a connection of its own."""
        account = self.job.services.account()
        with contextlib.suppress(Exception):
            urllib3.PoolManager().request(
                "POST",
                f"{account.url}/v3/job/kill/{job_id}",
                headers={"Authorization": f"TD1 {account.key}"},
                timeout=3,
                retries=False,
            )

    def rows(self, job_id: str) -> Iterator[list[Any]]:
        """The result rows of a job, one at a time; a download that breaks goes on where it was."""
        given, problem = 0, ""
        for count in range(TRIES):
            try:
                for row in itertools.islice(self._download(job_id), given, None):
                    given += 1
                    yield row
                return
            except (urllib3.exceptions.HTTPError, OSError) as error:
                problem = str(error)
            self._pause(count, 0.0)
        raise TaskFailure(f"no result of job {job_id}: {problem} (runtime)", frames(self.job))

    def _download(self, job_id: str) -> Iterator[list[Any]]:
        """The rows of one download, as far as it goes."""
        import msgpack

        url, headers = self.api.build_request(path=f"/v3/job/result/{job_id}")
        with contextlib.closing(
            self.api.send_request(
                "GET",
                url,
                fields={"format": "msgpack"},
                headers={**headers, "accept-encoding": "deflate, gzip"},
                decode_content=True,
                preload_content=False,
            )
        ) as response:
            if response.status in TRANSIENT:
                raise urllib3.exceptions.HTTPError(f"it answered {response.status}")
            if response.status != 200:
                raise TaskFailure(
                    f"no result of job {job_id}: {_told(response.read())} (runtime)", frames(self.job)
                )
            unpacker = msgpack.Unpacker(raw=False, strict_map_key=False)
            for chunk in response.stream(65536):
                unpacker.feed(chunk)
                yield from unpacker


def _api(job: Job) -> Any:
    services = job.services
    with services.lock:
        api = services.shared.get("td_api")
        if api is None:
            from tdclient.api import API

            logging.getLogger("tdclient").setLevel(logging.ERROR)
            logging.getLogger("urllib3").setLevel(logging.ERROR)
            account = services.account()
            api = services.shared["td_api"] = API(
                account.key,
                endpoint=account.url + "/",
                timeout=600,
                maxsize=64,
                retries=False,
            )
        return api


def columns_of(shown: dict[str, Any]) -> list[str]:
    """Column names of a job's result, from its show record."""
    schema = shown.get("hive_result_schema") or "[]"
    return [column[0] for column in (json.loads(schema) if isinstance(schema, str) else schema)]


def csv_text(columns: list[str], rows: Iterator[list[Any]] | list[list[Any]]) -> Iterator[str]:
    """Rows as CSV the way Digdag downloads them: CRLF, quotes where needed, NULL empty, an empty text
    quoted.
    """
    yield _line(columns)
    for row in rows:
        yield _line(row)


def _line(values: list[Any]) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\r\n")
    cells = []
    for value in values:
        if value == "":
            cells.append('""')
            continue
        buffer.seek(0)
        buffer.truncate()
        writer.writerow(["" if value is None else value if isinstance(value, str) else _json(value), ""])
        cells.append(buffer.getvalue()[:-3])
    return ",".join(cells) + "\r\n"


def _json(value: Any) -> str:
    """A value of a result as Java's msgpack writes it as JSON.

    >>> _json([1, None, "é"]), _json({"k": 0.5}), _json(12345678.9), _json(1e-5), _json(float("nan"))
    ('[1,null,"é"]', '{"k":0.5}', '1.23456789E7', '1.0E-5', 'null')
    """
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_json(key)}:{_json(item)}" for key, item in value.items()) + "}"
    if not isinstance(value, float):
        return json.dumps(value, ensure_ascii=False)
    if not math.isfinite(value):
        return "null"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return repr(value)
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    mantissa = "".join(map(str, digits))
    power = int(exponent) + len(mantissa) - 1
    return f"{'-' if sign else ''}{mantissa[0]}.{mantissa[1:] or '0'}E{power}"


def database_of(job: Job) -> str:
    """The database that a td task works in.

    Raises:
        ConfigError: none is set.
    """
    database = job.text("database", None, "td")
    if not database:
        raise ConfigError("Parameter 'database' is required but not set")
    return database


def table_name(name: str, database: str) -> tuple[str, str]:
    """Database and table of `db.table` or `table`.

    >>> table_name("a.b", "d"), table_name("b", "d")
    (('a', 'b'), ('d', 'b'))
    """
    left, dot, right = name.partition(".")
    return (left, right) if dot else (database, left)


def _told(body: bytes) -> str:
    with contextlib.suppress(ValueError, AttributeError):
        answer = json.loads(body)
        return str(answer.get("error") or answer.get("message") or answer.get("text") or answer)
    return body[:300].decode("utf-8", "replace")
