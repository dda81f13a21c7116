"""Read the dashboards' templates, analytics/dashboards/*.yml, and find every fault in them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from analytics.python.charts import KINDS
from common.python.errors import TaskError, told_together

FOLDER = "analytics/dashboards"
NEEDED = {
    "line": ("x", "series"),
    "columns": ("x", "y"),
    "bars": ("label", "value"),
    "funnel": ("label", "value"),
    "table": ("columns",),
    "sankey": ("value",),
    "graph": ("value",),
}


def load_all(folder: str = FOLDER) -> dict[str, dict[str, Any]]:
    """Return name → template of every dashboard, in the order of their names.

    Raises TaskError with every fault of every template at once.
    """
    found: dict[str, dict[str, Any]] = {}
    faults: list[str] = []
    for path in sorted(Path(folder).glob("*.yml")):
        try:
            template = yaml.safe_load(path.read_text(encoding="utf-8"))
        except yaml.YAMLError as error:
            faults.append(f"{path}: no YAML: {' '.join(str(error).split())}")
            continue
        faults += [f"{path}: {fault}" for fault in faults_of(template)]
        found[path.stem] = template
    if faults:
        raise told_together(faults, where=folder, mend="mend these dashboards")
    if not found:
        raise TaskError(
            "there is no dashboard", where=folder, mend="add a template, see docs/workflows/wf07_analytics.md"
        )
    return found


def faults_of(template: Any) -> list[str]:
    """Return what is wrong with one template, each in one line.

    >>> faults_of({"title": "x", "charts": [{"title": "y", "kind": "pie", "table": "t"}]})
    ["chart 'y' is of the unknown kind 'pie'; use one of bars, columns, funnel, graph, line, sankey, table"]
    """
    if not isinstance(template, Mapping) or not template.get("title"):
        return ["a dashboard needs a title"]
    faults = []
    if template.get("tiles") and not template.get("summary"):
        faults.append("tiles need `summary:`, the table whose one row they show")
    for tile in template.get("tiles", []):
        faults += [f"tile {tile} lacks {name}" for name in ("label", "column") if name not in tile]
    for chart in template.get("charts", []):
        faults += faults_of_chart(chart)
    model = template.get("data_model")
    if model:
        faults += [f"data_model lacks {name}" for name in ("name", "tables") if not model.get(name)]
        for relation in model.get("relations", []):
            if len(relation) != 2 or any(str(end).count(".") != 1 for end in relation):
                faults.append(f"relation {relation} is not of the form [table.column, table.column]")
    return faults


def faults_of_chart(chart: Mapping[str, Any]) -> list[str]:
    """Return what is wrong with one chart."""
    title, kind = chart.get("title", "(without title)"), chart.get("kind")
    if kind not in KINDS:
        return [f"chart {title!r} is of the unknown kind {kind!r}; use one of {', '.join(sorted(KINDS))}"]
    wanted = ("title", "table", *NEEDED[kind])
    return [f"chart {title!r} lacks {name}" for name in wanted if not chart.get(name)]


def columns_of(chart: Mapping[str, Any]) -> list[str]:
    """Return the columns a chart reads, each once.

    >>> columns_of({"kind": "bars", "label": ["a", "b"], "value": "c", "where": {"d": 1}})
    ['a', 'b', 'c']
    """
    if chart["kind"] == "table":
        wanted = [column["column"] for column in chart["columns"]]
    elif chart["kind"] == "line":
        wanted = [chart["x"], *(one["column"] for one in chart["series"])]
    elif chart["kind"] == "sankey":
        wanted = ["step", "source", "target", chart["value"]]
    elif chart["kind"] == "graph":
        wanted = [f"{end}_{part}" for end in ("first", "second") for part in ("node", "label", "tone")]
        wanted.append(chart["value"])
    else:
        label = chart.get("label", [])
        wanted = [*(label if isinstance(label, list) else [label])]
        wanted += [chart[name] for name in ("x", "y", "by", "value") if name in chart]
    if "order" in chart:
        wanted.append(chart["order"])
    return list(dict.fromkeys(wanted))
