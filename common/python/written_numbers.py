"""Numbers as shops write them: `$1,234.50`, `1.234,50 €`, `(9.99)`, `9,99-`. Makes SQL; no query runs."""

from __future__ import annotations

from common.python.treasure import literal

FORMS = {"point": (".", ","), "comma": (",", ".")}  # word → what parts the decimals, and what the thousands
SIGN = r"[$€£¥₹₩₽₺₫₪฿元円원]|[A-Z]{2,3}[$]?|R[$]|Rs|kr|Kr|Fr|zł|Kč|Ft|лв|lei|руб|р"  # of a currency
DOTTED = "(Rs|[Kk]r|Fr|руб|р)[.]"  # signs that some write with a point, which parts no decimals
ODD = {160: " ", 8239: " ", 8201: " ", 8722: "-"}  # blanks that do not break a line, the minus of typography


def number_text(text: str, form: str) -> str:
    """Return SQL of the plain number that *text* writes, as text; null when it writes none.

    Args:
        text: SQL of the written number, varchar.
        form: point (1,234.50) or comma (1.234,50).
    """
    decimal, thousands = FORMS[form]
    size = rf"[0-9]{{1,3}}(?:[{thousands} '’][0-9]{{3}})+|[0-9]+"
    shape = (
        rf"^[-+(]?(?:{SIGN})?[-+ ]*(?:(?:{size})(?:[{decimal}][0-9]*)?|[{decimal}][0-9]+) *(?:{SIGN})?[-)]?$"
    )
    odd = f"translate({text}, {literal(''.join(map(chr, ODD)))}, {literal(''.join(ODD.values()))})"
    plain = f"regexp_replace({odd}, {literal(rf'^ +| +$|{DOTTED}')}, '')"
    plain = f"trim({plain})"
    digits = f"replace(regexp_replace({plain}, {literal(f'[^0-9{decimal}]')}, ''), {literal(decimal)}, '.')"
    below_zero = f"regexp_like({plain}, '[-(]')"
    return f"case when regexp_like({plain}, {literal(shape)}) then if({below_zero}, '-', '') || {digits} end"


def whole_text(text: str) -> str:
    """Return SQL of *text* without a fraction of nothing (`2.0000`), so that it can become whole."""
    return f"regexp_replace({text}, '[.]0+$', '')"
