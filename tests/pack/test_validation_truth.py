"""Findings held against a list of the cells that were spoiled on purpose."""

import pytest

from benchmarks.validation import damaged_shop, scores

KINDS = {
    "conversion", "format date", "format email", "format phone", "format url", "line without order",
    "missing", "order without lines", "range", "repeated key", "total", "values",
}  # fmt: skip


@pytest.mark.slow
def test_every_spoiled_cell_is_found_and_no_other(tmp_path):
    truth = damaged_shop(tmp_path / "state", people=200, share=0.05, seed=11)
    measured = {score.kind: score for score in scores(tmp_path / "state", truth)}
    assert set(measured) == KINDS
    assert all(score.spoiled for score in measured.values())
    assert {kind: (s.recall, s.precision) for kind, s in measured.items() if not s.on_target} == {}
    assert {kind for kind, score in measured.items() if score.recall < 1.0 or score.precision < 0.99} == set()
