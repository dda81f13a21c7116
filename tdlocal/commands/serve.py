"""`tdlocal serve`: the account over HTTP."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import gc
import json
import os
import socket
import sqlite3
import sys
from pathlib import Path
from typing import Any

from tdlocal.errors import KitError
from tdlocal.local_server import KEPT_FILE, SERVER_FILE, StateLock, api_key

HELP = (
    "Answer Treasure Data's HTTP APIs (REST, Trino protocol, CDP, reporting, workflow) on one loopback port, "
    "with a mail outbox over SMTP. Prints what clients have to set. Data stays in the state folder. "
    "--faults FILE makes the platform stumble on purpose: YAML with `seed` and a list `faults` of "
    "{route, kind: 429|500|503|drop|lost|cut|slow, rate, after, times, retry_after, seconds}."
)
LOOPBACK = ("127.0.0.1", "::1", "localhost")
KEEP_ALIVE_SECONDS = 600  # a client that reuses an idle connection must not meet its end


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which words the command takes."""
    parser.add_argument("--state", type=Path, default=Path(".tdlocal"), help="folder that keeps everything")
    parser.add_argument("--port", type=int, default=8800, help="0 takes a free one (default 8800)")
    parser.add_argument(
        "--listen",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="address to bind; other than loopback only with TD_API_KEY set by you",
    )
    parser.add_argument("--faults", type=Path, metavar="FILE", help="troubles to make on purpose")
    parser.add_argument("--memory", default="4GB", help="what the SQL engine may hold before it spills (4GB)")
    parser.add_argument(
        "--go-on",
        action="store_true",
        help="go on with queries that were in hand when the account was killed",
    )
    parser.add_argument(
        "--until-eof", action="store_true", help="stop when stdin closes and no command uses the server"
    )


def main(arguments: argparse.Namespace) -> int:
    """Serve until interrupted; see HELP."""
    if arguments.listen not in LOOPBACK and not os.environ.get("TD_API_KEY"):
        raise KitError(
            f"--listen {arguments.listen} opens the account to other machines",
            mend="set TD_API_KEY to a key of your own first, or listen on 127.0.0.1",
        )
    os.umask(0o077)  # the account's files are for its user alone
    state: Path = arguments.state.resolve()
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KitError(f"the state folder cannot be made: {error}", where=str(state)) from None
    with (
        StateLock(state),
        bound_socket(arguments.listen, arguments.port) as listener,
        contextlib.suppress(KeyboardInterrupt),
    ):
        asyncio.run(serve(arguments, state, listener))
    sys.stdout.flush()
    os._exit(0)  # all is closed; the interpreter's own end takes longer and prints DuckDB's leak report


def bound_socket(address: str, port: int) -> socket.socket:
    """A socket bound to the address, or a KitError that says why not."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # asyncio turns Nagle off only for sockets that say TCP: else every answer waits 40 ms for an ACK
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(1024)  # whoever reads server.json can connect at once, and waits
    except OSError as error:
        listener.close()
        raise KitError(
            f"port {port} on {address} cannot be used: {error.strerror}", mend="choose another with --port"
        ) from None
    return listener


async def serve(arguments: argparse.Namespace, state: Path, listener: socket.socket) -> None:
    """Open the account, answer until told to stop, close it."""
    import uvicorn
    from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

    from tdlocal.account.account import Account
    from tdlocal.account.mails import start_smtp
    from tdlocal.api.faults import read_faults
    from tdlocal.api.server import Application
    from tdlocal.engine import open_engine
    from tdlocal.engine.types import EngineError

    class Protocol(HttpToolsProtocol):
        """uvicorn's protocol; the transport goes into the scope, so that faults can break it."""

        def on_headers_complete(self) -> None:
            self.scope["transport"] = self.transport  # type: ignore[typeddict-unknown-key]
            super().on_headers_complete()

    faults = read_faults(arguments.faults) if arguments.faults else None
    host, port = listener.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    try:
        engine = open_engine(
            state / "td-warehouse.duckdb", memory_limit=arguments.memory, spool=state / "spool"
        )
    except EngineError as error:
        raise KitError(f"the tables cannot be opened: {error.message}", where=str(state)) from None
    try:
        account = Account(state, engine, key=api_key(state), url=url, going_on=arguments.go_on)
    except (OSError, sqlite3.Error) as error:
        raise KitError(f"the state folder cannot be used: {error}", where=str(state)) from None
    smtp = start_smtp(account.mails)
    account.smtp = ("127.0.0.1", smtp.port)
    application = Application(account, faults)
    server = uvicorn.Server(
        uvicorn.Config(
            application,
            http=Protocol,
            lifespan="off",
            log_level="warning",
            access_log=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
            timeout_graceful_shutdown=2,
            server_header=False,
        )
    )
    gc.freeze()  # what is loaded by now stays: the collector need not look at it again
    announce(state, url, smtp.port, quiet=arguments.until_eof)
    watcher = None
    account.clock.start(schedules=not arguments.until_eof)
    if arguments.until_eof:
        watcher = asyncio.create_task(stop_at_end_of_input(server, application, state))
    try:
        await server.serve(sockets=[listener])
    finally:
        if watcher:
            watcher.cancel()
        (state / SERVER_FILE).unlink(missing_ok=True)
        (state / KEPT_FILE).unlink(missing_ok=True)
        smtp.stop()
        application.close()
        account.close()


def announce(state: Path, url: str, smtp_port: int, *, quiet: bool) -> None:
    """Write server.json, and tell a person what clients have to set."""
    facts = {"pid": os.getpid(), "url": url, "port": int(url.rpartition(":")[2]), "smtp_port": smtp_port}
    temporary = state / f"{SERVER_FILE}.part"
    temporary.write_text(json.dumps(facts))
    temporary.replace(state / SERVER_FILE)
    if quiet:
        return
    print(f"the account in {state} answers at {url}; clients need")
    print(f"  export TD_API_SERVER={url}")
    print(f"  export TD_PRESTO_API={url}")
    print(f"  export TD_API_KEY=$(cat {state / 'api_key'})")
    print(f"mails: SMTP 127.0.0.1:{smtp_port}, kept in {state / 'mails'}")
    print("Ctrl-C stops it", flush=True)


async def stop_at_end_of_input(server: Any, application: Any, state: Path) -> None:
    """Stop the server when stdin has closed and nobody holds a lease; KEPT_FILE tells that somebody does."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    while await reader.read(1024):
        pass
    await asyncio.sleep(0.02)  # the lease of the command that has just ended is given back about now
    if application.leases:
        (state / KEPT_FILE).touch()
    while application.leases:
        await asyncio.sleep(0.05)
    application.closing = True
    server.should_exit = True
