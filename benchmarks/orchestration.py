"""What logging, hashing and publishing cost, as seconds of one run and as a share of it.

Run `python benchmarks/orchestration.py`; `--people N` sets the size of the shop, `--json` prints figures for
machines. The figures come from the run's own events: the tasks that decide (hash what a workflow reads),
log and publish. Exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tdlocal.console.report import Bar, bars_of, events_of, first_of

TDLOCAL = [sys.executable, "-m", "tdlocal.cli"]
PROJECT = Path(__file__).resolve().parent.parent
TASKS = {  # what it is for → how its tasks' names end
    "decide and hash": r"\+decide$",
    "log": r"\+log_(success|tables)$",
    "publish": r"\+publish$",
}
TARGETS = {"all s": 2.0, "share %": 3.0}


def tdlocal(*words: str) -> None:
    """Run one command in the project."""
    done = subprocess.run([*TDLOCAL, *words], cwd=PROJECT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"tdlocal {' '.join(words)} failed: {done.stdout[-1000:]}{done.stderr[-2000:]}")


def figures_of(folder: Path) -> dict[str, float]:
    """Return the seconds of each purpose and of the run in *folder*."""
    events = events_of(folder)
    bars = bars_of(events)
    figures = {
        name: sum(bar.seconds for bar in bars if re.search(ending, bar.task))
        for name, ending in TASKS.items()
    }
    whole = float(first_of(events, "run_ended")["seconds"])
    cost = sum(figures.values())
    alone = seconds_alone(bars, re.compile("|".join(TASKS.values())))
    return {**figures, "all s": cost, "alone s": alone, "run s": whole, "share %": 100 * cost / whole}


def seconds_alone(bars: Sequence[Bar], ours: re.Pattern[str]) -> float:
    """Return the seconds in which tasks of *ours* ran and no other task did: nothing else was waited for."""
    moments = sorted(
        moment
        for bar in bars
        for moment in (
            (bar.start, 1, bool(ours.search(bar.task))),
            (bar.start + bar.seconds, -1, bool(ours.search(bar.task))),
        )
    )
    running, total, before = {True: 0, False: 0}, 0.0, 0.0
    for at, change, is_ours in moments:
        if running[True] and not running[False]:
            total += at - before
        running[is_ours] += change
        before = at
    return total


def main() -> int:
    """Run the shop twice, the second time with everything done; return 0 when every target is met."""
    parser = argparse.ArgumentParser(description="Cost of logging, hashing and publishing.")
    parser.add_argument("--people", type=int, default=2000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        state = Path(scratch) / "state"
        tdlocal("sample", "--people", str(arguments.people), "--seed", "7", "--load", "--state", str(state))
        words = ("run", "wf00_orchestration", "--session", "2026-11-01", "--state", str(state))
        tdlocal(*words)
        tdlocal(*words, "--rerun")
        figures = figures_of(state / "runs/0001")
        figures["skipping all s"] = figures_of(state / "runs/0002")["run s"]
    missed = [name for name, target in TARGETS.items() if figures[name] > target]
    if arguments.json:
        print(json.dumps({**figures, "missed": missed}))
    else:
        for name, value in figures.items():
            target = f"   target {TARGETS[name]:g}" if name in TARGETS else ""
            print(f"{name:18}{value:10.2f}{target}{'   MISSED' if name in missed else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
