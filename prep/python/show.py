"""Show what mapping would do: the SQL of a table, and the map's faults. What `tdlocal map` runs.

Reads     config/*.yml, prep/queries/*.sql; the PRP tables' columns, where they are there
Writes    nothing
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from common.python import inputs, treasure
from common.python.command import run_command
from common.python.errors import TaskError
from common.python.lined_yaml import Lined
from common.python.schema_map import (
    FILE,
    MappedTable,
    map_sql,
    mapping,
    missing_columns,
    no_such_table,
    rejects_sql,
)
from prep.python.plan import check_raw, prp_queries


def command(words: Mapping[str, Any]) -> None:
    """Words: table (empty checks the whole map), session_unixtime, sub."""
    params = Lined("config/src_params.yml").data
    params["sub"] = words.get("sub") or params["defaults"]["sub"]
    mapped = mapping(params["tables"], params.get("absent_tables"))
    if words.get("table"):
        print(shown(mapped, str(words["table"]), params, int(words.get("session_unixtime") or 0)))
    else:
        checked(mapped, params)


def shown(mapped: list[MappedTable], name: str, params: Mapping[str, Any], session: int) -> str:
    """Return the SQL of one table, and the query that counts what it would lose."""
    table = next((table for table in mapped if table.name == name), None)
    if table is None:
        raise no_such_table(name)
    database = inputs.database("prp", params)
    have = treasure.tables(database)
    columns = {"time": "long"}
    note = ""
    if table.prp_table in have:
        columns.update(treasure.columns_of(have[table.prp_table]))
    elif not table.absent:
        columns.update({column.prp: "string" for column in table.columns if column.prp})
        note = f"-- {database}.{table.prp_table} is not there yet: all its columns are taken for text\n"
    vanished = [f"-- null: {database}.{table.prp_table} has no column {c.prp} ({c.place})\n"
                for c in missing_columns(table, columns)]  # fmt: skip
    lost, _ = rejects_sql(table, columns, database)
    return (
        f"-- {inputs.database('src', params)}.{table.name} by {table.place}\n{note}{''.join(vanished)}"
        f"{map_sql(table, columns, database, session)};\n"
        + (f"\n-- values that cannot be converted, per column\n{lost};" if lost else "")
    )


def checked(mapped: list[MappedTable], params: Mapping[str, Any]) -> None:
    """Check the map against the prep queries, the raw tables and the PRP tables; say what is there."""
    queries = prp_queries(mapped)
    raw = inputs.database("raw", params)
    check_raw(queries, raw, treasure.tables(raw), mapped)
    have = treasure.tables(inputs.database("prp", params))
    faults = []
    for table in mapped:
        if table.prp_table in have and not table.absent:
            columns = {**treasure.columns_of(have[table.prp_table]), "time": "long"}
            faults += [
                f"{column.place}: {table.prp_table} has no column {column.prp}"
                for column in missing_columns(table, columns)
            ]
        given = sum(bool(column.prp or column.expr) for column in table.columns)
        state = "absent" if table.absent else f"{given} of {len(table.columns)} columns mapped"
        print(f"{table.name}: {state}")
    if faults:
        raise TaskError(
            f"{len(faults)} columns are not there",
            where=FILE,
            mend="mend these lines\n  " + "\n  ".join(faults),
        )
    print("no faults")


if __name__ == "__main__":
    run_command(command)
