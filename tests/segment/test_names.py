"""Shops of one account do not share what it finds by name."""

import pytest

from segment.python import validate
from segment.python.templates import Entry, entries_of

DEFAULTS = {"sub": "retail"}


@pytest.mark.parametrize("sub, number", [("retail", "1"), ("trial", "2")])
def test_segments_of_a_trial_go_to_its_own_parent_segment(sub, number):
    (entry,) = entries_of("segments_x.yml", {"segments": [{"name": "A"}]})
    assert isinstance(entry, Entry)
    faults = []
    known = {"1": "Retail Customers", "2": "Retail Customers (trial)"}
    assert validate.target(entry, known, faults, sub, DEFAULTS) == number and faults == []
