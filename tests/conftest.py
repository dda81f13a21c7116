"""Fixtures for every test, and the order in which workers take them."""

import os
import sys

from hypothesis import settings

from tests.support import engine, opened_engine

__all__ = ["engine", "opened_engine"]

# in CI the same examples every time; on a developer's machine new ones, which find new faults
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

# the commands that tests start share their compiled modules; where nothing may be kept, each of some
# hundred processes would compile them again
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

LONGEST_FIRST = ("pipeline", "docs", "examples", "unification", "pack", "test_cases.py", "golden", "clients")


def pytest_collection_modifyitems(items):
    """Start with the files that take longest; what takes a moment fills the gaps at the end.

    The tests of one file stay on one worker (`--dist loadfile`), for what they share.
    """

    def rank(item):
        names = (item.path.name, item.path.parent.name)
        return min((LONGEST_FIRST.index(name) for name in names if name in LONGEST_FIRST), default=99)

    items.sort(key=rank)
