from pathlib import Path

import pytest

from tests.runner.kit import TRACED, Project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    root = tmp_path / "project"
    root.mkdir()
    made = Project(root)
    made.write("traced.py", TRACED)
    return made
