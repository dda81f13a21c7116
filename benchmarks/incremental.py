"""What a day's load costs: wf02_mapping whole and by the newest days only, over a small and a large history.

Run `python benchmarks/incremental.py`; `--rows N` sets the size of the large history (the small one is a
quarter of it), `--json` prints figures for machines. A day brings 20,000 page views and as many e-mail
events. Exit code 1 when a target is missed: over the large history a day's load takes at most a third of a
whole one, and hardly longer than over the small one.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml

from tdlocal.console.report import events_of, first_of
from tdlocal.local_server import local_account

PROJECT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(PROJECT))
TDLOCAL = [sys.executable, "-m", "tdlocal.cli"]
DAY, LAST = 86_400, 1_793_491_200  # 2026-11-01
A_DAY = 20_000  # events of each table
DAYS = 5  # loads until the oldest state is taken instead of copied, and the one that is measured
TARGETS = {"day / whole": 1 / 3, "day, large / small": 2.0}
TABLES = {"pageviews": {"late_days": 1}, "email_activity": {"key": "event_id", "late_days": 1}}
PLACES = "concat('/p/', cast(n % 2000 as varchar))"
COLUMNS = {
    "pageviews": {
        "td_url": f"concat('https://www.shop.example', {PLACES})",
        "td_path": PLACES,
        "td_title": "concat('Product ', cast(n % 2000 as varchar))",
        "td_user_agent": "concat('Mozilla/5.0 (X11; Linux) Chrome/', cast(n % 30 as varchar))",
        "td_client_id": "to_hex(md5(to_utf8(cast(n / 12 as varchar))))",
        "td_ip": "concat('203.0.113.', cast(n % 251 as varchar))",
    },
    "email_activity": {
        "event_id": "to_hex(md5(to_utf8(cast(n as varchar))))",
        "datetime": "'2026-05-01T12:33:10+00:00'",
        "metric_name": "element_at(array['Received Email', 'Opened Email'], cast(1 + n % 2 as integer))",
        "campaign_id": "cast(n % 40 as varchar)",
        "campaign_name": "concat('Campaign ', cast(n % 40 as varchar))",
        "email": "concat('person', cast(n % 50000 as varchar), '@example.com')",
        "person_phone": "cast(null as varchar)",
        "external_id": "concat('C', cast(n % 50000 as varchar))",
        "subject": "'News'",
        "flow_id": "cast(null as varchar)",
    },
}


class Shop:
    """A project whose raw event tables grow by a day at a time."""

    def __init__(self, folder: Path, history: int) -> None:
        self.state, self.overlay, self.rows, self.runs = folder / "state", folder / "overlay", 0, 0
        (self.overlay / "config").mkdir(parents=True)
        tables = yaml.safe_load((PROJECT / "config/src_params.yml").read_text(encoding="utf-8"))["tables"]
        absent = [table["src_table_name"] for table in tables if table["src_table_name"] not in TABLES]
        own = {"absent_tables": absent, "incremental_tables": TABLES}
        (self.overlay / "config/src_params.yml").write_text(yaml.safe_dump(own), encoding="utf-8")
        self.first = LAST - (history // A_DAY) * DAY
        self.receive(history)

    def receive(self, rows: int) -> None:
        """Put the next *rows* events into each raw table, in the order of their times."""
        from common.python import treasure

        with local_account(self.state) as server:
            os.environ.update(TD_API_SERVER=server.url, TD_PRESTO_API=server.url, TD_API_KEY=server.key)
            treasure.create_database("raw_retail")
            for table, columns in COLUMNS.items():
                values = ", ".join(f"{sql} as {name}" for name, sql in columns.items())
                select = (
                    f"select {values}, {self.first} + n / 2 * {2 * DAY} / {A_DAY} as time\n"
                    f"from (select n + {self.rows} as n from {numbers(rows)})"
                )
                start = (
                    f"insert into {table} ({', '.join(columns)}, time)"
                    if self.rows
                    else f"create table {table} as"
                )
                treasure.run_query("raw_retail", f"{start}\n{select}", rows=False)
        self.rows += rows

    def load(self, day: int, *words: str) -> float:
        """Run wf02_mapping for a day; return its seconds."""
        command = [
            "run",
            "wf02_mapping",
            "--state",
            str(self.state),
            "--overlay",
            str(self.overlay),
            "--rerun",
        ]
        done = subprocess.run(
            [*TDLOCAL, *command, "--session", f"2026-11-{1 + day:02d}", *words],
            cwd=PROJECT, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            raise SystemExit(f"wf02_mapping failed: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        self.runs += 1
        return float(first_of(events_of(self.state / f"runs/{self.runs:04d}"), "run_ended")["seconds"])


def numbers(rows: int) -> str:
    """Return SQL of a table with the numbers 0 to rows - 1 as `n`, in order."""
    return (
        f"(select a * 1000 + b as n from unnest(sequence(0, {-(-rows // 1000) - 1})) as t (a)"
        f" cross join unnest(sequence(0, 999)) as u (b) where a * 1000 + b < {rows} order by 1)"
    )


def measured(history: int) -> dict[str, float]:
    """Return the seconds of a whole load and of a day's over a history of *history* rows a table."""
    with tempfile.TemporaryDirectory() as scratch:
        shop = Shop(Path(scratch), history)
        shop.load(0)
        day = 0.0
        for number in range(1, DAYS + 1):
            shop.receive(A_DAY)
            day = shop.load(number)
        return {
            "rows": float(shop.rows),
            "day s": day,
            "whole s": shop.load(DAYS + 1, "-p", "full_load=true"),
        }


def main() -> int:
    """Measure both histories; return 0 when every target is met."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=4_000_000, help="rows of each table's large history")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    small, large = measured(arguments.rows // 4), measured(arguments.rows)
    ratios = {
        "day / whole": large["day s"] / large["whole s"],
        "day, large / small": large["day s"] / small["day s"],
    }
    missed = [name for name, target in TARGETS.items() if ratios[name] > target]
    if arguments.json:
        print(json.dumps({"small": small, "large": large, **ratios, "missed": missed}))
        return 1 if missed else 0
    for figures in (small, large):
        print(
            "{rows:,.0f} rows a table: a day's load {day:.2f} s, all rows {whole:.2f} s".format(
                rows=figures["rows"], day=figures["day s"], whole=figures["whole s"]
            )
        )
    for name, ratio in ratios.items():
        print(f"{name:20}{ratio:6.2f}  target {TARGETS[name]:.2f}{'  MISSED' if name in missed else ''}")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
