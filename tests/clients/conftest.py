"""A running account and Treasure Data's real clients on it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytd
import pytest
import tdclient

from tdlocal.local_server import LocalServer, local_account

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """An account over HTTP; one for all client tests."""
    with local_account(tmp_path_factory.mktemp("account")) as running:
        yield running


@pytest.fixture(autouse=True)
def environment(server: LocalServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two variables that `tdlocal serve` tells people to set, and the key."""
    monkeypatch.setenv("TD_API_SERVER", server.url)
    monkeypatch.setenv("TD_PRESTO_API", server.url)
    monkeypatch.setenv("TD_API_KEY", server.key)
    monkeypatch.delenv("HTTP_PROXY", raising=False)
    monkeypatch.delenv("http_proxy", raising=False)


@pytest.fixture
def client(environment: None) -> Iterator[tdclient.Client]:
    """td-client-python, as its tutorial makes it."""
    with tdclient.Client() as made:
        yield made


@pytest.fixture
def database(client: tdclient.Client) -> str:
    """A database of this test's own."""
    name = f"shop_{next(NUMBERS)}"
    client.create_database(name)
    return name


@pytest.fixture
def pytd_client(database: str) -> Iterator[pytd.Client]:
    """pytd, as its tutorial makes it."""
    made = pytd.Client(database=database)
    yield made
    made.close()
