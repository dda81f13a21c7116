"""td-client-java 0.9, the client inside Digdag, and Trino's JDBC driver: tests/java, run by Maven."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tdlocal.local_server import LocalServer

PROJECT = Path(__file__).parents[1] / "java"
MAVEN = ["mvn", "--quiet", "--batch-mode", "-Dstyle.color=never"]
STEPS = [
    "keys", "databases", "tables", "jobs", "domain keys", "imports", "bulk imports", "saved queries",
    "partial delete", "loads and exports",
    "values", "prepared", "writes", "pages", "errors",
]  # fmt: skip
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("mvn") and shutil.which("javac")), reason="no Maven or no JDK"),
]


def test_a_java_program_passes_all_its_steps(server: LocalServer, database: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(PROJECT, project)
    words = f"{server.url.removeprefix('http://')} {server.key} {database} {server.state}/buckets/java-lake"
    run = subprocess.run(
        [*MAVEN, "compile", "exec:java", "-Dexec.mainClass=JavaClientTest", f"-Dexec.args={words}"],
        cwd=project, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    if run.returncode and "Could not transfer" in run.stdout:
        pytest.skip("Maven reaches no repository")
    passed = re.findall(r"passed ([a-z ]+)$", run.stdout, re.MULTILINE)
    assert passed == STEPS, run.stdout[-3000:] + run.stderr[-3000:]
