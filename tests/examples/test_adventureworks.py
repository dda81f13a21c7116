"""AdventureWorks through the ten workflows: nothing lost, nothing invented, every column accounted for."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tdlocal.files.delimited import Layout
from tdlocal.files.sources import open_source
from tdlocal.overlay import overlaid
from tests.support import ROOT, SHARED

DATA = SHARED / "data/adventureworks"
EXAMPLE = ROOT / "examples/adventureworks"
PAGE = ROOT / "docs/examples-adventureworks.md"
FIGURES = {
    "order lines": "56,046",
    "orders": "25,162",
    "customers with an account": "18,148",
    "of whom bought": "17,411",
    "revenue": "24,914,586.82",
}

needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared AdventureWorks data is not here")


def tdlocal(*words: str, state: Path) -> subprocess.CompletedProcess[str]:
    """Run one command of the kit as a person would."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TD_")}
    return subprocess.run(
        [sys.executable, "-m", "tdlocal.cli", *words, "--state", str(state)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A state folder after the load and one run of all workflows."""
    state = tmp_path_factory.mktemp("adventureworks") / "state"
    words = ["--list", str(EXAMPLE / "load.yml"), "--data", str(DATA), "--sub", "adventureworks"]
    loaded = tdlocal("load", *words, state=state)
    assert loaded.returncode == 0, loaded.stderr
    words = ["wf00_orchestration", "--session", "2019-07-01", "--overlay", str(EXAMPLE / "overlay")]
    run = tdlocal("run", *words, state=state)
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    return state


@needs_data
@pytest.mark.slow
def test_every_layer_has_the_same_figures(finished):
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "examples/run.py"),
            "adventureworks",
            "--figures",
            "--state",
            str(finished),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    said = done.stdout.splitlines()
    lines = {name: line.split() for name in FIGURES for line in said if line.startswith(f"{name}  ")}
    for name, value in FIGURES.items():
        found = [word for word in lines[name] if word[0].isdigit()]
        assert found == [value] * 5, done.stdout
    assert done.returncode == 0, done.stdout


@needs_data
@pytest.mark.slow
def test_every_count_of_orders_is_the_same_and_nobody_loses_a_purchase(finished):
    """Golden, each analytics table by its own grouping, the page and the mail."""
    golden, analytics = "golden_adventureworks", "analytics_adventureworks"
    sql = f"""
        select
            (select count(distinct order_no) from {golden}.unified_transactions) as numbers,
            (select sum(order_count) from {golden}.unified_transactions) as golden,
            (select sum(total_orders) from {analytics}.sales_trends) as by_month,
            (select sum(total_orders) from {analytics}.sales_by_channel) as by_channel,
            (select sum(total_orders) from {analytics}.sales_by_tier) as by_tier,
            (select max(total_orders) from {analytics}.market_basket) as baskets,
            (select count(*) from {golden}.unified_transactions) as purchases,
            (select sum(total_orders) from {golden}.customer_attributes) as of_people,
            (select round(total_revenue / avg_order_value) from {analytics}.sales_summary) as by_average"""
    answer = tdlocal("query", sql, "--format", "csv", state=finished)
    assert answer.stdout.splitlines()[1] == ",".join(["25162"] * 6 + ["25164"] * 2 + ["25162.0"]), answer
    page = (finished / "output/dashboards/sales.html").read_text(encoding="utf-8")
    assert re.search(r"\b25,162\b", page) and "25,164" not in page
    mails = [path.read_text(encoding="utf-8") for path in (finished / "mails").glob("*.html")]
    assert any("from 25,162 orders" in mail for mail in mails)


@needs_data
@pytest.mark.slow
def test_every_customer_keeps_their_own_revenue(finished):
    """Revenue of each account in golden against the sales files, by CustomerKey."""
    sql = (
        "with bought as (select sales.customer_key, "
        "sum(sales.order_quantity * products.product_price) as amount "
        "from raw_adventureworks.sales as sales inner join raw_adventureworks.products as products "
        "on sales.product_key = products.product_key group by sales.customer_key) "
        "select count(*) as people, "
        "count_if(abs(bought.amount - attributes.lifetime_value) > 0.005) as wrong "
        "from bought inner join golden_adventureworks.unified_customers as people "
        "on bought.customer_key = people.customer_id "
        "inner join golden_adventureworks.customer_attributes as attributes "
        "on people.canonical_id = attributes.canonical_id"
    )
    answer = tdlocal("query", sql, "--format", "csv", state=finished)
    assert answer.stdout.split() == ["people,wrong", "17411,0"], answer.stdout + answer.stderr


@needs_data
def test_every_raw_column_is_used_or_said_to_have_no_home():
    page = PAGE.read_text(encoding="utf-8")
    homeless = {
        row[0]: set(re.findall(r"`(\w+)`", row[1]))
        for row in re.findall(r"^\| (\w+) \| (`.*) \|$", page, flags=re.MULTILINE)
    }
    used = queries()
    for entry in yaml.safe_load((EXAMPLE / "load.yml").read_text(encoding="utf-8")):
        table = entry["into"].partition(".")[2]
        told = homeless.get(table, set()) - {"email_addresses"}
        read = {column for column in raw_columns(entry) if is_read(table, column, used)}
        assert read | told == set(raw_columns(entry)), f"{table}: not used and not told, or told and unknown"
        assert not read & told, f"{table}: {read & told} are used, and told to have no home"


def queries():
    return "\n".join(path.read_text(encoding="utf-8") for path in (EXAMPLE / "overlay").rglob("*.sql"))


def is_read(table, column, used):
    """Return whether the queries read a column, of the table or of a step made from sales."""
    names = f"{table}|lines|orders" if table == "sales" else table
    return re.search(rf"\b({names})\.{column}\b", used) is not None


def raw_columns(entry):
    files = entry["files"] if isinstance(entry["files"], list) else [entry["files"]]
    layout = Layout(
        header=not entry.get("no_header", False),
        columns=tuple(entry.get("columns", ())),
        encoding=entry.get("encoding", ""),
    )
    return open_source(DATA / files[0], layout, all_text=True).names


def test_the_overlay_is_what_a_user_would_write():
    files = {path.relative_to(EXAMPLE / "overlay").as_posix() for path in (EXAMPLE / "overlay").rglob("*.*")}
    assert files == {
        "config/src_params.yml",
        "config/schema_map.yml",
        "prep/queries/loyalty_profile.sql",
        "prep/queries/order_details.sql",
        "prep/queries/order_digital_transactions.sql",
    }


def test_the_workflows_stay_as_they_are_under_the_overlay(tmp_path):
    merged = overlaid(ROOT, EXAMPLE / "overlay", tmp_path / "merged")
    for path in ROOT.glob("*.dig"):
        assert (merged / path.name).read_bytes() == path.read_bytes()
    parameters = yaml.safe_load((merged / "config/src_params.yml").read_text())
    assert parameters["defaults"]["sub"] == "adventureworks"
    assert parameters["defaults"]["site"] == "us", "what the overlay does not name stays"
    assert "pageviews" in parameters["absent_tables"]
