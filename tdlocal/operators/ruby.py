"""rb>: a Ruby method, where ruby is installed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from tdlocal.operators import process
from tdlocal.operators.base import Job, Result, TaskFailure, as_list, as_text, frames
from tdlocal.workflow.faults import ConfigError
from tdlocal.workflow.parameters import Update

RUNNER = Path(__file__).parent / "child" / "tdlocal_task.rb"


def run(job: Job) -> Result:
    """Run a Ruby method with parameters by name, or the text of `script:`."""
    script = job.text("script", None, "rb")
    command = None if script is not None and job.command is None else as_text(job.need_command())
    line = _ruby(job)
    if process.wants_account(job):
        job.services.account()
    with process.scratch(job) as scratch:
        given, answer = scratch / "input.json", scratch / "output.json"
        family = job.values.get("rb")
        params = {**(family if isinstance(family, dict) else {}), **job.values}
        params.pop("_secrets", None)
        text = job.services.current(json.dumps({"params": params}, ensure_ascii=False, default=str))
        given.write_text(text, encoding="utf-8", errors="replace")
        if command is None:
            file = scratch / "script.rb"
            file.write_text(script or "", encoding="utf-8")
            line += [str(file), str(given), str(answer)]
        else:
            line += [str(RUNNER), command, str(given), str(answer)]
        code = process.run(job, line, process.environment(job), job.folder)
        left = _left(job, code, answer)
    # what a Ruby method reads of its parameters is not known: any of them may count
    reads = {key for key in job.values if not key.startswith("_")}
    return Result(
        Update([], left.get("store_params") or {}),
        left.get("export_params") or {},
        left.get("subtask_config") or None,
        files=[Path(file) for file in left.get("files", ())],
        reads=reads,
    )


def _ruby(job: Job) -> list[str]:
    """The command line up to the script."""
    ruby = job.get("ruby", "ruby", "rb")
    words = [as_text(word) for word in as_list(ruby, "ruby")] if isinstance(ruby, list) else [as_text(ruby)]
    if shutil.which(words[0]) is None:
        raise ConfigError(f"rb> needs {words[0]}, which is not installed here")
    require = job.get("require", None, "rb")
    return [*words, "-I", str(job.folder), *(["-r", as_text(require)] if require else []), "--"]


def _left(job: Job, code: int, answer: Path) -> dict[str, Any]:
    """What the method left behind.

    Raises:
        TaskFailure: it failed, or left nothing.
    """
    left: dict[str, Any] = {}
    if answer.exists():
        try:
            left = json.loads(answer.read_text(encoding="utf-8"))
        except ValueError as error:
            raise TaskFailure(f"the task left no JSON behind: {error} (runtime)", frames(job)) from None
    if code != 0:
        failure = left.get("error") or {}
        told = f": {failure['message']} ({failure['class']})" if failure else ""
        lines = failure.get("backtrace") or []
        trace = "".join(f"\n\tfrom {line}" for line in lines)
        where = f"  at {lines[0].removeprefix(f'{job.services.project.root}/')}" if lines else ""
        raise TaskFailure(
            f"Ruby command failed with code {code}{told}{trace} (runtime)",
            frames(job),
            shown=f"{told[2:]}{where}" if told else f"Ruby command failed with code {code}",
        )
    if not answer.exists():
        raise TaskFailure("the task ended without leaving its result (runtime)", frames(job))
    return left
