"""The run log: run or skip, one outcome a run, and text of any kind."""

import json

import pytest

from common.python import failures, inputs, kept_rows, run_log
from common.python.errors import TaskError

NASTY = 'it\'s "bad"\nsecond line <b>html & co</b> 100% \\ back ${nosuch} äöü 日本'


@pytest.fixture
def log(treasure, params):
    """A function that returns the rows of log_tbl."""

    def read():
        sql = "select * from log_tbl order by logged_at, status"
        return treasure.run_query(f"va_config_{params['sub']}", sql).dicts()

    return read


@pytest.fixture
def decide(py, params):
    """A function that decides for a workflow and returns run or skip."""

    def run(workflow="wf04_stage", **own):
        py("common.python.run_log.decide", workflow_name=workflow, **own)
        return params["decisions"][workflow]["should_run"]

    return run


def test_a_success_is_one_running_and_one_success_row(decide, py, log, params):
    assert decide() == "run"
    params["published_rows"] = {f"staging_{params['sub']}": 7}
    py("common.python.run_log.success", workflow_name="wf04_stage")
    running, success = sorted(log(), key=lambda row: row["status"])
    assert (running["status"], success["status"]) == ("running", "success")
    assert success["record_count"] == 7
    assert success["start_time"] == running["start_time"] <= success["end_time"]
    assert success["duration_seconds"] >= 0
    assert success["config_hash"] == running["config_hash"]


def test_a_run_that_goes_on_after_its_failure_has_a_start_and_an_end_of_its_own(decide, py, log):
    decide()
    for number in (1, 1, 2):  # the second tells the same failure again; a server keeps the session's uuid
        py("common.python.run_log.failure", workflow_name="wf04_stage", message="x", attempt_id=number)
    for _ in range(2):
        py("common.python.run_log.success", workflow_name="wf04_stage", attempt_id=3)
    told = [(row["attempt"], row["status"]) for row in sorted(log(), key=lambda row: row["logged_at"])]
    assert sorted(told) == [
        (1, "failure"), (1, "running"), (2, "failure"), (2, "running"), (3, "running"), (3, "success"),
    ]  # fmt: skip
    assert told[-1] == (3, "success") and decide() == "skip"
    assert {row["run_id"] for row in log()} == {"run-1", "run-1-1", "run-1-2", "run-1-3"}


def test_metrics_that_cannot_be_read_fail_nothing(decide, py, log, treasure, monkeypatch, capsys):
    decide()

    def refused(*words, **more):
        raise treasure.ApiError("no list today", where="x", mend="y", status=422)

    monkeypatch.setattr(treasure, "tables", refused)
    py("common.python.run_log.success", workflow_name="wf04_stage")
    assert sorted(row["status"] for row in log()) == ["running", "success"]
    assert "run_metrics was not written: no list today" in capsys.readouterr().out


def test_an_end_that_is_told_twice_is_one_row(decide, py, log):
    decide()
    for _ in range(2):
        py("common.python.run_log.success", workflow_name="wf04_stage")
    assert sorted(row["status"] for row in log()) == ["running", "success"]
    decide(run_all="true")
    py("common.python.run_log.failure", workflow_name="wf04_stage", message="x")
    assert sorted(row["status"] for row in log()) == ["failure", "running", "running", "success"]


def test_what_succeeded_is_skipped_without_a_row(decide, py, log):
    decide()
    py("common.python.run_log.success", workflow_name="wf04_stage")
    assert decide() == "skip"
    assert len(log()) == 2


def test_the_next_session_runs_again(decide, py):
    decide()
    py("common.python.run_log.success", workflow_name="wf04_stage")
    assert decide(session_unixtime=1) == "run"


def test_run_all_from_and_only(decide, py):
    decide()
    py("common.python.run_log.success", workflow_name="wf04_stage")
    assert decide(run_all="true") == "run"
    assert decide(start_at="wf05_unify") == "skip"
    assert decide(start_at="wf03_validate") == "run"
    assert decide(only="wf07_analytics") == "skip"
    assert decide("wf07_analytics", only="wf07_analytics") == "run"


CHANGES = {
    "a row more": "insert into consents (id) select 'b'",
    "as many rows, other ones": "delete from consents where id = 'b'; insert into consents (id) select 'c'",
    "a value": "update consents set id = 'd' where id = 'c'",
    "a column": "alter table consents add column flag varchar",
    "made anew with the same rows": "drop table consents; create table consents as select 'a' as id",
}


def test_a_changed_input_table_runs_again(decide, py, params, treasure):
    source = f"src_{params['sub']}"
    treasure.create_database(source)
    treasure.run_query(source, "create table consents as select 'a' as id", rows=False)
    treasure.run_query(source, "create table formfills as select 'a' as id, 1 as n", rows=False)
    decide()
    py("common.python.run_log.success", workflow_name="wf04_stage")
    for what, sql in CHANGES.items():
        assert decide() == "skip"
        treasure.run_query(source, sql, rows=False)
        assert decide() == "run", what
        py("common.python.run_log.success", workflow_name="wf04_stage")
    treasure.swap_tables(source, "consents", "formfills")
    assert decide() == "run"
    reasons = treasure.run_query(f"va_config_{params['sub']}", "select reason from run_decisions").rows
    assert [f"tables it reads ({source}.consents) changed since its last success"] in reasons


@pytest.mark.parametrize(
    "word", ["from helper import one", "import helper", "import lib.deep", "from lib import deep"]
)
def test_an_edit_of_a_module_that_is_imported_from_elsewhere_counts(tmp_path, word):
    for name, text in {
        "wf04_stage.dig": "", "x.py": "",
        "staging/python/a.py": word, "helper.py": "import lib.deep", "lib/deep.py": "",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    before = inputs.hash_of_files(tmp_path, "wf04_stage", "staging")
    (tmp_path / "x.py").write_text("another")
    assert inputs.hash_of_files(tmp_path, "wf04_stage", "staging") == before
    (tmp_path / "lib/deep.py").write_text("another")
    assert inputs.hash_of_files(tmp_path, "wf04_stage", "staging") != before


def test_a_full_load_is_not_skipped(decide, py):
    decide("wf02_mapping")
    py("common.python.run_log.success", workflow_name="wf02_mapping")
    assert decide("wf02_mapping") == "skip"
    assert decide("wf02_mapping", full_load=True) == "run"


def test_a_failure_keeps_every_character(decide, py, log):
    decide()
    py("common.python.run_log.failure", workflow_name="wf04_stage", message=NASTY, stacktrace="a, b")
    failure = next(row for row in log() if row["status"] == "failure")
    assert failure["error_message"] == NASTY
    assert failure["stack_trace"] == "a, b"
    assert decide() == "run"


def test_what_the_tasks_said_counts_more_than_what_the_template_made_of_it(
    decide, py, log, params, tmp_path, monkeypatch
):
    said = [{"task": "+wf+child^sub+a", "message": "one is ${0 + 1}", "stacktrace": "frames"},
            {"task": "+wf+child^sub+b", "message": "half \ud800, nul \0"},
            {"task": "+wf+other", "message": "not ours"}]  # fmt: skip
    path = tmp_path / "failures.jsonl"
    path.write_text("".join(json.dumps(one) + "\n" for one in said))
    monkeypatch.setenv("TD_FAILURES", str(path))
    params["task_name"] = "+wf+child^error+log_failure"
    decide()
    py("common.python.run_log.failure", workflow_name="wf04_stage", message="one is 1")
    failure = next(row for row in log() if row["status"] == "failure")
    assert failure["error_message"] == "+a: one is ${0 + 1}\n+b: half ?, nul \0"
    assert params["failure_texts"] == {"wf04_stage": "+a: one is $ {0 + 1}\n+b: half ?, nul \0"}


def test_on_treasure_data_the_attempt_is_asked(py, params, monkeypatch, treasure):
    tasks = [{"fullName": "+wf+child", "isGroup": True, "error": {}},
             {"fullName": "+wf+child^sub+a", "error": {"message": "no ${x}", "stacktrace": "f"}}]  # fmt: skip
    asked = []
    monkeypatch.delenv("TD_FAILURES", raising=False)
    monkeypatch.setattr(treasure, "call", lambda *words: asked.append(words) or {"tasks": tasks})
    here = {"task_name": "+wf+child^error", "attempt_id": 7, "endpoints": {"workflow": "https://w"}}
    assert failures.of_handler({**here, "site": "us"}) == [
        {"task": "+a", "message": "no ${x}", "stacktrace": "f"}
    ]
    assert asked == [("GET", "https://w/api/attempts/7/tasks")]
    assert failures.of_handler({**here, "site": "local"}) == [], "there it would be another server's"


def test_a_megabyte_is_cut_at_the_stated_length(decide, py, log):
    decide()
    py("common.python.run_log.failure", workflow_name="wf04_stage", message="x" * 1_000_000)
    text = next(row for row in log() if row["status"] == "failure")["error_message"]
    assert text.startswith("x" * run_log.LONGEST_TEXT)
    assert text.endswith("(cut, 1000000 characters)")


def test_the_key_never_reaches_the_log(decide, py, log, server):
    decide()
    py("common.python.run_log.failure", workflow_name="wf04_stage", message=f"denied for {server.key}")
    text = next(row for row in log() if row["status"] == "failure")["error_message"]
    assert text == "denied for ***"


def test_a_run_that_died_is_closed_by_the_next(decide, py, log):
    decide()
    decide()
    py("common.python.run_log.success", workflow_name="wf04_stage")
    rows = log()
    assert sorted(row["status"] for row in rows) == ["failure", "running", "running", "success"]
    assert "died" in next(row for row in rows if row["status"] == "failure")["error_message"]
    assert next(row for row in rows if row["status"] == "success")["attempt"] == 2


def test_every_decision_has_a_reason(decide, py, params, treasure):
    decide()
    py("common.python.run_log.success", workflow_name="wf04_stage")
    decide()
    reasons = treasure.run_query(
        f"va_config_{params['sub']}", "select decision, reason from run_decisions order by decision"
    ).rows
    assert reasons == [
        ["run", "it has not run in this session yet"],
        ["skip", "it succeeded in this session and nothing it reads changed since"],
    ]


def test_a_clock_that_was_set_back_changes_no_decision(decide, py, log, treasure, params):
    database = f"va_config_{params['sub']}"
    decide()
    py("common.python.run_log.failure", workflow_name="wf04_stage", message="x")
    ahead = "update log_tbl set logged_at = logged_at + 3600000, start_time = '2999-01-01T00:00:00Z'"
    treasure.run_query(database, ahead, rows=False)
    assert decide() == "run"
    treasure.run_query(database, f"{ahead} where status = 'running' and attempt = 2", rows=False)
    py("common.python.run_log.success", workflow_name="wf04_stage")
    assert decide() == "skip"
    (success,) = [row for row in log() if row["status"] == "success"]
    assert (success["attempt"], success["duration_seconds"]) == (2, 0.0)


def test_a_start_that_names_no_workflow_is_told(decide):
    with pytest.raises(TaskError, match="from names no workflow: 'golden'"):
        decide(start_at="golden")


@pytest.mark.parametrize("begun", [True, False], ids=["a start that was logged", "a start that was refused"])
def test_a_kept_failure_comes_with_the_start_it_ends(decide, log, params, tmp_path, monkeypatch, begun):
    monkeypatch.setenv("TD_OUTPUT_DIR", str(tmp_path))
    if begun:
        decide()
    row = {"workflow": "wf04_stage", "session_unixtime": int(params["session_unixtime"]), "status": "failure",
           "error_message": NASTY, "session_time": params["session_time"], "run_id": "r"}  # fmt: skip
    kept_rows.keep(f"va_config_{params['sub']}", row)
    assert decide() == "run" and not kept_rows.place().exists()
    told = sorted((row["attempt"], row["status"]) for row in log())
    assert told == [(1, "failure"), (1, "running"), (2, "running")]
    (failure,) = [row for row in log() if row["status"] == "failure"]
    assert failure["error_message"] == NASTY
