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


@pytest.mark.parametrize(("expression", "name", "message"), SAID)
def test_a_fault_says_what_trino_says(empty_engine, expression, name, message):
    with pytest.raises(EngineError) as told:
        empty_engine.run(f"select {expression}", database="d", scheduled_time=0, strict=False)
    assert (told.value.name, str(told.value)) == (name, message)
