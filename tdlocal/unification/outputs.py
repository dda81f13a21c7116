"""What a unification gives besides the lookup: statistics, enriched tables, master tables."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from tdlocal.unification.model import Attribute, CanonicalId, MasterTable, Unification
from tdlocal.unification.sql import (
    SEPARATOR,
    SESSION,
    create,
    key_numbers,
    literal,
    quoted,
    record_key,
    rows_of,
    valid_text,
)


def _table_name(column: str, tables: Sequence[str]) -> str:
    whens = " ".join(f"when {at} then {literal(table)}" for at, table in enumerate(tables, start=1))
    return f"case {column} {whens} else '*' end"


def stats_script(canonical: CanonicalId, tables: Sequence[str]) -> str:
    """Return statements for <name>_source_key_stats and <name>_result_key_stats, as the service names them.

    One row a source table and one, ``*``, for all: how many identifiers of each key there are, and
    how many people have them, with a histogram ``identifiers:people,…``.
    """
    name = canonical.name
    numbers = key_numbers(canonical)
    seen_in = (
        f"select {'{what}'}, t.table_id\nfrom {name}_work_labels as l\n"
        "cross join unnest(concat(array[cast(0 as bigint)], l.table_ids)) as t (table_id)"
    )
    distinct = ",\n  ".join(
        f"count(case when number = {at} then 1 end) as distinct_{key}" for key, at in numbers.items()
    )
    people = ",\n  ".join(
        f"cast(coalesce(sum(case when number = {at} then people end), 0) as bigint) as distinct_with_{key}"
        for key, at in numbers.items()
    )
    histograms = ",\n  ".join(
        "array_join(array_agg(cast(n as varchar) || ':' || cast(people as varchar) order by n)"
        f" filter (where number = {at}), ',') as histogram_{key}"
        for key, at in numbers.items()
    )
    number = "cast(substr(l.node, 1, 2) as bigint) as number"
    return create(
        f"{name}_source_key_stats__next",
        f"select\n  {_table_name('s.table_id', tables)} as from_table, r.total_distinct,\n"
        f'  {", ".join(f"s.distinct_{key}" for key in numbers)},\n  {SESSION} as "time", {SESSION} as built_for\n'
        f"from (\nselect table_id,\n  {distinct}\nfrom (\n{seen_in.format(what=number)}\n) as e\ngroup by table_id\n) as s\n"
        "inner join (\n"
        f"select t.table_id, count(distinct element_at(split(r.record_key, {SEPARATOR}), 1)) as total_distinct\n"
        f"from {name}_work_records as r\ncross join unnest(array[0, r.table_id]) as t (table_id)\ngroup by t.table_id\n"
        ") as r on s.table_id = r.table_id",
    ) + create(
        f"{name}_result_key_stats__next",
        f"select\n  {_table_name('h.table_id', tables)} as from_table, c.total_distinct,\n"
        f"  {', '.join(f'h.distinct_with_{key}' for key in numbers)},\n"
        f'  {", ".join(f"h.histogram_{key}" for key in numbers)},\n  {SESSION} as "time", {SESSION} as built_for\n'
        f"from (\nselect table_id,\n  {people},\n  {histograms}\nfrom (\n"
        "select table_id, number, n, count(*) as people\nfrom (\nselect table_id, label, number, count(*) as n\nfrom (\n"
        f"{seen_in.format(what=f'l.label, {number}')}\n) as e\ngroup by table_id, label, number\n) as n\n"
        "group by table_id, number, n\n) as p\ngroup by table_id\n) as h\ninner join (\n"
        f"select table_id, count(distinct label) as total_distinct\nfrom (\n{seen_in.format(what='l.label')}\n) as e\n"
        "group by table_id\n) as c on h.table_id = c.table_id",
    )


def columns_query(unification: Unification) -> str:
    """Return a query of one row: for table n the column ``c<n>``, its columns as a select list.

    Columns that the enriched table sets itself are left out: the canonical ids and ``built_for``.
    """
    own = ", ".join(
        literal(name.lower()) for name in [*(each.name for each in unification.canonical_ids), "built_for"]
    )
    wanted = ",\n  ".join(
        "array_join(array_agg('p.\"' || column_name || '\"' order by ordinal_position) filter (where "
        f"table_schema = {literal(table.database.lower())} and table_name = {literal(table.table.lower())}), ', ') as c{at}"
        for at, table in enumerate(unification.tables, start=1)
    )
    databases = ", ".join(sorted({literal(table.database.lower()) for table in unification.tables}))
    return (
        f"select\n  {wanted}\nfrom information_schema.columns\n"
        f"where table_schema in ({databases}) and column_name not in ({own})"
    )


def enriched_script(unification: Unification, table_name: str) -> str:
    """Return statements for enriched_<table>: every row of the source with its canonical ids."""
    number = [each.name for each in unification.tables].index(table_name) + 1
    ids = ",\n  ".join(
        (
            f"r_{each.name}.canonical_id"
            if record_key(unification, each, table_name) is not None
            else "cast(null as varchar)"
        )
        + f" as {quoted(each.name)}"
        for each in unification.canonical_ids
    )
    return create(
        f"{quoted(f'enriched_{table_name}__next')}",
        f"select\n  ${{td.last_results.c{number}}},\n  {ids},\n  {SESSION} as built_for\n"
        f"{rows_of(unification, unification.canonical_ids, table_name)}",
    )


def _candidates(master: MasterTable, attribute: Attribute) -> str:
    """Return a query of every value an attribute may take: who, value, and how it ranks."""
    orders = {source.order for source in attribute.sources}
    branches = []
    sources = sorted(enumerate(attribute.sources), key=lambda item: (item[1].priority, item[0]))
    ranked = groupby(sources, key=lambda item: (item[1].priority, item[1].order, item[1].order_by))
    for tier, (_, group) in enumerate(ranked, start=1):
        for at, source in group:
            order = quoted(source.order_by)
            ranks = [f"{order if source.order == each else 'null'} as {each}_at" for each in sorted(orders)]
            branches.append(
                f"select {quoted(master.canonical_id)} as who, {quoted(source.column)} as value,"
                f" {tier} as tier, {at} as source, {', '.join(ranks)}"
                f" from {quoted(f'enriched_{source.table}__next')}"
            )
    return "\nunion all\n".join(branches)


def _survivor(master: MasterTable, attribute: Attribute) -> str:
    """Return a query of one row a person: the value (or the values) that survive."""
    orders = {source.order for source in attribute.sources}
    times = {"last": "max(last_at) as last_at", "first": "min(first_at) as first_at"}
    ranks = {"last": "last_at desc nulls last", "first": "first_at"}
    valid = valid_text("value", attribute.valid_regexp, attribute.invalid_texts)
    ranked = (
        "select who, value, row_number() over (\n  partition by who\n"
        f"  order by tier, {', '.join(ranks[each] for each in sorted(orders))}, source, cast(value as varchar)\n"
        ") as n\nfrom (\n"
        f"select who, value, min(tier) as tier, min(source) as source,"
        f" {', '.join(times[each] for each in sorted(orders))}\n"
        f"from (\n{_candidates(master, attribute)}\n) as c\nwhere who is not null and {valid} is not null\n"
        f"group by who, value{'' if attribute.array_elements else ', tier'}\n) as g"
    )
    if attribute.array_elements:
        return (
            f"select who, array_agg(value order by n) as value\nfrom (\n{ranked}\n) as r\n"
            f"where n <= {attribute.array_elements}\ngroup by who"
        )
    return f"select who, value\nfrom (\n{ranked}\n) as r\nwhere n = 1"


def master_script(unification: Unification, master: MasterTable) -> str:
    """Return statements for a master table: one row a person, each attribute by its survivorship rule.

    The lowest priority wins; within it the latest (``order: last``) or earliest (``first``) value by
    ``order_by``; then the source listed first, then the value itself, so that the winner is never left to the engine.
    """
    columns, joins = "", ""
    for at, attribute in enumerate(master.attributes, start=1):
        if attribute.name == master.canonical_id:
            continue
        columns += f"\n  a{at}.value as {quoted(attribute.name)},"
        joins += (
            f"\nleft join (\n{_attribute(unification, master, attribute)}\n) as a{at} on i.who = a{at}.who"
        )
    return create(
        quoted(f"{master.name}__next"),
        f"select\n  i.who as {quoted(master.canonical_id)},{columns}\n  {SESSION} as built_for\n"
        f"from (select distinct canonical_id as who from {master.canonical_id}_work_people) as i{joins}",
    )


def _attribute(unification: Unification, master: MasterTable, attribute: Attribute) -> str:
    if attribute.source_canonical_id is None:
        return _survivor(master, attribute)
    own, other = quoted(master.canonical_id), quoted(attribute.source_canonical_id)
    union = "\nunion all\n".join(
        f"select {own} as who, {other} as value from {quoted(f'enriched_{table.name}__next')}"
        for table in unification.tables
    )
    return f"select who, min(value) as value\nfrom (\n{union}\n) as c\nwhere who is not null\ngroup by who"
