"""Bad input through mapping and validation: a clear finding or error for each, and nothing lost."""

import json

import pytest
import yaml

from common.python.errors import TaskError

SCHEMA = {"formfills": {"email": "string", "form_type": "string", "points": "long"}}
MAP = """formfills:
  columns:
    email: {prp: mail, required: true}
    form_type: {prp: kind}
    points: {prp: points}
"""
RULES = {"tables": {"formfills": {"columns": {"email": {"format": "email"}}}}}
GOOD = "select 'a@b.co' as mail, 'news' as kind, '5' as points"


@pytest.fixture
def shop(treasure, params, tmp_path, monkeypatch, py):
    """A function that puts one PRP table, maps and validates it; returns the findings."""
    params["tables"] = [{"src_table_name": "formfills"}]
    raw, prp, src, log = (f"{name}_{params['sub']}" for name in ("raw", "prp", "src", "va_config"))
    for database in (raw, prp, src, log):
        treasure.create_database(database)
    (tmp_path / "config").mkdir()
    (tmp_path / "config/retail_schema.yml").write_text(yaml.safe_dump(SCHEMA))
    (tmp_path / "config/validation.yml").write_text(yaml.safe_dump(RULES))
    (tmp_path / "config/schema_map.yml").write_text(MAP)
    monkeypatch.setenv("TD_OUTPUT_DIR", str(tmp_path / "output"))
    monkeypatch.chdir(tmp_path)

    def run(select=None, reset=True):
        if select:
            treasure.run_query(
                prp, f"drop table if exists formfills;create table formfills as {select}", rows=False
            )
        py("prep.python.map_tables.main")
        py("common.python.publish.main", database=src)
        py("validation.python.check.main")
        py("validation.python.gen_html.main")
        return treasure.run_query(log, "select * from validation_findings").dicts()

    run.prp, run.src, run.output = prp, src, tmp_path / "output"
    return run


TEN_MEGABYTES = "array_join(repeat(lpad('', 1000, '0123456789'), 10000), '')"


def told(findings):
    return {(f["severity"], f["check_name"], f["column_name"]) for f in findings}


def rows(treasure, shop, what="*"):
    return treasure.run_query(shop.src, f"select {what} from formfills order by 1").rows


def test_an_empty_table_is_a_warning(shop, treasure):
    findings = shop(f"{GOOD} where 1 = 0")
    assert told(findings) == {("warning", "EMPTY_TABLE", "")}
    assert rows(treasure, shop, "count(*)") == [[0]]


def test_a_table_of_headers_only_is_a_warning_and_its_columns_are_there(shop, treasure):
    treasure.run_query(
        shop.prp, "create table formfills (mail varchar, kind varchar, points varchar)", rows=False
    )
    assert told(shop()) == {("warning", "EMPTY_TABLE", "")}


def test_a_type_that_changed_overnight_loses_nothing_in_silence(shop, treasure):
    assert shop(GOOD) == []
    findings = shop("select 17 as mail, cast(1.5e0 as double) as kind, 'many' as points")
    assert told(findings) >= {("warning", "FORMAT", "email"), ("warning", "CONVERSION", "points")}
    assert rows(treasure, shop, "email, form_type, points") == [["17", "1.5E0", None]]
    lost = next(json.loads(f["sample_rows"]) for f in findings if f["check_name"] == "CONVERSION")
    assert [(row["mail"], row["points"]) for row in lost] == [("17", "many")]


def test_a_type_that_changed_overnight_is_a_finding_of_that_day(shop, params):
    assert shop(GOOD) == []
    changed = "select 'a@b.co' as mail, 'news' as kind, 5 as points"
    params["session_unixtime"] += 86_400
    for _ in range(2):  # the session again compares with the same day
        findings = shop(changed)
        assert told(findings) == {("warning", "CHANGED_TYPE", "points")}
        assert findings[0]["expected"] == "formfills.points of type string, as at the run before"
        assert findings[0]["actual"] == "formfills.points is of type long now"
        assert findings[0]["place"] == "config/schema_map.yml:5"
    params["session_unixtime"] += 86_400
    assert shop(changed) == []


def test_an_id_that_became_a_double_keeps_its_digits(shop, treasure):
    shop("select cast(1234567890 as double) as mail, cast(null as double) as kind, 5e0 as points")
    assert rows(treasure, shop, "email, form_type, points") == [["1234567890", None, 5]]


def test_a_column_of_a_structure_becomes_json(shop, treasure):
    shop("select 'a@b.co' as mail, array['x', 'y'] as kind, 5 as points")
    assert rows(treasure, shop, "form_type, points") == [['["x","y"]', 5]]


def test_a_column_that_vanished_is_critical_with_its_line(shop):
    findings = shop("select 'a@b.co' as e_mail, 'news' as kind, '5' as points")
    missing = next(f for f in findings if f["check_name"] == "MISSING_COLUMN")
    assert missing["severity"] == "critical" and missing["column_name"] == "email"
    assert missing["place"] == "config/schema_map.yml:3"
    assert missing["actual"] == "no column formfills.mail"


def test_a_huge_cell_is_kept_whole_and_the_report_stays_small(shop, treasure):
    findings = shop(
        f"select {TEN_MEGABYTES} as mail, '' as kind, 'x' as points"
        f" union all select 'a@b.co', '', {TEN_MEGABYTES}"
    )
    assert rows(treasure, shop, "length(email)") == [[6], [10_000_000]]
    assert {("warning", "FORMAT", "email"), ("warning", "CONVERSION", "points")} <= told(findings)
    assert max(len(value) for f in findings for value, _ in json.loads(f["samples"])) < 100
    assert (shop.output / "validation_report.html").stat().st_size < 100_000


def test_nul_bytes_and_broken_characters_are_shown_and_kept(shop, treasure):
    findings = shop(
        "select concat('a', chr(0), '@b.co') as mail, concat('x', chr(0)) as kind,"
        " concat('5', chr(0)) as points"
        " union all select concat('b@c.co', chr(65533)), 'x', '6'"
    )
    assert ("warning", "FORMAT", "email") in told(findings)
    assert ("warning", "CONVERSION", "points") in told(findings)
    assert rows(treasure, shop, "length(email)") == [[7], [7]]
    page = (shop.output / "validation_report.html").read_text(encoding="utf-8")
    assert "\x00" not in page


def test_names_with_blanks_quotes_and_keywords_are_mapped(shop, treasure, tmp_path):
    odd = MAP.replace("prp: mail", "prp: 'e-mail \"work\"'").replace("prp: kind", "prp: select")
    (tmp_path / "config/schema_map.yml").write_text(odd)
    assert shop('select \'a@b.co\' as "e-mail ""work""", \'x\' as "select", 5 as points') == []
    assert rows(treasure, shop, "email, form_type") == [["a@b.co", "x"]]


def test_columns_that_differ_by_case_only_are_one(shop, treasure):
    assert shop("select 'a@b.co' as Mail, 'x' as KIND, 5 as Points") == []


def test_a_prp_table_that_is_not_there_is_told_with_its_place(shop):
    with pytest.raises(TaskError, match=r"has no table formfills .*prep/queries/formfills.sql|has no table"):
        shop()


def test_values_that_look_like_templates_or_markup_stay_text(shop):
    findings = shop(
        "select '${secret:td.apikey}<script>alert(1)</script>' as mail, '{{x}}' as kind, 1 as points"
    )
    assert ("warning", "FORMAT", "email") in told(findings)
    for name in ("html", "txt"):
        page = (shop.output / f"validation_report.{name}").read_text(encoding="utf-8")
        assert "${" not in page and (name == "txt" or "<script" not in page)
