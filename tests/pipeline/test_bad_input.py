"""What can be wrong with the input: one clear line with place and mend, and nothing good destroyed."""

import shutil
import subprocess

import pytest

from tdlocal.local_server import local_account
from tests.pipeline.shop import SESSION, checksums, command, environment, rows, run_pipeline, tdlocal
from tests.support import ROOT
from tests.test_rules import pushed


@pytest.fixture
def project(tmp_path):
    """A copy of the pushed files, to break."""
    folder = tmp_path / "project"
    for name in pushed():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture
def state(finished, tmp_path):
    """A copy of the state after a good run: there is something to lose."""
    copy = tmp_path / "state"
    shutil.copytree(finished[0], copy)
    return copy


def failed(run, state, *words):
    """Check the outcome that every fault must have, and return all that was said."""
    said = run.stdout + run.stderr
    assert run.returncode == 1, said[-3000:]
    for word in words:
        assert word in said, said[-3000:]
    assert "Traceback (most recent call last)" not in run.stderr
    return said


def mails(state):
    return "".join(path.read_text(errors="replace") for path in sorted((state / "mails").glob("*.eml")))


def test_a_missing_raw_table_names_the_table_and_keeps_the_last_good_rows(state):
    before = checksums(state)
    dropped = tdlocal("query", "drop table raw_retail.formfills", state=state)
    assert dropped.returncode == 0, dropped.stderr
    run = run_pipeline(state, "--rerun", "-p", "run_all=true")
    failed(run, state, "formfills")
    log = rows(state, "select workflow, status, error_message from log_tbl where status = 'failure'")
    assert [row["workflow"] for row in log] == ["wf02_mapping"]
    assert "formfills" in log[0]["error_message"]
    assert "FAILED" in mails(state)
    assert checksums(state) == before


def test_a_missing_required_column_names_the_column(state, project):
    before = checksums(state)
    mapping = project / "config/schema_map.yml"
    mapping.write_text(mapping.read_text().replace("prp: external_id", "prp: member_number", 1))
    run = run_pipeline(state, "--rerun", "-p", "run_all=true", project=project)
    failed(run, state, "member_number")
    unchanged = {table: sums for table, sums in checksums(state).items() if table.startswith("golden")}
    assert unchanged == {table: sums for table, sums in before.items() if table.startswith("golden")}


def test_broken_yaml_names_file_and_line(state, project):
    before = checksums(state)
    with (project / "config/schema_map.yml").open("a") as file:
        file.write("\nloyalty_profile: [unclosed\n")
    failed(run_pipeline(state, "--rerun", "-p", "run_all=true", project=project), state, "schema_map.yml")
    assert checksums(state) == before


def test_a_broken_workflow_file_names_file_and_line(state, project):
    with (project / "wf04_stage.dig").open("a") as file:
        file.write("\n+bad: [unclosed\n")
    failed(run_pipeline(state, "--rerun", project=project), state, "wf04_stage.dig")


def test_an_unknown_parameter_in_sql_is_named(state, project):
    before = checksums(state)
    query = project / "staging/queries/formfills.sql"
    query.write_text(query.read_text().replace("${session_unixtime}", "${sesion_unixtime}"))
    run = run_pipeline(state, "--rerun", "-p", "run_all=true", project=project)
    failed(run, state, "sesion_unixtime", "formfills.sql")
    log = rows(state, "select workflow, status, error_message from log_tbl where status = 'failure'")
    assert [row["workflow"] for row in log] == ["wf04_stage"]
    after = checksums(state)
    assert {table: after[table] for table in after if not table.startswith(("prp_", "src_"))} == {
        table: before[table] for table in before if not table.startswith(("prp_", "src_"))
    }


def test_a_wrong_key_is_refused_in_one_line(state):
    with local_account(state):
        run = subprocess.run(
            command("run", "wf00_orchestration", "--session", SESSION, "--rerun", state=state),
            cwd=ROOT,
            env={**environment(), "TD_API_KEY": "1/of-somebody-else"},
            capture_output=True,
            text=True,
        )
    said = failed(run, state, "the account refuses this API key", "api_key")
    assert "of-somebody-else" not in said


def test_a_full_disk_is_told_and_the_next_run_ends_well(fresh):
    # a limit on the size of files stands for a disk without space
    limit = (fresh / "td-warehouse.duckdb").stat().st_size // 1024 + 4000
    words = command("run", "wf00_orchestration", "--session", SESSION, state=fresh)
    run = subprocess.run(
        ["bash", "-c", f'ulimit -f {limit} && exec "$@"', "run", *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    failed(run, fresh, "cannot write to the local account")
    again = run_pipeline(fresh)
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    log = rows(fresh, "select workflow, status from log_tbl")
    unfinished = [row for row in log if row["status"] == "running"]
    ended = [row for row in log if row["status"] != "running"]
    assert len(unfinished) == len(ended), log
