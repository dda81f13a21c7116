"""Suggested maps held against the right ones of sources.yml: what is right, missed, wrong in silence."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tdlocal.files.naming import column_names
from tdlocal.mapping.suggest import KEYS, RawTable, TableGuess, suggest

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT.parent / "shared/data"
SCHEMA = yaml.safe_load((ROOT / "config/retail_schema.yml").read_text(encoding="utf-8"))
SOURCES: dict[str, Any] = yaml.safe_load((Path(__file__).parent / "sources.yml").read_text(encoding="utf-8"))
ROWS = 300  # of a file that are looked at, as `tdlocal map suggest` looks at 500


class Score(NamedTuple):
    """How the suggestion for one source did."""

    source: str
    mappable: int  # columns of the retail schema that one of the source's columns is right for
    right: int
    missed: tuple[str, ...]  # not suggested, or only as a comment
    wrong: tuple[str, ...]  # suggested, and another column than the right one
    strange: tuple[str, ...]  # tables that are suggested from a raw table of something else

    @property
    def share(self) -> float:
        """Return the share of mappable columns that are right at first try."""
        return self.right / self.mappable

    @property
    def wrong_keys(self) -> tuple[str, ...]:
        """Return the wrong ones among the columns by which records are told apart."""
        return tuple(name for name in self.wrong if name.split()[0].split(".")[1] in KEYS)


def split_of(name: str) -> str:
    """Return where a source written for an honest measure belongs: held out, or for development.

    >>> split_of("opencart"), split_of("chinook")
    ('held out', 'development')
    """
    return "held out" if hashlib.sha256(name.encode()).digest()[0] % 2 else "development"


def raw_table(path: Path) -> RawTable:
    """Return a file as the raw table that `tdlocal load` makes of it, with its own names of columns."""
    with (gzip.open if path.suffix == ".gz" else open)(path, "rb") as file:
        head = b"".join(line for _, line in zip(range(ROWS), file, strict=False))
    found = list(csv.DictReader(io.StringIO(head.decode("utf-8-sig", "replace"))))
    names = [name for name in found[0] if name]
    return RawTable(
        path.name.split(".")[0].removesuffix("_data"),
        dict.fromkeys(names, "varchar"),
        {name: [row[name] for row in found] for name in names},
    )


def tables_of(source: Mapping[str, Any]) -> list[RawTable]:
    """Return the raw tables of a source."""
    if "folder" in source:
        paths = sorted((DATA / source["folder"]).glob("*.csv*"))
        return [raw_table(path) for path in paths]
    return [
        RawTable(name, dict.fromkeys(columns, "varchar"), columns)
        for name, columns in source["tables"].items()
    ]


def loaded(table: RawTable) -> RawTable:
    """Return the table with the names that `tdlocal load` gives its columns."""
    names = dict(zip(table.columns, column_names(list(table.columns), table.name), strict=True))
    values = {names[name]: found for name, found in table.values.items()}
    return RawTable(table.name.lower(), dict.fromkeys(names.values(), "varchar"), values)


def score(name: str, *, as_loaded: bool = False) -> Score:
    """Return how the suggestion for one source does.

    Args:
        name: a source of sources.yml.
        as_loaded: with names as `tdlocal load` makes them, instead of the source's own.
    """
    source = SOURCES[name]
    tables = tables_of(source)
    names = {column: column for table in tables for column in table.columns}
    if as_loaded:
        for table in tables:
            names.update(zip(loaded(table).columns, table.columns, strict=True))
        tables = [loaded(table) for table in tables]
    guesses = {guess.table: guess for guess in suggest(tables, SCHEMA) if guess.raw}
    found = [verdict for table, right in source["right"].items()
             for verdict in verdicts(table, right, guesses.get(table), names)]  # fmt: skip
    return Score(
        name,
        len(found),
        sum(word == "right" for _, word in found),
        tuple(column for column, word in found if word == "missed"),
        tuple(column for column, word in found if word == "wrong"),
        tuple(sorted(set(guesses) - set(source["right"]))),
    )


def verdicts(
    table: str, right: Mapping[str, Any], guess: TableGuess | None, names: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield each mappable column of a table and whether it is right, missed or wrong."""
    raw = guess.raw.lower() if guess else ""
    taken = {column.target: names[column.raw] for column in guess.columns if column.taken} if guess else {}
    is_right_table = raw in {name.lower() for name in right["from"]}
    for column, choices in right["columns"].items():
        got = taken.get(column)
        if got is None:
            yield f"{table}.{column}", "missed"
        elif is_right_table and got in choices:
            yield f"{table}.{column}", "right"
        else:
            yield f"{table}.{column} from {raw}.{got}", "wrong"
    for column, got in taken.items():
        if column not in right["columns"] and column in KEYS:
            yield f"{table}.{column} from {raw}.{got}", "wrong"
