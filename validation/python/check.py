"""Check the src tables: schema, values, keys, conditions, references, totals, conversions.

Task      wf03_validate +check, ``py>: validation.python.check.main``
Reads     src_<sub>.*; va_config_<sub>.mapping_rejects; config/validation.yml, schema_map.yml
Writes    va_config_<sub>, replaced whole: validation_findings (one row per finding),
          schema_validation (one per expected column), column_quality (one per column and table);
          appended: validation_runs (one row per run, with the verdict), table_history (one per table
          and run: its rows, its newest time)
Stores    `validation`: {verdict, critical, warning, info, first}; `record_counts`
Raises    TaskError for faults of the config; findings never raise here
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from common.python import treasure
from common.python.attempt import run_id
from common.python.errors import TaskError, unbraced
from common.python.masking import SAMPLE_ROWS, masked, masked_rows, sample_rows_sql
from common.python.publish import now_text
from common.python.retail_schema import read_schema
from common.python.schema_map import MappedTable, mapping, raw_tables_of
from validation.python import checks, history
from validation.python.config import Rules, read_rules
from validation.python.findings import (
    FINDING_COLUMNS,
    Finding,
    completeness_finding,
    in_order,
    normal_type,
    schema_findings,
    schema_status,
    share_finding,
    with_previous,
)

AT_ONCE = 4
SHOWN_BESIDE = 4  # columns of a sample row beside the one that the finding is about
STATUS_COLUMNS = {
    "table_name": "varchar",
    "column_name": "varchar",
    "expected_type": "varchar",
    "actual_type": "varchar",
    "validation_status": "varchar",
    "required": "varchar",
    "place": "varchar",
}
QUALITY_COLUMNS = {
    "table_name": "varchar",
    "column_name": "varchar",
    "source": "varchar",
    "row_count": "bigint",
    "filled_count": "bigint",
    "wrong_count": "bigint",
    "completeness": "double",
    "expected_completeness": "double",
    "previous_row_count": "bigint",
    "previous_completeness": "double",
    "session_unixtime": "bigint",
}
RUN_COLUMNS = {
    "verdict": "varchar",
    "critical": "bigint",
    "warning": "bigint",
    "info": "bigint",
    "tables_checked": "bigint",
    "columns_checked": "bigint",
    "rows_checked": "bigint",
    "run_id": "varchar",
    "checked_at": "varchar",
    "session_unixtime": "bigint",
}


class Check:
    """One validation run: the rules, what is there, and what was found so far."""

    def __init__(
        self, mapped: Sequence[MappedTable], rules: Rules, database: str, log: str, session: int
    ) -> None:
        self.mapped, self.rules, self.database, self.log, self.session = mapped, rules, database, log, session
        self.findings: list[Finding] = []
        self.quality: list[dict[str, Any]] = []
        self.status: list[dict[str, Any]] = []
        self.sizes: dict[str, dict[str, Any]] = {}
        self.history: list[dict[str, Any]] = []
        self.have = {
            name: {column: normal_type(kind) for column, kind in treasure.columns_of(table).items()}
            for name, table in treasure.tables(database).items()
        }
        self.logged = treasure.tables(log)
        self.threshold = float(rules.settings["quality_threshold"])

    def run(self) -> None:
        """Do all checks."""
        rejects = self.read_log("mapping_rejects")
        self.history = self.read_log("table_history")
        before = {(row["table_name"], row["column_name"]): row for row in self.read_log("column_quality")}
        known = {table.name for table in self.mapped}
        vanished = {
            (row["table_name"], row["column_name"]): f"{row['prp_table']}.{row['prp_column']}"
            for row in rejects
            if row["kind"] == "missing_column" and row["table_name"] in known
        }
        self.status = schema_status(self.mapped, self.have, vanished)
        self.findings += schema_findings(self.status, self.rules, vanished, self.database)
        tables = [table for table in self.mapped if table.name in self.have]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for found, quality in pool.map(lambda table: self.try_table(table, before), tables):
                self.findings += found
                self.quality += quality
            for found in pool.map(
                self.try_across, [*self.rules.rows, *self.rules.references, *self.rules.totals]
            ):
                self.findings += found
        self.findings += [self.reject_finding(row) for row in rejects if row["kind"] == "unconvertible"]
        self.findings += [self.type_finding(row) for row in rejects if row["kind"] == "changed_type"]
        for finding in self.findings:
            self.complete(finding)
        earlier = self.read_log("validation_findings")
        self.findings = in_order(with_previous(self.findings, earlier, self.session))

    def read_log(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the log database, none when it is not there."""
        if table not in self.logged:
            return []
        return treasure.run_query(self.log, f"select * from {treasure.identifier(table)}").dicts()

    def try_table(
        self, table: MappedTable, before: Mapping[tuple[str, str], Mapping[str, Any]]
    ) -> tuple[list[Finding], list[dict[str, Any]]]:
        """Check one table; a check that cannot run is a finding and stops no other."""
        try:
            return self.check_table(table, before)
        except treasure.ApiError:
            raise
        except TaskError as error:
            return [check_failed(table.name, error)], []

    def try_across(self, entry: Mapping[str, Any]) -> list[Finding]:
        """Check one condition, reference or total; one that cannot run is a finding."""
        try:
            return self.check_rows(entry) if "where" in entry else self.check_across(entry)
        except treasure.ApiError:
            raise
        except TaskError as error:
            return [check_failed(str(entry["name"]), error)]

    def check_table(
        self, table: MappedTable, before: Mapping[tuple[str, str], Mapping[str, Any]]
    ) -> tuple[list[Finding], list[dict[str, Any]]]:
        """Measure one table in one pass; return findings and rows of column_quality."""
        if table.absent:
            return [absent_finding(table, self.database)], []
        have = self.have[table.name]
        columns = [column for column in table.columns if column.name in have and (column.prp or column.expr)]
        measures = [
            checks.Measure(column.name, have[column.name], self.rules.rule(table.name, column.name))
            for column in columns
        ]
        key = [name for name in self.rules.keys.get(table.name, ()) if name in have]
        sql = checks.profile_sql(self.database, table.name, measures, key)
        values = iter(treasure.run_query(self.database, sql, session_unixtime=self.session).rows[0])
        rows, repeated, last_time = int(next(values)), int(next(values)), next(values)
        found = [*self.table_findings(table, rows, repeated, key, last_time)]
        self.sizes[table.name] = {"row_count": rows, "last_time": last_time}
        quality = []
        for column, measure in zip(columns, measures, strict=True):
            filled, wrong_all = int(next(values) or 0), 0
            counts = {"rows": rows, "filled": filled}
            rule = measure.rule
            finding = completeness_finding(
                table.name, column.name, rule, column.required, counts, self.threshold
            )
            self.add(found, finding, table, column, f"not ({measure.filled()}) or {measure.name} is null")
            for check, condition in measure.wrong().items():
                wrong = int(next(values) or 0)
                wrong_all += wrong
                finding = share_finding(
                    check,
                    table.name,
                    column.name,
                    rule,
                    wrong,
                    filled,
                    self.threshold,
                    measure.expected(check),
                )
                self.add(found, finding, table, column, condition, sampled=True)
            least = self.threshold if rule.completeness is None else float(rule.completeness)
            quality.append(self.quality_row(table, column, rows, filled, wrong_all, least, before))
        return found, quality

    def add(
        self,
        found: list[Finding],
        finding: Finding | None,
        table: MappedTable,
        column: Any,
        condition: str,
        sampled: bool = False,
    ) -> None:
        """Complete a finding with its rows' query, way back and samples, and keep it."""
        if finding is None:
            return
        finding.rows_query = checks.rows_sql(self.database, table.name, condition)
        finding.source = source_of(table, column)
        finding.place = finding.place or column.place
        finding.sample_rows = self.sample_rows(table, [column.name], condition)
        if sampled:
            sql = checks.samples_sql(self.database, table.name, column.name, condition)
            samples = treasure.run_query(self.database, sql, session_unixtime=self.session).rows
            finding.samples = json.dumps([[masked(value), times] for value, times in samples])
        found.append(finding)

    def complete(self, finding: Finding) -> None:
        """Give a finding about a whole table or column its way back, its rows and how to see them all."""
        table = next((each for each in self.mapped if each.name == finding.table_name), None)
        if table is None or table.absent:
            return
        finding.source = finding.source or way_back(table, table.prp_table)
        rows = int(self.sizes.get(table.name, {}).get("row_count") or 0)
        if finding.rows_query or table.name not in self.have or not rows:
            return
        finding.rows_query = f"select * from {self.database}.{table.name}"
        column = [name for name in [finding.column_name] if name in self.have[table.name]]
        finding.sample_rows = self.sample_rows(table, column, "1 = 1")
        if finding.column_name:  # what is wrong with the column is wrong in every row
            finding.finding_count = finding.row_count = rows

    def sample_rows(
        self, table: MappedTable, columns: Sequence[str], condition: str, first: Sequence[str] = ()
    ) -> str:
        """Return the newest rows of a finding, masked: key, what must be there, the columns, time.

        Args:
            first: columns by which the rows are ordered before their age, so that equal ones stay together.
        """
        have = {**self.have[table.name], "time": "long"}
        needed = [column.name for column in table.columns if column.required]
        names = list(dict.fromkeys([*self.rules.keys.get(table.name, ()), *needed]))[:SHOWN_BESIDE]
        shown = [n for n in dict.fromkeys([*names, *columns, "time"]) if n in have]
        source = f"{treasure.identifier(self.database)}.{treasure.identifier(table.name)}"
        sql = sample_rows_sql(source, [(name, have[name]) for name in shown], condition, first)
        rows = treasure.run_query(self.database, sql, session_unixtime=self.session).rows
        return masked_rows(shown, rows)

    def table_findings(
        self, table: MappedTable, rows: int, repeated: int, key: Sequence[str], last_time: int | None
    ) -> list[Finding]:
        """Return findings about a table as a whole: empty, repeated keys, another size, stale."""
        found = []
        if rows == 0:
            found.append(
                Finding(
                    "warning",
                    "EMPTY_TABLE",
                    table.name,
                    expected="rows",
                    actual="none",
                    place=table.place,
                    advice="check the load of its raw table, or list it under absent_tables",
                )
            )
        if repeated:
            found.append(self.repeat_finding(table, rows, repeated, key))
        earlier = history.before(self.history, table.name, self.session)
        allowed = float(self.rules.settings["row_count_change"])
        place = self.rules.places.get(table.name, "config/validation.yml")
        days = self.rules.fresh_days.get(table.name)
        found += [
            finding
            for finding in (
                history.size_finding(table.name, rows, earlier, allowed),
                history.age_finding(table.name, last_time, days, self.session, place),
            )
            if finding is not None
        ]
        return found

    def repeat_finding(self, table: MappedTable, rows: int, repeated: int, key: Sequence[str]) -> Finding:
        """Return the finding of rows that repeat a key."""
        condition = checks.repeated_rows(self.database, table.name, key)
        sql = checks.repeats_sql(self.database, table.name, key)
        keys = treasure.run_query(self.database, sql, session_unixtime=self.session).rows
        return Finding(
            "warning" if repeated > (1 - self.threshold) * rows else "info",
            "REPEATED_KEY",
            table.name,
            ", ".join(key),
            expected="one row per key",
            actual=f"{repeated:,} rows repeat a key",
            finding_count=repeated,
            row_count=rows,
            samples=json.dumps([[", ".join(masked(value) for value in row[:-1]), row[-1]] for row in keys]),
            rows_query=f"{checks.rows_sql(self.database, table.name, condition)} order by {', '.join(key)}",
            sample_rows=self.sample_rows(table, key, condition, first=key),
            source=way_back(table, f"{table.prp_table}: {', '.join(key)}"),
            place=self.rules.places.get(table.name, "config/validation.yml"),
            advice="staging keeps one row per key; see that the source means these as repeats",
        )

    def quality_row(
        self,
        table: MappedTable,
        column: Any,
        rows: int,
        filled: int,
        wrong: int,
        least: float,
        before: Mapping[Any, Any],
    ) -> dict[str, Any]:
        """Return one row of column_quality, with last session's numbers beside."""
        old = before.get((table.name, column.name))
        same = old is not None and old["session_unixtime"] == self.session
        prefix = "previous_" if same else ""
        return {
            "table_name": table.name,
            "column_name": column.name,
            "source": source_of(table, column),
            "row_count": rows,
            "filled_count": filled,
            "wrong_count": wrong,
            "completeness": filled / rows if rows else 0.0,
            "expected_completeness": least,
            "previous_row_count": old[f"{prefix}row_count"] if old else None,
            "previous_completeness": old[f"{prefix}completeness"] if old else None,
            "session_unixtime": self.session,
        }

    def check_rows(self, entry: Mapping[str, Any]) -> list[Finding]:
        """Count the rows of a table that meet a condition which none should meet."""
        table, column = str(entry["of"]).split(".")
        owner = next(each for each in self.mapped if each.name == table)
        if owner.absent or not self.has(entry["of"]):
            return []
        sql = checks.rows_sql(self.database, table, f"({entry['where']})")
        first = treasure.run_query(self.database, checks.counted(sql), session_unixtime=self.session).rows[0]
        if not first[0]:
            return []
        mapped_column = next((each for each in owner.columns if each.name == column), None)
        return [
            Finding(
                entry.get("severity", "warning"),
                "ROWS",
                table,
                column,
                expected="none",
                actual=f"{first[0]:,} {entry['name']}",
                finding_count=first[0],
                row_count=next((int(q["row_count"]) for q in self.quality if q["table_name"] == table), 0),
                sample_rows=self.sample_rows(owner, [column], f"({entry['where']})"),
                rows_query=sql,
                source=source_of(owner, mapped_column) if mapped_column else "",
                place=self.rules.places.get(str(entry["name"]), ""),
                advice=str(entry.get("advice") or "see what these rows mean, and map them so"),
            )
        ]

    def check_across(self, entry: Mapping[str, Any]) -> list[Finding]:
        """Check one reference or total between tables, when its tables and columns are there."""
        is_total = "of" in entry
        named = [entry["of"], entry["equals"]] if is_total else [entry["from"], *listed(entry["to"])]
        absent = {table.name for table in self.mapped if table.absent}
        usable = [name for name in named if self.has(name) and name.split(".")[0] not in absent]
        if named[0] not in usable or len(usable) < 2:
            return []
        if is_total and not all(self.is_number(name) for name in named):
            return []
        if is_total:
            sql = checks.total_sql(self.database, entry)
            count_sql = checks.counted(sql)
        else:
            sql = checks.reference_sql(self.database, {**entry, "to": usable[1:]})
            count_sql = checks.counted(sql, "coalesce(sum(occurrences), 0)")
        first = treasure.run_query(self.database, count_sql, session_unixtime=self.session).rows[0]
        if not first[0]:
            return []
        table, column = named[0].split(".")
        answer = treasure.run_query(self.database, f"{sql}\norder by 1\nlimit {SAMPLE_ROWS}")
        samples = answer.rows
        owner = next(each for each in self.mapped if each.name == table)
        mapped_column = next(each for each in owner.columns if each.name == column)
        rows = int(next((q["row_count"] for q in self.quality if q["table_name"] == table), 0))
        wrong = int(first[1])
        severity = entry.get("severity", "warning")
        return [
            Finding(
                severity if wrong > (1 - self.threshold) * max(rows, 1) else "info",
                "TOTAL" if is_total else "REFERENCE",
                table,
                column,
                expected=f"equal to {entry['equals']}" if is_total else f"one of {', '.join(usable[1:])}",
                actual=f"{wrong:,} {entry['name']}",
                finding_count=wrong,
                row_count=rows,
                samples=json.dumps([[masked(row[0]), row[1]] for row in samples]),
                sample_rows=masked_rows(answer.columns, samples)
                if is_total
                else self.sample_rows(owner, [column], checks.referring_rows(column, sql)),
                rows_query=" ".join(sql.split())
                if is_total
                else checks.rows_sql(self.database, table, checks.referring_rows(column, sql)),
                source=source_of(owner, mapped_column),
                place=self.rules.places.get(str(entry["name"]), ""),
                advice="compare with the source: a load may be missing, or late",
            )
        ]

    def has(self, column: str) -> bool:
        """Tell whether `table.column` is there."""
        table, _, name = str(column).partition(".")
        return name in self.have.get(table, {})

    def is_number(self, column: str) -> bool:
        """Tell whether `table.column` holds numbers; another type is a finding of its own."""
        table, _, name = column.partition(".")
        return self.have[table][name] in ("long", "double")

    def reject_finding(self, row: Mapping[str, Any]) -> Finding:
        """Return the finding of a column whose values could not be converted."""
        lost, rows = int(row["reject_count"] or 0), int(row["row_count"] or 0)
        prp = f"{row['prp_table']}.{row['prp_column']}"
        table = next((table for table in self.mapped if table.name == row["table_name"]), None)
        return Finding(
            "warning" if lost > (1 - self.threshold) * rows else "info",
            "CONVERSION",
            row["table_name"],
            row["column_name"],
            expected=f"values that are {row['type']}",
            actual=f"{lost:,} of {rows:,} values became null",
            finding_count=lost,
            row_count=rows,
            samples=row["samples"] or "[]",
            sample_rows=row.get("sample_rows") or "[]",
            rows_query=row.get("rows_query") or "",
            source=way_back(table, prp) if table else f"prp {prp}",
            place=row["place"],
            advice="mend the values at the source, or convert them with `expr:` in config/schema_map.yml",
        )

    def type_finding(self, row: Mapping[str, Any]) -> Finding:
        """Return the finding of a PRP column that is of another type than at the last run."""
        table = next((table for table in self.mapped if table.name == row["table_name"]), None)
        prp = f"{row['prp_table']}.{row['prp_column']}"
        return Finding(
            "warning" if self.rules.settings["warn_on_type_mismatch"] else "info",
            "CHANGED_TYPE",
            row["table_name"],
            row["column_name"],
            expected=f"{prp} of type {row['previous_type']}, as at the run before",
            actual=f"{prp} is of type {row['prp_type']} now",
            source=way_back(table, prp) if table else f"prp {prp}",
            place=row["place"],
            advice="ask the source what has changed; ids and codes that become numbers lose their noughts",
        )


def main(tables, src, sub, session_unixtime, absent_tables=()):
    """Task entry."""
    import digdag

    schema = read_schema()
    mapped = mapping(tables, absent_tables)
    log = f"va_config_{sub}"
    treasure.create_database(log)
    check = Check(mapped, read_rules(schema), f"{src}_{sub}", log, int(session_unixtime))
    check.run()
    counts = {
        name: sum(f.severity == name for f in check.findings) for name in ("critical", "warning", "info")
    }
    write(check, counts, run_id(digdag.env.params))
    for finding in check.findings:
        if finding.severity != "info":
            print(f"{finding.severity}: {finding.line()}")
    print(f"{counts['critical']} critical, {counts['warning']} warnings, {counts['info']} infos")
    rows = sum({row["table_name"]: row["row_count"] for row in check.quality}.values())
    digdag.env.store(
        {
            "validation": {
                **counts,
                "verdict": verdict(counts),
                "first": unbraced(check.findings[0].line()) if check.findings else "",
            },
            "record_counts": {"wf03_validate": rows},
        }
    )


def write(check: Check, counts: Mapping[str, int], by: str) -> None:
    """Write findings, schema status, column quality and the run's verdict."""
    rows = [finding.row(check.session) for finding in check.findings]
    treasure.insert_rows(check.log, "validation_findings", FINDING_COLUMNS, rows, replace=True)
    treasure.insert_rows(check.log, "schema_validation", STATUS_COLUMNS, check.status, replace=True)
    treasure.insert_rows(check.log, "column_quality", QUALITY_COLUMNS, check.quality, replace=True)
    run = {
        **counts,
        "verdict": verdict(counts),
        "tables_checked": len({row["table_name"] for row in check.quality}),
        "columns_checked": len(check.quality),
        "rows_checked": sum({row["table_name"]: row["row_count"] for row in check.quality}.values()),
        "run_id": by,
        "checked_at": now_text(),
        "session_unixtime": check.session,
    }
    treasure.insert_rows(check.log, "validation_runs", RUN_COLUMNS, [run])
    same = {"verdict": run["verdict"], "run_id": by, "session_unixtime": check.session}
    sizes = [{"table_name": table, **size, **same} for table, size in sorted(check.sizes.items())]
    treasure.insert_rows(check.log, "table_history", history.HISTORY_COLUMNS, sizes)


def verdict(counts: Mapping[str, int]) -> str:
    """Return the verdict in one word.

    >>> verdict({"critical": 0, "warning": 2})
    'usable'
    """
    if counts["critical"]:
        return "stopped"
    return "usable" if counts["warning"] else "good"


def check_failed(name: str, error: TaskError) -> Finding:
    """Return the finding of a check that could not run."""
    return Finding(
        "warning",
        "CHECK_FAILED",
        name,
        expected="a check that can run",
        actual=str(error.problem)[:500],
        advice="mend what the message names; the table's other findings may be hidden behind it",
    )


def absent_finding(table: MappedTable, database: str) -> Finding:
    """Return the note that a source is declared absent."""
    return Finding(
        "info",
        "ABSENT_SOURCE",
        table.name,
        expected=f"rows in {database}.{table.name}",
        actual="declared absent, the table is empty",
        place="config/src_params.yml",
        advice="take it out of absent_tables when the shop has it",
    )


def source_of(table: MappedTable, column: Any) -> str:
    """Return where a column's values come from: the raw tables, then the column or expression of prp."""
    prp = f"{table.prp_table}: {column.expr}" if column.expr else f"{table.prp_table}.{column.prp}"
    return way_back(table, prp)


def way_back(table: MappedTable, prp: str) -> str:
    """Return the raw tables behind a PRP table, as its prep says, and *prp*, its column."""
    names = raw_tables_of(table)
    return f"raw {', '.join(names)} > prp {prp}" if names else f"prp {prp}"


def listed(value: Any) -> list[str]:
    """Return *value* as a list."""
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
