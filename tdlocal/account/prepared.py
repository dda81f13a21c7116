"""Statements of the Trino protocol that concern the session, not the tables: PREPARE, EXECUTE, SET, USE.

Only text is handled here: parameters are put in place of `?` outside of quotes and comments, as the
server does with `EXECUTE IMMEDIATE '…' USING …`.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tdlocal.engine.storage import CATALOG
from tdlocal.engine.types import EngineError

# a string, a quoted name, a comment, or one letter
PIECES = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"|--[^\n]*|/\*.*?\*/|.", re.DOTALL)
NAME = r'("(?:[^"]|"")+"|[A-Za-z_][\w]*)'
WORDS = re.IGNORECASE | re.DOTALL
PREPARE = re.compile(rf"prepare\s+{NAME}\s+from\s+(.*)", WORDS)
DEALLOCATE = re.compile(rf"deallocate\s+prepare\s+{NAME}", WORDS)
IMMEDIATE = re.compile(r"execute\s+immediate\s+('(?:[^']|'')*')\s*(?:using\s+(.*))?", WORDS)
EXECUTE = re.compile(rf"execute\s+{NAME}\s*(?:using\s+(.*))?", WORDS)
DESCRIBE = re.compile(rf"describe\s+(input|output)\s+{NAME}", WORDS)
SET_SESSION = re.compile(r"set\s+session\s+([\w.\"]+)\s*=\s*(.*)", WORDS)
RESET_SESSION = re.compile(r"reset\s+session\s+([\w.\"]+)", WORDS)
SET_ZONE = re.compile(r"set\s+time\s+zone\s+(.*)", WORDS)
USE = re.compile(rf"use\s+(?:{NAME}\s*\.\s*)?{NAME}", WORDS)
START_TRANSACTION = re.compile(r"start\s+transaction\b.*", WORDS)
END_TRANSACTION = re.compile(r"(commit|rollback)(?:\s+work)?", WORDS)
READS = re.compile(r"[\s(]*(?:select|with|values|table|show|describe|desc|explain)\b", WORDS)


@dataclass
class Plan:
    """What is to be run, and what the client is told to remember."""

    sql: str = ""  # empty: nothing is run, the answer has no rows
    update_type: str | None = None
    headers: dict[str, str] = field(default_factory=dict)
    describe: str = ""  # "input" or "output"
    parameters: int = 0


def plan(sql: str, prepared: Mapping[str, str]) -> Plan:
    """Read one statement of a session.

    Args:
        sql: as it came, comments in front and a `;` at the end included.
        prepared: the statements the client has prepared, by name.

    Raises EngineError, named as Trino names it.
    """
    from urllib.parse import quote

    text = bare(sql)
    refuse_several(text)
    if match := PREPARE.fullmatch(text):
        name, statement = plain_name(match[1]), match[2]
        return Plan(
            update_type="PREPARE", headers={"X-Trino-Added-Prepare": f"{quote(name)}={quote(statement)}"}
        )
    if match := DEALLOCATE.fullmatch(text):
        name = plain_name(match[1])
        known(name, prepared)
        return Plan(update_type="DEALLOCATE", headers={"X-Trino-Deallocated-Prepare": quote(name)})
    if match := IMMEDIATE.fullmatch(text):
        return Plan(bind(match[1][1:-1].replace("''", "'"), split(match[2] or "")))
    if match := EXECUTE.fullmatch(text):
        return Plan(bind(known(plain_name(match[1]), prepared), split(match[2] or "")))
    if match := DESCRIBE.fullmatch(text):
        statement = known(plain_name(match[2]), prepared)
        return Plan(statement, describe=match[1].lower(), parameters=count_marks(statement))
    return session_plan(text) or Plan(sql)


def session_plan(text: str) -> Plan | None:
    """SET SESSION, RESET SESSION, SET TIME ZONE, USE and transactions; None for everything else."""
    from urllib.parse import quote

    if match := SET_SESSION.fullmatch(text):
        value = match[2].strip()
        value = value[1:-1].replace("''", "'") if value[:1] == "'" else value
        return Plan(update_type="SET SESSION", headers={"X-Trino-Set-Session": f"{match[1]}={quote(value)}"})
    if match := RESET_SESSION.fullmatch(text):
        return Plan(update_type="RESET SESSION", headers={"X-Trino-Clear-Session": match[1]})
    if match := SET_ZONE.fullmatch(text):
        zone = match[1].strip().strip("'")
        value = "" if zone.lower() == "local" else zone
        return Plan(
            update_type="SET TIME ZONE", headers={"X-Trino-Set-Session": f"time_zone_id={quote(value)}"}
        )
    if match := USE.fullmatch(text):
        headers = {"X-Trino-Set-Schema": plain_name(match[2])}
        if match[1]:
            headers["X-Trino-Set-Catalog"] = plain_name(match[1])
        return Plan(update_type="USE", headers=headers)
    if START_TRANSACTION.fullmatch(text):
        headers = {"X-Trino-Started-Transaction-Id": str(uuid.uuid4())}
        return Plan(update_type="START TRANSACTION", headers=headers)
    if match := END_TRANSACTION.fullmatch(text):
        return Plan(update_type=match[1].upper(), headers={"X-Trino-Clear-Transaction-Id": "true"})
    return None


def refuse_in_transaction(wanted: Plan, is_in_one: bool) -> None:
    """Raise for what a transaction does not take: writes, which commit by themselves, and another one."""
    if wanted.update_type in ("COMMIT", "ROLLBACK") and not is_in_one:
        raise EngineError("NOT_IN_TRANSACTION", "No transaction in progress", code=21)
    if wanted.update_type == "START TRANSACTION" and is_in_one:
        raise EngineError("NOT_SUPPORTED", "Nested transactions not supported", code=13)
    if is_in_one and wanted.sql and not READS.match(bare(wanted.sql)):
        message = f"Catalog only supports writes using autocommit: {CATALOG}"
        raise EngineError("AUTOCOMMIT_WRITE_CONFLICT", message, code=25)


def bare(sql: str) -> str:
    """A statement without comments and blanks around it and without its `;`.

    >>> bare("-- client: pytd\\n select 1 ; ")
    'select 1'
    """
    text = sql.strip()
    while True:
        if text.startswith("--"):
            text = text.partition("\n")[2].lstrip()
        elif text.startswith("/*"):
            text = text.partition("*/")[2].lstrip()
        else:
            break
    return text.rstrip().rstrip(";").rstrip()


def refuse_several(text: str) -> None:
    """The protocol takes one statement at a time: raise where another one begins."""
    place = 0
    for piece in pieces(text):
        if piece == ";":
            line = text.count("\n", 0, place) + 1
            column = place - (text.rfind("\n", 0, place) + 1) + 1
            raise EngineError(
                "SYNTAX_ERROR", f"line {line}:{column}: mismatched input ';'. Expecting: <EOF>", code=1
            )
        place += len(piece)


def plain_name(name: str) -> str:
    """An identifier without its quotes, lower case when it had none."""
    return name[1:-1].replace('""', '"') if name.startswith('"') else name.lower()


def known(name: str, prepared: Mapping[str, str]) -> str:
    """The prepared statement of this name."""
    if name not in prepared:
        raise EngineError("NOT_FOUND", f"Prepared statement not found: {name}", code=5)
    return prepared[name]


def pieces(sql: str) -> Iterator[str]:
    """Strings, quoted names and comments whole, everything else letter by letter."""
    return (match[0] for match in PIECES.finditer(sql))


def count_marks(sql: str) -> int:
    """How many parameters a statement has."""
    return sum(piece == "?" for piece in pieces(sql))


def bind(sql: str, values: list[str]) -> str:
    """Put values (SQL expressions) in place of the `?` marks.

    >>> bind("select '?', ? from t where a = ?", ["1", "'x'"])
    "select '?', 1 from t where a = 'x'"
    """
    expected = count_marks(sql)
    if expected != len(values):
        raise EngineError(
            "INVALID_PARAMETER_USAGE",
            f"line 1:1: Incorrect number of parameters: expected {expected} but found {len(values)}",
            code=36,
        )
    rest = iter(values)
    return "".join(next(rest) if piece == "?" else piece for piece in pieces(sql))


def split(text: str) -> list[str]:
    """Split the expressions of USING at commas that stand outside of quotes and brackets.

    >>> split("1, 'a,b', array[1, 2]")
    ['1', "'a,b'", 'array[1, 2]']
    """
    if not text.strip():
        return []
    parts, current, depth = [], "", 0
    for piece in pieces(text):
        depth += (piece in "([{") - (piece in ")]}") if len(piece) == 1 else 0
        if piece == "," and depth == 0:
            parts.append(current.strip())
            current = ""
        else:
            current += piece
    parts.append(current.strip())
    return parts
