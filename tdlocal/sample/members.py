"""The loyalty export, the app's events and the surveys."""

from __future__ import annotations

from typing import Any

import orjson

from tdlocal.sample import dirt, words
from tdlocal.sample.catalogue import PRODUCTS, pick
from tdlocal.sample.dice import Dice
from tdlocal.sample.people import Person
from tdlocal.sample.rhythm import DAY, Rhythm, american, iso, plain
from tdlocal.sample.shopping import STORES
from tdlocal.sample.sink import Sink

APP_EVENTS = (
    "view_product",
    "view_product",
    "view_product",
    "add_to_cart",
    "search",
    "begin_checkout",
    "push_open",
)
SURVEYS = ("nps-2026", "nps-2026", "store-visit")
PRAISE = (
    "Great quality",
    "fast delivery!",
    "Too small",
    "n/a",
    "Love it ❤",
    "ok",
    "Staff was helpful",
    "Colour differs",
)


def enrol(dice: Dice, person: Person, rhythm: Rhythm, sink: Sink) -> None:
    """Write the person's loyalty records: one an account, at times one more from a later export."""
    for account, customer_id in enumerate(person.customer_ids):
        created = min(person.joined + account * 30 * DAY, rhythm.until - 2 * DAY)
        updated = created + int(dice.roll() * (rhythm.until - DAY - created))
        row = _member(dice, person, customer_id, created, updated, second=account > 0)
        sink.add("loyalty_profile", row, person.person_id)
        if dice.yes(0.03):
            later = updated + dice.below(rhythm.until - updated)
            sink.add(
                "loyalty_profile",
                _member(dice, person, customer_id, created, later, second=account > 0),
                person.person_id,
            )


def _member(
    dice: Dice, person: Person, customer_id: str, created: int, updated: int, *, second: bool
) -> list[Any]:
    address = person.addresses[-1] if second or dice.yes(0.1) else person.home
    city = address.city
    chance = dice.roll()
    first = words.NICKNAMES.get(person.first, person.first) if dice.yes(0.04) else person.first
    email = person.emails[-1] if second else person.emails[0]
    alternate = person.emails[1] if len(person.emails) > 1 and dice.yes(0.5) else None
    phone = None if dice.yes(0.12) else dice.pick(person.phones)
    store_id, store_line, store_city = STORES[person.store]
    state = (city.state if dice.yes(0.75) else city.state_name) or None
    birthday: str | None = dirt.date_text(dice, person.birth_date)
    if chance < 0.2:
        birthday = None
    elif chance < 0.23:
        birthday = dice.pick(("1900-01-01", "0000-00-00", "1900-01-01", "02/30/1985"))
    earned = int(person.activity * 180 * (0.5 + dice.roll()))
    created_text = iso(created) if dice.yes(0.75) else american(created)[:10]
    return [
        customer_id if chance > 0.01 else (customer_id.lower() if chance > 0.005 else f" {customer_id} "),
        dirt.maybe_junk_email(dice, None if dice.yes(0.03) else email, typed=True, junk=0.008),
        None if alternate is None else dirt.email_text(dice, alternate, typed=True),
        dirt.maybe_junk_phone(dice, phone), dirt.case_text(dice, first), dirt.case_text(dice, person.last),
        dirt.placeholder(dice, dirt.case_text(dice, address.line(dice)), 0.05),
        dirt.placeholder(dice, dirt.case_text(dice, city.name), 0.04),
        state if state is None else dirt.case_text(dice, state),
        address.zip if dice.yes(0.95) else None, dirt.country_text(dice, city.country), dirt.gender_text(dice,
        person.gender),
        birthday, dice.pick(("true", "true", "true", "1", "active", "false", "inactive")),
        dirt.case_text(dice, person.tier) if dice.yes(0.92) else None,
        f"{2027 + dice.below(2)}-12-31" if dice.yes(0.8) else None,
        store_id, store_line, store_city.name, created_text, iso(updated),
        dice.pick(PRODUCTS).sku if dice.yes(0.15) else None, round(earned * 0.01, 2), round(earned * 0.004,
        2),
        earned, int(earned * 0.6), str(int(earned * 0.05)) if dice.yes(0.985) else "N/A", dice.below(6),
        f"batch-{iso(updated)[:7]}", updated,
    ]  # fmt: skip


def use_app(dice: Dice, person: Person, rhythm: Rhythm, sink: Sink) -> None:
    """Write the person's app sessions; signed in or not, some uploaded days later, some twice."""
    device = person.device
    if device is None:
        return
    brand, maker, model, family, system = device.kind
    city = person.home.city
    carrier = dice.pick(words.CARRIERS)
    number = 0
    for _ in range(1 + dice.count(2.0 + 5 * person.engagement, 60)):
        start = rhythm.moment("online", person.joined, dice.roll(), dice.roll(), city.utc_hours)
        signed_in = dice.yes(0.85)
        delay = dice.below(5 * DAY) if dice.yes(0.04) else dice.below(90)
        profile: dict[str, str] = {"tier": person.tier}
        if signed_in and dice.yes(0.5):
            profile["email"] = person.emails[0]
        if signed_in and dice.yes(0.2):
            profile["phone"] = person.phones[0]
        shares_place = dice.yes(0.3)
        latitude = round(30 + 12 * dice.roll(), 4) if shares_place else None
        longitude = round(-120 + 40 * dice.roll(), 4) if shares_place else None
        names = ["session_start", *(dice.pick(APP_EVENTS) for _ in range(dice.count(2.5, 12)))]
        for step, name in enumerate(names):
            moment = start + step * (5 + dice.below(40))
            uploaded = moment + delay
            number += 1
            if uploaded >= rhythm.until:
                continue
            properties = (
                {"sku": pick(person.departments[0], dice.roll()).sku}
                if "product" in name or "cart" in name
                else {}
            )
            row: list[Any] = [
                "418822", device.amplitude_id, str(number), str(start * 1000),
                person.customer_ids[0] if signed_in else None,
                device.device_id, f"{plain(moment)}.{dice.below(1000):03d}000", name,
                "7.2.1" if start % 3 else "7.1.0", device.adid,
                "{}", device.idfa, "iOS" if system == "ios" else "Android", system,
                "17.5" if system == "ios" else "14", brand, maker,
                model, carrier or None, family, family,
                "United States" if city.country == "US" else city.country, "English",
                city.name, city.state_name or None, None, f"192.0.2.{person.number % 254 + 1}",
                orjson.dumps(properties).decode(), orjson.dumps(profile).decode(), dice.uuid(), latitude,
                longitude,
                f"{plain(uploaded)}.000000", uploaded,
            ]  # fmt: skip
            sink.add("app_analytics", row, person.person_id)
            if dice.yes(0.01):
                again = list(row)
                again[-2], again[-1] = (
                    f"{plain(min(uploaded + 600, rhythm.until - 1))}.000000",
                    min(uploaded + 600, rhythm.until - 1),
                )
                sink.add("app_analytics", again, person.person_id)


def answer(dice: Dice, person: Person, rhythm: Rhythm, sink: Sink) -> None:
    """Write the person's survey answers: two questions after some purchases."""
    for number, (channel, bought) in enumerate(person.purchases):
        if not dice.yes(0.07):
            continue
        moment = bought + 2 * DAY + dice.below(DAY)
        if moment >= rhythm.until:
            return
        survey = "store-visit" if channel == "store" else "nps-2026"
        submitted = iso(moment)
        if survey == "store-visit":
            stamp = plain(moment)
            submitted = f"{stamp[8:10]}.{stamp[5:7]}.{stamp[:4]} {stamp[11:16]}"
        score = max(min(int(11 * (dice.roll() ** 0.4)), 10), 0)
        member = person.customer_ids[0] if person.customer_ids and dice.yes(0.6) else None
        email = dirt.maybe_junk_email(
            dice, dice.pick(person.emails) if dice.yes(0.7) else None, typed=True, junk=0.01
        )
        by_phone = dice.yes(0.1) or not (member or email)  # a survey is sent somewhere
        phone = dirt.phone_text(dice, person.phones[0]) if by_phone else None
        response = f"R{person.number:07d}{number:03d}"
        for question, asked, said, points in (
            (
                "q1",
                "How likely are you to recommend us?",
                str(score),
                str(score) if dice.yes(0.98) else "n/a",
            ),
            ("q2", "What should we do better?", dice.pick(PRAISE), None),
        ):
            row = [survey, response, question, asked, said, points, submitted, member, email, phone, moment]
            sink.add("survey_responses", row, person.person_id)
