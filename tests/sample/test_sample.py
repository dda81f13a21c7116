"""The sample shop: same bytes, the truth about every record, the dirt and habits that were planted."""

from __future__ import annotations

import csv
import hashlib
import json
import resource
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import UTC, datetime
from itertools import combinations, islice
from pathlib import Path

import pytest

from tdlocal.sample.damage import GOOD_EMAIL, write_damaged
from tdlocal.sample.generate import Request, make_cut, write_sample
from tdlocal.sample.tables import BY_NAME, TABLES

PEOPLE = 1500


def sums(folder: Path) -> dict[str, str]:
    """Return a checksum of every file below *folder*."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shop")
    counts = write_sample(Request(PEOPLE, 11, "2026-10-31"), folder, jobs=1)
    return folder, counts


def read(folder: Path, name: str) -> list[dict[str, str]]:
    """Return the records of one raw table as dicts of what the file holds."""
    path = folder / "raw" / BY_NAME[name].file_name
    with path.open(encoding="utf-8", newline="") as file:
        if path.suffix == ".csv":
            return list(csv.DictReader(file))
        return [json.loads(line) for line in file]


def truth(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / "truth" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_request_gives_the_same_bytes_whatever_the_processes(shop, tmp_path):
    write_sample(Request(PEOPLE, 11, "2026-10-31"), tmp_path, jobs=2)
    assert sums(tmp_path) == sums(shop[0])


def test_another_seed_gives_another_shop(shop, tmp_path):
    write_sample(Request(PEOPLE, 12, "2026-10-31"), tmp_path, jobs=1)
    before, after = sums(shop[0]), sums(tmp_path)
    assert all(before[f"raw/{table.file_name}"] != after[f"raw/{table.file_name}"] for table in TABLES)


def test_compressed_files_hold_the_same_bytes_and_repeat(tmp_path):
    request = Request(300, 3, "2026-10-31")
    write_sample(request, tmp_path / "plain", jobs=1)
    for name in ("one", "two"):
        write_sample(request, tmp_path / name, compress=True, jobs=1)
    assert sums(tmp_path / "one") == sums(tmp_path / "two")
    unpacked = subprocess.run(
        ["gzip", "-dc", str(tmp_path / "one/raw/pageviews.jsonl.gz")], capture_output=True, check=True
    ).stdout
    assert unpacked == (tmp_path / "plain/raw/pageviews.jsonl").read_bytes()


@pytest.mark.parametrize("name", [table.name for table in TABLES])
def test_the_truth_names_the_person_of_every_record(shop, name):
    folder, counts = shop
    records, known = read(folder, name), truth(folder, name)
    people = {person["person_id"] for person in truth(folder, "people")}
    assert len(records) == len(known) == counts[name] > 0
    key = BY_NAME[name].key
    for record, fact in zip(records, known, strict=True):
        assert fact["person_id"] in people
        assert [str(record[column]) for column in key] == [fact[column] for column in key]


def test_no_raw_file_has_a_person_id(shop):
    for table in TABLES:
        assert "person" not in " ".join(table.names).replace("person_phone", "")
        text = (shop[0] / "raw" / table.file_name).read_text(encoding="utf-8")
        assert "P0000001" not in text


def test_an_identifier_means_one_person_unless_it_is_meant_to_be_shared(shop):
    owners: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in truth(shop[0], "identifiers"):
        owners[row["id_type"], row["id"]].add(row["person_id"])
    shared = Counter(kind for (kind, _), people in owners.items() if len(people) > 1)
    assert set(shared) == {"phone_number", "token", "td_client_id", "td_global_id"}
    assert 0 < shared["phone_number"] < PEOPLE * 0.06
    assert max(len(people) for people in owners.values()) <= 4


def test_two_in_five_people_or_so_have_several_emails_or_phones(shop):
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for row in truth(shop[0], "identifiers"):
        kinds[row["id_type"]][row["person_id"]] += 1
    assert 0.25 < sum(1 for n in kinds["email"].values() if n > 1) / PEOPLE < 0.45
    assert 0.1 < sum(1 for n in kinds["phone_number"].values() if n > 1) / PEOPLE < 0.4


def test_money_adds_up_to_the_truth(shop):
    folder, _ = shop
    lines = {(row["order_id"], row["line_number"]): row for row in read(folder, "order_details")}
    by_order: dict[str, int] = defaultdict(int)
    for row in lines.values():
        cents = round(float(row["line_total"]) * 100)
        by_order[row["order_id"]] += cents
        gross = int(row["quantity"]) * round(float(row["unit_price"]) * 100)
        assert gross - round(float(row["line_discount"]) * 100) == cents
    online = {row["id"]: row["subtotal_price"] for row in read(folder, "order_digital_transactions")}
    store = {row["txn_id"]: row["net_total"] for row in read(folder, "order_offline_transactions")}
    amounts = {order: round(float(amount) * 100) for order, amount in {**online, **store}.items()}
    assert amounts == dict(by_order)
    planted = json.loads((folder / "truth/planted.json").read_text())
    assert f"{sum(amounts.values()) / 100:.2f}" == planted["net_revenue"]
    assert any(amount < 0 for amount in amounts.values()), "there are returns"


def test_the_planted_affinities_stand_out_in_the_baskets(shop):
    folder, _ = shop
    baskets: dict[str, set[str]] = defaultdict(set)
    for row in read(folder, "order_details"):
        if row["line_type"] == "sale":
            baskets[row["order_id"]].add(row["sku"])
    alone = Counter(sku for basket in baskets.values() for sku in basket)
    pairs = Counter(pair for basket in baskets.values() for pair in combinations(sorted(basket), 2))
    planted = json.loads((folder / "truth/planted.json").read_text())["affinities"]
    wanted = {tuple(sorted((each["if_basket_has"], each["then_add"]))) for each in planted}
    assert len(wanted) == 12
    for each in planted:
        found = pairs[tuple(sorted((each["if_basket_has"], each["then_add"])))]
        assert found >= 10
        assert abs(found / alone[each["if_basket_has"]] - each["probability"]) < 0.2
    strongest = {
        pair for pair, count in pairs.items() if count >= 10 and lift(pair, count, alone, baskets) > 4
    }
    assert wanted <= strongest
    assert len(strongest) <= 2 * len(wanted)


def lift(pair, count, alone, baskets):
    return count * len(baskets) / (alone[pair[0]] * alone[pair[1]])


def test_orders_have_a_season_a_week_and_a_few_heavy_buyers(shop):
    folder, _ = shop
    first = {row["order_id"]: row for row in read(folder, "order_details") if row["line_type"] == "sale"}
    days = [datetime.fromtimestamp(int(row["time"]), UTC) for row in first.values()]
    months = Counter(day.strftime("%Y-%m") for day in days)
    assert months["2025-12"] > 1.3 * months["2025-08"]
    week = Counter(day.weekday() for day in days)
    assert week[5] > 1.3 * week[1]
    assert min(days).year == 2024
    assert max(days) < datetime(2026, 11, 1, tzinfo=UTC)
    purchases = sorted((int(p["purchases"]) for p in truth(folder, "people")), reverse=True)
    assert 0.3 < sum(1 for n in purchases if n == 0) / len(purchases) < 0.6
    assert sum(purchases[: PEOPLE // 10]) > 0.45 * sum(purchases), "the best tenth buys about half"


def test_records_are_dirty_in_the_ways_that_shops_are(shop):
    folder, _ = shop
    members = read(folder, "loyalty_profile")
    emails = [row["email"] for row in members if row["email"]]
    assert any(email != email.strip() for email in emails)
    assert any(email != email.lower() for email in emails)
    assert any("@" not in email for email in emails)
    births = [row["birthday"] for row in members]
    assert {"-" in birth for birth in births if birth} == {True, False}
    assert any("/" in birth for birth in births)
    assert len({row["country_code"] for row in members}) >= 5
    assert any(row["loyalty_points_pending"] == "N/A" for row in members)
    ids = Counter(row["external_id"].strip().upper() for row in members)
    assert any(count > 1 for count in ids.values()), "some members were exported twice"
    online = read(folder, "order_digital_transactions")
    assert any(row["customer"] is None for row in online), "guests"
    assert max(Counter(row["id"] for row in online).values()) > 1, "repeated webhooks"
    store = read(folder, "order_offline_transactions")
    assert sum(1 for row in store if not row["receipt_email"]) > 0.7 * len(store)
    assert {row["txn_ts"][2] for row in store} > {"/"}, "two date formats"
    app = read(folder, "app_analytics")
    late = [r for r in app if int(r["time"]) - unix(r["event_time"]) > 86_400]
    assert 0 < len(late) < 0.1 * len(app)


def unix(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def test_forms_tie_page_views_to_people_but_not_all(shop):
    folder, _ = shop
    tied = {row["td_client_id"] for row in read(folder, "formfills")}
    seen = {row["td_client_id"] for row in read(folder, "pageviews")}
    assert tied <= seen
    assert 0.05 < len(tied & seen) / len(seen) < 0.6


def test_consents_are_withdrawn_and_given_again(shop):
    rows = read(shop[0], "consents")
    granted = {"true", "1", "yes", "True", "granted"}
    states: dict[tuple[str, str], list[bool]] = defaultdict(list)
    people = [fact["person_id"] for fact in truth(shop[0], "consents")]
    for person, row in sorted(zip(people, rows, strict=True), key=lambda pair: int(pair[1]["time"])):
        states[person, row["subscription"].lower()].append(row["status"] in granted)
    histories = {tuple(history) for history in states.values()}
    assert {(True,), (False,), (True, False), (True, False, True)} <= histories


def test_nothing_happens_after_the_last_day(shop):
    for table in TABLES:
        assert max(int(row["time"]) for row in read(shop[0], table.name)) < 1_793_491_200


def test_people_do_not_change_when_more_are_asked_for():
    few = make_cut(Request(250, 5, "2026-10-31"), 0, 250)
    many = make_cut(Request(10_000, 5, "2026-10-31"), 0, 250)
    assert few.raw == many.raw


MEASURE = """
import resource, sys
from itertools import islice
from tdlocal.sample.damage import GOOD_EMAIL, write_damaged
from tdlocal.sample.generate import Request, cuts
made = sum(1 for _ in islice(cuts(Request(10**7, 1, "2026-10-31"), 1), int(sys.argv[1])))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


def test_memory_does_not_grow_with_the_number_of_people():
    peaks = [
        int(subprocess.run([sys.executable, "-c", MEASURE, n], capture_output=True, check=True).stdout)
        for n in ("3", "24")
    ]
    assert peaks[1] < peaks[0] * 1.25 + 8_000


def test_two_thousand_people_take_a_few_seconds(tmp_path):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_utime
    write_sample(Request(2000, 7, "2026-10-31"), tmp_path, jobs=1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_utime - before < 5


def test_ids_of_large_shops_stay_apart():
    from tdlocal.sample.people import households

    seen: set[str] = set()
    for start in (0, 1_000_000, 2_999_000):
        for _, household in islice(households(1, start, start + 600, 1_793_491_200), 300):
            for person in household:
                own = [person.phones[0], *person.emails, *person.customer_ids]
                assert seen.isdisjoint(own)
                seen.update(own)


def test_every_damaged_cell_is_listed_and_nothing_else_is_wrong(shop, tmp_path):
    counts = write_damaged(shop[0], tmp_path / "damaged", seed=4, share=0.02)
    again = write_damaged(shop[0], tmp_path / "again", seed=4, share=0.02)
    assert sums(tmp_path / "damaged") == sums(tmp_path / "again")
    assert counts == again
    assert set(counts) == {
        "format email", "format phone", "format date", "format url", "conversion", "range", "values",
        "missing",
        "total", "line without order", "order without lines", "repeated key",
    }  # fmt: skip
    with (tmp_path / "damaged/truth/damage.csv").open(encoding="utf-8", newline="") as file:
        listed = list(csv.DictReader(file))
    folder = tmp_path / "damaged"
    lines: dict[str, float] = defaultdict(float)
    for row in read(folder, "order_details"):
        lines[row["order_id"]] += float(row["line_total"])
    online = {row["id"]: float(row["subtotal_price"]) for row in read(folder, "order_digital_transactions")}
    store = [(row["txn_id"], float(row["net_total"])) for row in read(folder, "order_offline_transactions")]
    orders = {**online, **dict(store)}
    wrong = defaultdict(set)
    for row in listed:
        wrong[row["kind"]].add(row["record_key"].split("|")[0])
    assert {order for order in lines if order not in orders} == wrong["line without order"]
    assert {order for order in orders if order not in lines} == wrong["order without lines"]
    different = {order for order in orders if order in lines and abs(orders[order] - lines[order]) > 0.005}
    assert different == wrong["total"]
    assert {order for order, count in Counter(o for o, _ in store).items() if count > 1} == wrong[
        "repeated key"
    ]
    emails = [row["email"] for row in read(folder, "loyalty_profile") if row["email"]]
    bad = sum(1 for email in emails if not GOOD_EMAIL.fullmatch(email))
    assert bad == sum(
        1 for row in listed if (row["table_name"], row["column_name"]) == ("loyalty_profile", "email")
    )
