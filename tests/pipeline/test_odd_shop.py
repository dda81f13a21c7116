"""A shop with every oddity that its seed draws: all figures of a run are those worked out elsewhere.

More shops, two days each: ``ODD_SEEDS=200-240 pytest tests/pipeline/test_odd_shop.py``. Shops of odd seeds
run with the protection and the matching that the project ships.
"""

import os

import pytest

from tests.pipeline.odd_shop import Shop
from tests.pipeline.odd_truth import compare
from tests.pipeline.shop import tdlocal

ASKED = os.environ.get("ODD_SEEDS", "")
FIRST, _, LAST = (ASKED or "108").partition("-")
SEEDS = range(int(FIRST), int(LAST or FIRST) + 1)
DAYS = (1, 2) if ASKED else (1,)
MOST_PEOPLE = 60 if ASKED else 12


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_every_figure_of_an_odd_shop_is_true(seed, tmp_path, project):
    shop, state, plain = Shop(seed, MOST_PEOPLE), tmp_path / "state", seed % 2 == 0
    for day in DAYS:
        if day > 1:
            shop.next_day()
        shop.write(tmp_path, "odd", plain)
        words = ["--list", str(tmp_path / "loads.yml"), "--data", str(tmp_path)]
        loaded = tdlocal("load", *words, state=state)
        assert loaded.returncode == 0, loaded.stderr
        words = ["wf00_orchestration", "--session", f"2026-11-0{day}", "--overlay", str(tmp_path / "overlay")]
        run = tdlocal("run", *words, state=state, project=project)
        said = run.stdout + run.stderr
        assert run.returncode == 0, said[-3000:]
        faults = compare(shop, state, "odd", said, plain)
        assert not faults, "\n".join(faults)
