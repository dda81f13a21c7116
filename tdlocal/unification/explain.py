"""Why records are one person: the links between a person's identifiers, read from the published tables."""

from __future__ import annotations

import html
import math
import re
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tdlocal.unification.model import CanonicalId, Unification
from tdlocal.unification.sql import literal, quoted

Ask = Callable[[str], list[list[Any]]]
Identifier = tuple[str, str]  # key, value
STYLE = (
    "body{font:15px system-ui;margin:2em auto;max-width:60em}line{stroke:#9ab;stroke-width:1.5}"
    "circle{fill:#246}text{font-size:11px;text-anchor:middle}svg{max-width:100%}"
)
MOST_COMPARED = 100  # identifiers of a person compared with another person's
NEAR = 2  # letters in which two identifiers may differ to be called near
MOST_DRAWN = 12  # identifiers of a person in the picture of two
MOST = 2000  # sets of identifiers read of each table


@dataclass(frozen=True)
class Link:
    """Two identifiers that stand in the same records of a table."""

    first: Identifier
    second: Identifier
    table: str
    rows: int
    first_seen: int
    probability: float | None = None


@dataclass
class Person:
    """A canonical id with its identifiers and the links between them."""

    canonical_id: str
    first_seen: int
    last_seen: int
    identifiers: dict[Identifier, tuple[int, list[str]]]  # first seen, tables
    links: list[Link] = field(default_factory=list)


@dataclass(frozen=True)
class Suspect:
    """What was not merged, and why."""

    reason: str
    key: str
    value: str
    people: int | None


@dataclass(frozen=True)
class Difference:
    """What two people have different values of: a key, or a column."""

    what: str
    first: list[str]
    second: list[str]


class Explainer:
    """Reads what a unification left in its database.

    Args:
        unification: the unify.yml that made it.
        database: where its tables are.
        ask: runs SQL, returns rows.
    """

    def __init__(self, unification: Unification, database: str, ask: Ask) -> None:
        self.unification, self.database, self._ask = unification, database, ask
        self.canonical: CanonicalId = unification.canonical_ids[-1]

    def canonical_ids(self, text: str) -> list[str]:
        """Return the canonical ids that are *text*, begin with it, or have it as an identifier."""
        name = self.canonical.name
        wanted = literal(text.strip())
        column = f"{self.canonical.kind}_id"
        beginning = f" or {column} like {literal(text + '%')}" if re.fullmatch("[0-9a-f]{8,32}", text) else ""
        rows = self._ask(
            f"select distinct {column} from {self.database}.{name}_lookup\n"
            f"where id = {wanted} or lower(id) = lower({wanted}) or {column} = {wanted}{beginning}"
        )
        return sorted(row[0] for row in rows)

    def person(self, canonical_id: str) -> Person:
        """Return a person with every identifier and link."""
        kind, name = self.canonical.kind, self.canonical.name
        named = self._ask(f"select table_id, table_name from {self.database}.{name}_tables")
        tables = {row[0]: row[1] for row in named}
        rows = self._ask(
            f"select k.key_name, l.id, l.id_first_seen_at, l.id_source_table_ids, l.{kind}_id_first_seen_at,"
            f" l.{kind}_id_last_seen_at\nfrom {self.database}.{name}_lookup as l\n"
            f"inner join {self.database}.{name}_keys as k on l.id_key_type = k.key_type\n"
            f"where l.{kind}_id = {literal(canonical_id)}\norder by l.id_first_seen_at, l.id_key_type, l.id"
        )
        identifiers = {(row[0], row[1]): (row[2], [tables[number] for number in row[3]]) for row in rows}
        person = Person(canonical_id, rows[0][4], rows[0][5], identifiers)
        for table, record, count, first_seen in self.records([canonical_id]):
            known = [identifier for identifier in record if identifier in identifiers]
            for other in known[1:]:
                person.links.append(Link(known[0], other, table, count, first_seen))
        return self._scored(person)

    def records(self, canonical_ids: Sequence[str]) -> Iterable[tuple[str, list[Identifier], int, int]]:
        """Yield table, identifiers (strongest first), rows and first time of every distinct record."""
        order = {key: at for at, key in enumerate(self.canonical.keys)}
        people = ", ".join(literal(each) for each in canonical_ids)
        for table in self.unification.tables:
            columns = sorted(
                ((column, key) for column, key in table.key_columns if key in order),
                key=lambda c: order[c[1]],
            )
            if not columns:
                continue
            listed = ", ".join(f"cast({quoted(column)} as varchar)" for column, _ in columns)
            numbers = ", ".join(str(at) for at in range(1, len(columns) + 1))
            rows = self._ask(
                f"select {listed}, count(*), min({quoted('time')})\n"
                f"from {self.database}.{quoted(f'enriched_{table.name}')}\n"
                f"where {quoted(self.canonical.name)} in ({people})\ngroup by {numbers}\n"
                f"order by {len(columns) + 2}, {numbers} limit {MOST}"
            )
            for row in rows:
                values = [(key, value) for (_, key), value in zip(columns, row[:-2], strict=True) if value]
                yield table.name, list(dict.fromkeys(values)), row[-2], row[-1]

    def suspects(self, values: Sequence[Identifier]) -> list[Suspect]:
        """Return what is written in unification_suspects about *values*."""
        if not values:
            return []
        listed = ", ".join(sorted({literal(value) for _, value in values}))
        rows = self._ask(
            f"select distinct reason, key_name, id, people from {self.database}.unification_suspects\n"
            f"where id in ({listed}) order by 1, 2, 3"
        )
        return [Suspect(*row) for row in rows if (row[1], row[2]) in set(values)]

    def contradictions(
        self, first: Person, second: Person, columns: Iterable[tuple[str, str]]
    ) -> list[Difference]:
        """Return what *columns* (table, column) say differently of the two."""
        found = []
        sources = {table.name for table in self.unification.tables}
        for table, column in columns:
            if table not in sources:
                continue
            name = quoted(self.canonical.name)
            rows = self._ask(
                f"select distinct {name}, cast({quoted(column)} as varchar)\n"
                f"from {self.database}.{quoted(f'enriched_{table}')}\n"
                f"where {name} in ({literal(first.canonical_id)}, {literal(second.canonical_id)})"
                f" and {quoted(column)} is not null order by 1, 2 limit {MOST}"
            )
            values = [
                [value for who, value in rows if who == person.canonical_id] for person in (first, second)
            ]
            if values[0] and values[1] and not set(values[0]) & set(values[1]):
                found.append(Difference(f"{column} of {table}", values[0], values[1]))
        return found

    def _scored(self, person: Person) -> Person:
        """Give links by a matching key the probability that the match had."""
        keys = {identifier for link in person.links for identifier in (link.first, link.second)}
        matched = sorted({literal(value) for key, value in keys if key.startswith("name_")})
        if not matched:
            return person
        try:
            rows = self._ask(
                "select rule, link, max(probability)\nfrom (\n"
                "  select rule, substr(left_id, 1, 16) || substr(right_id, 1, 16) as link, probability\n"
                f"  from {self.database}.match_links\n) as l\n"
                f"where link in ({', '.join(matched)})\ngroup by rule, link"
            )
        except (
            Exception
        ):  # a database of the service alone has no match_links: then there is no score to tell
            return person
        scores = {(row[0], row[1]): row[2] for row in rows}
        person.links = [
            Link(link.first, link.second, link.table, link.rows, link.first_seen,
                 scores.get(link.first, scores.get(link.second)))
            for link in person.links
        ]  # fmt: skip
        return person


def path(person: Person, start: Identifier, end: Identifier | None = None) -> list[tuple[Link, Identifier]]:
    """Return links that lead from *start* to *end*, or to every identifier, each with what it reaches."""
    neighbours: dict[Identifier, list[tuple[Identifier, Link]]] = {}
    for link in person.links:
        neighbours.setdefault(link.first, []).append((link.second, link))
        neighbours.setdefault(link.second, []).append((link.first, link))
    came: dict[Identifier, tuple[Identifier, Link] | None] = {start: None}
    order: list[tuple[Link, Identifier]] = []
    waiting = deque([start])
    while waiting:
        here = waiting.popleft()
        for there, link in neighbours.get(here, ()):
            if there not in came:
                came[there] = (here, link)
                order.append((link, there))
                waiting.append(there)
    if end is None:
        return order
    steps: list[tuple[Link, Identifier]] = []
    at = end
    while (step := came.get(at)) is not None:
        steps.append((step[1], at))
        at = step[0]
    return steps[::-1]


def differences(first: Person, second: Person, keys: Iterable[str]) -> list[Difference]:
    """Return those of *keys* of which both people have values and none in common, in the order given.

    >>> ada, bob = (Person(name, 0, 0, {("email", f"{name}@x"): (0, []), ("token", "t"): (0, [])})
    ...             for name in ("ada", "bob"))
    >>> differences(ada, bob, ["token", "email", "phone"])
    [Difference(what='email', first=['ada@x'], second=['bob@x'])]
    """
    found = []
    for key in keys:
        mine, theirs = (
            [value for name, value in each.identifiers if name == key] for each in (first, second)
        )
        if mine and theirs and not set(mine) & set(theirs):
            found.append(Difference(key, mine, theirs))
    return found


def near(first: Person, second: Person) -> list[tuple[Identifier, Identifier, int]]:
    """Return e-mails and phones of the two that differ in one or two letters, nearest first."""
    typed = [
        [each for each in person.identifiers if "@" in each[1] or each[1].startswith("+")][:MOST_COMPARED]
        for person in (first, second)
    ]
    found = [
        (mine, theirs, distance)
        for mine in typed[0]
        for theirs in typed[1]
        if mine[0] == theirs[0] and 0 < (distance := edits(mine[1], theirs[1])) <= NEAR
    ]
    return sorted(found, key=lambda each: each[2])


def edits(one: str, other: str) -> int:
    """Return the Levenshtein distance of two texts.

    >>> edits("ada@x.example", "aba@x.exampl"), edits("", "ab")
    (2, 2)
    """
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, start=1):
        before, row[0] = row[0], at
        for to, wanted in enumerate(other, start=1):
            before, row[to] = row[to], min(row[to] + 1, row[to - 1] + 1, before + (letter != wanted))
    return row[-1]


def masked(identifier: Identifier) -> str:
    """Return an identifier with enough of its value to find it, not enough to know it.

    >>> masked(("email", "ada.lovelace@example.com")), masked(("phone_number", "+14155550134"))
    ('email a***@e***.com', 'phone_number +1***34')
    """
    key, value = identifier
    if "@" in value:
        box, _, host = value.partition("@")
        return f"{key} {box[:1]}***@{host[:1]}***.{host.rpartition('.')[2]}"
    if key.startswith("name_"):
        return f"{key} match {value[:6]}"
    return f"{key} {value[:2]}***{value[-2:]}" if len(value) > 5 else f"{key} ***"


def day(unix: int) -> str:
    """Return the date of a moment, UTC."""
    return datetime.fromtimestamp(unix, UTC).date().isoformat()


def described(link: Link, reached: Identifier, shown: Callable[[Identifier], str]) -> str:
    """Return one line about a link."""
    came = link.first if reached == link.second else link.second
    score = f", probability {link.probability:.3f}" if link.probability is not None else ""
    rows = "1 record" if link.rows == 1 else f"{link.rows} records"
    return (
        f"{shown(reached)}  with {shown(came)}  in {link.table} ({rows}, first {day(link.first_seen)}{score})"
    )


def page(person: Person, shown: Callable[[Identifier], str]) -> str:
    """Return the explanation as one HTML page with a picture of the links."""
    names = list(person.identifiers)
    middle, radius = 260, 200
    places = {
        name: (
            middle + radius * math.cos(2 * math.pi * at / max(1, len(names))),
            middle + radius * math.sin(2 * math.pi * at / max(1, len(names))),
        )
        for at, name in enumerate(names)
    }
    ends = dict.fromkeys((link.first, link.second) for link in person.links)
    lines = "".join(
        f'<line x1="{places[a][0]:.0f}" y1="{places[a][1]:.0f}" '
        f'x2="{places[b][0]:.0f}" y2="{places[b][1]:.0f}"/>'
        for a, b in ends
    )
    dots = "".join(
        f'<g><circle cx="{x:.0f}" cy="{y:.0f}" r="6"/><text x="{x:.0f}" y="{y - 10:.0f}">'
        f"{html.escape(shown(name))}</text></g>"
        for name, (x, y) in places.items()
    )
    start = names[0]
    steps = [html.escape(described(link, reached, shown)) for link, reached in path(person, start)]
    rows = "".join(f"<li>{step}</li>" for step in steps)
    heading = (
        f"<h1>Person {html.escape(person.canonical_id)}</h1><p>{len(names)} identifiers, seen from "
        f"{day(person.first_seen)} to {day(person.last_seen)}. It began with {html.escape(shown(start))}.</p>"
    )
    picture = f'<svg viewBox="-80 -10 680 540" role="img" aria-label="links">{lines}{dots}</svg>'
    return _document(
        "One person", f"{heading}{picture}<h2>How each identifier is reached</h2><ol>{rows}</ol>"
    )


def page_of_two(
    first: Person,
    second: Person,
    shared: Sequence[Identifier],
    reasons: Sequence[str],
    shown: Callable[[Identifier], str],
) -> str:
    """Return why two people are not one as one HTML page: theirs left and right, dashed what both have.

    Args:
        shared: identifiers that records of both hold.
        reasons: what is to be said, a line each.
    """
    columns = [
        (90, [each for each in first.identifiers if each not in shared]),
        (300, list(shared)),
        (510, [each for each in second.identifiers if each not in shared]),
    ]
    height = 40 * (2 + max(min(len(each), MOST_DRAWN) for _, each in columns))
    lines, dots = "", ""
    for x, identifiers in columns:
        for at, identifier in enumerate(identifiers[:MOST_DRAWN], start=2):
            for end in (90, 510) if x == 300 else (x,):
                dashed = ' stroke-dasharray="4"' if x == 300 else ""
                lines += f'<line x1="{end}" y1="20" x2="{x}" y2="{40 * at - 20}"{dashed}/>'
            dots += (
                f'<circle cx="{x}" cy="{40 * at - 20}" r="5"/><text x="{x}" y="{40 * at - 28}">'
                f"{html.escape(shown(identifier))}</text>"
            )
    for x, person in ((90, first), (510, second)):
        name = html.escape(person.canonical_id[:8])
        dots += f'<circle cx="{x}" cy="20" r="9"/><text x="{x}" y="6">{name}</text>'
    said = "".join(f"<li>{html.escape(reason)}</li>" for reason in reasons)
    picture = f'<svg viewBox="0 -10 600 {height}" role="img" aria-label="two people">{lines}{dots}</svg>'
    return _document(
        "Two people",
        f"<h1>Two people</h1><p>{html.escape(first.canonical_id)} and {html.escape(second.canonical_id)}</p>"
        f"{picture}<h2>Why they are not one</h2><ul>{said}</ul>",
    )


def _document(title: str, body: str) -> str:
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title><style>{STYLE}</style>"
        f"{body}</html>"
    )
