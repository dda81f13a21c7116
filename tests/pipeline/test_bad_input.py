"""What can be wrong with the input: one clear line with place and mend, exit code 1, a row in log_tbl,
a mail, and nothing good destroyed."""

import os
import shutil
import sqlite3
import subprocess

import pytest

from tdlocal.account.account import Account
from tdlocal.engine import open_engine
from tdlocal.local_server import local_account
from tdlocal.reserve import NAME, SIZE, give_up_if_full, lay_in
from tests.pipeline.shop import SESSION, checksums, command, environment, rows, run_pipeline, tdlocal
from tests.pipeline.small_shop import copy_of
from tests.support import ROOT
from tests.test_rules import pushed

AGAIN = ("--rerun", "-p", "run_all=true")
FAILURES = "select workflow, error_message from log_tbl where status = 'failure' order by logged_at"


@pytest.fixture
def files(tmp_path):
    """A copy of the pushed files, to break."""
    folder = tmp_path / "project"
    for name in pushed():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture
def state(small_run, tmp_path):
    """A copy of the state after a good run: there is something to lose."""
    return copy_of(small_run, tmp_path / "state")


def replace(path, old, new):
    """Break a file."""
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def failed(run, *words):
    """Check what every fault must say, and return all that was said."""
    said = run.stdout + run.stderr
    assert run.returncode == 1, said[-3000:]
    for word in words:
        assert word in said, said[-3000:]
    assert "Traceback (most recent call last)" not in said
    return said


def told(state, workflow, *words):
    """Check the row and the mail that every fault must leave."""
    (row,) = rows(state, FAILURES)
    assert row["workflow"] == workflow
    mail = failure_mail(state)
    for word in words:
        assert word in row["error_message"] and word in mail, (row, mail)


def failure_mail(state):
    """The text of the one failure mail."""
    bodies = [path.read_text() for path in (state / "mails").glob("*.txt")]
    (mail,) = [body for body in bodies if "did not finish" in body or "did not start" in body]
    subjects = "".join(path.read_text(errors="replace") for path in (state / "mails").glob("*.eml"))
    assert subjects.count("FAILED") == 1
    return mail


def unchanged(before, after, *layers):
    """Check that the layers hold what they held."""
    for layer in layers:
        kept = {table: sums for table, sums in before.items() if table.startswith(layer)}
        assert kept and kept == {table: sums for table, sums in after.items() if table.startswith(layer)}


def test_a_missing_raw_table_names_the_table_and_keeps_the_last_good_rows(state):
    before = checksums(state)
    dropped = tdlocal("query", "drop table raw_retail.formfills", state=state)
    assert dropped.returncode == 0, dropped.stderr
    failed(run_pipeline(state, *AGAIN), "formfills")
    told(state, "wf02_mapping", "formfills")
    assert checksums(state) == before


def test_a_missing_required_column_names_the_column(state, files):
    before = checksums(state)
    replace(files / "config/schema_map.yml", "prp: external_id", "prp: member_number")
    failed(run_pipeline(state, *AGAIN, project=files), "member_number")
    told(state, "wf03_validate", "member_number")
    unchanged(before, checksums(state), "staging", "cdp_unification", "golden", "analytics")


def test_a_broken_map_names_file_and_line(state, files):
    before = checksums(state)
    with (files / "config/schema_map.yml").open("a") as file:
        file.write("\nloyalty_profile: [unclosed\n")
    failed(run_pipeline(state, *AGAIN, project=files), "schema_map.yml:")
    told(state, "wf02_mapping", "schema_map.yml:")
    assert checksums(state) == before


@pytest.mark.parametrize(
    "name, text",
    [
        ("config/src_params.yml", "  bad: [unclosed\n"),
        ("config/email_ids.yml", "bad: [unclosed\n"),
        ("wf04_stage.dig", "+bad: [unclosed\n"),
    ],
)
def test_files_that_stop_the_run_before_it_starts_are_told_too(state, files, name, text):
    with (files / name).open("a") as file:
        file.write(text)
    line = len((files / name).read_text().splitlines()) + 1
    failed(run_pipeline(state, "--rerun", project=files), f"{name}:{line}")
    told(state, "wf00_orchestration", f"{name}:{line}")
    assert "alerts@company.com" in max((state / "mails").glob("*.eml")).read_text(errors="replace")


def test_an_unknown_parameter_in_sql_is_named(state, files):
    before = checksums(state)
    query = files / "staging/queries/formfills.sql"
    query.write_text(query.read_text().replace("${session_unixtime}", "${sesion_unixtime}"))
    failed(run_pipeline(state, *AGAIN, project=files), "sesion_unixtime", "formfills.sql")
    told(state, "wf04_stage", "sesion_unixtime")
    unchanged(before, checksums(state), "staging", "cdp_unification", "golden", "analytics")


NASTY = 'it\'s "bad"\n<b>html</b> ${nosuch} ${1 + 1} \\ nul \0 half \ud800 日本'


def test_what_tasks_said_side_by_side_is_logged_and_mailed_character_for_character(state, files):
    head = "timezone: UTC\n_export:\n  !include : config/src_params.yml\n"
    tasks = (
        "+all:\n  _parallel: true\n  +py: {py>: common.nasty.main}\n  +fail: {fail>: \"no ${'$'}{cell}\"}\n"
    )
    (files / "wf03_validate.dig").write_text(head + tasks)
    (files / "common/nasty.py").write_text(f"def main():\n    raise ValueError({NASTY!a})\n")
    failed(run_pipeline(state, "--rerun", "-p", "only=wf03_validate", project=files))
    told = NASTY.replace("\ud800", "?")
    (row,) = rows(state, FAILURES)
    assert told in row["error_message"] and "+all+fail: no ${cell}" in row["error_message"]
    mail = failure_mail(state)
    assert told.replace("${", "$ {") in mail and "+all+fail: no $ {cell}" in mail


def test_a_wrong_key_is_refused_in_one_line_and_logged_by_the_next_run(state):
    before = checksums(state)
    words = command("run", "wf00_orchestration", "--session", SESSION, "--rerun", state=state)
    wrong = {**environment(), "TD_API_KEY": "1/of-somebody-else"}
    with local_account(state):
        run = subprocess.run(words, cwd=ROOT, env=wrong, capture_output=True, text=True)
    said = failed(run, "the account refuses this API key", "api_key", "the next run that gets in")
    assert "of-somebody-else" not in said + failure_mail(state)
    assert rows(state, FAILURES) == []
    assert checksums(state) == before
    again = run_pipeline(state, "--rerun")
    assert again.returncode == 0 and "1 failures of earlier runs brought into log_tbl" in again.stdout
    told(state, "wf00_orchestration", "the account refuses this API key")
    assert not (state / "output/unlogged_failures.jsonl").exists()


def test_a_wrong_key_is_wrong_when_no_server_runs_as_well(state):
    run = subprocess.run(
        command("query", "select 1", state=state),
        cwd=ROOT,
        env={**environment(), "TD_API_KEY": "1/of-somebody-else"},
        capture_output=True,
        text=True,
    )
    failed(run, "the account refuses this API key", "to mend: unset TD_API_KEY")


def test_a_full_disk_is_told_and_the_next_run_ends_well(small, tmp_path):
    # a limit on the size of files stands for a disk without space
    state = copy_of(small, tmp_path / "state")
    limit = (state / "td-warehouse.duckdb").stat().st_size // 1024 + 300
    words = command("run", "wf00_orchestration", "--session", SESSION, state=state)
    run = subprocess.run(
        ["bash", "-c", f'ulimit -f {limit} && exec "$@"', "run", *words],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
    )
    failed(run, "cannot write to the local account")
    assert "cannot write to the local account" in failure_mail(state)
    again = run_pipeline(state)
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    (row,) = rows(state, FAILURES)
    assert "cannot write to the local account" in row["error_message"]
    log = rows(state, "select status, count(*) as n from log_tbl group by 1")
    counts = {row["status"]: row["n"] for row in log}
    assert counts["running"] == counts["success"] + counts["failure"], counts


def test_the_reserve_is_given_up_when_the_disk_is_full_and_laid_in_again(tmp_path, monkeypatch):
    lay_in(tmp_path)
    assert (tmp_path / NAME).stat().st_blocks * 512 >= SIZE
    assert not give_up_if_full(tmp_path)
    full = os.statvfs(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda path: type("Usage", (), {"free": full.f_bsize})())
    assert give_up_if_full(tmp_path) and not (tmp_path / NAME).exists()
    assert not give_up_if_full(tmp_path)
    lay_in(tmp_path)
    assert not (tmp_path / NAME).exists(), "there is no room for one yet"


def test_a_job_ends_although_the_disk_cannot_take_its_end(tmp_path, monkeypatch):
    account = Account(tmp_path, open_engine(None), key="1/k")
    account.databases.create("shop")
    kept = account.store.execute

    def execute(sql, args=()):
        if sql.startswith("update jobs set status = :status"):
            error = sqlite3.OperationalError("database or disk is full")
            error.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise error
        return kept(sql, args)

    monkeypatch.setattr(account.store, "execute", execute)
    job = account.jobs.issue("presto", "shop", "select 1 as x")
    account.jobs.wait(job.id, 10)
    assert account.jobs.show(job.id).status == "success"
    assert account.jobs.latest()[0].status == "success"
    account.close()
