"""wf03: every kind of fault is found with the right severity, and the report says it."""

import json

import pytest
import yaml

from common.python.errors import TaskError
from common.python.retail_schema import read_schema
from validation.python import checks, gen_html
from validation.python.config import ColumnRule, read_rules

SCHEMA = {
    "consents": {"id": "string", "id_type": "string", "consent_flag": "string"},
    "order_details": {"order_no": "string", "order_line_no": "long", "net_price": "double"},
    "order_offline_transactions": {"order_no": "string", "amount": "double"},
}
MAP = {
    table: {"columns": {column: {"prp": column} for column in columns}} for table, columns in SCHEMA.items()
}
GOOD = {
    "consents": "select * from (values ('a@b.co', 'email', 'yes'), ('b@c.co', 'email', 'no')) t"
    " (id, id_type, consent_flag)",
    "order_details": "select * from (values ('1', 1, 5e0), ('1', 2, 3e0), ('2', 1, 4e0)) t"
    " (order_no, order_line_no, net_price)",
    "order_offline_transactions": "select * from (values ('1', 8e0), ('2', 4e0)) t (order_no, amount)",
}
RULES = {
    "validation_config": {"quality_threshold": 0.95},
    "tables": {
        "consents": {"columns": {"id": {"format": "email"}, "id_type": {"values": ["email"]}}},
        "order_details": {"key": ["order_no", "order_line_no"], "columns": {"net_price": {"range": [0, 10]}}},
    },
    "references": [
        {"name": "lines without an order", "from": "order_details.order_no",
         "to": ["order_offline_transactions.order_no"]},
    ],
    "totals": [
        {"name": "orders unlike their lines", "of": "order_details.net_price", "by": "order_no",
         "equals": "order_offline_transactions.amount", "at_most_off": 0.01},
    ],
}  # fmt: skip


@pytest.fixture
def validate(treasure, params, py, tmp_path, monkeypatch):
    """A function that puts tables into src, validates them and returns the findings."""
    params["tables"] = [{"src_table_name": table} for table in SCHEMA]
    source, log = f"src_{params['sub']}", f"va_config_{params['sub']}"
    treasure.create_database(source)
    (tmp_path / "config").mkdir()
    monkeypatch.chdir(tmp_path)

    def run(rules=RULES, without=(), **tables):
        for name, content in (("retail_schema", SCHEMA), ("schema_map", MAP), ("validation", rules)):
            (tmp_path / f"config/{name}.yml").write_text(yaml.safe_dump(content, sort_keys=False))
        for name, select in {**GOOD, **tables}.items():
            treasure.run_query(source, f"drop table if exists {name}", rows=False)
            if name not in without:
                treasure.run_query(source, f"create table {name} as {select}", rows=False)
        monkeypatch.chdir(tmp_path)
        py("validation.python.check.main")
        return treasure.run_query(log, "select * from validation_findings").dicts()

    return run


def told(findings):
    return {(f["severity"], f["check_name"], f["table_name"], f["column_name"]) for f in findings}


def test_good_tables_give_no_finding(validate, params):
    assert validate() == []
    assert params["validation"] == {"critical": 0, "warning": 0, "info": 0, "verdict": "good", "first": ""}
    assert params["record_counts"] == {"wf03_validate": 7}


def test_a_missing_table_is_critical(validate, params):
    assert ("critical", "MISSING_TABLE", "consents", "") in told(validate(without=["consents"]))
    assert params["validation"]["verdict"] == "stopped"
    assert params["validation"]["first"].startswith("consents: missing table")


def test_a_missing_table_is_a_warning_when_so_configured(validate):
    rules = {**RULES, "validation_config": {"fail_on_missing_table": False}}
    assert ("warning", "MISSING_TABLE", "consents", "") in told(validate(rules, without=["consents"]))


def test_a_missing_column_is_critical_with_the_line_of_the_map(validate):
    findings = validate(consents="select 'a@b.co' as id, 'email' as id_type")
    assert told(findings) == {("critical", "MISSING_COLUMN", "consents", "consent_flag")}
    assert findings[0]["place"].startswith("config/schema_map.yml:")


def test_another_type_is_a_warning_or_an_info(validate):
    text = "select '1' as order_no, '8' as amount"
    expected = ("TYPE_MISMATCH", "order_offline_transactions", "amount")
    assert ("warning", *expected) in told(validate(order_offline_transactions=text, order_details=GOOD_LINES))
    rules = {**RULES, "validation_config": {"warn_on_type_mismatch": False}, "totals": []}
    found = told(validate(rules, order_offline_transactions=text, order_details=GOOD_LINES))
    assert ("info", *expected) in found


EMPTY = "select * from (values ('', '', '')) t (id, id_type, consent_flag) where id = 'x'"
GOOD_LINES = "select '1' as order_no, 1 as order_line_no, 8e0 as net_price"


def test_completeness_under_the_threshold_is_a_warning(validate):
    findings = validate(
        consents="select * from (values ('a@b.co', 'email', 'yes'), ('b@c.co', 'email', ''), "
        "('c@d.co', 'email', null)) t (id, id_type, consent_flag)"
    )
    assert told(findings) == {("warning", "COMPLETENESS", "consents", "consent_flag")}
    assert (findings[0]["finding_count"], findings[0]["row_count"]) == (2, 3)
    assert "33.3 % filled" in findings[0]["actual"]


def test_a_column_may_have_a_completeness_of_its_own(validate):
    rules = {**RULES, "tables": {"consents": {"columns": {"consent_flag": {"completeness": 0.3}}}}}
    select = "select * from (values ('a', 'email', 'yes'), ('b', 'email', ''), ('c', 'email', null)) t"
    assert told(validate(rules, consents=f"{select} (id, id_type, consent_flag)")) == set()


def test_formats_values_ranges_and_keys(validate, treasure, params):
    findings = validate(
        consents="select * from (values ('ada.lovelace', 'email', 'yes'), ('b@c.co', 'fax', 'no')) t"
        " (id, id_type, consent_flag)",
        order_details="select * from (values ('1', 1, 5e0), ('1', 1, 5e0), ('1', 2, 3e0), ('2', 1, -4e0)) t"
        " (order_no, order_line_no, net_price)",
        order_offline_transactions="select * from (values ('1', 8e0), ('2', -4e0)) t (order_no, amount)",
    )
    assert told(findings) == {
        ("warning", "FORMAT", "consents", "id"),
        ("warning", "VALUES", "consents", "id_type"),
        ("warning", "RANGE", "order_details", "net_price"),
        ("warning", "REPEATED_KEY", "order_details", "order_no, order_line_no"),
    }
    sample = next(json.loads(f["samples"]) for f in findings if f["check_name"] == "FORMAT")
    assert sample == [["ada.lo***ce", 1]]
    rows = {f["check_name"]: json.loads(f["sample_rows"]) for f in findings}
    assert {row.pop("time")[:4] for found in rows.values() for row in found} == {"2026"}
    assert rows == {
        "FORMAT": [{"id": "ada.lo***ce"}],
        "VALUES": [{"id_type": "fax"}],
        "RANGE": [{"order_no": "2", "order_line_no": "1", "net_price": "-4.0"}],
        "REPEATED_KEY": [{"order_no": "1", "order_line_no": "1"}] * 2,
    }
    repeats = next(f for f in findings if f["check_name"] == "REPEATED_KEY")
    assert json.loads(repeats["samples"]) == [["1, 1", 2]]
    shown = treasure.run_query(f"src_{params['sub']}", repeats["rows_query"]).dicts()
    assert [(row["order_no"], row["order_line_no"]) for row in shown] == [("1", 1), ("1", 1)]


def test_a_finding_about_a_whole_table_or_column_shows_its_rows_too(validate, treasure, params):
    rules = {**RULES, "tables": {"consents": {"fresh_days": 7}}}
    old = "select 'a@b.co' as id, 1 as id_type, 'yes' as consent_flag, cast(86400 as bigint) as time"
    findings = validate(rules, consents=old)
    assert told(findings) == {
        ("warning", "TYPE_MISMATCH", "consents", "id_type"), ("warning", "FRESHNESS", "consents", "")
    }  # fmt: skip
    for finding in findings:
        shown = treasure.run_query(f"src_{params['sub']}", finding["rows_query"]).dicts()
        assert [row["id"] for row in shown] == ["a@b.co"]
        assert finding["source"] == "prp consents"
        assert json.loads(finding["sample_rows"])[0]["time"] == "1970-01-02T00:00:00Z"
    assert {f["check_name"]: f["share"] for f in findings} == {"TYPE_MISMATCH": 1.0, "FRESHNESS": 0.0}


def test_references_and_totals(validate, treasure, params):
    findings = validate(
        order_details="select * from (values ('1', 1, 5e0), ('1', 2, 3.5e0), ('9', 1, 4e0)) t"
        " (order_no, order_line_no, net_price)"
    )
    assert told(findings) == {
        ("warning", "REFERENCE", "order_details", "order_no"),
        ("warning", "TOTAL", "order_details", "net_price"),
    }
    by_check = {f["check_name"]: f for f in findings}
    shown = treasure.run_query(f"src_{params['sub']}", by_check["REFERENCE"]["rows_query"]).dicts()
    assert [(row["order_no"], row["net_price"]) for row in shown] == [("9", 4.0)]
    assert by_check["REFERENCE"]["actual"] == "1 lines without an order"
    assert json.loads(by_check["TOTAL"]["samples"]) == [["1", 8.5]]
    rows = {check: json.loads(finding["sample_rows"]) for check, finding in by_check.items()}
    assert rows["TOTAL"] == [{"value": "1", "total": "8.5", "expected": "8.0"}]
    assert [(row["order_no"], row["order_line_no"]) for row in rows["REFERENCE"]] == [("9", "1")]
    assert {finding["source"] for finding in findings} == {
        "prp order_details.net_price", "prp order_details.order_no"
    }  # fmt: skip


def test_rows_that_should_not_be(validate, treasure, params):
    over = {
        "name": "orders over 5",
        "of": "order_offline_transactions.amount",
        "where": "amount > 5 or amount < 0",
        "advice": "look",
    }
    none = {"name": "lines of nothing", "of": "order_details.net_price", "where": "net_price = 0"}
    broken = {"name": "broken", "of": "consents.id", "where": "no_such_column = 1"}
    rows = [over, none, broken]
    findings = validate({**RULES, "rows": rows})
    by_check = {f["check_name"]: f for f in findings}
    assert set(by_check) == {"ROWS", "CHECK_FAILED"}, findings
    found = by_check["ROWS"]
    assert (found["severity"], found["finding_count"], found["row_count"]) == ("warning", 1, 2)
    assert (found["actual"], found["advice"]) == ("1 orders over 5", "look")
    assert found["place"].startswith("config/validation.yml:")
    shown = treasure.run_query(f"src_{params['sub']}", found["rows_query"]).dicts()
    assert [(row["order_no"], row["amount"]) for row in shown] == [("1", 8.0)]
    assert json.loads(found["sample_rows"])[0]["amount"] == "8.0"


def test_totals_by_several_columns_of_which_later_ones_may_be_null(validate):
    total = {**RULES["totals"][0], "by": ["order_no", "order_part"]}
    tables = {
        "order_details": "select * from (values ('1', null, 1, 5e0), ('1', 'b', 1, 3e0), ('2', null, 1, 4e0))"
        " t (order_no, order_part, order_line_no, net_price)",
        "order_offline_transactions": "select * from (values ('1', null, 5e0), ('1', 'b', 3e0),"
        " ('2', null, 4.5e0)) t (order_no, order_part, amount)",
    }
    findings = validate({**RULES, "totals": [total]}, **tables)
    samples = [json.loads(finding["samples"]) for finding in findings if finding["check_name"] == "TOTAL"]
    assert samples == [[["2", 4.0]]]


def test_the_query_of_a_finding_shows_its_rows(validate, treasure, params):
    findings = validate(
        consents="select * from (values ('x', 'email', 'yes'), ('b@c.co', 'email', '')) t"
        " (id, id_type, consent_flag)"
    )
    for finding in findings:
        rows = treasure.run_query(f"src_{params['sub']}", finding["rows_query"]).rows
        assert len(rows) == finding["finding_count"] == 1


def test_an_absent_source_is_an_info(validate, params):
    params["absent_tables"] = ["consents"]
    findings = validate(consents=EMPTY)
    assert ("info", "ABSENT_SOURCE", "consents", "") in told(findings)
    assert not [f for f in findings if f["severity"] == "critical"]


def test_an_empty_table_is_a_warning_not_a_fault(validate):
    assert told(validate(consents=EMPTY)) == {("warning", "EMPTY_TABLE", "consents", "")}


def test_the_next_session_sees_the_change(validate, params):
    validate()
    params["session_unixtime"] += 86_400
    more = GOOD["consents"].replace("('b@c.co', 'email', 'no')", "('b@c.co', 'email', 'no')" * 1)
    twice = f"{more} union all {more} union all {more}"
    assert told(validate(consents=twice)) == {("info", "ROW_COUNT", "consents", "")}


def test_sizes_are_held_against_the_last_good_run_not_the_last(validate, params):
    validate()
    twice = f"{GOOD['consents']} union all {GOOD['consents']}"
    params["session_unixtime"] += 86_400
    found = validate(consents=twice, without=["order_details"])
    assert params["validation"]["verdict"] == "stopped" and ("info", "ROW_COUNT", "consents", "") in told(
        found
    )
    params["session_unixtime"] += 86_400
    found = validate(consents=twice)
    size = next(f for f in found if f["check_name"] == "ROW_COUNT")
    assert (size["expected"], size["actual"]) == ("about 2 rows, as at the last good run", "4 rows")


def test_a_table_without_new_rows_is_stale(validate, params):
    rules = {**RULES, "tables": {"consents": {"fresh_days": 7}}}
    old = "select 'a@b.co' as id, 'email' as id_type, 'yes' as consent_flag, cast({} as bigint) as time"
    session = params["session_unixtime"]
    assert validate(rules, consents=old.format(session - 6 * 86_400)) == []
    found = validate(rules, consents=old.format(session - 8 * 86_400))
    assert told(found) == {("warning", "FRESHNESS", "consents", "")}
    assert "8 days before the session" in found[0]["actual"]


def test_a_finding_knows_how_often_it_was_there_last_time(validate, params):
    names = "(id, id_type, consent_flag)"
    bad = f"select * from (values ('x', 'email', 'yes'), ('b@c.co', 'email', 'no')) t {names}"
    assert [f["previous_count"] for f in validate(consents=bad)] == [None]
    params["session_unixtime"] += 86_400
    worse = bad.replace("('b@c.co'", "('y'")
    for _ in range(2):  # a second run of the session compares with the same session as the first
        findings = validate(consents=worse)
        assert [(f["finding_count"], f["previous_count"]) for f in findings] == [(2, 1)]


def test_what_mapping_lost_is_a_finding(validate, treasure, params):
    log = f"va_config_{params['sub']}"
    treasure.create_database(log)
    from prep.python.map_tables import REJECT_COLUMNS

    rejected = {
        "table_name": "order_details", "column_name": "net_price", "prp_table": "lines",
        "prp_column": "price", "type": "double", "kind": "unconvertible", "samples": '[["n/a", 2]]',
        "place": "config/schema_map.yml:9", "reject_count": 2, "row_count": 3, "session_unixtime": 1,
    }  # fmt: skip
    vanished = {**rejected, "column_name": "order_line_no", "prp_column": "line", "kind": "missing_column"}
    treasure.insert_rows(log, "mapping_rejects", REJECT_COLUMNS, [rejected, vanished])
    findings = validate()
    assert told(findings) == {
        ("warning", "CONVERSION", "order_details", "net_price"),
        ("critical", "MISSING_COLUMN", "order_details", "order_line_no"),
    }
    assert findings[0]["actual"] == "no column lines.line"


def test_the_report_shows_verdict_findings_and_no_template(
    validate, py, treasure, params, tmp_path, monkeypatch
):
    monkeypatch.setenv("TD_OUTPUT_DIR", str(tmp_path / "output"))
    validate(
        consents="select * from (values ('<b>${x}</b>', 'email', 'yes'), ('b@c.co', 'email', '')) t"
        " (id, id_type, consent_flag)"
    )
    py("validation.python.gen_html.main", td_write_table="email_content")
    page = (tmp_path / "output/validation_report.html").read_text(encoding="utf-8")
    parts = treasure.run_query(
        f"va_config_{params['sub']}", "select html_content from email_content order by part"
    ).rows
    assert "".join(part for (part,) in parts) == page
    assert "Usable" in page and "consents" in page and "<svg" in page
    assert "${" not in page and "<b>$" not in page and "<script" not in page
    assert len(page) < 1_000_000
    found = json.loads((tmp_path / "output/validation_report.json").read_text())
    assert {finding["check_name"] for finding in found["findings"]} == {"FORMAT", "COMPLETENESS"}


def test_the_report_is_cut_into_parts_that_join():
    text = "x" * 300_000
    assert "".join(gen_html.split_parts(text)) == text
    assert max(map(len, gen_html.split_parts(text))) == gen_html.PART_CHARS


@pytest.mark.parametrize(
    "kind, good, bad",
    [
        (
            "email",
            ["a@b.co", "a+b@mail.example.museum", "ÁLVARO@correo.es", "o'neil@x-y.co.uk"],
            ["a", "a@b", "a@@b.co", "a b@c.co", "a..b@c.co", ".a@b.co", "a.@b.co", "a@.co", "a@-b.co",
             "a@b..co", "<a@b.co>", "a@b.c0", "a,b@c.co"],
        ),
        (
            "phone",
            ["(415) 555-0134", "+44 20 7946 0958", "415.555.0134 x 12", "0044 20 7946 0958",
             "011 44 20 7946 0958", "5550134", "+1 (415) 555-0134 ext. 7"],
            ["0", "n/a", "12-34", "+1 415", "99999999999999999999", "call me", "415-555-O134",
             "+-5550134567"],
        ),
        (
            "date",
            ["2026-02-28", "2026-02-28T10:00:00Z", "2026-03-04T13:22:01-05:00", "03/09/1984", "19840309",
             "31.12.2025 10:15", "2026-05-01 12:33:10.123000", "2024-02-29", "2000-02-29", "1793491200",
             "1793491200000", "2026/3/4", "3 March 2026", "Mar 3, 2026 4:05 PM", "12/31/2025 11:59:59 PM"],
            ["0000-00-00", "2026-13-01", "soon", "1/2", "31/31/2025", "2025-02-29", "1900-02-29",
             "2026-04-31", "02/30/1985", "2026-01-01T25:00:00Z", "2026-01-01 10:75", "20260230",
             "13/13/2026"],
        ),
        (
            "url",
            ["https://a.co/x?y=1", "https://a.co", "http://a.co?x", "android-app://com.a.b"],
            ["www", "not a url", "/p/P0001", "https://", "https://a.co/x y", "javascript"],
        ),
    ],
)  # fmt: skip
def test_formats(kind, good, bad, engine):
    engine.create_database("t")
    measure = checks.Measure("value", "string", ColumnRule(format=kind))
    values = ", ".join("('" + text.replace("'", "''") + "')" for text in [*good, *bad])
    sql = f'select "value" from (values {values}) t ("value") where {measure.wrong()["FORMAT"]}'
    answer = engine.run(sql, database="t", scheduled_time=0)
    assert sorted(row[0] for batch in answer.batches() for row in batch) == sorted(bad)


def test_faults_of_the_rules_are_told_together(tmp_path):
    path = tmp_path / "validation.yml"
    path.write_text(
        "validation_config: {quality_treshold: 0.9}\n"
        "tables:\n"
        "  consent: {}\n"
        "  consents:\n"
        "    columns:\n"
        "      id: {format: '(?=x)'}\n"
        "      flag: {completeness: 0.5}\n"
        "      id_type: {completeness: 95}\n"
    )
    with pytest.raises(TaskError) as caught:
        read_rules(SCHEMA, str(path))
    for place in ("validation.yml:1: unknown name quality_treshold (did you mean quality_threshold?)",
                  "validation.yml:3: unknown name consent", "validation.yml:6: ", "validation.yml:7: ",
                  "validation.yml:8: "):  # fmt: skip
        assert place in str(caught.value)


def test_the_projects_own_rules_are_right(monkeypatch):
    from tests.support import ROOT

    monkeypatch.chdir(ROOT)
    assert read_rules(read_schema()).settings["quality_threshold"] == 0.95
