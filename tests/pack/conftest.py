"""The pack's Python against a local account, without a runner; `py` calls a task as Digdag does."""

import importlib
import inspect
import itertools
import sys
import types

import pytest
import yaml

from tdlocal.local_server import local_account
from tests.support import ROOT, SESSION_UNIXTIME

NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """One account for all tests of this folder; each test has databases of its own."""
    with local_account(tmp_path_factory.mktemp("pack") / "state") as server:
        yield server


@pytest.fixture
def treasure(server, monkeypatch):
    """common.python.treasure, connected to the account."""
    monkeypatch.setenv("TD_API_SERVER", server.url)
    monkeypatch.setenv("TD_PRESTO_API", server.url)
    monkeypatch.setenv("TD_API_KEY", server.key)
    return importlib.import_module("common.python.treasure")


@pytest.fixture
def params():
    """What every task sees: config/src_params.yml settled, a session, and a `sub` of this test's own."""
    found = yaml.safe_load((ROOT / "config/src_params.yml").read_text(encoding="utf-8"))
    found.update(found["defaults"])
    found.update(
        sub=f"t{next(NUMBERS)}",
        session_unixtime=SESSION_UNIXTIME,
        session_time="2026-11-01T00:00:00+00:00",
        session_date="2026-11-01",
        session_uuid="run-1",
    )
    return found


@pytest.fixture
def py(treasure, params, monkeypatch):
    """A function that runs a `py>` target with parameters by name, as Digdag does."""
    digdag = types.ModuleType("digdag")
    digdag.env = types.SimpleNamespace(params=params, store=lambda values: merge(params, values))
    monkeypatch.setitem(sys.modules, "digdag", digdag)
    monkeypatch.chdir(ROOT)

    def run(target, **own):
        module, name = target.rsplit(".", 1)
        function = getattr(importlib.import_module(module), name)
        seen = {**params, **own}
        digdag.env.params = seen
        wanted = inspect.signature(function).parameters
        return function(**{name: seen[name] for name in wanted if name in seen})

    return run


def merge(target, values):
    """Store as Digdag does: maps merge, everything else is replaced."""
    for name, value in values.items():
        if isinstance(value, dict) and isinstance(target.get(name), dict):
            merge(target[name], value)
        else:
            target[name] = value
