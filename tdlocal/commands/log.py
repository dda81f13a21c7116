"""`tdlocal log`: what past runs did."""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path
from typing import Any

from tdlocal.console.report import events_of, short_name, slowest, write_page
from tdlocal.errors import KitError

HELP = (
    "Show past runs: the list of them, one run's tasks, or one task's log. A run is shown with its slowest "
    "tasks beside the median of the ten runs before, and a page with a picture of what ran when."
)
SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of `tdlocal log`."""
    parser.add_argument(
        "run", nargs="?", default="", help="number of a run, or `last`; without it the runs are listed"
    )
    parser.add_argument(
        "task", nargs="?", default="", help="end of a task's name (such as +load): show its log"
    )
    parser.add_argument(
        "--slowest", type=at_least_one, metavar="N", help="only the N slowest tasks (of the last run)"
    )
    parser.add_argument("--failed", action="store_true", help="only tasks that failed, or runs that did")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument(
        "--state", type=Path, default=Path(".tdlocal"), metavar="DIR", help="the kit's state folder"
    )


def at_least_one(text: str) -> int:
    """A number of an option.

    >>> at_least_one("5")
    5
    """
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 on")
    return int(text)


def main(arguments: argparse.Namespace) -> int:
    """Show it; 0 when there was something to show."""
    runs = arguments.state / "runs"
    numbers = (
        sorted(int(entry.name) for entry in runs.iterdir() if entry.name.isdigit()) if runs.is_dir() else []
    )
    if not numbers:
        raise KitError("no run is saved here", where=str(runs), mend="run a workflow first, or give --state")
    if not arguments.run and arguments.slowest:
        arguments.run = "last"
    if not arguments.run:
        _list_runs(runs, numbers, arguments)
        return 0
    number = numbers[-1] if arguments.run == "last" else int(arguments.run) if arguments.run.isdigit() else 0
    folder = runs / f"{number:04d}"
    if number not in numbers:
        raise KitError(
            f"no run {arguments.run}", where=str(runs), mend=f"runs {numbers[0]} to {numbers[-1]} are here"
        )
    if arguments.task:
        return _show_log(folder, arguments.task)
    if arguments.slowest is None:
        _show_run(folder, arguments.failed, arguments.json)
    if not arguments.failed:
        _show_slowest(folder, arguments.slowest, arguments.json)
    return 0


def _list_runs(runs: Path, numbers: list[int], arguments: argparse.Namespace) -> None:
    for number in numbers if arguments.failed else numbers[-SHOWN:]:
        events = events_of(runs / f"{number:04d}")
        start = next((event for event in events if event["event"] == "run_started"), {})
        end: dict[str, Any] = next((event for event in reversed(events) if event["event"] == "run_ended"), {})
        counts = end.get("counts") or _counted(events)
        row = {
            "run": number,
            "started": start.get("at", "")[:19],
            "workflow": start.get("workflow", "?"),
            "session": start.get("session", "?"),
            "how": end.get("how", "killed or going on"),
            "seconds": end.get("seconds"),
            "counts": counts,
        }
        if arguments.failed and row["how"] == "success":
            continue
        if arguments.json:
            print(json.dumps(row))
            continue
        told = ", ".join(f"{count} {how}" for how, count in counts.items())
        took = f"{row['seconds']:.1f} s" if row["seconds"] is not None else ""
        print(
            f"{number:>5}  {row['started']}  {row['workflow']:<28} {row['session']}"
            f"  {row['how']:<8} {took:>8}  {told}"
        )


def _counted(events: list[dict[str, Any]]) -> dict[str, int]:
    counts = Counter(
        event.get("how", "failed") for event in events if event["event"] in ("task_ended", "task_failed")
    )
    return dict(counts)


def _show_run(folder: Path, failed: bool, as_json: bool) -> None:
    for event in events_of(folder):
        kind = event["event"]
        if failed and kind != "task_failed":
            continue
        if as_json:
            print(json.dumps(event, ensure_ascii=False))
        elif kind == "task_ended":
            rows = f"  {event['rows']:,} rows" if event.get("rows") is not None else ""
            seconds = f"{event['seconds']:.2f} s"
            print(
                f"  {event['how']:<8} {seconds:>9}  {event['task']}  {event['operator']}>"
                f"  {event['note']}{rows}"
            )
        elif kind == "task_failed":
            print(
                f"  FAILED   {event['task']}  {event['operator']}>  {event['place']}\n    {event['problem']}"
            )
        elif kind in ("warning", "anew", "retrying", "run_ended", "run_started"):
            facts = {key: value for key, value in event.items() if key not in ("at", "event")}
            print(f"  {kind.replace('_', ' ')}  {json.dumps(facts, ensure_ascii=False)}")


def _show_slowest(folder: Path, count: int | None, as_json: bool) -> None:
    slow = slowest(folder) if count is None else slowest(folder, count)
    if as_json:
        for one in slow if count is not None else ():
            print(json.dumps({"task": one.task, "seconds": one.seconds, "usual": one.usual}))
        return
    if slow:
        print("slowest tasks                                                        now    usually   change")
    for one in slow:
        usual = "" if one.usual is None else f"{one.usual:.2f} s"
        print(f"  {short_name(one.task)[-60:]:<60} {one.seconds:>7.2f} s {usual:>10} {one.change:>8}")
    print(f"page  {write_page(folder)}")


def _show_log(folder: Path, task: str) -> int:
    files = [file for file in sorted(folder.glob("*.log")) if file.stem.endswith(task) or task in file.stem]
    if not files:
        known = ", ".join(file.stem for file in sorted(folder.glob("*.log"))[:5]) or "no task wrote a log"
        raise KitError(f"no log of {task} in run {folder.name}", mend=known)
    for file in files:
        print(f"== {file}")
        print(file.read_text(encoding="utf-8", errors="replace"), end="")
    return 0
