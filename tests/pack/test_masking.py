"""What a report shows of a value is never enough to know a person."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from common.python.masking import LONGEST_PLAIN, PLACEHOLDERS, masked, masked_rows

VALUES = st.text(max_size=80) | st.emails() | st.from_regex(r"\+?[0-9 ()-]{7,18}", fullmatch=True)


@given(VALUES)
def test_no_long_word_and_no_long_number_stays_readable(value):
    shown = masked(value)
    if shown.lower() in PLACEHOLDERS:
        return
    for word in re.findall(r"[^\W_]+", shown):
        assert len(word) <= LONGEST_PLAIN
    if sum(character.isdigit() for character in value) >= 7:
        assert sum(character.isdigit() for character in shown) <= 4
    assert len(shown) <= 41


@given(st.lists(st.none() | VALUES, min_size=3, max_size=3))
def test_sample_rows_hold_every_column_masked(values):
    row = json.loads(masked_rows(["a", "b", "c"], [values]))[0]
    assert list(row) == ["a", "b", "c"]
    assert [shown is None for shown in row.values()] == [value is None for value in values]
    assert all(shown == masked(value) for shown, value in zip(row.values(), values, strict=True) if value)
