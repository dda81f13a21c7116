"""DuckDB's exceptions said as Trino says them, and which of them are worth another try."""

from __future__ import annotations

import re

import duckdb

from tdlocal.engine.types import EngineError

# Trino's StandardErrorCode
CODES = {
    "GENERIC_USER_ERROR": 0, "SYNTAX_ERROR": 1, "USER_CANCELED": 3, "FUNCTION_NOT_FOUND": 6,
    "INVALID_FUNCTION_ARGUMENT": 7, "DIVISION_BY_ZERO": 8, "INVALID_CAST_ARGUMENT": 9,
    "NOT_SUPPORTED": 13, "INVALID_SESSION_PROPERTY": 14, "CONSTRAINT_VIOLATION": 16,
    "SUBQUERY_MULTIPLE_ROWS": 28, "NUMERIC_VALUE_OUT_OF_RANGE": 19, "ALREADY_EXISTS": 23,
    "NOT_FOUND": 5, "INVALID_PARAMETER_USAGE": 36, "PERMISSION_DENIED": 4, "TABLE_NOT_FOUND": 46,
    "COLUMN_NOT_FOUND": 47, "SCHEMA_NOT_FOUND": 45, "AMBIGUOUS_NAME": 50, "TYPE_MISMATCH": 58,
    "DUPLICATE_COLUMN_NAME": 54, "MISSING_COLUMN_NAME": 55, "EXPRESSION_NOT_AGGREGATE": 62,
    "TABLE_ALREADY_EXISTS": 48, "SCHEMA_ALREADY_EXISTS": 49, "SCHEMA_NOT_EMPTY": 71,
    "MISSING_SCHEMA_NAME": 43, "MISSING_CATALOG_NAME": 42, "CATALOG_NOT_FOUND": 44,
    "COLUMN_ALREADY_EXISTS": 51, "COLUMN_TYPE_UNKNOWN": 52, "MISMATCHED_COLUMN_ALIASES": 53,
    "INVALID_LITERAL": 41, "INVALID_COLUMN_REFERENCE": 60, "MISSING_GROUP_BY": 61,
    "NESTED_AGGREGATION": 63, "NESTED_WINDOW": 64, "EXPRESSION_NOT_SCALAR": 56,
    "INVALID_ARGUMENTS": 72, "MISSING_OVER": 68, "NULL_TREATMENT_NOT_ALLOWED": 76,
    "EXPRESSION_NOT_CONSTANT": 65, "EXPRESSION_NOT_IN_DISTINCT": 67, "TOO_MANY_ARGUMENTS": 57,
    "INVALID_WINDOW_FRAME": 75, "NOT_NULL_VIOLATION": 16, "MISMATCHED_ROW": 59,
    "FUNCTION_NOT_AGGREGATE": 59, "FUNCTION_NOT_WINDOW": 66, "INVALID_TABLE_PROPERTY": 33,
    "TYPE_NOT_FOUND": 73, "INVALID_RECURSIVE_REFERENCE": 81, "INVALID_ANALYSIS": 9999,
    "COMPILER_ERROR": 65544, "GENERIC_INTERNAL_ERROR": 65536, "GENERIC_INSUFFICIENT_RESOURCES": 131072,
    "EXCEEDED_LOCAL_MEMORY_LIMIT": 131079, "EXCEEDED_TIME_LIMIT": 131075, "TRANSACTION_CONFLICT": 65552,
}  # fmt: skip
_INTERNAL = {"GENERIC_INTERNAL_ERROR", "COMPILER_ERROR", "TRANSACTION_CONFLICT"}

# `@NAME@ message` is how the functions of this kit name their own failures
_NAMED = re.compile(r"@([A-Z_]+)@ ?(.*)", re.DOTALL)
_RETRY = re.compile(
    r"Conflict on tuple deletion|Conflict on update|write-write conflict|Attempting to modify table"
    r"|Transaction conflict|Could not commit DROP|Could not commit creation of dependency"
    r"|a dependency was created",
    re.IGNORECASE,
)
_PATTERNS = [
    (r"Division by zero", "DIVISION_BY_ZERO", "Division by zero"),
    (r"More than one row returned by a subquery", "SUBQUERY_MULTIPLE_ROWS",
     "Scalar sub-query has returned multiple rows"),
    (r"Overflow in |out of range|Could not cast value|does not fit|is out of range|overflow",
     "NUMERIC_VALUE_OUT_OF_RANGE", None),
    (r"Map keys must be unique", "INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed"),
    (r"Map keys can not be NULL", "INVALID_FUNCTION_ARGUMENT", "map key cannot be null"),
    (r"Could not convert|Conversion Error|invalid .* format|Failed to cast", "INVALID_CAST_ARGUMENT", None),
]  # fmt: skip


def failure(name: str, message: str) -> EngineError:
    """An EngineError with Trino's code and kind for *name*.

    >>> error = failure("DIVISION_BY_ZERO", "Division by zero")
    >>> error.code, error.kind
    (8, 'USER_ERROR')
    """
    kind = "USER_ERROR"
    if name in _INTERNAL:
        kind = "INTERNAL_ERROR"
    elif CODES.get(name, 0) >= 131072:
        kind = "INSUFFICIENT_RESOURCES"
    return EngineError(name, message, kind, CODES.get(name, 0))


def worth_a_retry(error: duckdb.Error) -> bool:
    """True when another transaction was in the way; nothing of ours was written then."""
    return isinstance(error, duckdb.TransactionException | duckdb.CatalogException) and bool(
        _RETRY.search(str(error))
    )


def translated(error: duckdb.Error) -> EngineError:
    """*error* with Trino's name; the engine's own words only where nothing better is known."""
    text = str(error)
    named = _NAMED.search(text)
    if named:
        return failure(named[1], named[2].split("\n")[0].strip())
    if isinstance(error, duckdb.InterruptException):
        if "execution time" in text:
            return failure("EXCEEDED_TIME_LIMIT", "Query exceeded the maximum run time limit")
        return failure("USER_CANCELED", "Query was canceled")
    if isinstance(error, duckdb.OutOfMemoryException):
        return failure("EXCEEDED_LOCAL_MEMORY_LIMIT", f"Query exceeded the memory limit: {_first(text)}")
    if isinstance(error, duckdb.IOException) or "Could not write file" in text:
        return failure("GENERIC_INSUFFICIENT_RESOURCES", f"cannot write to the local account: {_first(text)}")
    if isinstance(error, duckdb.TransactionException):
        return failure("TRANSACTION_CONFLICT", _first(text))
    for pattern, name, message in _PATTERNS:
        if re.search(pattern, text):
            return failure(name, message or _first(text))
    if isinstance(error, duckdb.OutOfRangeException):
        return failure("NUMERIC_VALUE_OUT_OF_RANGE", _first(text))
    if isinstance(error, duckdb.InvalidInputException):
        return failure("INVALID_FUNCTION_ARGUMENT", _first(text))
    return failure("GENERIC_INTERNAL_ERROR", _first(text))


def _first(text: str) -> str:
    """The message alone: without the class in front and the excerpt of the SQL behind."""
    line = text.split("\n\n")[0].split("\nLINE")[0].strip()
    line = re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", line)
    return re.sub(r"^Python exception occurred while executing the UDF: \w+: ", "", line)
