"""tdlocal sample: make the sample shop's raw tables, and load them."""

from __future__ import annotations

import argparse
import json
import os
from datetime import datetime
from pathlib import Path

from tdlocal.errors import KitError
from tdlocal.files.progress import Progress
from tdlocal.files.upload import Upload, told_plainly
from tdlocal.local_server import local_account
from tdlocal.sample.damage import write_damaged
from tdlocal.sample.generate import Request, already_made, write_sample
from tdlocal.sample.loading import is_loaded, load_sample

HELP = (
    "Make a retail shop's eleven raw tables as their sources would send them: several e-mails a "
    "person, shared phones, typing errors, mixed formats, guests, returns, repeats, late events. The "
    "same people, seed and last day give the same bytes. Who is behind each record is told in the "
    "truth folder, which no workflow reads."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `tdlocal sample`."""
    add = parser.add_argument
    add(
        "--people",
        type=int,
        default=2000,
        metavar="N",
        help="people in the shop (default 2000; millions work)",
    )
    add("--seed", type=int, default=7, metavar="S", help="another number, another shop (default 7)")
    add(
        "--until", default="2026-10-31", metavar="DATE", help="last day of the two years (default 2026-10-31)"
    )
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for the files (default <state>/sample/<what was asked>)",
    )
    add("--compress", action="store_true", help="gzip the raw files")
    add("--damage", type=float, default=0.0, metavar="SHARE", help="mend the dirt, then spoil known cells")
    add("--load", action="store_true", help="load them, unless this very sample is loaded already")
    add("--database", default="raw_retail", metavar="DB", help="raw database for --load (default raw_retail)")
    add(
        "--state",
        type=Path,
        default=Path(".tdlocal"),
        metavar="DIR",
        help="the account's folder (default .tdlocal)",
    )
    add(
        "--jobs",
        type=int,
        default=min(os.cpu_count() or 1, 8),
        metavar="N",
        help="processes (no change of bytes)",
    )
    add("--json", action="store_true", help="say what was made as JSON")


def main(arguments: argparse.Namespace) -> int:
    """Make the files where they are not there yet, and load them when asked."""
    request = asked(arguments.people, arguments.seed, arguments.until)
    if not 0 <= arguments.damage < 1:
        raise KitError("the share must be from 0 to 1", where="--damage", mend="for instance 0.02")
    folder = arguments.out or arguments.state / "sample" / f"{request.people}-{request.seed}-{request.until}"
    if not arguments.load:
        counts, folder = made(request, folder, arguments)
        tell(arguments, folder, counts, "made")
        return 0
    with local_account(arguments.state) as server:
        progress = Progress()
        upload = Upload(server.url, server.key, progress.at)
        with told_plainly(arguments.database):
            loaded = is_loaded(upload, arguments.database, request, arguments.damage)
        if loaded:
            tell(arguments, folder, {}, "already loaded")
            return 0
        _, folder = made(request, folder, arguments)
        with told_plainly(arguments.database):
            counts = load_sample(
                upload, arguments.database, request, folder, progress.done, damage=arguments.damage
            )
    tell(arguments, folder, counts, "loaded")
    return 0


def asked(people: int, seed: int, until: str) -> Request:
    """Return the request of three arguments.

    Raises:
        KitError: no people, or *until* is not a date.
    """
    if people < 1:
        raise KitError("a shop needs at least one person", where="--people")
    try:
        datetime.strptime(until, "%Y-%m-%d")
    except ValueError as error:
        raise KitError(f"{until!r} is not a date", where="--until", mend="write it as 2026-10-31") from error
    return Request(people, seed, until)


def made(request: Request, folder: Path, arguments: argparse.Namespace) -> tuple[dict[str, int], Path]:
    """Make the files of *request* in *folder*, unless they are there; return the counts and their folder.

    With --damage the files are those of a folder below, and wrong cells by kind are what was counted.
    """
    counts = already_made(request, folder, compress=arguments.compress)
    progress = Progress("people")
    try:
        if counts is None:
            counts = write_sample(
                request,
                folder,
                compress=arguments.compress,
                jobs=arguments.jobs,
                told=lambda people: progress.at("sample", people),
            )
            progress.done("sample", request.people, f"{sum(counts.values()):,} records")
        if arguments.damage:
            damaged = folder / f"damaged-{arguments.damage:g}"
            counts = write_damaged(folder, damaged, seed=arguments.seed, share=arguments.damage)
            return counts, damaged
    except OSError as error:
        raise KitError(
            f"cannot write the sample: {error.strerror}", where=str(error.filename or folder)
        ) from error
    return counts, folder


def tell(arguments: argparse.Namespace, folder: Path, counts: dict[str, int], what: str) -> None:
    """Print the answer: where the files are, and the records of each table."""
    if arguments.json:
        print(json.dumps({"did": what, "folder": str(folder), "records": counts}))
        return
    print(f"sample shop, {arguments.people:,} people, seed {arguments.seed}, until {arguments.until}: {what}")
    if what != "already loaded":
        print(f"  raw files   {folder / 'raw'}")
        print(f"  the truth   {folder / 'truth'}   (for tests; no workflow reads it)")
