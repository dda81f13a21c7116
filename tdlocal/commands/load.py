"""tdlocal load: files into a table of the local account."""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from tdlocal.errors import KitError
from tdlocal.files.delimited import Layout
from tdlocal.files.guessing import DOUBLE, LONG, STRING
from tdlocal.files.progress import Progress
from tdlocal.files.sources import Source, open_source
from tdlocal.files.upload import Upload, told_plainly
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
    add(
        "--state",
        type=Path,
        default=Path(".tdlocal"),
        metavar="DIR",
        help="the account's folder (default .tdlocal)",
    )
    add(
        "--list",
        type=Path,
        metavar="YAML",
        help="many loads: a list of maps with files, into and any option below",
    )
    add("--data", type=Path, default=Path(), metavar="DIR", help="where the files of --list are")
    add("--sub", default="", metavar="NAME", help="stands for {sub} in the list's tables")
    add_load_options(parser)


def add_load_options(parser: argparse.ArgumentParser) -> None:
    """Add what describes one load; an entry of a list has the same names with underscores."""
    add = parser.add_argument
    add("files", nargs="*", type=Path, metavar="FILE", help="files with the same columns")
    add("--into", default="", metavar="DB.TABLE", help="for instance raw_retail.loyalty_profile")
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
    loads = listed(arguments) if arguments.list else [arguments]
    ready = [prepared(load) for load in loads]
    progress = Progress()
    findings: list[str] = []
    with local_account(arguments.state) as server:
        upload = Upload(server.url, server.key, progress.at)
        for load in ready:
            findings += send(load, upload, progress)
    for finding in findings[:FINDINGS_SHOWN]:
        print(f"  {finding}", file=sys.stderr)
    if len(findings) > FINDINGS_SHOWN:
        print(f"  … and {len(findings) - FINDINGS_SHOWN} more lines like these", file=sys.stderr)
    return 1 if any(finding.endswith("left out") for finding in findings) else 0


@dataclass
class Load:
    """One load, checked as far as can be without the account."""

    database: str
    table: str
    sources: list[Source]
    schema: list[tuple[str, str]]
    append: bool
    time_column: str
    time: int


def listed(arguments: argparse.Namespace) -> list[argparse.Namespace]:
    """Return the loads of the list as if each had been written on the command line.

    Raises:
        KitError: the list is not YAML, or has an unknown option; with file and entry.
    """
    where = str(arguments.list)
    try:
        entries = yaml.safe_load(arguments.list.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise KitError(f"cannot read the list: {error}", where=where) from error
    parser = argparse.ArgumentParser(add_help=False, exit_on_error=False)
    add_load_options(parser)
    known = vars(parser.parse_args([]))
    loads = []
    for number, entry in enumerate(entries if isinstance(entries, list) else [entries], 1):
        place = f"{where}, entry {number}"
        if not isinstance(entry, dict) or not entry.get("files") or not entry.get("into"):
            raise KitError("an entry needs files and into", where=place)
        unknown = sorted(set(entry) - set(known))
        if unknown:
            raise KitError(f"unknown option {unknown[0]}", where=place, mend=f"one of {', '.join(known)}")
        options = {name: ",".join(value) if name == "columns" and isinstance(value, list) else value
                   for name, value in entry.items()}  # fmt: skip
        files = entry["files"] if isinstance(entry["files"], list) else [entry["files"]]
        options["files"] = [arguments.data / file for file in files]
        options["into"] = str(entry["into"]).replace("{sub}", arguments.sub)
        loads.append(argparse.Namespace(**{**known, **options}))
    return loads


def prepared(arguments: argparse.Namespace) -> Load:
    """Return the load of *arguments*: files opened, names and types known.

    Raises:
        KitError: whatever is wrong with the arguments or the files' heads.
    """
    if not arguments.files:
        raise KitError("no files", mend="tdlocal load FILE… --into db.table, or --list loads.yml --data DIR")
    match = TABLE.fullmatch(arguments.into)
    if not match:
        raise KitError(
            f"{arguments.into!r} is not database.table",
            where="--into",
            mend="3 to 255 small letters, digits and underscores each",
        )
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
    schema = joint_schema(sources, arguments.time_column)
    when = unix_seconds(str(arguments.time), "--time") if arguments.time else int(time.time())
    return Load(match[1], match[2], sources, schema, arguments.append, arguments.time_column, when)


def send(load: Load, upload: Upload, progress: Progress) -> list[str]:
    """Do one load; return what a reader should know about its files."""
    findings: list[str] = []
    rows = all_rows(
        load.sources, [name for name, _ in load.schema if name in load.sources[0].names], findings
    )
    rows = timed_rows(rows, load.schema, load.time_column)
    do = upload.append if load.append else upload.replace
    with told_plainly(f"{load.database}.{load.table}"):
        sent = do(load.database, load.table, load.schema, rows, load.time)
    did = f"{'added' if load.append else 'loaded'}, {len(load.schema)} columns"
    progress.done(f"{load.database}.{load.table}", sent, did)
    if not sent:
        findings.append(f"{load.sources[0].path}: no rows, only the columns")
    return findings


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


def joint_schema(sources: list[Source], time_column: str = "") -> list[tuple[str, str]]:
    """Return names and types that fit all *sources*: the widest of each column, and time.

    Raises:
        KitError: the sources have different columns, or none is called *time_column*.
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
    if time_column and time_column not in types:
        raise KitError(
            f"no column {time_column}", where="--time-column", mend=f"there are {', '.join(types)}"
        )
    if time_column:
        types["time"] = LONG
    elif types.get("time", LONG) != LONG:
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
    place, time_place = names.index(time_column), names.index("time")

    def timed() -> Iterator[list[Any]]:
        for number, row in enumerate(rows, 1):
            value = row[place]
            seconds = None if value is None else unix_seconds(str(value), f"{time_column}, row {number}")
            if len(row) < len(names):
                yield [*row, seconds]
            else:
                row[time_place] = seconds
                yield row

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
