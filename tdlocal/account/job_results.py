"""The rows of a finished job: one msgpack.gz file a job, as Treasure Data keeps them."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgpack
import ormsgpack

from tdlocal.account.values import job_rows
from tdlocal.engine.types import Answer

BATCH = 1000
CHUNK = 2**18
GZIP = 16 + zlib.MAX_WBITS


def write_result(answer: Answer, path: Path) -> int:
    """Write all rows of *answer* to *path*; returns the file's size in bytes."""
    packer = zlib.compressobj(1, zlib.DEFLATED, GZIP)
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        for batch in answer.batches(BATCH):
            file.write(packer.compress(pack_rows(job_rows(batch, answer.columns))))
        file.write(packer.flush())
    temporary.replace(path)
    return path.stat().st_size


def pack_rows(rows: list[Any]) -> bytes:
    """A stream of msgpack arrays, one a row: the packed list without its head."""
    packed = ormsgpack.packb(rows)
    count = len(rows)
    return packed[1 if count < 16 else 3 if count < 65536 else 5 :]


def unpacked(path: Path) -> Iterator[bytes]:
    """The msgpack stream of a result file, in chunks."""
    reader = zlib.decompressobj(GZIP)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            if data := reader.decompress(chunk):
                yield data
    if data := reader.flush():
        yield data


def read_rows(path: Path) -> Iterator[list[Any]]:
    """The rows of a result file, one by one."""
    unpacker = msgpack.Unpacker(raw=False, strict_map_key=False, max_buffer_size=2**30)
    for chunk in unpacked(path):
        unpacker.feed(chunk)
        yield from unpacker
