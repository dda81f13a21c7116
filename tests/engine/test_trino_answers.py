"""What a real Trino answered to 320 statements, asked again here: equal, or refused by name, never
otherwise."""

import datetime
import json
import math
import re
import zoneinfo
from decimal import Decimal

import pytest

from tdlocal.engine.types import EngineError
from tests.support import SHARED

ANSWERS = SHARED / "reference" / "trino-answers.json"
LEAST_EQUAL = 300


def expected_rows(text):
    """The rows that a `repr` shows; `(x: 1, y: 'a')` is how the driver shows a named row."""
    named = re.sub(r"\((\w+): ([^,()]+)(?:, (\w+): ([^,()]+))?\)", r"(\2, \4)", text)
    names = {"Decimal": Decimal, "datetime": datetime, "zoneinfo": zoneinfo, "inf": math.inf, "nan": math.nan}
    return eval(named, names)


def same(one, two):
    if isinstance(one, float) and isinstance(two, float):
        return one == two or (math.isnan(one) and math.isnan(two))
    if type(one) is not type(two):
        return False
    if isinstance(one, (list, tuple)):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    if isinstance(one, Decimal):
        return str(one) == str(two)
    if isinstance(one, datetime.datetime):
        return one == two and str(one) == str(two)
    return one == two


def ask(engine, sql):
    """("rows", rows) or ("error", message)."""
    try:
        answer = engine.run(sql, database="d", scheduled_time=1_735_689_600)
        return "rows", [list(row) for batch in answer.batches() for row in batch]
    except EngineError as error:
        assert error.name != "GENERIC_INTERNAL_ERROR", f"{sql}: {error.message}"
        return "error", error.message


def compare(engine, case):
    """equal, refused or different."""
    kind, found = ask(engine, case["sql"])
    if "error" in case:
        return "equal" if kind == "error" else "different"
    if kind == "error":
        return "refused"
    return "equal" if same(found, expected_rows(case["rows"])) else "different"


@pytest.mark.skipif(not ANSWERS.exists(), reason="needs the shared reference answers")
def test_answers_as_trino_does(empty_engine, capsys):
    cases = json.loads(ANSWERS.read_text())
    verdicts = {case["sql"]: compare(empty_engine, case) for case in cases}
    count = {verdict: list(verdicts.values()).count(verdict) for verdict in ("equal", "refused", "different")}
    with capsys.disabled():
        print(
            f"\nTrino's answers: {count['equal']} of {len(cases)} equal, {count['refused']} refused by name"
        )
    assert [sql for sql, verdict in verdicts.items() if verdict == "different"] == []
    assert count["equal"] >= LEAST_EQUAL
