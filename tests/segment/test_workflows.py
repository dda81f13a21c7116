"""wf08 and wf09 on a small project of their own: created, refreshed, isolated, repeated."""

import shutil

import pytest
import tdclient
import yaml

from tdlocal.local_server import local_account
from tests.pipeline.shop import rows, tdlocal
from tests.support import ROOT, SESSION_UNIXTIME

DAY = 86_400
TABLES = {
    "parent_table": "select 'p' || cast(n as varchar) as canonical_id from unnest(sequence(0, 4)) as s (n)",
    "people": """
        select 'p' || cast(n as varchar) as canonical_id, n * 1e2 as lifetime_value, n as total_orders,
            case when n in (0, 2, 4) then 'Gold' when n = 1 then 'Silver' end as tier
        from unnest(sequence(0, 4)) as s (n)""",
    "orders": f"""
        select canonical_id, {SESSION_UNIXTIME} - days * {DAY} as order_unix, channel, amount
        from (values ('p1', 5, 'online', 1e1), ('p1', 40, 'online', 9e1), ('p2', 40, 'store', 5e1))
            as t (canonical_id, days, channel, amount)""",
}
PARENT = {
    "name": "Shop",
    "master": {"table": "parent_table", "key": "canonical_id"},
    "attributes": [
        {"group": "Value", "table": "people", "columns": ["lifetime_value", "total_orders", "tier"]}
    ],
    "behaviors": [
        {"name": "Orders", "table": "orders", "time": "order_unix", "columns": ["channel", "amount"]},
        {"name": "Segment Members", "layer": "ana", "table": "segment_members", "columns": ["segment"]},
    ],
}
GOOD = {
    "type": "value",
    "segment_template": {"name": "Valued", "criteria": {"lifetime_value": ">= 200"}},
    "segments": [
        {"name": "Gold", "type": "demographic", "criteria": {"tier": "Gold"}},
        {
            "name": "Not Gold",
            "rule": {"all": [{"attribute": "tier", "operator": "=", "value": "Gold", "not": True}]},
        },
        {
            "name": "Bought Lately",
            "type": "behavioral",
            "rule": {
                "all": [
                    {
                        "behavior": "orders",
                        "operator": ">=",
                        "value": 1,
                        "where": [
                            {"column": "order_unix", "operator": "TimeWithinPast", "value": 30, "unit": "day"}
                        ],
                    }
                ]
            },
        },
        {"name": "By Query", "type": "behavioral", "sql_file": "rich.sql", "schedule": "daily"},
    ],
}
RICH = """select canonical_id, ${session_unixtime} as built_for
from ${gld}_${sub}.people where lifetime_value > 250"""


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project with wf08 and wf09 for a tiny golden layer, and a state in which wf08 has run."""
    folder = tmp_path_factory.mktemp("built")
    make_project(folder / "project")
    with local_account(folder / "state") as server:
        client = tdclient.Client(apikey=server.key, endpoint=server.url)
        client.create_database("golden_retail")
        for name, sql in TABLES.items():
            job = client.query("golden_retail", f"create table {name} as {sql}", type="presto")
            job.wait()
            assert job.success(), job.debug
        code, said = run("wf08_create_refresh_master_segment", folder / "state", folder / "project")
        assert code == 0, said
    return folder


@pytest.fixture
def project(built, tmp_path):
    """A copy of the project, to be changed."""
    return shutil.copytree(built / "project", tmp_path / "project")


@pytest.fixture
def state(built, tmp_path):
    """A copy of the state, to be changed."""
    return shutil.copytree(built / "state", tmp_path / "state")


def make_project(folder):
    for name in ("config", "common", "segment"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in ROOT.glob("wf0[89]*.dig"):
        shutil.copy(path, folder)
    for path in (folder / "segment/templates").iterdir():
        path.unlink()
    write(folder, "parent_shop.yml", PARENT)
    write(folder, "segments_1.yml", GOOD)
    (folder / "segment/queries/rich.sql").write_text(RICH)


def write(folder, name, template):
    (folder / "segment/templates" / name).write_text(yaml.safe_dump(template, sort_keys=False))


def run(workflow, state, project):
    """Run a workflow of the project; return exit code and what it said."""
    done = tdlocal("run", workflow, "--session", "2026-11-01", "--rerun", state=state, project=project)
    return done.returncode, done.stdout + done.stderr


def logged(state, where="workflow = 'wf09_create_segment'"):
    sql = f"select name, action, status, population, message from segment_logs where {where}"
    return {row["name"]: row for row in rows(state, sql)}


def test_segments_are_created_once_counted_and_repeatable(state, project):
    parents = rows(state, "select name, population, attributes, behaviors from parent_segments")
    assert parents == [{"name": "Shop", "population": 5, "attributes": 3, "behaviors": 2}]

    code, said = run("wf09_create_segment", state, project)
    assert code == 0, said
    people = {name: row["population"] for name, row in logged(state).items()}
    assert people == {"Valued": 3, "Gold": 3, "Not Gold": 2, "Bought Lately": 1, "By Query": 2}
    assert {row["action"] for row in logged(state).values()} == {"created"}

    changed = {**GOOD, "segment_template": {"name": "Valued", "criteria": {"lifetime_value": ">= 300"}}}
    write(project, "segments_1.yml", changed)
    for workflow in ("wf08_create_refresh_master_segment", "wf09_create_segment"):
        code, said = run(workflow, state, project)
        assert code == 0, said
    last = rows(state, "select name, action, population from segment_logs order by logged_at, name")[-5:]
    assert {row["name"]: (row["action"], row["population"]) for row in last} == {
        "Valued": ("updated", 2),
        "Gold": ("unchanged", 3),
        "Not Gold": ("unchanged", 2),
        "Bought Lately": ("unchanged", 1),
        "By Query": ("unchanged", 2),
    }
    counts = rows(
        state, "select count(*) as n from parent_segments union all select count(*) from segment_logs"
    )
    assert [row["n"] for row in counts] == [1, 4 + 10]


def test_faults_of_templates_are_told_together_and_nothing_is_touched(state, project):
    bad = {
        "type": "value",
        "segments": [{"name": "Gold", "criteria": {"teir": "Gold", "total_orders": "> many"}}],
    }
    write(project, "segments_2.yml", bad)
    code, said = run("wf09_create_segment", state, project)
    assert code == 1
    for part in ("segment 'Gold' is there twice", "did you mean tier?", "'many' is no number"):
        assert part in said, part
    assert logged(state) == {}


def test_one_segments_failure_leaves_the_others_alone(state, project):
    (project / "segment/queries/broken.sql").write_text("select nosuch from ${gld}_${sub}.people")
    (project / "segment/queries/unknown.sql").write_text("select 1 as x from ${nosuch}.people")
    bad = {
        "type": "value",
        "segments": [
            {"name": "Broken", "sql_file": "broken.sql"},
            {"name": "Unknown", "sql_file": "unknown.sql"},
            {"name": "Elsewhere", "criteria": {"tier": "Gold"}, "audience_id": "4711"},
        ],
    }
    write(project, "segments_2.yml", bad)
    code, said = run("wf09_create_segment", state, project)
    assert code == 1
    assert "3 of 8 segments failed: Broken, Elsewhere, Unknown" in said
    failed = logged(state, "status = 'failure'")
    assert "nosuch" in failed["Broken"]["message"]
    assert "parameter nosuch is unknown" in failed["Unknown"]["message"]
    assert "4711" in failed["Elsewhere"]["message"]
    whole = logged(state, "status = 'success' and workflow = 'wf09_create_segment'")
    assert {"Valued", "Gold", "Not Gold", "Bought Lately", "By Query"} <= set(whole)


def test_a_bad_parent_template_fails_alone_and_says_everything(state, project):
    write(
        project,
        "parent_bad.yml",
        {**PARENT, "name": "Bad", "attributes": [{"table": "people", "columns": ["x", "y"]}]},
    )
    code, said = run("wf08_create_refresh_master_segment", state, project)
    assert code == 1
    assert "1 of 2 parent segments failed: parent_bad" in said
    message = logged(state, "status = 'failure'")["parent_bad"]["message"]
    assert "no column 'x'" in message
    assert "no column 'y'" in message
    assert [row["name"] for row in rows(state, "select name from parent_segments")] == ["Shop"]
