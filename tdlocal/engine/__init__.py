"""The SQL engine of the local account: Trino SQL as Treasure Data runs it, on DuckDB."""

from __future__ import annotations

from pathlib import Path

from tdlocal.engine.duck import DuckDBEngine
from tdlocal.engine.types import Engine

FILE_NAME = "td-warehouse.duckdb"  # no Treasure Data database can be named like this stem


def open_engine(
    path: Path | None, *, memory_limit: str = "4GB", threads: int | None = None, spool: Path | None = None
) -> Engine:
    """Open (or create) the account's tables.

    Args:
        path: the DuckDB file, or a folder that gets `td-warehouse.duckdb`; None keeps all in memory.
        memory_limit: how much DuckDB may hold before it spills to disk.
        threads: how many threads a query may use; the machine's cores when None.
        spool: folder for large answers and spilled sorts; what an earlier process left there is deleted.

    Raises EngineError when another process holds the file.
    """
    if path is not None and path.is_dir():
        path = path / FILE_NAME
    if spool is None and path is not None:
        spool = path.parent / "spool"
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
    return DuckDBEngine(path, memory_limit=memory_limit, threads=threads, folder=spool)
