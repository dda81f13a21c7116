"""A little shop with oddities, made from a seed, and what is true of it, worked out without the pack.

``Shop(seed)`` makes raw rows beside what each of them means; ``write`` puts them down as files, a load list
and an overlay whose map gives every column another name; ``truth`` counts orders, money, people, consents.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.support import ROOT, SESSION_UNIXTIME

DAY = 86400
LONG_TEXT = "Ä'\"; drop table \u2028 😀\n" * 400
ODD_TEXTS = ["", "O'Neil", 'say "hi"', "two\nlines", "😀 ÅÑß 漢字", "a,b;c\td", "${sub}", "null", LONG_TEXT]
DEPARTMENTS = ["Shoes", "Größe 50+", "women's", "😀"]
PURCHASES = ["sale", "Purchase", " ORDER ", "completed", "", "Verkauf"]
RETURNS = ["refund", "Return", "RETOURE"]
CANCELS = ["cancelled", "Canceled", "void"]
YES, NO = ["true", "YES", "1", "ja", "Subscribed"], ["false", "No", "0", "nein", "unsubscribed"]
NOBODY_IDS = ["unknown", "0", "N/A", "guest", "NaN", "", None]
NOBODY_MAILS = ["test@test.com", "not-an-address", "unknown", "", None, "noemail@noemail.com", "a@b@c.de"]
NOBODY_PHONES = ["0000000000", "123", "unknown", "", None, "999-999-9999", "n/a"]
NOTHING = ["", None, "  ", "(not set)", "Unknown", "null", "00000000-0000-0000-0000-000000000000"]


@dataclass
class Record:
    """One raw row: what the source sends, when, and what it means."""

    row: dict[str, Any]
    time: int
    ids: list[tuple[str, str]] = field(default_factory=list)
    key: Any = None  # rows with an equal key are one record; None: a record of its own
    fact: dict[str, Any] = field(default_factory=dict)


@dataclass
class Person:
    """Somebody, with everything that identifies them."""

    number: int
    customer: str | None
    mails: list[str]
    phones: list[str]
    card: str
    cookie: str
    device: str
    born: str | None
    tier: str | None
    country: str | None


class Shop:
    """The raw rows of a shop, by table of the retail schema."""

    def __init__(self, seed: int, most_people: int = 60) -> None:
        self.random = random.Random(seed)
        self.seed = seed
        self.session = SESSION_UNIXTIME
        draw = self.random
        self.tables: dict[str, list[Record]] = defaultdict(list)
        self.number_form = draw.choice(["", "point", "comma"])
        self.day_first = draw.random() < 0.3
        self.people = [self.person(i) for i in range(draw.randint(5, most_people))]
        self.orders = 0
        for person in self.people:
            self.records_of(person, everything=person.number == 0)
        self.strangers()
        self.repeat_some()
        self.absent = [
            name
            for name in ("survey_responses", "app_analytics", "sms_activity", "formfills")
            if draw.random() < 0.2
        ]
        self.empty = [
            name
            for name in ("consents", "pageviews", "email_activity", "order_offline_transactions")
            if draw.random() < 0.12
        ]
        for name in self.absent + self.empty:
            self.tables[name] = []

    def person(self, number: int) -> Person:
        draw = self.random
        name = f"{draw.choice('bcdfghjklm')}{draw.choice('aeiou')}{number:02d}"
        mails = [
            f"{name}.{word}@{host}"
            for word, host in draw.sample(
                [("x", "mail.example.io"), ("home", "kueche.example.de"), ("work", "firm.co.uk")],
                draw.randint(0, 3),
            )
        ]
        phones = [
            f"+1{draw.choice(['212', '415', '312'])}{200 + number}{draw.randint(1000, 9999)}",
            f"+4930{number + 10}{draw.randint(10000, 99999)}",
        ][: draw.randint(0, 2)]
        return Person(
            number,
            draw.choice([f"C-{1000 + number}", str(70000 + number * 13), None]),
            mails,
            phones,
            f"tok_{number}_{draw.randint(10**6, 10**7)}",
            f"ck-{number}-{draw.randint(10**6, 10**7)}",
            f"dev-{number}-{draw.randint(10**6, 10**7)}",
            draw.choice([None, f"19{draw.randint(40, 99)}-0{draw.randint(1, 9)}-1{draw.randint(0, 9)}"]),
            draw.choice([None, "gold", "PLATINUM", "silver"]),
            draw.choice([None, "US", "Deutschland", "gb", "JP"]),
        )

    # what a source writes for a value -------------------------------------------------------------------

    def customer(self, ids: list, person: Person | None) -> Any:
        draw = self.random
        if person is None or person.customer is None or draw.random() < 0.2:
            return draw.choice(NOBODY_IDS)
        ids.append(("customer_id", person.customer.upper()))
        forms = [person.customer, f" {person.customer} ", person.customer.lower()]
        return draw.choice(forms + [f"{person.customer}.0"] * person.customer.isdigit())

    def mail(self, ids: list, person: Person | None) -> Any:
        draw = self.random
        if person is None or not person.mails or draw.random() < 0.2:
            return draw.choice(NOBODY_MAILS)
        mail = draw.choice(person.mails)
        if draw.random() < 0.15:
            mail = mail.replace("@", "+news@")
        ids.append(("email", mail))
        return draw.choice([mail, mail.upper(), f"  {mail}", f"{mail} ", mail.title()])

    def phone(self, ids: list, person: Person | None) -> Any:
        draw = self.random
        if person is None or not person.phones or draw.random() < 0.2:
            return draw.choice(NOBODY_PHONES)
        phone = draw.choice(person.phones)
        ids.append(("phone_number", phone))
        if phone.startswith("+1"):
            a, b, c = phone[2:5], phone[5:8], phone[8:]
            return draw.choice([phone, f"({a}) {b}-{c}", f"{a}.{b}.{c}", f"1-{a}-{b}-{c}", f"+1 {a} {b} {c}"])
        return draw.choice([phone, f"+49 30 {phone[5:]}", f"tel:{phone}"])

    def date(self, unix: int | None) -> Any:
        """Return a form of a moment, or of none."""
        draw = self.random
        if unix is None:
            return draw.choice(["0000-00-00", "2026-02-30", "soon", "", None, "31/31/2026"])
        moment = dt.datetime.fromtimestamp(unix, dt.UTC)
        east = moment.astimezone(dt.timezone(dt.timedelta(hours=5, minutes=30)))
        forms = [
            moment.strftime("%Y-%m-%d %H:%M:%S"),
            moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            east.isoformat(),
            east.strftime("%Y-%m-%d %H:%M:%S%z"),
            moment.strftime("%d.%m.%Y %H:%M:%S"),
            moment.strftime("%d %b %Y %H:%M:%S"),
            moment.strftime("%B %d, %Y %I:%M:%S %p"),
            moment.strftime("%d/%m/%Y %H:%M:%S" if self.day_first else "%m/%d/%Y %I:%M:%S %p"),
            moment.strftime("%Y/%m/%d %H:%M:%S"),
            moment.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            str(unix),
            str(unix * 1000 + 7),
        ]
        return draw.choice(forms)

    def money(self, value: float | None) -> Any:
        if value is None:
            return self.random.choice(["free", "", None, "-"])
        if self.number_form == "comma":
            return f"{value:,.2f}".translate(str.maketrans(",.", ".,")) + self.random.choice(
                ["", " €", " EUR"]
            )
        if self.number_form == "point":
            text = f"{abs(value):,.2f}"
            sign = "-" if value < 0 else ""
            return self.random.choice([f"{sign}${text}", f"{sign}{text}", f"USD {sign}{text}"])
        return self.random.choice([f"{value:.2f}", f" {value} ", repr(value)])

    def text(self) -> Any:
        return self.random.choice([None, *ODD_TEXTS])

    def moment(self) -> int:
        """A moment of the last two years, now and then of the coming month."""
        draw = self.random
        if draw.random() < 0.03:
            return SESSION_UNIXTIME + draw.randint(1, 30 * DAY)
        span = draw.choice([20 * DAY, 200 * DAY, 700 * DAY])
        return SESSION_UNIXTIME - draw.randint(3600, span)

    def arrival(self) -> int:
        return SESSION_UNIXTIME - self.random.randint(1, 10**6)

    # the rows -------------------------------------------------------------------------------------------

    def records_of(self, person: Person, everything: bool) -> None:
        draw = self.random

        def often(most: int) -> range:
            return range(most + 1 if everything else max(0, draw.randint(-1, most)))

        if everything or draw.random() < 0.7:
            self.member(person)
        for _ in often(6):
            self.order(person, "order_digital_transactions")
        for _ in often(4):
            self.order(person, "order_offline_transactions")
        for _ in often(3):
            self.consent(person)
        for _ in often(4):
            self.mail_event(person)
        for _ in often(3):
            self.text_event(person)
        for _ in often(6):
            self.view(person)
        for _ in often(1):
            ids: list = []
            row = {
                "email": self.mail(ids, person),
                "phone_number": self.phone(ids, person),
                "td_client_id": person.cookie,
                "form_type": self.text(),
            }
            self.add("formfills", Record(row, self.arrival(), [*ids, ("td_client_id", person.cookie)]))
        for _ in often(2):
            ids = []
            row = {
                "user_id": self.customer(ids, person),
                "email": self.mail(ids, person),
                "device_id": person.device,
                "event_type": "open_app",
                "event_time": self.date(self.moment()),
                "event_properties": '{"a": "it\'s"}',
            }
            self.add("app_analytics", Record(row, self.arrival(), [*ids, ("device_id", person.device)]))
        for _ in often(1):
            ids = []
            row = {
                "survey_id": "s1",
                "question_text": self.text(),
                "answer": self.text(),
                "answer_numeric": draw.choice(["5", "3.5", "x", None]),
                "customer_id": self.customer(ids, person),
                "email": self.mail(ids, person),
                "submitted_at": self.date(self.moment()),
            }
            self.add("survey_responses", Record(row, self.arrival(), ids))

    def strangers(self) -> None:
        """Orders, lines and events of nobody."""
        for _ in range(self.random.randint(0, 4)):
            self.order(None, "order_offline_transactions")
            self.line(f"LOST{self.random.randint(1, 10**6)}", 1, self.moment(), 12.5, 1, None)
            self.consent(None)
        for _ in range(self.random.randint(0, 2)):
            self.order(None, "order_digital_transactions", number=None)
            self.line(None, 1, self.moment(), 7.5, 1, None)
            self.mail_event(None)

    def member(self, person: Person) -> None:
        ids: list = []
        row = {
            "customer_id": self.customer(ids, person),
            "email": self.mail(ids, person),
            "phone_number": self.phone(ids, person),
            "secondary_email": self.mail(ids, person),
            "wishlist_item": self.text(),
            "date_of_birth": person.born,
            "membership_tier": person.tier,
            "membership_status": self.random.choice(["active", "true", "inactive", None]),
            "country": None if any(kind == "phone_number" for kind, _ in ids) else person.country,
            "gender": self.random.choice(["F", "male", "weiblich", "?", None]),
            "created_at": self.date(self.moment()),
            "updated_at": self.date(self.moment()),
            "membership_points_balance": self.random.choice(["12", "-5", "many", None, "9" * 25]),
        }
        key = next((value for kind, value in ids if kind == "customer_id"), None)
        self.add("loyalty_profile", Record(row, self.arrival(), ids, key, {"person": person}))

    def order(self, person: Person | None, table: str, number: Any = ...) -> None:
        draw = self.random
        self.orders += 1
        number = f"{'W' if 'digital' in table else 'S'}{self.orders:05d}" if number is ... else number
        kind = draw.choices(["purchase", "return", "cancel"], [8, 1.5, 0.7])[0]
        unix = None if draw.random() < 0.04 else self.moment()
        prices = [draw.choice([0.0, 9.99, 20.0, 0.1, 1234.56]) for _ in range(draw.randint(0, 4))]
        if draw.random() < 0.01:
            prices = [9_876_543.21]
        sign = -1 if kind == "return" else 1
        amount = None if draw.random() < 0.04 else round(sign * sum(prices), 2)
        word = {"purchase": PURCHASES, "return": RETURNS, "cancel": CANCELS}[kind]
        told = draw.choice(word)
        if amount is not None and amount < 0 and draw.random() < 0.3:
            told = ""  # only the sign tells
        if kind == "return" and (amount is None or amount == 0):
            told = "refund"
        ids: list = []
        promo = draw.choice([None, "SALE10", " sale10 ", ""])
        row = {
            "order_no": self.numbered(number),
            "customer_id": self.customer(ids, person),
            "email": self.mail(ids, person),
            "phone_number": self.phone(ids, person),
            "token": person.card if person and draw.random() < 0.4 else draw.choice(NOTHING),
            "order_datetime": self.date(unix),
            "order_transaction_type": told,
            "payment_method": draw.choice(["visa", "PayPal", "cash", None]),
            "promo_code": promo,
            "amount": self.money(amount),
        }
        if person and row["token"] == person.card:
            ids.append(("credit_card_token", person.card))
        if number is not None:
            ids.append(("order_no", number))
        fact = {
            "kind": kind,
            "unix": unix,
            "amount": amount,
            "promo": bool((promo or "").strip()),
            "channel": "online" if "digital" in table else "store",
        }
        key = number
        record = Record(row, self.arrival(), ids, key, fact)
        self.add(table, record)
        if number is not None and draw.random() < 0.9:
            for place, price in enumerate(prices, 1):
                self.line(number, place, unix, sign * price, sign, kind)
        if draw.random() < 0.05 and (kind != "return" or amount):  # again, later and changed: this counts
            newer = dict(fact, amount=5.0 * sign)
            newer_row = {**row, "amount": self.money(5.0 * sign)}
            self.add(table, Record(newer_row, record.time + 10, list(ids), key, newer))
        if draw.random() < 0.1 and number is not None and kind == "purchase":  # money back under its number
            later = (unix or SESSION_UNIXTIME - 9 * DAY) + DAY
            back_row = {
                **row,
                "amount": self.money(-1.5),
                "order_transaction_type": draw.choice([*RETURNS, ""]),
                "order_datetime": self.date(later),
            }
            back = dict(fact, amount=-1.5, kind="return", unix=later)
            self.add(table, Record(back_row, record.time + 20, list(ids), (number, "back"), back))

    def numbered(self, number: str | None) -> Any:
        """Return a form of an order's number, or of none."""
        if number is None:
            return self.random.choice([None, "", "N/A", "-", " "])
        return self.random.choice([number, number, f" {number} "])

    def line(
        self, number: str | None, place: int, unix: int | None, price: float, units: int, kind: Any
    ) -> None:
        draw = self.random
        sku = draw.randint(1, 6)
        net = None if draw.random() < 0.03 else price
        department = draw.choice([*DEPARTMENTS, None, ""])
        row = {
            "order_no": self.numbered(number),
            "order_line_no": place,
            "product_id": draw.choice([f"SKU{sku}", f"00{sku}"]),
            "product_name": draw.choice([f"Thing {sku}", "😀", None]),
            "product_department": department,
            "product_description": self.text(),
            "order_transaction_type": {"return": "return", "cancel": "cancel"}.get(kind, ""),
            "order_datetime": self.date(unix) if draw.random() < 0.8 else None,
            "quantity": units,
            "net_price": self.money(net),
        }
        fact = {"net": net, "units": units, "kind": kind or "purchase", "product": row["product_id"]}
        ids = [("order_no", number)] if number else []
        self.add("order_details", Record(row, self.arrival(), ids, (number, place) if number else None, fact))

    def consent(self, person: Person | None) -> None:
        draw = self.random
        ids: list = []
        by_mail = draw.random() < 0.6
        value = self.mail(ids, person) if by_mail else self.phone(ids, person)
        flag = draw.choice([*YES, *NO, "perhaps", None])
        kind = draw.choice(["email", "sms"])
        row = {
            "id": value,
            "id_type": "email" if by_mail else "phone_number",
            "consent_type": kind,
            "consent_flag": flag,
        }
        word = "True" if flag in YES else "False" if flag in NO else None
        self.add("consents", Record(row, self.arrival(), ids, None, {"kind": kind, "flag": word}))

    def mail_event(self, person: Person | None) -> None:
        draw = self.random
        ids: list = []
        word, kind = draw.choice(
            [
                ("Opened Email", "open"),
                ("clicked", "click"),
                ("sent", "sent"),
                ("delivered", "delivered"),
                ("Hard Bounce", "bounce"),
                ("zzz", ""),
            ]
        )
        unix = self.moment()
        row = {
            "email": self.mail(ids, person),
            "customer_id": self.customer(ids, person),
            "activity_type": word,
            "campaign_name": self.text(),
            "activity_date": self.date(unix),
        }
        self.add("email_activity", Record(row, self.arrival(), ids, None, {"kind": kind, "unix": unix}))

    def text_event(self, person: Person) -> None:
        ids: list = []
        row = {
            "phone_number": self.phone(ids, person),
            "email": self.mail(ids, person),
            "activity_type": self.random.choice(["sent", "STOP", "clicked"]),
            "message_date": self.moment() * self.random.choice([1, 1000]),
            "message_text": self.text(),
        }
        self.add("sms_activity", Record(row, self.arrival(), ids))

    def view(self, person: Person) -> None:
        unix = self.moment()
        path = self.random.choice(["/", "/cart", "/p/1", "/c/shoes/", "/checkout", "/größe"])
        cookie = person.cookie if self.random.random() < 0.9 else None
        row = {
            "td_client_id": cookie or self.random.choice(NOTHING),
            "td_url": f"https://shop.example.io{path}?q=%27",
            "td_path": path,
            "td_host": "shop.example.io",
            "td_title": self.text(),
        }
        ids = [("td_client_id", cookie)] if cookie else []
        self.add("pageviews", Record(row, unix, ids, None, {"cookie": cookie, "path": path}))

    def add(self, table: str, record: Record) -> None:
        self.tables[table].append(record)

    def repeat_some(self) -> None:
        """Rows of keyed tables sent twice, byte for byte."""
        for table in (
            "loyalty_profile",
            "order_digital_transactions",
            "order_offline_transactions",
            "order_details",
        ):
            for record in list(self.tables[table]):
                if record.key is not None and self.random.random() < 0.08:
                    self.add(
                        table, Record(dict(record.row), record.time, record.ids, record.key, record.fact)
                    )
            self.random.shuffle(self.tables[table])

    def next_day(self) -> None:
        """Let a day pass: some rows go, some orders change, new ones come."""
        draw = self.random
        self.session += DAY
        for records in self.tables.values():
            records[:] = [record for record in records if draw.random() > 0.1]
        for table in ("order_digital_transactions", "order_offline_transactions"):
            for record in self.staged(table):
                if record.fact["kind"] == "purchase" and draw.random() < 0.2:
                    fact = dict(record.fact, amount=77.7)
                    row = {**record.row, "amount": self.money(77.7)}
                    self.add(table, Record(row, record.time + 100, record.ids, record.key, fact))
        for person in draw.sample(self.people, len(self.people) // 3):
            for table in ("order_digital_transactions", "order_offline_transactions"):
                if table not in self.absent + self.empty:
                    self.order(person, table)

    # putting it down ------------------------------------------------------------------------------------

    def write(self, folder: Path, sub: str, plain: bool = True) -> None:
        """Write files, loads.yml and the overlay below *folder*.

        Args:
            plain: people are exactly those whom equal identifiers join: nothing is protected or matched.
        """
        draw = random.Random(self.seed + 1)
        overlay = folder / "overlay"
        (overlay / "config/vocabulary").mkdir(parents=True, exist_ok=True)
        (folder / "files").mkdir(exist_ok=True)
        if plain:
            (overlay / "unification").mkdir(exist_ok=True)
            self.put(overlay / "unification/match.yml", {"matching": {}})
        schema = yaml.safe_load((ROOT / "config/retail_schema.yml").read_text("utf-8"))
        loads, mapped = [], {}
        for table, columns in schema.items():
            if table in self.absent:
                continue
            records = self.tables[table]
            used = list(dict.fromkeys(name for record in records for name in record.row)) or list(columns)[:4]
            names = {
                name: f"{draw.choice(['src', 'x', 'feld'])}_{i}_{name[:5].strip('_')}"
                for i, name in enumerate(used)
            }
            raw = f"export_{len(loads)}_{table[:6].strip('_')}"
            self.file(folder / "files", raw, names, records, draw)
            loads.append(
                {"files": f"files/{raw}.{self.form}", "into": f"raw_{sub}.{raw}", "time_column": "seen"}
            )
            entries = {}
            for name in used:
                entries[name] = {"prp": names[name], "type": columns[name]}
                if columns[name] == "double" and self.number_form and name in ("amount", "net_price"):
                    entries[name]["number"] = self.number_form
            mapped[table] = {"prp_table_name": table, "prep": {"from": [raw]}, "columns": entries}
        self.put(folder / "loads.yml", loads)
        self.put(overlay / "config/schema_map.yml", mapped)
        params = {"defaults": {"sub": sub}, "absent_tables": self.absent}
        self.put(overlay / "config/src_params.yml", params)
        words = (ROOT / "config/vocabulary/words.csv").read_text("utf-8")
        words = "".join(line for line in words.splitlines(True) if not line.startswith("date_order,"))
        if self.day_first:
            words = words.rstrip("\n") + "\n" + "".join(f"date_order,{table},day_first\n" for table in schema)
        (overlay / "config/vocabulary/words.csv").write_text(words, "utf-8")

    form = "csv"

    def file(
        self, folder: Path, raw: str, names: dict[str, str], records: list[Record], draw: random.Random
    ) -> None:
        self.form = draw.choice(["csv", "jsonl"]) if records else "csv"
        rows = [
            {
                **{names[name]: value for name, value in record.row.items()},
                "seen": record.time,
                "extra": "x\n'",
            }
            for record in records
        ]
        path = folder / f"{raw}.{self.form}"
        if self.form == "jsonl":
            path.write_text(
                "".join(json.dumps(row, ensure_ascii=draw.random() < 0.5) + "\n" for row in rows), "utf-8"
            )
            return
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, [*names.values(), "seen", "extra"])
            writer.writeheader()
            writer.writerows(rows)

    @staticmethod
    def put(path: Path, value: Any) -> None:
        path.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), "utf-8")

    # what is true ---------------------------------------------------------------------------------------

    def staged(self, table: str) -> list[Record]:
        """The rows that stay of a table: of an equal key the latest."""
        latest: dict[Any, Record] = {}
        for number, record in enumerate(self.tables[table]):
            key = ("own", number) if record.key is None else record.key
            if key not in latest or record.time > latest[key].time:
                latest[key] = record
        return list(latest.values())
