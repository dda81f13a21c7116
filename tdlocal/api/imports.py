"""/v3/table/import: records by PUT, as a gzipped msgpack stream."""

from __future__ import annotations

import hashlib
import time
from typing import Any

from tdlocal.account.account import Account
from tdlocal.account.imports import BODY_LIMIT, import_records
from tdlocal.api.wire import Fault, Request, route

CLIENT = "td-client-python 1.7 tdclient/import_api.py"
FORMATS = ("msgpack.gz", "msgpack")


@route("PUT", "/v3/table/import/{database}/{table}/{kind}", source=CLIENT, body_limit=BODY_LIMIT)
def import_(account: Account, request: Request, database: str, table: str, kind: str) -> Any:
    return take(account, request, database, table, kind, "")


@route(
    "PUT",
    "/v3/table/import_with_id/{database}/{table}/{unique_id}/{kind}",
    source=CLIENT,
    body_limit=BODY_LIMIT,
)
def import_with_id(
    account: Account, request: Request, database: str, table: str, unique_id: str, kind: str
) -> Any:
    return take(account, request, database, table, kind, unique_id)


def take(account: Account, request: Request, database: str, table: str, kind: str, unique_id: str) -> Any:
    """Import a body; the same unique id twice imports once."""
    if kind not in FORMATS:
        raise Fault(422, f"format '{kind[:40]}' is unknown; use {' or '.join(FORMATS)}")
    started = time.perf_counter()
    once = f"import/{database}/{table}/{unique_id}" if unique_id else ""
    import_records(account, database, table, request.body, once)
    return {
        "database": database,
        "table": table,
        "unique_id": unique_id or None,
        "md5_hex": hashlib.md5(request.body, usedforsecurity=False).hexdigest(),
        "elapsed_time": round(time.perf_counter() - started, 6),
    }
