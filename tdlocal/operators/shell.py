"""sh>: the text is a script; every parameter is an environment variable of it."""

from __future__ import annotations

import re

from tdlocal.operators import process
from tdlocal.operators.base import Job, Result, TaskFailure, as_list, frames


def run(job: Job) -> Result:
    """Run a shell script in the workflow's folder."""
    script = job.with_secrets(job.need_text())
    shell = job.get("shell", "/bin/sh", "sh")
    words = as_list(shell, "shell") if isinstance(shell, list) or str(shell).startswith("[") else [shell]
    if process.wants_account(job, script) or re.search(r"\b(?:td|curl|python3?|tdlocal|digdag)\b", script):
        job.services.account()
    with process.scratch(job) as scratch:
        file = scratch / "runner.sh"
        file.write_text(script, encoding="utf-8")
        env = process.environment(job, parameters=True)
        code = process.run(job, [*map(str, words), str(file)], env, job.folder)
    if code != 0:
        raise TaskFailure(f"Command failed with code {code} (runtime)", frames(job))
    names = set(re.findall(r"\$\{?([A-Za-z_]\w*)", script))
    return Result(reads=names & job.values.keys())
