"""What is true of an odd shop, compared with what a run made of it."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import tdclient

from tdlocal.local_server import local_account
from tests.pipeline.odd_shop import DAY, Record, Shop

ORDERS = ("order_digital_transactions", "order_offline_transactions")
CENT = 0.006


class Faults(list):
    """What is not as it must be, one line each."""

    def same(self, what: str, found: Any, wanted: Any) -> None:
        is_money = isinstance(found, float) or isinstance(wanted, float)
        if is_money and None not in (found, wanted) and abs(found - wanted) < CENT:
            return
        if found != wanted:
            self.append(f"{what}: {found!r} is not {wanted!r}"[:600])

    def same_map(self, what: str, found: dict, wanted: dict) -> None:
        for key in sorted(set(found) | set(wanted), key=repr):
            self.same(f"{what} of {key!r}", found.get(key), wanted.get(key))


class Answers:
    """Questions to the account of a state folder."""

    def __init__(self, state: Path, sub: str) -> None:
        self.sub = sub
        self.account = local_account(state)
        server = self.account.__enter__()
        self.client = tdclient.Client(apikey=server.key, endpoint=server.url)

    def __call__(self, sql: str) -> list[tuple]:
        job = self.client.query(f"va_config_{self.sub}", sql.replace("{sub}", self.sub), type="presto")
        job.wait()
        if not job.success():
            raise AssertionError(f"{sql}: {job.debug}")
        return [tuple(row) for row in job.result()]

    def close(self) -> None:
        self.account.__exit__(None, None, None)


def revenue(record: Record) -> float:
    fact = record.fact
    return 0.0 if fact["kind"] == "cancel" else fact["amount"] or 0.0


def is_return(record: Record) -> bool:
    return record.fact["kind"] == "return"


def number_of(record: Record) -> str | None:
    """The order's number, also of money that went back under it."""
    return record.key[0] if isinstance(record.key, tuple) else record.key


def is_purchase(record: Record) -> bool:
    return record.fact["kind"] == "purchase"


def month(unix: int | None) -> str | None:
    return None if unix is None else dt.datetime.fromtimestamp(unix, dt.UTC).strftime("%Y-%m-01")


def components(groups: list[list[tuple[str, str]]]) -> dict[tuple[str, str], tuple[str, str]]:
    """Union-find: identifier → its component's representative."""
    parent: dict = {}

    def find(x):
        parent.setdefault(x, x)
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    for ids in groups:
        for one in ids:
            parent[find(one)] = find(ids[0])
            if one[0] == "email" and "+" in one[1]:
                head, host = one[1].split("@")
                parent[find(("email", one[1]))] = find(("mailbox", f"{head.split('+')[0]}@{host}"))
            elif one[0] == "email":
                parent[find(one)] = find(("mailbox", one[1]))
    return {x: find(x) for x in parent}


def compare(shop: Shop, state: Path, sub: str, said: str, plain: bool) -> Faults:
    """Return what a run of *shop* got wrong.

    Args:
        plain: the run had no protection, so people are exactly the components of equal identifiers.
    """
    faults = Faults()
    ask = Answers(state, sub)
    try:
        layers(shop, ask, faults)
        orders = [record for table in ORDERS for record in shop.staged(table)]
        money(orders, ask, faults, said, state)
        products(shop, ask, faults)
        people(shop, ask, faults, plain)
        persons = by_person(orders, ask, faults)
        values(persons, ask, faults, shop.session)
        segments(persons, ask, faults, shop.session)
        consents(shop, ask, faults)
        events(shop, ask, faults, plain)
    finally:
        ask.close()
    return faults


def layers(shop: Shop, ask: Answers, faults: Faults) -> None:
    names = [
        "loyalty_profile",
        *ORDERS,
        "order_details",
        "email_activity",
        "sms_activity",
        "pageviews",
        "app_analytics",
        "formfills",
        "consents",
        "survey_responses",
    ]
    for name in names:
        raw, kept = len(shop.tables[name]), len(shop.staged(name))
        faults.same(f"rows of src {name}", ask(f"select count(*) from src_{{sub}}.{name}")[0][0], raw)
        for layer in ("staging",) if name == "consents" else ("staging", "golden"):
            faults.same(
                f"rows of {layer} {name}", ask(f"select count(*) from {layer}_{{sub}}.{name}")[0][0], kept
            )
    for name, kinds in (("unified_transactions", ORDERS), ("transaction_history", ["order_details"])):
        wanted = sum(len(shop.staged(kind)) for kind in kinds)
        faults.same(f"rows of {name}", ask(f"select count(*) from golden_{{sub}}.{name}")[0][0], wanted)


def money(orders: list[Record], ask: Answers, faults: Faults, said: str, state: Path) -> None:
    net = round(sum(map(revenue, orders)), 2)
    returned = round(sum(revenue(o) for o in orders if is_return(o)), 2)
    bought = [o for o in orders if is_purchase(o)]
    known = [o.fact["amount"] for o in bought if o.fact["amount"] is not None]
    row = ask(
        "select total_revenue, gross_revenue, returns_amount, total_orders, total_returns, "
        "avg_order_value from analytics_{sub}.sales_summary"
    )[0]
    wanted = [
        net,
        round(net - returned, 2),
        returned,
        len(bought),
        sum(map(is_return, orders)),
        sum(known) / len(known) if known else None,
    ]
    for name, found, want in zip(
        ["net", "gross", "returned", "orders", "returns", "average"], row, wanted, strict=True
    ):
        faults.same(f"summary {name}", found, want)
    amounts = sum(o.fact["amount"] or 0 for o in orders)
    for layer, tables in (("src", None), ("staging", ORDERS), ("golden", ["unified_transactions"])):
        if tables:
            found = sum(
                ask(f"select coalesce(sum(amount), 0) from {layer}_{{sub}}.{t}")[0][0] for t in tables
            )
            faults.same(f"amount in {layer}", float(found), float(amounts))
    for table, key in (
        ("sales_trends", lambda o: month(o.fact["unix"])),
        ("sales_by_channel", lambda o: (month(o.fact["unix"]), o.fact["channel"])),
    ):
        names = "month" if table == "sales_trends" else "month, channel"
        rows = ask(
            f"select {names}, total_revenue, total_orders, total_returns from analytics_{{sub}}.{table}"
        )
        found = {(r[0] if table == "sales_trends" else r[:2]): r[-3:] for r in rows}
        faults.same(f"rows of {table}", len(found), len(rows))
        groups = defaultdict(list)
        for order in orders:
            groups[key(order)].append(order)
        for group in set(groups) | set(found):
            own = groups.get(group, [])
            want = (sum(map(revenue, own)), sum(map(is_purchase, own)), sum(map(is_return, own)))
            for name, a, b in zip(
                ["revenue", "orders", "returns"], found.get(group, (None,) * 3), want, strict=True
            ):
                faults.same(f"{table} {name} of {group}", a, b)
    text = f"revenue      {net:,.2f} from {len(bought):,} orders".replace("-0.00", "0.00")
    if text not in said.replace("-0.00", "0.00"):
        faults.append(f"the summary does not say {text!r}")
    pages = {p.stem: p.read_text("utf-8") for p in (state / "output/dashboards").glob("*.html")}
    for what in (f"{net:,.2f}", f"{len(bought):,}", f"{returned:,.2f}"):
        if what.replace("-", "−") not in pages["sales"]:
            faults.append(f"the sales page does not show {what}")


def products(shop: Shop, ask: Answers, faults: Faults) -> None:
    lines = shop.staged("order_details")
    counted = [line for line in lines if line.fact["kind"] != "cancel"]
    wanted, units = defaultdict(float), Counter()
    for line in counted:
        wanted[line.fact["product"]] += line.fact["net"] or 0.0
        units[line.fact["product"]] += line.fact["units"]
    rows = ask("select product_id, total_revenue, units from analytics_{sub}.sales_by_product")
    faults.same_map("product revenue", {r[0]: r[1] for r in rows}, dict(wanted))
    faults.same_map("product units", {r[0]: r[2] for r in rows}, dict(units))
    total = ask("select coalesce(sum(total_revenue), 0e0) from analytics_{sub}.sales_by_department")[0][0]
    faults.same("department revenue", float(total), float(sum(wanted.values())))
    total = ask(
        "select coalesce(sum(lines), 0), coalesce(sum(units), 0) from golden_{sub}.unified_transactions"
    )[0]
    numbers = {number_of(record) for table in ORDERS for record in shop.staged(table)}
    faults.same(
        "lines of orders", total[0], sum(line.key is not None and line.key[0] in numbers for line in lines)
    )


def people(shop: Shop, ask: Answers, faults: Faults, plain: bool) -> None:
    tables = [name for name in shop.tables if shop.tables[name]]
    groups = [r.ids for name in tables for r in shop.staged(name) if r.ids]
    exact = components(groups)
    found = ask("select count(*), count(distinct canonical_id) from golden_{sub}.unified_customers")[0]
    faults.same("people, distinct", found[1], found[0])
    if plain:
        faults.same("people", found[0], len(set(exact.values())))
    elif found[0] < len(set(exact.values())):
        faults.append(f"people: {found[0]} are fewer than {len(set(exact.values()))}")
    owner: dict[str, set] = defaultdict(set)
    for name, value, person in ask(
        "select key_name, id, canonical_id from cdp_unification_{sub}.unified_identities"
    ):
        if name != "mailbox":
            if (name, value) not in exact:
                faults.append(f"identity {name} {value!r} is nobody's")
            else:
                owner[person].add(exact[name, value])
    for person, parts in owner.items():
        if len(parts) > 1:
            faults.append(f"{person} is {len(parts)} people: {sorted(parts)[:3]}")
    known = {x for x in exact if x[0] != "mailbox"}
    told = {
        (n, v)
        for n, v, _ in ask("select key_name, id, canonical_id from cdp_unification_{sub}.unified_identities")
    }
    held = (
        set(ask("select distinct key_name, id from cdp_unification_{sub}.unification_suspects"))
        if not plain
        else set()
    )
    for lost in sorted(known - told - held)[:5]:
        faults.append(f"identity {lost} is lost")


def by_person(orders: list[Record], ask: Answers, faults: Faults) -> dict[str, list[Record]]:
    """Return canonical id → its orders, as the run has it."""
    rows = ask(
        "select order_key, canonical_id from golden_{sub}.unified_transactions where order_key is not null"
    )
    owner = dict(rows)
    persons = defaultdict(list)
    for order in orders:
        if order.key is not None:
            number = number_of(order)
            if number not in owner:
                faults.append(f"order {number} is not in golden")
            elif owner[number]:
                persons[owner[number]].append(order)
            else:
                faults.append(f"order {order.key} is nobody's")
    for row in ask(
        "select canonical_id, amount, transaction_type, channel, order_unix, promo_code "
        "from golden_{sub}.unified_transactions where order_key is null "
        "and canonical_id is not null"
    ):
        kind = row[2] if row[2] in ("return", "cancel") else "purchase"
        fact = {
            "amount": row[1],
            "kind": kind,
            "channel": row[3],
            "unix": row[4],
            "promo": row[5] is not None,
        }
        persons[row[0]].append(Record({}, 0, [], None, fact))
    return persons


def values(persons: dict[str, list[Record]], ask: Answers, faults: Faults, session: int) -> None:
    rows = ask(
        "select canonical_id, lifetime_value, total_orders, total_returns, promo_orders, "
        "last_purchase_unix, first_purchase_unix, purchases_last_30_days, rfm_recency, "
        "rfm_frequency, rfm_monetary, rfm_tier, online_orders from golden_{sub}.customer_attributes"
    )
    table = {row[0]: row for row in rows}
    buyers = {}
    for person, row in table.items():
        own = persons.get(person, [])
        bought = [o for o in own if is_purchase(o)]
        times = [o.fact["unix"] for o in bought if o.fact["unix"] is not None]
        recent = sum(session - 30 * DAY <= t < session for t in times)
        wanted = [
            sum(map(revenue, own)),
            len(bought),
            sum(map(is_return, own)),
            sum(o.fact["promo"] for o in bought),
            max(times, default=None),
            min(times, default=None),
            recent,
        ]
        names = ["value", "orders", "returns", "promos", "last", "first", "last 30 days"]
        for name, found, want in zip(names, row[1:8], wanted, strict=True):
            faults.same(f"{name} of {person}", found, want)
        faults.same(f"online of {person}", row[12], sum(o.fact["channel"] == "online" for o in bought))
        if bought:
            buyers[person] = (row[5] if row[5] is not None else -1, row[2], row[1])
    for place, name in enumerate(["recency", "frequency", "money"]):
        for person, own in buyers.items():
            below = sum(other[place] < own[place] for other in buyers.values())
            faults.same(f"rfm {name} of {person}", table[person][8 + place], 1 + below * 5 // len(buyers))
    for person in set(table) - set(buyers):
        faults.same(f"tier of {person}", table[person][11], "Never Bought")
    for person in set(persons) - set(table):
        faults.append(f"buyer {person} has no attributes")


def segments(persons: dict[str, list[Record]], ask: Answers, faults: Faults, session: int) -> None:
    sizes = dict(
        ask(
            "select name, max_by(population, logged_at) from segment_logs where status = 'success' "
            f"and population is not null and session_unixtime = {session} group by name"
        )
    )

    def bought(person, channel=None):
        return [
            o.fact["unix"] for o in persons[person] if is_purchase(o) and channel in (None, o.fact["channel"])
        ]

    def recent(times, days=30):
        return any(t is not None and session - days * DAY <= t < session for t in times)

    def edge(times, pick):
        return pick((t for t in times if t is not None), default=None)

    wanted = {
        "Bought Online In 30 Days": sum(recent(bought(p, "online")) for p in persons),
        "Media Suppression": sum(recent(bought(p)) for p in persons),
        "Shops In Both Channels": sum(
            bool(bought(p, "online")) and bool(bought(p, "store")) for p in persons
        ),
        "Lapsed Customers": sum((edge(bought(p), max) or session) < session - 365 * DAY for p in persons),
        "New Customers": sum(recent([edge(bought(p), min)]) for p in persons),
        **{
            name: ask("select count(*) from golden_{sub}.unified_customers")[0][0]
            for name in sizes
            if name.startswith("Retail Customers")
        },
    }
    for name, want in wanted.items():
        faults.same(f"segment {name}", sizes.get(name), want)
    faults.same(
        "failed segments", ask("select name, message from segment_logs where status <> 'success'"), []
    )


def consents(shop: Shop, ask: Answers, faults: Faults) -> None:
    last: dict = {}
    for record in shop.tables["consents"]:
        if not record.ids:
            continue
        key = (record.ids[0][1], record.fact["kind"])
        place = (record.fact["flag"] is not None, record.time, record.fact["flag"] == "False")
        if key not in last or place > last[key][0]:
            last[key] = (place, record.fact["flag"])
    rows = ask("select id, consent_type, consent_flag from golden_{sub}.consents")
    faults.same("rows of golden consents", len(rows), len(last))
    faults.same_map("consent", {r[:2]: r[2] for r in rows}, {key: value[1] for key, value in last.items()})


def events(shop: Shop, ask: Answers, faults: Faults, plain: bool) -> None:
    rows = ask(
        "select coalesce(sum(email_opens), 0), coalesce(sum(email_clicks), 0), "
        "coalesce(sum(email_bounces), 0) from golden_{sub}.engagement_metrics"
    )
    kinds = Counter(r.fact["kind"] for r in shop.tables["email_activity"] if r.ids)
    if plain:
        faults.same("e-mail events", rows[0], (kinds["open"], kinds["click"], kinds["bounce"]))
    visits, last = 0, {}
    for record in sorted(shop.tables["pageviews"], key=lambda r: r.time):
        cookie = record.fact["cookie"]
        if cookie is None:
            continue
        visits += cookie not in last or record.time - last[cookie] > 1800
        last[cookie] = record.time
    row = ask("select sessions, visitors, page_views from analytics_{sub}.web_summary")[0]
    faults.same(
        "web", row, (visits, len(last), sum(r.fact["cookie"] is not None for r in shop.tables["pageviews"]))
    )
    bad = ask("select count(*) from staging_{sub}.email_activity where trfmd_activity_date_unix is null")[0][
        0
    ]
    faults.same("unread event dates", bad, 0)
    wanted = sorted(r.fact["unix"] for r in shop.tables["email_activity"])
    found = sorted(
        r[0]
        for r in ask(
            "select trfmd_activity_date_unix from staging_{sub}.email_activity "
            "where trfmd_activity_date_unix is not null"
        )
    )
    faults.same("event times", found, wanted)
