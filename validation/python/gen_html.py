"""Write the validation report as HTML, in parts small enough to mail.

Task      wf03_validate +report, ``py>: validation.python.gen_html.main``
Reads     va_config_<sub>: validation_findings (severity, check_name, table_name, column_name, expected,
          actual, …), column_quality (completeness per column), table_history (rows per table and run),
          made by validation.python.check
Writes    *td_write_table*: part bigint (1, 2, …), html_content varchar, replaced whole; the parts joined
          in order are the page. Files validation_report.html, .txt and .json where TD_OUTPUT_DIR is set
Raises    TaskError when validation_findings has a severity that is not in SEVERITIES
Source    the three error conditions of the workflow guide, "wf03 / Error Conditions"
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from common.python import treasure
from common.python.errors import TaskError, unbraced
from common.python.files import write_output
from validation.python.config import SEVERITIES
from validation.python.history import before

TEMPLATES = Path(__file__).resolve().parent.parent / "templates"
PART_CHARS = 131_072  # longest html_content of one row, in characters
HTML_PAGE, TEXT_PAGE = "report.html.j2", "report.txt.j2"
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")  # no page and no mail may hold them
RUNS_SHOWN = 14  # bars of a table's row counts, this run's included
LARGEST_PAGE = 1_000_000  # bytes of a page; the table has what finds no room
LISTS = (
    60,
    40,
    25,
    15,
    8,
    3,
    0,
)  # findings of one severity in the page: the first that keeps it small enough
COLUMNS_SHOWN = 60  # of a table, the emptiest first; column_quality has all
LONGEST_QUERY = 5_000  # characters of a finding's SQL in the page


def main(src, sub, session_date, session_unixtime, td_write_table="email_content"):
    """Task entry."""
    log = f"va_config_{sub}"
    findings = treasure.run_query(log, "select * from validation_findings").dicts()
    quality = treasure.run_query(log, "select * from column_quality").dicts()
    runs = treasure.run_query(log, "select * from table_history").dicts()
    tables = {row["table_name"] for row in quality}
    history = {table: before(runs, table, int(session_unixtime)) for table in tables}
    html, text = (
        render(
            findings,
            quality,
            database=f"{src}_{sub}",
            log=log,
            session=session_date,
            history=history,
            page=page,
        )
        for page in (HTML_PAGE, TEXT_PAGE)
    )
    rows = [{"part": number, "html_content": part} for number, part in enumerate(split_parts(html), start=1)]
    columns = {"part": "bigint", "html_content": "varchar"}
    treasure.insert_rows(log, td_write_table, columns, rows, replace=True)
    path = write_output("validation_report.html", html)
    write_output("validation_report.txt", text)
    write_output("validation_report.json", as_json(findings, quality))
    print(f"report of {len(html):,} characters in {log}.{td_write_table}" + (f", {path}" if path else ""))


def as_json(findings: Sequence[Mapping[str, Any]], quality: Sequence[Mapping[str, Any]]) -> str:
    """Return the same facts for machines: samples and sample rows as lists, not as text."""
    lists = ("samples", "sample_rows")
    plain = [{**each, **{name: json.loads(each.get(name) or "[]") for name in lists}} for each in findings]
    return json.dumps({"findings": plain, "quality": quality}, indent=1)


def render(
    findings: Sequence[Mapping[str, Any]],
    quality: Sequence[Mapping[str, Any]],
    *,
    database: str,
    log: str,
    session: str,
    history: Mapping[str, Sequence[tuple[int, int]]] | None = None,
    page: str = "report.html.j2",
) -> str:
    """Return the page, of at most LARGEST_PAGE bytes; no findings give the all-clear page. It holds no
    template of Digdag's.

    Args:
        history: table → (session, rows) of its earlier good runs, the oldest first.
        page: the template, HTML_PAGE or TEXT_PAGE.

    >>> "No findings" in render([], [], database="src_t", log="va_config_t", session="2026-11-01")
    True
    """
    import jinja2

    unknown = sorted({str(finding["severity"]) for finding in findings} - set(SEVERITIES))
    if unknown:
        raise TaskError(
            f"unknown severity {unknown[0]!r}",
            where="validation_findings.severity",
            mend=f"use one of {', '.join(SEVERITIES)} in config/validation.yml",
        )
    by_severity = {name: [shown(f) for f in findings if f["severity"] == name] for name in SEVERITIES}
    for listed in by_severity.values():
        listed.sort(
            key=lambda f: (-(f["share"] or 0), f["table_name"], f["column_name"] or "", f["check_name"])
        )
    counts = {name: len(listed) for name, listed in by_severity.items()}
    template = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=page == HTML_PAGE,  # noqa: S701 (the other page is plain text)
        trim_blocks=True,
        lstrip_blocks=True,
    ).get_template(page)
    tables = by_table(quality)
    for table in tables:
        earlier = [rows for _, rows in (history or {}).get(table["name"], ())]
        table["history"] = [*earlier[1 - RUNS_SHOWN :], table["rows"]]
    facts = {
        "findings": findings,
        "by_severity": by_severity,
        "counts": counts,
        "verdict": "stopped" if counts["critical"] else "usable" if counts["warning"] else "good",
        "quality": quality,
        "tables": tables,
        "rows": sum(table["rows"] for table in tables),
        "database": database,
        "log": log,
        "session": session,
        "columns_shown": COLUMNS_SHOWN,
    }
    for longest in LISTS:
        text = CONTROL.sub("\N{REPLACEMENT CHARACTER}", template.render(facts, longest=longest))
        text = text.replace("$", "&#36;") if page == HTML_PAGE else unbraced(text)
        if len(text.encode()) <= LARGEST_PAGE:
            break
    return text


def shown(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Return a finding with its samples as a list of (value, occurrences), its rows as a list of maps."""
    return {
        **finding,
        "sample_list": json.loads(finding.get("samples") or "[]"),
        "row_list": json.loads(finding.get("sample_rows") or "[]"),
        "query": shortened(str(finding.get("rows_query") or "")),
        "previous_count": finding.get("previous_count"),
    }


def shortened(query: str) -> str:
    """Return a query that is not too long for a page."""
    if len(query) <= LONGEST_QUERY:
        return query
    return f"{query[:LONGEST_QUERY]}… (the whole is in validation_findings.rows_query)"


def by_table(quality: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tables in order, each with rows, rows of last time and columns with their change."""
    tables: dict[str, dict[str, Any]] = {}
    for row in sorted(quality, key=lambda r: (r["table_name"], r["completeness"], r["column_name"])):
        table = tables.setdefault(
            row["table_name"],
            {
                "name": row["table_name"],
                "rows": row["row_count"],
                "before": row["previous_row_count"],
                "columns": [],
            },
        )
        table["columns"].append({**row, "change": change(row["completeness"], row["previous_completeness"])})
    return list(tables.values())


def change(now: float, before: float | None) -> str:
    """Return how completeness moved since last time, empty when it did not by a tenth of a point.

    >>> change(0.9, 0.95), change(0.9, None), change(0.9, 0.9)
    ('-5.0 points', '', '')
    """
    if before is None or abs(now - before) < 0.001:
        return ""
    return f"{(now - before) * 100:+.1f} points"


def split_parts(html: str, size: int = PART_CHARS) -> list[str]:
    """Cut *html* into parts of at most *size* characters; joining them gives it back.

    >>> split_parts("abcde", size=2)
    ['ab', 'cd', 'e']
    """
    return [html[i : i + size] for i in range(0, max(len(html), 1), size)]
