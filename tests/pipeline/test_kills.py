"""Killed at fifty moments without warning: what is started again ends like a run that nothing broke.

Two shops of a few people each go through a chain of kills: start, `kill -9` after some tasks and a moment
more, start the same command again, until the run ends or the kills are used up. The runner is killed, the
account's server, or both at once. The moments come from a seed and from the tasks that the run reports, so
a busy machine moves them little.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from tdlocal.local_server import MOST_RESTARTS
from tests.pipeline.shop import SESSION, command, environment, tdlocal
from tests.pipeline.small_shop import check_log, copy_of, left_by

KILLS = 50
CHAINS = 2  # at once; each goes on with a new shop when its run has ended
MOST_TASKS = 10  # that a run may finish before it is killed
VICTIMS = ("runner", "runner", "runner", "both", "server")
WORDS = ("run", "wf00_orchestration", "--session", SESSION, "--plain")


class Purse:
    """The kills that are left for all chains."""

    def __init__(self, kills: int) -> None:
        self.left, self.lock = kills, threading.Lock()

    def take(self) -> bool:
        """Take one; False when none is left."""
        with self.lock:
            self.left -= 1
            return self.left >= 0

    def give_back(self) -> None:
        """Give back one that struck nobody."""
        with self.lock:
            self.left = max(self.left, 0) + 1


class Chain:
    """One shop after another through kills, until the common purse of kills is empty."""

    def __init__(self, seed: int, small: Path, project: Path, folder: Path, purse: Purse) -> None:
        self.chance = random.Random(seed)
        self.small, self.project, self.folder, self.purse = small, project, folder, purse
        self.story: list[str] = []
        self.ended: list[Path] = []

    def live(self) -> list[Path]:
        """Return the shops whose run ended well."""
        while self.purse.left > 0:
            state = copy_of(self.small, self.folder / f"state{len(self.ended)}")
            while self.purse.take() and self.killed(state):
                pass
            done = tdlocal(*WORDS, state=state, project=self.project, timeout=300)
            assert done.returncode == 0, self.told(done.stdout[-3000:] + done.stderr[-3000:])
            self.ended.append(state)
        return self.ended

    def killed(self, state: Path) -> bool:
        """Run, and kill what the chance says; False when the run was faster."""
        tasks, moment = self.chance.randint(0, MOST_TASKS), self.chance.uniform(0.0, 0.6)
        victim = self.chance.choice(VICTIMS)
        run = subprocess.Popen(
            command(*WORDS, state=state),
            cwd=self.project,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        last = ""
        for line in run.stderr:
            assert "FAILED" not in line, self.told(line + run.stderr.read())
            last = line
            tasks -= line.startswith("  ok ")
            if tasks < 0:
                break
        time.sleep(moment)
        if victim != "runner":
            kill_server(state)
            time.sleep(self.chance.uniform(0.0, 0.5) if victim == "server" else 0.0)
        faster = run.poll() == 0
        with suppress(ProcessLookupError):
            run.kill()
        run.stderr.close()
        run.wait()
        self.story.append(f"{victim} after {last.strip()[:150]}")
        if faster:
            self.purse.give_back()
        return not faster

    def told(self, said: str) -> str:
        """What went before, for a failing test."""
        return "\n".join([*self.story, said])


def kill_server(state: Path) -> None:
    """Kill the account's server, if there is one just now."""
    with suppress(OSError, ValueError, KeyError):
        os.kill(int(json.loads((state / "server.json").read_text())["pid"]), signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1))
def test_a_run_whose_account_is_killed_again_and_again_ends_by_itself(
    small, unbroken, project, tmp_path, seed
):
    chance, state, story = random.Random(seed), copy_of(small, tmp_path / "state"), []
    run = subprocess.Popen(
        command(*WORDS, state=state),
        cwd=project,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    with run, run.stderr as lines:
        for _ in range(MOST_RESTARTS):
            story += itertools.islice(lines, chance.randint(10, 50))
            time.sleep(chance.uniform(0.0, 0.3))
            kill_server(state)
        story += lines
    told = "".join(story)
    assert run.returncode == 0, told
    assert "the account was killed (signal 9) and has been started again" in told
    left = left_by(state)
    for name, expected in unbroken.items():
        assert left[name] == expected, f"{name} differ\n{told}"
    check_log(state, told)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_fifty_kills_change_nothing(small, unbroken, project, tmp_path):
    purse, chains = Purse(KILLS), []
    for seed in range(CHAINS):
        folder = tmp_path / f"chain{seed}"
        folder.mkdir()
        chains.append(Chain(seed, small, project, folder, purse))
    with ThreadPoolExecutor(CHAINS) as pool:
        ended = [state for states in pool.map(Chain.live, chains) for state in states]
    story = "\n".join(line for chain in chains for line in chain.story)
    assert sum(len(chain.story) for chain in chains) >= KILLS
    for state in ended:
        left = left_by(state)
        for name, expected in unbroken.items():
            assert left[name] == expected, f"{name} differ\n{story}"
        check_log(state, story)
