"""How a canonical id reads its sources: key columns, ties, records and who speaks for them."""

from __future__ import annotations

from collections.abc import Sequence

from tdlocal.unification.model import CanonicalId, Unification
from tdlocal.unification.sql import (
    ancestors,
    key_values,
    literal,
    quoted,
    record_key,
    rows_of,
)

SEEN_AT = f"coalesce(cast(p.{quoted('time')} as bigint), 0)"


def table_bits(unification: Unification) -> str:
    """Return a query of the source tables: table_id, table_name and the bit for each in a mask."""
    rows = ", ".join(
        f"({at}, {literal(table.name)}, {2 ** (at - 1)})" for at, table in enumerate(unification.tables, 1)
    )
    return (
        "select cast(table_id as bigint) as table_id, table_name, cast(bit as bigint) as bit"
        f" from (values {rows}) as b (table_id, table_name, bit)"
    )


def columns(unification: Unification, canonical: CanonicalId) -> str:
    """Return the union of every source's key columns, one after the other."""
    branches: list[str] = []
    names = ("kind", "id", "seen_at", "table_bit")
    for at, table in enumerate(unification.tables, start=1):
        rows = rows_of(unification, ancestors(unification, canonical), table.name)
        for number, value in key_values(unification, canonical, table.name):
            values = (str(number), value, SEEN_AT, str(2 ** (at - 1)))
            branches.append(
                f"select {_named(values, names, first=not branches)}\n{rows}\nwhere {value} is not null"
            )
    return "\nunion all\n".join(branches) or (
        "select 1 as kind, '' as id, 0 as seen_at, 0 as table_bit where 1 = 0"
    )


def ties(unification: Unification, canonical: CanonicalId, work: str) -> str:
    """Return the union of every source's ties: table_id, the strongest identifier of a row, its others.

    A row with one identifier is tied to itself.
    """
    branches = ["select 0 as table_id, 0 as lead, 0 as w where 1 = 0"]
    for at, table in enumerate(unification.tables, start=1):
        values = key_values(unification, canonical, table.name)
        if len(values) == 1:  # every identifier of the table is by itself
            branches.append(
                f"select {at}, v, v from {work}nodes where bitwise_and(table_mask, {2 ** (at - 1)}) <> 0"
            )
        elif values:
            joins = "".join(
                f"\nleft join {work}nodes as n{n} on n{n}.kind = {number} and n{n}.id = {value}"
                for n, (number, value) in enumerate(values, start=1)
            )
            places = range(1, len(values) + 1)
            lead = f"coalesce({', '.join(f'n{n}.v' for n in places)})"
            others = "".join(f", r.v{n}" for n in places[2:])
            rows = rows_of(unification, ancestors(unification, canonical), table.name)
            branches.append(
                f"select distinct {at}, r.lead, t.w\n"
                f"from (\nselect {lead} as lead{''.join(f', n{n}.v as v{n}' for n in places[1:])}\n"
                f"{rows}{joins}\n) as r\n"
                f"cross join unnest(array[coalesce(r.v2, r.lead){others}]) as t (w)\n"
                "where t.w is not null"
            )
    return "\nunion all\n".join(branches)


def _named(values: Sequence[str], names: Sequence[str], *, first: bool) -> str:
    """Return a select list; a union takes its names from its *first* part."""
    if first:
        values = [f"{value} as {name}" for value, name in zip(values, names, strict=True)]
    return ", ".join(values)


def records(unification: Unification, canonical: CanonicalId, *, counted: bool) -> str:
    """Return the union of every source's distinct records; *counted* with how many rows each has."""
    names = ("table_id", "table_bit", "record_key", "seen_at")
    level = [each.name for each in unification.canonical_ids].index(canonical.name) + 1
    branches: list[str] = []
    for at, table in enumerate(unification.tables, start=1):
        if record_key(unification, canonical, table.name) is None:
            continue
        rows = rows_of(unification, ancestors(unification, canonical), table.name)
        seen_at = f"cast(p.{quoted('time')} as bigint)"
        values = (str(at), str(2 ** (at - 1)), f"${{sources[{at - 1}].k{level}}}", seen_at)
        branches.append(f"select {_named(values, names, first=not branches)}\n{rows}")
    nothing = "select 0 as table_id, 0 as table_bit, '' as record_key, 0 as seen_at where 1 = 0"
    return (
        "select\n  table_id, table_bit, record_key,"
        " min(coalesce(seen_at, 0)) as first_seen_at, max(coalesce(seen_at, 0)) as last_seen_at"
        f"{', count(*) as copies' * counted}\n"
        "from (\n" + ("\nunion all\n".join(branches) or nothing) + "\n) as s\n"
        "where record_key <> '' group by table_id, table_bit, record_key"
    )


def leads(work: str, *, direct: bool) -> str:
    """Return a query of the identifiers that speak for a record: v, and the tables where, as a mask."""
    if direct:
        return (
            "select t.lead as v, bitwise_or_agg(s.bit) as table_mask\n"
            f"from {work}ties as t inner join {work}sources as s on t.table_id = s.table_id group by t.lead"
        )
    return (
        "select e.v, bitwise_or_agg(r.table_bit) as table_mask\n"
        f"from {work}records as r inner join {work}leads as e on r.record_id = e.record_id group by e.v"
    )
