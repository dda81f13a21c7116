"""Dashboards: what templates may say, and pages that need nothing else and show nobody."""

import re

import pytest
import sqlglot
import yaml

from analytics.python import charts, dashboards, templates
from common.python.errors import TaskError
from tests.support import ROOT, SESSION_UNIXTIME

QUERIES = {path.stem: path for path in (ROOT / "analytics/queries").rglob("*.sql")}
HOSTILE = '<script>alert("x")</script> & "quoted" ${nosuch}'


@pytest.fixture(autouse=True)
def at_the_root(monkeypatch):
    """Tasks run in the project's folder."""
    monkeypatch.chdir(ROOT)


def columns_made(table):
    """Return the columns that a query of analytics/queries makes."""
    sql = re.sub(r"\$\{\w+\}", "1", QUERIES[table].read_text().replace("${unification_id}", "id"))
    sql = re.sub(r"\b1_1\.", "d.", sql)
    tree = sqlglot.parse_one(sql, dialect="trino")
    final = next((cte.this for cte in tree.find_all(sqlglot.exp.CTE) if cte.alias == "final"), tree)
    return final.named_selects


def rows_for(chart, text="Shoes"):
    """Return two rows with a value for every column that a chart reads."""
    numbers = {chart.get("value"), chart.get("y"), chart.get("order"), "step"}
    numbers |= {one["column"] for one in chart.get("series", [])}
    numbers |= {one["column"] for one in chart.get("columns", []) if one.get("format")}
    columns = templates.columns_of(chart)
    return [{name: number if name in numbers else text for name in columns} for number in (1, 2)]


@pytest.mark.parametrize("name", sorted(templates.load_all(str(ROOT / templates.FOLDER))))
def test_a_dashboard_reads_only_what_its_workflow_makes(name):
    template = templates.load_all()[name]
    wanted = {(template["summary"], tile["column"]) for tile in template["tiles"]}
    for chart in template["charts"]:
        wanted |= {(chart["table"], column) for column in templates.columns_of(chart)}
        wanted |= {(chart["table"], column) for column in chart.get("where", {})}
    wanted |= {tuple(end.split(".")) for pair in template["data_model"]["relations"] for end in pair}
    made = {table: columns_made(table) for table in {table for table, _ in wanted}}
    assert [f"{table}.{column}" for table, column in sorted(wanted) if column not in made[table]] == []
    assert set(template["data_model"]["tables"]) <= set(QUERIES)


@pytest.mark.parametrize("name", sorted(templates.load_all(str(ROOT / templates.FOLDER))))
def test_a_page_is_whole_asks_for_nothing_and_escapes_everything(name):
    template = templates.load_all()[name]
    rows = {chart["title"]: rows_for(chart, HOSTILE) for chart in template["charts"]}
    rows[""] = [{tile["column"]: 1.5 for tile in template["tiles"]}]
    page = dashboards.render(template, rows, "analytics_t", SESSION_UNIXTIME)
    assert page.startswith("<!doctype html>") and page.rstrip().endswith("</html>")
    assert "<script" not in page
    assert not re.findall(r'(?:src|href|@import|url\()\s*=?\s*["\'(]?\s*(?:https?:)?//', page)
    assert "http" not in page
    assert page.count("<section") == page.count("</section>") == len(template["charts"])


def test_people_are_masked_where_the_template_asks_for_it():
    chart = {"title": "t", "kind": "table", "columns": [{"column": "id", "label": "Who", "mask": True}]}
    page = charts.draw([{"id": "ada.lovelace@shop.example"}, {"id": "+14155550134"}], chart)
    assert "lovelace" not in page
    assert "4155550134" not in page


def test_a_chart_without_rows_says_so():
    assert "Nothing to show yet" in charts.draw([], {"title": "t", "kind": "line"})


def test_all_nulls_and_a_single_row_draw():
    charts.draw([{"x": "2026-01-01", "y": None}], {"title": "t", "kind": "columns", "x": "x", "y": "y"})
    series = [{"column": "y", "label": "Y"}]
    charts.draw([{"x": "2026-01-01", "y": None}], {"title": "t", "kind": "line", "x": "x", "series": series})
    charts.draw([{"a": None, "b": None}], {"title": "t", "kind": "bars", "label": "a", "value": "b"})
    charts.draw([{"a": None, "b": 0}], {"title": "t", "kind": "funnel", "label": "a", "value": "b"})


def test_columns_below_nought_hang_from_the_line():
    rows = [{"x": "a", "y": 5.0}, {"x": "b", "y": -5.0}]
    page = charts.draw(rows, {"title": "t", "kind": "columns", "x": "x", "y": "y"})
    tops = [float(top) for top in re.findall(r'<rect[^>]* y="([0-9.]+)"', page)]
    zero = float(re.search(r'class="zero"[^>]* y1="([0-9.]+)"', page)[1])
    assert tops[0] < zero == tops[1]


def test_every_fault_of_every_template_is_told_at_once(tmp_path):
    (tmp_path / "a.yml").write_text("title: [unclosed")
    (tmp_path / "b.yml").write_text(
        yaml.safe_dump(
            {
                "title": "B",
                "tiles": [{"label": "x"}],
                "charts": [{"title": "p", "kind": "pie"}, {"title": "l", "kind": "line", "table": "t"}],
                "data_model": {"name": "M", "relations": [["a", "b.c"]]},
            }
        )
    )
    with pytest.raises(TaskError) as told:
        templates.load_all(str(tmp_path))
    for part in ("a.yml: no YAML", "summary", "lacks column", "'pie'", "lacks x", "lacks series", "tables"):
        assert part in str(told.value)


def test_flows_into_a_stop_flow_out_of_it():
    flows = [(0, "start", "home", 3.0), (1, "home", "exit", 2.0), (1, "home", "cart", 1.0)]
    assert charts.node_heights(flows) == {
        (0, "start"): 3.0,
        (1, "home"): 3.0,
        (2, "cart"): 1.0,
        (2, "exit"): 2.0,
    }


def test_a_graph_has_every_node_once_and_the_best_linked_in_the_middle():
    chart = {"title": "t", "kind": "graph", "value": "records"}
    ends = [("email a***", "profile 1"), ("email b***", "profile 2"), ("card t***", "profile 1")]
    rows = [
        {"first_node": at, "first_label": label, "first_tone": tone, "second_node": 9,
         "second_label": "phone +***", "second_tone": "shared", "records": 10**at}
        for at, (label, tone) in enumerate(ends)
    ]  # fmt: skip
    picture = charts.draw(rows, chart)
    assert picture.count("<circle") == 4
    assert picture.count("<line") == 3
    assert 'cx="270" cy="170" r="9"><title>phone +*** · shared</title>' in picture
    assert re.findall(r'stroke-width="(\S+)"', picture) == ["1.0", "2.0", "3.0"]
    for tone in ("profile 1", "profile 2", "shared"):
        assert f"</i>{tone}</span>" in picture
