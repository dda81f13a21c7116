"""From labelled identifiers to people: canonical ids that stay, the lookup, the log of merges and splits."""

from __future__ import annotations

from collections.abc import Mapping

from tdlocal.unification.model import CanonicalId
from tdlocal.unification.sql import SEPARATOR, SESSION, create, key_numbers, literal

LOOKUP_COLUMNS = {
    "canonical_id": "varchar",
    "id": "varchar",
    "id_key_type": "bigint",
    "canonical_id_first_seen_at": "bigint",
    "canonical_id_last_seen_at": "bigint",
    "id_first_seen_at": "bigint",
    "id_last_seen_at": "bigint",
}
KEYS_COLUMNS = {"key_type": "bigint", "key_name": "varchar"}
PREVIOUS_COLUMNS = {
    "key_name": "varchar",
    "id": "varchar",
    "canonical_id": "varchar",
    "first_seen_at": "bigint",
    "valid_for": "bigint",
}
CHANGES_COLUMNS = {
    "unification_id": "varchar",
    "change": "varchar",
    "canonical_id": "varchar",
    "other_canonical_id": "varchar",
    "identifiers": "bigint",
    "cause": "varchar",
    "session_unixtime": "bigint",
}


def table_if_absent(name: str, columns: Mapping[str, str]) -> str:
    """Return a statement that makes an empty table unless it is there."""
    listed = ", ".join(f"{column} {kind}" for column, kind in columns.items())
    return f"create table if not exists {name} ({listed});\n"


def previous_script(name: str) -> str:
    """Return statements that put the people before this session into ``<name>_work_previous``.

    They are taken from the live lookup once a session: a rerun after publishing must still compare with the
    people of the session before, so rows already taken for this session are kept. The row without a key
    marks a session whose predecessor had nobody.
    """
    taken = f"(select 1 as one from {name}_previous where valid_for = {SESSION})"
    columns = ", ".join(PREVIOUS_COLUMNS)
    return create(
        f"{name}_work_previous",
        f"select {columns} from {name}_previous where valid_for = {SESSION}\nunion all\n"
        f"select k.key_name, l.id, l.canonical_id, l.id_first_seen_at, {SESSION}\n"
        f"from {name}_lookup as l\ninner join {name}_keys as k on l.id_key_type = k.key_type\n"
        f"where not exists {taken}\nunion all\n"
        f"select '', '', '', 0, {SESSION}\nwhere not exists {taken}",
    )


def records_script(name: str, branches: str) -> str:
    """Return statements that gather records, identifiers and who occurs with whom.

    ``_work_records``: one row for every distinct set of identifiers of a table; ``_work_nodes``: every
    identifier with a dense number ``v``, strongest kind first; ``_work_pairs``: which identifier is in which record.
    """
    nodes = f"split(r.record_key, {SEPARATOR})"
    return (
        create(
            f"{name}_work_records",
            f"select row_number() over () as record_id, r.*\nfrom (\n{branches}\n) as r",
        )
        + create(
            f"{name}_work_nodes",
            "select\n  node, row_number() over (order by substr(node, 1, 2)) as v,\n"
            "  first_seen_at, last_seen_at, table_ids\nfrom (\n"
            "  select\n    t.node, min(r.first_seen_at) as first_seen_at,\n"
            "    max(r.last_seen_at) as last_seen_at, array_sort(array_agg(distinct r.table_id)) as table_ids\n"
            f"  from {name}_work_records as r\n  cross join unnest({nodes}) as t (node)\n  group by t.node\n) as n",
        )
        + create(
            f"{name}_work_pairs",
            "select e.record_id, n.v\nfrom (\n  select r.record_id, t.node\n"
            f"  from {name}_work_records as r\n  cross join unnest({nodes}) as t (node)\n"
            f"  where strpos(r.record_key, {SEPARATOR}) > 0\n) as e\n"
            f"inner join {name}_work_nodes as n on e.node = n.node",
        )
    )


def edges_script(name: str) -> str:
    """Return statements that make the edges: every identifier of a record to its strongest one."""
    return create(
        f"{name}_work_edges_0",
        "select distinct lead_v as v, v as w\nfrom (\n"
        f"  select v, min(v) over (partition by record_id) as lead_v from {name}_work_pairs\n) as p\n"
        "where lead_v < v",
    )


def labels_script(name: str) -> str:
    """Return statements that label every identifier with its component, or itself when it has no edge."""
    return create(
        f"{name}_work_labels",
        "select n.node, coalesce(m.r, n.v) as label, n.first_seen_at, n.last_seen_at, n.table_ids\n"
        f"from {name}_work_nodes as n\nleft join {name}_work_map_0 as m on n.v = m.v",
    )


def _age(first_seen: str, node: str) -> str:
    """Return an expression that sorts identifiers by when they were first seen, then by key and value."""
    return f"lpad(cast({first_seen} as varchar), 12, '0') || {node}"


def people_script(canonical: CanonicalId) -> str:
    """Return statements that give every component its canonical id.

    A component keeps the id that its identifiers had: of several the oldest. An id whose identifiers lie in
    several components stays where most of them are. A new id is a hash of the component's first-seen
    identifier; should that id be taken by another part of a split, of it and the session.
    """
    name = canonical.name
    numbers = key_numbers(canonical)
    to_number = " ".join(f"when {literal(key)} then '{at:02d}:'" for key, at in numbers.items())
    to_name = " ".join(f"when '{at:02d}' then {literal(key)}" for key, at in numbers.items())
    founder = f"case substr(f.founder, 13, 2) {to_name} end || substr(f.founder, 15)"
    return (
        create(
            f"{name}_work_before",
            f"select case key_name {to_number} end || id as node, canonical_id, first_seen_at\n"
            f"from {name}_previous\nwhere canonical_id <> '' and case key_name {to_number} end is not null",
        )
        + create(
            f"{name}_work_known",
            f"select l.label, b.canonical_id, count(*) as identifiers, min({_age('b.first_seen_at', 'b.node')}) as age\n"
            f"from {name}_work_labels as l\ninner join {name}_work_before as b on l.node = b.node\n"
            "group by l.label, b.canonical_id",
        )
        + create(
            f"{name}_work_homes",
            "select\n  label, canonical_id, identifiers, home,\n"
            "  case when home = 1 then row_number() over (partition by label, home order by born, canonical_id) end as seniority\n"
            "from (\n  select\n    k.*, b.born,\n"
            "    row_number() over (partition by k.canonical_id order by k.identifiers desc, k.age) as home\n"
            f"  from {name}_work_known as k\n  inner join (\n"
            f"    select canonical_id, min({_age('first_seen_at', 'node')}) as born\n"
            f"    from {name}_work_before group by canonical_id\n  ) as b on k.canonical_id = b.canonical_id\n) as h",
        )
        + create(
            f"{name}_work_people",
            "select\n  f.label, f.first_seen_at, f.last_seen_at,\n"
            "  coalesce(\n    h.canonical_id,\n"
            f"    lower(substr(to_hex(sha256(to_utf8(f.founder_text || case when t.canonical_id is null then '' else '#{SESSION}' end))), 1, 32))\n"
            "  ) as canonical_id\nfrom (\n  select\n    f.*, " + founder + " as founder_text\n  from (\n"
            f"    select\n      label, min({_age('first_seen_at', 'node')}) as founder,\n"
            "      min(first_seen_at) as first_seen_at, max(last_seen_at) as last_seen_at\n"
            f"    from {name}_work_labels group by label\n  ) as f\n) as f\n"
            f"left join {name}_work_homes as h on f.label = h.label and h.seniority = 1\n"
            f"left join (select distinct canonical_id from {name}_work_before) as t\n"
            "  on t.canonical_id = lower(substr(to_hex(sha256(to_utf8(f.founder_text))), 1, 32))",
        )
    )


def rows_script(name: str) -> str:
    """Return statements that tell for every record whose it is: the person of its strongest identifier."""
    return create(
        f"{name}_work_rows",
        "select r.table_id, r.record_key, p.canonical_id\n"
        f"from {name}_work_records as r\n"
        f"inner join {name}_work_labels as l on l.node = element_at(split(r.record_key, {SEPARATOR}), 1)\n"
        f"inner join {name}_work_people as p on l.label = p.label",
    )


def lookup_script(canonical: CanonicalId, tables: list[str]) -> str:
    """Return statements for the lookup, the graph and the names of keys and tables."""
    name, kind = canonical.name, canonical.kind
    keys = ", ".join(f"({at}, {literal(key)})" for key, at in key_numbers(canonical).items())
    names = ", ".join(f"({at}, {literal(table)})" for at, table in enumerate(tables, start=1))
    id_of = "substr(l.node, 4)"
    type_of = "cast(substr(l.node, 1, 2) as bigint)"
    return (
        create(
            f"{name}_lookup__next",
            f"select\n  p.canonical_id as {kind}_id, {id_of} as id, {type_of} as id_key_type,\n"
            f"  p.first_seen_at as {kind}_id_first_seen_at, p.last_seen_at as {kind}_id_last_seen_at,\n"
            "  l.first_seen_at as id_first_seen_at, l.last_seen_at as id_last_seen_at,\n"
            f"  l.table_ids as id_source_table_ids, {SESSION} as id_last_processed_at, {SESSION} as built_for\n"
            f"from {name}_work_labels as l\ninner join {name}_work_people as p on l.label = p.label",
        )
        + create(
            f"{name}_graph__next",
            f"select\n  {id_of} as follower_id, {type_of} as follower_ns,\n"
            "  substr(g.leader, 4) as leader_id, cast(substr(g.leader, 1, 2) as bigint) as leader_ns,\n"
            "  l.first_seen_at as follower_first_seen_at, l.last_seen_at as follower_last_seen_at,\n"
            f"  l.table_ids as follower_source_table_ids, {SESSION} as follower_last_processed_at, {SESSION} as built_for\n"
            f"from {name}_work_labels as l\ninner join (\n"
            f"  select label, min(node) as leader from {name}_work_labels group by label\n"
            ") as g on l.label = g.label",
        )
        + create(
            f"{name}_keys__next",
            f"select cast(key_type as bigint) as key_type, key_name, {SESSION} as built_for\n"
            f"from (values {keys}) as t (key_type, key_name)",
        )
        + create(
            f"{name}_tables__next",
            f"select cast(table_id as bigint) as table_id, table_name, {SESSION} as built_for\n"
            f"from (values {names}) as t (table_id, table_name)",
        )
    )


def changes_query(canonical: CanonicalId) -> str:
    """Return the merges and splits of this session, one row for each id that lost something."""
    name = canonical.name
    return (
        f"select\n  {literal(name)} as unification_id, case when h.home = 1 then 'merge' else 'split' end as change,\n"
        "  case when h.home = 1 then p.canonical_id else h.canonical_id end as canonical_id,\n"
        "  case when h.home = 1 then h.canonical_id else p.canonical_id end as other_canonical_id,\n"
        f"  h.identifiers, cast(null as varchar) as cause, {SESSION} as session_unixtime\n"
        f"from {name}_work_homes as h\ninner join {name}_work_people as p on h.label = p.label\n"
        "where h.canonical_id <> p.canonical_id"
    )
