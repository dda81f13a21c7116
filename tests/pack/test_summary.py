"""What the mail of a run says."""

from pathlib import Path

import pytest

from common.python import summary

DAY = 86_400
DDL = Path(__file__).parents[2] / "common/queries/create_log_tables.sql"


@pytest.fixture
def log(treasure, params):
    """The log's database, with its tables."""
    name = f"va_config_{params['sub']}"
    treasure.create_database(name)
    treasure.run_query(name, DDL.read_text(encoding="utf-8"), rows=False)
    return name


def test_the_usual_duration_is_the_median_of_the_last_ten_other_sessions(treasure, log):
    def after(*runs):
        values = ", ".join(
            f"('wf04_stage', 'success', {session * DAY}, {seconds}, {session})" for session, seconds in runs
        )
        names = "workflow, status, session_unixtime, duration_seconds, logged_at"
        treasure.run_query(log, f"insert into log_tbl ({names}) values {values}", rows=False)
        return {row["workflow"]: row["note"] for row in summary.workflow_rows(log, 20 * DAY, "r")}[
            "wf04_stage"
        ]

    assert after((20, "9e0")) == "", "this session is no measure of itself"
    assert after((1, "100e0")) == "usually 100.0 s"
    assert after((2, "2e0"), (3, "3e0")) == "usually 3.0 s"
    later = [(session, "5e0") for session in range(4, 12)]
    assert after(*later, (12, "7200e0"), (13, "cast(null as double)")) == "usually 5.0 s", "one hung"


def test_names_and_texts_are_shown_and_not_run():
    hostile = "<script>alert(1)</script> ${x} & \"'"
    row = {"workflow": f"wf_{hostile}", "status": hostile, "duration": "", "rows": "", "note": hostile}
    values = {"sub": "a", "session": "s", "workflows": [row], "facts": [("segments", hostile)]}
    page = summary.rendered("summary.html.j2", values)
    assert "<script>" not in page and page.count("&lt;script&gt;") == 4


def test_records_in_are_those_of_the_raw_tables_that_the_map_names(monkeypatch, tmp_path):
    root = Path(__file__).parents[2]
    (tmp_path / "config").mkdir()
    for name in ("config/retail_schema.yml", "prep"):
        (tmp_path / name).symlink_to(root / name)
    (tmp_path / "config/schema_map.yml").write_text(
        "order_details: {prep: {from: [tills, web_lines]}, columns: {order_no: {prp: bon}}}\n"
        "consents: {prp_table_name: consents, columns: {id: {prp: identifier}}}\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    tables = ["order_details", "consents", "pageviews"]
    named = summary.named_raw_tables({"tables": tables, "absent_tables": ["pageviews"]})
    assert named == ["consents", "tills", "web_lines"]
