"""tdlocal load: files into a table of the local account."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tdlocal.errors import KitError
from tdlocal.files.delimited import Layout
from tdlocal.files.guessing import DOUBLE, LONG, STRING
from tdlocal.files.progress import Progress
from tdlocal.files.sources import Source, open_source
from tdlocal.files.upload import Upload
from tdlocal.local_server import local_account

HELP = (
    "Load CSV, TSV, JSON lines or Parquet files (each also gzipped) into one table. The table is "
    "replaced or extended in one step at the end: a load that fails changes nothing. Names become "
    "small letters with underscores (CustomerKey: customer_key). Columns are numbers only when every "
    "value is and the name does not say that it is an id, a code, a phone or the like."
)
TABLE = re.compile(r"([a-z0-9_]{3,255})\.([a-z0-9_]{3,255})")
TYPES = {
    "string": STRING,
    "varchar": STRING,
    "text": STRING,
    "long": LONG,
    "bigint": LONG,
    "int": LONG,
    "double": DOUBLE,
}
FINDINGS_SHOWN = 20


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `tdlocal load`."""
    add = parser.add_argument
    add("files", nargs="+", type=Path, metavar="FILE", help="files with the same columns")
    add("--into", required=True, metavar="DB.TABLE", help="for instance raw_retail.loyalty_profile")
    add(
        "--state",
        type=Path,
        default=Path(".tdlocal"),
        metavar="DIR",
        help="the account's folder (default .tdlocal)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument(
        "--replace", action="store_true", help="the table then holds these rows only (the default)"
    )
    how.add_argument("--append", action="store_true", help="add the rows to the table")
    add("--encoding", default="", help="when not told by a byte-order mark; UTF-8 otherwise")
    add(
        "--delimiter",
        default="",
        metavar="CHAR",
        help="character, or tab, comma, semicolon, pipe; found by looking",
    )
    add("--columns", default="", metavar="A,B,…", help="names of the columns; they replace the header's")
    add("--no-header", action="store_true", help="the first line is data (needs --columns)")
    add("--no-quotes", action="store_true", help='take " as a plain character')
    add("--skip-lines", type=int, default=0, metavar="N", help="leave out N lines at the start")
    add(
        "--null",
        action="append",
        default=[],
        metavar="WORD",
        help="word that means nothing, besides the empty value",
    )
    add("--types", default="", metavar="NAME=TYPE,…", help="string, long or double for some columns")
    add("--all-text", action="store_true", help="every column that --types does not name is text")
    add("--bad-rows", choices=("stop", "skip"), default="stop", help="lines with the wrong number of values")
    add(
        "--time-column",
        default="",
        metavar="NAME",
        help="column with unix seconds or ISO-8601 text: the rows' time",
    )
    add("--time", default="", metavar="WHEN", help="the rows' time, unix seconds or ISO-8601 (default: now)")


def main(arguments: argparse.Namespace) -> int:
    """Load the files; 0 when all rows are in, 1 when bad lines were left out."""
    match = TABLE.fullmatch(arguments.into)
    if not match:
        raise KitError(
            f"{arguments.into!r} is not database.table",
            where="--into",
            mend="3 to 255 small letters, digits and underscores each",
        )
    database, table = match.groups()
    layout = Layout(
        encoding=arguments.encoding,
        delimiter=arguments.delimiter,
        header=not arguments.no_header,
        columns=tuple(name.strip() for name in arguments.columns.split(",") if name.strip()),
        quotes=not arguments.no_quotes,
        skip_lines=arguments.skip_lines,
        skip_bad_rows=arguments.bad_rows == "skip",
        nulls=tuple(arguments.null),
    )
    types = column_types(arguments.types)
    sources = [open_source(path, layout, types, all_text=arguments.all_text) for path in arguments.files]
    schema = joint_schema(sources)
    findings: list[str] = []
    rows = timed_rows(
        all_rows(sources, [name for name, _ in schema], findings), schema, arguments.time_column
    )
    if arguments.time_column and "time" not in dict(schema):
        schema = [*schema, ("time", LONG)]
    when = unix_seconds(arguments.time, "--time") if arguments.time else int(time.time())
    progress = Progress()
    with local_account(arguments.state) as server:
        upload = Upload(server.url, server.key, progress.at)
        send = upload.append if arguments.append else upload.replace
        sent = send(database, table, schema, rows, when)
    columns = f"{len(schema)} columns"
    progress.done(f"{database}.{table}", sent, f"{'added' if arguments.append else 'loaded'}, {columns}")
    if not sent:
        findings.append(f"{arguments.files[0]}: no rows, only the columns")
    for finding in findings[:FINDINGS_SHOWN]:
        print(f"  {finding}", file=sys.stderr)
    if len(findings) > FINDINGS_SHOWN:
        print(f"  … and {len(findings) - FINDINGS_SHOWN} more lines like these", file=sys.stderr)
    return 1 if any(finding.endswith("left out") for finding in findings) else 0


def column_types(text: str) -> dict[str, str]:
    """Return the types of NAME=TYPE,… by column.

    >>> column_types("zip=string,amount=double")
    {'zip': 'string', 'amount': 'double'}
    """
    types = {}
    for pair in filter(None, (pair.strip() for pair in text.split(","))):
        name, _, kind = pair.partition("=")
        if kind not in TYPES:
            raise KitError(f"{pair!r} is not NAME=TYPE", where="--types", mend="use string, long or double")
        types[name] = TYPES[kind]
    return types


def joint_schema(sources: list[Source]) -> list[tuple[str, str]]:
    """Return names and types that fit all *sources*: the widest type of each column.

    Raises:
        KitError: the sources have different columns.
    """
    first = sources[0]
    widths = {LONG: 0, DOUBLE: 1, STRING: 2}
    types = dict(zip(first.names, first.types, strict=True))
    for source in sources[1:]:
        if set(source.names) != set(first.names):
            more, fewer = set(source.names) - set(first.names), set(first.names) - set(source.names)
            told = [f"has {', '.join(sorted(more))}"] if more else []
            told += [f"lacks {', '.join(sorted(fewer))}"] if fewer else []
            raise KitError(
                f"other columns than {first.path}: {' and '.join(told)}",
                where=str(source.path),
                mend="load it into a table of its own",
            )
        for name, kind in zip(source.names, source.types, strict=True):
            types[name] = max(types[name], kind, key=lambda each: widths[each])
    if types.get("time", LONG) != LONG:
        raise KitError(
            "the column time must hold unix seconds",
            where=str(first.path),
            mend="name it --time-column time to have it read as dates",
        )
    return list(types.items())


def all_rows(sources: list[Source], names: list[str], findings: list[str]) -> Iterator[list[Any]]:
    """Yield the rows of every source in the order of *names*; what was found is added to *findings*."""
    for source in sources:
        if source.names == names:
            yield from source.rows()
        else:
            places = [source.names.index(name) for name in names]
            for row in source.rows():
                yield [row[place] for place in places]
        findings.extend(source.findings)


def timed_rows(
    rows: Iterator[list[Any]], schema: list[tuple[str, str]], time_column: str
) -> Iterator[list[Any]]:
    """Return *rows* with the unix seconds of *time_column* as their time; unchanged when it is empty."""
    if not time_column:
        return rows
    names = [name for name, _ in schema]
    if time_column not in names:
        raise KitError(
            f"no column {time_column}", where="--time-column", mend=f"there are {', '.join(names)}"
        )
    place = names.index(time_column)

    def timed() -> Iterator[list[Any]]:
        for number, row in enumerate(rows, 1):
            value = row[place]
            seconds = None if value is None else unix_seconds(str(value), f"{time_column}, row {number}")
            if time_column == "time":
                row[place] = seconds
                yield row
            else:
                yield [*row, seconds]

    return timed()


def unix_seconds(text: str, where: str) -> int:
    """Return the unix seconds of *text*: a number, or ISO-8601 (UTC where it names no zone).

    >>> unix_seconds("2026-11-01", "--time"), unix_seconds("60", "--time")
    (1793491200, 60)
    """
    if re.fullmatch(r"-?\d+(\.0+)?", text):
        return int(float(text))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise KitError(f"{text!r} is neither unix seconds nor ISO-8601", where=where) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
