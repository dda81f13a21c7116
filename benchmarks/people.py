"""Who is who in the sample shop against its truth, for shops of any size and seed.

    .venv/bin/python benchmarks/people.py [--people 500,2000] [--seeds 1,2,3]

Precision: of the pairs of records that have one canonical id, how many are of one person. Recall: of the
pairs of records of one person, how many have one canonical id. Many pairs can never be found: no trail of
identifiers leads from a cash purchase, or an anonymous visit, to the person. So beside the recall of all
pairs stands the share of them that a trail of the person's own identifiers joins, and how many of these
were found.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from math import comb
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tdlocal.engine import open_engine  # noqa: E402

ID = "retail_unification_id"
# staged table → what names a record in it, and the same in the truth
RECORDS = {
    "loyalty_profile": ("upper(trim(customer_id))", ("external_id",)),
    "order_digital_transactions": ("order_no", ("id",)),
    "order_offline_transactions": ("order_no", ("txn_id",)),
    "order_details": ("order_no, cast(order_line_no as varchar)", ("order_id", "line_number")),
    "pageviews": ("td_client_id, cast(time as varchar)", ("td_client_id", "time")),
    "app_analytics": ("uuid", ("uuid",)),
    "formfills": ("td_client_id, cast(time as varchar)", ("td_client_id", "time")),
    "survey_responses": ("respondent_id", ("response_id",)),
    "email_activity": ("trfmd_email", ("email",)),
    "consents_email": ("trfmd_email", ("email",)),
    "sms_activity": ("trfmd_phone_number", ("phone_number",)),
    "consents_phone": ("trfmd_phone_number", ("phone_number",)),
}
KEYS = {
    "trfmd_customer_id": "customer_id",
    "trfmd_email": "email",
    "trfmd_secondary_email": "email",
    "trfmd_phone_number": "phone",
    "order_no": "order",
    "token": "token",
    "trfmd_td_client_id": "client",
    "trfmd_device_id": "device",
    "trfmd_adid": "adid",
    "trfmd_idfa": "idfa",
}


def tdlocal(*words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tdlocal.cli", *words], cwd=ROOT, capture_output=True, text=True
    )
    if done.returncode != 0:
        raise SystemExit(done.stdout[-3000:] + done.stderr[-3000:])


def shop(state: Path, people: str, seed: str) -> Path:
    """Make a shop and unify it; return the folder of its truth."""
    tdlocal("sample", "--people", people, "--seed", seed, "--load", "--state", str(state))
    for layer in ("prp", "src", "staging"):
        tdlocal("query", f"create schema if not exists {layer}_retail", "--state", str(state))
    for workflow in ("wf02_mapping", "wf04_stage", "wf05_unify"):
        tdlocal("run", workflow, "--session", "2026-11-01", "--state", str(state), "--plain")
    (truth,) = state.glob("sample/*/truth")
    return truth


def owners(truth: Path) -> dict[str, dict[tuple[str, ...], str]]:
    """Return for every table: record → person. Of events only identifiers that are one person's count."""
    found: dict[str, dict[tuple[str, ...], str]] = {}
    shared: dict[tuple[str, str], set[str]] = defaultdict(set)
    with (truth / "identifiers.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            shared[row["id_type"], row["id"]].add(row["person_id"])
    for table, (_, names) in RECORDS.items():
        if names[0] in ("email", "phone_number"):
            own = {
                (id_,): min(who) for (kind, id_), who in shared.items() if kind == names[0] and len(who) == 1
            }
            found[table] = own
            continue
        with (truth / f"{table}.csv").open(newline="", encoding="utf-8") as file:
            found[table] = {
                tuple(_known_by(table, row[name]) for name in names): row["person_id"]
                for row in csv.DictReader(file)
                if row["person_id"]
            }
    return found


def _known_by(table: str, text: str) -> str:
    return text.strip().upper() if table == "loyalty_profile" else text.strip()


def records(state: Path, truth: Path) -> Iterator[tuple[str, str | None, list[tuple[str, str]]]]:
    """Yield person, canonical id and identifiers of every record whose person is known."""
    engine = open_engine(next(state.glob("*.duckdb")), memory_limit="4GB", threads=2)
    database = "cdp_unification_retail"
    try:
        for table, who in owners(truth).items():
            info = engine.table(database, f"enriched_{table}")
            assert info is not None, f"no enriched_{table}"
            keys = [column.name for column in info.columns if column.name in KEYS]
            named = RECORDS[table][0]
            sql = f"select {ID}, {', '.join([*keys, named])} from enriched_{table}"
            answer = engine.run(sql, database=database, scheduled_time=0)
            for batch in answer.batches():
                for row in batch:
                    person = who.get(tuple(str(part) for part in row[1 + len(keys) :]))
                    if person:
                        values = zip(keys, row[1:], strict=False)
                        yield person, row[0], [(KEYS[key], str(value)) for key, value in values if value]
    finally:
        engine.close()


def trails(found: Iterable[tuple[str, list[tuple[str, str]]]]) -> list[object]:
    """Return for every record what its person's own identifiers join it to."""
    above: dict[object, object] = {}

    def top(each: object) -> object:
        while above.setdefault(each, each) != each:
            above[each] = above[above[each]]
            each = above[each]
        return each

    known = list(found)
    for person, identifiers in known:
        for other in identifiers[1:]:
            above[top((person, other))] = top((person, identifiers[0]))
    return [top((person, ids[0])) if ids else at for at, (person, ids) in enumerate(known)]


def pairs(groups: Iterable[object]) -> int:
    return sum(comb(size, 2) for size in Counter(groups).values())


def measure(people: str, seed: str) -> bool:
    """Print the figures of one shop; return whether they are good enough."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        state = Path(folder) / "state"
        truth = shop(state, people, seed)
        seconds = time.perf_counter() - started
        known = list(records(state, truth))
    trail = trails((person, identifiers) for person, _, identifiers in known)
    one = [(person, who, at) for (person, who, _), at in zip(known, trail, strict=True) if who]
    right, said = pairs((person, who) for person, who, _ in one), pairs(who for _, who, _ in one)
    true = pairs(person for person, _, _ in known)
    reachable = pairs((person, at) for (person, _, _), at in zip(known, trail, strict=True))
    precision, recall = right / said, pairs(one) / reachable
    print(
        f"{people} people, seed {seed}: {len(known):,} records, precision {precision:.4f}; recall of all"
        f" pairs {right / true:.4f}; a trail of identifiers joins {reachable / true:.4f}, of these found"
        f" {recall:.4f}; {seconds:.0f} s",
        flush=True,
    )
    return precision >= 0.995 and recall >= 0.97


def main() -> int:
    """Print the figures of every shop; 1 when one is worse than promised."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--people", default="500,2000", help="sizes, with commas between")
    parser.add_argument("--seeds", default="1,2,3", help="seeds, with commas between")
    arguments = parser.parse_args()
    good = [
        measure(people, seed) for people in arguments.people.split(",") for seed in arguments.seeds.split(",")
    ]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
