"""A project folder for a test, and `tdlocal` run in it as a person would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TRACED = """
import os
def write(*words):
    with open(os.environ["TRACE"], "a") as f:
        f.write(" ".join(str(w) for w in words) + "\\n")
"""


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str
    trace: list[str]

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]


@dataclass
class Project:
    """A folder that holds a project; the trace file lies beside it, not in it."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str | bytes) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())

    @property
    def trace_file(self) -> Path:
        return self.root.parent / "trace.txt"

    def environment(self) -> dict[str, str]:
        home = self.root.parent / "home"
        home.mkdir(exist_ok=True)
        return {**os.environ, "HOME": str(home), "TRACE": str(self.trace_file), **self.env}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "tdlocal.cli", *words]

    def tdlocal(self, *words: str, timeout: float = 120) -> Ended:
        self.trace_file.write_text("")
        child = subprocess.run(
            self.command(*words),
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            timeout=timeout,
            check=False,
        )
        out, err = child.stdout.decode(errors="replace"), child.stderr.decode(errors="replace")
        assert "Traceback" not in err, err
        return Ended(child.returncode, out, err, self.trace_file.read_text().splitlines())

    def run(self, *options: str, timeout: float = 120) -> Ended:
        return self.tdlocal("run", "main", *options, timeout=timeout)

    @contextmanager
    def serving(self, *options: str) -> Iterator[None]:
        """An account that runs as long as the block, for commands that would each start their own."""
        server = self.start("serve", "--port", "0", *options)
        try:
            deadline = time.monotonic() + 60
            while not (self.root / ".tdlocal" / "server.json").exists():
                assert server.poll() is None and time.monotonic() < deadline
                time.sleep(0.02)
            yield
        finally:
            server.terminate()
            server.communicate(timeout=30)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            self.command(*words),
            cwd=self.root,
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
