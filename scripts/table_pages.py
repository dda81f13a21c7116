"""Write docs/tables.md, the dictionary of tables, from the account of a finished run.

    tdlocal run wf00_orchestration && python scripts/table_pages.py [STATE]

A table's description is the first sentence of the SQL file that makes it; columns and types are those
of the account.
"""

import json
import re
import sys
from pathlib import Path

import tdclient

from tdlocal.local_server import local_account

ROOT = Path(__file__).parent.parent
LAYERS = {
    "prp_retail": "wf02: cleaned copies of the raw tables",
    "src_retail": "wf02: the retail schema",
    "staging_retail": "wf04: the same rows plus standard values",
    "cdp_unification_retail": "wf05: who is who",
    "golden_retail": "wf06: one row a customer, and everything with its customer",
    "analytics_retail": "wf07 and wf09: figures, dashboards, segments made by SQL",
    "va_config_retail": "wf00 and wf01: log, findings, what was published",
}
MADE_BY = {
    "staging_retail": ("staging/queries", "staging/queries/standard"),
    "golden_retail": ("golden/queries", "golden/queries/attributes"),
    "cdp_unification_retail": ("unification/queries",),
    "analytics_retail": (
        "analytics/queries/sales", "analytics/queries/web", "analytics/queries/identity", "segment/queries",
    ),
    "prp_retail": ("prep/queries",),
}  # fmt: skip


def descriptions(database):
    """Return table name → first sentence of the SQL file whose stem it is."""
    found = {}
    for folder in MADE_BY.get(database, ()):
        for path in (ROOT / folder).glob("*.sql"):
            head = re.match(r"--\s*(.+)", path.read_text(encoding="utf-8"))
            name = path.stem if (ROOT / folder).name != "standard" else f"{path.stem}_standard"
            found[name] = head[1] if head else ""
    return found


def page(client):
    """Yield the lines of the page."""
    yield "# Tables\n"
    yield "\nMade by `scripts/table_pages.py` from a run of the sample shop. Every table also has `time`.\n"
    for database, title in LAYERS.items():
        yield f"\n## {database}\n\n{title}\n"
        words = descriptions(database)
        for table in sorted(client.tables(database), key=lambda table: table.name):
            if "__" in table.name:
                continue
            schema = table.schema if isinstance(table.schema, list) else json.loads(table.schema or "[]")
            columns = ", ".join(f"{name} {kind}" if kind != "string" else name for name, kind, *_ in schema)
            yield f"\n**{table.name}**. {words.get(table.name, '')}".rstrip() + "\n"
            yield f"\n{columns}\n"


def main():
    state = Path(sys.argv[1] if len(sys.argv) > 1 else ".tdlocal")
    with local_account(state) as server:
        text = "".join(page(tdclient.Client(apikey=server.key, endpoint=server.url)))
    (ROOT / "docs/tables.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
