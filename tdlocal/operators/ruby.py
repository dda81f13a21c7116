"""rb>: a Ruby method, where ruby is installed."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from tdlocal.operators import process
from tdlocal.operators.base import Job, Result, TaskFailure, as_list, as_text, frames
from tdlocal.workflow.faults import ConfigError
from tdlocal.workflow.parameters import Update

RUNNER = Path(__file__).parent / "child" / "tdlocal_task.rb"


def run(job: Job) -> Result:
    """Run a Ruby method with parameters by name."""
    command = as_text(job.need_command())
    ruby = job.get("ruby", "ruby", "rb")
    words = as_list(ruby, "ruby") if isinstance(ruby, list) else [as_text(ruby)]
    if shutil.which(words[0]) is None:
        raise ConfigError(f"rb> needs {words[0]}, which is not installed here")
    if process.wants_account(job):
        job.services.account()
    folder = job.services.state / "tmp"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="rb-", dir=folder) as scratch:
        given, answer = Path(scratch) / "input.json", Path(scratch) / "output.json"
        given.write_text(json.dumps({"params": {**job.values.get("rb", {}), **job.values}}), encoding="utf-8")
        require = job.get("require", None, "rb")
        extra = ["-r", as_text(require)] if require else []
        line = [*words, *extra, str(RUNNER), command, str(given), str(answer)]
        code = process.run(job, line, process.environment(job), job.folder)
        if code != 0:
            raise TaskFailure(f"Ruby command failed with code {code} (runtime)", frames(job))
        left = json.loads(answer.read_text(encoding="utf-8"))
    return Result(
        Update([], left.get("store_params", {})),
        left.get("export_params", {}),
        left.get("subtask_config") or None,
    )
