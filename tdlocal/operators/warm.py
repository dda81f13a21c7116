"""The warm Python process that py> tasks are forked from. It speaks JSON lines over a socket; see
child/tdlocal_warm.py.
"""

from __future__ import annotations

import array
import contextlib
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tdlocal.operators import process
from tdlocal.operators.base import Job

SERVER = Path(__file__).resolve().parent / "child" / "tdlocal_warm.py"


class WarmPython:
    """A process that forks one child a task.

    Args:
        env: its environment; each child gets the task's own in its place.
    """

    def __init__(self, env: dict[str, str]) -> None:
        ours, theirs = socket.socketpair()
        self._socket = ours
        self._lock = threading.Lock()
        self._waiting: dict[int, _Child] = {}
        self._count = 0
        self.alive = True
        self._process = subprocess.Popen(
            [sys.executable, str(SERVER), str(theirs.fileno())],
            env=env,
            stdin=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
            start_new_session=True,
        )
        theirs.close()
        threading.Thread(target=self._listen, name="warm python", daemon=True).start()

    def run(self, job: Job, line: list[str], env: dict[str, str], sources: Sequence[str]) -> int:
        """Run `python LINE…` in a fork and pass its output on; the exit code.

        Args:
            job: the task.
            line: the script and its arguments.
            env: the task's environment.
            sources: files of the project that it imports, worth compiling for the next task.
        """
        reader, writer = os.pipe()
        child = _Child()
        try:
            with self._lock:
                self._count += 1
                number = self._count
                self._waiting[number] = child
                order = {"id": number, "line": line, "env": env, "folder": str(job.folder)}
                order["sources"] = list(sources)
                data = json.dumps(order).encode()
                rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [writer]))]
                self._socket.sendmsg([len(data).to_bytes(4, "big")], rights)
                self._socket.sendall(data)
            os.close(writer)
            writer = -1
            child.started.wait()
            if child.pid == 0:
                return 1
            return process.wait_for(job, child.pid, reader, lambda: child.code, child.wait)
        except OSError:
            self.alive = False
            raise
        finally:
            os.close(reader)
            if writer >= 0:
                os.close(writer)

    def _listen(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._socket.makefile("r") as lines:
            for line in lines:
                self._heard(json.loads(line))
        self.alive = False
        for child in list(self._waiting.values()):
            child.end(1 if child.code is None else child.code)
            child.started.set()

    def _heard(self, told: dict[str, Any]) -> None:
        child = self._waiting.get(told["id"])
        if child is None:
            return
        if "pid" in told:
            child.pid = told["pid"]
            child.started.set()
        if "code" in told:
            child.end(told["code"])
            del self._waiting[told["id"]]

    def close(self) -> None:
        """End the process."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class _Child:
    def __init__(self) -> None:
        self.pid = 0
        self.code: int | None = None
        self.started, self.ended = threading.Event(), threading.Event()

    def end(self, code: int) -> None:
        """Note that it has ended."""
        self.code = code
        self.ended.set()

    def wait(self) -> int:
        """Its exit code, once it has ended."""
        self.ended.wait()
        assert self.code is not None
        return self.code
