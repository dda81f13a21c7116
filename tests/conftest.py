"""Fixtures for every test, and the order in which workers take them."""

import os
import sys

import pytest
from hypothesis import settings

from tests.support import engine

__all__ = ["engine"]

# in CI the same examples every time; on a developer's machine new ones, which find new faults
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

# the commands that tests start share their compiled modules; where nothing may be kept, each of some
# hundred processes would compile them again
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

LONGEST_FIRST = ("pipeline", "docs", "examples", "unification", "golden", "pack", "clients", "account", "cdp")


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(items):
    """Keep the tests of one file on one worker, for what they share, and start with the long ones.

    The row cases and doctests share nothing and fill the gaps at the end.
    """

    def rank(item):
        folder = item.path.parent.name
        if item.path.name == "test_cases.py" or "tests" not in item.path.parts:
            return len(LONGEST_FIRST) + 1
        return LONGEST_FIRST.index(folder) if folder in LONGEST_FIRST else len(LONGEST_FIRST)

    items.sort(key=rank)
    for item in items:
        if rank(item) <= len(LONGEST_FIRST):
            item.add_marker(pytest.mark.xdist_group(item.path.as_posix()))
