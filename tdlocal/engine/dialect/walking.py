"""Looking for calls in a tree."""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any, cast

from tdlocal.engine.dialect import syntax as s


@lru_cache(maxsize=256)
def fields(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in dataclasses.fields(kind) if field.name != "pos")


def calls(node: Any, found: list[s.Call] | None = None) -> list[s.Call]:
    """Every function call in *node*, but not those of queries inside it."""
    found = [] if found is None else found
    kind: Any = type(node)
    if kind is list or kind is tuple:
        for item in node:
            calls(item, found)
    elif kind not in _LEAVES and isinstance(node, s.Node):
        if kind is s.Call:
            found.append(cast(s.Call, node))
        for name in fields(kind):
            value = getattr(node, name)
            if isinstance(value, _PARENTS):
                calls(value, found)
    return found


def holds_query(node: Any) -> bool:
    """Is there a query inside *node*?"""
    if isinstance(node, list | tuple):
        return any(map(holds_query, node))
    if not isinstance(node, s.Node):
        return False
    return isinstance(node, s.Query) or any(
        holds_query(getattr(node, field)) for field in fields(cast(Any, type(node)))
    )


def names(node: Any) -> list[s.Column]:
    """Every column named in *node*, but not those of queries inside it."""
    if isinstance(node, s.Column):
        return [node]
    if isinstance(node, list | tuple):
        return [name for item in node for name in names(item)]
    if isinstance(node, s.Node) and not isinstance(node, s.Query):
        return [name for field in fields(cast(Any, type(node))) for name in names(getattr(node, field))]
    return []


_LEAVES = frozenset(
    [s.Literal, s.Column, s.TypeName, s.TypedLiteral, s.IntervalLiteral, s.Parameter, s.Query]
)
_PARENTS = (s.Node, list, tuple)
