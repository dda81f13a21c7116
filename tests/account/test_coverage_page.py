"""docs/coverage.md says what the code does."""

from __future__ import annotations

from tdlocal.coverage import PAGE, page


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run: python -m tdlocal.coverage"
