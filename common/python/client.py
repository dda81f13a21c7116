"""The one HTTP client of the pack: how fast, how patiently and over which connection a request goes.

Every call to an API goes through `send`: a token bucket per host, retries of transient faults with growing,
jittered waits that honour Retry-After, time-outs, connections that stay open within a task. `once` has the
same patience for a request that must not simply be sent twice. The standard library alone, so that a small
task starts quickly.

Reads     `calls` of config/src_params.yml
"""

from __future__ import annotations

import http.client
import math
import os
import random
import select
import ssl
import sys
import threading
import time
import urllib.parse
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from common.python.errors import TaskError

CONFIG = "config/src_params.yml"
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)
LONGEST_ASKED = 300.0  # seconds of a Retry-After that are obeyed
SAFE_METHODS = ("GET", "HEAD", "PUT", "DELETE")  # doing them twice is doing them once
Headers = Mapping[str, str]


class ApiError(TaskError):
    """A refused or failed request; `status` is HTTP's number, 0 when no answer came."""

    def __init__(
        self, problem: str, *, where: str, mend: str, status: int = 0, answer: Any = None, wait: float = 0.0
    ) -> None:
        super().__init__(problem, where=where, mend=mend)
        self.status, self.answer, self.wait = status, answer, wait

    @property
    def transient(self) -> bool:
        """Whether the same request may well succeed later."""
        return self.status in (0, *TRANSIENT)


class Calls(NamedTuple):  # a dataclass takes a millisecond of every task's start
    """`calls` of config/src_params.yml, which says what each of them means."""

    requests_per_second: float = 50
    burst: float = 200
    tries: int = 12
    refused_tries: int = 9
    first_wait: float = 0.1
    longest_wait: float = 30
    timeout: float = 120

    def wait_before(self, attempt: int) -> float:
        """Return the seconds before try number *attempt* + 1; half of them are chance, so that tasks part."""
        wait = min(self.longest_wait, self.first_wait * 2 ** (attempt - 1))
        return wait / 2 + random.random() * wait / 2


def calls_of(given: Mapping[str, Any]) -> Calls:
    """Return the settings of a `calls:` map.

    >>> settings = calls_of({"tries": 3, "first_wait": "0.2"})
    >>> settings.tries, settings.first_wait
    (3, 0.2)

    Raises:
        TaskError: a name is not known, or a value is no number above 0.
    """
    values = {name: number(value) for name, value in given.items()}
    wrong = [name for name, value in values.items() if name not in Calls._fields or not value > 0]
    if wrong:
        raise TaskError(
            f"calls: {', '.join(sorted(wrong))} cannot be used",
            where=CONFIG,
            mend=f"give numbers above 0 for any of {', '.join(sorted(Calls._fields))}",
        )
    return Calls(**values)


def number(value: Any) -> float:
    """Return a number, also one that is text (Digdag reads a plain 0.1 in YAML as text); NaN for others."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return value
    try:
        found = float(value) if isinstance(value, str) else math.nan
    except ValueError:
        return math.nan
    return int(found) if found.is_integer() else found


@lru_cache(1)
def settings() -> Calls:
    """Return the project's settings: from the task's parameters, else from the file, else the usual ones."""
    digdag = sys.modules.get("digdag")
    if digdag is not None:
        return calls_of(digdag.env.params.get("calls") or {})
    if not os.path.isfile(CONFIG):
        return Calls()
    import yaml

    with open(CONFIG, encoding="utf-8") as file:
        return calls_of((yaml.safe_load(file) or {}).get("calls") or {})


class Bucket:
    """A token bucket: at most `rate` requests a second after a burst."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst, self.tokens = rate, burst, burst
        self.filled_at = time.monotonic()
        self.lock = threading.Lock()

    def take(self) -> float:
        """Take a token; return the seconds to wait before using it."""
        with self.lock:
            now = time.monotonic()
            self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate) - 1
            self.filled_at = now
            return max(0.0, -self.tokens / self.rate)


_buckets: dict[str, Bucket] = {}
_open = threading.local()  # connections of this thread, by scheme and host


def send(
    method: str, url: str, headers: Headers, body: bytes | None, *, may_repeat: bool, timeout: float = 0.0
) -> bytes:
    """Send a request and return the body of the answer.

    Args:
        method: HTTP's word.
        url: the whole address.
        headers: of the request.
        body: of the request.
        may_repeat: whether a second request does no harm; else there is one try.
        timeout: seconds without a word before a try counts as broken; the setting when 0.

    Raises:
        ApiError: a refusal; or no answer, or a transient fault, in all tries. Its text holds neither key
            nor query.
    """
    how = settings()
    host = urllib.parse.urlsplit(url).netloc
    bucket = _buckets.setdefault(host, Bucket(how.requests_per_second, how.burst))
    fault: ApiError | None = None
    for attempt in range(how.tries if may_repeat else 1):
        if fault is not None:
            if refused(fault) and attempt >= how.refused_tries:
                break
            pause(how, attempt, fault)
        time.sleep(bucket.take())
        try:
            status, told, answer = exchanged(
                method, url, headers, body, timeout or how.timeout, fresh=not may_repeat
            )
        except (OSError, ValueError, http.client.HTTPException) as error:
            fault = unanswered(method, url, error)
            continue
        if status < 300:
            return answer
        fault = refusal(method, url, status, told, answer)
        if not fault.transient:
            break
    assert fault is not None
    raise fault


def exchanged(
    method: str, url: str, headers: Headers, body: bytes | None, timeout: float, *, fresh: bool = False
) -> tuple[int, Any, bytes]:
    """Send one request over this thread's connection and read the whole answer.

    A kept connection may be closed by the host in the very moment that it is used, and nobody can tell then
    whether the request was read. So a request that must not be sent twice takes a *fresh* one.
    """
    parts = urllib.parse.urlsplit(url)
    key = (parts.scheme, parts.netloc)
    pool: dict[tuple[str, str], http.client.HTTPConnection] = _open.__dict__.setdefault("pool", {})
    connection = pool.pop(key, None)
    if connection is None or fresh or has_ended(connection):
        if connection is not None:
            connection.close()
        connection = connected(parts, timeout)
    connection.timeout = timeout
    if connection.sock is not None:
        connection.sock.settimeout(timeout)
    try:
        target = parts.path + (f"?{parts.query}" if parts.query else "")
        connection.request(method, target or "/", body=body, headers=dict(headers))
        with connection.getresponse() as answer:
            data = answer.read()
            if not answer.will_close:
                pool[key] = connection
            return answer.status, answer.headers, data
    finally:
        if key not in pool:
            connection.close()


def has_ended(connection: http.client.HTTPConnection) -> bool:
    """Tell whether the other side has closed a connection that was kept, or says something unasked."""
    return connection.sock is None or bool(select.select([connection.sock], [], [], 0)[0])


def connected(parts: urllib.parse.SplitResult, timeout: float) -> http.client.HTTPConnection:
    """Return a connection to the host, through the machine's proxy where it has one for it."""
    secure = parts.scheme == "https"
    host, port = parts.hostname or "", parts.port
    through = proxy_for(parts)
    if through:
        tunnel, (host, port) = (host, port or (443 if secure else 80)), through
    made: http.client.HTTPConnection
    if secure:
        made = http.client.HTTPSConnection(host, port, timeout=timeout, context=tls())
    else:
        made = http.client.HTTPConnection(host, port, timeout=timeout)
    if through:
        made.set_tunnel(*tunnel)
    return made


def proxy_for(parts: urllib.parse.SplitResult) -> tuple[str, int] | None:
    """Return host and port of the proxy that the environment names for this address."""
    if not any(name.lower().endswith("_proxy") for name in os.environ):
        return None
    import urllib.request

    named = urllib.request.getproxies().get(parts.scheme)
    if not named or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxy = urllib.parse.urlsplit(named if "://" in named else f"http://{named}")
    return (proxy.hostname, proxy.port or 80) if proxy.hostname else None


@lru_cache(1)
def tls() -> ssl.SSLContext:
    """Return a context that trusts the authorities which requests brings along."""
    from requests.certs import where

    return ssl.create_default_context(cafile=where())


def pause(how: Calls, attempt: int, fault: ApiError) -> None:
    """Wait before try number *attempt* + 1, as long as the server asked for, else longer each time."""
    wait = max(how.wait_before(attempt), fault.wait)
    print(f"{fault.problem[:200]}; again in {wait:.1f} s", file=sys.stderr)
    time.sleep(wait)


def refused(fault: ApiError) -> bool:
    """Tell whether nobody listened at the address."""
    return isinstance(fault.__cause__, ConnectionRefusedError)


def unanswered(method: str, url: str, error: Exception) -> ApiError:
    """Return the fault of a request that got no whole answer."""
    fault = ApiError(
        f"no answer to {method} {shown(url)}: {error or type(error).__name__}",
        where="the connection to the API",
        mend="check that the account is up and `site` is right, then run again",
    )
    fault.__cause__ = error
    return fault


def refusal(method: str, url: str, status: int, headers: Any, body: bytes) -> ApiError:
    """Return what the server said as an error that a person can act on."""
    answer = decoded(body)
    said = answer
    if isinstance(answer, dict):
        said = answer.get("text") or answer.get("message") or answer.get("error") or answer
    mends = {
        401: "give the project a valid key: td wf secrets --project NAME --set td.apikey",
        403: "give the key's user the right to do this",
        404: "check the name",
    }
    asked = headers.get("Retry-After", "") or ""
    return ApiError(
        f"{method} {shown(url)} answered {status}: {str(said)[:500]}",
        where="the API's answer",
        mend=mends.get(status, "see the answer's text; if it is transient, run again"),
        status=status,
        answer=answer,
        wait=min(float(asked), LONGEST_ASKED) if asked.isdigit() else 0.0,
    )


def shown(url: str) -> str:
    """Return the address without its query, which may hold data."""
    return url.split("?")[0]


def decoded(body: bytes) -> Any:
    """Return *body* as JSON, as text when it is none, None when it is empty."""
    import json

    if not body:
        return None
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")
