"""E-mail and SMS events, and the consents behind them."""

from __future__ import annotations

from typing import Any

from tdlocal.sample import dirt
from tdlocal.sample.browsing import FROM_MAIL, session
from tdlocal.sample.dice import Dice
from tdlocal.sample.people import Person
from tdlocal.sample.rhythm import DAY, Rhythm, iso
from tdlocal.sample.sink import Sink

MAILINGS = 26  # one every second week of the last year
TEXTS = 12  # one a month of the last year
THEMES = ("New arrivals", "Weekend sale", "Back in stock", "Style notes", "Members first", "Home edit")
METRICS = {
    "open": "Opened Email",
    "click": "Clicked Email",
    "out": "Unsubscribed",
    "spam": "Marked Email as Spam",
}


def mail(dice: Dice, person: Person, rhythm: Rhythm, sink: Sink) -> None:
    """Write the person's e-mail events of the last year: sent to the first address while it is subscribed."""
    if not person.email_from:
        return
    email = person.emails[0] if dice.yes(0.93) else person.emails[-1]
    external_id = person.customer_ids[0] if person.customer_ids and dice.yes(0.6) else None
    first = rhythm.until - MAILINGS * 14 * DAY
    skip = max((person.email_from - first) // (14 * DAY) + 1, 0)
    for mailing in range(skip, MAILINGS):
        moment = first + mailing * 14 * DAY + 2 * DAY + 15 * 3600 + dice.below(5400)
        if moment >= min(person.email_until, rhythm.until):
            return
        if dice.yes(0.25):  # not in this mailing's audience
            continue
        event = _mail_event(person, sink, rhythm, email, external_id, mailing)
        if dice.yes(0.012):
            event(dice, "Bounced Email", moment)
            continue
        event(dice, "Received Email", moment)
        if not dice.yes(0.05 + 0.55 * person.engagement):
            continue
        moment += 60 + int(dice.skewed(20_000)) % (5 * DAY)
        event(dice, METRICS["open"], moment)
        chance = dice.roll()
        if chance < 0.12 * (0.3 + person.engagement):
            event(dice, METRICS["click"], moment + 30)
            if person.browsers and moment + 40 < rhythm.until and dice.yes(0.7):
                source = (FROM_MAIL[0], FROM_MAIL[1].format(campaign=f"cmp{mailing:03d}"))
                session(
                    dice, dice.pick(person.browsers), moment + 40, source, sink, person, until=rhythm.until
                )
        elif chance > 0.997:
            event(dice, METRICS["out"], moment + 45)
            person.email_until = min(person.email_until, moment + 45)
            return
        elif chance > 0.9955:
            event(dice, METRICS["spam"], moment + 45)


def _mail_event(
    person: Person, sink: Sink, rhythm: Rhythm, email: str, external_id: str | None, mailing: int
) -> Any:
    campaign = f"CMP{mailing:03d}"
    theme = THEMES[mailing % len(THEMES)]

    def add(dice: Dice, metric: str, moment: int) -> None:
        received = moment + (dice.below(3 * DAY) if dice.yes(0.01) else 1)
        if received >= rhythm.until:
            return
        row: list[Any] = [
            dice.hex(24), iso(moment).replace("Z", "+00:00"), metric, campaign, f"{theme} {mailing + 1}",
            dirt.email_text(dice, email) if dice.yes(0.2) else email,
            None if dice.yes(0.9) else person.phones[0], external_id,
            f"{theme}: picked for you", None, received,
        ]  # fmt: skip
        sink.add("email_activity", row, person.person_id)
        if dice.yes(0.01):
            sink.add("email_activity", row, person.person_id)

    return add


def text(dice: Dice, person: Person, rhythm: Rhythm, sink: Sink) -> None:
    """Write the person's SMS events of the last year."""
    if not person.sms_from:
        return
    for month in range(TEXTS):
        moment = rhythm.until - (TEXTS - month) * 30 * DAY + 17 * 3600 + dice.below(3600)
        if moment < person.sms_from or dice.yes(0.2):
            continue
        if moment >= min(person.sms_until, rhythm.until - DAY):
            return
        events = [("sent", 0), ("failed", 4) if dice.yes(0.03) else ("delivered", 4)]
        if events[1][0] == "delivered" and dice.yes(0.04 + 0.2 * person.engagement):
            events.append(("clicked", 60 + dice.below(7200)))
        if dice.yes(0.004):
            events.append(("opt_out", 8000))
        for name, later in events:
            at = moment + later
            row: list[Any] = [
                dice.hex(20), at * 1000 + dice.below(1000), dirt.phone_text(dice, person.phones[0]),
                person.emails[0] if dice.yes(0.1) else None, name, "campaign" if month % 3 else "automated",
                f"Text {month + 1}", "20% off this weekend. Reply STOP to end.",
                f"https://sms.sampleshop.example/t{month + 1}",
                f"https://cdn.sampleshop.example/t{month + 1}.png" if month % 2 else None, at + 2,
            ]  # fmt: skip
            sink.add("sms_activity", row, person.person_id)
        if events[-1][0] == "opt_out":
            person.sms_until = min(person.sms_until, moment + 8000)
            return


def consent(dice: Dice, person: Person, rhythm: Rhythm, sink: Sink) -> None:
    """Write the history of the person's consents: given, withdrawn, now and then given again."""
    for kind, names, given, ended in (
        ("email", ("email", "email", "Email"), person.email_from, person.email_until),
        ("phone_number", ("sms", "sms", "SMS"), person.sms_from, person.sms_until),
    ):
        if not given:
            if dice.yes(0.06):
                _consent(dice, person, sink, kind, names, False, person.joined, rhythm.until)
            continue
        _consent(dice, person, sink, kind, names, True, given, rhythm.until)
        if ended < rhythm.until:
            _consent(dice, person, sink, kind, names, False, ended, rhythm.until)
            again = ended + dice.below(120 * DAY)
            if dice.yes(0.1) and again < rhythm.until:
                _consent(dice, person, sink, kind, names, True, again, rhythm.until)
    if person.device and dice.yes(0.5):
        _consent(dice, person, sink, "email", ("push",), dice.yes(0.7), person.joined + 60, rhythm.until)


def _consent(
    dice: Dice,
    person: Person,
    sink: Sink,
    kind: str,
    names: tuple[str, ...],
    granted: bool,
    moment: int,
    until: int,
) -> None:
    if moment >= until:
        return
    identifier = (
        dirt.email_text(dice, person.emails[0])
        if kind == "email"
        else dirt.phone_text(dice, person.phones[0])
    )
    row: list[Any] = [
        identifier, kind if dice.yes(0.85) else kind.title().replace("Phone_Number", "Phone_number"),
        dice.pick(names),
        dice.pick(dirt.FLAGS_TRUE if granted else dirt.FLAGS_FALSE) if dice.yes(0.99) else None,
        dice.pick(("preference_center", "checkout", "pos", "import")), moment,
    ]  # fmt: skip
    sink.add("consents", row, person.person_id)
