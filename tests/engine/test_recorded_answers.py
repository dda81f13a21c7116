"""Statements that a real Trino (476, time zone UTC) answered: the same types and values, or the same error.

Each line of `trino_answers.jsonl` is `[sql, error name]` or `[sql, types, rows]`, rows as the protocol writes
them. The Trino of the recording had no tables.
"""

import json
import math
import re
from pathlib import Path

import orjson
import pytest

from tdlocal.account.values import trino_rows
from tdlocal.engine.types import EngineError

CASES = [
    json.loads(line) for line in Path(__file__).with_name("trino_answers.jsonl").read_text().splitlines()
]
PARTS = 8


def plain(type_text):
    """A type without the blanks and quotes in which Trino's protocol and ours differ."""
    return re.sub(r"\s*,\s*", ",", type_text.replace('"', "").lower())


def same(one, two):
    """Doubles to their last digits; everything else exactly."""
    if type(one) is float and type(two) is float:
        return math.isclose(one, two, rel_tol=1e-12)
    if isinstance(one, list) and isinstance(two, list):
        return len(one) == len(two) and all(map(same, one, two))
    if isinstance(one, dict) and isinstance(two, dict):
        return one.keys() == two.keys() and all(same(one[key], two[key]) for key in one)
    return type(one) is type(two) and one == two


def asked(engine, sql):
    try:
        answer = engine.run(sql, database="d", scheduled_time=1_735_689_600, strict=False)
    except EngineError as error:
        return [error.name]
    rows = [row for batch in answer.batches() for row in trino_rows(batch, answer.columns)]
    return [[column.type for column in answer.columns], orjson.loads(orjson.dumps(rows))]


def fits(sql, wanted, found):
    if len(wanted) == 1 or len(found) == 1:
        return wanted == found
    (types, rows), (our_types, our_rows) = wanted, found
    if "order by" not in sql.lower():  # then the order is open
        rows, our_rows = (sorted(one, key=json.dumps) for one in (rows, our_rows))
    return [*map(plain, types)] == [*map(plain, our_types)] and same(rows, our_rows)


@pytest.mark.parametrize("part", range(PARTS))
def test_recorded_answers(empty_engine, part):
    wrong = []
    for sql, *wanted in CASES[part::PARTS]:
        found = asked(empty_engine, sql)
        if not fits(sql, wanted, found):
            wrong.append(f"{sql}\n  Trino {wanted}\n  here  {found}")
    assert not wrong, "\n".join(wrong)
