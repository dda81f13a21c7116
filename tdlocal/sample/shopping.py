"""Orders, their lines and returns, online and in the stores."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from tdlocal.sample import dirt, words
from tdlocal.sample.catalogue import PARTNERS, Product, pick
from tdlocal.sample.dice import Dice
from tdlocal.sample.people import Address, Person
from tdlocal.sample.rhythm import DAY, Rhythm, american, iso, iso_offset, plain
from tdlocal.sample.sink import Sink

FIRST_ORDER_ID = 5_400_000_000_000
CARDS = ("visa", "visa", "visa", "mastercard", "mastercard", "american_express", "discover")
TENDERS = ("VISA", "VISA", "Visa", "MASTERCARD", "MC", "AMEX", "Cash", "CASH", "gift card")
NAMELESS_TENDERS = ("Cash", "CASH", "gift card")
STAYS_NAMELESS = 0.06  # of the customers who pay cash and show no member card
CODES = (("SAVE10", 10), ("WELCOME15", 15), ("FREESHIP", 0), ("VIP20", 20))
STORES = [
    (
        f"S{position + 1:03d}",
        f"{100 + 37 * position} {words.STREETS[position * 3]} {words.STREET_TYPES[position % 4][1]}",
        city,
    )
    for position, city in enumerate(words.CITIES[place] for place in words.STORE_CITIES)
]


@dataclass(slots=True)
class Line:
    """One order line in cents; a returned line has negative quantity and money."""

    product: Product
    quantity: int
    discount: int
    tax: int
    total: int


@dataclass(slots=True)
class Order:
    """One order or return; *until* is the first moment after the data."""

    channel: str
    number: int
    moment: int
    lines: list[Line]
    code: str | None
    until: int


def buy(
    dice: Dice, person: Person, rhythm: Rhythm, sink: Sink, *, number: int = 0
) -> list[tuple[str, int, int]]:
    """Write the person's orders and returns; return the purchases, oldest first: channel, moment, number.

    Args:
        number: the orders are numbered from the one after this.
    """
    count = min(int(person.activity + dice.roll()), 150)
    moments = []
    for _ in range(count):
        channel = "online" if dice.yes(person.online_share) else "store"
        city = person.home.city if channel == "online" else STORES[person.store][2]
        moments.append(
            (rhythm.moment(channel, person.joined, dice.roll(), dice.roll(), city.utc_hours), channel)
        )
    moments.sort()
    bought = []
    for moment, channel in moments:
        number += 1
        code, percent = _promotion(dice, moment)
        lines = _basket(dice, person, percent)
        _write_order(dice, person, sink, Order(channel, number, moment, lines, code, rhythm.until))
        bought.append((channel, moment, number))
        back_at = moment + (2 + dice.below(28)) * DAY + dice.below(DAY // 4)
        if dice.yes(0.09) and back_at < rhythm.until:
            number += 1
            back = [line for line in lines if dice.yes(0.6)] or lines[:1]
            returned = [_returned(line) for line in back]
            _write_order(dice, person, sink, Order(channel, number, back_at, returned, None, rhythm.until))
    person.purchases = [(channel, moment) for channel, moment, _ in bought]
    return bought


def _promotion(dice: Dice, moment: int) -> tuple[str | None, int]:
    month_day = iso(moment)[5:10]
    if "11-20" <= month_day <= "12-02" and dice.yes(0.6):
        return "BLACKFRIDAY25", 25
    return dice.pick(CODES) if dice.yes(0.16) else (None, 0)


def _basket(dice: Dice, person: Person, percent: int) -> list[Line]:
    wanted: dict[str, Product] = {}
    for _ in range(1 + dice.count(1.1, 11)):
        chance = dice.roll()
        department = (
            person.departments[0]
            if chance < 0.55
            else person.departments[1]
            if chance < 0.8
            else dice.pick(_ANY)
        )
        product = pick(department, dice.roll())
        wanted[product.sku] = product
        partner = PARTNERS.get(product.sku)
        if partner and dice.yes(partner[1]):
            wanted[partner[0].sku] = partner[0]
    lines = []
    for product in wanted.values():
        quantity = 1 if dice.yes(0.88) else 2 + dice.below(2)
        gross = product.cents * quantity
        discount = gross * (percent + (30 if product.markdown else 0)) // 100
        total = gross - discount
        tax = 0 if person.home.city.country == "GB" else (total * 8 + 50) // 100
        lines.append(Line(product, quantity, discount, tax, total))
    return lines


_ANY = tuple(sorted({"Women", "Men", "Kids", "Shoes", "Home", "Accessories"}))


def _returned(line: Line) -> Line:
    return Line(line.product, -line.quantity, -line.discount, -line.tax, -line.total)


def _write_order(dice: Dice, person: Person, sink: Sink, order: Order) -> None:
    channel, number, moment, lines = order.channel, order.number, order.moment, order.lines
    subtotal = sum(line.total for line in lines)
    person.orders += subtotal > 0
    person.revenue_cents += subtotal
    if channel == "online":
        order_no = str(FIRST_ORDER_ID + person.number * 1000 + number)
        _online(dice, person, sink, order_no, order)
    else:
        order_no = f"{STORES[person.store][0]}-{person.number * 1000 + number:010d}"
        _in_store(dice, person, sink, order_no, order)
    kind = "sale" if subtotal > 0 else "refund"
    for line_number, line in enumerate(lines, 1):
        product = line.product
        row: list[Any] = [
            order_no, line_number, kind, iso(moment), product.sku, product.name, product.color,
            person.sizes[product.department],
            f"{product.name}, {product.category.lower()}" if line_number % 3 else None,
            dirt.case_text(dice, product.department), product.category, line.quantity, product.cents / 100,
            line.discount / 100, line.tax / 100, line.total / 100, moment,
        ]  # fmt: skip
        sink.add("order_details", row, person.person_id)
        if dice.yes(0.005):
            sink.add("order_details", row, person.person_id)


def _online(dice: Dice, person: Person, sink: Sink, order_no: str, order: Order) -> None:
    moment, lines, code = order.moment, order.lines, order.code
    signed_in = bool(person.customer_ids) and dice.yes(0.72)
    customer_id = dice.pick(person.customer_ids) if signed_in else None
    email = person.emails[0] if signed_in and dice.yes(0.9) else dice.pick(person.emails)
    email_field = dirt.maybe_junk_email(
        dice, None if dice.yes(0.01) else email, typed=not signed_in, junk=0.006
    )
    phone = dice.pick(person.phones) if dice.yes(0.6) else None
    phone_field = dirt.maybe_junk_phone(dice, phone, junk=0.01)
    subtotal = sum(line.total for line in lines)
    discount, tax = sum(line.discount for line in lines), sum(line.tax for line in lines)
    sale = subtotal > 0
    pickup = sale and dice.yes(0.12)
    shipping = 0 if not sale or pickup or code == "FREESHIP" or subtotal > 10_000 else 595
    billing = person.home if len(person.addresses) == 1 or dice.yes(0.8) else person.addresses[1]
    by_paypal = dice.yes(0.2)
    customer = (
        {
            "id": f" {customer_id}" if dice.yes(0.004) else customer_id,
            "email": email, "phone": phone, "first_name": person.first, "last_name": person.last,
        }
        if customer_id else None
    )  # fmt: skip
    tags = [word for word, there in (
        ("bopis", pickup), ("markdown", any(line.product.markdown for line in lines)), ("expedited",
        sale and dice.yes(0.1)),
    ) if there]  # fmt: skip
    store_id, store_line, store_city = STORES[person.store]
    created = iso_offset(moment, person.home.city.utc_hours)
    updated = min(moment + dice.below(2 * DAY), order.until - 1)
    row: list[Any] = [
        order_no, f"#{int(order_no) - FIRST_ORDER_ID}", email_field, phone_field, created, iso(updated),
        dice.pick(("sale", "sale", "sale", "Sale")) if sale else "refund",
        _text(customer), _text(_place(dice, person, billing)),
        None if pickup else _text(_place(dice, person, person.home)),
        _text([{"code": code.lower() if dice.yes(0.1) else code,
        "amount": _money(discount)}] if code else []),
        _text(["paypal"] if by_paypal else [dice.pick(CARDS)]),
        None if by_paypal else dice.pick(person.tokens),
        ", ".join(tags), iso(moment + (3 + dice.below(5)) * DAY)[:10] if sale and not pickup else None,
        _text({
            "id": store_id, "address1": store_line, "city": store_city.name,
            "province_code": store_city.state,
            "zip": f"{store_city.zip_prefix}01", "country_code": store_city.country,
        }) if pickup else None,
        _money(subtotal), _money(discount), _money(shipping), _money(tax), _money(subtotal + shipping + tax),
        "USD",
        dice.pick(("/", "/sale", "/new", None)), dice.pick(("web", "web", "iphone", "android")), updated,
    ]  # fmt: skip
    sink.add("order_digital_transactions", row, person.person_id)
    if dice.yes(0.02):
        again = list(row)
        if dice.yes(0.6):
            later = min(updated + 3600, order.until - 1)
            again[5], again[24] = iso(later), later
        sink.add("order_digital_transactions", again, person.person_id)


def _place(dice: Dice, person: Person, address: Address) -> dict[str, str]:
    city = address.city
    return {
        "first_name": dirt.case_text(dice, person.first), "last_name": dirt.case_text(dice, person.last),
        "address1": address.line(dice), "city": dirt.case_text(dice, city.name),
        "province_code": city.state if dice.yes(0.9) else city.state_name, "zip": address.zip,
        "country_code": city.country,
    }  # fmt: skip


def _in_store(dice: Dice, person: Person, sink: Sink, order_no: str, order: Order) -> None:
    moment, lines, code = order.moment, order.lines, order.code
    tender = dice.pick(TENDERS if person.tokens else NAMELESS_TENDERS)
    member_no, email, phone, token = _shown(dice, person, by_card=tender not in NAMELESS_TENDERS)
    store_id, store_line, city = STORES[person.store]
    sale = lines[0].quantity > 0
    row: list[Any] = [
        order_no, member_no, email, phone, token,
        american(moment) if dice.yes(0.7) else plain(moment),
        dice.pick(("SALE", "SALE", "sale")) if sale else dice.pick(("RETURN", "RETURN", "return")), tender,
        code, ("Y" if any(line.product.markdown for line in lines) else "N") if dice.yes(0.97) else None,
        store_id, store_line, city.name, city.state, f"{city.zip_prefix}01", city.country,
        sum(line.total for line in lines) / 100, sum(line.discount for line in lines) / 100,
        f"R{dice.below(6) + 1}", f"E{dice.below(40) + 100}", moment,
    ]  # fmt: skip
    sink.add("order_offline_transactions", row, person.person_id)
    if dice.yes(0.01):
        sink.add("order_offline_transactions", row, person.person_id)


def _shown(dice: Dice, person: Person, *, by_card: bool) -> list[str | None]:
    """Return what the till learns of the person: member number, e-mail, phone and card token."""
    chance = dice.roll()
    member_no: str | None = None
    if chance < 0.02:
        member_no = dice.pick(words.JUNK_CUSTOMERS)
    elif chance < 0.72 and person.customer_ids:
        member_no = dice.pick(person.customer_ids)
    token = dice.pick(person.tokens) if by_card and dice.yes(0.93) else None
    # the address that the till knows the person by is always the same
    email = person.emails[0] if person.emails and dice.yes(0.15) else None
    phone = dice.pick(person.phones) if person.phones and dice.yes(0.1) else None
    nameless = (member_no is None or chance < 0.02) and not (token or email or phone)
    if nameless and person.emails and not dice.yes(STAYS_NAMELESS):  # asked where the receipt may be sent
        email, phone = (person.emails[0], None) if dice.yes(0.7) else (None, person.phones[0])
    email = dirt.maybe_junk_email(dice, email, typed=True, junk=0.01)
    return [member_no, email, dirt.maybe_junk_phone(dice, phone, junk=0.006), token]


def _money(cents: int) -> str:
    """Return *cents* as money text.

    >>> _money(-1205)
    '-12.05'
    """
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _text(value: object) -> str | None:
    return None if value is None else orjson.dumps(value).decode()
