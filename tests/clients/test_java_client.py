"""td-client-java 0.9, the client inside Digdag: tests/java is built and run by Maven, where there is one."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tdlocal.local_server import LocalServer

PROJECT = Path(__file__).parents[1] / "java"
STEPS = (
    "keys", "databases", "tables", "jobs", "domain keys", "imports", "bulk imports", "saved queries",
    "partial delete",
)  # fmt: skip


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("mvn") or not shutil.which("javac"), reason="no Maven with a JDK here")
def test_what_digdags_operators_do(server: LocalServer, tmp_path: Path) -> None:
    project = tmp_path / "java"
    shutil.copytree(PROJECT, project)
    maven = ["mvn", "--quiet", "--batch-mode", "-Dstyle.color=never"]
    built = subprocess.run([*maven, "compile"], cwd=project, capture_output=True, text=True, timeout=280)
    if built.returncode and "Could not" in built.stdout and "transfer" in built.stdout:
        pytest.skip("Maven reaches no repository")
    assert built.returncode == 0, built.stdout
    words = f"{server.url.removeprefix('http://')} {server.key}"
    run = subprocess.run(
        [*maven, "exec:java", "-Dexec.mainClass=JavaClientTest", f"-Dexec.args={words}"],
        cwd=project, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    passed = re.findall(r"passed ([a-z ]+)$", run.stdout, re.MULTILINE)
    assert passed == list(STEPS), run.stdout[-3000:] + run.stderr[-3000:]
