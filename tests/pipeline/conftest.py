"""Two shops, each loaded once and run once: a small one, and one of a few people for what runs often."""

import shutil

import pytest

from tests.pipeline.shop import load_sample, run_pipeline
from tests.pipeline.small_shop import FEW, copy_of, left_by
from tests.support import ROOT
from tests.test_rules import pushed


@pytest.fixture(scope="session")
def loaded(tmp_path_factory):
    """A state folder with the raw tables loaded and nothing run."""
    state = tmp_path_factory.mktemp("loaded") / "state"
    load_sample(state)
    return state


@pytest.fixture(scope="session")
def finished(loaded, tmp_path_factory):
    """A state folder after one unbroken run, and what the run said. Tests only read it."""
    state = tmp_path_factory.mktemp("finished") / "state"
    shutil.copytree(loaded, state)
    return state, run_pipeline(state)


@pytest.fixture
def fresh(loaded, tmp_path):
    """A copy of the loaded state for a test that runs or breaks something."""
    state = tmp_path / "state"
    shutil.copytree(loaded, state)
    return state


@pytest.fixture(scope="session")
def project(tmp_path_factory):
    """A copy of the pushed files, which nobody edits while a chain runs."""
    folder = tmp_path_factory.mktemp("project")
    for name in pushed():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """A state folder with a few people's raw tables."""
    state = tmp_path_factory.mktemp("small") / "state"
    load_sample(state, FEW)
    return state


@pytest.fixture(scope="session")
def small_run(small, project, tmp_path_factory):
    """A state folder after one unbroken run of that shop. Tests only read it, or copy it."""
    state = copy_of(small, tmp_path_factory.mktemp("unbroken") / "state")
    done = run_pipeline(state, project=project)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return state


@pytest.fixture(scope="session")
def unbroken(small_run):
    """What a run of that shop leaves when nothing happens to it."""
    return left_by(small_run)
