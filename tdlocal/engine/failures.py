"""DuckDB's exceptions said as Trino says them, and which of them are worth another try."""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb

from tdlocal.engine.types import EngineError

# Trino's StandardErrorCode
CODES = {
    name: code
    for code, name in enumerate(
        """GENERIC_USER_ERROR SYNTAX_ERROR ABANDONED_QUERY USER_CANCELED PERMISSION_DENIED NOT_FOUND
    FUNCTION_NOT_FOUND INVALID_FUNCTION_ARGUMENT DIVISION_BY_ZERO INVALID_CAST_ARGUMENT
    OPERATOR_NOT_FOUND INVALID_VIEW
    ALREADY_EXISTS NOT_SUPPORTED INVALID_SESSION_PROPERTY INVALID_WINDOW_FRAME CONSTRAINT_VIOLATION
    TRANSACTION_CONFLICT INVALID_TABLE_PROPERTY NUMERIC_VALUE_OUT_OF_RANGE UNKNOWN_TRANSACTION
    NOT_IN_TRANSACTION TRANSACTION_ALREADY_ABORTED READ_ONLY_VIOLATION MULTI_CATALOG_WRITE_CONFLICT
    AUTOCOMMIT_WRITE_CONFLICT UNSUPPORTED_ISOLATION_LEVEL INCOMPATIBLE_CLIENT SUBQUERY_MULTIPLE_ROWS
    PROCEDURE_NOT_FOUND INVALID_PROCEDURE_ARGUMENT QUERY_REJECTED AMBIGUOUS_FUNCTION_CALL
    INVALID_SCHEMA_PROPERTY SCHEMA_NOT_EMPTY QUERY_TEXT_TOO_LARGE UNSUPPORTED_SUBQUERY
    EXCEEDED_FUNCTION_MEMORY_LIMIT ADMINISTRATIVELY_KILLED INVALID_COLUMN_PROPERTY
    QUERY_HAS_TOO_MANY_STAGES INVALID_SPATIAL_PARTITIONING INVALID_ANALYZE_PROPERTY TYPE_NOT_FOUND
    CATALOG_NOT_FOUND SCHEMA_NOT_FOUND TABLE_NOT_FOUND COLUMN_NOT_FOUND ROLE_NOT_FOUND
    SCHEMA_ALREADY_EXISTS TABLE_ALREADY_EXISTS COLUMN_ALREADY_EXISTS ROLE_ALREADY_EXISTS
    DUPLICATE_NAMED_QUERY DUPLICATE_COLUMN_NAME MISSING_COLUMN_NAME MISSING_CATALOG_NAME
    MISSING_SCHEMA_NAME TYPE_MISMATCH INVALID_LITERAL COLUMN_TYPE_UNKNOWN MISMATCHED_COLUMN_ALIASES
    AMBIGUOUS_NAME INVALID_COLUMN_REFERENCE MISSING_GROUP_BY MISSING_ORDER_BY MISSING_OVER
    NESTED_AGGREGATION NESTED_WINDOW EXPRESSION_NOT_IN_DISTINCT TOO_MANY_GROUPING_SETS
    FUNCTION_NOT_WINDOW FUNCTION_NOT_AGGREGATE EXPRESSION_NOT_AGGREGATE EXPRESSION_NOT_SCALAR
    EXPRESSION_NOT_CONSTANT INVALID_ARGUMENTS TOO_MANY_ARGUMENTS INVALID_PRIVILEGE DUPLICATE_PROPERTY
    INVALID_PARAMETER_USAGE VIEW_IS_STALE VIEW_IS_RECURSIVE NULL_TREATMENT_NOT_ALLOWED
    INVALID_ROW_FILTER INVALID_COLUMN_MASK MISSING_TABLE INVALID_RECURSIVE_REFERENCE
    MISSING_COLUMN_ALIASES NESTED_RECURSIVE INVALID_LIMIT_CLAUSE INVALID_ORDER_BY DUPLICATE_WINDOW_NAME
    INVALID_WINDOW_REFERENCE INVALID_PARTITION_BY INVALID_MATERIALIZED_VIEW_PROPERTY INVALID_LABEL
    INVALID_PROCESSING_MODE INVALID_NAVIGATION_NESTING INVALID_ROW_PATTERN
    NESTED_ROW_PATTERN_RECOGNITION TABLE_HAS_NO_COLUMNS INVALID_RANGE
    INVALID_PATTERN_RECOGNITION_FUNCTION TABLE_REDIRECTION_ERROR MISSING_VARIABLE_DEFINITIONS
    MISSING_ROW_PATTERN INVALID_WINDOW_MEASURE STACK_OVERFLOW MISSING_RETURN_TYPE AMBIGUOUS_RETURN_TYPE
    MISSING_ARGUMENT DUPLICATE_PARAMETER_NAME INVALID_PATH JSON_INPUT_CONVERSION_ERROR
    JSON_OUTPUT_CONVERSION_ERROR PATH_EVALUATION_ERROR INVALID_JSON_LITERAL JSON_VALUE_RESULT_ERROR
    MERGE_TARGET_ROW_MULTIPLE_MATCHES INVALID_COPARTITIONING
    INVALID_TABLE_FUNCTION_INVOCATION""".split()
    )
}
CODES |= {
    "GENERIC_INTERNAL_ERROR": 65536,
    "COMPILER_ERROR": 65543,
    "GENERIC_INSUFFICIENT_RESOURCES": 131072,
    "EXCEEDED_TIME_LIMIT": 131075,
    "EXCEEDED_LOCAL_MEMORY_LIMIT": 131079,
}
_INTERNAL = {"GENERIC_INTERNAL_ERROR", "COMPILER_ERROR"}

# `@NAME@ message` is how the functions of this kit name their own failures
_NAMED = re.compile(r"@([A-Z_]+)@ ?(.*)", re.DOTALL)
_RETRY = re.compile(
    r"Conflict on tuple deletion|Conflict on update|write-write conflict|Attempting to modify table"
    r"|Transaction conflict|Could not commit DROP|Could not commit creation of dependency"
    r"|a dependency was created",
    re.IGNORECASE,
)
_INTEGERS = {"INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint"}
_CAST_NAMES = {"tinyint": "TINYINT", "smallint": "SMALLINT", "integer": "INT", "bigint": "BIGINT"}
_WIDTHS: dict[str, str] = {
    str(-(2 ** (bits - 1))): kind for bits, kind in zip((8, 16, 32, 64), _CAST_NAMES, strict=True)
}
_INT = "(INT8|INT16|INT32|INT64)"
# what DuckDB says, with the values in it → Trino's name and words
_SAID: list[tuple[str, str, Callable[[re.Match[str]], str]]] = [
    (rf"Overflow in (addition|subtraction|multiplication) of {_INT} \((.*?)\)!", "NUMERIC_VALUE_OUT_OF_RANGE",
     lambda said: f"{_INTEGERS[said[2]]} {said[1]} overflow: {said[3]}"),
    (r"Overflow in \w+ of DECIMAL", "NUMERIC_VALUE_OUT_OF_RANGE", lambda said: "Decimal overflow"),
    (rf"Type DOUBLE with value (\S+) can't be cast .* type {_INT}", "NUMERIC_VALUE_OUT_OF_RANGE",
     lambda said: f"Out of range for {_INTEGERS[said[2]]}: {_double(said[1])}"),
    (rf"Type INT\d+ with value (-?\d+) can't be cast .* type {_INT}", "NUMERIC_VALUE_OUT_OF_RANGE",
     lambda said: f"Out of range for {_INTEGERS[said[2]]}: {said[1]}"),
    (rf"Could not convert string '(.*)' to {_INT}", "INVALID_CAST_ARGUMENT",
     lambda said: f"Cannot cast '{said[1]}' to {_CAST_NAMES[_INTEGERS[said[2]]]}"),
    (rf"Failed to cast decimal value (-?\d+) to type {_INT}", "INVALID_CAST_ARGUMENT",
     lambda said: f"Cannot cast '{said[1]}' to {_INTEGERS[said[2]].upper()}"),
    (r"(date|timestamp|time) field value out of range: \"(.*?)\"", "INVALID_CAST_ARGUMENT",
     lambda said: f"Value cannot be cast to {said[1]}: {said[2]}"),
    (r"Could not convert string '(.*)' to UUID", "INVALID_CAST_ARGUMENT",
     lambda said: f"Cannot cast value to UUID: {said[1]}"),
    (r"Overflow on abs\((-\d+)\)", "NUMERIC_VALUE_OUT_OF_RANGE",
     lambda said: f"Value {said[1]} is out of range for abs({_WIDTHS.get(said[1], 'bigint')})"),
    (r"Invalid UTF8 Codepoint (-?\d+)", "INVALID_FUNCTION_ARGUMENT",
     lambda said: f"Not a valid Unicode code point: {said[1]}"),
    (r"Argument for ntile must be greater than zero", "INVALID_FUNCTION_ARGUMENT",
     lambda said: "Buckets must be greater than 0"),
]  # fmt: skip
_PATTERNS = [
    (r"Division by zero", "DIVISION_BY_ZERO", "Division by zero"),
    (r"More than one row returned by a subquery", "SUBQUERY_MULTIPLE_ROWS",
     "Scalar sub-query has returned multiple rows"),
    (r"Overflow in |out of range|Could not cast value|does not fit|is out of range|overflow",
     "NUMERIC_VALUE_OUT_OF_RANGE", None),
    (r"Window \w+ \w+ expression cannot be (negative|NULL)", "INVALID_WINDOW_FRAME",
     "Window frame offset value must not be negative or null"),
    (r"must appear in the GROUP BY clause", "EXPRESSION_NOT_AGGREGATE",
     "Subquery uses a column which must appear in GROUP BY clause"),
    (r"cannot contain window function", "NESTED_WINDOW", "Cannot nest window functions or row pattern"
     " measures inside aggregation"),
    (r"Map keys must be unique", "INVALID_FUNCTION_ARGUMENT", "Duplicate map keys are not allowed"),
    (r"The map key list does not align with the map value list", "INVALID_FUNCTION_ARGUMENT",
     "Key and value arrays must be the same length"),
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
    for pattern, name, words in _SAID:
        said = re.search(pattern, text)
        if said:
            return failure(name, words(said))
    for pattern, name, message in _PATTERNS:
        if re.search(pattern, text):
            return failure(name, message or _first(text))
    if isinstance(error, duckdb.OutOfRangeException):
        return failure("NUMERIC_VALUE_OUT_OF_RANGE", _first(text))
    if isinstance(error, duckdb.InvalidInputException):
        return failure("INVALID_FUNCTION_ARGUMENT", _first(text))
    return failure("GENERIC_INTERNAL_ERROR", _first(text))


def _double(text: str) -> str:
    from tdlocal.engine.functions.numbers import double_text  # which needs the names of this module

    return double_text(float(text))


def _first(text: str) -> str:
    """The message alone: without the class in front and the excerpt of the SQL behind."""
    line = text.strip().split("\n")[0]
    line = re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", line)
    return re.sub(r"^Python exception occurred while executing the UDF: \w+: ", "", line)
