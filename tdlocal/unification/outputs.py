"""What a unification gives besides the lookup: statistics, enriched tables, master tables."""

from __future__ import annotations

from itertools import groupby

from tdlocal.unification.model import Attribute, CanonicalId, MasterTable, Unification
from tdlocal.unification.sql import (
    LISTED,
    LISTS,
    SESSION,
    create,
    key_values,
    literal,
    quoted,
    row_id,
    rows_of,
    valid,
)


def own_columns(unification: Unification) -> str:
    """Return, as SQL constants, the columns that an enriched table sets itself."""
    own = [*(each.name for each in unification.canonical_ids), "built_for"]
    return ", ".join(literal(name.lower()) for name in own)


def places(unification: Unification) -> str:
    """Return a relation of the source tables: n (from 1), schema s, name, and that of the enriched table."""
    rows = ", ".join(
        f"({at}, {literal(table.database.lower())}, {literal(table.table.lower())},"
        f" {literal(f'enriched_{table.name}'.lower())})"
        for at, table in enumerate(unification.tables, start=1)
    )
    return f"(values {rows}) as t (n, s, name, enriched)"


def columns_query(unification: Unification) -> str:
    """Return a query of one row: ``c``, the columns of every table as select lists, one after the other.

    Columns that the enriched table sets itself are left out: the canonical ids and ``built_for``. The query
    reads `places` as ``${places}``.
    """
    return (
        f"select array_join(array_agg(c order by n), '{LISTS}') as c\nfrom (\n"
        "  select t.n, array_join(array_agg('p.\"' || c.column_name || '\"'"
        " order by c.ordinal_position), ', ') as c\n  from information_schema.columns as c\n"
        "  inner join ${places} on c.table_schema = t.s and c.table_name = t.name\n"
        f"  where c.column_name not in ({own_columns(unification)})\n  group by t.n\n) as c"
    )


def enriched_scripts(unification: Unification) -> list[tuple[list[int], str]]:
    """Return statements for enriched_<table>: every row of the source with its canonical ids.

    Returns:
        (places in ``sources``, statements for the table of place ``${s}``), one for each set of canonical
        ids that tables have.
    """
    alike: dict[tuple[str, ...], list[int]] = {}
    for at, table in enumerate(unification.tables):
        has = [each.name for each in unification.canonical_ids if key_values(unification, each, table.name)]
        alike.setdefault(tuple(has), []).append(at)
    return [(places, _enriched_script(unification, places[0], has)) for has, places in alike.items()]


def _enriched_script(unification: Unification, example: int, has: tuple[str, ...]) -> str:
    table = unification.tables[example].name
    ids = ",\n  ".join(
        f"{_row_id(unification, each, table) if each.name in has else 'cast(null as varchar)'}"
        f" as {quoted(each.name)}"
        for each in unification.canonical_ids
    )
    rows = rows_of(unification, unification.canonical_ids, table, "s")
    return create(
        '"enriched_${sources[s].name}__next"',
        f"select\n  {LISTED},\n  {ids},\n  {SESSION} as built_for\n{rows}",
    )


def _row_id(unification: Unification, canonical: CanonicalId, table: str) -> str:
    level = [each.name for each in unification.canonical_ids].index(canonical.name) + 1
    return row_id(unification, canonical, table) if canonical.guarded else f"${{sources[s].i{level}}}"


def _candidates(master: MasterTable, attribute: Attribute) -> str:
    """Return a query of every value an attribute may take: who, value, and how it ranks."""
    orders = {source.order for source in attribute.sources}
    branches: list[str] = []
    sources = sorted(enumerate(attribute.sources), key=lambda item: (item[1].priority, item[0]))
    ranked = groupby(sources, key=lambda item: (item[1].priority, item[1].order, item[1].order_by))
    for tier, (_, group) in enumerate(ranked, start=1):
        for at, source in group:
            order = quoted(source.order_by)
            ranks = [order if source.order == each else "null" for each in sorted(orders)]
            values = [quoted(master.canonical_id), quoted(source.column), str(tier), str(at), *ranks]
            if not branches:  # a union takes its names from its first part
                names = ["who", "value", "tier", "source", *(f"{each}_at" for each in sorted(orders))]
                values = [f"{value} as {name}" for value, name in zip(values, names, strict=True)]
            branches.append(f"select {', '.join(values)} from {quoted(f'enriched_{source.table}__next')}")
    return "\nunion all\n".join(branches)


class Texts:
    """Pieces of SQL that many statements hold: a short answer has each once, as ``${texts[n]}``."""

    def __init__(self, *, shared: bool) -> None:
        self.shared, self.kept = shared, list[str]()

    def of(self, text: str) -> str:
        """Return what stands for *text* in a statement. Text with a template is put there itself."""
        if not self.shared or "${" in text:
            return text
        if text not in self.kept:
            self.kept.append(text)
        return f"${{texts[{self.kept.index(text)}]}}"


def _survivor(master: MasterTable, attribute: Attribute, texts: Texts) -> str:
    """Return a query of one row a person: the value (or the values) that survive."""
    orders = {source.order for source in attribute.sources}
    times = {"last": "max(last_at) as last_at", "first": "min(first_at) as first_at"}
    ranks = {"last": "last_at desc nulls last", "first": "first_at"}
    valid_value = valid("cast(value as varchar)", attribute.valid_regexp, attribute.invalid_texts)
    begins = (
        "select who, value, row_number() over (\n  partition by who\n"
        f"  order by tier, {', '.join(ranks[each] for each in sorted(orders))}, source,"
        " cast(value as varchar)\n"
        ") as n\nfrom (\n"
        f"select who, value, min(tier) as tier, min(source) as source,"
        f" {', '.join(times[each] for each in sorted(orders))}\n"
        "from (\n"
    )
    ends = (
        f"\n) as c\nwhere who is not null and {valid_value}\n"
        f"group by who, value{'' if attribute.array_elements else ', tier'}\n) as g\n) as r\n"
    )
    if attribute.array_elements:
        begins = f"select who, array_agg(value order by n) as value\nfrom (\n{begins}"
        ends += f"where n <= {attribute.array_elements}\ngroup by who"
    else:
        begins, ends = f"select who, value\nfrom (\n{begins}", f"{ends}where n = 1"
    return f"{texts.of(begins)}{_candidates(master, attribute)}{texts.of(ends)}"


def master_script(unification: Unification, master: MasterTable, texts: Texts) -> str:
    """Return statements for a master table: one row a person, each attribute by its survivorship rule.

    The lowest priority wins; within it the latest (``order: last``) or earliest (``first``) value by
    ``order_by``; then the source listed first, then the value itself, so the engine never decides.
    """
    columns, joins = "", ""
    for at, attribute in enumerate(master.attributes, start=1):
        if attribute.name == master.canonical_id:
            continue
        columns += f"\n  a{at}.value as {quoted(attribute.name)},"
        joins += (
            f"\nleft join (\n{_attribute(unification, master, attribute, texts)}\n)"
            f" as a{at} on i.who = a{at}.who"
        )
    return create(
        quoted(f"{master.name}__next"),
        f"select\n  i.who as {quoted(master.canonical_id)},{columns}\n  {SESSION} as built_for\n"
        f"from (select distinct {unification.canonical_id(master.canonical_id).kind}_id as who"
        f" from {master.canonical_id}_lookup__next) as i{joins}",
    )


def _attribute(unification: Unification, master: MasterTable, attribute: Attribute, texts: Texts) -> str:
    if attribute.source_canonical_id is None:
        return _survivor(master, attribute, texts)
    own, other = quoted(master.canonical_id), quoted(attribute.source_canonical_id)
    union = "\nunion all\n".join(
        f"select {own} as who, {other} as value from {quoted(f'enriched_{table.name}__next')}"
        for table in unification.tables
    )
    return f"select who, min(value) as value\nfrom (\n{union}\n) as c\nwhere who is not null\ngroup by who"
