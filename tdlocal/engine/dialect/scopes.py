"""Which names a query sees, and what each of them is."""

from __future__ import annotations

from dataclasses import dataclass, field

from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.dialect.values import Value


@dataclass(slots=True)
class Source:
    """A column that a FROM clause offers. *relation* is its table's alias, *database* set for plain
    tables."""

    name: str | None
    kind: k.Kind
    sql: str
    relation: str | None = None
    database: str | None = None
    zone: str | None = None
    hidden: bool = False  # found by its name, left out by `*`

    def value(self) -> Value:
        return Value(self.sql, self.kind, zone=self.zone)


@dataclass(slots=True)
class Scope:
    """The columns in the order of `*`, and the scope of the query around this one."""

    sources: list[Source] = field(default_factory=list)
    parent: Scope | None = None
    lambdas: dict[str, Value] = field(default_factory=dict)
    correlated: bool = False  # set when something of the parent was used

    def find(self, parts: tuple[str, ...]) -> list[Source]:
        """Columns of this scope that *parts* (lower case) may mean."""
        if len(parts) == 1:
            return [one for one in self.sources if one.name is not None and one.name.lower() == parts[0]]
        name, relation = parts[-1], parts[-2]
        return [
            one
            for one in self.sources
            if one.relation == relation
            and one.name is not None
            and one.name.lower() == name
            and (len(parts) < 3 or one.database == parts[-3])
        ]

    def has_relation(self, name: str) -> bool:
        return any(one.relation == name for one in self.sources)


@dataclass(slots=True)
class Output:
    """A column that a query gives: its name (None: unnamed), type, and zone when that is constant."""

    name: str | None
    kind: k.Kind
    zone: str | None = None
    packed: bool = False  # a struct of instant `t` and zone `z`, because the zone differs by row
