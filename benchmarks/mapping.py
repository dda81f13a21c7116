"""How much of a first map is right at first try: suggested columns held against the right ones.

Run `python benchmarks/mapping.py`; `--json` prints figures for machines. The sources are those of
tests/mapping/sources.yml: real files beside the project, and the columns of other vendors' exports. Exit
code 1 when a source is below 80 %, or a key column is wrong without a word.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.mapping.measure import DATA, SOURCES, score

LEAST = 0.8


def main() -> int:
    """Print a line a source; return 0 when every target is met."""
    parser = argparse.ArgumentParser(description="Suggested maps against the right ones.")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    there = [name for name, source in SOURCES.items() if "folder" not in source or DATA.is_dir()]
    scores = [score(name) for name in there]
    bad = [each for each in scores if each.share < LEAST or each.wrong_keys]
    if arguments.json:
        print(json.dumps([{**each._asdict(), "share": each.share} for each in scores]))
        return 1 if bad else 0
    for each in scores:
        note = f"   wrong: {', '.join(each.wrong)}" if each.wrong else ""
        print(f"{each.source:22}{each.right:4} of {each.mappable:3}{each.share:7.0%}{note}")
    right, mappable = sum(each.right for each in scores), sum(each.mappable for each in scores)
    print(f"{'all':22}{right:4} of {mappable:3}{right / mappable:7.0%}   target {LEAST:.0%} of each")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
