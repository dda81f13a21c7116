"""The warm Python: waits for orders on a socket and forks a child for each py> task.

Between tasks it imports the libraries that tasks were seen to import (never a project's own modules), so
the next child has them already; it compiles the project's modules, which each child then runs anew. A child
gets its own session, folder, environment, output and random numbers.
"""

# mypy: ignore-errors
# ruff: noqa: SIM105
# No annotations here: this file runs on any Python that a task names.

import array
import gc
import importlib.machinery
import json
import os
import random
import select
import signal
import socket
import sys

LIBRARIES = (
    "yaml",
    "requests",
    "urllib3",
    "jinja2",
    "msgpack",
    "dateutil",
    "pytz",
    "certifi",
    "numpy",
    "pandas",
    "tdclient",
    "pytd",
    "trino",
    "tdclient.api",
    "pytd.client",
)
STANDARD = (  # imported once the first task is on its way: nearly every task imports them
    "concurrent.futures.thread",
    "csv",
    "dataclasses",
    "datetime",
    "decimal",
    "hashlib",
    "http.client",
    "pathlib",
    "random",
    "ssl",
    "tempfile",
    "typing",
    "urllib.request",
    "uuid",
)


def take(connection, size, rights):
    """Exactly *size* bytes; file descriptors that come with them are added to *rights*."""
    data = b""
    while len(data) < size:
        part, extra, _, _ = connection.recvmsg(size - len(data), socket.CMSG_SPACE(4))
        if not part:
            raise EOFError
        for level, kind, content in extra:
            if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                found = array.array("i")
                found.frombytes(content[: len(content) - len(content) % found.itemsize])
                rights.extend(found)
        data += part
    return data


def child(order, output, close):
    """What a forked child does: become the task's process."""
    os.setsid()
    for descriptor in close:
        os.close(descriptor)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL if number != signal.SIGINT else signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.set_wakeup_fd(-1)
    os.dup2(output, 1)
    os.dup2(output, 2)
    if output > 2:
        os.close(output)
    sys.stdout = os.fdopen(1, "w", encoding="utf-8", errors="replace", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1, closefd=False)
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
    os.environ.clear()
    os.environ.update(order["env"])
    os.chdir(order["folder"])
    sys.argv = list(order["line"])
    random.seed()
    if "numpy" in sys.modules:
        sys.modules["numpy"].random.seed()
    sys.path_hooks.insert(0, finder_of(order["folder"]))
    import tdlocal_task

    sys.modules["__main__"].__dict__.setdefault("__file__", order["line"][0])
    code = tdlocal_task.main(*order["line"][1:4])
    import threading

    for thread in threading.enumerate():
        if thread is not threading.main_thread() and not thread.daemon:
            thread.join()
    import atexit

    atexit._run_exitfuncs()
    os._exit(code)


class Compiled(importlib.machinery.SourceFileLoader):
    """Loads a module from the code that is at hand, if its file is still the one that was compiled.

    Python's own .pyc files are not asked: they do not notice an edit within a second that keeps the size.
    """

    def get_code(self, fullname):
        """The module's code."""
        stamp, code = CODE.get(self.path, (None, None))
        if stamp is None or stamp != stamp_of(self.path):
            code = self.source_to_code(self.get_data(self.path), self.path)
        return code


def finder_of(project):
    """A path hook for the folders of a project."""
    root = os.path.join(os.path.abspath(project), "")

    def hook(folder):
        if not os.path.isdir(folder) or not os.path.join(os.path.abspath(folder), "").startswith(root):
            raise ImportError(folder)
        return importlib.machinery.FileFinder(
            folder,
            (importlib.machinery.ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES),
            (Compiled, importlib.machinery.SOURCE_SUFFIXES),
            (importlib.machinery.SourcelessFileLoader, importlib.machinery.BYTECODE_SUFFIXES),
        )

    return hook


def stamp_of(file):
    """What tells two states of a file apart."""
    status = os.stat(file)
    return status.st_mtime_ns, status.st_size


def compiled(files):
    """Compile those of *files* that are new or changed, for the tasks that follow."""
    for file in files:
        try:
            stamp = stamp_of(file)
            if CODE.get(file, (None,))[0] != stamp:
                with open(file, "rb") as source:
                    CODE[file] = stamp, compile(source.read(), file, "exec", dont_inherit=True)
        except (OSError, SyntaxError, ValueError):
            continue  # the task that imports it says so


def imported(status):
    """Libraries worth importing here, from what a child left in its result."""
    for name in status:
        if name in LIBRARIES and name not in sys.modules:
            try:
                __import__(name)
            except Exception:  # noqa: S112 a library that does not import here is the task's affair
                continue


def main(number):
    """Serve until the other side closes the socket."""
    connection = socket.socket(fileno=number)
    here = os.path.dirname(os.path.abspath(__file__))
    import tdlocal_task  # noqa: F401 children find it loaded

    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    woken, wake = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    running = {}
    while True:
        try:
            ready, _, _ = select.select([connection, woken], [], [])
        except InterruptedError:
            continue
        if woken in ready:
            try:
                while os.read(woken, 512):
                    pass
            except BlockingIOError:
                pass
            reap(connection, running)
        if connection in ready:
            rights = []
            try:
                size = int.from_bytes(take(connection, 4, rights), "big")
                order = json.loads(take(connection, size, rights))
            except (EOFError, ConnectionError):
                for pid in running:  # the runner is gone: nobody waits for these any more
                    try:
                        os.killpg(pid, signal.SIGKILL)
                    except (ProcessLookupError, PermissionError):
                        pass
                return
            start(connection, order, rights, running, (number, woken, wake))
            libraries(order)
            compiled(order["sources"])


def start(connection, order, rights, running, close):
    """Fork a child for an order and tell its process id."""
    sys.stdout.flush()
    gc.freeze()  # a collection in the child would touch, and so copy, every page
    pid = os.fork()
    if pid == 0:
        try:
            child(order, rights[0], close)
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(1)
    for descriptor in rights:
        os.close(descriptor)
    running[pid] = order["id"]
    connection.sendall(json.dumps({"id": order["id"], "pid": pid}).encode() + b"\n")


SOURCES = {}
CODE = {}  # file → what it was like, its code


def libraries(order):
    """Import what the task's module and the modules of its folder import, for the tasks that follow."""
    if not SOURCES:
        for name in STANDARD:
            __import__(name)
    parts = order["line"][1].split(".")
    for depth in range(len(parts) - 1, 0, -1):
        file = os.path.join(order["folder"], *parts[:depth]) + ".py"
        if file in SOURCES:
            return
        if os.path.isfile(file):
            SOURCES[file] = True
            try:
                with open(file, encoding="utf-8", errors="replace") as text:
                    words = {
                        line.split()[1].split(".")[0].rstrip(",")
                        for line in text
                        if line.lstrip().startswith(("import ", "from ")) and len(line.split()) > 1
                    }
            except OSError:
                return
            imported(sorted(words))
            return


def reap(connection, running):
    """Tell the exit codes of children that ended."""
    while running:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        if pid in running:
            code = os.waitstatus_to_exitcode(status)
            connection.sendall(json.dumps({"id": running.pop(pid), "code": code}).encode() + b"\n")


if __name__ == "__main__":
    try:
        main(int(sys.argv[1]))
    except (BrokenPipeError, ConnectionError, KeyboardInterrupt):
        pass
