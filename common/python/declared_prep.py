"""Short entries of config/schema_map.yml that stand for a prep query: stack, unpack, rename, keep the latest.

A table's entry may hold, instead of a file in prep/queries:

    prep:
      from: crm_export                  one raw table, or several, stacked by the names of columns
      unpack: {city: address.city}      new column ← path into a JSON column
      rename: {mail: "e-mail address"}  new column ← old one, which stays
      latest:                           of rows with the same key the one that comes first stays
        key: [id]
        by: [updated_at desc, time desc]
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from common.python.retail_schema import did_you_mean
from common.python.treasure import identifier, literal

KEYS = ("from", "unpack", "rename", "latest")
ORDER = re.compile(r"(.+?)(?:\s+(asc|desc))?$", re.IGNORECASE)
TRINO = {"string": "varchar", "long": "bigint"}
ORDERED = ("string", "long", "double")  # types that a tie can be broken by


@dataclass(frozen=True)
class DeclaredPrep:
    """One checked `prep:` entry."""

    sources: tuple[str, ...]
    unpack: Mapping[str, str] = field(default_factory=dict)
    rename: Mapping[str, str] = field(default_factory=dict)
    key: tuple[str, ...] = ()
    by: tuple[tuple[str, str], ...] = ()
    place: str = ""


def read_prep(entry: Any, place: str) -> tuple[DeclaredPrep | None, list[str]]:
    """Return the entry, or what is wrong with it.

    >>> read_prep({"from": "a", "latst": {}}, "m.yml:3")[1]
    ['m.yml:3: prep: unknown key latst (did you mean latest?)']
    """
    if not isinstance(entry, dict):
        return None, [f"{place}: prep is no map with from, unpack, rename, latest"]
    faults = [
        f"{place}: prep: unknown key {name}{did_you_mean(name, KEYS)}" for name in entry if name not in KEYS
    ]
    sources = entry.get("from") or []
    sources = [sources] if isinstance(sources, str) else sources
    if not sources or not all(isinstance(source, str) for source in sources):
        faults.append(f"{place}: prep: from names no raw table")
    for name in ("unpack", "rename"):
        if not isinstance(entry.get(name) or {}, dict):
            faults.append(f"{place}: prep: {name} is no map of new column: old one")
    for name, path in (entry.get("unpack") or {}).items() if not faults else ():
        if "." not in str(path):
            faults.append(f"{place}: prep: unpack {name}: write column.path, not {path!r}")
    latest = entry.get("latest") or {}
    if not isinstance(latest, dict) or (latest and not (latest.get("key") and latest.get("by"))):
        faults.append(f"{place}: prep: latest needs key and by")
    if faults:
        return None, faults
    orders = [ORDER.fullmatch(str(order).strip()) for order in latest.get("by", ())]
    by = tuple((match[1], (match[2] or "asc").lower()) for match in orders if match)
    key = latest.get("key", ())
    keys = (key,) if isinstance(key, str) else tuple(str(name) for name in key)
    return (
        DeclaredPrep(
            tuple(sources), dict(entry.get("unpack") or {}), dict(entry.get("rename") or {}), keys, by, place
        ),
        [],
    )


def missing_names(prep: DeclaredPrep, raw: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return what the entry names and the raw tables (table → column → type) do not have."""
    columns = {name for source in prep.sources for name in raw.get(source, {})} | {"time"}
    made = columns | set(prep.unpack) | set(prep.rename)
    wanted = [str(path).split(".")[0] for path in prep.unpack.values()] + list(prep.rename.values())
    lost = [name for name in wanted if name not in columns]
    lost += [name for name in (*prep.key, *(name for name, _ in prep.by)) if name not in made]
    return [f"{prep.place}: prep: no column {name}{did_you_mean(name, made)}" for name in lost]


def stacked_columns(prep: DeclaredPrep, raw: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return column → type of the raw tables together, `time` last; the first table's type counts."""
    columns: dict[str, str] = {}
    for source in prep.sources:
        for name, kind in raw.get(source, {}).items():
            columns.setdefault(name, kind)
    columns.pop("time", None)
    return {**columns, "time": "long"}


def full_order(prep: DeclaredPrep, raw: Mapping[str, Mapping[str, str]]) -> list[tuple[str, str]]:
    """Return `latest: by`, then every other column that can break a tie: the same row stays every time."""
    made = {*prep.unpack, *prep.rename}
    ties = [n for n, kind in stacked_columns(prep, raw).items() if n not in made and kind in ORDERED]
    return [*prep.by, *((name, "asc") for name in ties if name not in dict(prep.by))]


def prep_sql(
    prep: DeclaredPrep, raw: Mapping[str, Mapping[str, str]], database: str, session: int, since: int = 0
) -> str:
    """Return the select that makes the PRP table.

    Args:
        raw: table → column → Treasure Data type, without `time`.
        database: the raw database.
        session: session_unixtime, the value of built_for.
        since: only raw rows of this second and later; 0 for all.
    """
    columns = stacked_columns(prep, raw)
    newer = f"\nwhere time >= {since}" if since else ""
    stacked = "\nunion all\n".join(
        f"select {', '.join(stacked_value(name, kind, raw[source]) for name, kind in columns.items())}\n"
        f"from {identifier(database)}.{identifier(source)}{newer}"
        for source in prep.sources
    )
    made = {name: unpacked(str(path)) for name, path in prep.unpack.items()}
    made.update({name: f"source.{identifier(old)}" for name, old in prep.rename.items()})
    kept = [f"source.{identifier(name)}" for name in columns if name not in made]
    shaped = ", ".join([*kept, *(f"{value} as {identifier(name)}" for name, value in made.items())])
    names = [*(name for name in columns if name not in made), *made]
    listed = ",\n".join(f"    {identifier(name)}" for name in names)
    text = f"with source as (\n{stacked}\n),\nshaped as (\nselect {shaped}\nfrom source\n)"
    table, condition = "shaped", ""
    if prep.key:
        order = ", ".join(f"{identifier(name)} {direction}" for name, direction in full_order(prep, raw))
        keys = ", ".join(identifier(name) for name in prep.key)
        text += (
            f",\nranked as (\nselect shaped.*, row_number() over (partition by {keys} order by {order})"
            " as version_rank\nfrom shaped\n)"
        )
        lacking = " or ".join(f"{identifier(name)} is null" for name in prep.key)
        table, condition = "ranked", f"\nwhere version_rank = 1 or {lacking}"
    return f"{text}\nselect\n{listed},\n    {session} as built_for\nfrom {table}{condition}"


def stacked_value(name: str, kind: str, have: Mapping[str, str]) -> str:
    """Return a column of one of several raw tables: null where it lacks it, cast where its type differs."""
    target = TRINO.get(kind, kind)
    if name != "time" and name not in have:
        return f"cast(null as {target}) as {identifier(name)}"
    if name != "time" and have[name] != kind:
        return f"try_cast({identifier(name)} as {target}) as {identifier(name)}"
    return identifier(name)


def unpacked(path: str) -> str:
    """Return the expression that takes a value out of a JSON column.

    >>> unpacked("address.city")
    'json_extract_scalar(source."address", \\'$.city\\')'
    """
    column, _, rest = path.partition(".")
    return f"json_extract_scalar(source.{identifier(column)}, {literal('$.' + rest)})"
