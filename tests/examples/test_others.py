"""The Complete Journey and Shopify through the ten workflows: the same figures in every layer."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.support import ROOT, SHARED

DATA = {"complete_journey": SHARED / "data/complete_journey", "shopify": SHARED / "data/fivetran_seeds"}


@pytest.mark.slow
@pytest.mark.parametrize("name", DATA)
def test_an_example_ends_with_its_figures_and_a_validation_report(name, tmp_path):
    if not DATA[name].is_dir():
        pytest.skip("the shared data of this example is not here")
    state = tmp_path / "state"
    done = subprocess.run(
        [
            sys.executable,
            "examples/run.py",
            name,
            "--data",
            str(DATA[name]),
            "--state",
            str(state),
            "--quiet",
        ],
        cwd=ROOT,
        env={variable: value for variable, value in os.environ.items() if not variable.startswith("TD_")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "the same in every layer: nothing was lost, nothing was invented"
    assert (state / "output/validation_report.html").is_file()


@pytest.mark.parametrize("words", [["shopify"], ["shopify", "--data", "nowhere"]])
def test_an_example_without_its_data_says_what_is_needed(words):
    done = subprocess.run(
        [sys.executable, "examples/run.py", *words], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "examples/shopify/README.md" in done.stderr
