"""match.yml as objects, every fault told at once with its line.

Task      wf05_unify +settings, ``py>: unification.python.settings.main``
Reads     unification/match.yml; a project without the file matches and protects nothing
Stores    `match_protection`: the file's `protection`, for the unification service
Raises    TaskError naming every fault of `matching`; the service tells those of `protection`
"""

import re
from pathlib import Path

from common.python.errors import TaskError
from common.python.lined_yaml import Lined
from unification.python.matching import LARGEST_BLOCK, LEVELS, THRESHOLD, Comparison, Rule

FILE = "unification/match.yml"
RULE_SETTINGS = (
    "block_by", "split_by", "compare", "threshold", "largest_block", "must_agree", "told_apart_by",
)  # fmt: skip

COLUMN = re.compile("[A-Za-z_][A-Za-z0-9_]*")
COMPARISON_SETTINGS = ("column", "levels", "term_frequency", "swapped_with", "shared")


def main():
    """Task entry."""
    import digdag

    file = read(FILE)
    rules_of(file)
    digdag.env.store({"match_protection": (file.data.get("protection") or {}) if file else {}})


def read(path):
    """Return the file, None when the project has none."""
    return Lined(path) if Path(path).is_file() else None


def rules_of(file):
    """Return the matching rules of *file* (a Lined) in order; none when it is None.

    Raises:
        TaskError: every fault found, with its line.
    """
    if file is None:
        return []
    faults, rules = [], []

    def fault(what, *path):
        faults.append(f"{file.place(*path)}: {what}")

    for name in file.data:
        if name not in ("protection", "matching"):
            fault(f"unknown setting {name!r}; known: protection, matching", name)
    matching = file.data.get("matching") or {}
    for name in matching:
        if name not in ("rules",):
            fault(f"unknown setting {name!r}; known: rules", "matching", name)
    for name, settings in (matching.get("rules") or {}).items():
        rules.append(_rule(name, settings or {}, fault))
    if faults:
        raise TaskError("; ".join(faults), where=file.path, mend="correct the lines named")
    return rules


def _rule(name, settings, fault):
    path = ("matching", "rules", name)
    for setting in settings:
        if setting not in RULE_SETTINGS:
            fault(f"unknown setting {setting!r}; known: {', '.join(RULE_SETTINGS)}", *path, setting)
    blocks = settings.get("block_by") or []
    if not isinstance(blocks, list) or not blocks or not all(isinstance(block, str) for block in blocks):
        fault("block_by must be a list of SQL expressions", *path, "block_by")
        blocks = []
    threshold = settings.get("threshold", THRESHOLD)
    if not isinstance(threshold, float) or not 0 < threshold < 1:
        fault(f"threshold must be a number between 0 and 1, is {threshold!r}", *path, "threshold")
        threshold = THRESHOLD
    largest = settings.get("largest_block", LARGEST_BLOCK)
    if isinstance(largest, bool) or not isinstance(largest, int) or largest < 2:
        fault(f"largest_block must be a whole number from 2, is {largest!r}", *path, "largest_block")
        largest = LARGEST_BLOCK
    compare = [
        _comparison(item, (*path, "compare", at), fault)
        for at, item in enumerate(settings.get("compare") or [])
    ]
    if not compare:
        fault("compare must be a list of {column: …}", *path, "compare")
    must_agree = _lowered(settings.get("must_agree") or [])
    columns = [comparison.column for comparison in compare if comparison]
    if not isinstance(must_agree, list) or not set(must_agree) <= set(columns):
        fault(f"must_agree must be a list of columns of compare ({', '.join(columns)})", *path, "must_agree")
        must_agree = []
    told_apart_by = _lowered(settings.get("told_apart_by") or [])
    if not isinstance(told_apart_by, list) or not all(isinstance(column, str) for column in told_apart_by):
        fault("told_apart_by must be a list of columns", *path, "told_apart_by")
        told_apart_by = []
    return Rule(
        name=str(name),
        block_by=tuple(blocks),
        compare=tuple(comparison for comparison in compare if comparison),
        threshold=threshold,
        largest_block=largest,
        must_agree=tuple(must_agree),
        told_apart_by=tuple(told_apart_by),
        split_by=str(settings.get("split_by") or "''"),
    )


def _lowered(columns):
    """Return the names as SQL reads them; what is no list of names, as it is."""
    if not isinstance(columns, list):
        return columns
    return [column.lower() if isinstance(column, str) else column for column in columns]


def _comparison(item, path, fault):
    if not isinstance(item, dict) or not isinstance(item.get("column"), str):
        fault("must be a map with `column`", *path)
        return None
    for setting in item:
        if setting not in COMPARISON_SETTINGS:
            fault(f"unknown setting {setting!r}; known: {', '.join(COMPARISON_SETTINGS)}", *path, setting)
    for setting in ("column", "swapped_with"):
        value = item.get(setting)
        if value is not None and not (isinstance(value, str) and COLUMN.fullmatch(value)):
            fault(f"must be a column's name, is {value!r}", *path, setting)
            return None
    swapped_with = item["swapped_with"].lower() if item.get("swapped_with") else None
    levels = item.get("levels", list(LEVELS))
    rising = isinstance(levels, list) and all(isinstance(level, float) and 0 < level < 1 for level in levels)
    if not rising or sorted(set(levels)) != levels:
        fault("levels must be rising numbers between 0 and 1", *path, "levels")
        levels = list(LEVELS)
    shared = item.get("shared")
    if shared is not None and not isinstance(shared, bool):
        fault(f"must be true or false, is {shared!r}", *path, "shared")
        shared = None
    column = item["column"].lower()
    return Comparison(column, tuple(levels), item.get("term_frequency") is True, swapped_with, shared)
