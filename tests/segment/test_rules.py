"""Templates of segments: what they mean, and every fault told before anything is touched."""

import pytest

from segment.python import parents, rules, templates
from segment.python.rules import Catalogue, compile_rule
from tests.support import ROOT

KNOWN = Catalogue(
    {"age": "number", "country": "string", "total_orders": "number", "days_since_last_purchase": "number"},
    {"behavior_orders": {"amount": "number", "channel": "string", "order_unix": "timestamp"}},
)


def conditions(entry):
    rule, faults = compile_rule(entry, KNOWN)
    assert faults == []
    return rule["conditions"][0]


def faults(condition):
    return compile_rule({"rule": {"all": [condition]}}, KNOWN)[1]


def test_the_guides_criteria_are_conditions_that_all_hold():
    made = conditions({"criteria": {"total_orders": ">= 5", "last_purchase_days": "<= 90", "country": "US"}})
    assert made["type"] == "And"
    assert [(one["leftValue"]["name"], one["operator"]) for one in made["conditions"]] == [
        ("total_orders", {"type": "GreaterEqual", "not": False, "rightValue": 5}),
        ("days_since_last_purchase", {"type": "LessEqual", "not": False, "rightValue": 90}),
        ("country", {"type": "Equal", "not": False, "rightValue": "US"}),
    ]


def test_any_and_all_may_stand_inside_each_other():
    inner = {"all": [{"attribute": "age", "operator": ">", "value": 1}]}
    made = conditions({"rule": {"any": [inner, {"attribute": "country", "operator": "is null"}]}})
    assert made["type"] == "Or"
    assert made["conditions"][0]["type"] == "And"
    assert made["conditions"][1]["operator"] == {"type": "IsNull", "not": False}


def test_a_behavior_is_counted_or_added_up_over_the_rows_that_pass():
    made = conditions(
        {
            "rule": {
                "all": [
                    {
                        "behavior": "orders",
                        "measure": {"type": "Sum", "column": "amount"},
                        "operator": ">",
                        "value": 100,
                        "where": [
                            {"column": "channel", "operator": "in", "value": ["online", "store"]},
                            {
                                "column": "order_unix",
                                "operator": "TimeWithinPast",
                                "value": 30,
                                "unit": "day",
                            },
                        ],
                    }
                ]
            }
        }
    )["conditions"][0]
    assert made["leftValue"]["aggregation"] == {"type": "Sum", "column": "amount"}
    assert made["leftValue"]["source"] == {"name": "behavior_orders"}
    assert [one["operator"] for one in made["leftValue"]["filter"]["conditions"]] == [
        {"type": "In", "not": False, "rightValues": ["online", "store"]},
        {"type": "TimeWithinPast", "not": False, "value": 30, "unit": "day"},
    ]


@pytest.mark.parametrize(
    "condition, told",
    [
        (
            {"attribute": "contry", "operator": "=", "value": "US"},
            "attribute 'contry' is unknown; did you mean country",
        ),
        ({"attribute": "age", "operator": "~", "value": 1}, "operator '~' is unknown"),
        ({"attribute": "age", "operator": ">=", "value": "old"}, "'old' is no number"),
        ({"attribute": "age", "operator": ">="}, "needs a value"),
        ({"attribute": "age", "operator": "between"}, "needs min, max or both"),
        ({"attribute": "country", "operator": ">", "value": "US"}, "needs a number, this is text"),
        (
            {"behavior": "order", "operator": ">=", "value": 1},
            "behavior 'order' is unknown; did you mean orders",
        ),
        (
            {
                "behavior": "orders",
                "operator": ">=",
                "value": 1,
                "where": [{"column": "chanel", "operator": "=", "value": 1}],
            },
            "behavior 'orders' has no column 'chanel'; did you mean channel",
        ),
        (
            {
                "behavior": "orders",
                "operator": ">=",
                "value": 1,
                "where": [{"column": "order_unix", "operator": "TimeWithinPast", "value": 3, "unit": "days"}],
            },
            "unit 'days' is none of",
        ),
        ({"behavior": "orders", "measure": {"type": "Median"}, "operator": ">", "value": 1}, "measure"),
        ({"operator": ">", "value": 1}, "needs either `attribute:` or `behavior:`"),
    ],
)
def test_a_fault_says_what_is_wrong(condition, told):
    assert any(told in fault for fault in faults(condition)), faults(condition)


def test_a_rule_must_be_a_list_under_all_or_any():
    for group in ({}, {"all": []}, {"all": [], "any": []}, ["age > 3"], "age > 3", None):
        assert compile_rule({"rule": group}, KNOWN)[1]


def test_shipped_segments_have_every_type_twice_and_no_fault(monkeypatch):
    monkeypatch.chdir(ROOT)
    entries, found = templates.load_all()
    assert found == []
    for kind in templates.TYPES:
        assert sum(1 for entry in entries if entry.type == kind) >= 2, kind


def test_faults_of_all_files_are_told_together(tmp_path):
    (tmp_path / "segments_1.yml").write_text(
        "type: value\nsegments:\n"
        "  - {name: A, criteria: {age: 1}}\n"
        "  - {name: A, criteria: {age: 1}, schedule: hourly}\n"
        "  - {criteria: {age: 1}}\n"
        "  - {name: B}\n"
        "  - {name: C, sql_file: nosuch.sql}\n"
        "  - {name: 'D ${x}', criteria: {age: 1}, type: luck}\n"
    )
    (tmp_path / "segments_2.yml").write_text("segments: [")
    (tmp_path / "segments_3.yml").write_text("- a list")
    told = "\n".join(templates.load_all(str(tmp_path))[1])
    for part in (
        "segment 'A' is there twice",
        "'hourly' is none of",
        "name is missing",
        "needs exactly one of sql_file, rule, criteria",
        "there is no query segment/queries/nosuch.sql",
        "may not hold a template",
        "type 'luck' is none of",
        "segments_2.yml: no YAML",
        "segments_3.yml: there is no `segments:` list",
    ):
        assert part in told, part


def test_every_fault_of_a_parent_template_is_told():
    tables = {"golden_t.people": {"canonical_id": "string", "age": "long", "time": "long"}}
    template = {
        "name": "P",
        "master": {"table": "people", "key": "canonical_id"},
        "attributes": [
            {"table": "people", "columns": ["agee", "age", {"column": "age", "type": "colour"}]},
            {"table": "nosuch", "columns": ["x"]},
        ],
        "behaviors": [{"name": "B", "table": "people", "time": "at", "columns": ["age"]}, {"name": "B"}],
    }
    told = "\n".join(parents.faults(template, {"gld": "golden", "sub": "t"}, tables))
    for part in (
        "golden_t.people has no column 'agee'; did you mean age?",
        "there is no table golden_t.nosuch",
        "no column 'at'",
        "type 'colour' is none of",
        "attribute 'age' is there twice",
        "behavior 'B' is there twice",
    ):
        assert part in told, part


def test_operators_of_the_guide_all_have_signs():
    assert {"=", ">=", "<=", ">", "<", "!="} <= set(rules.SIGNS)
