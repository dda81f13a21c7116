"""Where records go: text lines for each raw table and, beside them, the truth about each record."""

from __future__ import annotations

import csv
import io
from typing import Any

import orjson

from tdlocal.sample.tables import TABLES


class Sink:
    """Collects the encoded records of one cut of people.

    For each table it holds the raw file's next piece and, line for line, the person and key of each record.
    """

    def __init__(self) -> None:
        self._buffers = {table.name: io.StringIO() for table in TABLES}
        self._truth_buffers = {table.name: io.StringIO() for table in TABLES}
        self.counts = {table.name: 0 for table in TABLES}
        self._names = {table.name: table.names for table in TABLES}
        self._json = {table.name for table in TABLES if table.form == "jsonl"}
        self._writers = {
            name: csv.writer(buffer, lineterminator="\n").writerow for name, buffer in self._buffers.items()
        }
        self._truth = {
            name: csv.writer(buffer, lineterminator="\n").writerow
            for name, buffer in self._truth_buffers.items()
        }
        self._keys = {table.name: [table.names.index(column) for column in table.key] for table in TABLES}

    def add(self, table: str, row: list[Any], person_id: str) -> None:
        """Add one record of *person_id* to *table*; *row* has the table's columns in order."""
        if table in self._json:
            self._buffers[table].write(
                orjson.dumps(dict(zip(self._names[table], row, strict=True))).decode() + "\n"
            )
        else:
            self._writers[table](row)
        self.counts[table] += 1
        self._truth[table]([person_id, *(row[place] for place in self._keys[table])])

    def pieces(self) -> tuple[dict[str, bytes], dict[str, bytes]]:
        """Return the raw and the truth text of each table, encoded in UTF-8."""
        return (
            {name: buffer.getvalue().encode() for name, buffer in self._buffers.items()},
            {name: buffer.getvalue().encode() for name, buffer in self._truth_buffers.items()},
        )
