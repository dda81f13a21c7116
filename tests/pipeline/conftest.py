"""Two shops, each loaded once and run once: a small one, and one of a few people for what runs often."""

import shutil

import pytest

from tests.pipeline.shop import load_sample, run_pipeline
from tests.pipeline.small_shop import FEW, copy_of, left_by, made_once
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
    """A state folder with a few people's raw tables. Tests only copy it."""
    return made_once(tmp_path_factory, "small", lambda folder: load_sample(folder / "state", FEW)) / "state"


@pytest.fixture(scope="session")
def small_run(small, project, tmp_path_factory):
    """A state folder after one unbroken run of that shop. Tests only copy it."""

    def run(folder):
        done = run_pipeline(copy_of(small, folder / "state"), project=project)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    return made_once(tmp_path_factory, "unbroken", run) / "state"


@pytest.fixture(scope="session")
def unbroken(small_run, tmp_path_factory):
    """What a run of that shop leaves when nothing happens to it."""
    return left_by(copy_of(small_run, tmp_path_factory.mktemp("left") / "state"))
