"""Make the sample shop's files: cuts of people in parallel, joined in order (small memory, same bytes)."""

from __future__ import annotations

import csv
import gzip
import io
import json
import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, cast

from tdlocal.sample import browsing, members, messages, shopping
from tdlocal.sample.catalogue import AFFINITIES, BY_SKU, DEPARTMENTS
from tdlocal.sample.dice import Dice
from tdlocal.sample.people import Person, households, visitors
from tdlocal.sample.rhythm import DAYS, GROWTH, MONTHS, WEEK, Rhythm, iso
from tdlocal.sample.sink import Sink
from tdlocal.sample.tables import TABLES, VERSION

CUT = 250  # people made at one go; part of what fixes the bytes
ROBOT_EVERY = 500  # people
VISITOR_ORDERS = 500  # a visitor has the number of one of the people; those have fewer orders than this
PEOPLE_COLUMNS = (
    "person_id", "kind", "household_id", "first_name", "last_name", "gender", "birth_date", "city", "state",
    "country",
    "member", "joined", "purchases", "net_revenue",
)  # fmt: skip


@dataclass(frozen=True)
class Request:
    """What is asked for: so many people, by this seed, with data up to and including the day *until*."""

    people: int
    seed: int
    until: str

    @property
    def end(self) -> int:
        """Unix seconds of the first moment after the data."""
        day = datetime.strptime(self.until, "%Y-%m-%d").replace(tzinfo=UTC)
        return int((day + timedelta(days=1)).timestamp())


@dataclass
class Made:
    """What one cut of people gave."""

    raw: dict[str, bytes]
    truth: dict[str, bytes]
    people: bytes
    identifiers: bytes
    counts: dict[str, int]
    cents: int


def make_cut(request: Request, start: int, stop: int) -> Made:
    """Make the records of the people numbered *start* to *stop* - 1, and one robot for every 500 of them."""
    rhythm = _rhythm(request.end)
    sink = Sink()
    people, identifiers = io.StringIO(), io.StringIO()
    write_person = csv.writer(people, lineterminator="\n").writerow
    write_identifier = csv.writer(identifiers, lineterminator="\n").writerow
    cents = 0
    for dice, household in households(request.seed, start, stop, request.end):
        for person in household:
            bought = shopping.buy(dice, person, rhythm, sink)
            members.enrol(dice, person, rhythm, sink)
            browsing.browse(dice, person, rhythm, sink, bought)
            messages.mail(dice, person, rhythm, sink)
            messages.text(dice, person, rhythm, sink)
            browsing.give_name(dice, person, rhythm, sink)
            messages.consent(dice, person, rhythm, sink)
            members.use_app(dice, person, rhythm, sink)
            members.answer(dice, person, rhythm, sink)
            write_person(_person_row(person))
            for row in _identifiers(person):
                write_identifier(row)
            cents += person.revenue_cents
    for dice, visitor in visitors(request.seed, start, stop, request.end):
        shopping.buy(dice, visitor, rhythm, sink, number=VISITOR_ORDERS)
        browsing.look_around(dice, visitor, rhythm, sink)
        write_person(_person_row(visitor))
        for row in _identifiers(visitor):
            write_identifier(row)
        cents += visitor.revenue_cents
    for robot in range(start // ROBOT_EVERY, stop // ROBOT_EVERY):
        robot_id = f"X{robot:07d}"
        browsing.crawl(Dice(f"{request.seed}:robot:{robot}"), robot_id, rhythm, sink)
        write_person([robot_id, "robot", *[""] * 8, "false", "", 0, "0.00"])
    raw, truth = sink.pieces()
    return Made(raw, truth, people.getvalue().encode(), identifiers.getvalue().encode(), sink.counts, cents)


_RHYTHMS: dict[int, Rhythm] = {}


def _rhythm(end: int) -> Rhythm:
    if end not in _RHYTHMS:
        _RHYTHMS[end] = Rhythm(end)
    return _RHYTHMS[end]


def _person_row(person: Person) -> list[object]:
    city = person.home.city
    return [
        person.person_id, "person" if person.emails else "visitor", person.household_id,
        person.first, person.last, person.gender,
        person.birth_date, city.name,
        city.state, city.country, "true" if person.customer_ids else "false", iso(person.joined),
        person.orders,
        f"{person.revenue_cents / 100:.2f}",
    ]  # fmt: skip


def _identifiers(person: Person) -> Iterator[tuple[str, str, str]]:
    for kind, values in (
        ("email", person.emails), ("phone_number", person.phones), ("customer_id", person.customer_ids),
        ("token", person.tokens), ("td_client_id", [browser.client_id for browser in person.browsers]),
        ("td_global_id", [browser.global_id for browser in person.browsers]),
    ):  # fmt: skip
        for value in dict.fromkeys(values):
            yield kind, value, person.person_id
    if person.device:
        for kind, single in (
            ("device_id", person.device.device_id), ("adid", person.device.adid), ("idfa",
            person.device.idfa),
        ):  # fmt: skip
            if single and not single.startswith("00000000-0000"):
                yield kind, single, person.person_id


def _cut_of(task: tuple[Request, int, int]) -> Made:
    return make_cut(*task)


def cuts(request: Request, jobs: int) -> Iterator[Made]:
    """Yield every cut of people in order, made by *jobs* processes (1: in this one)."""
    tasks = [(request, start, min(start + CUT, request.people)) for start in range(0, request.people, CUT)]
    if jobs <= 1 or len(tasks) < 4:
        yield from map(_cut_of, tasks)
        return
    with multiprocessing.get_context("spawn" if _threads_run() else "fork").Pool(jobs) as pool:
        # imap hands out everything at once; in blocks, a slow disk cannot let finished cuts pile up
        for first in range(0, len(tasks), 8 * jobs):
            yield from pool.imap(_cut_of, tasks[first : first + 8 * jobs])


def _threads_run() -> bool:
    import threading

    return threading.active_count() > 1


def write_sample(
    request: Request,
    folder: Path,
    *,
    compress: bool = False,
    jobs: int = 2,
    told: Callable[[int], None] | None = None,
) -> dict[str, int]:
    """Write the raw files, the truth and the manifest of *request* into *folder*; return records by table.

    Args:
        request: people, seed and last day; the same request gives the same bytes.
        folder: gets ``raw/<table>.csv|jsonl``, ``truth/…`` and, last, ``manifest.json``.
        compress: gzip the raw files.
        jobs: processes; does not change the bytes.
        told: is called with the number of people made so far.
    """
    raw_folder, truth_folder = folder / "raw", folder / "truth"
    for each in (raw_folder, truth_folder):
        each.mkdir(parents=True, exist_ok=True)
    (folder / "manifest.json").unlink(missing_ok=True)
    counts = {table.name: 0 for table in TABLES}
    cents = people = 0
    with ExitStack() as stack:
        raw = {
            table.name: stack.enter_context(_raw_file(raw_folder, table.file_name, compress))
            for table in TABLES
        }
        truth = {
            table.name: stack.enter_context((truth_folder / f"{table.name}.csv").open("wb"))
            for table in TABLES
        }
        for table in TABLES:
            if table.form == "csv":
                raw[table.name].write((",".join(table.names) + "\n").encode())
            truth[table.name].write(f"person_id,{','.join(table.key)}\n".encode())
        people_file = stack.enter_context((truth_folder / "people.csv").open("wb"))
        people_file.write((",".join(PEOPLE_COLUMNS) + "\n").encode())
        identifier_file = stack.enter_context((truth_folder / "identifiers.csv").open("wb"))
        identifier_file.write(b"id_type,id,person_id\n")
        for made in cuts(request, jobs):
            for table in TABLES:
                raw[table.name].write(made.raw[table.name])
                truth[table.name].write(made.truth[table.name])
                counts[table.name] += made.counts[table.name]
            people_file.write(made.people)
            identifier_file.write(made.identifiers)
            cents += made.cents
            people = min(people + CUT, request.people)
            if told:
                told(people)
    (truth_folder / "planted.json").write_text(json.dumps(planted(cents), indent=1) + "\n")
    manifest = {**_asked(request, compress), "records": counts, "bytes": _sizes(folder)}
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n")
    return counts


def already_made(request: Request, folder: Path, *, compress: bool = False) -> dict[str, int] | None:
    """Return the records by table when *folder* holds the whole sample of *request*, else None."""
    try:
        manifest = json.loads((folder / "manifest.json").read_text())
    except (OSError, ValueError):
        return None
    asked = _asked(request, compress)
    if {name: manifest.get(name) for name in asked} != asked or manifest.get("bytes") != _sizes(folder):
        return None
    return dict(manifest["records"])


def _asked(request: Request, compress: bool) -> dict[str, object]:
    return {
        "people": request.people,
        "seed": request.seed,
        "until": request.until,
        "version": VERSION,
        "compressed": compress,
    }


def _sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in sorted((folder / "raw").glob("*"))}


def _raw_file(folder: Path, name: str, compress: bool) -> IO[bytes]:
    for old in (folder / name, folder / f"{name}.gz"):
        old.unlink(missing_ok=True)
    if not compress:
        return (folder / name).open("wb")
    # no file name and no time in the gzip head: same request, same bytes
    return cast("IO[bytes]", _Gzip((folder / f"{name}.gz").open("wb")))


class _Gzip(gzip.GzipFile):
    """A gzip writer that also closes the file below it."""

    def __init__(self, below: IO[bytes]) -> None:
        super().__init__(filename="", fileobj=below, mode="wb", compresslevel=1, mtime=0)
        self._below = below

    def close(self) -> None:
        super().close()
        self._below.close()


def planted(cents: int) -> dict[str, object]:
    """Return what was planted, for tests that look whether the pipeline finds it."""
    return {
        "net_revenue": f"{cents / 100:.2f}",
        "affinities": [
            {
                "if_basket_has": a.first, "name": BY_SKU[a.first].name, "then_add": a.second,
                "then_name": BY_SKU[a.second].name, "probability": round(a.probability, 2),
            }
            for a in AFFINITIES
        ],
        "rhythm": {"months": MONTHS, "weekdays_monday_first": WEEK, "growth_over_history": GROWTH,
        "days": DAYS},
        "departments": {name: list(categories) for name, categories in DEPARTMENTS.items()},
    }  # fmt: skip


def raw_files(folder: Path) -> Iterable[tuple[str, Path]]:
    """Yield (table, file) of the raw files in *folder*, in the order of the tables."""
    for table in TABLES:
        plain = folder / "raw" / table.file_name
        yield table.name, plain if plain.exists() else plain.with_name(f"{plain.name}.gz")
