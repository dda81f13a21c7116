"""Child processes of tasks: output passed on as it comes, ended when the run stops."""

from __future__ import annotations

import codecs
import contextlib
import os
import re
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from tdlocal.operators.base import Job, Stopped, TaskFailure, as_text, frames
from tdlocal.workflow.faults import ConfigError
from tdlocal.workflow.services import start_zone

CHUNK = 65536
MOST_SHOWN = 20_000_000  # bytes of output of one task that are passed on; the rest is read and dropped
GRACE = 1.0  # seconds that output of processes left behind is waited for
PATIENCE = 3.0  # seconds between asking a process to end and ending it
TD_HOST = re.compile(
    r"(?P<scheme>https?://)?(?P<host>[a-z0-9-]+(?:\.[a-z0-9-]+)*\.treasuredata\.(?:com|co\.jp))(?P<rest>(?:[:/].*)?)"
)


@contextlib.contextmanager
def scratch(job: Job) -> Iterator[Path]:
    """A folder for the files of one task's process, gone with the task."""
    folder = job.services.state / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    prefix = f"{job.kind}-{os.getpid()}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir=folder, ignore_cleanup_errors=True) as name:
        yield Path(name)


def sweep(folder: Path) -> None:
    """Delete what runs that were killed left in the folder of scratch()."""
    for entry in folder.iterdir() if folder.is_dir() else ():
        found = re.match(r"(?:py|sh|rb)-(\d+)-", entry.name)
        if found and not _is_running(int(found[1])):
            shutil.rmtree(entry, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def wants_account(job: Job, *more: str) -> bool:
    """Whether a task may talk to the account, by what is written in it and in the files it runs."""
    words = re.compile(r"TD_API|secret:td\.|treasuredata|pytd|tdclient|tdlocal")
    return any(words.search(text) for text in (as_text(job.raw), *more))


def environment(job: Job, parameters: bool = False) -> dict[str, str]:
    """The environment of a task's process, with its `_env`; *parameters* adds every parameter, as sh> does.

    Raises:
        ConfigError: `_env` is no map of texts.
    """
    env = start_zone(job.services.environment())
    if parameters:
        for key, value in job.values.items():
            if key != "_secrets" and re.fullmatch(r"[A-Za-z_][A-Za-z_0-9]*", key):
                text = "null" if value is None else job.services.current(as_text(value))
                if len(text) < 100_000 and "\0" not in text:
                    env[key] = text
    own = job.own.get("_env")  # one in _export reaches no process, as on Digdag
    if own is None:
        return env
    if not isinstance(own, dict):
        raise ConfigError("_env must be a map of names and texts")
    for key, value in own.items():
        if isinstance(value, (dict, list)):
            raise ConfigError(f"Expected string type for key '{key}' but got {as_text(value)[:80]} (object)")
        env[key] = local_host(job, job.with_secrets(as_text(value)))
    return env


def local_host(job: Job, text: str) -> str:
    """The local account's address in place of a Treasure Data host; any other text as it is."""
    text = job.services.current(text)
    found = TD_HOST.fullmatch(text)
    return job.services.account().url + found["rest"] if found else text


class Output:
    """Passes bytes on as whole lines of text."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.rest = ""
        self.size = 0

    def feed(self, data: bytes) -> None:
        """More output."""
        self.size += len(data)
        if self.size > MOST_SHOWN:
            if self.size - len(data) <= MOST_SHOWN:
                self.job.emit(f"… more than {MOST_SHOWN // 1_000_000} MB of output; the rest is left out")
            return
        text = self.rest + self.decoder.decode(data)
        lines, newline, self.rest = text.rpartition("\n")
        if newline:
            self.job.emit(lines + "\n")
        if len(self.rest) > CHUNK:
            self.job.emit(self.rest)
            self.rest = ""

    def close(self) -> None:
        """No more output."""
        if self.rest:
            self.job.emit(self.rest)
            self.rest = ""


def pump(reader: int, output: Output, ended: Callable[[], bool]) -> None:
    """Read from *reader* until its end, or shortly after *ended* says that the process is gone."""
    gone_at = 0.0
    while True:
        ready, _, _ = select.select([reader], [], [], 0.2 if not gone_at else 0.05)
        if ready:
            data = os.read(reader, CHUNK)
            if not data:
                return
            output.feed(data)
        if not gone_at and ended():
            gone_at = time.monotonic()
        if gone_at and time.monotonic() - gone_at > GRACE:
            return


def end_group(pid: int) -> None:
    """Ask a process group to end; end it when it does not."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            os.killpg(pid, 0)
        except (ProcessLookupError, PermissionError):
            return
        time.sleep(0.05)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def run(job: Job, command: Sequence[str], env: Mapping[str, str], folder: Path) -> int:
    """Run a command to its end and pass its output on.

    Returns:
        its exit code; 128 + n when signal n ended it.

    Raises:
        TaskFailure: it cannot be started.
        Stopped: the run was stopped.
    """
    try:
        child: subprocess.Popen[bytes] = subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise TaskFailure(
            f'Cannot run program "{command[0]}" (in directory "{folder}"): '
            f"error={error.errno}, {error.strerror} (runtime)",
            frames(job),
        ) from None
    with child.stdout as output:  # type: ignore[union-attr]
        return wait_for(job, child.pid, output.fileno(), child.poll, child.wait)


def wait_for(job: Job, pid: int, reader: int, poll: Callable[[], int | None], wait: Callable[[], int]) -> int:
    """Pass the output of a process on until it ends; ends it when the run is stopped."""

    def stop() -> None:
        end_group(pid)

    job.on_stop.append(stop)
    forget = job.services.on_stop(stop)
    output = Output(job)
    try:
        pump(reader, output, lambda: poll() is not None)
        code = wait()
    finally:
        output.close()
        forget()
    if job.services.stopping.is_set():
        raise Stopped
    return code if code >= 0 else 128 - code
