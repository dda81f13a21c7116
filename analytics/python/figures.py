"""How numbers and texts are written on a dashboard. Pure functions, no data access."""

from __future__ import annotations

import math
from typing import Any

NOTHING = "–"


def shown(value: Any, style: str = "") -> str:
    """Return *value* as a person reads it.

    Args:
        value: number, text or None.
        style: `money` two decimals, `count` whole, `share` a part of 1 as per cent, `ratio` two
            decimals, `seconds` minutes and seconds; anything else as it is.

    >>> shown(24914586.82, "money"), shown(1234, "count"), shown(0.1234, "share"), shown(None)
    ('24,914,586.82', '1,234', '12.3 %', '–')
    >>> shown(125.4, "seconds"), shown(-3.5, "money"), shown(2, "ratio")
    ('2:05', '−3.50', '2.00')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    if style in ("money", "ratio"):
        text = f"{float(value):,.2f}"
    elif style == "count":
        text = f"{round(float(value)):,}"
    elif style == "share":
        text = f"{float(value) * 100:.1f} %"
    elif style == "seconds":
        minutes, seconds = divmod(round(float(value)), 60)
        text = f"{minutes}:{seconds:02d}"
    else:
        text = str(value)
        style = ""
    return text.replace("-", "−") if style else text


def short(value: float, style: str = "") -> str:
    """Return *value* for an axis, in as few characters as tell it apart.

    >>> short(24914586.82, "money"), short(0.25, "share"), short(950), short(0), short(12500, "count")
    ('24.9M', '25 %', '950', '0', '12.5k')
    """
    if style == "share":
        return f"{value * 100:g} %"
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.1f}".rstrip("0").rstrip(".") + letter
    return f"{value:.2f}".rstrip("0").rstrip(".")


def ticks(low: float, high: float, wanted: int = 5) -> list[float]:
    """Return round numbers from at most *low* to at least *high*, nought among them.

    >>> ticks(0, 97)
    [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
    >>> ticks(-3, 8)
    [-5.0, -2.5, 0.0, 2.5, 5.0, 7.5, 10.0]
    >>> ticks(0, 0)
    [0.0, 1.0]
    """
    low, high = min(low, 0.0), max(high, 0.0)
    if low == high:
        return [0.0, 1.0]
    rough = (high - low) / wanted
    size = 10 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= rough * 0.999)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [float(round(step * number, 10)) for number in range(first, last + 1)]


def month_name(text: Any) -> str:
    """Return an ISO day as a month when it is the first of one, else as it is.

    >>> month_name("2026-03-01"), month_name("2026-03-09"), month_name("checkout")
    ('Mar 26', '9 Mar', 'checkout')
    """
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    text = str(text)
    parts = text.split("-")
    if len(text) != 10 or len(parts) != 3 or not all(part.isdigit() for part in parts):
        return text
    month = names[(int(parts[1]) - 1) % 12]
    return f"{month} {parts[0][2:]}" if parts[2] == "01" else f"{int(parts[2])} {month}"


def cut(text: Any, length: int) -> str:
    """Return *text* with at most *length* characters.

    >>> cut("Trail running shoes", 10), cut(None, 5)
    ('Trail run…', '–')
    """
    text = NOTHING if text is None else str(text)
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def masked(value: Any) -> str:
    """Return *value* so that it can be told from others but names nobody: e-mails, numbers, long ids.

    >>> masked("ada@shop.example"), masked("+14155550134"), masked("short"), masked(None)
    ('a…@…example', '…34', 's…t', '–')
    """
    if value is None:
        return NOTHING
    text = str(value)
    if "@" in text:
        return f"{text[0]}…@…{text.rsplit('.', 1)[-1]}"
    if text.lstrip("+").isdigit():
        return f"…{text[-2:]}"
    return f"{text[:1]}…{text[-1:]}" if len(text) < 12 else f"{text[:6]}…{text[-2:]}"
