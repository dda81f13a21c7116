"""The main job end to end: raw tables in; customers, dashboards, segments, mails and a summary out."""

import shutil
import signal
import subprocess
import time

import pytest

from tests.pipeline.shop import SESSION, checksums, command, environment, rows, run_pipeline
from tests.pipeline.small_shop import check_log
from tests.support import ROOT
from tests.test_rules import WORKFLOWS

RUN_BY_WF00 = [name for name in WORKFLOWS if name[:4] not in ("wf00", "wf01")]


def test_every_workflow_ends_well_and_is_logged_under_its_own_name(finished):
    state, done = finished
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    log = rows(state, "select workflow, status, record_count from log_tbl")
    assert sorted(row["workflow"] for row in log if row["status"] == "success") == RUN_BY_WF00
    assert sorted(row["workflow"] for row in log if row["status"] == "running") == RUN_BY_WF00
    assert not [row for row in log if row["status"] == "failure"]
    counts = {row["workflow"]: row["record_count"] for row in log if row["status"] == "success"}
    people = rows(state, "select max(population) as n from segment_logs where segment_type = 'parent'")
    assert counts["wf08_create_refresh_master_segment"] == people[0]["n"] > 0
    assert all(counts.values()), counts


def test_what_each_task_cost_is_in_run_metrics(finished):
    state, _ = finished
    measured = rows(
        state,
        """
        select
            workflow,
            task,
            max(case when metric = 'queries' then value end) as queries,
            max(case when metric = 'rows' then value end) as counted
        from run_metrics
        group by workflow, task
        """,
    )
    assert sorted({row["workflow"] for row in measured if row["task"] and row["queries"]}) == RUN_BY_WF00
    assert all(row["queries"] for row in measured), measured
    customers = rows(state, "select count(*) as n from golden_retail.unified_customers")[0]["n"]
    (told,) = [row for row in measured if row["task"] == "golden+customers unified_customers"]
    assert told["counted"] == customers


def test_nothing_is_lost_between_raw_and_golden(finished):
    state, _ = finished
    counted = rows(
        state,
        """
        select
            (select count(distinct id) from raw_retail.order_digital_transactions)
            + (select count(distinct txn_id) from raw_retail.order_offline_transactions) as raw_orders,
            (select count(*) from golden_retail.unified_transactions) as golden_orders,
            (select round(sum(amount), 2) from golden_retail.unified_transactions) as golden_revenue,
            (select round(sum(amount), 2) from staging_retail.order_digital_transactions)
            + (select round(sum(amount), 2) from staging_retail.order_offline_transactions) as staged_revenue,
            (select round(sum(total_revenue), 2) from analytics_retail.sales_trends) as shown_revenue,
            (select count(*) from staging_retail.order_details) as staged_lines,
            (select count(*) from golden_retail.transaction_history) as golden_lines
        """,
    )[0]
    assert counted["golden_orders"] == counted["raw_orders"]
    assert counted["golden_lines"] == counted["staged_lines"]
    assert counted["golden_revenue"] == pytest.approx(counted["staged_revenue"], abs=0.01)
    assert counted["shown_revenue"] == pytest.approx(counted["golden_revenue"], abs=0.01)


def test_the_summary_names_people_revenue_segments_and_files(finished):
    _, done = finished
    said = done.stdout + done.stderr
    for word in (*RUN_BY_WF00, "people", "revenue", "validation_report.html", "dashboards", "mails"):
        assert word in said, f"{word} is not in the summary"
    assert "refreshed: identity, sales, web" in said


def test_a_second_run_of_the_session_gives_the_same_tables(finished, tmp_path):
    state, _ = finished
    copy = tmp_path / "state"
    shutil.copytree(state, copy)
    again = run_pipeline(copy, "--rerun", "-p", "run_all=true")
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert checksums(copy) == checksums(state)


def test_what_is_done_is_skipped(finished, tmp_path):
    state, _ = finished
    copy = tmp_path / "state"
    shutil.copytree(state, copy)
    again = run_pipeline(copy, "--rerun")
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert len(rows(copy, "select * from log_tbl")) == len(rows(state, "select * from log_tbl"))


@pytest.mark.slow
def test_a_run_killed_in_every_workflow_ends_like_an_unbroken_one(finished, fresh):
    """One run, killed in each workflow in turn and started again each time."""
    state, _ = finished
    alone = [name for name in RUN_BY_WF00 if not name.startswith("wf08")]  # which runs beside wf07
    story = [killed_in(workflow, fresh) for workflow in alone]
    again = run_pipeline(fresh)
    assert again.returncode == 0, again.stdout[-3000:] + again.stderr[-3000:]
    assert checksums(fresh) == checksums(state)
    check_log(fresh, "\n".join(story))


def killed_in(workflow, state):
    """Start the run, and kill it in the middle of the workflow's own work; the last lines it said."""
    run = subprocess.Popen(
        command("run", "wf00_orchestration", "--session", SESSION, state=state),
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said = []
    for line in run.stdout:
        said.append(line)
        if line.startswith(f"{workflow}: run,"):
            time.sleep(0.4)
            run.kill()
            break
    assert run.wait() == -signal.SIGKILL, "".join(said)[-3000:]
    run.stdout.close()
    return "".join(said[-3:])
