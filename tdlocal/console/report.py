"""What a run's events tell: its slowest tasks against earlier runs, and a page with a picture of time."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from statistics import median
from string import Template
from typing import Any
from urllib.parse import unquote

PAGE = "run.html"
EARLIER = 10  # runs that make up what is usual
SLOWEST = 10
MOST_ROWS = 1500  # bars of one page; the shortest tasks are left out
TASK_EVENTS = ("task_started", "task_ended", "task_failed")
BLANK = {**dict.fromkeys(("task", "how", "operator", "note", "place", "problem", "mend"), ""), "seconds": 0.0}
NOTED = 0.05  # seconds: shorter tasks are not compared

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Bar:
    """A task that worked: when it began (seconds of the run), how long, and how it ended."""

    task: str
    operator: str
    start: float
    seconds: float
    failed: bool
    rows: int | None = None
    note: str = ""


@dataclass(frozen=True)
class Slow:
    """A task, its seconds and the usual ones; None when no earlier run has it."""

    task: str
    seconds: float
    usual: float | None

    @property
    def change(self) -> str:
        """The change against what is usual.

        >>> Slow("+a", 3.0, 2.0).change, Slow("+a", 3.0, None).change
        ('+50 %', 'new')
        """
        if self.usual is None:
            return "new"
        return f"{100 * (self.seconds / self.usual - 1):+.0f} %" if self.usual >= NOTED else ""


def events_of(folder: Path) -> list[dict[str, Any]]:
    """The events of one run; a line cut short by a kill is passed over, what an older one lacks is blank."""
    events = []
    file = folder / "events.jsonl"
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict) and "event" in event:
            events.append({**BLANK, **event} if event["event"] in TASK_EVENTS else event)
    return events


def first_of(events: Iterable[Event], kind: str) -> Event:
    """The first event of a kind, an empty one when there is none."""
    return next((event for event in events if event.get("event") == kind), {})


def bars_of(events: Sequence[Event]) -> list[Bar]:
    """The tasks that worked, in the order in which they began."""
    started_at = first_of(events, "run_started").get("at")
    if not started_at:
        return []
    zero = dt.datetime.fromisoformat(started_at)
    begun: dict[str, dt.datetime] = {}
    bars = []
    for event in events:
        kind, task = event.get("event"), str(event.get("task", ""))
        if not event.get("at"):
            continue
        if kind == "task_started":
            begun[task] = dt.datetime.fromisoformat(event["at"])
        elif kind == "task_failed" or (kind == "task_ended" and event.get("how") == "ok"):
            end = dt.datetime.fromisoformat(event["at"])
            start = begun.get(task, end - dt.timedelta(seconds=float(event.get("seconds") or 0)))
            seconds = max(0.0, (end - start).total_seconds())
            offset = max(0.0, (start - zero).total_seconds())
            failed = kind == "task_failed"
            note = str(event.get("note") or "")
            bars.append(
                Bar(task, str(event.get("operator")), offset, seconds, failed, event.get("rows"), note)
            )
    return sorted(bars, key=lambda bar: (bar.start, bar.task))


def slowest(folder: Path, count: int = SLOWEST) -> list[Slow]:
    """The tasks of a run that took longest, beside the median of up to ten earlier runs of the workflow."""
    events = events_of(folder)
    workflow = first_of(events, "run_started").get("workflow")
    mine = sorted(bars_of(events), key=lambda bar: -bar.seconds)[:count]
    earlier: dict[str, list[float]] = {}
    for other in earlier_runs(folder, workflow):
        for bar in other:
            earlier.setdefault(bar.task, []).append(bar.seconds)
    return [
        Slow(bar.task, bar.seconds, median(earlier[bar.task]) if bar.task in earlier else None)
        for bar in mine
    ]


def earlier_runs(folder: Path, workflow: Any) -> list[list[Bar]]:
    """The bars of the last runs of *workflow* before the run in *folder*."""
    found: list[list[Bar]] = []
    before = [
        entry
        for entry in folder.parent.iterdir()
        if entry.name.isdigit() and int(entry.name) < int(folder.name)
    ]
    for entry in sorted(before, key=lambda entry: -int(entry.name)):
        if len(found) == EARLIER:
            break
        events = events_of(entry)
        if first_of(events, "run_started").get("workflow") == workflow:
            found.append([bar for bar in bars_of(events) if not bar.failed])
    return found


def short_name(task: str) -> str:
    """A task's name as a person reads it: without the runner's marks, loops by their value.

    >>> short_name("+wf00+staging^sub+run^sub+child^sub+stage^sub+for-0=kind=1=phones+one")
    'staging › stage › kind=phones'
    """
    parts = [part for part in re.split(r"\+", task.replace("^sub", "").replace("^error", " (error)")) if part]
    named = [re.sub(r"^for-\d+=(\w+)=(\d+)=(.*)", round_name, part) for part in parts[1:]]
    told = [part for part in named if part not in ("run", "child", "one")] or named or parts
    return " › ".join(told)


def round_name(found: re.Match[str]) -> str:
    """One round of a loop: its value where that says something, else its number."""
    value = unquote(found[3])
    return f"{found[1]} {found[2]}" if value.startswith(("{", "[")) else f"{found[1]}={value}"


def write_page(folder: Path) -> Path:
    """Write the page of the run in *folder* there; one file that needs nothing else."""
    target = folder / PAGE
    target.write_text(page(events_of(folder), slowest(folder)), encoding="utf-8")
    return target


def page(events: Sequence[Event], slow: Sequence[Slow]) -> str:
    """The page: what ran when, as bars over time, and the slowest tasks."""
    start, end = first_of(events, "run_started"), first_of(events, "run_ended")
    bars = bars_of(events)
    whole = max([float(end.get("seconds") or 0), *(bar.start + bar.seconds for bar in bars), 0.001])
    shown = sorted(bars, key=lambda bar: -bar.seconds)[:MOST_ROWS]
    rows = "".join(row_html(bar, whole) for bar in sorted(shown, key=lambda bar: (bar.start, bar.task)))
    left = f"<p>{len(bars) - len(shown):,} short tasks are left out.</p>" if len(bars) > len(shown) else ""
    failures = "".join(
        f"<p class=bad>{escape(short_name(event['task']))}: {escape(str(event['problem']))}<br>"
        f"<small>{escape(str(event['place']))}. {escape(str(event['mend']))}</small></p>"
        for event in events
        if event.get("event") == "task_failed"
    )
    title = f"{start.get('workflow', '?')}, session {start.get('session', '?')}"
    how = end.get("how", "killed or going on")
    counts = ", ".join(f"{count:,} {name}" for name, count in (end.get("counts") or {}).items())
    slow_rows = "".join(
        f"<tr><td>{escape(short_name(one.task))}<td>{one.seconds:.2f} s"
        f"<td>{'' if one.usual is None else f'{one.usual:.2f} s'}<td>{one.change}"
        for one in slow
    )
    ticks = "".join(
        f'<i style="left:{100 * second / whole:.3f}%">{second:g} s</i>' for second in tick_seconds(whole)
    )
    template = Template(Path(__file__).with_name("run.html").read_text(encoding="utf-8"))
    return template.substitute(
        title=escape(title),
        how=escape(str(how)),
        bad="" if how == "success" else " class=bad",
        facts=escape(f"began {str(start.get('at', ''))[:19]} UTC, {whole:.1f} s; {counts}"),
        failures=failures,
        slow=slow_rows,
        ticks=ticks,
        rows=rows,
        left=left,
    )


def row_html(bar: Bar, whole: float) -> str:
    """One task: its name and its bar."""
    made = f" {bar.note.removesuffix('__next')}" if bar.note.startswith("→") else ""
    name, told = escape(short_name(bar.task) + made), f"{bar.seconds:.2f} s"
    if bar.rows is not None:
        told += f", {bar.rows:,} rows"
    kind = "failed" if bar.failed else re.sub(r"\W", "", bar.operator.split("_")[0])
    place = f"left:{100 * bar.start / whole:.3f}%;width:{max(100 * bar.seconds / whole, 0.15):.3f}%"
    return (
        f'<div class=row title="{escape(bar.task)}&#10;{escape(bar.operator)}&gt; {told}"><span>{name}</span>'
        f'<div><b class="{kind}" style="{place}"></b></div></div>\n'
    )


def tick_seconds(whole: float) -> list[float]:
    """Round numbers of seconds, at most eight of them.

    >>> tick_seconds(24.8)
    [0, 5, 10, 15, 20]
    """
    steps = [base * 10**power for power in range(-3, 6) for base in (1, 2, 5)]
    step = next(step for step in steps if whole / step <= 7 or step == steps[-1])
    return [round(number * step, 3) for number in range(int(whole / step) + 1)]
