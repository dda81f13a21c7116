"""Staging's standard values against data that nobody of this project wrote."""

import random
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest

from staging.python.vocabulary import FOLDER, read, read_words
from tests.staging.addresses import labelled
from tests.support import ROOT, SHARED, needs_shared, run_sql

VALID = {"ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN"}
UNUSUAL = {"ISEMAIL_RFC5321"}  # deliverable in theory: quoted names, address literals; no verdict asked


def vocabulary():
    """Return the project's own vocabularies as the rows that the workflow loads."""
    return {
        "staging_t.words__next": read_words(ROOT / FOLDER / "words.csv"),
        "staging_t.phone_rules__next": read(ROOT / FOLDER / "phone_rules.csv"),
    }


@needs_shared
def test_email_verdicts_agree_with_isemail(engine):
    cases = {}
    for case in ElementTree.parse(SHARED / "data/email_cases/isemail_tests.xml").getroot().iter("test"):
        # the file writes control characters as their pictures
        address = "".join(
            chr(ord(char) - 0x2400) if 0x2400 <= ord(char) < 0x2421 else char
            for char in case.findtext("address") or ""
        )
        cases[address] = case.findtext("category")
    rows = run_sql(
        engine,
        ROOT / "staging/queries/standard/emails.sql",
        {},
        {"src_t.formfills": [{"email": address} for address in cases], **vocabulary()},
    )
    judged = {row["email"]: row["valid_email_flag"] == "true" for row in rows}
    wrong = [
        address
        for address, category in cases.items()
        if category not in UNUSUAL and judged.get(address, False) != (category in VALID)
    ]
    assert len(wrong) <= 5, wrong


@needs_shared
def test_us_addresses_agree_with_their_labels(engine):
    found = vocabulary()
    words = {}
    for row in found["staging_t.words__next"]:
        words.setdefault(row["kind"], {})[row["word"]] = row["code"]
    cases = labelled(SHARED / "data/us_addresses/raw_us50.test.tagged", words)
    given = [{"address": case.raw, "country": "US"} for case in cases]
    sql = ROOT / "staging/queries/standard/addresses.sql"
    rows = run_sql(engine, sql, {"default_country": "US"}, {"src_t.loyalty_profile": given, **found})
    got = {row["address"]: row["trfmd_address"] for row in rows}
    wrong = [(case, got.get(case.raw)) for case in cases if got.get(case.raw) != case.wanted]
    assert len(wrong) <= 0.03 * len(cases), wrong


def phones(engine, numbers):
    rows = run_sql(
        engine,
        ROOT / "staging/queries/standard/phones.sql",
        {"default_country": "US"},
        {
            **vocabulary(),
            "src_t.loyalty_profile": [
                {"phone_number": number, "country": country} for number, country in numbers
            ],
        },
    )
    return {(row["phone_number"], row["country"]): row for row in rows}


def agreement(judged):
    """Return the share of numbers on which staging and phonenumbers give the same E.164 text or refusal."""
    phonenumbers = pytest.importorskip("phonenumbers")
    same, wrong = 0, []
    for (number, country), row in judged.items():
        try:
            parsed = phonenumbers.parse(number, country)
            e164 = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
            wanted = e164 if phonenumbers.is_possible_number(parsed) else None
        except phonenumbers.NumberParseException:
            wanted = None
        if row["reason"] == "placeholder" or row["trfmd_phone_number"] == wanted:
            same += 1
        else:
            wrong.append((number, country, row["trfmd_phone_number"], wanted))
    return same / len(judged), wrong


def test_phones_of_thirty_countries_agree_with_phonenumbers(engine):
    phonenumbers = pytest.importorskip("phonenumbers")
    dice = random.Random(11)
    numbers = set()
    countries = (
        "US CA GB DE FR IT ES NL BE CH AT SE NO DK FI PL CZ PT IE AU NZ JP KR IN BR MX ZA SG TR GR"
    ).split()
    for country in countries:
        example = phonenumbers.example_number(country)
        for _ in range(100):
            digits = str(example.national_number)
            digits = digits[:-5] + f"{dice.randrange(100_000):05d}"
            parsed = phonenumbers.PhoneNumber(
                country_code=example.country_code,
                national_number=int(digits),
                italian_leading_zero=example.italian_leading_zero,
            )
            style = dice.choice([0, 1, 2])  # E.164, international, national
            numbers.add((phonenumbers.format_number(parsed, style), country))
    share, wrong = agreement(phones(engine, sorted(numbers)))
    assert share >= 0.999, (share, wrong[:10])


@needs_shared
def test_adventureworks_phones_agree_with_phonenumbers(engine):
    frame = pd.read_csv(
        SHARED / "data/adventureworks/oltp/PersonPhone.csv.gz", header=None, encoding="utf-16", dtype=str
    )
    numbers = sorted({(number, "US") for number in frame[1].dropna()})
    share, wrong = agreement(phones(engine, numbers))
    assert share >= 0.999, (share, len(numbers), wrong[:10])
