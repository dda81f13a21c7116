"""What all tasks of a run share: the project, the local account, secrets, the console, the word to stop."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdlocal.errors import KitError
from tdlocal.workflow.project import Project
from tdlocal.workflow.settings import Settings

if TYPE_CHECKING:
    from tdlocal.console.events import Console
    from tdlocal.local_server import LocalServer

TD_HOST = r"^(?:https?://)?(?:api|api-[a-z0-9-]+|[a-z0-9-]+)(?:\.[a-z0-9-]+)*\.(?:treasuredata\.com|treasuredata\.co\.jp)$"


class Secrets:
    """Secrets by key: those of -X and -c, then a file a key, first in `<state>/secrets`, then in
    `~/.config/digdag/secrets`.

    `td.apikey` is always the local account's key, so that a real one never leaves its place.
    """

    def __init__(self, state: Path, api_key: Callable[[], str], given: dict[str, str]) -> None:
        self.folder = state / "secrets"
        self._api_key, self._given = api_key, given

    def find(self, key: str) -> str | None:
        """The secret, or None when there is none."""
        if key == "td.apikey":
            return self._api_key()
        if key in self._given:
            return self._given[key]
        if not key or "/" in key or key.startswith("."):
            return None
        for folder in (self.folder, Path.home() / ".config" / "digdag" / "secrets"):
            try:
                return (folder / key).read_text(encoding="utf-8").rstrip("\n")
            except OSError:
                continue
        return None


class Services:
    """Shared by all tasks of a run, and by the runs that its require> tasks start.

    Args:
        project: the project that is run.
        state: the kit's state folder.
        console: what a person sees.
        folder: where this run's logs go, None for none.
        settings: what -c and -X say.
    """

    def __init__(
        self,
        project: Project,
        state: Path,
        console: Console,
        folder: Path | None,
        settings: Settings | None = None,
    ) -> None:
        self.project, self.state, self.console, self.run_folder = project, state, console, folder
        self.zone = "UTC"
        self.stopping = threading.Event()
        self.settings = settings or Settings()
        self.secrets = Secrets(state, lambda: self.account().key, self.settings.secrets)
        self.seconds: dict[str, float] = {}  # the longest that a task of an operator may take
        self.python_worker: Any = None
        self.td_clients = threading.local()
        self.shared: dict[str, Any] = {}
        self.former_accounts: set[str] = set()  # addresses that saved values may hold
        self.account_started: Callable[[str], None] = lambda url: None
        self._closing = ExitStack()
        self.lock = threading.RLock()
        self._account: LocalServer | None = None
        self._tables: dict[str, set[str]] = {}
        self._running: set[Callable[[], None]] = set()

    @property
    def failures(self) -> Path | None:
        """Where the errors of failed tasks are written down, before anything evaluates them."""
        return self.run_folder / "failures.jsonl" if self.run_folder else None

    def note_failures(self, failures: list[dict[str, Any]]) -> None:
        """Write down errors whose handler is about to run: one JSON object a task, as it failed.

        What the handler sees as `error` has been evaluated as a template, as Digdag does.
        """
        if self.failures is None:
            return
        with self.lock, suppress(OSError), self.failures.open("a", encoding="utf-8") as file:
            for failure in failures:
                if not failure.get("noted"):  # by the handler of a task within
                    file.write(json.dumps(failure, default=str) + "\n")
                    failure["noted"] = True

    def account(self) -> LocalServer:
        """The local account, started when first asked for."""
        with self.lock:
            if self._account is None:
                from tdlocal.local_server import local_account

                try:
                    self._account = self._closing.enter_context(
                        local_account(self.state, any_key=True, tell=self.console.warning)
                    )
                except (OSError, NotImplementedError) as error:
                    raise KitError(
                        f"the local account did not start: {error}", where=str(self.state)
                    ) from error
                self.account_started(self._account.url)
            return self._account

    def is_gone(self, table: str) -> bool:
        """Whether the account had no such table (database.table) when it was first asked in this run."""
        database, _, name = table.partition(".")
        with self.lock:
            if database not in self._tables:
                from tdclient import Client
                from tdclient.errors import NotFoundError

                account = self.account()
                with Client(apikey=account.key, endpoint=account.url) as client:
                    try:
                        self._tables[database] = {each.name for each in client.tables(database)}
                    except NotFoundError:
                        self._tables[database] = set()
            return name not in self._tables[database]

    def current(self, text: str) -> str:
        """*text* with the account's present address in place of those of earlier runs."""
        for url in self.former_accounts:
            if url in text and url != self.account().url:
                text = text.replace(url, self.account().url)
        return text

    def environment(self) -> dict[str, str]:
        """The environment of child processes: where the account is, and nothing that leads to the
        internet.
        """
        env = {key: value for key, value in os.environ.items() if key.lower() not in _LEFT_OUT}
        env["TD_OUTPUT_DIR"] = str(self.state / "output")
        hook = str(Path(__file__).resolve().parent.parent / "operators" / "child")
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [hook, os.environ.get("PYTHONPATH", "")]))
        env.pop("TD_API_KEY", None)
        if self.failures is not None:
            env["TD_FAILURES"] = str(self.failures)
        if self._account is not None:
            env["TD_API_SERVER"] = env["TD_PRESTO_API"] = env["TDLOCAL_ACCOUNT"] = self._account.url
            env["TD_API_KEY"] = self._account.key
        return env

    def on_stop(self, stop: Callable[[], None]) -> Callable[[], None]:
        """Have *stop* called when the run is stopped; the answer takes it back."""
        with self.lock:
            self._running.add(stop)
        if self.stopping.is_set():
            stop()
        return lambda: self._forget(stop)

    def _forget(self, stop: Callable[[], None]) -> None:
        with self.lock:
            self._running.discard(stop)

    def at_end(self, close: Callable[[], None]) -> None:
        """Have *close* called when the run is over."""
        self._closing.callback(close)

    def stop(self) -> None:
        """Stop every task that is at work."""
        self.stopping.set()
        with self.lock:
            stops = list(self._running)
        for stop in stops:
            stop()

    def close(self) -> None:
        """End the account and the workers that were started."""
        self._closing.close()


_LEFT_OUT = {
    "http_proxy",
    "https_proxy",
    "all_proxy",
    "td_api_server",
    "td_presto_api",
    "td_server_host",
    "tz",
}
_TZ_AT_START = os.environ.get("TZ")


def start_zone(env: dict[str, str]) -> dict[str, str]:
    """*env* with the TZ of the person's shell, whatever a template is doing to this process's at the
    moment.
    """
    if _TZ_AT_START is not None:
        env["TZ"] = _TZ_AT_START
    return env
