"""Runs one py> task: `python tdlocal_task.py METHOD input.json output.json`.

Runs on any Python from 3.6 on and imports nothing of the kit, since it is the task's process, not the
kit's. It
gives tasks the module `digdag` with `digdag.env`, fills in arguments by name and leaves the result as JSON.
"""

# mypy: ignore-errors
# ruff: noqa: B904, SIM105, SIM118, UP031
# No annotations here: this file runs on any Python that a task names.

import inspect
import json
import os
import sys
import traceback
import types

DUMPS, OPEN, GETCWD = json.dumps, open, os.getcwd  # a task may put anything in their place


class Watched(dict):
    """Parameters that note which of them a task looks at; "*" stands for all."""

    def __init__(self, values):
        dict.__init__(self, values)
        self.seen = set()

    def __getitem__(self, key):
        self.seen.add(key)
        return dict.__getitem__(self, key)

    def get(self, key, default=None):
        self.seen.add(key)
        return dict.get(self, key, default)

    def __contains__(self, key):
        self.seen.add(key)
        return dict.__contains__(self, key)

    def __iter__(self):
        self.seen.add("*")
        return dict.__iter__(self)

    def keys(self):
        self.seen.add("*")
        return dict.keys(self)

    def values(self):
        self.seen.add("*")
        return dict.values(self)

    def items(self):
        self.seen.add("*")
        return dict.items(self)

    def copy(self):
        self.seen.add("*")
        return dict(dict.items(self))


class Env:
    """What tasks know as `digdag.env`."""

    def __init__(self, params):
        self.params = params
        self.state_params = {}
        self.subtask_config = {}
        self.export_params = {}
        self.store_params = {}
        self.subtask_index = 0

    def set_state(self, params=None, **more):
        """Keep values for the next try of this task."""
        self.state_params.update(params or {}, **more)

    def export(self, params=None, **more):
        """Let the sub-tasks of this task see values."""
        self.export_params.update(params or {}, **more)

    def store(self, params=None, **more):
        """Let the tasks after this one see values."""
        self.store_params.update(params or {}, **more)

    def add_subtask(self, function=None, **params):
        """Run a function, or a task given as a map, after this task."""
        if isinstance(function, dict):
            config = dict(function, **params)
        elif function is None:
            config = dict(params)
        else:
            config = dict(params)
            config["py>"] = ".".join([function.__module__, function.__qualname__])
        try:
            json.dumps(config)
        except Exception as error:
            raise TypeError("Parameters must be serializable using JSON: %s" % error)
        self.subtask_config["+subtask%d" % self.subtask_index] = config
        self.subtask_index += 1


def callable_of(command):
    """The function that a command names, and the class that it is a method of (or None)."""
    if "." not in command:
        raise ValueError("py> needs module.function, but got %r" % command)
    module, _, name = command.rpartition(".")
    try:
        found = getattr(__import__(module, fromlist=[name]), name)
    except (ImportError, AttributeError) as error:
        if isinstance(error, AttributeError) and module in sys.modules:
            error = AttributeError("Module '%s' has no attribute '%s'" % (module, name))
        package, _, class_name = module.rpartition(".")
        if not package:
            raise error
        try:
            owner = getattr(__import__(package, fromlist=[class_name]), class_name)
        except (ImportError, AttributeError):
            raise error
        return getattr(owner, name), owner
    if inspect.isclass(found):
        return found.run, found
    return found, None


def arguments(function, params, skip_first):
    """Arguments by name from the parameters."""
    if function is object.__init__:
        return {}
    try:
        spec = inspect.getfullargspec(function)
    except TypeError:
        return {}
    names = spec.args[1:] if skip_first or inspect.ismethod(function) else spec.args
    optional = set(spec.args[len(spec.args) - len(spec.defaults or ()) :])
    given = {}
    for name in names:
        if name in params:
            given[name] = params[name]
        elif name not in optional:
            raise TypeError("Method '%s' requires parameter '%s' but not set" % (function.__name__, name))
    if spec.varkw:
        for name in params.keys():
            if name not in given and name not in spec.args:
                given[name] = params[name]
    return given


def call(command, params):
    """Run the task."""
    function, owner = callable_of(command)
    if owner is None:
        return function(**arguments(function, params, False))
    made = owner(**arguments(owner.__init__, params, True))
    method = getattr(made, function.__name__)
    is_static = isinstance(inspect.getattr_static(owner, function.__name__, None), staticmethod)
    return method(**arguments(method if is_static else function, params, not is_static))


def project_files(folder):
    """Files of the project that were imported.

    They came after the module `digdag`. Those before it are not looked at: in a forked process each look
    copies a page of memory.
    """
    names = []
    for name in reversed(sys.modules if hasattr(sys.modules, "__reversed__") else list(sys.modules)):
        if name == "digdag":
            break
        names.append(name)
    files = []
    for name in names:
        file = getattr(sys.modules.get(name), "__file__", None)
        if file and file.startswith(folder + os.sep) and "site-packages" not in file and file.endswith(".py"):
            files.append(file)
    return sorted(files)


def told(error):
    """An exception as the runner tells it."""
    lines = [
        line
        for line in traceback.format_exception(type(error), error, error.__traceback__)
        if "tdlocal_task.py" not in line
    ]
    frames = [
        f for f in traceback.extract_tb(error.__traceback__) if not f.filename.endswith("tdlocal_task.py")
    ]
    inside = [
        f for f in frames if f.filename.startswith(GETCWD() + os.sep) and "site-packages" not in f.filename
    ]
    place = (inside or frames or [None])[-1]
    message = str(error)
    if isinstance(error, SystemExit):
        message = "the task called sys.exit(%s); Digdag takes that as a failure: return instead" % error.code
    if isinstance(error, SyntaxError) and error.filename:
        where = "%s:%s" % (error.filename, error.lineno)
    else:
        where = "%s:%d" % (place.filename, place.lineno) if place else ""
    return {
        "class": type(error).__name__,
        "message": message,
        "traceback": lines,
        "where": where,
        "frames": ["%s(%s:%d)" % (f.name, os.path.basename(f.filename), f.lineno) for f in reversed(frames)],
    }


def main(command, input_file, output_file):
    """Run a task and leave its result; the exit code."""
    folder = os.getcwd()
    with open(input_file, encoding="utf-8") as file:
        params = Watched(json.load(file)["params"])
    params.seen = set()
    env = Env(params)
    module = types.ModuleType("digdag")
    module.env = env
    sys.modules["digdag"] = module
    sys.path.append(folder)
    answer = {}
    code = 0
    try:
        call(command, params)
    except BaseException as error:
        answer["error"] = told(error)
        code = 1
    answer.update(
        subtask_config=env.subtask_config,
        export_params=env.export_params,
        store_params=env.store_params,
        state_params=env.state_params,
        reads=sorted(map(str, params.seen)),
        files=project_files(folder),
    )
    try:
        text = DUMPS(answer, allow_nan=False)
    except (TypeError, ValueError) as error:
        problem = TypeError("a stored or exported value is not JSON: %s" % error)
        answer = {"error": told(problem)}
        text, code = DUMPS(answer), 1
    with OPEN(output_file, "w", encoding="utf-8") as file:
        file.write(text)
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            pass
    return code


if __name__ == "__main__":
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    sys.exit(main(*sys.argv[1:4]))
