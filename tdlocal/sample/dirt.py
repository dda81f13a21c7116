"""How people and systems spoil values: case, blanks, formats, typing errors, placeholders."""

from __future__ import annotations

from tdlocal.sample import words
from tdlocal.sample.dice import Dice

FLAGS_TRUE = ("true", "true", "1", "yes", "True", "granted")
FLAGS_FALSE = ("false", "false", "0", "no", "withdrawn")


def email_text(dice: Dice, email: str, *, typed: bool = False) -> str:
    """Return *email* as a source holds it: at times in other case, with blanks or, when *typed*, an error."""
    chance = dice.roll()
    if chance < 0.84:
        return email
    if chance < 0.90:
        return email.title() if chance < 0.87 else email.upper()
    if chance < 0.93:
        return f" {email}" if chance < 0.915 else f"{email} "
    return _mistyped(dice, email) if typed and chance < 0.965 else email


def _mistyped(dice: Dice, email: str) -> str:
    """Return *email* with one typing error; the digits, which make it this person's, stay."""
    local, _, host = email.partition("@")
    if dice.yes(0.5) and host in words.HOST_TYPING_ERRORS:
        return f"{local}@{dice.pick(words.HOST_TYPING_ERRORS[host])}"
    if dice.yes(0.25):
        return f"{local}{host}" if dice.yes(0.5) else f"{local}@@{host}"
    place = dice.below(max(len(local.rstrip("0123456789")) - 1, 1))
    return f"{local[:place]}{local[place + 1 :]}@{host}"


def maybe_junk_email(dice: Dice, email: str | None, *, typed: bool = False, junk: float = 0.01) -> str | None:
    """Return what the e-mail field holds: junk with probability *junk*, else *email* as a source holds it."""
    if dice.yes(junk):
        return dice.pick(words.JUNK_EMAILS)
    return None if email is None else email_text(dice, email, typed=typed)


def phone_text(dice: Dice, phone: str) -> str:
    """Return *phone* (E.164) in one of the ways people write it."""
    chance = dice.below(9)
    if phone.startswith("+44"):
        rest = phone[3:]
        return (phone, f"0{rest}", f"0{rest[:4]} {rest[4:]}", f"+44 {rest[:4]} {rest[4:]}", f"+44 (0){rest}")[
            chance % 5
        ]
    area, middle, last = phone[2:5], phone[5:8], phone[8:]
    return (
        phone, f"({area}) {middle}-{last}", f"({area}) {middle}-{last}", f"{area}-{middle}-{last}",
        f"{area}.{middle}.{last}",
        f"{area}{middle}{last}", f"+1 {area} {middle} {last}", f"1-{area}-{middle}-{last}",
        f"+1 ({area}) {middle}-{last}",
    )[chance]  # fmt: skip


def maybe_junk_phone(dice: Dice, phone: str | None, *, junk: float = 0.015) -> str | None:
    """Return what the phone field holds: junk with probability *junk*, else *phone* as people write it."""
    if dice.yes(junk):
        return dice.pick(words.JUNK_PHONES)
    return None if phone is None else phone_text(dice, phone)


def case_text(dice: Dice, text: str) -> str:
    """Return *text* mostly as it is, now and then in capitals, small letters or with blanks around."""
    chance = dice.roll()
    if chance < 0.86:
        return text
    if chance < 0.91:
        return text.upper()
    if chance < 0.96:
        return text.lower()
    return f"{text}  " if chance < 0.98 else f" {text}"


def placeholder(dice: Dice, text: str | None, probability: float) -> str | None:
    """Return *text*, or with *probability* a placeholder word or nothing."""
    if dice.yes(probability):
        return dice.pick(words.PLACEHOLDERS) if dice.yes(0.4) else None
    return text


def date_text(dice: Dice, date: str) -> str:
    """Return the ISO *date* in one of the shop's formats: ISO, MM/DD/YYYY or YYYYMMDD."""
    chance = dice.roll()
    if chance < 0.6:
        return date
    year, month, day = date.split("-")
    return f"{month}/{day}/{year}" if chance < 0.9 else f"{year}{month}{day}"


def gender_text(dice: Dice, gender: str) -> str | None:
    """Return *gender* (F, M or X) as some system writes it."""
    chance = dice.roll()
    if chance < 0.12:
        return None
    if chance < 0.14:
        return dice.pick(("U", "n/a", "unknown", "prefer not to say"))
    return dice.pick(
        {"F": ("F", "Female", "female", "f", "FEMALE"), "M": ("M", "Male", "male", "m"), "X": ("X", "Other")}[
            gender
        ]
    )


def country_text(dice: Dice, country: str) -> str:
    """Return the country code as some system writes it."""
    return dice.pick(
        {
            "US": ("US", "US", "US", "USA", "United States", "us"),
            "CA": ("CA", "CA", "Canada"),
            "GB": ("GB", "UK", "United Kingdom"),
        }[country]
    )
