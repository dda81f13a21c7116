"""Loads the sample shop into the raw database, once: a table of the account says what is loaded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tdlocal.files.delimited import Layout
from tdlocal.files.guessing import DOUBLE, LONG, STRING
from tdlocal.files.sources import open_source
from tdlocal.files.upload import Upload
from tdlocal.sample.generate import Request, raw_files
from tdlocal.sample.tables import BY_NAME, TABLES, VERSION

MARKER = "sample_shop"  # one row: what is loaded, and with how many rows of each table
MARKER_SCHEMA = [
    ("people", LONG),
    ("seed", LONG),
    ("until", STRING),
    ("version", LONG),
    ("damage", DOUBLE),
] + [(f"{table.name}_rows", LONG) for table in TABLES]


def is_loaded(upload: Upload, database: str, request: Request, damage: float = 0.0) -> bool:
    """Return whether *database* holds the sample of *request*: its marker says so, and the row counts."""
    if upload.schema(database, MARKER) is None:
        return False
    names = ", ".join(f'"{name}"' for name, _ in MARKER_SCHEMA)
    rows = upload.execute(database, f'select {names} from "{MARKER}"')
    if len(rows) != 1 or rows[0][:5] != [request.people, request.seed, request.until, VERSION, damage]:
        return False
    counts = {table.name: table.count for table in upload.client.tables(database)}
    return all(counts.get(table.name) == count for table, count in zip(TABLES, rows[0][5:], strict=True))


def load_sample(
    upload: Upload,
    database: str,
    request: Request,
    folder: Path,
    done: Callable[[str, int], None],
    damage: float = 0.0,
) -> dict[str, int]:
    """Load the raw files of *folder*; return rows by table. Each table is replaced whole.

    Args:
        upload: the account.
        database: the raw database, made when it is not there.
        request: what the files were made from; written to the marker when all tables are in.
        folder: as write_sample left it.
        done: is called with each table and its rows.
        damage: share of spoiled cells; for the marker.
    """
    upload.make_database(database)
    upload.drop(database, MARKER)
    loaded = {}
    for name, path in raw_files(folder):
        table = BY_NAME[name]
        types = dict(zip(table.names, table.types, strict=True))
        layout = Layout(encoding="utf-8", delimiter=",", columns=tuple(table.names))
        source = open_source(path, layout, types)
        schema = list(zip(source.names, source.types, strict=True))
        loaded[name] = upload.replace(database, name, schema, source.rows(), time=request.end)
        done(name, loaded[name])
    row = [request.people, request.seed, request.until, VERSION, damage, *loaded.values()]
    upload.replace(database, MARKER, MARKER_SCHEMA, [row], time=request.end)
    return loaded
