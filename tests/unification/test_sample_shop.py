"""Who is who in the sample shop, against its truth; through the command line, as a person would."""

import csv
import io
import json
import subprocess
import sys
from math import comb

import pytest

from tests.support import ROOT

PEOPLE = "250"
UNIFIED = "cdp_unification_retail"
WORKFLOWS = ("wf02_mapping", "wf04_stage", "wf05_unify")


def tdlocal(*words):
    done = subprocess.run(
        [sys.executable, "-m", "tdlocal.cli", *words], cwd=ROOT, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A state folder after wf05, and the truth's folder."""
    state = tmp_path_factory.mktemp("shop") / "state"
    tdlocal("sample", "--people", PEOPLE, "--seed", "11", "--load", "--state", str(state))
    for layer in ("prp", "src", "staging"):
        tdlocal("query", f"create schema if not exists {layer}_retail", "--state", str(state))
    for workflow in WORKFLOWS:
        tdlocal("run", workflow, "--session", "2026-11-01", "--state", str(state), "--plain")
    (truth,) = state.glob("sample/*/truth")
    return state, truth


def asked(state, sql):
    return list(csv.DictReader(io.StringIO(tdlocal("query", sql, "--state", str(state), "--format", "csv"))))


def truth_of(folder, table, *columns):
    with (folder / f"{table}.csv").open(newline="", encoding="utf-8") as file:
        return {
            tuple(row[c].strip().upper() for c in columns): row["person_id"] for row in csv.DictReader(file)
        }


def pairs(groups):
    sizes = {}
    for group in groups:
        sizes[group] = sizes.get(group, 0) + 1
    return sum(comb(size, 2) for size in sizes.values())


def test_people_are_kept_apart_and_brought_together(shop):
    state, folder = shop
    ids = {}
    for table, name, column in (
        ("order_digital_transactions", "id", "order_no"),
        ("order_offline_transactions", "txn_id", "order_no"),
        ("app_analytics", "uuid", "uuid"),
        ("loyalty_profile", "external_id", "customer_id"),
        ("survey_responses", "response_id", "respondent_id"),
    ):
        truth = truth_of(folder, table, name)
        sql = f"select {column} as k, retail_unification_id as c from {UNIFIED}.enriched_{table}"
        for at, row in enumerate(asked(state, sql)):
            person = truth.get((row["k"].strip().upper(),))
            if person and row["c"]:
                ids[table, at] = (person, row["c"])
    together = pairs(ids.values())
    assert together / pairs(who for _, who in ids.values()) >= 0.995
    # digital orders and app events always carry an identifier: nearly all of a person's are found
    known = [
        value for (table, _), value in ids.items() if table in ("order_digital_transactions", "app_analytics")
    ]
    assert pairs(known) / pairs(person for person, _ in known) >= 0.97


def test_an_explanation_names_the_links_and_hides_the_values(shop):
    state, _ = shop
    (row,) = asked(
        state,
        "select canonical_id as c, min(case when key_name = 'email' then id end) as email, count(*) as n"
        " from cdp_unification_retail.unified_identities group by canonical_id"
        " order by count(*) desc, canonical_id limit 1",
    )
    said = tdlocal("identity", "explain", row["email"], "--state", str(state))
    assert row["c"] in said
    assert f"{row['n']} identifiers" in said
    assert row["email"] not in said
    whole = json.loads(tdlocal("identity", "explain", row["c"], "--json", "--show", "--state", str(state)))
    assert len(whole["identifiers"]) == int(row["n"])
    reached = {link[end] for link in whole["links"] for end in ("first", "second")}
    assert reached == {each["identifier"] for each in whole["identifiers"]}


def test_two_people_are_told_with_what_speaks_against_one(shop, tmp_path):
    state, _ = shop
    first, second = asked(
        state,
        "select canonical_id as c, max(id) as customer from cdp_unification_retail.unified_identities"
        " where key_name = 'customer_id' group by canonical_id having count(*) = 1 order by 2 limit 2",
    )
    drawn = tmp_path / "two.html"
    words = ["explain", first["customer"], second["customer"], "--state", str(state), "--html", str(drawn)]
    said = tdlocal("identity", *words)
    assert f"two people: {first['c']} and {second['c']}" in said
    assert "against: different customer_id: " in said
    page = drawn.read_text(encoding="utf-8")
    assert "against: different customer_id" in page
    assert first["c"] in page
    assert second["c"] in page
    for text in (said, page):
        assert first["customer"] not in text


def test_every_table_of_the_layer_is_published(shop):
    state, _ = shop
    tables = {
        row["table_name"]
        for row in asked(
            state,
            "select table_name from information_schema.tables where table_schema = 'cdp_unification_retail'",
        )
    }
    assert not {name for name in tables if name.endswith("__next") or name.startswith("w1_")}
    assert {"parent_table", "unified_identities", "profile_identifiers", "match_links", "mailboxes"} <= tables
