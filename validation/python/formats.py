"""The named formats of config/validation.yml as regular expressions that DuckDB and Trino read alike.

They say what a value may look like, not whether it exists: staging decides what may serve as a key.
"""

from __future__ import annotations

EMAIL_SIGN = r"\x00-\x20\x7f\s@,;:<>()\[\]\\\x22."  # what stands in no word of an address
EMAIL_WORD = rf"[^{EMAIL_SIGN}]+"
EMAIL_LABEL = rf"[^{EMAIL_SIGN}\-]([^{EMAIL_SIGN}]*[^{EMAIL_SIGN}\-])?"
EMAIL = rf"^{EMAIL_WORD}(\.{EMAIL_WORD})*@({EMAIL_LABEL}\.)+[A-Za-z][A-Za-z0-9-]*[A-Za-z]$"

# seven to fifteen digits (E.164), after an exit code of a telephone network more
PHONE = r"^(00|011)?[ +(]*[0-9]([ ()./-]*[0-9]){6,14}(\s*(x|X|ext\.?|#)\s*[0-9]{1,6})?$"

LEAP_END = r"(0[48]|[2468][048]|[13579][26])"
LEAP_YEAR = rf"(\d\d{LEAP_END}|([02468][048]|[13579][26])00)"
LONG_MONTHS, SHORT_MONTHS = r"(0?[13578]|1[02])", r"(0?[469]|11)"
DAYS_31, DAYS_30, DAYS_28 = r"(0?[1-9]|[12]\d|3[01])", r"(0?[1-9]|[12]\d|30)", r"(0?[1-9]|1\d|2[0-8])"
CLOCK = r"([01]?\d|2[0-3])[:.h][0-5]\d([:.]([0-5]\d|60)([.,]\d+)?)?( ?[AaPp]\.?[Mm]\.?)?( Uhr)?"
ZONE = r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2}|[+-]\d{2})?"
UNIX = r"\d{10}(\d{3}|\d{6}|\.\d*)?"  # seconds, thousandths, millionths; a fraction
URL = r"^[A-Za-z][A-Za-z0-9+.-]*://[^\s/?#]+([/?#]\S*)?$"


def year_first(separator: str, pad: str = "0") -> str:
    """Return the expression of a day written year, month, day; *pad* is what stands before one digit.

    >>> import re
    >>> days = ("2024-02-29", "2025-02-29", "2025-04-31", "2025-12-31", "2025-1-1")
    >>> [bool(re.fullmatch(year_first("-"), day)) for day in days]
    [True, False, False, True, False]
    """
    months = ((LONG_MONTHS, DAYS_31), (SHORT_MONTHS, DAYS_30), ("0?2", DAYS_28))
    usual = "|".join(f"{month}{separator}{day}" for month, day in months).replace("0?", pad)
    return rf"(\d{{4}}{separator}({usual})|{LEAP_YEAR}{separator}{pad}2{separator}29)"


def year_last() -> str:
    """Return the expression of a day written month, day, year or day, month, year.

    >>> import re
    >>> days = ("12/31/2025", "31.12.25", "31/31/2025", "02/30/1985", "29-2-2024", "2/29/2025", "2/29/24")
    >>> [bool(re.fullmatch(year_last(), day)) for day in days]
    [True, True, False, False, True, False, True]
    """
    mark = r"[/.-]"
    usual = [
        rf"{first}{mark}{second}"
        for month, day in ((LONG_MONTHS, DAYS_31), (SHORT_MONTHS, DAYS_30), ("0?2", DAYS_28))
        for first, second in ((month, day), (day, month))
    ]
    leap = rf"(0?2{mark}29|29{mark}0?2){mark}({LEAP_YEAR}|{LEAP_END}|00)"
    return rf"(({'|'.join(usual)}){mark}(\d{{4}}|\d{{2}})|{leap})"


# how months begin in the languages of config/vocabulary/words.csv, which has them whole
MONTH = (
    r"(j[aä]n|ene|gen|sty|oca|янв|f[eé][bv]|lut|şub|фев|m[aä]r|maerz|mrt|мар|a[pbv]r|kwi|nis|апр|ma[iyjg]|mei|май|мая"
    r"|ju[inl]|giu|lug|cze|haz|июн|lip|tem|июл|a[ug][goû]|sie|ağu|авг|se[pt]|wrz|eyl|сен|o[ckut]t|out|paź|pa[zź]|eki|окт"
    r"|no[vb]|lis|kas|ноя|d[eéi][czs]|gru|ara|дек)[^0-9 ,.-]*"
)
ENDING, OF = "(st|nd|rd|th)?", "( de| del| of)?"
WORDED = (
    rf"({DAYS_31}{ENDING}\.?{OF}[ -]*{MONTH}\.?{OF}[ ,-]+(\d{{4}}|\d{{2}})"
    rf"|{MONTH}\.? +{DAYS_31}{ENDING},? +\d{{4}})"
)
WEEKDAY = r"([^0-9,]+, *|(mon|tue|wed|thu|fri|sat|sun)[a-z]* +)?"
YEAR_FIRST = rf"({year_first('-')}|{year_first('[/.-]', pad='0?')})"
DAY = rf"({YEAR_FIRST}|\d{{4}}年\d{{1,2}}月\d{{1,2}}日|{WEEKDAY}({year_last()}|{WORDED}))"
COMPACT = rf"{year_first('')}(T?([01]\d|2[0-3])[0-5]\d[0-5]\dZ?)?"
DATE = rf"(?i)^({DAY}((,? | ?T ?|,)(um |at )?\s*{CLOCK}{ZONE})?|{COMPACT}|{UNIX})$"

FORMATS = {"email": EMAIL, "phone": PHONE, "date": DATE, "url": URL}
