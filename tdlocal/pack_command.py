"""Run a command of the pack as its own process, as tasks run: the kit itself never imports the pack."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tdlocal.errors import KitError
from tdlocal.local_server import local_account


def run_pack(module: str, words: Mapping[str, Any], *, project: Path, state: Path) -> int:
    """Run `python -m MODULE` in *project* with the account of *state*; its words go to it as JSON.

    Returns:
        The exit code: 0, or 1 after the command told its fault on stderr.

    Raises:
        KitError: *project* is no project of the pack.
    """
    if not (project / (module.replace(".", "/") + ".py")).is_file():
        raise KitError(
            f"the project has no {module.replace('.', '/')}.py",
            where=str(project),
            mend="run it in the project's folder, or name the folder with --project",
        )
    with local_account(state) as server:
        environment = {
            **os.environ,
            "TD_API_SERVER": server.url,
            "TD_PRESTO_API": server.url,
            "TD_API_KEY": server.key,
        }
        done = subprocess.run(
            [sys.executable, "-m", module],
            cwd=project,
            env=environment,
            input=json.dumps(words),
            text=True,
            check=False,
        )
    return 1 if done.returncode else 0
