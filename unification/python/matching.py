"""A matching rule as SQL: candidate pairs by blocks, levels of agreement, weights, links.

The SQL is Trino's and uses what Treasure Data, Trino and DuckDB have in common; the one distance is
levenshtein_distance. Names of tables begin with ``match_<rule>_``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unification.python.weights import Pattern, Weights, prior_weight

LEVELS = (0.6, 0.8)  # of similarity: 1 - distance / length of the longer value
SAMPLE = 1200  # records whose pairs stand for random ones
LARGEST_BLOCK = 300  # records; more are split by `split_by`, what stays larger is skipped and told
THRESHOLD = 0.9  # probability from which a pair is a link


@dataclass(frozen=True)
class Comparison:
    """How one column of two records is compared.

    Args:
        column: name in the records.
        levels: similarities from which a level counts, rising; equal values are a level above them.
        term_frequency: equal rare values speak louder than equal common ones.
    """

    column: str
    levels: tuple[float, ...] = LEVELS
    term_frequency: bool = False

    @property
    def count(self) -> int:
        """Levels: different, one for each similarity, equal."""
        return len(self.levels) + 2


@dataclass(frozen=True)
class Rule:
    """A matching rule; its name is the key that unify.yml merges by.

    Args:
        block_by: SQL expressions over the columns; records with an equal value are compared.
        split_by: SQL expression that splits a block with too many records.
        must_agree: columns whose values, both given, may not differ altogether: a shared address makes a
            household, not a person.
    """

    name: str
    block_by: tuple[str, ...]
    compare: tuple[Comparison, ...]
    threshold: float = THRESHOLD
    largest_block: int = LARGEST_BLOCK
    must_agree: tuple[str, ...] = ()
    split_by: str = "''"

    @property
    def columns(self) -> list[str]:
        """Every column that the rule reads."""
        named = " ".join([*self.block_by, self.split_by])
        words = re.findall(r"[a-z_][a-z0-9_]*", re.sub(r"'[^']*'", "", named.lower()))
        functions = set(re.findall(r"([a-z_][a-z0-9_]*)\s*\(", named.lower()))
        compared = [comparison.column for comparison in self.compare]
        known = functions | {"as", "varchar", "bigint", "case", "when", "then", "else", "end", "and", "or",
                             "not", "is", "null", "in", "like"}  # fmt: skip
        return list(dict.fromkeys([*compared, *(word for word in words if word not in known)]))

    def agrees(self, block: str) -> list[bool]:
        """Return for every compared column whether *block* makes it agree."""
        return [re.search(rf"\b{re.escape(c.column)}\b", block) is not None for c in self.compare]


def create(table: str, query: str) -> str:
    """Return the statements that make *table* anew from *query*."""
    return f"drop table if exists {table};\ncreate table {table} as\n{query};\n"


def levels_of(rule: Rule, first: str, second: str) -> str:
    """Return select items: for each comparison the level of agreement, 0 when a value is missing."""
    items = []
    for at, comparison in enumerate(rule.compare):
        a, b = f"{first}.{comparison.column}", f"{second}.{comparison.column}"
        top = comparison.count
        near = ""
        distance = f"levenshtein_distance({a}, {b})"
        longest = f"greatest(length({a}), length({b}))"
        for level, similarity in reversed(list(enumerate(comparison.levels, start=2))):
            allowed = f"{1 - similarity:.4f}".rstrip("0")
            near += f"\n    when cast({distance} as double) <= {allowed}e0 * {longest} then {level}"
        items.append(
            f"  case\n    when {a} is null or {b} is null then 0\n    when {a} = {b} then {top}{near}\n"
            f"    else 1\n  end as g{at}"
        )
    return ",\n".join(items)


def compare_script(rule: Rule, records: str) -> str:
    """Return statements that find and compare candidate pairs; the last gives what `estimate` needs.

    Args:
        records: table with ``record_id`` (unique) and the rule's columns.

    Returns:
        SQL whose last statement answers (what, mask, g0 …, n): ``pair`` patterns of candidates by blocks that
        found them, ``random`` patterns of random pairs, ``equal`` for column *mask* the pairs of equal values
        (n) among records that have one (g0), ``records`` their number, ``skipped`` records in blocks too large.
    """
    t = f"match_{rule.name}"
    columns = rule.columns
    cleaned = ", ".join(
        f"nullif(lower(trim(cast({column} as varchar))), '') as {column}" for column in columns
    )
    keys = ", ".join(f"cast({block} as varchar) as k{at}" for at, block in enumerate(rule.block_by))
    listed = ", ".join(f"k{at}" for at in range(len(rule.block_by)))
    levels = ", ".join(f"g{at}" for at in range(len(rule.compare)))
    zeros = ", ".join("0" for _ in rule.compare[1:])
    rest = f", {zeros}" if zeros else ""
    script = create(
        f"{t}_records",
        f"select row_number() over (order by record_id) as n, record_id, {', '.join(columns)}\n"
        f"from (select cast(record_id as varchar) as record_id, {cleaned} from {records}) as r",
    )
    script += create(
        f"{t}_keys",
        "select k.block, k.value, r.n, r.split\n"
        f"from (select n, cast({rule.split_by} as varchar) as split, {keys} from {t}_records) as r\n"
        f"cross join unnest(array[{listed}]) with ordinality as k (value, block)\nwhere k.value is not null",
    )
    sizes = "select block, value, count(*) as members from {from_} group by block, value having count(*) > 1"
    script += create(
        f"{t}_blocks",
        f"select k.block, case when s.members > {rule.largest_block} then k.value || '|' || coalesce(k.split, '')"
        " else k.value end as value, k.n\n"
        f"from {t}_keys as k\ninner join ({sizes.format(from_=f'{t}_keys')}) as s\n"
        "  on k.block = s.block and k.value = s.value",
    )
    script += create(f"{t}_sizes", sizes.format(from_=f"{t}_blocks"))
    script += create(
        f"{t}_candidates",
        "select l, r, cast(sum(bit) as bigint) as mask\nfrom (\n"
        f"  select a.n as l, b.n as r, {_bit('a.block', len(rule.block_by))} as bit\n"
        f"  from {t}_blocks as a\n"
        f"  inner join {t}_sizes as s\n    on a.block = s.block and a.value = s.value and s.members <= {rule.largest_block}\n"
        f"  inner join {t}_blocks as b on a.block = b.block and a.value = b.value and a.n < b.n\n"
        ") as p\ngroup by l, r",
    )
    differ = " or ".join(
        f"g{at} = 1" for at, comparison in enumerate(rule.compare) if comparison.column in rule.must_agree
    )
    script += create(
        f"{t}_pairs",
        f"select l, r, mask, {levels}\nfrom (select p.l, p.r, p.mask,\n{levels_of(rule, 'a', 'b')}\n"
        f"from {t}_candidates as p\ninner join {t}_records as a on p.l = a.n\n"
        f"inner join {t}_records as b on p.r = b.n) as p" + (f"\nwhere not ({differ})" if differ else ""),
    )
    script += create(
        f"{t}_sample",
        f"select n, {', '.join(columns)} from {t}_records\n"
        f"order by md5(to_utf8(record_id)), record_id limit {SAMPLE}",
    )
    equal = "\nunion all\n".join(
        f"select 'equal' as what, {at} as mask, cast(coalesce(sum(c), 0) as bigint) as g0{_zeros(rule)},"
        f" cast(coalesce(sum(c * (c - 1)), 0) as bigint) as n\nfrom (select count(*) as c from {t}_records"
        f" where {comparison.column} is not null group by {comparison.column}) as f"
        for at, comparison in enumerate(rule.compare)
    )
    script += (
        f"select 'pair' as what, mask, {levels}, count(*) as n from {t}_pairs group by mask, {levels}\n"
        f"union all\nselect 'random' as what, 0 as mask, {levels}, count(*) as n\n"
        f"from (select\n{levels_of(rule, 'a', 'b')}\nfrom {t}_sample as a inner join {t}_sample as b on a.n < b.n"
        f") as s group by {levels}\nunion all\n{equal}\n"
        f"union all\nselect 'records' as what, 0 as mask, 0 as g0{_zeros(rule)}, count(*) as n from {t}_records\n"
        f"union all\nselect 'skipped' as what, 0 as mask, 0 as g0{_zeros(rule)},"
        f" cast(coalesce(sum(members), 0) as bigint) as n\nfrom {t}_sizes where members > {rule.largest_block}"
    )
    return script


def _zeros(rule: Rule) -> str:
    return "".join(f", 0 as g{at}" for at in range(1, len(rule.compare)))


def _bit(column: str, count: int) -> str:
    whens = " ".join(f"when {at} then {2 ** (at - 1)}" for at in range(1, count + 1))
    return f"case {column} {whens} end"


@dataclass(frozen=True)
class Counts:
    """What `compare_script` answered."""

    candidates: Mapping[tuple[int, Pattern], int]
    random_pairs: Mapping[Pattern, int]
    equal_by_chance: Sequence[float | None]
    records: int
    skipped: int


def read_counts(rule: Rule, rows: Sequence[Sequence[Any]]) -> Counts:
    """Return the answer of `compare_script` in order."""
    candidates: dict[tuple[int, Pattern], int] = {}
    random_pairs: dict[Pattern, int] = {}
    equal: list[float | None] = [None] * len(rule.compare)
    records = skipped = 0
    for row in rows:
        what, mask, pattern, n = row[0], int(row[1]), tuple(int(level) for level in row[2:-1]), int(row[-1])
        if what == "pair":
            candidates[mask, pattern] = n
        elif what == "random":
            random_pairs[pattern] = n
        elif what == "records":
            records = n
        elif what == "skipped":
            skipped = n
        elif pattern[0] > SAMPLE:  # in a small table the random pairs are all the pairs there are
            equal[mask] = n / (pattern[0] * (pattern[0] - 1))
    return Counts(candidates, random_pairs, equal, records, skipped)


def link_script(rule: Rule, weights: Weights) -> str:
    """Return statements for ``match_<rule>_links``: pairs whose probability reaches the threshold."""
    t = f"match_{rule.name}"
    parts = [_number(prior_weight(weights.prior))]
    joins = ""
    adjusted = ""
    tables = ""
    for at, comparison in enumerate(rule.compare):
        whens = " ".join(
            f"when {level} then {_number(weights.weight(at, level))}"
            for level in range(1, comparison.count + 1)
        )
        parts.append(f"case p.g{at} {whens} else 0e0 end")
        if comparison.term_frequency:
            top, u = comparison.count, weights.u[at][-1]
            tables += create(
                f"{t}_terms_{at}",
                f"select {comparison.column} as value, cast(count(*) as double) / max(total) as share\n"
                f"from {t}_records cross join (select count({comparison.column}) as total from {t}_records) as c\n"
                f"where {comparison.column} is not null group by {comparison.column}",
            )
            joins += f"\nleft join {t}_terms_{at} as f{at} on p.g{at} = {top} and a.{comparison.column} = f{at}.value"
            adjusted += f" + coalesce(log2({_number(u)} / f{at}.share), 0e0)"
    weight = "\n    + ".join(parts)
    lowest = prior_weight(rule.threshold)
    return tables + create(
        f"{t}_links",
        "select left_id, right_id, weight, 1e0 / (1e0 + power(2e0, -weight)) as probability, pattern\nfrom (\n"
        f"  select\n    a.record_id as left_id, b.record_id as right_id, p.base{adjusted} as weight, p.pattern\n"
        f"  from (\n    select p.l, p.r, {', '.join(f'p.g{at}' for at in range(len(rule.compare)))},\n    {weight} as base,\n"
        f"    {' || '.join(f'cast(p.g{at} as varchar)' for at in range(len(rule.compare)))} as pattern\n"
        f"    from {t}_pairs as p\n  ) as p\n"
        f"  inner join {t}_records as a on p.l = a.n\n  inner join {t}_records as b on p.r = b.n{joins}\n"
        f"  where p.base >= {_number(lowest - 20)}\n) as s\nwhere weight >= {_number(lowest)}",
    )


def work_tables(rule: Rule) -> list[str]:
    """Return the tables that a rule leaves behind beside its links."""
    names = ["records", "keys", "blocks", "sizes", "candidates", "pairs", "sample"]
    names += [f"terms_{at}" for at, comparison in enumerate(rule.compare) if comparison.term_frequency]
    return [f"match_{rule.name}_{name}" for name in names]


def _number(value: float) -> str:
    """Return a double as Trino writes one.

    >>> _number(0.5), _number(-3.0)
    ('5.0e-01', '-3.0e+00')
    """
    mantissa, exponent = f"{value:.12e}".split("e")
    return f"{mantissa.rstrip('0')}{'0' if mantissa.rstrip('0').endswith('.') else ''}e{exponent}"
