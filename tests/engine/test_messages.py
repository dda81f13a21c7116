"""What runtime faults say, as a real Trino (476) said it."""

import pytest

from tdlocal.engine.types import EngineError

RANGE, CAST, ARGUMENT = "NUMERIC_VALUE_OUT_OF_RANGE", "INVALID_CAST_ARGUMENT", "INVALID_FUNCTION_ARGUMENT"
SAID = [
    ("2147483647 + 1", RANGE, "integer addition overflow: 2147483647 + 1"),
    ("smallint '32767' + smallint '1'", RANGE, "smallint addition overflow: 32767 + 1"),
    ("tinyint '100' * tinyint '2'", RANGE, "tinyint multiplication overflow: 100 * 2"),
    ("-9223372036854775807 - 2", RANGE, "bigint subtraction overflow: -9223372036854775807 - 2"),
    ("abs(integer '-2147483648')", RANGE, "Value -2147483648 is out of range for abs(integer)"),
    ("abs(-9223372036854775808)", RANGE, "Value -9223372036854775808 is out of range for abs(bigint)"),
    ("cast(300 as tinyint)", RANGE, "Out of range for tinyint: 300"),
    ("cast(3000000000 as integer)", RANGE, "Out of range for integer: 3000000000"),
    ("cast(1e10 as integer)", RANGE, "Out of range for integer: 1.0E10"),
    ("cast('12345' as tinyint)", CAST, "Cannot cast '12345' to TINYINT"),
    ("cast('99999999999' as integer)", CAST, "Cannot cast '99999999999' to INT"),
    ("cast('q' as real)", CAST, "Cannot cast 'q' to REAL"),
    ("cast(decimal '99999999999.5' as integer)", CAST, "Cannot cast '100000000000' to INTEGER"),
    ("cast('2024-02-30' as date)", CAST, "Value cannot be cast to date: 2024-02-30"),
    ("cast('x' as date)", CAST, "Value cannot be cast to date: x"),
    ("cast('2024-02-30' as timestamp(3))", CAST, "Value cannot be cast to timestamp: 2024-02-30"),
    ("cast('x' as timestamp)", CAST, "Value cannot be cast to timestamp: x"),
    ("cast('x' as time)", CAST, "Value cannot be cast to time: x"),
    ("cast('x' as decimal(4,1))", CAST, "Cannot cast VARCHAR 'x' to DECIMAL(4, 1). Value is not a number."),
    ("cast('q' as uuid)", CAST, "Cannot cast value to UUID: q"),
    ("decimal '99999999999999999999999999999999999999' + decimal '1'", RANGE, "Decimal overflow"),
    ("decimal '99999999999999999999999999999999999999' * 10", RANGE, "Decimal overflow"),
    ("cast(12345 as decimal(4,1))", CAST, "Cannot cast INTEGER '12345' to DECIMAL(4, 1)"),
    ("cast(12345.678 as decimal(4,1))", CAST, "Cannot cast DECIMAL(8, 3) '12345.678' to DECIMAL(4, 1)"),
    ("cast(1e20 as bigint)", CAST, "Unable to cast 1.0E20 to bigint"),
    ("cast(nan() as bigint)", CAST, "Unable to cast NaN to bigint"),
    ("cast(nan() as integer)", CAST, "Cannot cast double NaN to integer"),
    ("cast(real 'NaN' as smallint)", CAST, "Cannot cast real NaN to smallint"),
    ("width_bucket(1, 2, 3, 0)", ARGUMENT, "bucketCount must be greater than 0"),
    ("width_bucket(1, 2, 2, 1)", ARGUMENT, "bounds cannot equal each other"),
    ("chr(-1)", ARGUMENT, "Not a valid Unicode code point: -1"),
    ("ntile(0) over (order by 1)", ARGUMENT, "Buckets must be greater than 0"),
]


ANALYSED = [
    ("SELECT lower(x), count(*) FROM (VALUES 'a') t(x) GROUP BY x || 'b'",
     "line 1:8: 'lower(x)' must be an aggregate expression or appear in GROUP BY clause"),
    ("SELECT CASE WHEN x = 1 THEN 'it''s' ELSE y END, sum(1) FROM (VALUES (1, 'a')) t(x, y) GROUP BY x",
     "line 1:8: '(CASE WHEN (x = 1) THEN 'it''s' ELSE y END)' must be an aggregate expression or appear in"
     " GROUP BY clause"),
    ("SELECT x + 1.50 + 2e0 + 3, sum(1) FROM (VALUES (1, 'a')) t(x, y) GROUP BY y",
     "line 1:23: '(((x + DECIMAL '1.50') + 2E0) + 3)' must be an aggregate expression or appear in GROUP BY"
     " clause"),
    ("SELECT *, sum(1) FROM (VALUES (1, 'a')) t(x, y) GROUP BY y", "Column 't.x' not in GROUP BY clause"),
    ("SELECT y, sum(1) FROM (VALUES (1, 'a')) t(x, y) GROUP BY y HAVING x > 1",
     "line 1:69: '(x > 1)' must be an aggregate expression or appear in GROUP BY clause"),
    ("SELECT x FROM (VALUES 1) t(x) WHERE sum(x) FILTER (WHERE x > 1) > 1",
     "line 1:65: WHERE clause cannot contain aggregations, window functions or grouping operations:"
     " [sum(x) FILTER (WHERE (x > 1))]"),
    ("SELECT DISTINCT x FROM (VALUES (1, 2)) t(x, y) ORDER BY y",
     "line 1:1: For SELECT DISTINCT, ORDER BY expressions must appear in select list"),
    ("SELECT coalesce(1, 'a')",
     "line 1:20: All COALESCE operands must be the same type or coercible to a common type. Cannot find"
     " common type between integer and varchar(1), all types (without duplicates): [integer, varchar(1)]"),
    ("SELECT lower(1)",
     "line 1:8: Unexpected parameters (integer) for function lower. Expected: lower(char(x)),"
     " lower(varchar(x))"),
    ("SELECT sum('1')",
     "line 1:8: Unexpected parameters (varchar(1)) for function sum. Expected: sum(bigint),"
     " sum(decimal(p,s)), sum(double), sum(interval day to second), sum(interval year to month), sum(real)"),
    ("SELECT DATE '2024-01-01' > '2023-01-01'",
     "line 1:26: Cannot apply operator: date < varchar(10)"),
    ("SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t (x)",
     "line 1:15: Column alias list has 1 entries but 't' has 2 columns available"),
    ("SELECT 1 IN (SELECT 'a')",
     "line 1:10: Value expression and result of subquery must be of the same type: row(integer) vs"
     " row(varchar(1))"),
    ("SELECT date_trunc('hour', DATE '2024-02-29')", "'hour' is not a valid DATE field"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message"), ANALYSED)
def test_what_cannot_be_analysed_is_told_as_trino_tells_it(empty_engine, sql, message):
    with pytest.raises(EngineError) as told:
        empty_engine.run(sql, database="d", scheduled_time=0, strict=False)
    assert str(told.value) == message


@pytest.mark.parametrize(("expression", "name", "message"), SAID)
def test_a_fault_says_what_trino_says(empty_engine, expression, name, message):
    with pytest.raises(EngineError) as told:
        empty_engine.run(f"select {expression}", database="d", scheduled_time=0, strict=False)
    assert (told.value.name, str(told.value)) == (name, message)
