"""wf00 to wf03 through the command line, on a shop small enough to be quick."""

import re
import shutil

import pytest

from tests.pipeline.shop import load_sample, rows, tdlocal

SESSION, NEXT = "2026-11-01", "2026-11-02"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A state with raw tables, mapped once for SESSION; and what that run said."""
    state = tmp_path_factory.mktemp("shop") / "state"
    load_sample(state, "60")
    return state, run(state, "-p", "only=wf02_mapping")


@pytest.fixture
def state(shop, tmp_path):
    """A copy of the mapped shop, to run on and to break."""
    return shutil.copytree(shop[0], tmp_path / "state")


def run(state, *words, workflow="wf00_orchestration", session=SESSION):
    return tdlocal("run", workflow, "--session", session, "--rerun", *words, state=state)


def log(state):
    sql = "select workflow, status, record_count, error_message, run_id from log_tbl order by logged_at"
    return [tuple(row.values()) for row in rows(state, sql)]


def mails(state):
    return [path.read_text(encoding="utf-8") for path in sorted((state / "mails").glob("*.eml"))]


def table_names(state, database):
    sql = f"select table_name as name from information_schema.tables where table_schema = '{database}'"
    return {row["name"] for row in rows(state, sql)}


def count(state, table):
    return rows(state, f"select count(*) as n from {table}")[0]["n"]


def test_only_runs_one_workflow_and_says_why_the_others_did_not(shop):
    state, done = shop
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert [(name, status) for name, status, *_ in log(state)] == [
        ("wf02_mapping", "running"),
        ("wf02_mapping", "success"),
    ]
    decisions = rows(state, "select workflow, decision, reason from run_decisions where decision = 'skip'")
    assert len(decisions) == 7
    assert {row["reason"] for row in decisions} == {"this run is only wf02_mapping"}
    assert len(table_names(state, "src_retail")) == len(table_names(state, "prp_retail")) == 11


def test_a_workflow_runs_alone_without_the_wrapper(state):
    done = run(state, workflow="wf02_mapping")
    assert done.returncode == 0, done.stdout[-2000:]
    assert count(state, "src_retail.consents") == count(state, "raw_retail.consents")


def test_another_sub_has_databases_of_its_own(state):
    assert tdlocal("query", "create schema raw_other", state=state).returncode == 0
    done = run(state, "-p", "sub=other", "-p", "only=wf02_mapping")
    assert done.returncode == 1
    assert "raw table raw_other.loyalty_profile is missing" in done.stdout + done.stderr
    assert count(state, "va_config_other.log_tbl") == 2


def test_validation_passes_on_the_sample_and_mails_its_report(state):
    done = run(state, "-p", "only=wf03_validate")
    assert done.returncode == 0, done.stdout[-2000:]
    assert (state / "output/validation_report.html").stat().st_size > 10_000
    report = next(mail for mail in mails(state) if "Subject: Validation of src_retail" in mail)
    assert "To: success@company.com" in report
    assert rows(state, "select verdict from validation_runs")[0]["verdict"] in ("good", "usable")


def test_a_critical_finding_stops_the_run_with_one_line_a_row_and_mails(state):
    assert tdlocal("query", "drop table src_retail.consents", state=state).returncode == 0
    done = run(state, "-p", "only=wf03_validate")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "validation: 1 critical, first: consents: missing table" in said
    name, status, _, message, _ = log(state)[-1]
    assert (name, status) == ("wf03_validate", "failure")
    assert message.startswith("validation: 1 critical")
    assert [re.search(r"^Subject: (\w+)", mail, re.MULTILINE)[1] for mail in mails(state)[-2:]] == [
        "Validation",
        "retail",
    ]
    assert all("To: alerts@company.com" in mail for mail in mails(state)[-2:])
    assert "wf03_validate" in mails(state)[-1]


def test_mails_can_be_switched_off(state):
    before = len(mails(state))
    done = run(state, "-p", "only=wf02_mapping", "-p", "email_success=false")
    assert done.returncode == 0, done.stdout[-2000:]
    assert len(mails(state)) == before


def test_a_run_that_starts_later_can_still_send_its_mail(state):
    done = run(state, "-p", "from=wf09_create_segment", "-p", "create_segments=false")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "From: tdlocal@localhost" in mails(state)[-1], "`from` of the run is no sender of mails"


def test_an_unknown_workflow_name_is_told_before_anything_runs(state):
    done = run(state, "-p", "only=wf7")
    assert done.returncode == 1
    assert "only names no workflow: 'wf7'" in done.stdout + done.stderr


def test_a_rollback_takes_the_layers_back_to_a_run(state):
    first = log(state)[-1][-1]
    assert tdlocal("query", "delete from raw_retail.consents", state=state).returncode == 0
    assert run(state, "-p", "only=wf02_mapping", session=NEXT).returncode == 0
    assert count(state, "src_retail.consents") == 0
    done = run(state, "-p", f"rollback_to={first}", session=NEXT)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "src_retail: 11 tables as of session" in done.stdout
    assert count(state, "src_retail.consents") > 0
    undone = tdlocal("rollback", "wf02_mapping", state=state)
    assert undone.returncode == 0, undone.stderr
    assert count(state, "src_retail.consents") == 0


def test_the_map_can_be_shown_and_checked(state):
    shown = tdlocal("map", "show", "loyalty_profile", state=state)
    assert '"external_id" as "customer_id"' in shown.stdout
    checked = tdlocal("map", "check", state=state)
    assert checked.returncode == 0, checked.stderr
    assert "no faults" in checked.stdout
    assert "table nosuch is not mapped" in tdlocal("map", "show", "nosuch", state=state).stderr


def test_a_suggested_map_runs_as_an_overlay(state, tmp_path):
    done = tdlocal("map", "suggest", "--write", str(tmp_path / "overlay"), state=state)
    assert done.returncode == 0, done.stderr
    ran = run(state, "-p", "run_all=true", "--overlay", str(tmp_path / "overlay"), workflow="wf02_mapping")
    assert ran.returncode == 0, ran.stdout[-2000:] + ran.stderr[-2000:]
