"""`tdlocal identity`: why records are one person, and matching rules tried on any file."""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Sequence
from math import comb
from pathlib import Path
from typing import Any

from tdlocal.commands.query import ask
from tdlocal.engine.dialect.tokens import RESERVED
from tdlocal.errors import KitError
from tdlocal.files.delimited import Layout
from tdlocal.files.naming import column_name
from tdlocal.files.progress import Progress
from tdlocal.files.sources import open_source
from tdlocal.files.upload import Upload
from tdlocal.local_server import LocalServer, local_account
from tdlocal.unification.explain import (
    Explainer,
    Identifier,
    Person,
    described,
    differences,
    masked,
    near,
    page,
    page_of_two,
    path,
)
from tdlocal.unification.project import read_settings

HELP = (
    "Explain who is who. `explain VALUE` shows why an identifier's records are one person; with a second "
    "value, how the two are linked, or why they are not one. `match FILE` tries matching rules on any file."
)
MOST_SHOWN = 8  # identifiers of a kind; --json has all
APART = "no record of the one holds an identifier of the other, and no matching rule links them"
MATCH_CALL = (
    "import sys; from unification.python.match import links_of_table as run; print(*run(*sys.argv[1:]))"
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which words the command takes."""
    commands = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    explain = commands.add_parser(
        "explain",
        help="why these records are one person",
        description="Example: tdlocal identity explain ada@example.com, or two values to compare two people.",
    )
    add = explain.add_argument
    add("value", help="an identifier, a canonical id or its beginning")
    add("other", nargs="?", help="another one: how the two are linked, or why they are two people")
    add("--state", type=Path, default=Path(".tdlocal"), help="the account's folder")
    add("--project", type=Path, default=Path(), metavar="DIR", help="project folder (this one)")
    add(
        "-p",
        "--param",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a parameter, such as sub=shop2",
    )
    add("--show", action="store_true", help="show whole values instead of masked ones")
    add("--html", type=Path, metavar="FILE", help="also write a page with a picture, of one person or of two")
    add("--json", action="store_true", help="one JSON object")
    match = commands.add_parser(
        "match",
        help="try matching rules on a file",
        description="Example: tdlocal identity match people.csv --match match.yml --id id --out clusters.csv",
    )
    add = match.add_argument
    add("file", type=Path, metavar="FILE", help="CSV, TSV, JSON lines or Parquet, one record a row")
    add("--match", type=Path, required=True, metavar="FILE", help="rules; they name the file's columns")
    add("--id", required=True, metavar="COLUMN", help="column that tells the records apart")
    add("--out", type=Path, metavar="FILE", help="CSV of id and cluster")
    add("--labels", metavar="COLUMN", help="column with the true person: prints precision, recall and F1")
    add("--encoding", default="", help="when not told by a byte-order mark; UTF-8 otherwise")
    add("--bad-rows", choices=("stop", "skip"), default="stop", help="lines with the wrong number of values")
    add("--project", type=Path, default=Path(), metavar="DIR", help="project whose unification/ is used")


def main(arguments: argparse.Namespace) -> int:
    """Explain or match; see HELP."""
    return explain(arguments) if arguments.action == "explain" else match(arguments)


def explain(arguments: argparse.Namespace) -> int:
    """Print one explanation."""
    given = dict(pair.partition("=")[::2] for pair in arguments.param)
    settings = read_settings(arguments.project, given)
    shown: Callable[[Identifier], str] = (lambda each: " ".join(each)) if arguments.show else masked
    with local_account(arguments.state) as server:

        def rows(sql: str) -> list[list[Any]]:
            return list(ask(server, sql, settings.database)[1])

        explainer = Explainer(settings.unification, settings.database, rows)
        first = one_person(explainer, arguments.value)
        drawn = page(first, shown) if arguments.html else ""
        if arguments.other is None:
            tell_person(first, shown, as_json=arguments.json)
        else:
            drawn = tell_two(explainer, arguments, first, shown, settings.protection) or drawn
        if arguments.html:
            arguments.html.write_text(drawn, encoding="utf-8")
            print(f"page: {arguments.html}", file=sys.stderr)
    return 0


def one_person(explainer: Explainer, value: str) -> Person:
    """Return the person that *value* names; KitError when it is nobody or several."""
    found = explainer.canonical_ids(value)
    if not found:
        raise KitError(
            f"nobody has the identifier {value!r}",
            where=f"{explainer.database}.{explainer.canonical.name}_lookup",
            mend="give the value as staging cleaned it: a lower-case e-mail, a phone like +14155550134",
        )
    if len(found) > 1:
        raise KitError(f"{value!r} is several people: {', '.join(found[:5])}", mend="give one of these ids")
    return explainer.person(found[0])


def tell_person(person: Person, shown: Callable[[Identifier], str], *, as_json: bool) -> None:
    """Print a person's identifiers and how each is reached."""
    start = next(iter(person.identifiers))
    steps = path(person, start)
    if as_json:
        print(json.dumps(as_object(person, shown)))
        return
    print(f"person {person.canonical_id}: {len(person.identifiers)} identifiers")
    print(f"began with {shown(start)}; then")
    counts: dict[str, int] = {}
    for link, reached in steps:
        counts[reached[0]] = counts.get(reached[0], 0) + 1
        if counts[reached[0]] <= MOST_SHOWN:
            print(f"  {described(link, reached, shown)}")
    for key, count in counts.items():
        if count > MOST_SHOWN:
            print(f"  … and {count - MOST_SHOWN} more {key} in the same way")
    alone = set(person.identifiers) - {start} - {reached for _, reached in steps}
    for identifier in sorted(alone):
        print(f"  {shown(identifier)}  (its records are not in the live tables)")


def as_object(person: Person, shown: Callable[[Identifier], str]) -> dict[str, Any]:
    """Return a person for JSON."""
    return {
        "canonical_id": person.canonical_id,
        "identifiers": [
            {"identifier": shown(name), "first_seen": first, "tables": tables}
            for name, (first, tables) in person.identifiers.items()
        ],
        "links": [
            {
                "first": shown(link.first),
                "second": shown(link.second),
                "table": link.table,
                "records": link.rows,
                "first_seen": link.first_seen,
                "probability": link.probability,
            }
            for link in person.links
        ],
    }


def tell_two(
    explainer: Explainer,
    arguments: argparse.Namespace,
    first: Person,
    shown: Callable[[Identifier], str],
    protection: dict[str, Any],
) -> str:
    """Print how two values are linked, or why they are two people; return a page of two people, else ''."""
    second = one_person(explainer, arguments.other)
    if first.canonical_id == second.canonical_id:
        start, end = (named(first, value) for value in (arguments.value, arguments.other))
        steps = path(first, start, end)
        print(
            f"one person, {first.canonical_id}: {shown(start)} and {shown(end)} are {len(steps)} links apart"
        )
        for link, reached in steps:
            print(f"  {described(link, reached, shown)}")
        return ""
    print(f"two people: {first.canonical_id} and {second.canonical_id}")
    seen = [
        {identifier for _, record, _, _ in explainer.records([person.canonical_id]) for identifier in record}
        for person in (first, second)
    ]
    shared = sorted(seen[0] & seen[1])
    reasons = {(each.key, each.value): each.reason for each in explainer.suspects(shared)}
    lines = [] if shared else [APART]
    for identifier in shared:
        reason = reasons.get(identifier, "it is not a key that may join people")
        lines.append(f"both have {shown(identifier)}, which joins nobody: {reason}")
    lines += against(explainer, first, second, shown, protection)
    for mine, theirs, distance in near(first, second)[:MOST_SHOWN]:
        letters = "1 letter" if distance == 1 else f"{distance} letters"
        lines.append(f"near: {shown(mine)} and {shown(theirs)} differ in {letters}")
    print("".join(f"  {line}\n" for line in lines), end="")
    return page_of_two(first, second, shared, lines, shown)


def against(
    explainer: Explainer,
    first: Person,
    second: Person,
    shown: Callable[[Identifier], str],
    protection: dict[str, Any],
) -> list[str]:
    """Return what speaks against one person, strongest first: contradictions, then different strong keys."""
    rules = protection.get("keys") or {}
    strong = [key for key in explainer.canonical.keys if (rules.get(key) or {}).get("strength") == "strong"]
    columns = [(each["table"], each["column"]) for each in protection.get("contradictions") or ()]
    lines = []
    found = explainer.contradictions(first, second, columns)
    for each in [*found, *differences(first, second, strong or explainer.canonical.keys)]:
        mine, theirs = (
            ", ".join(shown((each.what, value)).removeprefix(f"{each.what} ") for value in values[:3])
            + (f" and {len(values) - 3} more" if len(values) > 3 else "")
            for values in (each.first, each.second)
        )
        lines.append(f"against: different {each.what}: {mine} / {theirs}")
    return lines


def named(person: Person, value: str) -> Identifier:
    """Return the person's identifier that *value* means; its first one for a canonical id."""
    found = [each for each in person.identifiers if each[1].lower() == value.strip().lower()]
    return found[0] if found else next(iter(person.identifiers))


def match(arguments: argparse.Namespace) -> int:
    """Run the project's matching rules on a file, in an account of its own that is thrown away."""
    layout = Layout(encoding=arguments.encoding, skip_bad_rows=arguments.bad_rows == "skip")
    source = open_source(arguments.file, layout, all_text=True)
    names = usable(source.names)
    wanted = {"id": usable([column_name(arguments.id)])[0]}
    if arguments.labels:
        wanted["labels"] = usable([column_name(arguments.labels)])[0]
    for column in wanted.values():
        if column not in names:
            raise KitError(f"{arguments.file} has no column {column}", mend=f"it has {', '.join(names)}")
    with tempfile.TemporaryDirectory() as folder, local_account(Path(folder)) as server:
        upload = Upload(server.url, server.key, Progress().at)
        upload.replace("identity", "source", list(zip(names, source.types, strict=True)), source.rows(), 0)
        columns = "".join(f", {name}" for name in names if name != "record_id")
        copy = f"select {wanted['id']} as record_id{columns} from identity.source"
        list(ask(server, f"create table identity.records as {copy}", "identity")[1])
        check_ids(server, arguments)
        rules = run_rules(server, arguments, names)
        links = [
            pair
            for rule in rules
            for pair in ask(server, f"select left_id, right_id from match_{rule}_links", "identity")[1]
        ]
        columns = ", ".join(dict.fromkeys(["record_id", wanted.get("labels", "record_id")]))
        records = list(ask(server, f"select {columns} from records order by record_id", "identity")[1])
    for finding in source.findings:
        print(finding, file=sys.stderr)
    clusters = clustered([row[0] for row in records], links)
    print(f"{len(records)} records, {len(links)} links, {len(set(clusters.values()))} clusters")
    if arguments.out:
        with arguments.out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([arguments.id, "cluster"])
            writer.writerows(sorted(clusters.items()))
    if arguments.labels:
        truth = {row[0]: row[-1] for row in records}
        for what, pairs in (("links", set(map(tuple, links))), ("clusters", None)):
            precision, recall, f1 = quality(truth, pairs, clusters)
            print(f"{what}: precision {precision:.4f}, recall {recall:.4f}, F1 {f1:.4f}")
    return 0


def usable(names: Sequence[str]) -> list[str]:
    """Return names that a rule can write without quotes, and that the account does not need itself.

    >>> usable(["name", "order", "time"])
    ['name', 'order_', 'time_']
    """
    return [f"{name}_" if name == "time" or name.upper() in RESERVED else name for name in names]


def check_ids(server: LocalServer, arguments: argparse.Namespace) -> None:
    """Raise KitError when the records cannot be told apart by their ids."""
    sql = "select record_id, count(*) from records group by 1 having count(*) > 1 or record_id is null"
    wrong = list(ask(server, f"{sql} order by 1 nulls first limit 1", "identity")[1])
    if wrong:
        what = "is empty" if wrong[0][0] is None else f"has {wrong[0][0]!r}"
        raise KitError(
            f"column {arguments.id} {what} in {wrong[0][1]} rows",
            where=str(arguments.file),
            mend="give every row an id of its own, or name another column with --id",
        )


def run_rules(server: LocalServer, arguments: argparse.Namespace, names: Sequence[str]) -> list[str]:
    """Run the pack's matching in a process of its own, as a py> task would; return the rules' names."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(arguments.project.resolve()),
        "TD_API_KEY": server.key,
        "TD_API_SERVER": server.url,
        "TD_PRESTO_API": server.url,
    }
    done = subprocess.run(
        [sys.executable, "-c", MATCH_CALL, "identity", "records", str(arguments.match.resolve())],
        cwd=arguments.project,
        env=environment,
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise KitError(
            lines[-1].partition(": ")[2] or lines[-1],
            where=str(arguments.match),
            mend=f"the records have the columns {', '.join(names)}",
        )
    *said, names = done.stdout.strip().splitlines()
    print("\n".join(said))
    return names.split()


def clustered(ids: Iterable[str], links: Iterable[Sequence[str]]) -> dict[str, str]:
    """Return id → cluster, named by its smallest id.

    >>> clustered("abcd", [("a", "b"), ("d", "b")])
    {'a': 'a', 'b': 'a', 'c': 'c', 'd': 'a'}
    """
    above: dict[str, str] = {each: each for each in ids}

    def top(each: str) -> str:
        while above[each] != each:
            above[each] = above[above[each]]
            each = above[each]
        return each

    for left, right in links:
        low, high = sorted((top(left), top(right)))
        above[high] = low
    return {each: top(each) for each in above}


def quality(
    truth: dict[str, str], pairs: set[tuple[str, ...]] | None, clusters: dict[str, str]
) -> tuple[float, float, float]:
    """Return precision, recall and F1 of pairs; of all pairs within clusters when *pairs* is None."""
    known = {each: person for each, person in truth.items() if person}

    def within(groups: Iterable[Any]) -> int:
        sizes: dict[Any, int] = {}
        for group in groups:
            sizes[group] = sizes.get(group, 0) + 1
        return sum(comb(size, 2) for size in sizes.values())

    true_pairs = within(known.values())
    if pairs is None:
        said = within(clusters[each] for each in known)
        right = within((clusters[each], person) for each, person in known.items())
    else:
        judged = {tuple(sorted(pair)) for pair in pairs if pair[0] in known and pair[1] in known}
        said, right = len(judged), sum(known[a] == known[b] for a, b in judged)
    if not said and not true_pairs:  # nothing to find, nothing said
        return 1.0, 1.0, 1.0
    precision, recall = right / max(said, 1), right / max(true_pairs, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)
