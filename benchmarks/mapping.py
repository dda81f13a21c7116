"""How much of a first map is right at first try: suggested columns held against the right ones.

Run `python benchmarks/mapping.py`; `--json` prints figures for machines. The sources are those of
tests/mapping/sources.yml: real files beside the project, and the columns of other vendors' exports. The
known ones were there while the method and its words were made; of those written later the held out ones never
were looked at, so that their share is what a stranger's data may expect. Exit code 1 when a known source is
below 80 %, or has a key column wrong without a word.
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
    split = {name: SOURCES[name].get("split", "known") for name in there}
    known = [each for each in scores if split[each.source] == "known"]
    bad = [each for each in known if each.share < LEAST or each.wrong_keys]
    if arguments.json:
        found = [{**each._asdict(), "share": each.share, "split": split[each.source]} for each in scores]
        print(json.dumps(found))
        return 1 if bad else 0
    for each in scores:
        note = f"   wrong: {', '.join(each.wrong)}" if each.wrong else ""
        print(f"{each.source:22}{each.right:4} of {each.mappable:3}{each.share:7.0%}{note}")
    for kind in ("known", "development", "held out"):
        told = [each for each in scores if split[each.source] == kind]
        right, mappable = sum(each.right for each in told), sum(each.mappable for each in told)
        wrong = sum(len(each.wrong_keys) for each in told)
        print(f"{kind:22}{right:4} of {mappable:3}{right / mappable:7.0%}   {wrong} wrong keys")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
