"""Fixtures of the tests of CDP, reporting and workflow APIs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cdp.support import Client, Running


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    """One account for all tests of a file."""
    with Running(tmp_path_factory.mktemp("state")) as made:
        yield made
