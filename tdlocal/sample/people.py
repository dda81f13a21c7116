"""Households and the people in them: who they are, what identifies them, how they shop. This is the truth."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from tdlocal.sample import words
from tdlocal.sample.catalogue import DEPARTMENT_NAMES, SIZES
from tdlocal.sample.dice import Dice
from tdlocal.sample.rhythm import DAY, DAYS

AREAS = {
    country: tuple(area for city in words.CITIES if city.country == country for area in city.areas)
    for country in ("US", "CA", "GB")
}


@dataclass(slots=True)
class Address:
    """A postal address; street is (number, name, long type, short type)."""

    number: int
    street: str
    kind: tuple[str, str]
    unit: str
    city: words.City
    zip: str

    def line(self, dice: Dice) -> str:
        """Return number, street and unit as someone writes them."""
        text = f"{self.number} {self.street} {dice.pick(self.kind)}"
        if self.unit:
            text += dice.pick(
                (f" Apt {self.unit}", f", Apt. {self.unit}", f" #{self.unit}", f" Unit {self.unit}")
            )
        return text


@dataclass(slots=True)
class Browser:
    """A browser with its first-party and global cookie."""

    client_id: str
    global_id: str
    agent: int
    ip: str


@dataclass(slots=True)
class Device:
    """A phone or tablet with the shop's app."""

    device_id: str
    adid: str | None
    idfa: str | None
    kind: tuple[str, str, str, str, str]
    amplitude_id: str


@dataclass(slots=True)
class Person:
    """One true person. Moments are unix seconds, identifiers in their normal form (E.164, lower case).

    A visitor is a person whom the shop never gets to know: no identifiers but the cookie of a browser.
    """

    person_id: str
    number: int
    household_id: str
    first: str
    last: str
    gender: str
    birth_date: str
    addresses: list[Address]
    emails: list[str]
    phones: list[str]  # own numbers first; the household's shared one, when given away, last
    customer_ids: list[str]  # empty: no account
    tokens: list[str]
    browsers: list[Browser]
    device: Device | None
    joined: int
    activity: float  # expected orders in the two years
    online_share: float
    departments: tuple[str, str]
    sizes: dict[str, str]
    store: int
    tier: str
    engagement: float  # 0 to 1, chance to open a mail
    email_from: int  # when the mails start; 0: never
    email_until: int
    sms_from: int
    sms_until: int
    orders: int = 0
    revenue_cents: int = 0
    purchases: list[tuple[str, int]] = field(default_factory=list)  # (channel, moment), for surveys
    visits: list[tuple[Browser, int]] = field(default_factory=list)  # browser, moment of the last page
    named_browsers: set[str] = field(default_factory=set)  # client ids beside which the person gave a name

    @property
    def home(self) -> Address:
        """The present address."""
        return self.addresses[0]


def households(seed: int, start: int, stop: int, until: int) -> Iterator[tuple[Dice, list[Person]]]:
    """Yield the households whose people have the numbers *start* to *stop* - 1, each with its own dice.

    A household never crosses *start* or *stop*, so any cut at the same places gives the same people.
    """
    number = start
    while number < stop:
        dice = Dice(f"{seed}:{number}")
        chance = dice.roll()
        size = 1 if chance < 0.5 else 2 if chance < 0.8 else 3 if chance < 0.92 else 4
        size = min(size, stop - number)
        yield dice, _household(dice, seed, number, size, until)
        number += size


def _household(dice: Dice, seed: int, number: int, size: int, until: int) -> list[Person]:
    chance = dice.roll()
    country = "US" if chance < 0.9 else "CA" if chance < 0.96 else "GB"
    city = dice.pick([city for city in words.CITIES if city.country == country])
    home = _address(dice, city)
    last = dice.pick(words.LAST)
    shared_phone = _phone(city.country, number, "554") if dice.yes(0.3) else None
    shared_card = f"tok_{dice.hex(20)}" if size > 1 and dice.yes(0.03) else None
    shared_browser = _browser(dice) if size > 1 and dice.yes(0.03) else None
    people: list[Person] = []
    for offset in range(size):
        person = _person(dice, seed, number + offset, f"H{number:07d}", last, home, until)
        if size > 1 and shared_phone and dice.yes(0.25):
            person.phones.append(shared_phone)
        if shared_card and dice.yes(0.6):
            person.tokens.append(shared_card)
        if shared_browser and person.browsers and dice.yes(0.7):
            person.browsers[-1] = shared_browser
        if offset and dice.yes(0.02):  # a parent and a child of the same name
            person.first, person.gender = people[0].first, people[0].gender
        people.append(person)
    return people


def visitors(seed: int, start: int, stop: int, until: int) -> Iterator[tuple[Dice, Person]]:
    """Yield those who only look around or pay cash once: three for every five people."""
    for number in range(start, stop):
        dice = Dice(f"{seed}:visitor:{number}")
        chance = dice.roll()
        if chance < 0.6:
            city = dice.pick(words.CITIES)
            person = _person(dice, seed, number, "", dice.pick(words.LAST), _address(dice, city), until)
            in_store = chance < 0.15
            browsers = [_browser(dice) for _ in range(1 + dice.yes(0.05))]
            yield dice, replace(
                person, person_id=f"V{number:07d}", emails=[], phones=[], customer_ids=[], tokens=[],
                device=None, email_from=0, sms_from=0, online_share=0.0,
                browsers=[] if in_store else browsers, activity=1.1 if in_store else 0.0,
            )  # fmt: skip


def _person(
    dice: Dice, seed: int, number: int, household_id: str, last: str, home: Address, until: int
) -> Person:
    gender = "F" if dice.yes(0.58) else "M" if dice.yes(0.97) else "X"
    first = dice.pick(words.FEMALE if gender == "F" or (gender == "X" and dice.yes(0.5)) else words.MALE)
    if dice.yes(0.12):
        last = dice.pick(words.LAST)
    member = dice.yes(0.62)
    activity = dice.skewed(3.6) if dice.yes(0.84) else 0.0
    first_day = until - DAYS * DAY
    if dice.yes(0.62):  # a customer from before the history
        joined = first_day - dice.below(2 * DAYS * DAY)
    else:
        share = dice.roll()
        joined = first_day + int(share * (DAYS - 3) * DAY) + dice.below(DAY)
        activity *= 1 - share
    engagement = dice.roll() ** 2
    subscribed = dice.yes(0.72 if member else 0.35)
    by_sms = dice.yes(0.38 if member else 0.08)
    birth_year = 2006 - int(58 * (dice.roll() + dice.roll()) / 2)
    addresses = [home]
    if dice.yes(0.06):
        addresses.append(_address(dice, home.city))
    first_taste = dice.below(6)
    browsing = dice.yes(0.8)
    with_app = member and dice.yes(0.36)
    return Person(
        person_id=f"P{number:07d}",
        number=number,
        household_id=household_id,
        first=first,
        last=last,
        gender=gender,
        birth_date=f"{birth_year}-{dice.below(12) + 1:02d}-{dice.below(28) + 1:02d}",
        addresses=addresses,
        emails=_emails(dice, first, last, number, birth_year),
        phones=[_phone(home.city.country, number, "555")]
        + ([_phone(home.city.country, number, "553")] if dice.yes(0.1) else []),
        customer_ids=([f"C{number:07d}"] + ([f"C9{number:06d}"] if dice.yes(0.02) else [])) if member else [],
        tokens=[f"tok_{dice.hex(20)}" for _ in range(1 + dice.yes(0.3))],
        browsers=[_browser(dice) for _ in range(1 + dice.count(0.5, 3))] if browsing else [],
        device=_device(dice, number) if with_app else None,
        joined=joined,
        activity=activity * (1.5 if member else 0.6),
        online_share=dice.pick((0.05, 0.3, 0.5, 0.7, 0.95)) if browsing else 0.0,
        departments=(DEPARTMENT_NAMES[first_taste], DEPARTMENT_NAMES[(first_taste + 1 + dice.below(5)) % 6]),
        sizes={name: dice.pick(sizes) for name, sizes in SIZES.items()},
        store=dice.below(len(words.STORE_CITIES)),
        tier="Platinum"
        if activity > 12
        else "Gold"
        if activity > 5
        else "Silver"
        if activity > 2
        else "Bronze",
        engagement=engagement,
        email_from=joined if subscribed else 0,
        email_until=joined + int(dice.roll() * 4 * DAYS * DAY) if dice.yes(0.3) else until,
        sms_from=joined if by_sms else 0,
        sms_until=joined + int(dice.roll() * 4 * DAYS * DAY) if dice.yes(0.3) else until,
    )


def _address(dice: Dice, city: words.City) -> Address:
    unit = dice.pick(("2", "3B", "12", "4", "101", "7C")) if dice.yes(0.25) else ""
    if city.country == "US":
        zip_code = f"{city.zip_prefix}{dice.below(98) + 1:02d}"
    elif city.country == "CA":
        zip_code = f"{city.zip_prefix} {dice.below(10)}{dice.pick('ABCEGHJK')}{dice.below(10)}"
    else:
        zip_code = f"{city.zip_prefix} {dice.below(9) + 1}{dice.pick('ABDE')}{dice.pick('ABDE')}"
    return Address(
        dice.below(9800) + 1, dice.pick(words.STREETS), dice.pick(words.STREET_TYPES), unit, city, zip_code
    )


def _emails(dice: Dice, first: str, last: str, number: int, birth_year: int) -> list[str]:
    """Return one to three addresses; the person's number in each keeps them apart from everybody else's."""
    given, family = plain_letters(first), plain_letters(last)
    forms = (
        f"{given}.{family}{number}",
        f"{given[0]}{family}{number}",
        f"{given}_{birth_year % 100}x{number}",
    )
    emails = [f"{forms[dice.below(3)]}@{dice.pick(words.MAIL_HOSTS)}"]
    if dice.yes(0.28):
        emails.append(f"{family}.{given}.{number}@{dice.pick(words.MAIL_HOSTS)}")
    if dice.yes(0.05):
        local, _, host = emails[0].partition("@")
        emails.append(f"{local}+shop@{host}")
    return emails


def plain_letters(name: str) -> str:
    """Return *name* in the letters a to z.

    >>> plain_letters("O'Neil"), plain_letters("Sørensen"), plain_letters("José")
    ('oneil', 'sorensen', 'jose')
    """
    text = name.lower().replace("ø", "o").replace("ł", "l")
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if "a" <= letter <= "z")


def _phone(country: str, number: int, exchange: str) -> str:
    """Return a number in E.164 that no other (*number*, *exchange*) of the first three million has."""
    mixed = (number * 7919 + 104_729) % 1_000_000
    if country == "GB":
        return f"+4474{int(exchange) - 550 + 3 * (number // 1_000_000):02d}{mixed:06d}"
    areas = AREAS[country]
    last = mixed % 10_000
    rest = mixed // 10_000 + 100 * (number // 1_000_000)
    return f"+1{areas[rest % len(areas)]}{int(exchange) + 3 * (rest // len(areas)):03d}{last:04d}"


def _browser(dice: Dice) -> Browser:
    ip = f"203.0.{dice.below(256)}.{dice.below(254) + 1}"
    return Browser(dice.uuid(), dice.uuid(), dice.below(len(words.USER_AGENTS)), ip)


def _device(dice: Dice, number: int) -> Device:
    kind = dice.pick(words.PHONES)
    apple = kind[4] == "ios"
    allowed = dice.yes(0.4)
    return Device(
        device_id=dice.uuid().upper(),
        adid=None if apple else dice.uuid(),
        idfa=(dice.uuid().upper() if allowed else "00000000-0000-0000-0000-000000000000") if apple else None,
        kind=kind,
        amplitude_id=str(700_000_000_000 + number),
    )
