"""Troubles on purpose: what a workflow does when the platform stumbles (`tdlocal serve --faults FILE`).

The file is YAML (JSON is YAML too):

    seed: 7
    faults:
      - route: "POST /v3/job/issue/*"   # method and path; * stands for anything
        kind: "503"                      # 429, 500, 503, drop, lost, cut, slow
        rate: 0.2                        # of the calls that match; 1 when left out
        after: 3                         # let this many matching calls pass first
        times: 2                         # strike at most so often; no limit when left out
        retry_after: 1                   # seconds, for 429 and 503
        seconds: 3                       # for slow

`drop` breaks the connection before the work is done, `lost` after it is done and before it is answered,
`cut` in the middle of the answer. Same seed and same calls in the same order, same troubles.
"""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from tdlocal.errors import KitError

KINDS = ("429", "500", "503", "drop", "lost", "cut", "slow")
NUMBERS = ("rate", "after", "times", "retry_after", "seconds")


@dataclass
class Trouble:
    """One entry of the file."""

    route: str
    kind: str
    rate: float = 1.0
    after: int = 0
    times: int | None = None
    retry_after: int = 0
    seconds: float = 1.0
    calls: int = 0
    struck: int = 0
    chance: random.Random = field(default_factory=random.Random, repr=False)

    @property
    def message(self) -> str:
        return f"this {self.kind} was asked for by --faults ({self.route})"

    def strikes(self) -> bool:
        """Count a matching call and tell whether it goes wrong."""
        self.calls += 1
        lucky = self.chance.random() >= self.rate
        if self.calls <= self.after or lucky or (self.times is not None and self.struck >= self.times):
            return False
        self.struck += 1
        return True


class FaultPlan:
    """All entries of a file; the first that strikes wins."""

    def __init__(self, troubles: list[Trouble]) -> None:
        self.troubles = troubles
        self._lock = threading.Lock()

    def strike(self, method: str, path: str) -> Trouble | None:
        """Return the trouble for this call, or None when it goes well."""
        call = f"{method} /{'/'.join(part for part in path.split('/') if part)}"
        with self._lock:
            matching = (one for one in self.troubles if fnmatchcase(call, one.route))
            return next((one for one in matching if one.strikes()), None)


def read_faults(path: Path) -> FaultPlan:
    """Read a fault file; raises KitError naming the entry when it makes no sense."""
    import yaml

    try:
        content = yaml.safe_load(path.read_text())
    except (OSError, yaml.YAMLError) as error:
        raise KitError(f"the fault file cannot be read: {error}", where=str(path)) from None
    entries = content.get("faults") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise KitError("no list `faults:`", where=str(path), mend="see `tdlocal serve --help`")
    seed = content.get("seed", 0)
    troubles = []
    for index, entry in enumerate(entries, 1):
        troubles.append(read_trouble(entry, f"{path}, entry {index}"))
        troubles[-1].chance.seed(f"{seed}/{index}")
    return FaultPlan(troubles)


def read_trouble(entry: Any, where: str) -> Trouble:
    """One entry of the file, checked."""
    known = ("route", "kind", *NUMBERS)
    if not isinstance(entry, dict) or "route" not in entry or "kind" not in entry:
        raise KitError("an entry needs `route` and `kind`", where=where)
    for name in entry:
        if name not in known:
            raise KitError(f"unknown word {name!r}", where=where, mend=f"use {', '.join(known)}")
    kind = str(entry["kind"])
    if kind not in KINDS:
        raise KitError(f"unknown kind {kind!r}", where=where, mend=f"use one of {', '.join(KINDS)}")
    numbers = {name: entry[name] for name in NUMBERS if name in entry}
    for name, value in numbers.items():
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise KitError(f"{name} must be a number of nought or more", where=where)
    return Trouble(str(entry["route"]), kind, **numbers)
