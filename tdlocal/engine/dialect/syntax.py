"""The tree of a Trino statement. `pos` is the offset in the text, for messages; it never makes two nodes
differ."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Node:
    pos: int = field(compare=False)


# -- expressions


@dataclass(slots=True)
class Literal(Node):
    """kind: null, boolean, integer, decimal, double, string or binary."""

    kind: str
    value: Any


@dataclass(slots=True)
class TypedLiteral(Node):
    """DATE '…', TIMESTAMP '…', JSON '…', DECIMAL '…' and the like."""

    type: TypeName
    value: str


@dataclass(slots=True)
class IntervalLiteral(Node):
    sign: int
    value: str
    unit: str
    until: str | None


@dataclass(slots=True)
class TypeName(Node):
    """A type as written: name in lower case, arguments are numbers, TypeNames or (name, TypeName) fields."""

    name: str
    arguments: tuple[Any, ...] = ()


@dataclass(slots=True)
class Column(Node):
    """A name of one or more parts: column, table.column, row.field."""

    parts: tuple[str, ...]


@dataclass(slots=True)
class Field(Node):
    """base.name where base is not a plain name."""

    base: Node
    name: str


@dataclass(slots=True)
class Call(Node):
    name: str
    arguments: list[Any]
    star: bool = False
    distinct: bool = False
    order_by: list[SortItem] = field(default_factory=list)
    where: Any = None
    over: Any = None
    nulls: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(slots=True)
class Lambda(Node):
    parameters: tuple[str, ...]
    body: Node


@dataclass(slots=True)
class Cast(Node):
    value: Node
    type: TypeName
    safe: bool


@dataclass(slots=True)
class Binary(Node):
    """Arithmetic, comparison, AND, OR and ||."""

    operator: str
    left: Node
    right: Node


@dataclass(slots=True)
class Unary(Node):
    """`-`, `+` or NOT."""

    operator: str
    value: Node


@dataclass(slots=True)
class Like(Node):
    value: Node
    pattern: Node
    escape: Node | None


@dataclass(slots=True)
class Between(Node):
    value: Node
    low: Node
    high: Node


@dataclass(slots=True)
class InList(Node):
    value: Node
    items: list[Any]


@dataclass(slots=True)
class InQuery(Node):
    value: Node
    query: Query


@dataclass(slots=True)
class IsNull(Node):
    value: Node


@dataclass(slots=True)
class IsDistinct(Node):
    left: Node
    right: Node


@dataclass(slots=True)
class Exists(Node):
    query: Query


@dataclass(slots=True)
class Quantified(Node):
    operator: str
    value: Node
    quantifier: str
    query: Query


@dataclass(slots=True)
class ScalarQuery(Node):
    query: Query


@dataclass(slots=True)
class Case(Node):
    operand: Node | None
    branches: list[tuple[Any, Any]]
    default: Node | None


@dataclass(slots=True)
class ArrayLiteral(Node):
    items: list[Any]


@dataclass(slots=True)
class RowLiteral(Node):
    items: list[Any]


@dataclass(slots=True)
class Subscript(Node):
    base: Node
    index: Node


@dataclass(slots=True)
class Extract(Node):
    part: str
    value: Node


@dataclass(slots=True)
class AtZone(Node):
    value: Node
    zone: Node


@dataclass(slots=True)
class CurrentTime(Node):
    name: str
    precision: int | None


@dataclass(slots=True)
class Parameter(Node):
    index: int


@dataclass(slots=True)
class SortItem(Node):
    value: Node
    descending: bool
    nulls_first: bool | None


@dataclass(slots=True)
class Window(Node):
    base: str | None
    partition: list[Any]
    order_by: list[SortItem]
    frame: Frame | None


@dataclass(slots=True)
class Frame(Node):
    kind: str
    start: tuple[str, Any]
    end: tuple[str, Any] | None


# -- queries


@dataclass(slots=True)
class Query(Node):
    body: Any
    ctes: list[Cte] = field(default_factory=list)
    recursive: bool = False
    order_by: list[SortItem] = field(default_factory=list)
    offset: Any = None
    limit: Any = None
    fetch: bool = False  # the limit was written FETCH FIRST
    with_ties: bool = False


@dataclass(slots=True)
class Cte(Node):
    name: str
    columns: tuple[str, ...]
    query: Query


@dataclass(slots=True)
class SetOperation(Node):
    operator: str
    distinct: bool
    left: Any
    right: Any


@dataclass(slots=True)
class Select(Node):
    distinct: bool
    items: list[Any]
    source: Any = None
    where: Any = None
    grouping: Grouping | None = None
    having: Any = None
    windows: dict[str, Window] = field(default_factory=dict)


@dataclass(slots=True)
class SelectItem(Node):
    value: Node
    alias: str | None


@dataclass(slots=True)
class AllColumns(Node):
    """`*`, `t.*` or `row.*`."""

    base: Any = None
    aliases: tuple[str, ...] = ()


@dataclass(slots=True)
class Grouping(Node):
    """elements: ("simple", expressions) | ("rollup", sets) | ("cube", sets) | ("sets", sets)."""

    elements: list[tuple[str, list[Any]]]
    distinct: bool = False


@dataclass(slots=True)
class Values(Node):
    rows: list[Any]


# -- relations


@dataclass(slots=True)
class Table(Node):
    parts: tuple[str, ...]


@dataclass(slots=True)
class Derived(Node):
    query: Query
    lateral: bool = False


@dataclass(slots=True)
class Unnest(Node):
    arguments: list[Any]
    ordinality: bool


@dataclass(slots=True)
class TableFunction(Node):
    """TABLE(name(argument, name => argument))."""

    name: str
    arguments: list[tuple[str | None, Node]]


@dataclass(slots=True)
class JsonTable(Node):
    value: Node
    path: str
    columns: list[Any]
    passing: list[Any]
    on_error: str


@dataclass(slots=True)
class Aliased(Node):
    relation: Any
    alias: str
    columns: tuple[str, ...] = ()


@dataclass(slots=True)
class Sampled(Node):
    relation: Any
    method: str
    percent: Node


@dataclass(slots=True)
class Join(Node):
    kind: str
    left: Any
    right: Any
    on: Any = None
    using: tuple[str, ...] = ()
    natural: bool = False


# -- statements


@dataclass(slots=True)
class Statement(Node):
    """Everything that is not a query: *kind* names it, *details* hold its parts."""

    kind: str
    details: dict[str, Any] = field(default_factory=dict)
