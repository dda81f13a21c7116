"""CSV, TSV and other text files with a character between the values."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from tdlocal.errors import KitError
from tdlocal.files.naming import column_names, renamed
from tdlocal.files.opening import detect_encoding, known_encoding, read_lines

if TYPE_CHECKING:
    from _csv import Reader

DELIMITERS = (",", "\t", ";", "|")
WORDS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}
LONGEST_CELL = 256 * 1024 * 1024


@dataclass(frozen=True)
class Layout:
    """How to read a delimited file; None and "" mean: look at the file.

    Args:
        encoding: Python's name of the encoding.
        delimiter: one character, or tab, comma, semicolon, pipe.
        header: whether the first line has the names.
        columns: names given by the reader; they replace the header's.
        quotes: whether `"` encloses values.
        skip_lines: lines before the header (or the data).
        skip_bad_rows: leave out rows with the wrong number of values and report them, instead of stopping.
        nulls: words that mean nothing, besides the empty value.
    """

    encoding: str = ""
    delimiter: str = ""
    header: bool = True
    columns: tuple[str, ...] = ()
    quotes: bool = True
    skip_lines: int = 0
    skip_bad_rows: bool = False
    nulls: tuple[str, ...] = ()


@dataclass
class DelimitedFile:
    """An opened delimited file: names of its columns, and its rows as often as asked."""

    path: Path
    layout: Layout
    names: list[str]
    notes: list[str] = field(default_factory=list)  # what is to be told whatever the rows are
    findings: list[str] = field(default_factory=list)

    def rows(self) -> Iterator[list[str | None]]:
        """Yield the rows; empty values and the layout's null words are None.

        Raises:
            KitError: with file and line, for a row with the wrong number of values or broken quotes.
        """
        self.findings[:] = self.notes
        layout, width = self.layout, len(self.names)
        nothing = frozenset(("", *layout.nulls))
        reader = _reader(self.path, layout)
        try:
            if layout.header:
                next(reader, None)
            for row in reader:
                if len(row) == width:
                    yield [None if value in nothing else value for value in row]
                elif row:
                    self._bad_row(len(row), layout.skip_lines + reader.line_num)
        except csv.Error as error:
            raise KitError(
                f"cannot split the line into values: {error}",
                where=f"{self.path}:{layout.skip_lines + reader.line_num}",
                mend="check the quotes, or read them as plain text with --no-quotes",
            ) from error

    def _bad_row(self, found: int, line: int) -> None:
        width = len(self.names)
        told = f"{self.path}:{line}: {found} values where the file has {width} columns"
        if not self.layout.skip_bad_rows:
            raise KitError(
                f"{found} values where the file has {width} columns",
                where=f"{self.path}:{line}",
                mend="correct the line, or leave such lines out with --bad-rows skip",
            )
        self.findings.append(f"{told}; left out")


def open_delimited(path: Path, layout: Layout) -> DelimitedFile:
    """Look at *path* and return it ready to read, with encoding, delimiter and names settled.

    Raises:
        KitError: an empty file without given names, duplicate names, or the wrong number of given names.
    """
    csv.field_size_limit(LONGEST_CELL)
    encoding = known_encoding(layout.encoding) if layout.encoding else detect_encoding(path)
    layout = replace(layout, encoding=encoding)
    layout = _as_spreadsheets_say(path, layout)
    delimiter = WORDS.get(layout.delimiter, layout.delimiter) or _sniff(path, layout)
    if len(delimiter) != 1:
        raise KitError(f"the delimiter must be one character, not {delimiter!r}", where="--delimiter")
    layout = replace(layout, delimiter=delimiter)
    first = next(_reader(path, layout), None)
    if layout.columns:
        if first is not None and len(first) != len(layout.columns):
            raise KitError(
                f"{len(layout.columns)} column names for {len(first)} values a line",
                where=f"{path}:{layout.skip_lines + 1}",
                mend="check --columns and --delimiter",
            )
        return DelimitedFile(path, layout, column_names(list(layout.columns), "--columns"))
    if first is None:
        raise KitError("the file is empty", where=str(path), mend="name the columns with --columns a,b,…")
    if not layout.header:
        raise KitError("a file without header needs names", where=str(path), mend="add --columns a,b,…")
    names = column_names(first, f"{path}:{layout.skip_lines + 1}")
    return DelimitedFile(path, layout, names, [f"{path}: {told}" for told in renamed(first, names)])


def _as_spreadsheets_say(path: Path, layout: Layout) -> Layout:
    """Return the layout with the delimiter that a first line `sep=;` names, that line left out."""
    if layout.delimiter or layout.skip_lines:
        return layout
    first = next(read_lines(path, layout.encoding), "").strip().lower()
    if not (first.startswith("sep=") and len(first) == len("sep=;")):
        return layout
    return replace(layout, delimiter=first[-1], skip_lines=1)


def _reader(path: Path, layout: Layout) -> Reader:
    lines = islice(read_lines(path, layout.encoding), layout.skip_lines, None)
    return csv.reader(
        lines,
        delimiter=layout.delimiter,
        quoting=csv.QUOTE_MINIMAL if layout.quotes else csv.QUOTE_NONE,
        quotechar='"' if layout.quotes else None,
        strict=True,
    )


def _sniff(path: Path, layout: Layout) -> str:
    """Return the delimiter that splits the first lines into the most values, evenly."""
    if path.name.lower().removesuffix(".gz").endswith((".tsv", ".tab")):
        return "\t"
    head = list(islice(read_lines(path, layout.encoding), layout.skip_lines, layout.skip_lines + 20))
    best, most = ",", 1
    for delimiter in DELIMITERS:
        reader = csv.reader(
            head, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if layout.quotes else csv.QUOTE_NONE
        )
        widths = [len(row) for row in reader if row]
        if widths and widths[0] > most and widths.count(widths[0]) * 2 > len(widths):
            best, most = delimiter, widths[0]
    return best
