"""SQL/JSON paths (json_value, json_query, json_exists, JSON_TABLE): names, places, wildcards and filters,
lax and strict."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from tdlocal.engine.functions.failing import fail
from tdlocal.engine.functions.jsons import Number, dump, load

_NAME = re.compile(r'\s*\.\s*(?:"((?:[^"\\]|\\.)*)"|([A-Za-z_]\w*)|(\*))')
_INDEX = re.compile(
    r"\s*\[\s*(?:(\*)|([0-9]+|last(?:\s*-\s*[0-9]+)?)(?:\s+to\s+([0-9]+|last(?:\s*-\s*[0-9]+)?))?)\s*\]"
)
_METHOD = re.compile(r"\s*\.\s*(size|type|double|ceiling|floor|abs)\s*\(\s*\)")
Step = tuple[str, Any]


@lru_cache(maxsize=1024)
def checked_path(path: str) -> tuple[bool, tuple[Step, ...]]:
    """(strict?, steps). Raises ValueError for what is no path, or none that is understood here."""
    match = re.match(r"\s*(lax|strict)\s+\$", path)
    if match is None:
        raise ValueError(f"invalid path: {path}")
    steps: list[Step] = []
    index = match.end()
    while path[index:].strip():
        method, name, place = (form.match(path, index) for form in (_METHOD, _NAME, _INDEX))
        if method:
            steps.append(("method", method[1]))
        elif name:
            steps.append(
                ("any", None) if name[3] else ("name", name[2] or re.sub(r"\\(.)", r"\1", name[1] or ""))
            )
        elif place:
            steps.append(("all", None) if place[1] else ("range", (place[2], place[3] or place[2])))
        else:
            raise ValueError(f"this JSON path is not supported by the local account: {path}")
        found = method or name or place
        assert found is not None
        index = found.end()
    return match[1] == "strict", tuple(steps)


def _walk(text: str, path: str) -> list[Any]:
    """The items that the path finds. Raises ValueError in strict mode where nothing is, or for no JSON."""
    strict, steps = checked_path(path)
    items = [load(text)]
    for kind, detail in steps:
        items = [found for item in items for found in _step(item, kind, detail, strict)]
    return items


def _step(item: Any, kind: str, detail: Any, strict: bool) -> list[Any]:
    if kind == "name" or kind == "any":
        if isinstance(item, list) and not strict:
            return [
                found
                for inner in item
                for found in _step(inner, kind, detail, True if kind == "x" else strict)
            ]
        if not isinstance(item, dict):
            return _nothing(strict)
        if kind == "any":
            return list(item.values())
        return [item[detail]] if detail in item else _nothing(strict)
    if kind == "method":
        return [_method(item, detail)]
    values = item if isinstance(item, list) else None if strict else [item]
    if values is None:
        return _nothing(strict)
    if kind == "all":
        return list(values)
    low, high = (_place(bound, len(values)) for bound in detail)
    if strict and not 0 <= low <= high < len(values):
        return _nothing(strict)
    return values[max(low, 0) : high + 1]


def _nothing(strict: bool) -> list[Any]:
    if strict:
        raise ValueError("structural error")
    return []


def _place(bound: str, length: int) -> int:
    if bound.startswith("last"):
        return length - 1 - int(bound.partition("-")[2] or 0)
    return int(bound)


def _method(item: Any, name: str) -> Any:
    if name == "size":
        return Number(len(item) if isinstance(item, list) else 1)
    if name == "type":
        kinds = ((bool, "boolean"), (Number, "number"), (str, "string"), (list, "array"), (dict, "object"))
        return next((shown for kind, shown in kinds if isinstance(item, kind)), "null")
    import math

    function: Any = {"double": float, "ceiling": math.ceil, "floor": math.floor, "abs": abs}[name]
    return Number(function(float(item)))


def _scalar(item: Any) -> str | None:
    if isinstance(item, bool):
        return "true" if item else "false"
    return None if item is None else str(item)


def value(text: str, path: str, on_empty: str, on_error: str) -> dict[str, Any]:
    """json_value: `v` is the text, `state` 1 when a default for empty is due, 2 for one for an error."""
    try:
        items = _walk(text, path)
        if not items:
            if on_empty == "ERROR":
                fail(
                    "JSON_VALUE_RESULT_ERROR", "cannot extract SQL scalar from JSON: JSON path found no items"
                )
            return {"v": None, "state": 1}
        if len(items) > 1 or isinstance(items[0], dict | list):
            raise ValueError("JSON path found multiple items or no scalar")
        return {"v": _scalar(items[0]), "state": 0}
    except (ValueError, RecursionError) as error:
        if str(error).startswith("@"):
            raise
        if on_error == "ERROR":
            fail("JSON_VALUE_RESULT_ERROR", f"cannot extract SQL scalar from JSON: {error}")
        return {"v": None, "state": 2}


def exists(text: str, path: str, on_error: str) -> bool | None:
    try:
        return bool(_walk(text, path))
    except (ValueError, RecursionError) as error:
        if on_error == "ERROR":
            fail("PATH_EVALUATION_ERROR", f"path evaluation failed: {error}")
        return {"TRUE": True, "FALSE": False}.get(on_error)


def query(text: str, path: str, wrapper: str, quotes: str, on_empty: str, on_error: str) -> str | None:
    """json_query: the found item as JSON text, wrapped in an array where asked for."""
    try:
        items = _walk(text, path)
        if not items:
            return _instead(on_empty, "no items")
        wrapped = wrapper == "unconditional" or (
            wrapper == "conditional" and (len(items) > 1 or not isinstance(items[0], dict | list))
        )
        if wrapped:
            return dump(items)
        if len(items) > 1:
            raise ValueError("multiple items")
        if quotes == "OMIT" and isinstance(items[0], str) and not isinstance(items[0], Number):
            return items[0]
        return dump(items[0])
    except (ValueError, RecursionError) as error:
        if str(error).startswith("@"):
            raise
        return _instead(on_error, str(error))


def _instead(choice: str, why: str) -> str | None:
    if choice == "ERROR":
        fail("JSON_QUERY_RESULT_ERROR", f"cannot extract JSON: {why}")
    return {"EMPTY ARRAY": "[]", "EMPTY OBJECT": "{}"}.get(choice)


def items(text: str, path: str) -> list[str]:
    """The rows of JSON_TABLE, each as JSON text."""
    try:
        return [dump(item) for item in _walk(text, path)]
    except (ValueError, RecursionError):
        return []
