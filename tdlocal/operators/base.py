"""What an operator is given and what it gives back.

An operator is a function ``run(job) -> Result`` in a module of this package. It raises TaskFailure when the
work failed (a `_retry` tries again) and ConfigError when the task is written wrong (nothing tries again).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tdlocal.workflow.faults import ConfigError, Place
from tdlocal.workflow.model import as_boolean, as_integer
from tdlocal.workflow.parameters import Update
from tdlocal.workflow.templates import evaluate

if TYPE_CHECKING:
    from tdlocal.workflow.services import Services
    from tdlocal.workflow.state import Memory

SECRET = re.compile(r"\$\{secret:([^}]*)\}")


class TaskFailure(Exception):
    """The work of a task failed.

    Args:
        message: what `${error.message}` becomes.
        stacktrace: what `${error.stacktrace}` becomes; none when None.
        retriable: whether a `_retry` of the task tries again.
        shown: what a person is shown, where that differs.
        mend: how to mend it, where that is known.
    """

    def __init__(
        self,
        message: str,
        stacktrace: str | None = None,
        *,
        retriable: bool = True,
        shown: str = "",
        mend: str = "",
    ) -> None:
        super().__init__(message)
        self.message, self.stacktrace, self.retriable = message, stacktrace, retriable
        self.shown, self.mend = shown or message, mend


class Stopped(Exception):
    """The run was stopped while the task worked."""


@dataclass(slots=True)
class Result:
    """What a task that succeeded leaves behind.

    ``subtasks`` is a map of tasks to run below it; ``files`` are files that it was made from and ``reads``
    names of parameters that it used beyond its own templates (both decide whether a later run may skip it);
    ``made`` is the table that it made, as database.table; ``effect`` is False
    when it changed nothing that a later task could see except what it stored; ``note`` and ``rows`` are for
    the console.
    """

    stored: Update = field(default_factory=Update)
    exported: dict[str, Any] = field(default_factory=dict)
    subtasks: dict[str, Any] | None = None
    files: list[Path] = field(default_factory=list)
    reads: set[str] = field(default_factory=set)
    made: str = ""
    effect: bool = True
    note: str = ""
    rows: int | None = None


class Job:
    """One task about to run: its evaluated parameters and the services of the run."""

    __slots__ = (
        "attempts",
        "command",
        "folder",
        "kind",
        "memory",
        "name",
        "on_stop",
        "own",
        "place",
        "raw",
        "reads",
        "services",
        "values",
        "write_log",
    )

    def __init__(
        self,
        name: str,
        kind: str,
        values: dict[str, Any],
        own: dict[str, Any],
        folder: Path,
        place: Place,
        services: Services,
        memory: Memory,
        write_log: Callable[[str], None],
    ) -> None:
        self.name, self.kind, self.values, self.raw = name, kind, values, own
        self.folder, self.place, self.services = folder, place, services
        self.memory = memory
        self.own = {key: values[key] for key in own}
        self.command = values.get("_command")
        self.reads: set[str] = set()
        self.on_stop: list[Callable[[], None]] = []
        self.write_log = write_log
        self.attempts = 0

    def get(self, key: str, default: Any = None, family: str = "") -> Any:
        """A parameter: the task's own or one in scope, else the default in the family's map (`td:`,
        `mail:`).
        """
        if key in self.values:
            if key not in self.own:
                self.reads.add(key)
            return self.values[key]
        shared = self.values.get(family)
        if isinstance(shared, dict) and key in shared:
            self.reads.add(family)
            return shared[key]
        if family:
            self.reads.add(family)
        self.reads.add(key)
        return self.services.settings.system.get(f"config.{family}.{key}", default) if family else default

    def need(self, key: str, family: str = "") -> Any:
        """A parameter that must be there.

        Raises:
            ConfigError: it is not.
        """
        value = self.get(key, None, family)
        if value is None:
            raise ConfigError(f"Parameter '{key}' is required but not set")
        return value

    def text(self, key: str, default: str | None = None, family: str = "") -> str | None:
        """A parameter as text."""
        value = self.get(key, default, family)
        if isinstance(value, (dict, list)):
            raise ConfigError(f"Expected string type for key '{key}' but got {json.dumps(value)[:100]}")
        return value if value is None or isinstance(value, str) else as_text(value)

    def flag(self, key: str, default: bool = False, family: str = "") -> bool:
        """A parameter as true or false."""
        value = self.get(key, None, family)
        return default if value is None else as_boolean(value, key)

    def number(self, key: str, default: int, family: str = "") -> int:
        """A parameter as a whole number."""
        value = self.get(key, None, family)
        return default if value is None else as_integer(value, key)

    def need_command(self) -> Any:
        """What stands behind the operator.

        Raises:
            ConfigError: nothing does.
        """
        if self.command is None:
            raise ConfigError("Parameter '_command' is required but not set")
        return self.command

    def need_text(self) -> str:
        """What stands behind the operator, as text.

        Raises:
            ConfigError: nothing does, or it is a map or a list.
        """
        command = self.need_command()
        if isinstance(command, (dict, list)):
            kind = "object" if isinstance(command, dict) else "array"
            shown = json.dumps(command, ensure_ascii=False)[:200]
            raise ConfigError(f"Expected string type for key '_command' but got {shown} ({kind})")
        return as_text(command)

    def evaluate(self, text: str, what: str = "") -> str:
        """A text from a file with its templates evaluated over this task's parameters."""
        try:
            return evaluate(text, self.values, self.services.zone, self.reads)
        except ConfigError as error:
            behind = f" in {what}" if what else ""
            raise ConfigError(f"{error}{behind}", f"{error.shown or error}{behind}", error.mend) from None

    def with_secrets(self, value: Any) -> Any:
        """*value* with every `${secret:key}` in its texts filled in.

        Raises:
            TaskFailure: there is no such secret.
        """
        if isinstance(value, str):
            return SECRET.sub(lambda match: self.secret(match[1]), value) if "${secret:" in value else value
        if isinstance(value, dict):
            return {key: self.with_secrets(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.with_secrets(item) for item in value]
        return value

    def find_secret(self, key: str) -> str | None:
        """The secret called *key* as `_secrets`, in scope, mounts it; None when there is none."""
        return self.services.secrets.find(mounted(key, self.values.get("_secrets")))

    def secret(self, key: str) -> str:
        """The secret called *key*.

        Raises:
            TaskFailure: there is none.
        """
        found = self.find_secret(key)
        if found is None:
            raise TaskFailure(
                f"Secret not found for key: '{key}' (secret not found)",
                frames(self),
                mend=f"write it to {self.services.secrets.folder}/{key}",
            )
        return found

    def file(self, name: str) -> Path:
        """A file of the project, by a path relative to the workflow's folder."""
        return self.folder / name

    def read_file(self, name: str) -> str:
        """The text of a project file.

        Raises:
            ConfigError: it cannot be read.
        """
        path = self.file(name)
        try:
            return path.read_bytes().decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ConfigError(f"Failed to read file: {name}: it is not UTF-8") from None
        except FileNotFoundError:
            raise ConfigError(f"File not found: {path}", f"no such file: {name}") from None
        except OSError as error:
            raise ConfigError(f"Failed to read file: {name}: {error.strerror}") from None

    def emit(self, text: str) -> None:
        """Lines for the person who watches, and for the task's log."""
        self.services.console.output(self.name, text)
        self.write_log(text)

    def log(self, text: str) -> None:
        """A line for the task's log only."""
        self.write_log(text)

    def check_stopped(self) -> None:
        """Raise Stopped when the run was told to stop."""
        if self.services.stopping.is_set():
            raise Stopped


def mounted(key: str, mounts: Any) -> str:
    """The secret that *key* means under `_secrets`.

    >>> mounted("aws.s3.key", {"aws": {"s3": "backup.s3"}}), mounted("td.x", {"td": True}), mounted("a", None)
    ('backup.s3.key', 'td.x', 'a')

    Raises:
        ConfigError: a mount is neither text, true nor a map.
    """
    names = key.split(".")
    for depth, name in enumerate(names, 1):
        if not isinstance(mounts, dict) or name not in mounts:
            return key
        mounts = mounts[name]
        if isinstance(mounts, str):
            return ".".join([mounts, *names[depth:]])
        if mounts is True:
            return key
        if not isinstance(mounts, dict):
            raise ConfigError(f"Illegal value in _secrets: {json.dumps(mounts)}")
    return key


def as_text(value: Any) -> str:
    """A parameter as `${...}` would write it.

    >>> as_text(True), as_text(2.0), as_text([1, "a"]), as_text(None)
    ('true', '2.0', '[1,"a"]', '')
    """
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def as_list(value: Any, key: str) -> list[Any]:
    """A list, also from JSON text.

    Raises:
        ConfigError: it is none.
    """
    if isinstance(value, str):
        value = parse_json(value)
    if not isinstance(value, list):
        raise ConfigError(f"Expected array type for key '{key}' but got {json.dumps(value)[:100]}")
    return value


def parse_json(text: str) -> Any:
    """JSON text.

    Raises:
        ConfigError: it is not JSON.
    """
    try:
        return json.loads(text)
    except ValueError:
        token = re.match(r"\s*([^\s,:\[\]{}]*)", text)
        word = token[1] if token and token[1] else text[:20]
        raise ConfigError(
            f"Unrecognized token '{word}': was expecting (JSON String, Number, Array, Object or token "
            f"'null', 'true' or 'false') in \"{text[:60]}\""
        ) from None


def frames(job: Job, *more: str) -> str:
    """A stack trace as `${error.stacktrace}` holds it: frames joined with ", "."""
    return ", ".join([*more, f"{job.kind}>({job.place})", job.name])
