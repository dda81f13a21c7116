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
STEPS = {
    "JavaClientTest": [
        "keys", "databases", "tables", "jobs", "domain keys", "imports", "bulk imports", "saved queries",
        "partial delete", "loads and exports",
    ],
    "JdbcTest": ["values", "prepared", "writes", "pages", "errors"],
}  # fmt: skip
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("mvn") and shutil.which("javac")), reason="no Maven or no JDK"),
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled Java project."""
    folder = tmp_path_factory.mktemp("java") / "project"
    shutil.copytree(PROJECT, folder)
    built = subprocess.run([*MAVEN, "compile"], cwd=folder, capture_output=True, text=True, timeout=280)
    if built.returncode and "Could not transfer" in built.stdout:
        pytest.skip("Maven reaches no repository")
    assert built.returncode == 0, built.stdout
    return folder


@pytest.mark.parametrize("main_class", STEPS)
def test_a_java_program_passes_all_its_steps(
    server: LocalServer, database: str, project: Path, main_class: str
) -> None:
    words = f"{server.url.removeprefix('http://')} {server.key} {database} {server.state}/buckets/java-lake"
    run = subprocess.run(
        [*MAVEN, "exec:java", f"-Dexec.mainClass={main_class}", f"-Dexec.args={words}"],
        cwd=project, capture_output=True, text=True, timeout=280,
    )  # fmt: skip
    passed = re.findall(r"passed ([a-z ]+)$", run.stdout, re.MULTILINE)
    assert passed == STEPS[main_class], run.stdout[-3000:] + run.stderr[-3000:]
