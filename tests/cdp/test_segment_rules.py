"""The rule language: compiled SQL takes in the same people as rules judged in plain Python."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tdlocal.account.segment_matrix import Column, Matrix
from tdlocal.account.segment_operators import OPERATORS
from tdlocal.account.segment_rules import RuleFault, RuleLacking, compile_rule, references
from tdlocal.account.segment_time import UNITS, Clock
from tdlocal.engine import open_engine
from tdlocal.engine.types import Engine
from tests.cdp.rule_model import Model

NOW = int(datetime(2026, 11, 18, 13, 45, 30, tzinfo=UTC).timestamp())  # a Wednesday
DATABASE = "cdp_audience_1"
WORDS = ["red", "Red", "a_b", "a%b", "50%", "it's", "", "ré", "back\\slash"]
ARRAYS = [None, [], ["red"], ["red", "blue"], ["Red", None, "red"]]
MATRIX = Matrix(
    DATABASE,
    {
        "word": Column("string", "varchar"),
        "level": Column("number", "bigint"),
        "money": Column("number", "double"),
        "seen": Column("timestamp", "bigint"),
        "tags": Column("string_array", "array(varchar)"),
        "scores": Column("number_array", "array(bigint)"),
    },
    {
        "behavior_orders": {
            "timestamp": Column("timestamp", "bigint"),
            "amount": Column("number", "double"),
            "item": Column("string", "varchar"),
        }
    },
)


def moments() -> list[int]:
    """Times around every edge that the units have."""
    model = Model([], [], NOW)
    edges = [model.edge(unit, steps) for unit in UNITS for steps in (-7, -2, -1, 0, 1, 2, 3)]
    return sorted({moment + one for moment in edges for one in (-1, 0, 1)} | {NOW})


def people() -> list[dict[str, Any]]:
    seen = [None, *moments()]
    return [
        {
            "cdp_customer_id": f"c{number:04d}",
            "word": [None, *WORDS][number % (len(WORDS) + 1)],
            "level": None if number % 7 == 0 else number % 5 - 1,
            "money": None if number % 11 == 0 else (number % 13) / 2 - 1,
            "seen": seen[number % len(seen)],
            "tags": ARRAYS[number % len(ARRAYS)],
            "scores": None if number % 4 == 0 else [number % 3, number % 5],
        }
        for number in range(240)
    ]


def orders() -> list[dict[str, Any]]:
    times = moments()
    return [
        {
            "cdp_customer_id": f"c{(number * 7) % 150:04d}",
            "timestamp": times[number * 31 % len(times)] + number,
            "amount": None if number % 9 == 0 else (number % 17) * 1.5,
            "item": [None, "hat", "shoe", "it's"][number % 4],
        }
        for number in range(420)
    ]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = open_engine(None)
    made.create_database(DATABASE)
    tags = pa.list_(pa.string())
    kinds = {"level": pa.int64(), "money": pa.float64(), "tags": tags, "scores": pa.list_(pa.int64())}
    kinds |= {"seen": pa.int64(), "timestamp": pa.int64(), "amount": pa.float64()}
    for table, rows in (("customers", people()), ("behavior_orders", orders())):
        schema = pa.schema(
            [(name, kinds.get(name, pa.string())) for name in rows[0]] + [("time", pa.int64())]
        )
        made.create_table(DATABASE, table)
        made.append(DATABASE, table, pa.Table.from_pylist([row | {"time": 0} for row in rows], schema))
    yield made
    made.close()


MODEL = Model(people(), orders(), NOW)


def compiled(engine: Engine, rule: Any, others: dict[str, Any]) -> set[str]:
    sql = compile_rule(rule, MATRIX, Clock(NOW), others.__getitem__, columns=["cdp_customer_id"])
    answer = engine.run(sql, database=DATABASE, scheduled_time=NOW)
    found = [row[0] for batch in answer.batches() for row in batch]
    answer.close()
    assert len(found) == len(set(found)), "a person is there twice"
    return set(found)


def agree(engine: Engine, rule: Any, others: dict[str, Any] | None = None) -> set[str]:
    found = compiled(engine, rule, others or {})
    assert found == MODEL.members(rule, others or {})
    return found


# ---- random rules

numbers = st.sampled_from([-1, 0, 1, 2, 3, 2.5])
words = st.sampled_from(WORDS)
negated = st.booleans()
unit = st.sampled_from(UNITS)
few = st.integers(0, 3)


def operator(kind: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), "not": negated, **fields})


is_null = operator("IsNull")
comparisons = [
    operator(kind, rightValue=numbers) for kind in ("Greater", "GreaterEqual", "Less", "LessEqual")
]
equals = [operator(kind, rightValue=numbers) for kind in ("Equal", "NotEqual")]
number_operator = st.one_of(
    is_null,
    *comparisons,
    *equals,
    operator("Between", minValue=numbers, maxValue=numbers),
    operator("Between", minValue=numbers),
    operator("In", rightValues=st.lists(numbers, max_size=3)),
    operator("NotIn", rightValues=st.lists(numbers, min_size=1, max_size=3)),
)
text_operator = st.one_of(
    is_null,
    operator("Equal", rightValue=words),
    operator("NotEqual", rightValue=words),
    operator("In", rightValues=st.lists(words, max_size=3)),
    operator("Regexp", rightValue=st.sampled_from(["^r", "e.$", "[0-9]+", "a[_%]b", "it's"])),
    *(
        operator(kind, rightValues=st.lists(words, max_size=2))
        for kind in ("Contain", "StartWith", "EndWith")
    ),
)
last = st.fixed_dictionaries({"last": few, "unit": unit})
date = st.fixed_dictionaries({"timestamp": st.sampled_from(["2026-11-18", "2026-11-01", "2026-12-31"])})
time_operator = st.one_of(
    is_null,
    operator("TimeWithinPast", value=st.sampled_from(["1", "2", 7]), unit=unit),
    operator("TimeWithinNext", value=st.sampled_from(["1", 2]), unit=unit),
    operator("TimeToday"),
    *(
        operator(kind, **{"from": st.fixed_dictionaries({"unit": unit})})
        for kind in ("TimeThis", "TimeNext", "TimeRange")
    ),
    unit.flatmap(
        lambda one: operator(
            "TimeRange",
            **{
                "from": st.fixed_dictionaries({"last": few, "unit": st.just(one)}),
                "duration": st.fixed_dictionaries({one: st.integers(1, 3)}),
                "reverse": st.booleans(),
            },
        )
    ),
    unit.flatmap(
        lambda one: operator(
            "TimeInBetweenNext",
            **{"from": st.just({"next": 1, "unit": one}), "to": st.just({"next": 3, "unit": one})},
        )
    ),
    *(
        operator(kind, rightValue=st.one_of(last, date))
        for kind in ("Equal", "Greater", "GreaterEqual", "Less", "LessEqual")
    ),
    unit.flatmap(
        lambda one: operator(
            "Between",
            minValue=st.fixed_dictionaries({"last": few, "unit": st.just(one)}),
            maxValue=st.fixed_dictionaries({"last": few, "unit": st.just(one)}),
        )
    ),
)
matching = st.sampled_from([None, {}, "any", "all", {"atLeast": 2}, {"atMost": 1}, {"exactly": 1}])
array_matching = st.sampled_from(["any", "all", {"atLeast": 2}, {"atMost": 1}, {"exactly": 1}])


def attribute(
    name: str, test: st.SearchStrategy[Any], many: st.SearchStrategy[Any] | None = None
) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "type": st.just("Value"),
            "leftValue": st.just({"name": name}),
            "operator": test,
            "exclude": st.booleans(),
            "arrayMatching": st.just({}) if many is None else many,
        }
    )


def column(name: str, test: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just("Column"), "column": st.just(name), "operator": test})


a_column = st.one_of(
    column("timestamp", time_operator), column("amount", number_operator), column("item", text_operator)
)
row_filter = st.one_of(
    st.none(),
    st.just({}),
    st.fixed_dictionaries(
        {"type": st.sampled_from(["And", "Or"]), "conditions": st.lists(a_column, min_size=1, max_size=2)}
    ),
)
grouping = st.sampled_from([None, [], ["item"]])
window = st.sampled_from([None, None, {"type": "TimeSliding", "duration": {"day": 1, "hour": 12}}])


def behavior(
    aggregation: st.SearchStrategy[Any],
    test: st.SearchStrategy[Any],
    windows: st.SearchStrategy[Any] = window,
) -> st.SearchStrategy[dict[str, Any]]:
    left = {"aggregation": aggregation, "source": st.just({"name": "behavior_orders"}), "filter": row_filter}
    return st.fixed_dictionaries(
        {
            "type": st.just("Value"),
            "leftValue": st.fixed_dictionaries(left | {"window": windows}),
            "operator": test,
            "exclude": st.booleans(),
        }
    )


def aggregation(kind: str, **fields: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({"type": st.just(kind), "groupingColumns": grouping, **fields})


amount = {"column": st.just("amount")}
behaviors = st.one_of(
    behavior(aggregation("Count"), number_operator),
    *(behavior(aggregation(kind, **amount), number_operator) for kind in ("Sum", "Average", "Min", "Max")),
    behavior(
        aggregation("CountDistinct", columns=st.sampled_from([["item"], ["item", "amount"]])),
        number_operator,
        st.none(),
    ),
    *(
        behavior(
            aggregation(kind, column=st.just("item"), orderColumn=st.just("timestamp")),
            text_operator,
            st.none(),
        )
        for kind in ("First", "Last")
    ),
)
conditions = st.one_of(
    attribute("word", text_operator),
    attribute("level", number_operator),
    attribute("money", number_operator),
    attribute("seen", time_operator),
    attribute("tags", text_operator, array_matching),
    attribute("scores", number_operator, array_matching),
    behaviors,
    st.fixed_dictionaries({"type": st.just("Reference"), "id": st.just("9"), "exclude": st.booleans()}),
)


def sets(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    plain = st.fixed_dictionaries(
        {"type": st.sampled_from(["And", "Or"]), "conditions": st.lists(inner, max_size=3)}
    )
    expressions = st.sampled_from(["1 and (2 or 3)", "1 or 2 and 3", "(3 and 1) or 2"])
    composite = st.fixed_dictionaries(
        {
            "type": st.just("Composite"),
            "conditions": st.lists(inner, min_size=3, max_size=3),
            "expr": expressions,
        }
    )
    return st.one_of(plain, composite)


QUICK = settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@QUICK
@given(rule=sets(conditions), other=sets(attribute("level", number_operator)))
def test_any_rule_takes_in_the_people_of_the_model(engine: Engine, rule: Any, other: Any) -> None:
    agree(engine, rule, {"9": other})


@QUICK
@given(rule=sets(sets(conditions)))
def test_nested_rules_agree(engine: Engine, rule: Any) -> None:
    agree(engine, rule, {"9": {}})


@QUICK
@given(condition=behaviors)
def test_behaviors_agree(engine: Engine, condition: Any) -> None:
    agree(engine, {"type": "And", "conditions": [condition]})


@QUICK
@given(condition=attribute("seen", time_operator))
def test_time_operators_agree_at_every_edge(engine: Engine, condition: Any) -> None:
    agree(engine, {"type": "And", "conditions": [condition]})


# ---- single facts


def one(left: dict[str, Any], test: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "And", "conditions": [{"type": "Value", "leftValue": left, "operator": test} | more]}


def faults(rule: Any) -> list[str]:
    with pytest.raises(RuleFault) as told:
        compile_rule(rule, MATRIX, Clock(NOW), {}.__getitem__)
    return told.value.faults


def test_an_empty_rule_takes_everybody(engine: Engine) -> None:
    assert len(compiled(engine, {}, {})) == len(compiled(engine, None, {})) == 240


def test_not_equal_takes_in_those_without_a_value(engine: Engine) -> None:
    found = agree(engine, one({"name": "word"}, {"type": "Equal", "rightValue": "red", "not": True}))
    assert "c0000" in found  # has no word


def test_count_of_nought_takes_in_people_without_rows(engine: Engine) -> None:
    left = {"source": {"name": "behavior_orders"}, "aggregation": {"type": "Count"}}
    assert "c0239" in agree(engine, one(left, {"type": "Equal", "rightValue": 0}))


def test_hundred_percent_sign_is_a_letter(engine: Engine) -> None:
    found = agree(engine, one({"name": "word"}, {"type": "Contain", "rightValues": ["%"]}))
    assert 0 < len(found) < 100


def test_top_customers_by_an_aggregation(engine: Engine) -> None:
    left = {"source": {"name": "behavior_orders"}, "aggregation": {"type": "Sum", "column": "amount"}}
    limit = {"type": "Count", "number": 5, "orderColumns": [{"type": "Aggregation", "order": "descending"}]}
    found = compiled(engine, one(left, {"type": "Greater", "rightValue": 0}, limit=limit), {})
    totals = {person: sum(row["amount"] or 0 for row in rows) for person, rows in MODEL.orders.items()}
    assert found == set(sorted(totals, key=lambda person: (-totals[person], person))[:5])


def test_a_tenth_of_everybody_by_a_column(engine: Engine) -> None:
    order = {"type": "Column", "column": "money", "order": "descending"}
    rule = {
        "type": "And",
        "conditions": [],
        "limit": {"type": "Percent", "number": 10, "orderColumns": [order]},
    }
    assert len(compiled(engine, rule, {})) == 24


def test_every_operator_is_in_the_random_rules() -> None:
    tested = {"Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual", "Between", "In", "NotIn"}
    tested |= {"Contain", "StartWith", "EndWith", "Regexp", "IsNull", "TimeWithinPast", "TimeWithinNext"}
    tested |= {"TimeRange", "TimeToday", "TimeThis", "TimeNext", "TimeInBetweenNext"}
    assert tested == set(OPERATORS)


def test_all_faults_are_told_at_once_with_their_place() -> None:
    rule = {
        "type": "And",
        "conditions": [
            {"type": "Value", "leftValue": {"name": "wrd"}, "operator": {"type": "Equal", "rightValue": 1}},
            {"type": "Value", "leftValue": {"name": "level"}, "operator": {"type": "Like", "rightValue": 1}},
            {
                "type": "Value",
                "leftValue": {"name": "level"},
                "operator": {"type": "Equal", "rightValue": "x"},
            },
            {"type": "Reference", "id": "77"},
            {"type": "Wonder"},
        ],
    }
    told = faults(rule)
    assert len(told) == 5
    assert told[0] == "rule.conditions[0]: attribute 'wrd' does not exist; did you mean 'word'?"
    assert all(fault.startswith(f"rule.conditions[{number}]") for number, fault in enumerate(told))


@pytest.mark.parametrize(
    ("condition", "word"),
    [
        ({"name": "word"}, "needs a timestamp column"),
        ({"aggregation": {"type": "Count"}, "source": {"name": "behavior_x"}}, "does not exist"),
        ({"aggregation": {"type": "Most"}, "source": {"name": "behavior_orders"}}, "must be one of"),
        ({"aggregation": {"type": "Sum"}, "source": {"name": "behavior_orders"}}, "is not a column"),
        ({"aggregation": {"type": "CountDistinct"}, "source": {"name": "behavior_orders"}}, "needs columns"),
    ],
)
def test_a_bad_left_side_is_named(condition: Any, word: str) -> None:
    told = faults(one(condition, {"type": "TimeWithinPast", "value": 3, "unit": "day"}))
    assert word in told[0]


@pytest.mark.parametrize(
    ("test", "word"),
    [
        ({"type": "TimeWithinPast", "value": 3, "unit": "days"}, "singular"),
        ({"type": "TimeWithinPast", "value": "x", "unit": "day"}, "whole number"),
        ({"type": "TimeWithinPast", "value": 999999, "unit": "year"}, "outside the calendar"),
        ({"type": "TimeRange"}, 'needs "from"'),
        ({"type": "Between"}, "minValue"),
        ({"type": "Equal"}, "rightValue"),
        ({"type": "Equal", "rightValue": {"timestamp": "soon"}}, "no date"),
        ("TimeToday", "missing"),
    ],
)
def test_a_bad_operator_is_named(test: Any, word: str) -> None:
    assert word in faults(one({"name": "seen"}, test))[0]


def test_a_segment_may_not_refer_to_itself() -> None:
    rules = {"1": {"type": "And", "conditions": [{"type": "Reference", "id": "2"}]}}
    rules["2"] = {"type": "And", "conditions": [{"type": "Reference", "id": "1"}]}
    with pytest.raises(RuleFault, match="refers to itself"):
        compile_rule(rules["1"], MATRIX, Clock(NOW), rules.__getitem__)
    assert references(rules["1"]) == ["2"]


def test_a_rule_too_deep_is_refused() -> None:
    rule: dict[str, Any] = {"type": "And", "conditions": []}
    for _ in range(50):
        rule = {"type": "And", "conditions": [rule]}
    assert "too large" in faults(rule)[0]


@pytest.mark.parametrize("expr", ["1 and", "1 or 2 or 9", "(1 and 2", "1 xor 2", "", None, "1 and 2)", "1"])
def test_a_bad_expression_is_named(expr: Any) -> None:
    condition = {"type": "Value", "leftValue": {"name": "level"}, "operator": {"type": "IsNull"}}
    rule = {"type": "Composite", "conditions": [condition, condition], "expr": expr}
    assert faults(rule)[0].startswith("rule.expr")


@pytest.mark.parametrize("kind", ["PredictiveScoreReference", "MlAttributeReference", "FunnelStageReference"])
def test_what_is_lacking_names_itself(kind: str) -> None:
    with pytest.raises(RuleLacking, match=kind):
        compile_rule({"type": "And", "conditions": [{"type": kind}]}, MATRIX, Clock(NOW), {}.__getitem__)


def test_days_follow_the_zone() -> None:
    rule = one({"name": "seen"}, {"type": "TimeToday"})
    tokyo = compile_rule(rule, MATRIX, Clock(NOW, "Asia/Tokyo"), {}.__getitem__)
    midnight = int(datetime(2026, 11, 17, 15, tzinfo=UTC).timestamp())
    assert str(midnight) in tokyo


# ---- columns that are stored otherwise than they are meant


@pytest.fixture(scope="module")
def odd(engine: Engine) -> Engine:
    """A database whose columns hold numbers, dates and flags as text, and text as numbers."""
    engine.create_database("cdp_audience_2")
    engine.run(
        "create table customers as select * from (values"
        " ('p1', '12', '2026-11-17', 'true', 7), ('p2', '3.5', '2026-11-18', 'false', 8),"
        " ('p3', 'many', 'soon', null, 9)) as t (cdp_customer_id, number, day, flag, code)",
        database="cdp_audience_2",
        scheduled_time=NOW,
    ).close()
    return engine


ODD = Matrix(
    "cdp_audience_2",
    {
        "number": Column("number", "varchar"),
        "day": Column("date", "varchar"),
        "flag": Column("boolean", "varchar"),
        "code": Column("string", "bigint"),
    },
    {},
)


@pytest.mark.parametrize(
    ("name", "test", "people"),
    [
        ("number", {"type": "Greater", "rightValue": 3}, "p1 p2"),
        ("number", {"type": "In", "rightValues": [12, 3.5]}, "p1 p2"),
        ("day", {"type": "TimeWithinPast", "value": 1, "unit": "day"}, "p1"),
        ("day", {"type": "TimeToday"}, "p2"),
        ("day", {"type": "Equal", "rightValue": "2026-11-17"}, "p1"),
        ("day", {"type": "GreaterEqual", "rightValue": {"timestamp": "2026-11-18"}}, "p2"),
        ("flag", {"type": "Equal", "rightValue": True}, "p1"),
        ("flag", {"type": "Equal", "rightValue": True, "not": True}, "p2 p3"),
        ("flag", {"type": "In", "rightValues": ["true", "false"]}, "p1 p2"),
        ("code", {"type": "Equal", "rightValue": "8"}, "p2"),
        ("code", {"type": "StartWith", "rightValues": ["9"]}, "p3"),
    ],
)
def test_stored_otherwise_than_meant(odd: Engine, name: str, test: Any, people: str) -> None:
    sql = compile_rule(
        one({"name": name}, test), ODD, Clock(NOW), {}.__getitem__, columns=["cdp_customer_id"]
    )
    answer = odd.run(sql, database="cdp_audience_2", scheduled_time=NOW)
    assert sorted(row[0] for batch in answer.batches() for row in batch) == people.split()
