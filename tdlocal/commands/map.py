"""`tdlocal map`: help with config/schema_map.yml."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from tdlocal.commands.query import ask
from tdlocal.errors import KitError
from tdlocal.local_server import LocalServer, local_account
from tdlocal.mapping.suggest import RawTable, TableGuess, as_yaml, prep_sql, suggest, undecided
from tdlocal.pack_command import run_pack

HELP = (
    "Help with config/schema_map.yml. `map check` tells every fault of the map, of prep/queries and of "
    "the raw tables. `map show TABLE` prints the SQL that makes a src table. `map suggest --raw raw_x` "
    "looks at names and values of raw tables and writes a first map, with a confidence and a reason per "
    "column; `--write FOLDER` writes it as an overlay (map, prep queries, absent tables) that "
    "`tdlocal run … --overlay FOLDER` uses."
)
SAMPLE_ROWS = 500


def configure(parser: argparse.ArgumentParser) -> None:
    """Say which words the command takes."""
    parser.add_argument("action", choices=("check", "show", "suggest"), help="what to do")
    parser.add_argument("table", nargs="?", default="", help="show: the src table, e.g. loyalty_profile")
    parser.add_argument("--raw", default="", metavar="DATABASE", help="suggest: database of the raw tables")
    parser.add_argument("--write", type=Path, metavar="FOLDER", help="suggest: write an overlay here")
    parser.add_argument("--sub", default="", help="suffix of the databases (that of config/src_params.yml)")
    parser.add_argument("--project", type=Path, default=Path(), help="project folder (this one)")
    parser.add_argument("--state", type=Path, default=Path(".tdlocal"), help="the account's folder")


def main(arguments: argparse.Namespace) -> int:
    """Check, show or suggest; see HELP."""
    if arguments.action == "suggest":
        return suggested(arguments)
    if arguments.action == "show" and not arguments.table:
        raise KitError("say which table to show", mend="tdlocal map show loyalty_profile")
    words = {"table": arguments.table if arguments.action == "show" else "", "sub": arguments.sub}
    return run_pack("prep.python.show", words, project=arguments.project, state=arguments.state)


def suggested(arguments: argparse.Namespace) -> int:
    """Print a first map, or write it as an overlay, and say how sure it is."""
    schema = read_schema(arguments.project)
    database = arguments.raw or f"raw_{arguments.sub or 'retail'}"
    with local_account(arguments.state) as server:
        raw = raw_tables(server, database)
    guesses = suggest(raw, schema)
    text = as_yaml(guesses, schema)
    if arguments.write is None:
        print(text, end="")
    else:
        write_overlay(arguments.write, guesses, text, database)
    for line in told(guesses, schema):
        print(line, file=sys.stderr)
    if arguments.write is not None:
        print(next_steps(arguments.write, guesses, database), file=sys.stderr)
    return 0


def next_steps(folder: Path, guesses: list[TableGuess], database: str) -> str:
    """Return what a person does with the written folder."""
    doubtful = sum(not column.taken for guess in guesses for column in guess.columns)
    look = f"look at the {doubtful} lines that begin with # ? in" if doubtful else "look over"
    return (
        f"written to {folder}, for databases that end in _{parts_of(database)[1]}. Next: {look}"
        f" {folder}/config/schema_map.yml, then\n"
        f"  tdlocal run wf00_orchestration --overlay {folder}"
    )


def parts_of(database: str) -> tuple[str, str]:
    """Return what a raw database's name begins with, and what the names of all of a shop's databases end in.

    >>> parts_of("raw_my_shop"), parts_of("export")
    (('raw', 'my_shop'), ('export', ''))
    """
    prefix, _, sub = database.partition("_")
    return prefix, sub


def read_schema(project: Path) -> dict[str, dict[str, str]]:
    """Return table → column → type of the project's retail schema."""
    path = project / "config/retail_schema.yml"
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise KitError(f"the retail schema cannot be read: {error}", where=str(path)) from None
    return {
        str(table): {str(name): str(kind) for name, kind in columns.items()}
        for table, columns in found.items()
    }


def raw_tables(server: LocalServer, database: str) -> list[RawTable]:
    """Return the tables of *database* with some of their values."""
    _, rows = ask(
        server,
        f"select table_name from information_schema.tables where table_schema = '{database}'",
        database,
    )
    names = sorted(str(row[0]) for row in rows)
    if not names:
        raise KitError(
            f"{database} has no tables",
            where="--raw",
            mend=f"load them first: tdlocal load FILE --into {database}.<table>",
        )
    return [
        raw_table(server, database, name) for name in names if "__prev" not in name and "__next" not in name
    ]


def raw_table(server: LocalServer, database: str, name: str) -> RawTable:
    """Return one raw table with the values of its first rows."""
    columns, rows = ask(server, f'select * from "{database}"."{name}" limit {SAMPLE_ROWS}', database)
    values = list(rows)
    by_column = {column: [row[position] for row in values] for position, column in enumerate(columns)}
    return RawTable(name, dict.fromkeys(columns, "varchar"), by_column)


def write_overlay(folder: Path, guesses: list[TableGuess], text: str, database: str) -> None:
    """Write the map, a prep query per table, the absent tables and what the databases are called; files that
    are there are kept."""
    files = {"config/schema_map.yml": text}
    absent = [guess.table for guess in guesses if not guess.raw]
    prefix, sub = parts_of(database)
    params = {"raw": prefix, "defaults": {"sub": sub}, "absent_tables": absent}
    files["config/src_params.yml"] = yaml.safe_dump(params, sort_keys=False)
    files.update(
        {f"prep/queries/{guess.table}.sql": prep_sql(guess) for guess in guesses if has_query(guess)}
    )
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise KitError(
            f"{len(there)} files are there already, the first is {there[0]}",
            where=str(folder),
            mend="name an empty folder with --write",
        )
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content, encoding="utf-8")


def has_query(guess: TableGuess) -> bool:
    """Tell whether a table's preparation is a query, not an entry of the map."""
    return bool(guess.raw) and len(guess.stacked) < 2


def told(guesses: list[TableGuess], schema: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return a line per table: where it comes from, how many columns are mapped, how many are doubtful."""
    lines = []
    for guess in guesses:
        if not guess.raw:
            near = f"; {guess.near} has no column for {', '.join(guess.lacks)}" if guess.near else ""
            lines.append(f"{guess.table}: no raw table fits, declared absent{near}")
            continue
        taken = sum(column.taken for column in guess.columns)
        doubtful = len(guess.columns) - taken
        lines.append(
            f"{guess.table}: from {guess.raw}, {taken} of {len(schema[guess.table])} columns mapped"
            + (f", {doubtful} doubtful ones left to you" if doubtful else "")
            + (
                f"; name the column of {', '.join(asked)}: ??? stands there"
                if (asked := undecided(guess))
                else ""
            )
        )
    return lines
