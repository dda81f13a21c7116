"""One small shop, loaded once and run once for all tests of this folder."""

import shutil

import pytest

from tests.pipeline.shop import load_sample, run_pipeline


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
