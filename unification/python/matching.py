"""A matching rule as SQL: candidate pairs by blocks, levels of agreement, weights, links.

The SQL is Trino's and uses what Treasure Data, Trino and DuckDB have in common; the one distance is
levenshtein_distance. Names of tables begin with ``match_<rule>_``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from unification.python.weights import Pattern, Weights, prior_weight

TEMPLATES = Path(__file__).parent.parent / "templates"
SWAPPED = 0.7  # similarity from which values agree crosswise
LEVELS = (0.5, 0.7, 0.85)  # of similarity: 1 - distance / length of the longer value
SAMPLE = 500  # records whose pairs stand for random ones
LARGEST_BLOCK = 300  # records; more are split by `split_by`, what stays larger is skipped and told
THRESHOLD = 0.9  # probability from which a pair is a link
SHARED = re.compile(
    "addr|street|city|town|suburb|zip|post|state|province|county|country|house|phone|^tel|^last|surname|family"
)


@dataclass(frozen=True)
class Comparison:
    """How one column of two records is compared.

    Args:
        column: name in the records.
        levels: similarities from which a level counts, rising; equal values are a level above them.
        term_frequency: equal rare values speak louder than equal common ones.
        swapped_with: a column whose value often stands in this one, and this one's there: first and last
            name, two lines of an address. Values that agree crosswise are a level of their own, the
            second; the other column then says nothing.
        shared: whether a household has one value, so that several such columns agree together.
    """

    column: str
    levels: tuple[float, ...] = LEVELS
    term_frequency: bool = False
    swapped_with: str | None = None
    shared: bool | None = None

    @property
    def is_shared(self) -> bool:
        """Whether a household shares it; by the column's name where that is not said."""
        return SHARED.search(self.column) is not None if self.shared is None else self.shared

    @property
    def count(self) -> int:
        """Levels: different, swapped where that can be, one for each similarity, equal."""
        return len(self.levels) + 2 + (self.swapped_with is not None)

    @property
    def nearest(self) -> list[tuple[int, str]]:
        """Levels between different and equal, nearest first: level, share of letters that may differ."""
        rising = list(enumerate(self.levels, start=2 + (self.swapped_with is not None)))
        return [(level, _number(round(1 - similarity, 4))) for level, similarity in reversed(rising)]


@dataclass(frozen=True)
class Rule:
    """A matching rule; its name is the key that unify.yml merges by.

    Args:
        block_by: SQL expressions over the columns; records with an equal value are compared.
        split_by: SQL expression that splits a block with too many records.
        must_agree: columns whose values, both given, may not differ altogether: a shared address makes a
            household, not a person.
        told_apart_by: columns of which a person has one value, or few. Records of which two or more differ
            and none is equal are namesakes, such as father and son, however alike the rest is.
    """

    name: str
    block_by: tuple[str, ...]
    compare: tuple[Comparison, ...]
    threshold: float = THRESHOLD
    largest_block: int = LARGEST_BLOCK
    must_agree: tuple[str, ...] = ()
    told_apart_by: tuple[str, ...] = ()
    split_by: str = "''"

    @property
    def columns(self) -> list[str]:
        """Every column that the rule reads."""
        named = " ".join([*self.block_by, self.split_by])
        words = re.findall(r"[a-z_][a-z0-9_]*", re.sub(r"'[^']*'", "", named.lower()))
        functions = set(re.findall(r"([a-z_][a-z0-9_]*)\s*\(", named.lower()))
        compared = [comparison.column for comparison in self.compare]
        compared += [comparison.swapped_with for comparison in self.compare if comparison.swapped_with]
        known = functions | {"as", "varchar", "bigint", "case", "when", "then", "else", "end", "and", "or",
                             "not", "is", "null", "in", "like"}  # fmt: skip
        words = [word for word in words if word not in known]
        return list(dict.fromkeys([*compared, *self.told_apart_by, *words]))

    def swapped(self, column: str) -> list[int]:
        """Return the places in `compare` of the columns that may be swapped with *column*, itself among them.

        Its place comes first when it may be swapped; empty when nothing is.
        """
        pairs = [(c.column, c.swapped_with) for c in self.compare]
        return [at for at, pair in enumerate(pairs) if pair[1] and column in pair]

    def agrees(self, block: str) -> list[bool]:
        """Return for every compared column whether *block* makes it agree."""
        return [re.search(rf"\b{re.escape(c.column)}\b", block) is not None for c in self.compare]


def statements(file: str, table: str, **values: Any) -> str:
    """Return the statements of a file in unification/templates with *values* put in.

    Args:
        file: name without .sql.j2.
        table: what the names of the tables that are made begin with.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # noqa: S701 (SQL, no page)
    )

    def create(name: str) -> str:
        return f"drop table if exists {table}_{name};\ncreate table {table}_{name} as"

    given = {"create": create, "t": table, "number": _number, **values}
    return environment.get_template(f"{file}.sql.j2").render(given)


def compare_script(rule: Rule, records: str) -> str:
    """Return statements that find and compare candidate pairs; the last gives what `estimate` needs.

    Args:
        records: table with ``record_id`` (unique) and the rule's columns.

    Returns:
        SQL whose last statement answers (what, mask, g0 …, n): ``pair`` patterns of candidates by blocks that
        found them, ``random`` patterns of random pairs, ``equal`` for column *mask* the pairs of equal values
        (n) among records that have one (g0), ``records`` their number, ``skipped`` those in blocks too large.
    """
    return statements(
        "compare",
        f"match_{rule.name}",
        rule=rule,
        records=records,
        sample=SAMPLE,
        crossed=_number(round(1 - SWAPPED, 4)),
    )


@dataclass(frozen=True)
class Counts:
    """What `compare_script` answered."""

    candidates: Mapping[tuple[int, Pattern], int]
    random_pairs: Mapping[Pattern, int]
    equal_by_chance: Sequence[float | None]
    records: int
    skipped: int


def read_counts(rule: Rule, rows: Sequence[Sequence[Any]]) -> Counts:
    """Return the answer of `compare_script` in order: sums over it are the same to the last digit."""
    candidates: dict[tuple[int, Pattern], int] = {}
    random_pairs: dict[Pattern, int] = {}
    equal: list[float | None] = [None] * len(rule.compare)
    records = skipped = 0
    for row in sorted(rows, key=str):
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


def link_script(rule: Rule, weights: Weights, records: int) -> str:
    """Return statements for ``match_<rule>_links``: pairs whose probability reaches the threshold.

    Args:
        records: how many there are. A rare name looks frequent where each person has many records, so as
            many as a person is expected to have besides the one are not counted.
    """
    others = weights.prior * (records - 1)
    return statements(
        "links",
        f"match_{rule.name}",
        rule=rule,
        model=weights,
        prior=prior_weight(weights.prior),
        lowest=prior_weight(rule.threshold),
        own=[others * shares[-1] for shares in weights.m],
        by_frequency=[at for at, comparison in enumerate(rule.compare) if comparison.term_frequency],
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
