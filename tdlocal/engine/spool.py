"""Answers that hold nothing of the engine open: a few rows in memory, more in an Arrow file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tdlocal.engine.types import Column

MEMORY_ROWS = 20_000
READ_ROWS = 10_000

Converter = Callable[[Any], Any]


class Spooled:
    """The rows of a statement, in memory or in a file that `close` deletes."""

    def __init__(
        self,
        columns: Sequence[Column],
        batches: Sequence[pa.RecordBatch] = (),
        *,
        file: Path | None = None,
        row_count: int | None = None,
        converters: Sequence[Converter | None] = (),
        update_type: str | None = None,
        update_count: int | None = None,
    ) -> None:
        self.columns = tuple(columns)
        self.row_count = sum(batch.num_rows for batch in batches) if row_count is None else row_count
        self.update_type, self.update_count = update_type, update_count
        self._batches, self._file = list(batches), file
        self._converters = converters or [None] * len(self.columns)

    def arrow(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows as Arrow batches."""
        if self._file is None:
            yield from self._batches
            return
        with pa.OSFile(str(self._file)) as source, pa.ipc.open_stream(source) as reader:
            yield from reader

    def batches(self, size: int = 1000) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows in order, in lists of at most *size*, as Python values of the column's type."""
        for batch in self.arrow():
            for start in range(0, batch.num_rows, size):
                yield self._rows(batch.slice(start, size))

    def _rows(self, batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
        lists = []
        for column, convert in zip(batch.columns, self._converters, strict=True):
            values = column.to_pylist()
            lists.append(values if convert is None else [None if v is None else convert(v) for v in values])
        return list(zip(*lists, strict=True))

    def close(self) -> None:
        """Forget the rows and delete their spool file."""
        self._batches = []
        if self._file is not None:
            self._file.unlink(missing_ok=True)
            self._file = None

    def __del__(self) -> None:
        self.close()


class Listed:
    """An answer whose rows were Python values from the start."""

    def __init__(
        self,
        columns: Sequence[Column],
        rows: list[tuple[Any, ...]],
        update_type: str | None = None,
        update_count: int | None = None,
    ) -> None:
        self.columns, self.row_count = tuple(columns), len(rows)
        self.update_type, self.update_count = update_type, update_count
        self._rows = rows

    def batches(self, size: int = 1000) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows in order, in lists of at most *size*."""
        for start in range(0, len(self._rows), size):
            yield self._rows[start : start + size]

    def close(self) -> None:
        """Forget the rows."""
        self._rows = []


def spool(
    columns: Sequence[Column],
    reader: pa.RecordBatchReader,
    folder: Path,
    converters: Sequence[Converter | None],
) -> Spooled:
    """Read *reader* to its end; more than MEMORY_ROWS rows go to a file in *folder*."""
    kept: list[pa.RecordBatch] = []
    rows = 0
    for batch in reader:
        kept.append(batch)
        rows += batch.num_rows
        if rows > MEMORY_ROWS:
            return _to_file(columns, kept, rows, reader, folder, converters)
    return Spooled(columns, kept, converters=converters)


def _to_file(
    columns: Sequence[Column],
    kept: list[pa.RecordBatch],
    rows: int,
    reader: pa.RecordBatchReader,
    folder: Path,
    converters: Sequence[Converter | None],
) -> Spooled:
    folder.mkdir(parents=True, exist_ok=True)
    handle, path = tempfile.mkstemp(suffix=".arrow", dir=folder)
    os.close(handle)
    try:
        with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, reader.schema) as writer:
            for batch in kept:
                writer.write_batch(batch)
            kept.clear()
            for batch in reader:
                rows += batch.num_rows
                writer.write_batch(batch)
    except BaseException:
        os.unlink(path)
        raise
    return Spooled(columns, file=Path(path), row_count=rows, converters=converters)
