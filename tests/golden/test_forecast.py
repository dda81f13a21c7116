"""The forecast against what people then bought: CDNOW, one purchase a row, first bought in early 1997."""

import calendar
import gzip
import statistics
import time

import pytest

from tests.support import ROOT, SHARED, needs_shared, put_rows, run_sql

DAY = 86_400
ATTRIBUTES = ROOT / "golden/queries/attributes"


def purchases():
    """Return (person, unix, amount), one a person and day."""
    found = {}
    with gzip.open(SHARED / "data/cdnow/CDNOW_sample.txt.gz", "rt") as lines:
        for line in lines:
            _, person, day, _, amount = line.split()
            unix = calendar.timegm(time.strptime(day, "%Y%m%d"))
            found[person, unix] = found.get((person, unix), 0.0) + float(amount)
    return [(person, unix, amount) for (person, unix), amount in sorted(found.items())]


def orders(bought):
    return [
        {
            "canonical_id": person,
            "order_no": f"{person}-{unix}",
            "channel": "online",
            "season": None,
            "promo_code": None,
            "is_purchase": "true",
            "is_return": "false",
            "amount": amount,
            "revenue": amount,
            "order_datetime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(unix)),
            "order_unix": unix,
        }
        for person, unix, amount in bought
    ]


@needs_shared
@pytest.mark.parametrize("day, least", [("1997-10-01", 0.55), ("1998-02-01", 0.55)])
def test_the_next_ninety_days_are_foretold(engine, day, least):
    session = calendar.timegm(time.strptime(day, "%Y-%m-%d"))
    bought = purchases()
    params = {"gld": "golden", "sub": "t", "session_unixtime": session}
    given = {"golden_t.unified_transactions__next": orders([one for one in bought if one[1] < session])}
    attributes = run_sql(engine, ATTRIBUTES / "transactions.sql", params, given)
    put_rows(engine, "golden_t.transactions_attributes__next", attributes)
    forecast = run_sql(engine, ATTRIBUTES / "propensity.sql", params, {"cdnow.none": [{"x": 1}]})
    actual = {row["canonical_id"]: 0 for row in forecast}
    for person, unix, _ in bought:
        if session <= unix < session + 90 * DAY:
            actual[person] += 1
    expected = [row["predicted_orders_90_days"] for row in forecast]
    came = [actual[row["canonical_id"]] for row in forecast]
    assert sum(expected) == pytest.approx(sum(came), rel=0.1)
    assert statistics.correlation(expected, came) >= least
    # of those called likely most come, of the others few
    likely = [bool(actual[row["canonical_id"]]) for row in forecast if row["propensity_score"] >= 0.5]
    others = [bool(actual[row["canonical_id"]]) for row in forecast if row["propensity_score"] < 0.2]
    assert statistics.mean(likely) > 0.45
    assert statistics.mean(others) < 0.12
