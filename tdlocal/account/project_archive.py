"""Unpack a pushed project: a tar.gz of regular files and links, checked before anything is written.

Refused with a reason: absolute names, `..`, links out of the project, devices, hard links, a file below a
link, too many or too large files, and anything that unpacks to more than the limits (bombs).
"""

from __future__ import annotations

import gzip
import io
import posixpath
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from tdlocal.account.errors import Refused

LARGEST_ARCHIVE = 256 * 2**20  # bytes, unpacked, headers included
LARGEST_FILE = 128 * 2**20
MOST_FILES = 20_000
LONGEST_NAME = 1_000
DEEPEST = 40


@dataclass(frozen=True)
class Entry:
    """One thing of the archive, checked: a file with its content, or a link with its target."""

    name: str
    mode: int
    content: bytes | None
    target: str | None


def unpack(archive: bytes, folder: Path) -> list[str]:
    """Write the archive's files below *folder* (new and empty); return their names.

    Raises Refused, with nothing written, when the archive breaks a rule.
    """
    entries = read(archive)
    folder.mkdir(parents=True, exist_ok=True)
    for entry in entries:
        path = folder / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.content is not None:
            path.write_bytes(entry.content)
            path.chmod(0o700 if entry.mode & 0o100 else 0o600)
    for entry in entries:
        if entry.target is not None:
            (folder / entry.name).symlink_to(entry.target)
    return [entry.name for entry in entries]


def read(archive: bytes) -> list[Entry]:
    """Read and check the whole archive in memory."""
    entries: dict[str, Entry] = {}
    try:
        stream = _Bounded(archive)
        with tarfile.open(fileobj=stream, mode="r|", encoding="utf-8", errors="surrogateescape") as tar:
            for member in tar:
                entry = checked(tar, member)
                if entry is None:
                    continue
                if entry.name in entries:
                    raise Refused(f"archive: {entry.name} is there twice")
                entries[entry.name] = entry
                if len(entries) > MOST_FILES:
                    raise Refused(f"archive: more than {MOST_FILES} files")
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError, UnicodeError) as error:
        raise Refused(f"the archive is no readable tar.gz: {error}") from error
    check_links(entries)
    return list(entries.values())


def checked(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Entry | None:
    """One member as an entry; None for a folder, which comes by itself with its files."""
    name = safe_name(member.name)
    if member.isdir():
        return None
    if not name:
        raise Refused(f"archive: {member.name!r} is no file name")
    if member.issym():
        return Entry(name, member.mode, None, safe_target(name, member.linkname))
    if not member.isreg():
        raise Refused(f"archive: {name} is neither a file nor a symbolic link")
    if member.size > LARGEST_FILE:
        raise Refused(f"archive: {name} is larger than {LARGEST_FILE} bytes")
    reader = tar.extractfile(member)
    return Entry(name, member.mode, reader.read() if reader else b"", None)


def safe_name(name: str) -> str:
    """The name below the project; refused when it could lead out.

    >>> safe_name("./a//b.dig")
    'a/b.dig'
    """
    if name.startswith("/") or "\x00" in name or "\\" in name or len(name) > LONGEST_NAME:
        raise Refused(f"archive: {name[:80]!r} is not allowed as a file name")
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise Refused(f"archive: {name[:80]!r} is not UTF-8") from error
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise Refused(f"archive: {name[:80]!r} leads out of the project")
    if len(parts) > DEEPEST or any(len(part.encode()) > 255 for part in parts):
        raise Refused(f"archive: {name[:80]!r} is too long or too deep")
    return "/".join(parts)


def safe_target(name: str, target: str) -> str:
    """Where a link leads, relative to itself; refused when that is outside the project."""
    landed = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    if not target or target.startswith("/") or landed == ".." or landed.startswith("../") or "\x00" in target:
        raise Refused(f"archive: link {name} leads out of the project, to {target[:80]!r}")
    return target


def check_links(entries: dict[str, Entry]) -> None:
    """No entry may lie below a link or a file, and no link may pass through another link."""
    files = set(entries)
    links = {name for name, entry in entries.items() if entry.target is not None}
    for name, entry in entries.items():
        above = parents(name)
        if files.intersection(above):
            raise Refused(f"archive: {name} lies below a file or a link")
        if entry.target is not None:
            landed = posixpath.normpath(posixpath.join(posixpath.dirname(name), entry.target))
            if links.intersection([landed, *parents(landed)]):
                raise Refused(f"archive: link {name} leads to another link")


def parents(name: str) -> list[str]:
    """
    >>> parents("a/b/c")
    ['a', 'a/b']
    """
    parts = name.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


class _Bounded(io.RawIOBase):
    """The unpacked bytes of a gzip, which ends with an error when there are too many."""

    def __init__(self, archive: bytes) -> None:
        self._stream = gzip.GzipFile(fileobj=io.BytesIO(archive))
        self._left = LARGEST_ARCHIVE

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = self._left + 1 if size < 0 else min(size, self._left + 1)
        chunk = self._stream.read(wanted)
        self._left -= len(chunk)
        if self._left < 0:
            raise Refused(f"archive: unpacks to more than {LARGEST_ARCHIVE} bytes")
        return chunk
