"""Trino's own command-line client, as its documentation uses it: `trino --server … --execute …`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tdlocal.local_server import LocalServer

ARTIFACT = "io.trino:trino-cli:476:jar:executable"
STATEMENTS = """
use {database};
create table visits as select n, 'v' || cast(n as varchar) name from unnest(sequence(1, 3)) t(n);
select n, name, n / 2 half, array[n] list from visits order by n;
show tables;
describe visits;
"""
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("mvn") and shutil.which("java")), reason="no Maven or no Java"),
]


@pytest.fixture(scope="module")
def jar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The client, from Maven's repository."""
    folder = tmp_path_factory.mktemp("cli")
    got = subprocess.run(
        ["mvn", "--quiet", "--batch-mode", "dependency:copy", f"-Dartifact={ARTIFACT}",
        f"-DoutputDirectory={folder}"],
        cwd=folder, capture_output=True, text=True, timeout=200,
    )  # fmt: skip
    if got.returncode:
        pytest.skip("Maven reaches no repository")
    (found,) = folder.glob("*.jar")
    return found


def trino(jar: Path, server: LocalServer, statements: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["java", "-XX:TieredStopAtLevel=1", "-jar", str(jar), "--server", server.url, "--user", server.key,
        "--catalog", "td-presto", "--execute", statements],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_statements_on_the_command_line(jar: Path, server: LocalServer, database: str) -> None:
    done = trino(jar, server, STATEMENTS.format(database=database))
    assert done.returncode == 0, done.stderr
    assert "CREATE TABLE: 3 rows" in done.stderr.splitlines()
    for line in ('"1","v1","0","[1]"', '"3","v3","1","[3]"', '"visits"', '"name","varchar","",""'):
        assert line in done.stdout.splitlines(), done.stdout


def test_a_fault_names_its_place(jar: Path, server: LocalServer, database: str) -> None:
    done = trino(jar, server, f"select nosuch from {database}.t")
    assert done.returncode == 1 and f"Table 'td-presto.{database}.t' does not exist" in done.stderr
