"""How true and how fast validation is: wrong cells found of those known, and seconds over many rows.

Run `python benchmarks/validation.py`; `--only truth` or `--only speed` runs one part, `--people`, `--share`
and `--rows` set the sizes, `--json` prints figures for machines. Exit code 1 when a target is missed.

truth   The sample shop with a list of spoiled cells (`tdlocal sample --damage`), mapped and validated by the
        workflows. Each finding's own query is run, and its rows are held against the list: recall is the
        share of the spoiled cells that a finding shows, precision the share of shown cells that are spoiled.
speed   The checks of config/validation.yml over generated rows, beside DuckDB alone: a plain aggregate that
        counts what is filled, and the same checks written for DuckDB.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import tdclient
import yaml

from tdlocal.local_server import local_account

ROOT = Path(__file__).resolve().parent.parent
SESSION = "2026-11-01"
EXACT_KINDS = ("format", "line", "order")  # kinds that must be found without exception
# columns that the sample always fills; others have natural gaps, which are no spoiled cells
NEVER_MISSING = ("order_details.product_id", "pageviews.td_client_id", "consents.id")
Rows = list[dict[str, Any]]
Ask = Callable[[str], Rows]


class Score(NamedTuple):
    """One kind of error: cells that were spoiled, cells that findings show, and those that are both."""

    kind: str
    spoiled: int
    shown: int
    right: int

    @property
    def recall(self) -> float:
        """Share of the spoiled cells that a finding shows."""
        return self.right / self.spoiled if self.spoiled else 1.0

    @property
    def precision(self) -> float:
        """Share of the shown cells that are spoiled."""
        return self.right / self.shown if self.shown else 1.0

    @property
    def is_exact(self) -> bool:
        """Tell whether the kind is one of format and reference."""
        return self.kind.startswith(EXACT_KINDS)

    @property
    def on_target(self) -> bool:
        """Tell whether the kind is found well enough."""
        return not self.is_exact or (self.recall == 1.0 and self.precision >= 0.99)


def damaged_shop(state: Path, people: int, share: float, seed: int) -> Path:
    """Load the damaged sample, map and validate it; return the list of spoiled cells."""
    words = ["--people", str(people), "--seed", str(seed), "--damage", str(share), "--load"]
    tdlocal(state, "sample", *words)
    tdlocal(state, "run", "wf02_mapping", "--session", SESSION)
    tdlocal(state, "run", "wf03_validate", "--session", SESSION)
    return next(state.glob("sample/*/damaged-*/truth/damage.csv"))


def tdlocal(state: Path, *words: str) -> None:
    """Run one command of the kit."""
    command = [sys.executable, "-m", "tdlocal.cli", *words, "--state", str(state)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed: {(done.stdout + done.stderr)[-2000:]}")


def scores(state: Path, truth: Path) -> list[Score]:
    """Hold what the findings of *state* show against *truth*, kind by kind."""
    with local_account(state) as server:
        client = tdclient.Client(apikey=server.key, endpoint=server.url)

        def ask(sql: str) -> Rows:
            job = client.query("va_config_retail", sql, type="presto")
            job.wait()
            if not job.success():
                raise SystemExit(f"{sql}\n{job.debug}")
            names = [name for name, *_ in job.result_schema or []]
            return [dict(zip(names, row, strict=True)) for row in job.result()]

        spoiled = spoiled_cells(truth, ask)
        shown = shown_cells(ask)
    kinds = sorted(spoiled.keys() | shown.keys())
    return [
        Score(kind, spoiled[kind].total(), shown[kind].total(), (spoiled[kind] & shown[kind]).total())
        for kind in kinds
    ]


def spoiled_cells(truth: Path, ask: Ask) -> dict[str, Counter[tuple[str, ...]]]:
    """Return kind → spoiled cells as (src table, src column, value), those that preparation kept.

    Of an e-mail event that was delivered twice only the later delivery reaches src.
    """
    kept = {
        row["event_id"]: row["email"] for row in ask("select event_id, email from prp_retail.email_activity")
    }
    targets = sources()
    found: dict[str, Counter[tuple[str, ...]]] = {}
    with truth.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            table, column, value = row["table_name"], row["column_name"], row["after"]
            if table == "email_activity" and kept.get(row["record_key"]) != value:
                continue
            kind = row["kind"]
            if kind in ("order without lines", "total", "repeated key"):
                value = row["record_key"]
            cell = (table, targets[table].get(column, column), same(value))
            if kind == "total":
                cell = ("order_details", "net_price", same(value))
            found.setdefault(kind, Counter())[cell] += 1
    return found


def sources() -> dict[str, dict[str, str]]:
    """Return src table → raw column → src column, by the map."""
    text = (ROOT / "config/schema_map.yml").read_text(encoding="utf-8")
    return {
        table: {spec["prp"]: column for column, spec in reversed(entry["columns"].items()) if "prp" in spec}
        for table, entry in yaml.safe_load(text).items()
    }


def shown_cells(ask: Ask) -> dict[str, Counter[tuple[str, ...]]]:
    """Return kind → the cells that the findings' own queries show."""
    found: dict[str, Counter[tuple[str, ...]]] = {}
    rules = yaml.safe_load((ROOT / "config/validation.yml").read_text(encoding="utf-8"))["tables"]
    targets = sources()
    for finding in ask("select * from validation_findings where rows_query <> ''"):
        table, column, check = finding["table_name"], finding["column_name"], finding["check_name"]
        rule = ((rules.get(table) or {}).get("columns") or {}).get(column) or {}
        kind = kind_of(check, table, column, rule)
        if not kind:
            continue
        cells = found.setdefault(kind, Counter())
        for row in ask(finding["rows_query"]):
            if check == "CONVERSION":
                raw = next(name for name, target in targets[table].items() if target == column)
                cells[(table, column, same(row[raw]))] += 1
            elif check in ("REFERENCE", "TOTAL"):  # an order counts once, a line for itself
                cells[(table, column, same(row["value"]))] += (
                    int(row["occurrences"]) if kind == "line without order" else 1
                )
            elif check == "REPEATED_KEY":
                key = "|".join(str(row[name]) for name in column.split(", "))
                cells[(table, column, same(key))] += int(row["occurrences"]) - 1
            else:
                cells[(table, column, same(row[column]))] += 1
    return found


def kind_of(check: str, table: str, column: str, rule: dict[str, Any]) -> str:
    """Return the kind of error that a check looks for, in the words of the list of spoiled cells."""
    if check == "REFERENCE":
        return "line without order" if table == "order_details" else "order without lines"
    if check == "COMPLETENESS":
        return "missing" if f"{table}.{column}" in NEVER_MISSING else ""
    return {
        "FORMAT": f"format {rule.get('format')}",
        "CONVERSION": "conversion",
        "RANGE": "range",
        "VALUES": "values",
        "TOTAL": "total",
        "REPEATED_KEY": "repeated key",
    }.get(check, "")


def same(value: Any) -> str:
    """Return a value as text, numbers alike whatever their type."""
    if value is None:
        return ""
    try:
        return (
            f"{float(value):.6g}"
            if str(value).strip().lstrip("-").replace(".", "", 1).isdigit()
            else str(value)
        )
    except ValueError:
        return str(value)


def truth_part(people: int, share: float, seed: int) -> list[dict[str, Any]]:
    """Measure the truth of the findings; print a line per kind."""
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        measured = scores(state, damaged_shop(state, people, share, seed))
    print(f"truth: {people:,} people, {share:.1%} of the cells spoiled, seed {seed}")
    print(table_of(measured))
    return [
        {**score._asdict(), "recall": score.recall, "precision": score.precision, "ok": score.on_target}
        for score in measured
    ]


def table_of(measured: Iterable[Score]) -> str:
    """Return the scores as lines of text."""
    lines = [f"  {'kind':22} {'spoiled':>8} {'shown':>8} {'recall':>8} {'precision':>10}"]
    lines += [
        f"  {score.kind:22} {score.spoiled:8,} {score.shown:8,} {score.recall:8.3f} {score.precision:10.3f}"
        + ("" if score.on_target else "  MISSED")
        for score in measured
    ]
    return "\n".join(lines)


def main() -> int:
    """Run the parts that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("truth", "speed"))
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = {}
    if arguments.only != "speed":
        figures["truth"] = truth_part(arguments.people, arguments.share, arguments.seed)
    if arguments.json:
        print(json.dumps(figures, indent=1))
    return 0 if all(figure["ok"] for part in figures.values() for figure in part) else 1


if __name__ == "__main__":
    raise SystemExit(main())
