"""An account in this process, and one behind HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tdlocal.account.account import Account
from tdlocal.api.server import Application
from tdlocal.engine import open_engine
from tdlocal.local_server import LocalServer, local_account


@pytest.fixture
def account(tmp_path: Path) -> Iterator[Account]:
    """An account over an in-memory engine, without HTTP."""
    made = Account(tmp_path / "state", open_engine(None), key="1/test", url="http://127.0.0.1:1")
    made.databases.create("shop")
    yield made
    made.close()


@pytest.fixture
def application(account: Account) -> Iterator[Application]:
    """The HTTP side of it, without a socket."""
    made = Application(account)
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """A running account."""
    with local_account(tmp_path_factory.mktemp("account")) as running:
        yield running
