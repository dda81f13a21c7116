"""Every tests/cases/**/*.yml states what one SQL file must answer for given rows.

A suite has `sql` (the file), `params` (over those of tests/support.py), optionally `tables` (types of
columns, table by table, so that rows may leave columns out), and `cases`: `name`, `given` rows by
table, `expect` rows. An expected row names the columns it cares about; every row of the answer
must be expected once. `ordered: true` compares the order of rows too.
"""

import math
from pathlib import Path

import pytest
import yaml

from tests.support import ROOT, run_sql

CASES = [
    pytest.param(suite, case, id=f"{path.relative_to(ROOT / 'tests/cases')}: {case['name']}")
    for path in sorted((ROOT / "tests/cases").rglob("*.yml"))
    for suite in [yaml.safe_load(path.read_text(encoding="utf-8"))]
    for case in suite["cases"]
]


def plain(value):
    """Return *value* so that equal rows compare equal: rounded floats, hashable lists."""
    if isinstance(value, float):
        return round(value, 9) if math.isfinite(value) else repr(value)
    if isinstance(value, list | tuple):
        return tuple(plain(item) for item in value)
    return value


def agrees(row, wanted):
    """Tell whether *row* holds every column that *wanted* names, with its value."""
    return all(column in row and plain(row[column]) == plain(value) for column, value in wanted.items())


@pytest.mark.parametrize("suite, case", CASES)
def test_answers_as_the_case_says(suite, case, engine):
    rows = run_sql(engine, ROOT / suite["sql"], suite.get("params", {}), case["given"], suite.get("tables"))
    left = list(rows)
    for wanted in case["expect"]:
        candidates = left[:1] if case.get("ordered") else left
        found = next((row for row in candidates if agrees(row, wanted)), None)
        assert found is not None, f"no row is {wanted}; left are {left}"
        left.remove(found)
    assert not left, f"rows that nobody expects: {left}"


def test_every_case_file_names_an_sql_file():
    for path in (ROOT / "tests/cases").rglob("*.yml"):
        assert Path(ROOT / yaml.safe_load(path.read_text(encoding="utf-8"))["sql"]).is_file(), path
