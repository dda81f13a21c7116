"""The local account as a running server: found when there is one, started when there is none.

Three files in the state folder make it safe for two commands at once and after `kill -9`: `server.lock`
is held (flock) by the one process that has the account open, `server.json` says where it answers, and
`api_key` is the key. A command holds a lease (an open connection) while it uses the server; a server
that was started by a command stops when that command is gone and the last lease is given back. One that is
killed meanwhile is started again where it was.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from tdlocal.errors import KitError
from tdlocal.reserve import is_nearly_full

SERVER_FILE = "server.json"
LOCK_FILE = "server.lock"
KEPT_FILE = "server.kept"  # there while a server lives on for another command than the one that started it
START_SECONDS = 30.0
STOP_SECONDS = 10.0
MOST_RESTARTS = 3  # of a server that was killed, for one command
KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass
class LocalServer:
    """A running account. `url` has no trailing slash; `smtp` is host and port of its mail server, another
    one after the server was started again."""

    url: str
    key: str
    smtp: tuple[str, int]
    state: Path


class StateLock:
    """The right to open a state folder: one process at a time, given back when the process ends.

    Raises KitError on entering when another process holds it.
    """

    def __init__(self, state: Path) -> None:
        self._state = state
        self._file: Any = None

    def __enter__(self) -> StateLock:
        self._file = (self._state / LOCK_FILE).open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._file.close()
            there = read_server_file(self._state)
            who = f"by process {there['pid']} at {there['url']}" if there else "by another process"
            raise KitError(
                f"the state folder is in use {who}",
                where=str(self._state),
                mend="use that server, stop it, or name another folder with --state",
            ) from None
        for name in (SERVER_FILE, KEPT_FILE):  # of a server that died
            (self._state / name).unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def is_locked(state: Path) -> bool:
    """Tell whether some process has the account open."""
    path = state / LOCK_FILE
    if not path.exists():
        return False
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def given_key() -> str:
    """The key that TD_API_KEY gives, empty when it gives none."""
    return os.environ.get("TD_API_KEY", "").removeprefix("TD1 ").strip()


def api_key(state: Path) -> str:
    """The account's API key: from `<state>/api_key`, which is made from TD_API_KEY or by chance."""
    path = state / "api_key"
    given = given_key()
    if given and not KEY.fullmatch(given):
        raise KitError("TD_API_KEY must be 1 to 200 plain characters without blanks", where="TD_API_KEY")
    try:
        kept = path.read_text().strip()
    except FileNotFoundError:
        kept = ""
    if kept and (not given or given == kept):
        return kept
    key = given or f"1/{secrets.token_hex(20)}"
    temporary = state / f"api_key.{os.getpid()}"
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(key + "\n")
    temporary.replace(path)
    return key


@contextmanager
def local_account(
    state: Path, any_key: bool = False, tell: Callable[[str], None] | None = None
) -> Iterator[LocalServer]:
    """Use the account of *state*, starting its server when none runs.

    With *any_key* a wrong TD_API_KEY is no fault here: it is the server's `key`, and every request that is
    made with it is refused.

    A server started here stops at the end, unless another command still uses it; it also stops when
    this process dies. When it is killed meanwhile it is started again at the same address, goes on with the
    queries it had in hand, and *tell* is told. A server started by hand (`tdlocal serve`) is used and left
    as it is.

    Raises KitError when the account cannot be opened, or the key is wrong.
    """
    state = state.resolve()
    try:
        state.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise KitError(f"the state folder cannot be made: {error.strerror}", where=str(state)) from None
    child: subprocess.Popen[bytes] | None = None
    deadline = time.monotonic() + START_SECONDS
    try:
        while True:
            if (found := running_server(state, any_key)) is not None:
                server, lease = found
                break
            if child is None and not is_locked(state):
                child = start_child(state)
            if child is not None and child.poll() is not None:
                if not is_locked(state):
                    log = (state / "server.log").read_text(errors="replace")
                    reason = complaint_in(log)
                    if not log and is_nearly_full(state):
                        reason = "the disk is full"
                    raise KitError(
                        f"the account did not start: {reason}", where=str(state), mend="see to that folder"
                    )
                child = None  # another command was faster: use its server
            if time.monotonic() > deadline:
                raise KitError(
                    "the account does not answer", where=str(state), mend=f"look into {state / 'server.log'}"
                )
            time.sleep(0.01)
        keeper = Keeper(child, server, lease, tell or (lambda text: None)) if child else None
        try:
            yield server
        finally:
            if keeper:
                child, lease = keeper.end()
            lease.close()
    finally:
        if child is not None:
            stop_child(child, state)


class Keeper:
    """Starts a server again that was killed while its command still uses it.

    Args:
        child: the server's process.
        server: what the command knows of it; its mail port is kept right.
        lease: the command's lease, renewed with the server.
        tell: takes one line for a person.
    """

    def __init__(
        self,
        child: subprocess.Popen[bytes],
        server: LocalServer,
        lease: socket.socket,
        tell: Callable[[str], None],
    ) -> None:
        self._child, self._server, self._lease, self._tell = child, server, lease, tell
        self._lock = threading.Lock()
        self._ended = False
        threading.Thread(target=self._keep, name="server keeper", daemon=True).start()

    def end(self) -> tuple[subprocess.Popen[bytes], socket.socket]:
        """Leave the server alone from now on; its process and the lease."""
        with self._lock:
            self._ended = True
            return self._child, self._lease

    def _keep(self) -> None:
        for _ in range(MOST_RESTARTS):
            code = self._child.wait()
            with self._lock:
                if self._ended or code >= 0 or is_locked(self._server.state):
                    return  # it was told to stop, or another command has started one of its own
                try:
                    self._restart()
                except (KitError, OSError):
                    return
            self._tell(f"the account was killed (signal {-code}) and has been started again")

    def _restart(self) -> None:
        port = int(self._server.url.rpartition(":")[2])
        self._child = start_child(self._server.state, port, "--go-on")
        deadline = time.monotonic() + START_SECONDS
        while self._child.poll() is None and time.monotonic() < deadline:
            if (found := running_server(self._server.state, any_key=True)) is not None:
                self._lease.close()
                self._server.smtp = found[0].smtp
                self._lease = found[1]
                return
            time.sleep(0.01)
        raise KitError("the account did not start again", where=str(self._server.state))


def running_server(state: Path, any_key: bool = False) -> tuple[LocalServer, socket.socket] | None:
    """The server that answers for *state* and a lease on it; None when there is none (yet)."""
    there = read_server_file(state)
    if there is None:
        return None
    try:
        key = (state / "api_key").read_text().strip()
        lease = take_lease(there["url"], key)
    except (OSError, ValueError):
        return None
    if lease is None:
        return None
    given = given_key()
    if any_key:
        key = given or key
    elif given not in ("", key):
        lease.close()
        raise KitError(
            "the account refuses this API key",
            where="TD_API_KEY",
            mend=f"unset TD_API_KEY, or give the key that {state / 'api_key'} holds",
        )
    return LocalServer(there["url"], key, ("127.0.0.1", there["smtp_port"]), state), lease


def take_lease(url: str, key: str) -> socket.socket | None:
    """Open the connection that keeps a server alive; None when it is not the server we look for."""
    host, _, port = url.removeprefix("http://").rpartition(":")
    connection = socket.create_connection((host.strip("[]"), int(port)), timeout=5)
    request = f"GET /local/lease HTTP/1.1\r\nHost: {host}\r\nAuthorization: {key}\r\n\r\n"
    connection.sendall(request.encode())
    head = connection.recv(12)
    if head != b"HTTP/1.1 200":
        connection.close()
        return None
    connection.settimeout(None)
    return connection


def read_server_file(state: Path) -> dict[str, Any] | None:
    """What server.json says, None when it is not there or broken."""
    try:
        there = json.loads((state / SERVER_FILE).read_text())
    except (OSError, ValueError):
        return None
    return there if isinstance(there, dict) and {"pid", "url", "smtp_port"} <= there.keys() else None


def start_child(state: Path, port: int = 0, *options: str) -> subprocess.Popen[bytes]:
    """Start `tdlocal serve` for *state*, with more *options*; it lives as long as its stdin is open.

    TD_API_KEY makes the key of a new account; it does not change that of one that is there.
    """
    environment = dict(os.environ)
    if (state / "api_key").exists():
        environment.pop("TD_API_KEY", None)
    try:
        log = (state / "server.log").open("wb")
    except OSError as error:
        raise KitError(f"the state folder cannot be used: {error.strerror}", where=str(state)) from None
    with log:
        return subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tdlocal.cli",
                "serve",
                "--state",
                str(state),
                "--port",
                str(port),
                "--until-eof",
                *options,
            ],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the command; the server follows when stdin closes
        )


def stop_child(child: subprocess.Popen[bytes], state: Path) -> None:
    """Close the server's stdin; wait for its end unless another command keeps it."""
    assert child.stdin is not None
    with contextlib.suppress(OSError):
        child.stdin.close()
    deadline = time.monotonic() + STOP_SECONDS
    while child.poll() is None and not (state / KEPT_FILE).exists() and time.monotonic() < deadline:
        time.sleep(0.005)


def complaint_in(log: str) -> str:
    """The server's own complaint in its log, else the log's last line."""
    lines = log.splitlines()
    own = [line.removeprefix("tdlocal serve: ") for line in lines if line.startswith("tdlocal serve: ")]
    return (own or lines or ["no reason was given"])[-1]
