"""An engine in memory with one database, and a short way to ask it."""

import pytest

from tdlocal.engine import open_engine

NOW = 1_735_689_600  # 2025-01-01 00:00:00 UTC


@pytest.fixture
def engine():
    opened = open_engine(None)
    opened.create_database("shop")
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def empty_engine():
    """One engine for all tests of a file, for statements that read and write no table."""
    opened = open_engine(None)
    opened.create_database("d")
    yield opened
    opened.close()


@pytest.fixture
def ask(engine):
    """ask(sql) -> the rows of its last statement."""

    def run(sql, **options):
        answer = engine.run(sql, database="shop", scheduled_time=NOW, **options)
        return [row for batch in answer.batches() for row in batch]

    return run
