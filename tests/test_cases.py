"""Every tests/cases/**/*.yml states what one SQL file must answer for given rows.

A suite has `sql` (the file), `params` (over those of tests/support.py), optionally `tables` (types of
columns, table by table, so that rows may leave columns out), and `cases`: `name`, `given` rows by
table, `expect` rows. An expected row names the columns it cares about; `ordered: true` compares the
order of rows too, otherwise rows are compared as a set.
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


def shaped(rows, columns):
    return [tuple((column, plain(row.get(column, "(no such column)"))) for column in columns) for row in rows]


@pytest.mark.parametrize("suite, case", CASES)
def test_answers_as_the_case_says(suite, case, engine):
    rows = run_sql(engine, ROOT / suite["sql"], suite.get("params", {}), case["given"], suite.get("tables"))
    columns = list(dict.fromkeys(column for row in case["expect"] for column in row))
    got, wanted = shaped(rows, columns), shaped(case["expect"], columns)
    if not case.get("ordered"):
        got, wanted = sorted(got, key=repr), sorted(wanted, key=repr)
    assert got == wanted


def test_every_case_file_names_an_sql_file():
    for path in (ROOT / "tests/cases").rglob("*.yml"):
        assert Path(ROOT / yaml.safe_load(path.read_text(encoding="utf-8"))["sql"]).is_file(), path
