"""docs/coverage.md, made from the routes, the operators and the functions themselves.

`python -m tdlocal.coverage` writes it, `python -m tdlocal.coverage --check` says whether it is current.
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from tdlocal.api import AREAS
from tdlocal.api.wire import ROUTES, Route

PAGE = Path(__file__).parents[1] / "docs" / "coverage.md"
HEAD = """# What of Treasure Data there is here

Made by `python -m tdlocal.coverage` from the code itself; a test fails when it is not current. A call, an
operator or a function that is on no list answers with an error that names it (HTTP 501 for a call): never
with a silent success.
"""
IN_BUCKETS = ("td_load", "td_table_export", "td_result_export")
AREA_NAMES = {
    "/v1/": "Trino protocol",
    "/v3/": "REST",
    "/v4/": "REST",
    "/audiences": "Customer data platform",
    "/entities": "Customer data platform",
    "/tree": "Customer data platform",
    "/master_segments": "Customer data platform",
    "/unifications": "Customer data platform",
    "/reporting": "Reporting",
    "/js/": "Events",
    "/postback/": "Events",
    "/{database}/{table}": "Events",
    "/api/": "Workflow",
}


def page() -> str:
    """The whole page as text."""
    for area in AREAS:
        importlib.import_module(area)
    return "\n".join([HEAD, *calls(), *operators(), *functions()]) + "\n"


def calls() -> list[str]:
    """The HTTP calls, by area."""
    areas: dict[str, list[Route]] = {}
    for route in ROUTES:
        areas.setdefault(area_of(route.path), []).append(route)
    states = [state_of(route) for route in ROUTES]
    counts = ", ".join(f"{states.count(state)} {state}" for state in ("supported", "partly", "answers 501"))
    lines = ["## HTTP calls", "", f"{len(ROUTES)} calls: {counts}.", ""]
    for area in sorted(areas):
        lines += [f"### {area}", "", "| call | state | what is missing | read in |", "|---|---|---|---|"]
        for route in sorted(areas[area], key=lambda one: (one.path, one.method)):
            note = cell(route.partly or route.lacking)
            lines.append(
                f"| `{route.method} {cell(route.path)}` | {state_of(route)} | {note} | {cell(route.source)} |"
            )
        lines.append("")
    return lines


def operators() -> list[str]:
    """The workflow operators."""
    from tdlocal.operators import OPERATORS, OTHERS

    lines = [
        "## Workflow operators",
        "",
        "Differences from Digdag are in [differences.md](differences.md).",
        "",
    ]
    lines += ["| operator | state |", "|---|---|"]
    buckets = "partly: buckets are folders under <state>/buckets (see HTTP calls)"
    lines += [
        f"| `{name}>` | {buckets if name in IN_BUCKETS else 'supported'} |" for name in sorted(OPERATORS)
    ]
    lines += [f"| `{name}>` | refused by name: it needs {OTHERS[name]} |" for name in sorted(OTHERS)]
    return [*lines, ""]


def functions() -> list[str]:
    """The SQL functions."""
    from tdlocal.engine.dialect.functions import every_name

    names = every_name()
    own = [name for name in names if name.startswith("td_")]
    others = [name for name in names if not name.startswith("td_")]
    lines = ["## SQL functions", ""]
    for title, group in (("Treasure Data's", own), ("Trino's", others)):
        lines += [f"### {title} ({len(group)})", "", ", ".join(f"`{name}`" for name in group), ""]
    return lines


def area_of(path: str) -> str:
    """The API a path belongs to."""
    return next((name for start, name in AREA_NAMES.items() if path.startswith(start)), "tdlocal's own")


def state_of(route: Route) -> str:
    """One of three words for a call."""
    return "answers 501" if route.lacking else "partly" if route.partly else "supported"


def cell(text: str) -> str:
    """Text for a Markdown table."""
    return text.replace("|", "\\|")


def main(words: list[str]) -> int:
    """Write the page, or check it."""
    if "--check" not in words:
        PAGE.parent.mkdir(exist_ok=True)
        PAGE.write_text(page())
        return 0
    if PAGE.exists() and PAGE.read_text() == page():
        return 0
    print("docs/coverage.md is not current | to mend: python -m tdlocal.coverage", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
