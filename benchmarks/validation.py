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
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import tdclient
import yaml

from tdlocal.local_server import LocalServer, local_account

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
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
        rows = ask(finding["rows_query"])
        if kind == "order without lines":  # an order counts once, however often it was exported
            rows = list({row[column]: row for row in rows}.values())
        seen: set[str] = set()  # keys; the first row of each repeats nothing
        for row in rows:
            if check == "CONVERSION":
                raw = next(name for name, target in targets[table].items() if target == column)
                cells[(table, column, same(row[raw]))] += 1
            elif check == "TOTAL":
                cells[(table, column, same(row["value"]))] += 1
            elif check == "REPEATED_KEY":
                key = "|".join(str(row[name]) for name in column.split(", "))
                cells[(table, column, same(key))] += key in seen
                seen.add(key)
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


# rows as wide and as varied as those of a shop; `n` counts them
SHOP_LINES = {
    "order_no": "cast(536365 + n / 21 as varchar)",
    "order_line_no": "n % 21",
    "order_datetime": "concat('2011-', lpad(cast(1 + n % 12 as varchar), 2, '0'), '-',"
    " lpad(cast(1 + n % 28 as varchar), 2, '0'), 'T08:26:00Z')",
    "product_id": "cast(10000 + (n * 7919) % 4070 as varchar)",
    "product_name": "concat('WHITE HANGING HEART NO ', cast((n * 7919) % 4070 as varchar))",
    "product_department": "element_at(array['United Kingdom', 'France', 'EIRE', 'Germany'], cast(1 + n % 4 as"
    " integer))",
    "quantity": "1 + n % 12",
    "list_price": "(95 + n % 1000) / 1e2",
}
LINE_RULES = {
    "key": ["order_no", "order_line_no"],
    "columns": {
        "order_no": {"format": "^C?[0-9]+$"},
        "order_datetime": {"format": "date"},
        "product_id": {"format": "^[0-9A-Za-z]+$"},
        "product_department": {"values": ["united kingdom", "france", "eire", "germany"]},
        "quantity": {"range": [-1000, 1000]},
        "list_price": {"range": [0, None]},
    },
}
PAGEVIEWS = {
    "td_url": "concat('https://www.shop.example/products/p', cast((n * 7919) % 2000 as varchar),"
    " '?utm_source=mail&v=', cast(n % 97 as varchar))",
    "td_path": "concat('/products/p', cast((n * 7919) % 2000 as varchar))",
    "td_title": "concat('Product ', cast((n * 7919) % 2000 as varchar), ' | Shop')",
    "td_description": "cast(null as varchar)",
    "td_host": "'www.shop.example'",
    "td_language": "element_at(array['en-us', 'de', 'fr'], cast(1 + n % 3 as integer))",
    "td_charset": "'utf-8'",
    "td_os": "element_at(array['Windows', 'iOS', 'Android'], cast(1 + n % 3 as integer))",
    "td_os_version": "cast(10 + n % 5 as varchar)",
    "td_user_agent": "concat('Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/',"
    " cast(100 + n % 30 as varchar), '.0 Safari/537.36')",
    "td_platform": "'Win32'",
    "td_screen": "element_at(array['1920x1080', '390x844'], cast(1 + n % 2 as integer))",
    "td_viewport": "element_at(array['1903x969', '390x664'], cast(1 + n % 2 as integer))",
    "td_color": "'24-bit'",
    "td_version": "'3.1.0'",
    "td_global_id": "case when n % 3 = 0 then to_hex(md5(to_utf8(cast(n / 9 as varchar)))) end",
    "td_client_id": "to_hex(md5(to_utf8(cast(n / 12 as varchar))))",
    "td_ip": "concat('203.0.', cast(n % 251 as varchar), '.', cast((n * 31) % 253 as varchar))",
    "td_referrer": "case when n % 2 = 0 then 'https://www.google.com/' end",
    "td_browser": "element_at(array['Chrome', 'Safari'], cast(1 + n % 2 as integer))",
    "td_browser_version": "cast(100 + n % 30 as varchar)",
}


class Case(NamedTuple):
    """One speed measurement: a table, its columns as SQL over `n`, its rules, its rows and the target."""

    table: str
    columns: dict[str, str]
    rules: dict[str, Any]
    rows: int
    seconds: float


def speed_part(page_rows: int) -> list[dict[str, Any]]:
    """Measure the checks' speed beside DuckDB alone; print a line per table."""
    config = {
        name: yaml.safe_load((ROOT / f"config/{name}.yml").read_text(encoding="utf-8"))
        for name in ("retail_schema", "validation")
    }
    cases = (
        Case("order_details", SHOP_LINES, LINE_RULES, 541_909, 2.0),
        Case("pageviews", PAGEVIEWS, config["validation"]["tables"]["pageviews"], page_rows, page_rows / 5e5),
    )
    figures = []
    with tempfile.TemporaryDirectory() as folder, local_account(Path(folder) / "state") as server:
        for case in cases:
            figures.append(checked(server, Path(folder), case, config["retail_schema"][case.table]))
            print(
                "speed: {table}, {rows:,} rows x {columns} columns, {checks} checks: {seconds:.2f} s"
                " (target {target:g} s); the same counts in DuckDB alone {duckdb:.2f} s".format(**figures[-1])
                + ("" if figures[-1]["ok"] else "  MISSED")
            )
    return figures


def checked(server: LocalServer, folder: Path, case: Case, types: dict[str, str]) -> dict[str, Any]:
    """Make the rows of *case*, check them as wf03_validate does, and measure both ways."""
    from common.python import treasure
    from common.python.schema_map import MappedColumn, MappedTable
    from validation.python import checks
    from validation.python.check import Check
    from validation.python.config import read_rules

    os.environ.update(TD_API_SERVER=server.url, TD_PRESTO_API=server.url, TD_API_KEY=server.key)
    source, log = "src_speed", "va_config_speed"
    for database in (source, log):
        treasure.create_database(database)
    made = ",\n".join(f"{sql} as {name}" for name, sql in case.columns.items())
    treasure.run_query(
        source, f"create table {case.table} as\nselect {made}\nfrom {numbers(case.rows)}", rows=False
    )
    schema = {case.table: {name: types[name] for name in case.columns}}
    path = folder / "validation.yml"
    path.write_text(yaml.safe_dump({"tables": {case.table: case.rules}}), encoding="utf-8")
    columns = tuple(MappedColumn(name, types[name], prp=name) for name in case.columns)
    check = Check(
        [MappedTable(case.table, case.table, columns)], read_rules(schema, str(path)), source, log, 0
    )
    began = time.monotonic()
    check.run()
    seconds = time.monotonic() - began
    assert check.quality[0]["row_count"] == case.rows, "the rows were not all checked"
    measures = [
        checks.Measure(name, types[name], check.rules.rule(case.table, name)) for name in case.columns
    ]
    treasure.run_query(source, f"drop table {case.table}", rows=False)
    return {
        "table": case.table,
        "rows": case.rows,
        "columns": len(case.columns),
        "checks": sum(1 + len(measure.wrong()) for measure in measures) + bool(case.rules.get("key")),
        "seconds": seconds,
        "duckdb": duckdb_seconds(folder / f"{case.table}.duckdb", case, measures),
        "target": case.seconds,
        "ok": seconds <= case.seconds,
    }


def numbers(rows: int) -> str:
    """Return SQL of a table with the numbers 0 to rows - 1 as `n`."""
    width = 10_000
    return (
        f"(select (a - 1) * {width} + b - 1 as n from unnest(sequence(1, {-(-rows // width)})) as t (a)"
        f" cross join unnest(sequence(1, {width})) as u (b)) where n < {rows}"
    )


def duckdb_seconds(path: Path, case: Case, measures: list[Any]) -> float:
    """Return the seconds that DuckDB alone needs for the same counts over the same rows, written by hand."""
    import duckdb

    from validation.python.formats import FORMATS

    with duckdb.connect(str(path)) as connection:
        made = ", ".join(f"{duckdb_sql(sql)} as {name}" for name, sql in case.columns.items())
        connection.execute(
            f"create table t as select {made} from (select range as n from range({case.rows}))"
        )
        counts = ["count(*)"]
        for measure in measures:
            name, rule = measure.column, measure.rule
            is_text = measure.kind == "string"
            counts.append(f"count(*) filter ({name} <> '')" if is_text else f"count({name})")
            if rule.format:
                pattern = FORMATS.get(rule.format, rule.format)
                counts.append(f"count(*) filter (not regexp_matches({name}, '{pattern}'))")
            if rule.values:
                words = ", ".join(f"'{word}'" for word in rule.values)
                counts.append(f"count(*) filter (lower({name}) not in ({words}))")
            if rule.least is not None:
                counts.append(f"count(*) filter ({name} < {rule.least})")
            if rule.largest is not None:
                counts.append(f"count(*) filter ({name} > {rule.largest})")
        if case.rules.get("key"):
            key = ", ".join(case.rules["key"])
            counts.append(f"count(*) - count(distinct ({key}))")
        began = time.monotonic()
        connection.execute(f"select {', '.join(counts)} from t").fetchall()
        return time.monotonic() - began


def duckdb_sql(sql: str) -> str:
    """Return an expression of the cases in DuckDB's own words."""
    for ours, theirs in (
        ("to_hex(md5(to_utf8(", "(md5(("),
        ("n / ", "n // "),
        ("element_at(array[", "list_extract(list_value("),
        ("], cast", "), cast"),
    ):
        sql = sql.replace(ours, theirs)
    return sql


def main() -> int:
    """Run the parts that were asked for; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", choices=("truth", "speed"))
    parser.add_argument("--people", type=int, default=1000)
    parser.add_argument("--share", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--rows", type=int, default=10_000_000, help="page views of the speed part")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = {}
    if arguments.only != "speed":
        figures["truth"] = truth_part(arguments.people, arguments.share, arguments.seed)
    if arguments.only != "truth":
        figures["speed"] = speed_part(arguments.rows)
    if arguments.json:
        print(json.dumps(figures, indent=1))
    return 0 if all(figure["ok"] for part in figures.values() for figure in part) else 1


if __name__ == "__main__":
    raise SystemExit(main())
