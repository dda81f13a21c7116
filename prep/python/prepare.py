"""Build the PRP tables whose prep is declared in config/schema_map.yml; the others have a query of their own.

Task      wf02_mapping +prepare+declared, ``py>: prep.python.prepare.main``
Reads     raw tables that a `prep:` entry names (common/python/declared_prep.py)
Writes    prp_<sub>.<prp_table_name>__next, or __next_rows where only the newest rows are loaded
Raises    TaskError naming every table that failed, when all others are done
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from common.python import treasure
from common.python.declared_prep import missing_names, prep_sql
from common.python.errors import TaskError, told_together
from common.python.schema_map import FILE, MappedTable, mapping
from prep.python.incremental import WINDOW, loads_of

AT_ONCE = 4


def main(tables, raw, prp, sub, session_unixtime, absent_tables=(), incremental=None):
    """Task entry."""
    loads = {load.table_name: load for load in loads_of(incremental or {})}
    declared = [table for table in mapping(tables, absent_tables) if table.prep and not table.absent]
    have = {name: treasure.columns_of(table) for name, table in treasure.tables(f"{raw}_{sub}").items()}
    faults = [fault for table in declared if table.prep for fault in missing_names(table.prep, have)]
    if faults:
        raise told_together(faults, where=FILE, mend="mend these lines; nothing has been built")

    def build(table: MappedTable) -> str:
        assert table.prep is not None
        since = loads[table.prp_table].since if table.prp_table in loads else 0
        name = treasure.identifier(f"{table.prp_table}{WINDOW if since else '__next'}")
        select = prep_sql(table.prep, have, f"{raw}_{sub}", int(session_unixtime), since)
        try:
            treasure.run_query(
                f"{prp}_{sub}",
                f"drop table if exists {name};\ncreate table {name} as\n{select}",
                session_unixtime=session_unixtime,
                rows=False,
            )
        except TaskError as error:
            return f"{table.place}: {table.prp_table}: {error.problem}"
        print(f"{prp}_{sub}.{table.prp_table}: from {', '.join(table.prep.sources)}")
        return ""

    with ThreadPoolExecutor(AT_ONCE) as pool:
        failed = [fault for fault in pool.map(build, declared) if fault]
    if failed:
        raise told_together(failed, where=FILE, mend="mend these entries; nothing has been published")
