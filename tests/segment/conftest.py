"""The fixtures of tests/pack: a local account, and `py` to call a task as Digdag does."""

from tests.pack.conftest import params, py, server, treasure

__all__ = ["params", "py", "server", "treasure"]
