"""Sends rows into a table of an account over Treasure Data's import API: wholly, or not at all.

Rows go into a table beside (`<table>__load`). Only when all of it has arrived does it take the table's place
(swap or rename) or is added to it (one insert). What a killed load leaves is the table beside, which the next
load of the same table clears away.
"""

from __future__ import annotations

import gzip
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import ormsgpack
import tdclient
import urllib3
from tdclient.errors import AlreadyExistsError, APIError, NotFoundError

from tdlocal.errors import KitError
from tdlocal.files.guessing import DOUBLE, LONG, STRING

PART_BYTES = 12 * 1024 * 1024  # before compression; bounds the memory of a load on both sides
BESIDE = "__load"
SQL_TYPES = {LONG: "bigint", DOUBLE: "double", STRING: "varchar"}


@contextmanager
def told_plainly(where: str) -> Iterator[None]:
    """Turn what the account refuses, and a lost connection, into one line that says so.

    Raises:
        KitError: in place of the client's errors.
    """
    try:
        yield
    except (APIError, urllib3.exceptions.HTTPError, OSError) as error:
        raise KitError(f"the account refused: {error}", where=where) from error


class Upload:
    """Loads tables of one account.

    Args:
        url: address of the account, with scheme, without a slash at the end.
        key: its API key.
        told: is called with a table's name and the rows sent so far.
    """

    def __init__(self, url: str, key: str, told: Callable[[str, int], None] | None = None) -> None:
        self.client = tdclient.Client(apikey=key, endpoint=url + "/", max_cumul_retry_delay=10)
        self._told = told or (lambda table, rows: None)

    def make_database(self, database: str) -> None:
        """Create *database* unless it is there."""
        try:
            self.client.create_database(database)
        except AlreadyExistsError:
            return

    def schema(self, database: str, table: str) -> list[tuple[str, str]] | None:
        """Return names and types of a table without `time`; None when there is no such table."""
        try:
            found = self.client.table(database, table)
        except NotFoundError:
            return None
        return [(str(column[0]), str(column[1])) for column in found.schema or []]

    def count(self, database: str, table: str) -> int | None:
        """Return the number of rows of a table; None when there is no such table."""
        try:
            return self.client.table(database, table).count
        except NotFoundError:
            return None

    def replace(
        self, database: str, table: str, schema: list[tuple[str, str]], rows: Iterable[list[Any]], time: int
    ) -> int:
        """Make *table* hold exactly *rows*; return how many.

        Args:
            database: is created when it is not there.
            table: replaced in one step at the end, or made.
            schema: (name, long | double | string) of each value of a row; `time` is the row's time.
            rows: values in the order of *schema*.
            time: unix seconds for rows that have none.
        """
        sent = self._beside(database, table, schema, rows, time)
        beside = table + BESIDE
        if self.schema(database, table) is None:
            self._rename(database, beside, table)
        else:
            self.client.swap_table(database, beside, table)
            self.client.delete_table(database, beside)
        return sent

    def append(
        self, database: str, table: str, schema: list[tuple[str, str]], rows: Iterable[list[Any]], time: int
    ) -> int:
        """Add *rows* to *table* in one step; return how many. Arguments as for replace; columns may be new.

        Raises:
            KitError: a column of the table has a narrower type than the rows.
        """
        there = self.schema(database, table)
        if there is None:
            return self.replace(database, table, schema, rows, time)
        wanted = [column for column in schema if column[0] != "time"]
        added = _added_columns(there, wanted, f"{database}.{table}")
        sent = self._beside(database, table, schema, rows, time)
        if added:
            self._set_schema(database, table, [*there, *added])
        types = dict([*there, *added])
        names = ", ".join(f'"{name}"' for name, _ in [*wanted, ("time", LONG)])
        values = ", ".join(
            f'cast("{name}" as {SQL_TYPES[types[name]]})' if types[name] != kind else f'"{name}"'
            for name, kind in wanted
        )
        values = f'{values}, "time"' if values else '"time"'
        self.execute(database, f'insert into "{table}" ({names}) select {values} from "{table}{BESIDE}"')
        self.client.delete_table(database, table + BESIDE)
        return sent

    def execute(self, database: str, sql: str) -> list[list[Any]]:
        """Run one statement as a job and return its rows.

        Raises:
            KitError: the job failed; with the engine's message.
        """
        job = self.client.query(database, sql, type="trino")
        job.wait(wait_interval=1)
        if not job.success():
            raise KitError(
                f"job {job.id} failed: {(job.debug or {}).get('stderr') or job.status()}", where=database
            )
        return [list(row) for row in job.result()]

    def drop(self, database: str, table: str) -> None:
        """Delete a table unless it is gone already."""
        try:
            self.client.delete_table(database, table)
        except NotFoundError:
            return

    def _beside(
        self, database: str, table: str, schema: list[tuple[str, str]], rows: Iterable[list[Any]], time: int
    ) -> int:
        beside = table + BESIDE
        self.make_database(database)
        self.drop(database, beside)
        self.client.create_log_table(database, beside)
        self._set_schema(database, beside, [column for column in schema if column[0] != "time"])
        load = uuid.uuid4().hex
        sent = 0
        try:
            for number, (part, count) in enumerate(pack(schema, rows, time)):
                body = gzip.compress(part, compresslevel=1, mtime=0)
                self.client.import_data(
                    database, beside, "msgpack.gz", body, len(body), f"{load}{number:06d}"
                )
                sent += count
                self._told(table, sent)
            arrived = self.count(database, beside)
            if arrived != sent:
                raise KitError(f"{sent} rows were sent, {arrived} arrived", where=f"{database}.{beside}")
        except BaseException:
            self._forget(database, beside)
            raise
        return sent

    def _forget(self, database: str, beside: str) -> None:
        try:
            self.drop(database, beside)
        except (APIError, OSError):
            return  # the first error is the one to tell; the next load clears this away

    def _set_schema(self, database: str, table: str, schema: list[tuple[str, str]]) -> None:
        if schema:
            self.client.update_schema(database, table, [[name, kind] for name, kind in schema])

    def _rename(self, database: str, table: str, new_name: str) -> None:
        path = f"/v3/table/rename/{quote(database)}/{quote(table)}/{quote(new_name)}"
        with self.client.api.post(path, {"overwrite": "true"}) as answer:
            if answer.status != 200:
                self.client.api.raise_error("Rename table failed", answer, answer.read())


def _added_columns(
    there: list[tuple[str, str]], wanted: list[tuple[str, str]], where: str
) -> list[tuple[str, str]]:
    """Return the wanted columns that are not there yet; refuse one whose values would not fit."""
    types = dict(there)
    widths = {LONG: 0, DOUBLE: 1, STRING: 2}
    for name, kind in wanted:
        if name in types and widths.get(types[name], 2) < widths[kind]:
            raise KitError(
                f"column {name} is {types[name]} there and {kind} in the file",
                where=where,
                mend=f"load it with --types {name}={types[name]}, or use --replace",
            )
    return [column for column in wanted if column[0] not in types]


def pack(
    schema: list[tuple[str, str]], rows: Iterable[list[Any]], time: int, part_bytes: int = PART_BYTES
) -> Iterator[tuple[bytes, int]]:
    """Yield the rows as parts of msgpack maps with the number of rows in each.

    Args:
        schema: (name, long | double | string) of each value of a row.
        rows: values; text of a long or double column is converted, None is left out of the map.
        time: for rows without one.
    """
    names = [name for name, _ in schema]
    numeric = [position for position, (_, kind) in enumerate(schema) if kind != STRING]
    timed = "time" in names
    part, count = bytearray(), 0
    for row_number, row in enumerate(rows, 1):
        for position in numeric:
            value = row[position]
            if isinstance(value, str):
                row[position] = _converted(schema, position, value, row_number)
        record = {name: value for name, value in zip(names, row, strict=True) if value is not None}
        if not timed or "time" not in record:
            record["time"] = time
        part += ormsgpack.packb(record)
        count += 1
        if len(part) >= part_bytes:
            yield bytes(part), count
            part, count = bytearray(), 0
    if count:
        yield bytes(part), count


def _converted(schema: list[tuple[str, str]], position: int, value: str, row_number: int) -> Any:
    name, kind = schema[position]
    try:
        return int(value) if kind == LONG else float(value)
    except ValueError as error:
        raise KitError(
            f"{value[:40]!r} is not a {kind}",
            where=f"column {name}, row {row_number}",
            mend=f"load the column as text: --types {name}=string",
        ) from error
