"""Matching beside Splink: F1, precision, recall and time on labelled sets, same blocks for both.

    .venv/bin/python benchmarks/matching.py --data ../shared/data [--splink PYTHON] [--million N]

--splink names the Python of an environment that has Splink 5; it is no dependency of this project. --million
makes N synthetic people and matches them, for time and memory.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from itertools import combinations
from operator import itemgetter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import pyarrow as pa  # noqa: E402

from tdlocal.commands.identity import clustered, quality  # noqa: E402
from tdlocal.engine import open_engine  # noqa: E402
from tdlocal.engine.types import Column  # noqa: E402
from unification.python.match import match  # noqa: E402
from unification.python.matching import Comparison, Rule  # noqa: E402

THRESHOLD = 0.9


def text(*columns: str) -> tuple[Comparison, ...]:
    return tuple(Comparison(column) for column in columns)


def names(*columns: str) -> tuple[Comparison, ...]:
    return tuple(Comparison(column, term_frequency=True) for column in columns)


FEBRL_NAME = (Comparison("given_name", term_frequency=True, swapped_with="surname"), *names("surname"))
FEBRL_PLACE = (
    *text("street_number"),
    Comparison("address_1", swapped_with="address_2"),
    *text("address_2"),
    *names("suburb"),
    *text("postcode"),
    Comparison("state", ()),
)
NAME_BLOCKS = (
    "substr(given_name, 1, 3) || substr(surname, 1, 3)",
    "substr(given_name, 1, 3) || postcode",
    "substr(surname, 1, 3) || postcode",
    "address_1",
    "substr(surname, 1, 3) || suburb",
    "substr(given_name, 1, 3) || suburb",
    "postcode || street_number",
)
FAKE_NAME = (Comparison("first_name", term_frequency=True, swapped_with="surname"), *names("surname"))
SETS = {
    "febrl": [
        Rule(
            "all_fields",
            (*NAME_BLOCKS, "soc_sec_id", "date_of_birth"),
            (*FEBRL_NAME, *FEBRL_PLACE, *text("date_of_birth", "soc_sec_id")),
            THRESHOLD,
        ),
        Rule("name_address", NAME_BLOCKS, (*FEBRL_NAME, *FEBRL_PLACE), THRESHOLD),
        Rule(
            "name_phone",
            (
                "soc_sec_id",
                "substr(given_name, 1, 3) || substr(surname, 1, 3)",
                "substr(soc_sec_id, 1, 4)",
                "substr(soc_sec_id, 4)",
            ),
            (*FEBRL_NAME, *text("soc_sec_id")),
            THRESHOLD,
        ),
    ],
    "fake_1000": [
        Rule(
            "all_fields",
            (
                "substr(first_name, 1, 3) || substr(surname, 1, 3)",
                "dob",
                "email",
                "substr(first_name, 1, 3) || substr(dob, 1, 4)",
                "substr(surname, 1, 3) || substr(dob, 1, 4)",
                "substr(email, 1, 5)",
            ),
            (
                *FAKE_NAME,
                *text("dob"),
                Comparison("city", (0.8,), True),
                *text("email"),
            ),
            THRESHOLD,
        ),
        Rule(
            "name_address",
            (
                "substr(first_name, 1, 3) || substr(surname, 1, 3)",
                "substr(surname, 1, 3) || city",
                "substr(first_name, 1, 3) || city",
            ),
            (*FAKE_NAME, Comparison("city", (0.8,), True)),
            THRESHOLD,
        ),
        Rule(
            "name_phone",
            ("email", "substr(first_name, 1, 3) || substr(surname, 1, 3)", "substr(email, 1, 5)"),
            (*FAKE_NAME, *text("email")),
            THRESHOLD,
        ),
    ],
}


def read(path: Path, id_column: str, person) -> tuple[list[dict[str, str | None]], dict[str, str]]:
    """Return records with record_id, and record_id → person."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = [
            {key.strip(): (value or "").strip() or None for key, value in row.items()}
            for row in csv.DictReader(file)
        ]
    for row in rows:
        row["record_id"] = row.pop(id_column)
    return rows, {row["record_id"]: person(row) for row in rows}


def ours(rule: Rule, records: list[dict[str, str | None]]) -> tuple[list[tuple[str, str]], float]:
    """Return links and seconds."""
    engine = open_engine(None, memory_limit="8GB", threads=2)
    engine.create_database("m")
    columns = [column for column in records[0] if column != "time"]
    engine.create_table("m", "records", [*(Column(c, "varchar") for c in columns), Column("time", "bigint")])
    arrays = {column: pa.array([row[column] for row in records], pa.string()) for column in columns}
    engine.append("m", "records", pa.table({**arrays, "time": pa.array([0] * len(records), pa.int64())}))

    def run(sql: str) -> list[tuple]:
        answer = engine.run(sql, database="m", scheduled_time=0)
        return [row for batch in answer.batches() for row in batch]

    started = time.perf_counter()
    match(run, rule, "records")
    links = [tuple(row) for row in run(f"select left_id, right_id from match_{rule.name}_links")]
    seconds = time.perf_counter() - started
    engine.close()
    return links, seconds


SPLINK = """
import json, logging, sys, time
logging.disable(logging.CRITICAL)
import duckdb
import splink.comparison_library as cl
from splink import Linker, SettingsCreator, block_on
from splink.internals.duckdb.database_api import DuckDBAPI
task = json.load(open(sys.argv[1]))
con = duckdb.connect(); con.execute("set threads=2; set memory_limit='8GB'")
con.execute("create table r as select * from read_csv(?, header=true, all_varchar=true)", [task["csv"]])
api = DuckDBAPI(connection=con)
def comparison(name, levels, tf):
    if name in task["names"]:
        c = cl.NameComparison(name)
    elif name in ("dob", "date_of_birth"):
        c = cl.LevenshteinAtThresholds(name, [1, 2])
    elif name == "email":
        c = cl.EmailComparison(name)
    elif not levels:
        c = cl.ExactMatch(name)
    else:
        c = cl.LevenshteinAtThresholds(name, [1, 2])
    return c.configure(term_frequency_adjustments=True) if tf else c
settings = SettingsCreator(
    link_type="dedupe_only", unique_id_column_name="record_id",
    comparisons=[comparison(*each) for each in task["compare"]],
    blocking_rules_to_generate_predictions=[block_on(each) for each in task["blocks"]])
started = time.perf_counter()
linker = Linker(api.table_to_splink_dataframe("r", "r"), settings)
linker.training.estimate_probability_two_random_records_match([block_on(b) for b in task["blocks"][:1]], recall=0.7)
linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
for block in task["blocks"]:
    try:
        linker.training.estimate_parameters_using_expectation_maximisation(block_on(block), record_sample_proportion=1.0)
    except Exception as error:
        print("training block failed:", block, str(error)[:80], file=sys.stderr)
found = linker.inference.predict(threshold_match_probability=task["threshold"]).as_record_list()
seconds = time.perf_counter() - started
json.dump({"links": [[f["record_id_l"], f["record_id_r"]] for f in found], "seconds": seconds}, open(sys.argv[2], "w"))
"""  # noqa: E501


def splink(
    python: str, rule: Rule, records: list[dict[str, str | None]]
) -> tuple[list[tuple[str, str]], float]:
    """Return Splink's links and seconds for the same blocks and columns."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "r.csv"
        columns = [column for column in records[0] if column != "time"]
        with data.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore")
            writer.writeheader()
            writer.writerows(records)
        task = {
            "csv": str(data),
            "blocks": rule.block_by,
            "threshold": rule.threshold,
            "names": ["given_name", "surname", "first_name"],
            "compare": [[c.column, c.levels, c.term_frequency] for c in rule.compare],
        }
        (Path(folder) / "task.json").write_text(json.dumps(task), encoding="utf-8")
        answer = Path(folder) / "answer.json"
        subprocess.run([python, "-c", SPLINK, f"{folder}/task.json", str(answer)], check=True)
        found = json.loads(answer.read_text(encoding="utf-8"))
    return [tuple(map(str, pair)) for pair in found["links"]], found["seconds"]


def shown(who: str, links: list[tuple[str, str]], truth: dict[str, str], seconds: float) -> str:
    clusters = clustered(truth, links)
    precision, recall, f1 = quality(truth, set(links), clusters)
    _, _, cluster_f1 = quality(truth, None, clusters)
    pairs = f"P {precision:.4f}  R {recall:.4f}  F1 {f1:.4f}"
    return f"{who:8} {pairs}  clustered F1 {cluster_f1:.4f}  {seconds:6.2f} s"


def million(count: int) -> None:
    """Match *count* synthetic records, every tenth a misspelt copy of another."""
    dice = random.Random(1)
    letters = "abcdefghijklmnoprstuvwxyz"
    firsts = ["".join(dice.choices(letters, k=dice.randint(3, 9))) for _ in range(3000)]
    lasts = ["".join(dice.choices(letters, k=dice.randint(4, 11))) for _ in range(40_000)]
    streets = ["".join(dice.choices(letters, k=dice.randint(5, 12))) for _ in range(20_000)]
    records: list[dict[str, str | None]] = []
    truth = {}
    for at in range(count):
        if at % 10 == 9:
            row = dict(records[dice.randrange(at)])
            column = dice.choice(["first_name", "last_name", "address"])
            value = row[column] or ""
            place = dice.randrange(len(value))
            row[column] = value[:place] + dice.choice(letters) + value[place + 1 :]
            person = truth[row["record_id"]]
        else:
            row = {
                "first_name": dice.choice(firsts),
                "last_name": lasts[int(len(lasts) * dice.random() ** 2)],
                "address": f"{dice.randint(1, 999)} {dice.choice(streets)} st",
                "city": f"city {dice.randrange(500)}",
                "postal_code": f"{dice.randrange(30_000):05d}",
                "date_of_birth": f"{dice.randint(1940, 2005)}-{dice.randint(1, 12):02d}-15",
            }
            person = str(at)
        row["record_id"] = str(at)
        truth[str(at)] = person
        records.append(row)
    rule = Rule(
        "name_address",
        ("substr(last_name, 1, 3) || postal_code", "substr(first_name, 1, 3) || postal_code", "address"),
        (
            *names("first_name", "last_name", "address"),
            Comparison("city", (0.8,)),
            Comparison("postal_code", (0.8,)),
            Comparison("date_of_birth", (0.8, 0.9)),
        ),
        0.98,
        split_by="substr(first_name, 1, 1)",
    )
    links, seconds = ours(rule, records)
    print(f"{count:,} records")
    print(shown("ours", links, truth, seconds))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"peak memory {memory:.2f} GB, the records among it")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data")
    parser.add_argument("--splink", help="Python of an environment with Splink 5")
    parser.add_argument(
        "--million", type=int, metavar="N", help="only N synthetic records, for time and memory"
    )
    arguments = parser.parse_args()
    if arguments.million:
        million(arguments.million)
        return

    def febrl(row: dict[str, str | None]) -> str:
        return str(row["record_id"]).split("-")[1]

    shared = arguments.data
    sets = [
        ("febrl 1", "febrl", shared / "febrl/dataset1.csv", "rec_id", febrl),
        ("febrl 2", "febrl", shared / "febrl/dataset2.csv", "rec_id", febrl),
        (
            "fake_1000",
            "fake_1000",
            shared / "splink_fake_1000/fake_1000.csv",
            "unique_id",
            itemgetter("cluster"),
        ),
    ]
    for title, kind, file, id_column, person in sets:
        records, truth = read(file, id_column, person)
        pairs = sum(1 for a, b in combinations(truth.values(), 2) if a == b)
        print(f"\n{title}: {len(records)} records, {pairs} pairs of one person")
        for rule in SETS[kind]:
            print(f" {rule.name}")
            print("  " + shown("ours", *_swap(ours(rule, records), truth)))
            if arguments.splink:
                print("  " + shown("Splink", *_swap(splink(arguments.splink, rule, records), truth)))


def _swap(result: tuple[list[tuple[str, str]], float], truth: dict[str, str]) -> tuple:
    return result[0], truth, result[1]


if __name__ == "__main__":
    main()
