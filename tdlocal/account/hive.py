"""Hive queries, said in Trino's SQL so that the one engine runs them."""

from __future__ import annotations

from tdlocal.engine.types import EngineError

HIVEMALL = "0.6.0-SNAPSHOT-201901-r01"  # what select hivemall_version() answers


def to_trino(sql: str) -> str:
    """Translate a Hive query; unnamed columns become `_c0`, `_c1`, … as Hive names them.

    INSERT OVERWRITE becomes a DELETE and an INSERT.

    Raises EngineError for what cannot be read as Hive.

    >>> to_trino("select `a`, count(*) from t group by `a`")
    'SELECT "a", COUNT(*) AS "_c1" FROM t GROUP BY "a"'
    """
    import sqlglot
    from sqlglot import exp

    try:
        statements = [one for one in sqlglot.parse(sql, read="hive") if one is not None]
    except sqlglot.errors.SqlglotError as error:
        raise EngineError("SYNTAX_ERROR", f"this Hive query cannot be read: {error}", code=1) from None
    lines = []
    for statement in statements:
        if isinstance(statement, exp.Insert) and statement.args.get("overwrite"):
            statement.set("overwrite", False)
            lines.append(f"DELETE FROM {statement.this.sql(dialect='trino')}")
        query = statement.expression if isinstance(statement, exp.Insert | exp.Create) else statement
        if isinstance(query, exp.Select):
            name_columns(query)
        for call in statement.find_all(exp.Anonymous):
            if call.name.lower() == "hivemall_version":
                call.replace(exp.Literal.string(HIVEMALL))
        lines.append(statement.sql(dialect="trino"))
    return ";\n".join(lines)


def name_columns(query: object) -> None:
    """Give each unnamed column of a select Hive's name, `_c` and its place."""
    from sqlglot import exp

    assert isinstance(query, exp.Select)
    for place, column in enumerate(query.expressions):
        if not column.output_name and not column.is_star:
            column.replace(exp.alias_(column.copy(), f"_c{place}", quoted=True))
