"""Write config/vocabulary/phone_rules.csv: how each country's telephone numbers are built.

Source: the metadata of the `phonenumbers` package (Google's libphonenumber, Apache-2.0), reduced to what
staging/queries/standard/phones.sql needs. Run again when the numbering plans change:

    pip install phonenumbers && python scripts/phone_rules.py
"""

import csv
import re
from pathlib import Path

import phonenumbers

TARGET = Path(__file__).parent.parent / "config/vocabulary/phone_rules.csv"
COLUMNS = (
    "country", "calling_code", "is_main", "international_prefix", "national_prefix",
    "transform_text", "transform_group", "pattern", "lengths",
)  # fmt: skip


def transform(rule):
    """Split libphonenumber's transform rule ("268\\1") into the text before and the group kept."""
    if not rule:
        return "", ""
    text, group = re.fullmatch(r"(\d*)\\(\d)", rule).groups()
    return text, group


def rows():
    """Yield one row per country, main countries of a calling code marked."""
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        plan = phonenumbers.PhoneMetadata.metadata_for_region(country)
        main = phonenumbers.region_code_for_country_code(plan.country_code) == country
        yield (
            country,
            str(plan.country_code),
            "true" if main else "false",
            plan.international_prefix or "",
            plan.national_prefix_for_parsing or "",
            *transform(plan.national_prefix_transform_rule),
            plan.general_desc.national_number_pattern or "",
            # possible lengths are those of the calling code's main country, as is_possible has it
            "," + ",".join(str(length) for length in main_lengths(plan)) + ",",
        )


def main_lengths(plan):
    """Return the possible lengths of a national number, from the calling code's main country."""
    main = phonenumbers.region_code_for_country_code(plan.country_code)
    return phonenumbers.PhoneMetadata.metadata_for_region(main).general_desc.possible_length


if __name__ == "__main__":
    with TARGET.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows())
