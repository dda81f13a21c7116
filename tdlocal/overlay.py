"""A project with a user's own files laid over it: mapping, parameters and prep SQL; never the workflows.

An overlay is a folder shaped like the project. A file in it takes the place of the project's file of the same
path, or is added. ``config/src_params.yml`` is the exception: it holds only the values that differ, and the
project's other values stay.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pathspec
import yaml

from tdlocal.errors import KitError

MERGED = PurePosixPath("config/src_params.yml")
MARK = ".overlaid"  # in a folder that this module made and may make anew
IGNORE_FILE = ".digdagignore"


def overlaid(project: Path, overlay: Path, target: Path) -> Path:
    """Write the project's pushed files and the overlay's files into *target*; return *target*.

    Args:
        project: folder of the workflows; what .digdagignore names and names with a dot in front stay out.
        overlay: folder shaped like the project.
        target: is made anew; it must not exist yet, be empty, or come from an earlier call.

    Raises:
        KitError: no such overlay, workflows in it, parameters that are not YAML, or a target in use.
    """
    if not overlay.is_dir():
        raise KitError("no such overlay folder", where=str(overlay))
    files = sorted(_files(overlay))
    workflows = [path for path in files if path.suffix == ".dig"]
    if workflows:
        raise KitError(
            "an overlay may not replace workflows",
            where=str(overlay / workflows[0]),
            mend="lay over config/ and prep/queries/ only, or change the project itself",
        )
    _clear(target)
    for path in _pushed(project):
        _copy(project / path, target / path)
    for path in files:
        if path == MERGED and (project / path).is_file():
            _merge(project / path, overlay / path, target / path)
        else:
            _copy(overlay / path, target / path)
    return target


def _files(folder: Path) -> Iterator[PurePosixPath]:
    """Yield the files below *folder* without names that start with a dot."""
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith((".", "__pycache__")))
        below = PurePosixPath(Path(where).relative_to(folder).as_posix())
        for name in sorted(names):
            if not name.startswith("."):
                yield below / name


def _pushed(project: Path) -> Iterator[PurePosixPath]:
    ignore = project / IGNORE_FILE
    lines = ignore.read_text(encoding="utf-8").splitlines() if ignore.is_file() else []
    ignored = pathspec.GitIgnoreSpec.from_lines(lines)
    return (path for path in _files(project) if not ignored.match_file(str(path)))


def _clear(target: Path) -> None:
    if target.exists() and any(target.iterdir()) and not (target / MARK).is_file():
        raise KitError(
            "the folder for the laid-over project is in use for something else",
            where=str(target),
            mend="name another folder, or empty this one",
        )
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    (target / MARK).touch()


def _copy(source: Path, copy: Path) -> None:
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, copy)


def _merge(base: Path, over: Path, merged: Path) -> None:
    values = _laid_over(_read(base), _read(over))
    head = f"# {base.name} of the project with the values of {over} laid over it\n"
    merged.parent.mkdir(parents=True, exist_ok=True)
    merged.write_text(head + yaml.safe_dump(values, sort_keys=False, allow_unicode=True), encoding="utf-8")


def _read(path: Path) -> dict[str, Any]:
    try:
        values = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise KitError(f"not YAML: {getattr(error, 'problem', error)}", where=where) from error
    if values is not None and not isinstance(values, dict):
        raise KitError("parameters must be a map of names and values", where=str(path))
    return values or {}


def _laid_over(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Return *base* with the values of *over*; maps are merged, everything else is replaced.

    >>> _laid_over({"sub": "a", "defaults": {"site": "us", "run_all": False}}, {"defaults": {"site": "eu"}})
    {'sub': 'a', 'defaults': {'site': 'eu', 'run_all': False}}
    """
    merged = dict(base)
    for name, value in over.items():
        there = merged.get(name)
        merged[name] = (
            _laid_over(there, value) if isinstance(there, dict) and isinstance(value, dict) else value
        )
    return merged
