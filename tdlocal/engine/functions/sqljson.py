"""json_value, json_query, json_exists and JSON_TABLE: what is found, and what is said when nothing is."""

from __future__ import annotations

import json
from typing import Any

from tdlocal.engine.functions.failing import fail
from tdlocal.engine.functions.jsonpath import compiled, is_whole, walk
from tdlocal.engine.functions.jsons import Number, double, dump, load

_INPUT = "JSON_INPUT_CONVERSION_ERROR"
_PATH = "PATH_EVALUATION_ERROR"
Row = list[str | None]


def checked_path(path: str) -> None:
    """Raises ValueError for what is no path, or none that is understood here."""
    compiled(path)


class _Problem(Exception):
    """Why there is no answer: Trino's name and its message."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(message)
        self.name, self.message = name, message


def _found(text: str, path: str, passed: str) -> list[Any]:
    try:
        document = load(text)
    except (ValueError, RecursionError) as error:
        raise _Problem(_INPUT, f"conversion to JSON failed: {error}") from None
    return _items(document, path, load(passed) if passed else {})


def _items(document: Any, path: str, variables: dict[str, Any]) -> list[Any]:
    try:
        return walk(document, path, variables)
    except (ValueError, RecursionError) as error:
        raise _Problem(_PATH, f"path evaluation failed: {error}") from None


def _scalar(item: Any) -> str | None:
    if isinstance(item, bool):
        return "true" if item else "false"
    if isinstance(item, Number) and not is_whole(item):
        return double(float(item))
    return None if item is None else str(item)


def _one_scalar(items: list[Any]) -> str | None:
    if len(items) > 1 or isinstance(items[0], dict | list):
        name = "JSON_VALUE_RESULT_ERROR"
        raise _Problem(
            name, "cannot extract SQL scalar from JSON: JSON path found multiple items or no scalar"
        )
    return _scalar(items[0])


def value(text: str, path: str, passed: str, on_empty: str, on_error: str) -> dict[str, Any]:
    """json_value: `v` is the text, `state` 1 when a default for empty is due, 2 for one for an error."""
    try:
        items = _found(text, path, passed)
        if items:
            return {"v": _one_scalar(items), "state": 0}
    except _Problem as problem:
        if on_error == "ERROR":
            fail(problem.name, problem.message)
        return {"v": None, "state": 2}
    if on_empty == "ERROR":
        fail("JSON_VALUE_RESULT_ERROR", "cannot extract SQL scalar from JSON: JSON path found no items")
    return {"v": None, "state": 1}


def exists(text: str, path: str, passed: str, on_error: str) -> bool | None:
    try:
        return bool(_found(text, path, passed))
    except _Problem as problem:
        if on_error == "ERROR":
            fail(problem.name, problem.message)
        return {"TRUE": True, "FALSE": False}.get(on_error)


def query(
    text: str, path: str, passed: str, wrapper: str, quotes: str, on_empty: str, on_error: str
) -> str | None:
    """json_query: the found item as JSON text, wrapped in an array where asked for."""
    try:
        items = _found(text, path, passed)
        return _wrapped(items, wrapper, quotes) if items else _instead(on_empty, "JSON path found no items")
    except _Problem as problem:
        return _instead(on_error, problem.message, problem.name)


def _wrapped(items: list[Any], wrapper: str, quotes: str) -> str:
    bare = len(items) == 1 and isinstance(items[0], dict | list)
    if wrapper == "unconditional" or (wrapper == "conditional" and not bare):
        return dump(normal(items))
    if len(items) > 1:
        raise _Problem("JSON_QUERY_RESULT_ERROR", "cannot extract JSON: JSON path found multiple items")
    if quotes == "OMIT" and isinstance(items[0], str) and not isinstance(items[0], Number):
        return items[0]
    return dump(normal(items[0]))


def normal(item: Any) -> Any:
    """Numbers with a fraction as a double writes them, as Jackson does."""
    if isinstance(item, dict):
        return {key: normal(value) for key, value in item.items()}
    if isinstance(item, list):
        return [normal(value) for value in item]
    return Number(double(float(item))) if isinstance(item, Number) and not is_whole(item) else item


def _instead(choice: str, why: str, name: str = "JSON_QUERY_RESULT_ERROR") -> str | None:
    if choice == "ERROR":
        fail(name, f"cannot extract JSON: {why}")
    return {"EMPTY ARRAY": "[]", "EMPTY OBJECT": "{}"}.get(choice)


# -- JSON_TABLE


def rows(text: str, shape: str, passed: str) -> list[Row]:
    """The rows of JSON_TABLE. *shape* says in JSON which path and columns, nested ones too.

    A cell is null, or `v` and its text, or `e` or `x` where the default for empty or for an error is due.
    """
    plan = json.loads(shape)
    try:
        document = load(text)
        found = _items(document, plan["path"], load(passed) if passed else {})
    except (ValueError, RecursionError) as error:
        return _no_rows(plan, _INPUT, str(error))
    except _Problem as problem:
        return _no_rows(plan, problem.name, problem.message)
    variables = load(passed) if passed else {}
    return [
        row
        for place, item in enumerate(found, 1)
        for row in _rows_of(item, place, plan["columns"], variables)
    ]


def _no_rows(plan: dict[str, Any], name: str, message: str) -> list[Row]:
    if plan.get("on_error") == "ERROR":
        fail(name, message)
    return []


def _width(columns: list[dict[str, Any]]) -> int:
    return sum(_width(column["nested"]) if "nested" in column else 1 for column in columns)


def _rows_of(item: Any, place: int, columns: list[dict[str, Any]], variables: dict[str, Any]) -> list[Row]:
    """Rows of one item: its own cells beside each row of each nested path, one path after another."""
    own: Row = []
    nested: list[tuple[int, int, list[Row]]] = []
    for column in columns:
        if "nested" in column:
            width = _width(column["nested"])
            inner = [
                row
                for n, found in enumerate(_quiet_items(item, column["path"], variables), 1)
                for row in _rows_of(found, n, column["nested"], variables)
            ]
            nested.append((len(own), width, inner))
            own += [None] * width
        else:
            own.append(_cell(item, place, column, variables))
    made = [[*own[:start], *row, *own[start + width :]] for start, width, inner in nested for row in inner]
    return made or [own]


def _quiet_items(item: Any, path: str, variables: dict[str, Any]) -> list[Any]:
    try:
        return _items(item, path, variables)
    except _Problem:
        return []


def _cell(item: Any, place: int, column: dict[str, Any], variables: dict[str, Any]) -> str | None:
    if column["kind"] == "ordinality":
        return f"v{place}"
    is_query = column["kind"] == "query"
    try:
        items = _items(item, column["path"], variables)
        if not items:
            return _instead_of_cell(column, "on_empty", "JSON path found no items", is_query)
        shown = _wrapped(items, column["wrapper"], column["quotes"]) if is_query else _one_scalar(items)
    except _Problem as problem:
        return _instead_of_cell(column, "on_error", problem.message, is_query)
    return None if shown is None else f"v{shown}"


def _instead_of_cell(column: dict[str, Any], when: str, why: str, is_query: bool) -> str | None:
    choice = column[when]
    if choice == "ERROR":
        fail("JSON_QUERY_RESULT_ERROR" if is_query else "JSON_VALUE_RESULT_ERROR", why)
    made = {"EMPTY ARRAY": "v[]", "EMPTY OBJECT": "v{}", "DEFAULT": "e" if when == "on_empty" else "x"}
    return made.get(choice)
