"""How many of 690 labelled US addresses staging writes as the labels and the postal abbreviations want them.

Run `python benchmarks/addresses.py`; `--json` prints the figure for machines, `--wrong` what differs.
Exit code 1 when fewer than 97 % agree, 0 without a word when the folder ../shared is not there.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from staging.python.vocabulary import FOLDER, read_words  # noqa: E402
from tdlocal.engine import open_engine  # noqa: E402
from tests.staging.addresses import labelled  # noqa: E402
from tests.support import SHARED, run_sql  # noqa: E402

LEAST = 0.97
FILE = SHARED / "data/us_addresses/raw_us50.test.tagged"
SQL = ROOT / "staging/queries/standard/addresses.sql"


def main() -> int:
    """Compare every address; return 0 when enough agree."""
    parser = argparse.ArgumentParser(description="Staged addresses against labelled ones.")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--wrong", action="store_true")
    arguments = parser.parse_args()
    if not FILE.is_file():
        return 0
    rows = read_words(ROOT / FOLDER / "words.csv")
    words: dict[str, dict[str, str]] = {}
    for row in rows:
        words.setdefault(row["kind"], {})[row["word"]] = row["code"]
    cases = labelled(FILE, words)
    tables = {
        "src_t.loyalty_profile": [{"address": case.raw, "country": "US"} for case in cases],
        "staging_t.words__next": rows,
    }
    answer = run_sql(open_engine(None), SQL, {"default_country": "US"}, tables)
    got = {row["address"]: row["trfmd_address"] for row in answer}
    wrong = [case for case in cases if got.get(case.raw) != case.wanted]
    share = 1 - len(wrong) / len(cases)
    if arguments.json:
        print(json.dumps({"addresses": len(cases), "wrong": len(wrong), "share": share}))
    else:
        found = f"{len(cases)} addresses with a street, {len(wrong)} differ: {share:.1%} agree"
        print(f"{found}   target {LEAST:.0%}")
    for case in wrong if arguments.wrong else ():
        print(f"  {case.raw}: {got.get(case.raw)}, not {case.wanted}")
    return 0 if share >= LEAST else 1


if __name__ == "__main__":
    sys.exit(main())
