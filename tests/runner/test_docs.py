"""Every example of "Digdag in one page" prints what the page says."""

import re

import pytest

from tests.runner.kit import Project
from tests.support import ROOT

PAGE = (ROOT / "docs" / "digdag-in-one-page.md").read_text()
SECTIONS = [section for section in re.split(r"^## ", PAGE, flags=re.MULTILINE) if "```yaml" in section]


@pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.split("\n")[0])
def test_an_example_prints_what_the_page_says(project: Project, section: str) -> None:
    blocks = dict(re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL))
    project.write("main.dig", blocks["yaml"])
    if "python" in blocks:
        project.write("tasks.py", blocks["python"])
    ended = project.run("-q", "--session", "2026-11-01")
    assert ended.lines == blocks["text"].splitlines(), ended.err


def test_the_page_has_all_its_examples() -> None:
    assert len(SECTIONS) == 7
