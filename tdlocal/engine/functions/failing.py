"""How a Python function inside a query fails: with Trino's name for it in front of the message."""

from __future__ import annotations

from typing import NoReturn


def fail(name: str, message: str) -> NoReturn:
    """Raise the failure; `failures.translated` reads the name out of the engine's message."""
    raise ValueError(f"@{name}@ {message}")


def bad_cast(value: str, type_name: str) -> str:
    kind, _, sizes = type_name.lower().partition("(")
    if kind in ("date", "time", "timestamp"):
        message = f"Value cannot be cast to {kind}: {value}"
    elif kind == "decimal":
        size = ", ".join(part.strip() for part in sizes.rstrip(")").split(","))
        message = f"Cannot cast VARCHAR '{value}' to DECIMAL({size}). Value is not a number."
    else:
        message = f"Cannot cast '{value}' to {type_name.upper()}"
    fail("INVALID_CAST_ARGUMENT", message)


def bad_index(index: int, length: int) -> int:
    if index == 0:
        fail("INVALID_FUNCTION_ARGUMENT", "SQL array indices start at 1")
    if index < 0:
        fail("INVALID_FUNCTION_ARGUMENT", f"Array subscript is negative: {index}")
    message = f"Array subscript must be less than or equal to array length: {index} > {length}"
    fail("INVALID_FUNCTION_ARGUMENT", message)
