"""How fast the sample shop is made and loaded, and in how much memory.

Run `python benchmarks/sample.py`; `--people N` sets the size, `--json` prints figures for machines.
Exit code 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TDLOCAL = [sys.executable, "-m", "tdlocal.cli"]
TARGETS = {"make records/s": 50_000, "load records/s": 25_000, "make MB": 250, "load MB": 600}


def measured(*words: str) -> tuple[float, str]:
    """Run one command; return its seconds and what it printed."""
    began = time.monotonic()
    done = subprocess.run([*TDLOCAL, *words], capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode:
        raise SystemExit(f"tdlocal {' '.join(words)} failed: {done.stderr[-2000:]}")
    return seconds, done.stdout


def largest_child() -> float:
    """Peak memory in megabytes of the largest process so far."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def main() -> int:
    """Measure making, then loading; return 0 when every target is met."""
    parser = argparse.ArgumentParser(description="Speed and memory of the sample shop.")
    parser.add_argument("--people", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        state, out = Path(scratch) / "state", Path(scratch) / "shop"
        common = [
            "sample",
            "--people",
            str(arguments.people),
            "--out",
            str(out),
            "--state",
            str(state),
            "--json",
        ]
        seconds, said = measured(*common)
        records = sum(json.loads(said)["records"].values())
        figures = {"records": records, "make s": seconds, "make records/s": records / seconds}
        figures["make MB"] = largest_child()
        seconds, _ = measured(*common, "--load")
        figures |= {"load s": seconds, "load records/s": records / seconds, "load MB": largest_child()}
    missed = [
        name
        for name, target in TARGETS.items()
        if (figures[name] > target if "MB" in name else figures[name] < target)
    ]
    if arguments.json:
        print(json.dumps({**figures, "missed": missed}))
    else:
        for name, value in figures.items():
            target = f"   target {TARGETS[name]:,}" if name in TARGETS else ""
            print(f"{name:16}{value:14,.1f}{target}{'   MISSED' if name in missed else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
