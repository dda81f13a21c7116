"""The local account as a running server: found when there is one, started when there is none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LocalServer:
    """A running account. `url` has no trailing slash; `smtp` is host and port of its mail server."""

    url: str
    key: str
    smtp: tuple[str, int]
    state: Path


@contextmanager
def local_account(state: Path) -> Iterator[LocalServer]:
    """Use the account of *state*, starting its server when none runs.

    A server started here stops at the end, unless another command still uses it; it also stops when
    this process dies. A server started by hand (`tdlocal serve`) is used and left running.

    Raises KitError when the state folder is in use in a way that cannot be shared, or cannot be used.
    """
    raise NotImplementedError
    yield
