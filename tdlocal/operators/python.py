"""py>: a Python function in a process of its own, with parameters by name.

With the kit's own Python a warm process is forked for each task, which saves the start of an interpreter
and of
the libraries that earlier tasks imported; nothing else is shared. With `python:` the named program is
started.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from tdlocal.operators import process
from tdlocal.operators.base import Job, Result, TaskFailure, as_list, as_text, frames
from tdlocal.operators.warm import WarmPython
from tdlocal.reserve import is_nearly_full
from tdlocal.workflow.parameters import Update, whole_text

MOST_SOURCES = 200
IMPORTS = re.compile(
    r"^[ \t]*(?:from|import)[ \t]+([\w.]+)(?:[ \t]+import[ \t]+([\w, \t()]+))?", re.MULTILINE
)
RUNNER = Path(__file__).resolve().parent / "child" / "tdlocal_task.py"


def run(job: Job) -> Result:
    """Call a Python function, or run the text of `script:`."""
    script = job.text("script", None, "py")
    command = None if script is not None and job.command is None else as_text(job.need_command())
    sources = _sources(job, command or "")
    if process.wants_account(job, *sources.values()):
        job.services.account()
    env = process.environment(job)
    with process.scratch(job) as scratch:
        given, answer = scratch / "input.json", scratch / "output.json"
        family = job.values.get("py")
        family = family if isinstance(family, dict) else {}
        params = {**job.values, **{k: v for k, v in family.items() if k not in job.values}}
        if params.get("retry_attempt_name", "") is None:
            del params["retry_attempt_name"]
        params.pop("_secrets", None)
        text = job.services.current(json.dumps({"params": params}, ensure_ascii=False, default=str))
        given.write_text(text, encoding="utf-8", errors="replace")
        if command is None:
            file = scratch / "script.py"
            file.write_text(script or "", encoding="utf-8")
            line = [str(file), str(given), str(answer)]
        else:
            line = [str(RUNNER), command, str(given), str(answer)]
        code = _start(job, line, env, list(map(str, sources)))
        return _result(job, code, answer, params)


def _start(job: Job, line: list[str], env: dict[str, str], sources: list[str]) -> int:
    named = job.get("python", None, "py")
    if named is None and line[0] == str(RUNNER):
        warm = _warm(job)
        if warm is not None:
            return warm.run(job, line, env, sources)
    words = (
        [sys.executable]
        if named is None
        else as_list(named, "python")
        if isinstance(named, list)
        else [as_text(named)]
    )
    if shutil.which(str(words[0]), path=env.get("PATH")) is None and not Path(str(words[0])).exists():
        raise TaskFailure(
            f'Cannot run program "{words[0]}" (in directory "{job.folder}"): '
            "error=2, No such file or directory (runtime)",
            frames(job),
        )
    return process.run(job, [str(word) for word in words] + line, env, job.folder)


def _warm(job: Job) -> WarmPython | None:
    services = job.services
    with services.lock:
        if services.python_worker is None:
            worker = WarmPython(services.environment())
            services.at_end(worker.close)
            services.python_worker = worker
        found: WarmPython = services.python_worker
        return found if found.alive else None


def _sources(job: Job, command: str) -> dict[Path, str]:
    """Text of the module that *command* names and of all project modules that it imports, directly or not."""
    parts = command.split(".")
    waiting = [job.folder.joinpath(*parts[:depth]) for depth in range(len(parts) - 1, 0, -1)]
    seen: set[Path] = set()
    texts: dict[Path, str] = {}
    while waiting and len(texts) < MOST_SOURCES:
        base = waiting.pop()
        if base in seen:
            continue
        seen.add(base)
        for file in (base.with_suffix(".py"), base / "__init__.py"):
            try:
                changed_at = file.stat().st_mtime_ns
            except OSError:
                continue
            texts[file], imports = _module(file, changed_at)
            waiting += [job.folder.joinpath(*names) for names in imports]
    return texts


@lru_cache(1000)
def _module(file: Path, changed_at: int) -> tuple[str, list[tuple[str, ...]]]:
    """The text of a module, and what it may import: the parts of their names."""
    text = file.read_text(encoding="utf-8", errors="replace")
    imports: list[tuple[str, ...]] = []
    for module, names in IMPORTS.findall(text):
        package = tuple(filter(None, module.split(".")))
        imports += [package, *((*package, name) for name in re.findall(r"\w+", names))]
    return text, imports


def _result(job: Job, code: int, answer: Path, params: dict[str, Any]) -> Result:
    left: dict[str, Any] = {}
    if answer.exists():
        try:
            text = answer.read_text(encoding="utf-8")
            left = json.loads(text)
            if "\\ud" in text:  # perhaps half of a surrogate pair
                left = json.loads(whole_text(json.dumps(left, ensure_ascii=False)))
        except ValueError as error:
            why = "the disk is full" if is_nearly_full(job.services.state) else str(error)
            raise TaskFailure(f"the task left no JSON behind: {why} (runtime)", frames(job)) from None
    if code != 0:
        raise _failure(job, code, left.get("error"))
    if not answer.exists():
        raise TaskFailure(
            "the task ended without leaving its result: did it exit by os._exit? (runtime)", frames(job)
        )
    reads = set(params) if "*" in left.get("reads", ()) else set(left.get("reads", ()))
    if isinstance(params.get("py"), dict) and reads & params["py"].keys():
        reads.add("py")
    return Result(
        Update([], left.get("store_params") or {}),
        left.get("export_params") or {},
        left.get("subtask_config") or None,
        files=[Path(file) for file in left.get("files", ())],
        reads=reads,
    )


def _failure(job: Job, code: int, error: dict[str, Any] | None) -> TaskFailure:
    head = f"Python command failed with code {code}"
    if error is None:
        shown = f"the Python process ended with code {code}"
        if code > 128:
            shown = f"the Python process was ended by signal {code - 128}"
        return TaskFailure(f"{head} (runtime)", frames(job), shown=shown)
    job.log("".join(error["traceback"]))
    words = f"{error['message']} ({error['class']})"
    message = f"{head}\nError messages from python: {words}\n" + "".join(
        f"\tfrom {line}\n" for line in error["traceback"]
    )
    where = error.get("where") or ""
    with contextlib.suppress(ValueError):
        file, _, number = where.rpartition(":")
        where = f"{os.path.relpath(file, job.services.project.root)}:{number}"
    mend, shown = "", error["message"] or error["class"]
    if " | to mend: " in shown:
        shown, _, mend = shown.partition(" | to mend: ")
    elif error["class"] != "TaskError":
        shown = words
    return TaskFailure(
        message + " (runtime)",
        frames(job, *error.get("frames", ())),
        shown=f"{shown}{f'  at {where}' if where else ''}",
        mend=mend,
    )
