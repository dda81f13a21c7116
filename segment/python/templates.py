"""Segments from segment/templates/segments_*.yml: every entry of every file, and every fault in them.

A file holds `segments:`, a list, and may hold one `segment_template:` (the guide's other form) and a
`type:` for all of its entries. An entry has a name and exactly one of

    sql_file    a query of segment/queries; the rows' canonical_id are the members
    rule        conditions, see rules.py
    criteria    the short form of a rule

and may have description, type, schedule (`refresh_schedule` is the same), audience_id or audience.
"""

from __future__ import annotations

import calendar
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from segment.python.parents import FOLDER, twice

TYPES = ("behavioral", "demographic", "engagement", "value")
SPELLINGS = {"behavioural": "behavioral"}
SCHEDULES = ("daily", "weekly", "monthly")
KINDS = ("sql_file", "rule", "criteria")
QUERIES = "segment/queries"


@dataclass(frozen=True, eq=False)
class Entry:
    """One segment of a template: the file, its place there, and what it says."""

    file: str
    number: int
    said: Mapping[str, Any]
    type: str

    @property
    def name(self) -> str:
        """The segment's name."""
        return str(self.said.get("name", ""))

    @property
    def place(self) -> str:
        """File and name, for messages."""
        return f"{FOLDER}/{self.file}: {self.name or f'entry {self.number + 1}'}"

    @property
    def schedule(self) -> str:
        """When its query is asked; a segment by rule is as new as the parent segment."""
        return str(self.said.get("schedule") or self.said.get("refresh_schedule") or "daily")

    @property
    def query(self) -> str | None:
        """The query's path, None for a segment by rule."""
        return f"{QUERIES}/{self.said['sql_file']}" if "sql_file" in self.said else None

    @property
    def table(self) -> str:
        """The table of the query's answer."""
        return f"segment_{Path(str(self.said['sql_file'])).stem}"


def load_all(folder: str = FOLDER) -> tuple[list[Entry], list[str]]:
    """Return every entry and every fault that can be found without asking the account."""
    entries: list[Entry] = []
    faults: list[str] = []
    for path in sorted(Path(folder).glob("segments_*.yml")):
        try:
            said = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            faults.append(f"{FOLDER}/{path.name}: no YAML: {' '.join(str(error).split())}")
            continue
        found = entries_of(path.name, said)
        if not found:
            faults.append(f"{FOLDER}/{path.name}: there is no `segments:` list in it")
        entries += found
    for entry in entries:
        faults += [f"{entry.place}: {fault}" for fault in faults_of(entry)]
    faults += twice("segment", [entry.name for entry in entries if entry.name])
    tables = [entry.table for entry in entries if entry.query]
    return entries, faults + twice("sql_file of table", tables)


def entries_of(file: str, said: Any) -> list[Entry]:
    """Return a file's entries.

    >>> said = {"segment_template": {"name": "A"}, "segments": [{"name": "B"}]}
    >>> [entry.name for entry in entries_of("x.yml", said)]
    ['A', 'B']
    """
    if not isinstance(said, Mapping):
        return []
    one, several = said.get("segment_template"), said.get("segments")
    listed = [*([one] if one else []), *(several if isinstance(several, list) else [])]
    common = str(said.get("type", ""))
    found = []
    for number, entry in enumerate(listed):
        entry = entry if isinstance(entry, Mapping) else {}
        kind = str(entry.get("type") or common)
        found.append(Entry(file, number, entry, SPELLINGS.get(kind, kind)))
    return found


def faults_of(entry: Entry) -> list[str]:
    """Return what is wrong with an entry, whatever the account holds."""
    faults = []
    if not entry.name.strip():
        faults.append("name is missing")
    if "${" in entry.name:
        faults.append("a name may not hold a template")
    if entry.type not in TYPES:
        faults.append(f"type {entry.type!r} is none of {', '.join(TYPES)}")
    if entry.schedule not in SCHEDULES:
        faults.append(f"schedule {entry.schedule!r} is none of {', '.join(SCHEDULES)}")
    kinds = [kind for kind in KINDS if kind in entry.said]
    if len(kinds) != 1:
        faults.append(f"needs exactly one of {', '.join(KINDS)}, has {' and '.join(kinds) or 'none'}")
    elif entry.query and not Path(entry.query).is_file():
        faults.append(f"there is no query {entry.query}")
    return faults


def due(schedule: str, session: int) -> bool:
    """Tell whether the session is one of the schedule's: weekly on Mondays, monthly on the 1st, UTC.

    >>> monday, first = calendar.timegm((2026, 11, 2, 4, 0, 0)), calendar.timegm((2026, 11, 1, 4, 0, 0))
    >>> [due("daily", first), due("weekly", first), due("weekly", monday), due("monthly", first)]
    [True, False, True, True]
    """
    day = time.gmtime(session)
    if schedule == "weekly":
        return day.tm_wday == calendar.MONDAY
    return day.tm_mday == 1 if schedule == "monthly" else True
