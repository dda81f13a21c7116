"""What a query reads and writes, as far as its text tells."""

from __future__ import annotations

import logging
import re
from functools import lru_cache
from typing import Any

TEMPLATE = re.compile(r"\$\{[^}]*\}")


class SqlFault(Exception):
    """A text that is no Trino SQL: what is wrong, and the line and column of it (0 when unknown)."""

    def __init__(self, problem: str, line: int = 0, column: int = 0) -> None:
        super().__init__(problem)
        self.problem, self.line, self.column = problem, line, column


@lru_cache(maxsize=512)
def parsed(sql: str) -> list[Any]:
    """The statements of a text.

    Raises:
        SqlFault: it is not Trino SQL.
    """
    import sqlglot
    from sqlglot.errors import ParseError, SqlglotError

    logging.getLogger("sqlglot").setLevel(logging.ERROR)
    try:
        return [statement for statement in sqlglot.parse(sql, read="trino") if statement is not None]
    except ParseError as error:
        first = error.errors[0] if error.errors else {}
        what = str(first.get("description") or error).split("\n")[0]
        near = str(first.get("highlight") or "").strip()
        raise SqlFault(
            f"{what}{f' near {near!r}' if near else ''}", first.get("line") or 0, first.get("col") or 0
        ) from None
    except (SqlglotError, RecursionError, ValueError) as error:
        raise SqlFault(str(error).split("\n")[0]) from None


def tables_read(sql: str) -> list[str]:
    """Names of the tables that a query reads, with their database where it is written.

    >>> tables_read("with a as (select 1) select * from a join d.t using (x) join u using (y)")
    ['d.t', 'u']
    """
    from sqlglot import exp

    names: set[str] = set()
    for statement in parsed(sql):
        made = {cte.alias_or_name.lower() for cte in statement.find_all(exp.CTE)}
        written = _target(statement)
        for table in statement.find_all(exp.Table):
            if not table.name or table is written:
                continue
            if not table.db and table.name.lower() in made:
                continue
            if isinstance(table.this, exp.Func):
                continue
            names.add(f"{table.db}.{table.name}" if table.db else table.name)
    return sorted(names)


def tables_written(sql: str) -> list[str]:
    """Names of the tables that a text itself makes or fills.

    >>> tables_written("insert into d.t select 1")
    ['d.t']
    """
    names = set()
    for statement in parsed(sql):
        table = _target(statement)
        if table is not None and table.name:
            names.add(f"{table.db}.{table.name}" if table.db else table.name)
    return sorted(names)


def _target(statement: Any) -> Any:
    from sqlglot import exp

    if isinstance(statement, (exp.Insert, exp.Create, exp.Delete, exp.Drop)):
        found = statement.this
        return (
            found.this if isinstance(found, exp.Schema) else found if isinstance(found, exp.Table) else None
        )
    return None
