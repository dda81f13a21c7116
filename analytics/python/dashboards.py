"""Draw every dashboard as one HTML page that needs nothing else: no script, no request, no personal data.

Task      wf07_analytics +draw_dashboards, ``py>: analytics.python.dashboards.main``
Reads     analytics/dashboards/*.yml and page.html.j2; the tables they name, as <table>__next where that
          is there, else as they are live
Writes    dashboards__next: name, title, html_content varchar, part, built_for bigint; the parts of a
          name joined in order are its page. Where a machine has a place for it, the page as a file
Raises    TaskError for a fault of a template, naming all; for a table or column that is not there
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence, Set
from typing import Any

from analytics.python import charts, figures, templates
from common.python import treasure
from common.python.errors import TaskError
from common.python.files import write_output

PART_CHARS = 100_000  # longest html_content of one row, in characters
COLUMNS = {
    "name": "varchar",
    "title": "varchar",
    "part": "bigint",
    "html_content": "varchar",
    "built_for": "bigint",
    "time": "bigint",
}


def main(database, session_unixtime):
    """Task entry."""
    session = int(session_unixtime)
    there = set(treasure.tables(database))
    rows = []
    for name, template in templates.load_all().items():
        page = render(template, fetch(database, name, template, there), database, session)
        path = write_output(f"dashboards/{name}.html", page)
        print(f"dashboard {name}: {len(page):,} characters{', ' + path if path else ''}")
        rows += parts(name, template["title"], page, session)
    treasure.delete_table(database, "dashboards__next")
    treasure.insert_rows(database, "dashboards__next", COLUMNS, rows)


def parts(name: str, title: str, page: str, session: int, size: int = PART_CHARS) -> list[dict[str, Any]]:
    """Cut *page* into rows of at most *size* characters; joining them gives it back.

    >>> [row["html_content"] for row in parts("x", "X", "abcde", 0, size=2)]
    ['ab', 'cd', 'e']
    """
    return [
        {
            "name": name,
            "title": title,
            "part": number + 1,
            "html_content": page[start : start + size],
            "built_for": session,
            "time": session,
        }
        for number, start in enumerate(range(0, max(len(page), 1), size))
    ]


def fetch(
    database: str, name: str, template: Mapping[str, Any], there: Set[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of each chart by its title, and those of the tiles under the empty title."""
    rows = {}
    try:
        if template.get("tiles"):
            rows[""] = treasure.run_query(database, summary_sql(template, there)).dicts()
        for chart in template.get("charts", []):
            rows[chart["title"]] = in_order(
                treasure.run_query(database, chart_sql(chart, there)).dicts(), chart
            )
    except treasure.ApiError:
        raise
    except TaskError as error:
        raise TaskError(
            error.problem,
            where=f"{templates.FOLDER}/{name}.yml",
            mend="name tables and columns of the analytics layer there",
        ) from error
    return rows


def summary_sql(template: Mapping[str, Any], there: Set[str]) -> str:
    """Return the query of the tiles."""
    wanted = list(dict.fromkeys(tile["column"] for tile in template["tiles"]))
    return f"select {names(wanted)} from {newest(template['summary'], there)} limit 1"


def chart_sql(chart: Mapping[str, Any], there: Set[str]) -> str:
    """Return the query of one chart: its columns, in an order that leaves nothing to chance.

    >>> print(chart_sql({"kind": "bars", "table": "t", "label": "a", "value": "b", "top": 3}, {"t__next"}))
    select "a", "b"
    from "t__next"
    where "a" is not null
    order by "b" desc, "a"
    limit 3
    """
    wanted = templates.columns_of(chart)
    first = chart.get("order") or chart.get("value")
    key = chart.get("x") or (wanted[0] if chart["kind"] == "bars" else None)
    conditions = [f"{treasure.identifier(key)} is not null"] if key else []
    for column, value in chart.get("where", {}).items():
        kind = "varchar" if isinstance(value, str) else "double"
        conditions.append(f"{treasure.identifier(column)} = {treasure.literal(value, kind)}")
    lead = [f"{treasure.identifier(first)} {'asc' if chart.get('ascending') else 'desc'}"] if first else []
    order = ", ".join(lead + [treasure.identifier(column) for column in wanted if column != first])
    lines = [f"select {names(wanted)}", f"from {newest(chart['table'], there)}"]
    if conditions:
        lines.append(f"where {' and '.join(conditions)}")
    lines.append(f"order by {order}")
    if "top" in chart:
        lines.append(f"limit {int(chart['top'])}")
    return "\n".join(lines)


def newest(table: str, there: Set[str]) -> str:
    """Return the table that was just built, else the live one.

    >>> newest("t", {"t", "t__next"}), newest("t", {"t"})
    ('"t__next"', '"t"')
    """
    return treasure.identifier(f"{table}__next" if f"{table}__next" in there else table)


def in_order(rows: Sequence[dict[str, Any]], chart: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return *rows* along their x, the `last` values of it only.

    >>> in_order([{"m": "b"}, {"m": "a"}, {"m": "c"}], {"x": "m", "last": 2})
    [{'m': 'b'}, {'m': 'c'}]
    """
    if "x" not in chart:
        return list(rows)
    places = sorted({row[chart["x"]] for row in rows})[-int(chart.get("last", 1000)) :]
    return sorted((row for row in rows if row[chart["x"]] in set(places)), key=lambda row: row[chart["x"]])


def names(columns: Sequence[str]) -> str:
    """Return the columns as a select list."""
    return ", ".join(treasure.identifier(column) for column in columns)


def render(
    template: Mapping[str, Any], rows: Mapping[str, Sequence[Mapping[str, Any]]], database: str, session: int
) -> str:
    """Return the page; every text of the data is escaped."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates.FOLDER), autoescape=True, undefined=jinja2.StrictUndefined
    )
    summary = (list(rows.get("", [])) or [{}])[0]
    tiles = [
        {"label": tile["label"], "value": figures.shown(summary.get(tile["column"]), tile.get("format", ""))}
        for tile in template.get("tiles", [])
    ]
    cards = [
        {
            "title": chart["title"],
            "note": chart.get("note", ""),
            "wide": bool(chart.get("wide")),
            "in_time": chart["kind"] in ("line", "columns"),
            "markup": charts.draw(rows[chart["title"]], chart),
        }
        for chart in template.get("charts", [])
    ]
    return environment.get_template("page.html.j2").render(
        title=template["title"],
        subtitle=template.get("subtitle", ""),
        tiles=tiles,
        cards=cards,
        database=database,
        as_of=time.strftime("%Y-%m-%d %H:%M", time.gmtime(session)),
    )
