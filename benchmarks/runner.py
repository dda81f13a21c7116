"""How fast the runner is, side by side with what real Digdag needed on 2 cores (docs/differences.md).

Run `python benchmarks/runner.py`; `--only NAME` runs one line, `--json` prints figures for machines.
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


def run(project: Path, files: dict[str, str], *options: str) -> tuple[float, float]:
    """Seconds of a whole `tdlocal run main`, and its peak memory in megabytes."""
    for name, text in files.items():
        (project / name).write_text(text)
    began = time.monotonic()
    child = subprocess.Popen(
        [*TDLOCAL, "run", "main", "-q", *options],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    _, errors = child.communicate()
    seconds = time.monotonic() - began
    if child.returncode:
        raise SystemExit(f"the run failed: {errors.decode()[-2000:]}")
    return seconds, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def echoes(count: int, text: str = "hello", parallel: bool = False) -> str:
    """A workflow of that many echo> tasks."""
    lines = ["+all:"] + (["  _parallel: true"] if parallel else [])
    for number in range(count):
        lines += [f"  +t{number}:", f'    echo>: "{text}"']
    return "\n".join(lines) + "\n"


def first_task(project: Path) -> tuple[float, float]:
    """From the command to the first task's line."""
    (project / "main.dig").write_text("+a:\n  echo>: started\n")
    began = time.monotonic()
    child = subprocess.Popen(
        [*TDLOCAL, "run", "main", "-q"], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert child.stdout is not None
    child.stdout.readline()
    seconds = time.monotonic() - began
    child.communicate()
    return seconds, 0.0


def sequential(project: Path) -> tuple[float, float]:
    return run(project, {"main.dig": echoes(100)})


def parallel_templates(project: Path) -> tuple[float, float]:
    return run(project, {"main.dig": "_export: {n: 1}\n" + echoes(100, "${n + 1} ${task_name}", True)})


def python_tasks(project: Path) -> tuple[float, float]:
    lines = [f"+t{number}:\n  py>: t.f\n" for number in range(20)]
    return run(project, {"main.dig": "".join(lines), "t.py": "def f():\n    pass\n"})


def shell_tasks(project: Path) -> tuple[float, float]:
    return run(project, {"main.dig": "".join(f"+t{n}:\n  sh>: 'true'\n" for n in range(20))})


LOOPS = "+a:\n  loop>: 100\n  _do:\n    +b:\n      loop>: {inner}\n      _do: {{+c: {{echo>: x}}}}\n"


def ten_thousand(project: Path) -> tuple[float, float]:
    return run(project, {"main.dig": LOOPS.format(inner=100)})


def one_thousand(project: Path) -> tuple[float, float]:
    return run(project, {"main.dig": LOOPS.format(inner=10)})


def td_overhead(project: Path) -> tuple[float, float]:
    """Seconds that a td> takes beyond the query itself, in the middle of fifty."""
    (project / "main.dig").write_text(
        "_export: {td: {database: bench}}\n+db:\n  td_ddl>:\n  create_databases: [bench]\n"
        + "".join(f"+q{n}:\n  td>: {{data: 'select {n} as n'}}\n" for n in range(50))
    )
    child = subprocess.run(
        [*TDLOCAL, "run", "main", "--json"], cwd=project, capture_output=True, text=True, check=False
    )
    if child.returncode:
        raise SystemExit(f"the run failed: {child.stderr[-2000:]}{child.stdout[-2000:]}")
    events = [json.loads(line) for line in child.stdout.splitlines()]
    took = sorted(e["seconds"] for e in events if e["event"] == "task_ended" and e["operator"] == "td")
    bare = bare_query(project)
    return took[len(took) // 2] - bare, 0.0


def bare_query(project: Path) -> float:
    """Seconds that the engine alone takes for such a query (median of fifty)."""
    code = """
import time
from tdlocal.engine import open_engine
engine = open_engine(None)
engine.create_database('d')
took = []
for n in range(50):
    began = time.monotonic()
    answer = engine.run(f'select {n} as n', database='d', scheduled_time=0)
    list(answer.batches())
    answer.close()
    took.append(time.monotonic() - began)
print(sorted(took)[25])
"""
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    if child.returncode:
        raise SystemExit(f"the engine failed: {child.stderr[-2000:]}")
    return float(child.stdout)


LINES = [
    ("start to first task", first_task, 0.5, 2.2),
    ("100 echo one after another", sequential, 1.0, 60.0),
    ("100 parallel echo with templates", parallel_templates, 0.5, 9.2),
    ("20 py> one after another", python_tasks, 2.0, 11.7),
    ("20 sh> one after another", shell_tasks, 2.0, 13.3),
    ("1,000 tasks (loops)", one_thousand, 3.0, None),
    ("10,000 tasks (loops)", ten_thousand, 30.0, None),
    ("td> beyond the bare query", td_overhead, 0.015, 2.5),
]
MOST_MEGABYTES = 300


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", default="", help="lines whose name holds this")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    missed = 0
    if not arguments.json:
        print(f"{'':<36}{'tdlocal':>10}{'target':>10}{'Digdag':>10}{'peak MB':>10}")
    for name, measure, target, digdag in LINES:
        if arguments.only not in name:
            continue
        with tempfile.TemporaryDirectory() as folder:
            seconds, megabytes = min(
                measure(Path(folder)), measure(Path(folder)) if target < 5 else (9e9, 9e9)
            )
        bad = seconds > target or megabytes > MOST_MEGABYTES
        missed += bad
        if arguments.json:
            print(
                json.dumps(
                    {
                        "name": name,
                        "seconds": seconds,
                        "target": target,
                        "digdag": digdag,
                        "megabytes": megabytes,
                    }
                )
            )
            continue
        theirs = f"{digdag:.1f} s" if digdag else "refused"
        told = f"{megabytes:.0f}" if megabytes else ""
        print(
            f"{name:<36}{seconds:>8.3f} s{target:>8.3f} s{theirs:>10}{told:>10}{'   MISSED' if bad else ''}"
        )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
