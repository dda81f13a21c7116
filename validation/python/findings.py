"""Findings: what they hold, and how measured numbers become them. No query runs here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from common.python.schema_map import MappedTable
from validation.python.config import SEVERITIES, ColumnRule, Rules

FINDING_COLUMNS = {
    "severity": "varchar",
    "check_name": "varchar",
    "table_name": "varchar",
    "column_name": "varchar",
    "expected": "varchar",
    "actual": "varchar",
    "samples": "varchar",
    "sample_rows": "varchar",
    "rows_query": "varchar",
    "source": "varchar",
    "place": "varchar",
    "advice": "varchar",
    "finding_count": "bigint",
    "row_count": "bigint",
    "share": "double",
    "previous_count": "bigint",
    "session_unixtime": "bigint",
}


@dataclass
class Finding:
    """One thing that is not as expected.

    `source` is the column's way back to the raw tables, `samples` JSON of [masked value, occurrences],
    `sample_rows` JSON of up to five masked rows with their key, `rows_query` SQL that shows all rows,
    `place` the line of the config to mend.
    """

    severity: str
    check_name: str
    table_name: str
    column_name: str = ""
    expected: str = ""
    actual: str = ""
    finding_count: int = 0
    row_count: int = 0
    samples: str = "[]"
    sample_rows: str = "[]"
    rows_query: str = ""
    source: str = ""
    place: str = ""
    advice: str = ""
    previous_count: int | None = None

    @property
    def key(self) -> tuple[str, str, str]:
        """Return what names the same finding in another run."""
        return self.check_name, self.table_name, self.column_name

    @property
    def share(self) -> float:
        """Return the share of rows that are not as expected."""
        return self.finding_count / self.row_count if self.row_count else 0.0

    def line(self) -> str:
        """Return the finding as one line."""
        name = f"{self.table_name}.{self.column_name}" if self.column_name else self.table_name
        place = f" ({self.place})" if self.place else ""
        check = self.check_name.lower().replace("_", " ")
        return f"{name}: {check}, {self.actual}, expected {self.expected}{place}"

    def row(self, session: int) -> dict[str, Any]:
        """Return the finding as a row of validation_findings."""
        return {**asdict(self), "share": self.share, "session_unixtime": session}


def in_order(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings worst first."""
    return sorted(
        findings,
        key=lambda f: (SEVERITIES.index(f.severity), -f.share, f.table_name, f.column_name, f.check_name),
    )


def with_previous(
    findings: Sequence[Finding], before: Sequence[Mapping[str, Any]], session: int
) -> list[Finding]:
    """Return findings with the count that each had in the session before this one.

    Args:
        before: rows of validation_findings, of an earlier session or of an earlier run of this one.
    """
    counts = {
        (row["check_name"], row["table_name"], row["column_name"] or ""): (
            row["previous_count"] if row["session_unixtime"] == session else row["finding_count"]
        )
        for row in before
    }
    for finding in findings:
        finding.previous_count = counts.get(finding.key)
    return list(findings)


def schema_status(
    mapped: Sequence[MappedTable],
    actual: Mapping[str, Mapping[str, str]],
    vanished: Mapping[tuple[str, str], str],
) -> list[dict[str, Any]]:
    """Return one row per expected column: names, expected_type, actual_type, validation_status.

    Args:
        mapped: what the map promises.
        actual: table → column → type of the src database.
        vanished: (table, column) → PRP column that the map names and that is not there.
    """
    rows = []
    for table in mapped:
        have = actual.get(table.name)
        for column in table.columns:
            kind = "" if have is None else normal_type(have.get(column.name, ""))
            if have is None:
                status = "MISSING_TABLE"
            elif not kind or (table.name, column.name) in vanished:
                status = "MISSING_COLUMN"
            else:
                status = "VALID" if kind == column.type else "TYPE_MISMATCH"
            rows.append(
                {
                    "table_name": table.name,
                    "column_name": column.name,
                    "expected_type": column.type,
                    "actual_type": kind,
                    "validation_status": status,
                    "required": "true" if column.required else "false",
                    "place": column.place,
                }
            )
    return rows


def normal_type(kind: str) -> str:
    """Return Treasure Data's name of a type.

    >>> normal_type("varchar"), normal_type("bigint"), normal_type("float")
    ('string', 'long', 'double')
    """
    return {"varchar": "string", "bigint": "long", "int": "long", "float": "double"}.get(kind, kind)


def schema_findings(
    rows: Sequence[Mapping[str, Any]], rules: Rules, vanished: Mapping[tuple[str, str], str], database: str
) -> list[Finding]:
    """Return findings for tables and columns that are missing or of another type."""
    settings = rules.settings
    found: list[Finding] = []
    told: set[str] = set()
    for row in rows:
        table, column, status = row["table_name"], row["column_name"], row["validation_status"]
        if status == "MISSING_TABLE" and table not in told:
            told.add(table)
            found.append(
                Finding(
                    "critical" if settings["fail_on_missing_table"] else "warning",
                    status,
                    table,
                    expected=f"table {database}.{table}",
                    actual="no such table",
                    place="config/src_params.yml",
                    advice="run wf02_mapping; a source that the shop lacks goes under absent_tables",
                )
            )
        elif status == "MISSING_COLUMN":
            source = vanished.get((table, column), "")
            found.append(
                Finding(
                    "critical" if settings["fail_on_missing_column"] else "warning",
                    status,
                    table,
                    column,
                    expected=f"{row['expected_type']} column" + (f" from {source}" if source else ""),
                    actual=f"no column {source}" if source else "no such column",
                    source=source,
                    place=row["place"],
                    advice="write the name that the source uses now into `prp:`, or take the line out",
                )
            )
        elif status == "TYPE_MISMATCH":
            found.append(
                Finding(
                    "warning" if settings["warn_on_type_mismatch"] else "info",
                    status,
                    table,
                    column,
                    expected=row["expected_type"],
                    actual=row["actual_type"],
                    place=row["place"],
                    advice="let wf02_mapping make the table, or change the type in config/schema_map.yml",
                )
            )
    return found


def completeness_finding(
    table: str, column: str, rule: ColumnRule, required: bool, counts: Mapping[str, int], threshold: float
) -> Finding | None:
    """Return a finding when too few rows have a value, or a required column has any without."""
    rows, filled = counts["rows"], counts["filled"]
    least = threshold if rule.completeness is None else rule.completeness
    empty = rows - filled
    if not empty or (filled >= least * rows and not required):
        return None
    return Finding(
        rule.severity if filled < least * rows else "info",
        "COMPLETENESS",
        table,
        column,
        expected=f"at least {percent(least)} filled",
        actual=f"{percent(filled / rows)} filled",
        finding_count=empty,
        row_count=rows,
        place=rule.place,
        advice="look for the reason at the source; a column often empty by nature gets its own completeness",
    )


def share_finding(
    check: str,
    table: str,
    column: str,
    rule: ColumnRule,
    wrong: int,
    filled: int,
    threshold: float,
    expected: str,
) -> Finding | None:
    """Return a finding when values are not as expected: a warning when more than the threshold allows."""
    if not wrong:
        return None
    severity = rule.severity if wrong > (1 - threshold) * filled else "info"
    return Finding(
        severity,
        check,
        table,
        column,
        expected=expected,
        actual=f"{wrong:,} of {filled:,} values differ",
        finding_count=wrong,
        row_count=filled,
        place=rule.place,
        advice="staging keeps such values out of keys and sums where it can; mend them at the source",
    )


def percent(share: float) -> str:
    """Return a share as a reader wants it, never rounded up to a whole.

    >>> percent(1.0), percent(0.99999), percent(0.5)
    ('100 %', '99.9 %', '50 %')
    """
    return f"{int(share * 1000) / 10:g} %"
