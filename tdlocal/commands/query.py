"""`tdlocal query`: one question in Trino SQL."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from tdlocal.errors import KitError
from tdlocal.local_server import LocalServer, local_account

HELP = (
    "Ask a question in Trino SQL, as Treasure Data runs it, and print the rows. Uses the account's server "
    "when one runs, else starts one. "
    'Example: tdlocal query "select * from golden_retail.unified_customers limit 5"'
)
WIDEST = 60  # characters of a value in a table


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which words the command takes."""
    parser.add_argument("sql", metavar="SQL", help="the question; - reads it from stdin")
    parser.add_argument("--state", type=Path, default=Path(".tdlocal"), help="the account's folder")
    parser.add_argument("--database", "-d", default="information_schema", help="for names without a database")
    parser.add_argument(
        "--format", choices=("table", "csv", "json"), default="table", help="how rows are shown"
    )
    parser.add_argument(
        "--json", action="store_const", const="json", dest="format", help="same as --format json"
    )


def main(arguments: argparse.Namespace) -> int:
    """Print the rows of one statement; see HELP."""
    sql = sys.stdin.read() if arguments.sql == "-" else arguments.sql
    if not sql.strip():
        raise KitError("there is no question", mend='write it in quotes: tdlocal query "select 1"')
    with local_account(arguments.state) as server:
        names, rows = ask(server, sql, arguments.database)
        show(names, rows, arguments.format)
    return 0


def ask(server: LocalServer, sql: str, database: str) -> tuple[list[str], Iterator[list[Any]]]:
    """Column names and rows of a statement, over the Trino protocol."""
    pages = answers(server, sql, database)
    first: dict[str, Any] = {}
    for first in pages:
        if "columns" in first or "nextUri" not in first:
            break

    def rows() -> Iterator[list[Any]]:
        yield from first.get("data", [])
        for page in pages:
            yield from page.get("data", [])

    return [column["name"] for column in first.get("columns", [])], rows()


def answers(server: LocalServer, sql: str, database: str) -> Iterator[dict[str, Any]]:
    """The protocol's answer objects, one a page; KitError when the statement fails."""
    from urllib.request import ProxyHandler, Request, build_opener

    opener = build_opener(ProxyHandler({}))
    headers = {"X-Trino-User": server.key, "X-Trino-Schema": database, "X-Trino-Source": "tdlocal query"}
    request = Request(f"{server.url}/v1/statement", sql.encode(), headers)  # noqa: S310 (our own server)
    while True:
        with opener.open(request) as response:
            page = orjson.loads(response.read())
        if "error" in page:
            error = page["error"]
            raise KitError(f"{error['errorName']}: {error['message']}")
        yield page
        if "nextUri" not in page:
            return
        request = Request(page["nextUri"], headers=headers)  # noqa: S310 (our own server)


def show(names: list[str], rows: Iterator[list[Any]], kind: str) -> None:
    """Print rows as a table, CSV or JSON lines."""
    if kind == "json":
        for row in rows:
            print(orjson.dumps(dict(zip(names, row, strict=True))).decode())
    elif kind == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        if names:
            writer.writerow(names)
        writer.writerows([text(value) for value in row] for row in rows)
    else:
        show_table(names, rows)


def show_table(names: list[str], rows: Iterator[list[Any]]) -> None:
    """Print rows in columns; numbers to the right."""
    if not names:
        print("done")
        return
    values = list(rows)
    cells = [[shortened(text(value)) for value in row] for row in values]
    widths = [max([len(name), *(len(row[i]) for row in cells)]) for i, name in enumerate(names)]
    numbers = [all(is_number(row[i]) for row in values) for i in range(len(names))]

    def line(row: list[str]) -> str:
        parts = [c.rjust(w) if n else c.ljust(w) for c, w, n in zip(row, widths, numbers, strict=True)]
        return "  ".join(parts).rstrip()

    print(line(names))
    print("  ".join("-" * width for width in widths))
    for row in cells:
        print(line(row))
    print(f"({len(cells)} row{'' if len(cells) == 1 else 's'})")


def text(value: Any) -> str:
    """A value for people and CSV: nothing for null, JSON for lists and objects."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return orjson.dumps(value).decode() if isinstance(value, list | dict) else str(value)


def shortened(value: str) -> str:
    """A table's cell: one line, not too long."""
    value = " ".join(value.split())
    return value if len(value) <= WIDEST else value[: WIDEST - 1] + "…"


def is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))
