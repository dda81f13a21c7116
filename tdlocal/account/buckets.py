"""Folders that stand in for buckets: `<state>/buckets/<bucket>/…` is what S3 and its like are elsewhere.

Loads read objects there, exports and result outputs write them. Nothing is ever fetched or sent.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from tdlocal.account.errors import NotThere, Refused

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,254}")
LONGEST_KEY = 1024
PART = ".part-"  # of files being written; they are not objects yet

# where each kind of storage says its bucket and the beginning of its objects' names
STORAGES = {
    "s3": (("bucket",), ("path_prefix", "path")),
    "s3_v2": (("bucket",), ("path_prefix", "path")),
    "gcs": (("bucket",), ("path_prefix", "path")),
    "azure_blob_storage": (("container",), ("path_prefix", "path")),
    "ftp": (("host",), ("path_prefix", "path")),
    "ftps": (("host",), ("path_prefix", "path")),
    "sftp": (("host",), ("path_prefix", "path")),
    "file": (("bucket",), ("path_prefix", "path")),
}


class Buckets:
    """Read and write objects of the buckets of an account."""

    def __init__(self, state: Path) -> None:
        self._folder = state / "buckets"

    def objects(self, bucket: str, prefix: str) -> list[tuple[str, Path]]:
        """The objects whose names begin with *prefix*, by name; a slash in front does not count.

        Raises NotThere when the bucket is missing or holds no such object.
        """
        root = self._root(bucket)
        if not root.is_dir():
            raise NotThere(f"bucket '{bucket}' does not exist: no folder {self._shown(bucket)}")
        prefix = prefix.lstrip("/")
        found = sorted(
            (key, path) for key, path in files_below(root) if key.startswith(prefix) and PART not in path.name
        )
        if not found:
            raise NotThere(f"bucket '{bucket}' has no object that begins with '{prefix}'")
        return found

    @contextmanager
    def writing(self, bucket: str, key: str) -> Iterator[IO[bytes]]:
        """A file to write an object into; it is there when the block ends well, and not at all otherwise."""
        path = self._path(bucket, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_name(f"{PART}{uuid.uuid4().hex}")
        try:
            with temporary.open("wb") as file:
                yield file
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def check(self, bucket: str, key: str) -> None:
        """Raise Refused when no object can have this name, NotThere when there is no such bucket."""
        self._path(bucket, key)
        if not self._root(bucket).is_dir():
            raise NotThere(
                f"bucket '{bucket}' does not exist: make the folder {self._shown(bucket)} to stand in for it"
            )

    def _root(self, bucket: str) -> Path:
        if not NAME.fullmatch(bucket):
            raise Refused(f"'{bucket[:80]}' cannot be a bucket's name")
        return self._folder / bucket

    def _shown(self, bucket: str) -> str:
        return f"<state>/buckets/{bucket}"

    def _path(self, bucket: str, key: str) -> Path:
        parts = key.strip("/").split("/")
        bad = {"", ".", ".."}
        if len(key) > LONGEST_KEY or "\0" in key or bad & set(parts) or any(len(p) > 200 for p in parts):
            raise Refused(f"'{key[:80]}' cannot be an object's name")
        root = self._root(bucket)
        path = root.joinpath(*parts)
        if root.exists() and not path.parent.resolve().is_relative_to(root.resolve()):
            raise Refused(f"'{key[:80]}' leads out of bucket '{bucket}'")
        if path.is_dir():
            raise Refused(f"'{key[:80]}' is a folder in bucket '{bucket}'")
        return path


def files_below(root: Path) -> Iterator[tuple[str, Path]]:
    """The files of a folder and its folders, each with its name as an object; links are not followed."""
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder, name)
            if path.is_file() and not path.is_symlink():
                yield path.relative_to(root).as_posix(), path


def place_in(settings: dict[str, Any]) -> tuple[str, str]:
    """The bucket and the prefix that the settings of a storage name; Refused when they name none.

    >>> place_in({"type": "s3", "bucket": "lake", "path_prefix": "orders/2026-"})
    ('lake', 'orders/2026-')
    """
    kind = str(settings.get("type", ""))
    if kind not in STORAGES:
        raise Refused(
            f"there is no connector '{kind[:40]}' here; files are read from {', '.join(STORAGES)}, "
            "each a folder of this account"
        )
    bucket_words, prefix_words = STORAGES[kind]
    bucket = next((settings[word] for word in bucket_words if settings.get(word)), None)
    prefix = next((settings[word] for word in prefix_words if settings.get(word)), "")
    if not isinstance(bucket, str) or not isinstance(prefix, str):
        raise Refused(f"the settings of '{kind}' need a '{bucket_words[0]}'")
    return bucket, prefix
