"""The account's HTTP server: from a socket to a route and back. ASGI, so that uvicorn runs it.

Handlers run in worker threads. What is looked at, in this order: the route (none: 501 naming method
and path), the body's size (413), the API key (401), a fault asked for by `--faults`, the handler.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import importlib
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tdlocal.account.account import Account
from tdlocal.api import AREAS
from tdlocal.api.faults import FaultPlan, Trouble
from tdlocal.api.wire import (
    ROUTES,
    Fault,
    Reply,
    Request,
    Route,
    Router,
    encode_json,
    error_body,
    fault_of,
)
from tdlocal.reserve import is_full

STRANGER_LIMIT = 2**20  # bytes of a body that comes without a known key
WORKERS = 200  # most of them only wait: a status request is held up to some seconds
JSON = "application/json"

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def joined(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name. Those of the Trino protocol may come several times: JDBC sends one line for
    each prepared statement and session property.

    >>> joined([(b"x-trino-session", b"a=1"), (b"x-trino-session", b"b=2")])
    {'x-trino-session': 'a=1,b=2'}
    """
    found: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1"), value.decode("latin-1")
        several = key in found and key.startswith(("x-trino-", "x-presto-"))
        found[key] = f"{found[key]},{text}" if several else text
    return found


class Application:
    """The account as an ASGI application.

    Args:
        account: what the routes speak to.
        faults: troubles to make on purpose; None for none.
    """

    def __init__(self, account: Account, faults: FaultPlan | None = None) -> None:
        for area in AREAS:
            importlib.import_module(area)
        self.account = account
        self.faults = faults
        self.router = Router(ROUTES)
        self.leases = 0  # commands that use this server now; see tdlocal.local_server
        self.closing = False  # no lease is given any more
        self._workers = ThreadPoolExecutor(WORKERS, thread_name_prefix="request")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        path = scope["raw_path"].decode("ascii", "replace")
        if scope["method"] == "GET" and path == "/local/lease":
            await self._lease(scope, receive, send)
            return
        found = self.router.find(scope["method"], path)
        request = Request(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            joined(scope["headers"]),
        )
        limit = found[0].body_limit if found and self.knows(request.key) else STRANGER_LIMIT
        body = await read_body(receive, limit)
        if body is None:
            await send_reply(send, failure(Fault(413, f"the body is larger than {limit} bytes")), close=True)
            return
        request.body = body
        trouble = self.faults.strike(request.method, path) if self.faults else None
        if trouble is None:
            await self._answer(found, request, send)
        else:
            await self._stumble(trouble, found, request, scope, send)

    async def _answer(self, found: tuple[Route, dict[str, str]] | None, request: Request, send: Send) -> None:
        loop = asyncio.get_running_loop()
        reply = await loop.run_in_executor(self._workers, self.reply_to, found, request)
        await send_reply(send, reply, self._workers)

    def reply_to(self, found: tuple[Route, dict[str, str]] | None, request: Request) -> Reply:
        """Answer one request, faults and bugs included. Runs in a worker thread."""
        try:
            if found is None:
                name = f"{request.method} {request.path}"
                raise Fault(501, f"{name} is not supported by tdlocal; docs/coverage.md lists what is")
            route, variables = found
            if route.auth and not self.knows(request.key):
                raise Fault(401, "the API key is missing or wrong")
            answer = route.handler(self.account, request, **variables)
            return answer if isinstance(answer, Reply) else Reply(body=answer)
        except Exception as error:
            fault = fault_of(error)
            if fault is None and is_full(error):
                state = self.account.state
                fault = Fault(507, f"cannot write to the local account: {error}; make room in {state}")
            if fault is None:
                with contextlib.suppress(OSError):  # its log may be what has no room
                    traceback.print_exc(file=sys.stderr)
                fault = Fault(500, f"{request.method} {request.path}: {type(error).__name__}: {error}")
            return failure(fault)

    def knows(self, key: str) -> bool:
        """Tell whether *key* is one of the account's, without telling by the time it takes."""
        given = key.encode("utf-8", "surrogateescape")
        matches = [hmac.compare_digest(given, known.encode()) for known in self.account.api_keys()]
        return any(matches)

    async def _stumble(
        self,
        trouble: Trouble,
        found: tuple[Route, dict[str, str]] | None,
        request: Request,
        scope: Scope,
        send: Send,
    ) -> None:
        if trouble.kind == "slow":
            await asyncio.sleep(trouble.seconds)
            await self._answer(found, request, send)
        elif trouble.kind in ("429", "500", "503"):
            headers = {"Retry-After": str(trouble.retry_after)} if trouble.retry_after else {}
            await send_reply(send, failure(Fault(int(trouble.kind), trouble.message, headers=headers)))
        elif trouble.kind == "drop":
            scope["transport"].abort()
        else:
            loop = asyncio.get_running_loop()
            reply = await loop.run_in_executor(self._workers, self.reply_to, found, request)
            if trouble.kind == "cut":
                await send_half(send, reply, self._workers)
            scope["transport"].abort()

    async def _lease(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope["headers"])
        key = headers.get(b"authorization", b"").decode("latin-1")
        if self.closing or not self.knows(key):
            fault = Fault(503, "stopping") if self.closing else Fault(401, "the API key is missing or wrong")
            await send_reply(send, failure(fault))
            return
        self.leases += 1
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"held\n", "more_body": True})
            while (await receive())["type"] != "http.disconnect":
                pass
        finally:
            self.leases -= 1

    def close(self) -> None:
        """Let the worker threads go; requests in hand are not waited for."""
        self._workers.shutdown(wait=False, cancel_futures=True)


async def read_body(receive: Receive, limit: int) -> bytes | None:
    """Return the whole request body, or None when it is larger than *limit* bytes."""
    chunks = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return b""
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def failure(fault: Fault) -> Reply:
    """A fault as an answer."""
    body = error_body(fault.message) if fault.body is None else fault.body
    return Reply(fault.status, body, headers=fault.headers)


async def send_reply(
    send: Send, reply: Reply, workers: ThreadPoolExecutor | None = None, *, close: bool = False
) -> None:
    """Send an answer whole, or chunk by chunk when its body is an iterator."""
    headers = [(b"content-type", reply.content_type.encode())]
    headers += [(name.encode(), value.encode("utf-8")) for name, value in reply.headers.items()]
    if close:
        headers.append((b"connection", b"close"))
    if isinstance(reply.body, Iterator):
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        loop = asyncio.get_running_loop()
        while (chunk := await loop.run_in_executor(workers, next, reply.body, None)) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    body = body_bytes(reply)
    if reply.status != 204:
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def body_bytes(reply: Reply) -> bytes:
    """The body of an answer that is not an iterator."""
    if isinstance(reply.body, bytes):
        return reply.body
    if isinstance(reply.body, str):
        return reply.body.encode("utf-8", "surrogatepass")
    return encode_json(reply.body)


async def send_half(send: Send, reply: Reply, workers: ThreadPoolExecutor) -> None:
    """Send an answer that stops in the middle of its body (`--faults` kind `cut`)."""
    body: Any = reply.body
    if isinstance(body, Iterator):
        loop = asyncio.get_running_loop()
        body = await loop.run_in_executor(workers, b"".join, body)
    else:
        body = body_bytes(reply)
    headers = [
        (b"content-type", reply.content_type.encode()),
        (b"content-length", str(len(body) + 1).encode()),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    await asyncio.sleep(0.05)
