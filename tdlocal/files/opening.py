"""Opens a data file as text: gzip by its first bytes, the encoding by its byte-order mark or as asked."""

from __future__ import annotations

import codecs
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from tdlocal.errors import KitError

MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
GZIP_MAGIC = b"\x1f\x8b"


def open_bytes(path: Path) -> IO[bytes]:
    """Open *path* for reading bytes, unpacking gzip whatever the file is called.

    Raises:
        KitError: the file is not there or may not be read.
    """
    try:
        stream = path.open("rb")
        packed = stream.read(2) == GZIP_MAGIC
        stream.seek(0)
    except OSError as error:
        raise KitError(f"cannot read the file: {error.strerror}", where=str(path)) from error
    return cast("IO[bytes]", gzip.GzipFile(fileobj=stream)) if packed else stream


def detect_encoding(path: Path) -> str:
    """Return the encoding of *path*: by its byte-order mark, UTF-16 by its NUL bytes, else UTF-8."""
    with open_bytes(path) as stream:
        head = stream.read(4096)
    for mark, encoding in MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if len(head) >= 4 and max(even, odd) > len(head) // 3:
        return "utf-16-be" if even > odd else "utf-16-le"
    return "utf-8"


def known_encoding(name: str) -> str:
    """Return *name* when Python knows that encoding.

    Raises:
        KitError: it does not.
    """
    try:
        return codecs.lookup(name).name
    except LookupError as error:
        raise KitError(
            f"unknown encoding {name!r}",
            where="--encoding",
            mend="utf-8, utf-16, latin-1, cp1252, shift_jis, …",
        ) from error


def read_lines(path: Path, encoding: str) -> Iterator[str]:
    """Yield the lines of *path* with their line ends.

    Raises:
        KitError: naming the line, for bytes that are not *encoding*, NUL bytes, or a broken gzip file.
    """
    number = 0
    try:
        with open_bytes(path) as stream:
            for line in io.TextIOWrapper(stream, encoding=encoding, newline=""):
                number += 1
                if "\0" in line:
                    raise KitError(
                        "a NUL byte in the text",
                        where=f"{path}:{number}",
                        mend="remove it, or name the file's real encoding with --encoding",
                    )
                yield line
    except UnicodeError as error:
        raise KitError(
            f"bytes that are not {encoding}",
            where=f"{path}:{bad_line(path, encoding, number + 1)}",
            mend="name the file's real encoding, for instance --encoding cp1252",
        ) from error
    except (EOFError, OSError) as error:
        raise KitError(f"broken gzip file: {error}", where=f"{path}:{number + 1}") from error


def bad_line(path: Path, encoding: str, fallback: int) -> int:
    """Return the number of the first line of *path* that is not *encoding* (UTF-16, UTF-32: *fallback*)."""
    if encoding.startswith(("utf-16", "utf_16", "utf-32", "utf_32")):
        return fallback
    with open_bytes(path) as stream:
        for number, line in enumerate(stream, 1):
            try:
                line.decode(encoding)
            except UnicodeError:
                return number
    return fallback
