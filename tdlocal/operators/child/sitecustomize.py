"""Loaded by every Python that a task starts: Treasure Data's hosts lead to the local account, never to the
internet.

While the account is started again after it was killed, a connection to it is waited for: nothing has been
sent yet.

Nothing is imported here that the task does not import: `urllib3.connection`, `http.client` and `socket` are
changed in the moment they are imported.
"""

# mypy: ignore-errors
# No annotations here: this file runs on any Python that a task names.

import importlib.machinery
import os
import sys

PATIENCE = 10.0  # seconds that a connection to the account is waited for


def _patiently(connect, refused, host, port):
    """What connect() gives; tried again while nobody listens at the account's address."""
    import time

    if not os.environ.get("TDLOCAL_ACCOUNT") or (host, int(port or 80)) != _account():
        return connect()
    give_up = time.monotonic() + PATIENCE
    while True:
        try:
            return connect()
        except refused as error:
            cause = error if isinstance(error, ConnectionRefusedError) else error.__cause__
            if not isinstance(cause, ConnectionRefusedError) or time.monotonic() > give_up:
                raise
        time.sleep(0.05)


def _is_treasure_data(host):
    host = (host or "").lower().rstrip(".")
    return host.endswith((".treasuredata.com", ".treasuredata.co.jp")) or host in (
        "treasuredata.com",
        "treasuredata.co.jp",
    )


def _account():
    """Host and port of the local account."""
    url = os.environ.get("TDLOCAL_ACCOUNT", "")
    if not url:
        raise OSError(
            "no local account: tdlocal did not see that this task uses Treasure Data; "
            "write TD_API_KEY: ${secret:td.apikey} under its _env"
        )
    host, _, port = url.split("://", 1)[1].partition(":")
    return host, int(port or 80)


def _change_urllib3(module):
    plain = module.HTTPSConnection.connect

    def connect(self):
        if not _is_treasure_data(self.host):
            return plain(self)
        import socket

        timeout = self.timeout if isinstance(self.timeout, (int, float)) else None
        self.sock = _patiently(
            lambda: socket.create_connection(_account(), timeout), ConnectionRefusedError, *_account()
        )
        self.is_verified = True
        self.proxy_is_verified = None
        return None

    module.HTTPSConnection.connect = connect
    new = module.HTTPConnection._new_conn

    def _new_conn(self):
        return _patiently(lambda: new(self), module.NewConnectionError, self.host, self.port)

    module.HTTPConnection._new_conn = _new_conn


def _change_http_client(module):
    if not hasattr(module, "HTTPSConnection"):
        return
    plain = module.HTTPSConnection.connect

    def connect(self):
        if not _is_treasure_data(self.host):
            return plain(self)
        import socket

        self.sock = socket.create_connection(_account())
        return None

    module.HTTPSConnection.connect = connect


def _change_socket(module):
    plain = module.getaddrinfo

    def getaddrinfo(host, port, *more, **named):
        name = host.decode() if isinstance(host, bytes) else host
        if isinstance(name, str) and _is_treasure_data(name):
            host, port = _account()
        return plain(host, port, *more, **named)

    module.getaddrinfo = getaddrinfo


_CHANGES = {
    "urllib3.connection": _change_urllib3,
    "http.client": _change_http_client,
    "socket": _change_socket,
}


class _Changer:
    """Finds the modules above as usual and changes them once they are loaded."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        change = _CHANGES.get(name)
        if change is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.loader is None:
            return None
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            change(module)

        spec.loader.exec_module = exec_module
        return spec


for _name, _change in _CHANGES.items():
    if _name in sys.modules:
        _change(sys.modules[_name])
sys.meta_path.insert(0, _Changer)


def _next_sitecustomize():
    """Run the sitecustomize that this one hides."""
    here = os.path.dirname(os.path.abspath(__file__))
    rest = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", rest)
    if spec and spec.loader and spec.origin != os.path.abspath(__file__):
        module = type(sys)("sitecustomize")
        module.__file__ = spec.origin
        spec.loader.exec_module(module)


_next_sitecustomize()
