"""Charts as inline SVG: no script, no request, colours from the page's style sheet.

Each function takes rows (dicts) and the chart's entry of a dashboard template, and returns markup in
which every text of the data is escaped. A pointer resting on a mark shows its value (<title>).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any

from analytics.python.figures import cut, masked, month_name, short, shown, ticks

Row = Mapping[str, Any]
Chart = Mapping[str, Any]

HEIGHT = 250
GRAPH_HEIGHT = 340
COLOURS = 8  # of the style sheet: .c0 … .c7


def draw(rows: Sequence[Row], chart: Chart) -> str:
    """Return the chart's markup; a sentence when there is nothing to show."""
    if not rows:
        return '<p class="empty">Nothing to show yet.</p>'
    return KINDS[chart["kind"]](rows, chart)


def line(rows: Sequence[Row], chart: Chart) -> str:
    """Return lines over time, one for each of the chart's `series`."""
    width, style = width_of(chart), chart.get("format", "")
    series = chart["series"]
    values = [float(row[one["column"]] or 0) for one in series for row in rows]
    scale = Scale(values, width, len(rows))
    marks = [axes(scale, [month_name(row[chart["x"]]) for row in rows], style)]
    for number, one in enumerate(series):
        points = [(scale.x(at), scale.y(float(row[one["column"]] or 0))) for at, row in enumerate(rows)]
        path = " ".join(f"{'L' if at else 'M'}{x:.1f} {y:.1f}" for at, (x, y) in enumerate(points))
        if len(series) == 1:
            base = scale.y(0)
            marks.append(
                f'<path class="area c{number}" d="{path} L{points[-1][0]:.1f} {base:.1f} '
                f'L{points[0][0]:.1f} {base:.1f}Z"/>'
            )
        marks.append(f'<path class="stroke c{number}" d="{path}"/>')
        for (x, y), row in zip(points, rows, strict=True):
            told = f"{month_name(row[chart['x']])}: {shown(row[one['column']], style)}"
            marks.append(
                f'<circle class="dot c{number}" cx="{x:.1f}" cy="{y:.1f}" r="3">{title(told)}</circle>'
            )
    return svg(width, HEIGHT, marks, chart) + legend([one["label"] for one in series])


def columns(rows: Sequence[Row], chart: Chart) -> str:
    """Return stacked columns: `x`, `y`, and a colour for each value of `by`."""
    width, style = width_of(chart), chart.get("format", "")
    groups = list(dict.fromkeys(row[chart["x"]] for row in rows))
    kinds = sorted({str(row[chart["by"]]) for row in rows}) if "by" in chart else [""]
    kinds, cells = stacked(rows, chart, kinds)
    tops = [sum(max(0.0, cells.get((group, kind), 0.0)) for kind in kinds) for group in groups]
    lows = [sum(min(0.0, cells.get((group, kind), 0.0)) for kind in kinds) for group in groups]
    scale = Scale([*tops, *lows], width, len(groups), banded=True)
    marks = [axes(scale, [month_name(group) for group in groups], style)]
    for at, group in enumerate(groups):
        above, below = 0.0, 0.0
        for number, kind in enumerate(kinds):
            value = cells.get((group, kind), 0.0)
            start = above if value >= 0 else below
            top, bottom = scale.y(max(start, start + value)), scale.y(min(start, start + value))
            above, below = (above + value, below) if value >= 0 else (above, below + value)
            told = f"{month_name(group)}{' · ' + kind if kind else ''}: {shown(value, style)}"
            left = scale.x(at) - scale.band / 2
            marks.append(box(number, left, top, scale.band, max(bottom - top, 0), told))
    return svg(width, HEIGHT, marks, chart) + legend(kinds if kinds != [""] else [])


def stacked(
    rows: Sequence[Row], chart: Chart, kinds: list[str]
) -> tuple[list[str], dict[tuple[Any, str], float]]:
    """Return the kinds, biggest first and the rest as "other", and the value of each cell."""
    totals: dict[str, float] = dict.fromkeys(kinds, 0.0)
    for row in rows:
        totals[str(row[chart["by"]]) if "by" in chart else ""] += abs(float(row[chart["y"]] or 0))
    ranked = sorted(kinds, key=lambda kind: (-totals[kind], kind))
    kept = ranked if len(ranked) <= COLOURS else ranked[: COLOURS - 1]
    cells: dict[tuple[Any, str], float] = {}
    for row in rows:
        kind = str(row[chart["by"]]) if "by" in chart else ""
        key = (row[chart["x"]], kind if kind in kept else "other")
        cells[key] = cells.get(key, 0.0) + float(row[chart["y"]] or 0)
    return kept + (["other"] if len(kept) < len(ranked) else []), cells


def bars(rows: Sequence[Row], chart: Chart) -> str:
    """Return lying bars, one a row: `label`, `value`."""
    style, longest = chart.get("format", ""), max(abs(float(row[chart["value"]] or 0)) for row in rows) or 1.0
    lines = []
    for row in rows:
        value = float(row[chart["value"]] or 0)
        share = max(0.0, value) / longest * 100
        name = " · ".join(str(row[part]) for part in names_of(chart) if row[part] is not None) or "–"
        lines.append(
            f'<div class="bar"><span class="name" title="{escape(name)}">{escape(cut(name, 44))}</span>'
            f'<span class="track"><span class="c0 bartone" style="width:{share:.2f}%"></span></span>'
            f'<span class="value">{escape(shown(row[chart["value"]], style))}</span></div>'
        )
    return f'<div class="bars">{"".join(lines)}</div>'


def names_of(chart: Chart) -> list[str]:
    """Return the columns that name a row."""
    label = chart["label"]
    return list(label) if isinstance(label, list) else [label]


def funnel(rows: Sequence[Row], chart: Chart) -> str:
    """Return a funnel: `label`, `value`; between steps the share that went on."""
    first = float(rows[0][chart["value"]] or 0) or 1.0
    parts, before = [], None
    for number, row in enumerate(rows):
        value = float(row[chart["value"]] or 0)
        gone_on = f"{value / before * 100:.0f} % go on" if before else ""
        if number:
            parts.append(f'<div class="gone">{escape(gone_on) or "–"}</div>')
        parts.append(
            f'<div class="step"><span class="name">{escape(str(row[chart["label"]]))}</span>'
            f'<span class="track"><span class="bartone c0" '
            f'style="width:{max(value / first * 100, 0.5):.2f}%"></span></span>'
            f'<span class="value">{escape(shown(value, "count"))}<small> {value / first * 100:.1f} %</small>'
            "</span></div>"
        )
        before = value
    return f'<div class="funnel">{"".join(parts)}</div>'


def table(rows: Sequence[Row], chart: Chart) -> str:
    """Return a table: `columns`, each with `column`, `label`, `format`, and `mask: true` for ids."""
    wanted = chart["columns"]
    heads = "".join(f'<th class="{side(one)}" scope="col">{escape(one["label"])}</th>' for one in wanted)
    lines = []
    for row in rows:
        cells = []
        for one in wanted:
            value = row[one["column"]]
            text = masked(value) if one.get("mask") else shown(value, one.get("format", ""))
            cells.append(f'<td class="{side(one)}" title="{escape(text)}">{escape(cut(text, 60))}</td>')
        lines.append(f"<tr>{''.join(cells)}</tr>")
    head, body = f"<thead><tr>{heads}</tr></thead>", f"<tbody>{''.join(lines)}</tbody>"
    return f'<div class="scroll"><table>{head}{body}</table></div>'


def side(column: Mapping[str, Any]) -> str:
    """Return the class that puts numbers on the right."""
    return "number" if column.get("format") else "text"


def sankey(rows: Sequence[Row], chart: Chart) -> str:
    """Return flows from step to step: `step`, `source`, `target`, `value`."""
    width, height, gap = width_of(chart), 360, 10
    flows = sorted(
        (
            (int(row["step"]), str(row["source"]), str(row["target"]), float(row[chart["value"]]))
            for row in rows
        ),
        key=lambda flow: (flow[0], flow[1], flow[2]),
    )
    heights = node_heights(flows)
    layers = sorted({layer for layer, _ in heights})
    busiest = max(sum(size for (at, _), size in heights.items() if at == layer) for layer in layers)
    most = max(sum(1 for at, _ in heights if at == layer) for layer in layers)
    unit = (height - 30 - gap * most) / busiest
    column = (width - 120) / max(len(layers) - 1, 1)
    places, marks = {}, []
    for layer in layers:
        y = 20.0
        for node in sorted((n for at, n in heights if at == layer), key=lambda n: (-heights[layer, n], n)):
            places[layer, node] = (10 + layer * column, y, heights[layer, node] * unit)
            y += heights[layer, node] * unit + gap
    tones = {node: at % COLOURS for at, node in enumerate(sorted({node for _, node in heights}))}
    marks += ribbons(flows, places, tones, unit)
    for (_, node), (x, y, size) in places.items():
        told = f"{node}: {shown(size / unit, 'count')}"
        marks.append(box(tones[node], x, y, 9, max(size, 1), told))
        if size > 9:
            label = escape(cut(node, 13))
            marks.append(f'<text class="node" x="{x + 13:.1f}" y="{y + size / 2 + 4:.1f}">{label}</text>')
    return svg(width, height, marks, chart)


def node_heights(flows: Sequence[tuple[int, str, str, float]]) -> dict[tuple[int, str], float]:
    """Return (layer, node) → what flows through it.

    >>> node_heights([(0, "start", "home", 2.0), (1, "home", "exit", 2.0)])
    {(0, 'start'): 2.0, (1, 'home'): 2.0, (2, 'exit'): 2.0}
    """
    into: dict[tuple[int, str], float] = {}
    out: dict[tuple[int, str], float] = {}
    for step, source, target, value in flows:
        out[step, source] = out.get((step, source), 0.0) + value
        into[step + 1, target] = into.get((step + 1, target), 0.0) + value
    return {node: max(into.get(node, 0.0), out.get(node, 0.0)) for node in sorted({*into, *out})}


def ribbons(
    flows: Sequence[tuple[int, str, str, float]],
    places: Mapping[tuple[int, str], tuple[float, float, float]],
    tones: Mapping[str, int],
    unit: float,
) -> list[str]:
    """Return a curved band for each flow, in the order of the nodes it joins."""
    left = {node: y for node, (_, y, _) in places.items()}
    right = dict(left)
    marks = []
    ordered = sorted(flows, key=lambda f: (f[0], places[f[0], f[1]][1], places[f[0] + 1, f[2]][1]))
    for step, source, target, value in ordered:
        size = value * unit
        x1, x2 = places[step, source][0] + 9, places[step + 1, target][0]
        y1, y2 = left[step, source], right[step + 1, target]
        left[step, source] += size
        right[step + 1, target] += size
        middle = (x1 + x2) / 2
        told = title(f"{source} → {target}: {shown(value, 'count')}")
        marks.append(
            f'<path class="flow c{tones[source]}" d="M{x1:.1f} {y1:.1f} C{middle:.1f} {y1:.1f} {middle:.1f} '
            f"{y2:.1f} {x2:.1f} {y2:.1f} L{x2:.1f} {y2 + size:.1f} C{middle:.1f} {y2 + size:.1f} "
            f'{middle:.1f} {y1 + size:.1f} {x1:.1f} {y1 + size:.1f}Z">{told}</path>'
        )
    return marks


def graph(rows: Sequence[Row], chart: Chart) -> str:
    """Return nodes on a ring, the one with most links in the middle, and lines between those of one row.

    A row has `first_node`, `first_label`, `first_tone`, the same of `second`, and the chart's `value`.
    """
    width, value = width_of(chart), chart["value"]
    nodes, degrees = {}, Counter[Any]()
    for row in rows:
        for end in ("first", "second"):
            nodes[row[f"{end}_node"]] = (str(row[f"{end}_tone"]), str(row[f"{end}_label"]))
            degrees[row[f"{end}_node"]] += 1
    ring = sorted(nodes, key=lambda node: (nodes[node], str(node)))
    middle = min(ring, key=lambda node: (-degrees[node], ring.index(node)))
    ring.remove(middle)
    places = {middle: (width / 2, GRAPH_HEIGHT / 2)}
    for at, node in enumerate(ring):
        angle = 2 * math.pi * (at + 0.5) / len(ring)
        across, down = width / 2 - 170, GRAPH_HEIGHT / 2 - 26
        places[node] = (width / 2 + across * math.cos(angle), GRAPH_HEIGHT / 2 + down * math.sin(angle))
    tones = sorted({tone for tone, _ in nodes.values()})
    marks = []
    for row in rows:
        (x1, y1), (x2, y2) = places[row["first_node"]], places[row["second_node"]]
        told = f"{row['first_label']} – {row['second_label']}: {shown(row[value], 'count')}"
        marks.append(
            f'<line class="link" x1="{x1:.0f}" y1="{y1:.0f}" x2="{x2:.0f}" y2="{y2:.0f}" '
            f'stroke-width="{1 + math.log10(max(float(row[value] or 1), 1)):.1f}">{title(told)}</line>'
        )
    for node, (x, y) in places.items():
        tone, label = nodes[node]
        left = x < width / 2 and node != middle
        marks.append(
            f'<circle class="fill c{tones.index(tone) % COLOURS}" cx="{x:.0f}" cy="{y:.0f}" '
            f'r="{9 if node == middle else 6}">{title(f"{label} · {tone}")}</circle>'
            f'<text class="node" x="{x + (-11 if left else 12):.0f}" y="{y + 4:.0f}" '
            f'text-anchor="{"end" if left else "start"}">{escape(cut(label, 26))}</text>'
        )
    return svg(width, GRAPH_HEIGHT, marks, chart) + legend(tones)


class Scale:
    """Where values and places of a chart lie on its drawing."""

    def __init__(self, values: Sequence[float], width: int, places: int, banded: bool = False) -> None:
        self.ticks = ticks(min(values, default=0.0), max(values, default=0.0))
        self.left, self.right, self.top, self.bottom = 54, width - 26, 14, HEIGHT - 26
        self.places = max(places, 1)
        self.banded = banded
        self.slot = (self.right - self.left) / (self.places if banded else max(self.places - 1, 1))
        self.band = min(46.0, self.slot * 0.7)

    def x(self, place: int) -> float:
        """Return the middle of the place."""
        if self.banded:
            return self.left + self.slot * (place + 0.5)
        return self.left + self.slot * (place if self.places > 1 else 0.5)

    def y(self, value: float) -> float:
        """Return the height of the value, counted from above."""
        low, high = self.ticks[0], self.ticks[-1]
        return self.bottom - (value - low) / (high - low) * (self.bottom - self.top)


def axes(scale: Scale, labels: Sequence[str], style: str) -> str:
    """Return grid lines with their values and as many labels below as fit."""
    marks = []
    for tick in scale.ticks:
        y = scale.y(tick)
        marks.append(
            f'<line class="{"zero" if tick == 0 else "grid"}" x1="{scale.left}" x2="{scale.right}" '
            f'y1="{y:.1f}" y2="{y:.1f}"/>'
            f'<text class="tick" x="{scale.left - 8}" y="{y + 4:.1f}" text-anchor="end">'
            f"{escape(short(tick, style))}</text>"
        )
    room = max(1, int((scale.right - scale.left) / 62))
    every = max(1, -(-len(labels) // room))
    for at, label in enumerate(labels):
        if (len(labels) - 1 - at) % every == 0:
            marks.append(
                f'<text class="tick" x="{scale.x(at):.1f}" y="{HEIGHT - 8}" text-anchor="middle">'
                f"{escape(cut(label, 12))}</text>"
            )
    return "".join(marks)


def width_of(chart: Chart) -> int:
    """Return the drawing's width: a whole row, or half of one."""
    return 1120 if chart.get("wide") else 540


def svg(width: int, height: int, marks: Sequence[str], chart: Chart) -> str:
    """Return the drawing, scaled to its card."""
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{escape(chart["title"])}">'
        f"{''.join(marks)}</svg>"
    )


def legend(labels: Sequence[str]) -> str:
    """Return the colours' meaning; nothing for one colour."""
    if len(labels) < 2:
        return ""
    items = "".join(
        f'<span><i class="bartone c{number % COLOURS}"></i>{escape(label)}</span>'
        for number, label in enumerate(labels)
    )
    return f'<div class="legend">{items}</div>'


def box(tone: int, x: float, y: float, width: float, height: float, told: str) -> str:
    """Return a filled rectangle that tells *told*."""
    return (
        f'<rect class="fill c{tone % COLOURS}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}">{title(told)}</rect>'
    )


def title(text: str) -> str:
    """Return what a resting pointer shows."""
    return f"<title>{escape(text)}</title>"


KINDS: dict[str, Callable[[Sequence[Row], Chart], str]] = {
    "line": line,
    "columns": columns,
    "bars": bars,
    "funnel": funnel,
    "table": table,
    "sankey": sankey,
    "graph": graph,
}
