"""Queries: that they parse as Trino, write only types that Treasure Data holds, and read tables that
somebody writes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from tdlocal.workflow.checks.project import Checked, Spot
from tdlocal.workflow.faults import Place
from tdlocal.workflow.sql_tables import SqlFault, parsed, tables_read, tables_written

TEMPLATE = re.compile(r"\$\{([^}]*)\}")
REFUSED = {
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "TIMESTAMPTZ": "timestamp with time zone",
    "TIME": "time",
    "DECIMAL": "decimal",
    "BOOLEAN": "boolean",
    "INTERVAL": "interval",
    "UUID": "uuid",
    "VARBINARY": "varbinary",
    "STRUCT": "row",
    "JSON": "json",
}
ENDINGS = re.compile(r"(?:__next|__prev\d*)$")
UNKNOWN = "x_x"


def check(project: Checked) -> None:
    """Note what is wrong with each query and with the tables between them."""
    written: set[tuple[str, str]] = set()
    read: list[tuple[str, str, Place]] = []
    files: dict[Path, list[Spot]] = {}
    for spot in project.spots:
        _ddl(project, spot, written)
        for path in _query_files(project, spot):
            files.setdefault(path, []).append(spot)
        _inline(project, spot, written, read)
    for path in project.pushed:
        if path.suffix == ".sql" and path.resolve() not in files:
            _alone(project, path)
    for path in sorted(files):
        _file(project, path, files[path], written, read)
    _reads(project, written, read)


def _query_files(project: Checked, spot: Spot) -> list[Path]:
    command = spot.task.command
    if (
        spot.task.operator not in ("td", "td_for_each", "td_wait")
        or not isinstance(command, str)
        or not command
    ):
        return []
    if "${" not in command:
        path = (spot.task.folder / command).resolve()
        return [path] if path.is_file() else []
    pattern = TEMPLATE.sub("*", command)
    if pattern.startswith(("*", "/")):
        return []
    return [path.resolve() for path in sorted(spot.task.folder.glob(pattern)) if path.is_file()]


def rendered(project: Checked, text: str, spot: Spot | None = None) -> str:
    """*text* with plain values in place of its templates, and a stand-in where the value is not known."""
    local = spot.task.config if spot else {}

    def value(match: re.Match[str]) -> str:
        name = match[1].strip()
        if name == "session_unixtime":
            return "1700000000"
        known = local.get(name, project.plain.get(name))
        if isinstance(known, (str, int, float)) and "${" not in str(known) and not isinstance(known, bool):
            return str(known)
        return UNKNOWN + "\n" * match[0].count("\n")

    return TEMPLATE.sub(value, text)


def _database(project: Checked, spot: Spot) -> str:
    own = spot.task.config.get("database")
    for export in reversed(spot.exports):
        if own is not None:
            break
        td = export.get("td")
        own = export.get("database") or (td.get("database") if isinstance(td, dict) else None)
    return rendered(project, str(own), spot) if own else ""


def _name(project: Checked, spot: Spot, name: Any) -> tuple[str, str]:
    text = rendered(project, str(name), spot)
    database, dot, table = text.partition(".")
    return (database, ENDINGS.sub("", table)) if dot else (_database(project, spot), ENDINGS.sub("", text))


def _ddl(project: Checked, spot: Spot, written: set[tuple[str, str]]) -> None:
    for key in ("create_table", "insert_into"):
        if key in spot.task.config:
            written.add(_name(project, spot, spot.task.config[key]))
    for key in ("create_tables", "empty_tables", "rename_tables"):
        for item in spot.task.config.get(key) or ():
            written.add(_name(project, spot, item["to"] if isinstance(item, dict) and "to" in item else item))


def _file(
    project: Checked,
    path: Path,
    spots: list[Spot],
    written: set[tuple[str, str]],
    read: list[tuple[str, str, Place]],
) -> None:
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return  # told by the check of templates
    spot = spots[0]
    if str(spot.task.config.get("engine", "")) == "hive":
        return
    _query(project, rendered(project, text), Place(project.shown(path)), 0, spots, written, read)


def _alone(project: Checked, path: Path) -> None:
    """A query that no task names, such as one that Python reads: only that it parses."""
    try:
        parsed(rendered(project, path.read_bytes().decode("utf-8-sig")))
    except SqlFault as fault:
        place = Place(project.shown(path), fault.line, fault.column)
        project.fault(place, f"not Trino SQL: {fault.problem}", "", "sql", True)
    except (OSError, UnicodeDecodeError) as error:
        project.fault(
            Place(project.shown(path)), f"cannot be read: {error}", "save the file as UTF-8", "encoding"
        )


def _inline(
    project: Checked, spot: Spot, written: set[tuple[str, str]], read: list[tuple[str, str, Place]]
) -> None:
    task = spot.task
    if task.operator not in ("td", "td_for_each", "td_wait") or str(task.config.get("engine", "")) == "hive":
        return
    command = task.command
    text = (
        command.get("data")
        if isinstance(command, dict)
        else task.config.get("query")
        if command is None
        else None
    )
    if isinstance(text, str) and text.strip() and not TEMPLATE.fullmatch(text.strip()):
        _query(project, rendered(project, text, spot), task.place, -1, [spot], written, read)


def _query(
    project: Checked,
    query: str,
    place: Place,
    base: int,
    spots: list[Spot],
    written: set[tuple[str, str]],
    read: list[tuple[str, str, Place]],
) -> None:
    try:
        statements = parsed(query)
        for spot in spots:
            database = _database(project, spot)
            for name in tables_written(query):
                left, dot, right = name.partition(".")
                written.add((left, ENDINGS.sub("", right)) if dot else (database, ENDINGS.sub("", left)))
            for name in tables_read(query):
                left, dot, right = name.partition(".")
                read.append((left, right, place) if dot else (database, left, place))
    except SqlFault as fault:
        line = Place(place.file, fault.line, fault.column) if base >= 0 and fault.line else place
        project.fault(line, f"not Trino SQL: {fault.problem}", "", "sql")
        return
    if any({"create_table", "insert_into"} & spot.task.config.keys() for spot in spots) and statements:
        for column, kind in refused_columns(statements[-1]):
            row = _line_of(query, column) if base >= 0 else 0
            project.fault(
                Place(place.file, row) if row else place,
                f"column {column} is {kind}, which Treasure Data tables cannot hold",
                f"cast {column} to {'double' if kind == 'decimal' else 'varchar'} or bigint",
                "type",
            )


def _line_of(query: str, column: str) -> int:
    found = re.search(rf"\b{re.escape(column)}\b", query)
    last = list(re.finditer(rf"\bas\s+\"?{re.escape(column)}\b", query, re.IGNORECASE))
    position = last[-1].start() if last else found.start() if found else -1
    return query.count("\n", 0, position) + 1 if position >= 0 else 0


def refused_columns(statement: Any) -> list[tuple[str, str]]:
    """Result columns of a query whose type shows in the text and cannot be stored.

    >>> from tdlocal.workflow.sql_tables import parsed
    >>> query = "with f as (select true as a, 1 as b, cast(c as date) as d from t) select * from f"
    >>> refused_columns(parsed(query)[0])
    [('a', 'boolean'), ('d', 'date')]
    """
    from sqlglot import exp

    found = []
    query = statement.expression if isinstance(statement, (exp.Insert, exp.Create)) else statement
    for name, expression, select in _columns(query, 0):
        kind = _kind(expression, select, 0)
        if kind:
            found.append((name, kind))
    return found


def _columns(query: Any, depth: int) -> list[tuple[str, Any, Any]]:
    from sqlglot import exp

    if depth > 8 or query is None:
        return []
    if isinstance(query, exp.SetOperation):
        return _columns(query.this, depth + 1)
    if isinstance(query, exp.Subquery):
        return _columns(query.this, depth + 1)
    if not isinstance(query, exp.Select):
        return []
    columns: list[tuple[str, Any, Any]] = []
    for each in query.expressions:
        if isinstance(each, exp.Star):
            source = _source(query)
            columns += _columns(source, depth + 1) if source is not None else []
        else:
            columns.append((each.alias_or_name, each.unalias(), query))
    return columns


def _source(select: Any) -> Any:
    """The query that a select takes its rows from, when it is a single one that is written here."""
    from sqlglot import exp

    start = select.args.get("from_") or select.args.get("from")
    if start is None or select.args.get("joins"):
        return None
    table = start.this
    if isinstance(table, exp.Subquery):
        return table.this
    if not isinstance(table, exp.Table) or table.db:
        return None
    above = select
    while above is not None:
        with_ = above.args.get("with_") or above.args.get("with")
        for cte in with_.expressions if with_ else ():
            if cte.alias_or_name == table.name and cte.this is not select:
                return cte.this
        above = above.parent
    return None


def _kind(expression: Any, select: Any, depth: int) -> str:
    from sqlglot import exp

    if depth > 8 or expression is None:
        return ""
    if isinstance(expression, (exp.Cast, exp.TryCast)):
        return REFUSED.get(expression.to.this.name, "")
    if isinstance(expression, exp.Paren):
        return _kind(expression.this, select, depth + 1)
    if isinstance(expression, (exp.Predicate, exp.Boolean, exp.Not, exp.And, exp.Or)):
        return "boolean"
    if isinstance(expression, (exp.CurrentTimestamp, exp.TimestampTrunc, exp.UnixToTime)):
        return "timestamp"
    if isinstance(expression, exp.CurrentDate):
        return "date"
    if isinstance(expression, exp.Literal):
        return "decimal" if not expression.is_string and re.fullmatch(r"\d*\.\d*", expression.name) else ""
    if isinstance(expression, exp.Coalesce):
        return _kind(expression.this, select, depth + 1)
    if isinstance(expression, exp.Case):
        return next(
            (k for each in expression.args["ifs"] if (k := _kind(each.args["true"], select, depth + 1))), ""
        )
    if isinstance(expression, exp.Column):
        source = _source(select)
        for name, inner, where in _columns(source, depth + 1) if source is not None else ():
            if name == expression.name:
                return _kind(inner, where, depth + 1)
    return ""


def _reads(project: Checked, written: set[tuple[str, str]], read: list[tuple[str, str, Place]]) -> None:
    """Tables that a query reads in a database of the project and that nothing seems to write."""
    ours = {database for database, _ in written if database and UNKNOWN not in database}
    patterns = [
        (database, re.compile(".*".join(map(re.escape, table.split(UNKNOWN))))) for database, table in written
    ]
    words = project.texts_in_python | project.words_in_config
    for database, table, place in read:
        name = ENDINGS.sub("", table)
        if database not in ours or UNKNOWN in name or name in words or name.startswith("information_schema"):
            continue
        if any(database == home and pattern.fullmatch(name) for home, pattern in patterns):
            continue
        if any(
            name.endswith(word) or name.startswith(word) for word in words if len(word) > 5 and word in name
        ):
            continue
        project.fault(
            place,
            f"reads {database}.{name}, which nothing in the project writes",
            "",
            "unwritten-table",
            True,
        )
