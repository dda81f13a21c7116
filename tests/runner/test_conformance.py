"""The shared cases with the answers of real Digdag, and the pattern projects with their told outcomes."""

import importlib.util
import shutil
from pathlib import Path
from types import ModuleType

import pytest

from tests.runner.kit import Project
from tests.support import SHARED, needs_shared

CASES = SHARED / "conformance"
PATTERNS = SHARED / "reference" / "patterns"
NAMES = sorted(path.parent.name for path in CASES.glob("*/expected.json")) if CASES.is_dir() else []


def run_case() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_case", CASES / "run_case.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@needs_shared
@pytest.mark.parametrize("name", NAMES)
def test_a_shared_case_ends_as_on_digdag(name: str, project: Project) -> None:
    module = run_case()
    command = " ".join(project.command("run", "main.dig"))
    spec, got = module.run(name, command, 60)
    assert module.compare(spec, got) == [], got["err"]


def pattern(project: Project, name: str) -> Project:
    target = project.root.parent / name
    shutil.copytree(PATTERNS / name, target)
    for path in [target, *target.rglob("*")]:
        path.chmod(path.stat().st_mode | 0o200)
    return Project(target)


@needs_shared
def test_overrides_win_and_are_typed(project: Project) -> None:
    place = pattern(project, "overrides")
    assert "database staging_retail, run_all false" in place.run().lines
    given = place.run("-p", "sub=x", "-p", "run_all=true")
    assert given.lines[-2:] == ["database staging_x, run_all true", "forced"]
    wrong = place.run("-p", "run_all=maybe", "--no-save")
    assert wrong.code == 1 and "give a value like false" in wrong.err


@needs_shared
def test_a_map_sees_other_parameters_raw(project: Project) -> None:
    ended = pattern(project, "nested").run("-p", "TD_PROJECT=x")
    assert ended.lines == ["flat staging_x, nested staging_${TD_PROJECT}"]


@needs_shared
def test_stored_maps_of_parallel_branches_merge_and_lists_are_replaced(project: Project) -> None:
    ended = pattern(project, "isolation").tdlocal("run", "variant_store")
    assert ended.lines == ['{"item_1":"why 1","item_2":"why 2","item_3":"why 3"} [3]']


@needs_shared
@pytest.mark.parametrize(
    ("workflow", "saved", "unsaved"),
    [
        ("on_task", "1 2 3 2 2", "1 2 3 2 2"),
        ("on_group", "1 2 3 2 2", "1 2 3 2 2"),
        ("on_for_each", "1 2 3 2 2", "1 2 3 1 2 3 1 2 3"),
        ("on_call", "1 2 2 2", "1 2 1 2 1 2"),
    ],
)
def test_what_a_retry_runs_again(project: Project, workflow: str, saved: str, unsaved: str) -> None:
    for options, expected in (([], saved), (["--no-save"], unsaved)):
        place = pattern(project, "retry")
        ended = place.tdlocal("run", workflow, "--max-task-threads", "1", *options)
        assert ended.code == 0, ended.err
        runs = (place.root / "runs.txt").read_text().split()
        assert sorted(runs) == sorted(expected.split())
        shutil.rmtree(place.root)


@needs_shared
def test_the_session_of_a_daily_schedule_is_midnight(project: Project) -> None:
    place = pattern(project, "schedule")
    line = place.tdlocal("run", "wf00_orchestration", "--session", "2024-03-10").lines[0]
    assert "unix 1710046800" in line and "next 2024-03-11T00:00:00-04:00" in line
    line = place.tdlocal("run", "adhoc", "--session", "2024-03-10").lines[0]
    assert "| last - | next - |" in line


@needs_shared
def test_require_of_a_missing_project_fails_at_once(project: Project) -> None:
    place = pattern(project, "require")
    ended = place.tdlocal("run", "wf08")
    assert ended.code == 1
    assert (
        "Dependent workflow does not exist. projectName: cdp_audience_7, workflowName:audience" in ended.err
    )
    lines = place.tdlocal("run", "wf08", "-p", "site=local", "--rerun").lines
    assert sorted(lines) == [
        "refresh over the API: 7",
        "refresh over the API: 8",
    ]


@needs_shared
@pytest.mark.parametrize("fault", ["", "quotes", "live", "template"])
def test_the_wrapper_logs_and_mails(project: Project, fault: str) -> None:
    place = pattern(project, "wrapper")
    options = ["-p", f"break={fault}"] if fault else []
    log = "va_config_retail.log_tbl"
    query = f"select workflow, status, error_message from {log} order by start_time, status desc"
    with place.serving():
        ended = place.tdlocal("run", "wf00_orchestration", "--session", "2024-03-10", *options)
        assert ended.code == (1 if fault else 0), ended.err
        rows = place.tdlocal("query", query, "--format", "json").events
    statuses = [list(row.values())[1] for row in rows]
    mails = sorted((place.root / ".tdlocal" / "mails").glob("*.eml"))
    if not fault:
        assert statuses.count("success") == 3 and len(mails) == 2
        return
    assert statuses == ["running", "failure"] and len(mails) == 1
    told = str(list(rows[-1].values())[2])
    if fault == "quotes":
        assert 'it\'s "bad"\nsecond line <b>html & co</b> 100% \\ back' in told
    elif fault == "live":
        assert "value 2 and retail" in told
    else:
        assert told == "(the message holds a template and cannot be shown)"


@needs_shared
def test_failed_items_are_named_at_the_end(project: Project) -> None:
    ended = pattern(project, "isolation").tdlocal("run", "td_items")
    assert ended.code == 1 and "failed items: four, two" in ended.lines


@needs_shared
def test_four_ways_to_fill_a_mail(project: Project) -> None:
    place = pattern(project, "mail")
    assert place.run().code == 0
    mails = [path.read_text() for path in sorted((place.root / ".tdlocal" / "mails").glob("*.eml"))]
    assert len(mails) == 5
    assert sum("Subject: b" in mail for mail in mails) == 2


@needs_shared
@pytest.mark.parametrize("died", ["", "DIE_AFTER_RENAME", "DIE_AFTER_SWAP"])
def test_a_build_that_died_while_publishing_is_published_by_the_next_run(project: Project, died: str) -> None:
    place = pattern(project, "publish")
    first, second = ["--session", "2024-03-09"], ["--session", "2024-03-10"]
    server = ["-p", "api_server=api.treasuredata.com"]
    with place.serving():
        assert place.tdlocal("run", "wf06_golden", *first, *server).code == 0
        workflow = (place.root / "wf06_golden.dig").read_text()
        if died:
            place.write(
                "wf06_golden.dig", workflow.replace("  _retry:\n    limit: 3", "  _no:\n    limit: 3")
            )
            place.env[died] = "customer_attributes"
            assert place.tdlocal("run", "wf06_golden", *second, *server).code == 1
            del place.env[died]
        ended = place.tdlocal("run", "wf06_golden", *second, *server)
        assert ended.code == 0, ended.err
        tables = [
            name + end for name in ("unified_customers", "customer_attributes") for end in ("", "__prev")
        ]
        day = "cast(from_unixtime(max(built_for)) as varchar) as day"
        query = " union all ".join(
            f"select '{name}' as name, {day} from golden_retail.{name}" for name in tables
        )
        days = {
            row["name"]: row["day"][:10] for row in place.tdlocal("query", query, "--format", "json").events
        }
    assert days == {name: "2024-03-09" if name.endswith("__prev") else "2024-03-10" for name in tables}


def test_the_cases_are_not_empty() -> None:
    assert not CASES.is_dir() or (len(NAMES) >= 69 and Path(PATTERNS).is_dir())
