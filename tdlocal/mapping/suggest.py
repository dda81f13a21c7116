"""Suggest which raw column feeds which column of the retail schema, with a confidence and a reason each.

Two witnesses: the names (words.py) and the values (content.py). A key column gets a mapping only when both
together are sure; what is doubtful stays in the file as a comment for a person to decide.
"""

from __future__ import annotations

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from tdlocal.mapping.content import kind_wanted, kinds, number_form, seconds_of, verdict
from tdlocal.mapping.languages import in_english
from tdlocal.mapping.words import (
    COLUMNS,
    CORE,
    GENERIC,
    HINTS,
    KEYS,
    LINE_STARTS,
    MANY,
    OWNERS,
    SAME,
    SYSTEMS,
    TABLES,
    TAXED,
    VENDORS,
    WEAK,
)

SURE = 0.75  # least confidence of a key column
LIKELY = 0.6  # least confidence of any other
DOUBTFUL = 0.45  # below, not even a comment
ABOUT = 0.6  # least likeness of a raw table's name to what the target table is called …
USUALLY_MANY = 8  # … unless so many columns are found that the name does not matter; words.MANY has more
SOME = 4  # … and fewer where half of the name's words speak for it
ALIKE = 0.85  # least share of letters in common of words that are the same but for a slip
LINES, ORDERS = "order_details", ("order_digital_transactions", "order_offline_transactions")
LONGEST_MARK = 4  # letters that all columns of a table begin with
MUCH_MORE = 1.5  # times quantity times price: no value of a line, but an order's
A_CENT = 0.011
ENOUGH = (
    3  # so many columns, and the raw table's name, speak for a table of which one core column is in doubt
)
HALF = 0.5  # … and such a table counts so much less than one that has them all
FEW_OF_LINE = 3  # so many columns about a line make a row of an order's table one
TURNED = 0.93  # likeness of a name that has the same words in another order
CLOSED = 0.85  # … of one with a word of CLOSERS behind it
CORE_FIRST = 0.02  # so much more a column counts for what a table cannot be without
SUMS = frozenset(("amount", "net_amount"))
UNDECIDED = "???"  # stands for the column that a person has to name
ASIDE = re.compile(r"[()\[\]]")  # what a name says again, or of which tax it is
CLOSERS = frozenset(("code", "description"))
LATER = 0.03  # most that an unusual word for a column counts less than the usual one
STRANGE = 0.8  # factor of a column named just `id` in a table whose name is another's
ENGLISH = frozenset(
    word
    for known in (*TABLES.values(), *COLUMNS.values(), HINTS.values(), [VENDORS, OWNERS, SAME])
    for words in known
    for word in (words.split() if isinstance(words, str) else words)
)
SCHEMA_TYPES = {"varchar": "string", "bigint": "long"}


@dataclass(frozen=True)
class RawTable:
    """A raw table: columns → Trino types, and some values of each."""

    name: str
    columns: Mapping[str, str]
    values: Mapping[str, Sequence[object]]


@dataclass(frozen=True)
class Guess:
    """One raw column for one column of the schema."""

    target: str
    raw: str
    confidence: float
    reason: str
    number: str = ""  # how the column writes numbers, where a number is wanted: point, comma or plainly
    expr: str = ""  # what makes of the column what is wanted, where it is not that itself
    fit: float = 0.0  # the confidence before it was cut to two digits: decides between equally sure ones

    @property
    def taken(self) -> bool:
        """Tell whether the guess is good enough to be written as a mapping."""
        return self.confidence >= (SURE if self.target in KEYS else LIKELY)


@dataclass
class TableGuess:
    """A raw table for a table of the schema; `raw` is empty when none fits."""

    table: str
    raw: str = ""
    stacked: tuple[str, ...] = ()
    score: float = 0.0
    columns: list[Guess] = field(default_factory=list)
    near: str = ""  # where none fits: the raw table whose name does
    lacks: tuple[str, ...] = ()  # core columns that the near table has nothing for, or this one in doubt
    by_name: bool = True  # whether the raw table's name speaks for it, not its columns alone
    row_per_line: bool = False  # an order that has a row for each of its lines

    def give_up(self) -> None:
        """Leave the table to a person."""
        self.raw, self.score, self.columns = "", 0.0, []


def suggest(raw: Sequence[RawTable], schema: Mapping[str, Mapping[str, str]]) -> list[TableGuess]:
    """Return the best raw table and columns for each table of the schema, in its order."""
    seen = {table.name: {name: kinds(table.values.get(name, ())) for name in table.columns} for table in raw}
    said = {table.name: in_plain_english(table) for table in raw}
    bare = bare_names({name: names[name] for name, names in said.items()})
    found = []
    for table, columns in schema.items():
        choices = [
            table_guess(table, columns, each, seen[each.name], said[each.name], bare[each.name])
            for each in raw
        ]
        best = max(choices, key=lambda choice: (choice.score, choice.raw), default=TableGuess(table))
        found.append(best if best.score > 0 else nearest(table, choices))
    for guess in found:
        guess.stacked = siblings(guess.raw, raw)
    return with_lines(without_twins(found), schema, seen, said)


def in_plain_english(table: RawTable) -> dict[str, str]:
    """Return the table's name and its columns' names → what they are in English, without a common start."""
    start = common_start(list(table.columns))
    bare = {name: name.removeprefix(start) for name in table.columns}
    english = in_english(table.name, bare.values(), ENGLISH)
    return {table.name: english[table.name]} | {name: english[short] for name, short in bare.items()}


def common_start(columns: Sequence[str]) -> str:
    """Return the few letters that tell a table's columns from those of others and say nothing else.

    >>> common_start(["c_custkey", "c_name", "c_phone", "time"]), common_start(["td_url", "td_path", "td_ip"])
    ('c_', '')
    """
    names = [name for name in columns if name != "time"]
    starts = {name.partition("_")[0] for name in names}
    start = starts.pop() if len(starts) == 1 else ""
    is_mark = 0 < len(start) <= LONGEST_MARK and start.lower() not in ENGLISH
    return (
        f"{start}_" if is_mark and len(names) >= ENOUGH and all(name > f"{start}_" for name in names) else ""
    )


def with_lines(
    found: list[TableGuess],
    schema: Mapping[str, Mapping[str, str]],
    seen: Mapping[str, Mapping[str, dict[str, float]]],
    said: Mapping[str, Mapping[str, str]],
) -> list[TableGuess]:
    """Take the lines of orders from the orders' own table where it has a row per line and no other fits."""
    by_name = {guess.table: guess for guess in found}
    lines = by_name.get(LINES)
    for order in (by_name.get(table) for table in ORDERS):
        if lines is None or lines.raw or order is None or not order.raw or order.lacks:
            continue
        own = {name: kinds for name, kinds in seen[order.raw].items() if of_line(said[order.raw][name])}
        raw = RawTable(order.raw, dict.fromkeys(own, "varchar"), {})
        inner = table_guess(LINES, schema[LINES], raw, own, said[order.raw], ["order", "line"])
        if len(own) < FEW_OF_LINE or inner.lacks != ("order_no",):
            continue
        shared = [guess for guess in order.columns if guess.target in ("order_no", "order_datetime")]
        columns = shared + inner.columns
        found[found.index(lines)] = TableGuess(LINES, order.raw, order.stacked, order.score, columns)
        order.row_per_line = True
        break
    return found


def of_line(name: str) -> bool:
    """Tell whether a column is about a line of an order, not about all of it.

    >>> of_line("Lineitem price"), of_line("total price")
    (True, False)
    """
    return words_of(name)[:1] != [] and words_of(name)[0] in LINE_STARTS


def nearest(table: str, choices: Sequence[TableGuess]) -> TableGuess:
    """Return an empty guess that names the raw table which is called like *table*, and what it lacks."""
    called = [choice for choice in choices if choice.near]
    best = min(
        called, key=lambda choice: (len(choice.lacks), -len(choice.columns), choice.near), default=None
    )
    return TableGuess(table, near=best.near, lacks=best.lacks) if best else TableGuess(table)


def bare_names(names: Mapping[str, str]) -> dict[str, list[str]]:
    """Return table → the words of its name in English, without what all names begin with, vendors and years.

    >>> bare_names({"acme_orders_2025": "acme_orders_2025", "acme_kunden": "acme customer"})
    {'acme_orders_2025': ['order'], 'acme_kunden': ['customer']}
    """
    words = {name: words_of(english) for name, english in names.items()}
    told = {part for known in TABLES.values() for word in known for part in words_of(word)}
    start = 0
    for parts in zip(*words.values(), strict=False):
        if len(names) < 2 or len(set(parts)) > 1 or parts[0] in told:
            break
        start += 1
    return {
        name: [part for part in found[start:] if part not in VENDORS and not part.isdigit()] or found
        for name, found in words.items()
    }


def siblings(name: str, raw: Sequence[RawTable]) -> tuple[str, ...]:
    """Return the tables of the same columns whose names differ by digits only: one source in parts.

    >>> parts = [RawTable(name, {"a": "varchar"}, {}) for name in ("sales_2024", "sales_2025", "sales")]
    >>> siblings("sales_2025", parts), siblings("sales", parts)
    (('sales_2024', 'sales_2025'), ('sales',))
    """
    columns = {table.name: set(table.columns) for table in raw}
    return tuple(
        sorted(
            other
            for other in columns
            if columns[other] == columns.get(name) and re.sub(r"\d+", "#", other) == re.sub(r"\d+", "#", name)
        )
    )


def without_twins(found: list[TableGuess]) -> list[TableGuess]:
    """Keep a raw table for one of the two kinds of orders only, the one that it fits better, and where its
    columns alone speak for a table and it feeds another, for that other."""
    by_name = {guess.table: guess for guess in found}
    online, store = (by_name.get(table) for table in ORDERS)
    if online and store and online.raw and online.raw == store.raw:
        (store if online.score >= store.score else online).give_up()
    for guess in found:
        others = [other for other in found if other is not guess and other.raw == guess.raw]
        if guess.raw and not guess.by_name and any(other.by_name for other in others):
            guess.give_up()
    return found


def table_guess(
    table: str,
    columns: Mapping[str, str],
    raw: RawTable,
    found: Mapping[str, dict[str, float]],
    said: Mapping[str, str],
    bare: Sequence[str],
) -> TableGuess:
    """Return how well *raw* feeds *table*: a score of 0 when a core column is missing, or when neither its
    name, of which *bare* are the words that matter, nor the number of its columns speaks for it."""
    likeness = max(table_likeness(bare, words_of(word)) for word in TABLES.get(table, (table,)))
    if HINTS.get(table, frozenset()) & set(bare) or tells_of_mails(table, found):
        likeness = max(likeness, ABOUT)
    guesses = [
        less_sure(guess, said[guess.raw], likeness)
        for target, declared in columns.items()
        for guess in column_guesses(table, target, declared, said, found)
    ]
    guesses = named_by_description(one_home_each(table, guesses, list(columns)))
    guesses = valued_by_units(proven_by_units(guesses, raw))
    sure = {guess.target for guess in guesses if guess.confidence >= LIKELY}
    lacks = tuple(" or ".join(group) for group in CORE.get(table, ()) if not set(group) & sure)
    taken = [guess for guess in guesses if guess.taken]
    doubted = {guess.target for guess in guesses} - sure
    may_be = len(lacks) == 1 and bool(doubted & set(lacks[0].split(" or "))) and likeness >= ABOUT
    if lacks and not (may_be and len(taken) >= ENOUGH):
        near = raw.name if likeness >= ABOUT else ""
        return TableGuess(table, raw.name, (), 0.0, guesses, near, lacks)
    enough = SOME if likeness >= HALF else MANY.get(table, USUALLY_MANY)
    if likeness < ABOUT and len(taken) < enough:
        return TableGuess(table, raw.name, (), 0.0, guesses)
    covered = sum(guess.confidence for guess in taken)
    score = covered / len(columns) + likeness - (HALF if lacks else 0.0)
    return TableGuess(table, raw.name, (), score, guesses, lacks=lacks, by_name=likeness >= ABOUT)


def tells_of_mails(table: str, found: Mapping[str, dict[str, float]]) -> bool:
    """Tell whether the values are what happens to e-mails: opened, clicked, bounced, and nobody's phone."""
    kinds_seen = {kind for kinds_of_column in found.values() for kind in kinds_of_column}
    phones = [column for column, seen in found.items() if "phone" in seen and "phone" in words_of(column)]
    return table == "email_activity" and {"email", "message"} <= kinds_seen and not phones


def proven_by_units(guesses: list[Guess], raw: RawTable) -> list[Guess]:
    """Replace a value of lines that is much more than quantity times price, an order's sum repeated with each
    line, by the column that is their product; where none is, leave it to a person."""
    by_target = {guess.target: guess for guess in guesses if guess.taken}
    parts = [by_target.get(target) for target in ("quantity", "list_price", "net_price")]
    if any(part is None or part.number == "comma" for part in parts):
        return guesses
    units, price, value = (numbers(raw.values.get(part.raw, ())) for part in parts if part)
    due = [a * b if a is not None and b is not None else None for a, b in zip(units, price, strict=True)]
    pairs = [(a, b) for a, b in zip(value, due, strict=True) if a is not None and b]
    if not any(abs(a) > MUCH_MORE * abs(b) + A_CENT for a, b in pairs):
        return guesses
    used = {guess.raw for guess in guesses}
    proven = [name for name in raw.columns if name not in used and is_product(raw.values.get(name, ()), due)]
    old = by_target["net_price"]
    doubt = replace(old, confidence=min(old.confidence, SURE - 0.01), reason="more than quantity times price")
    sure = replace(old, raw=proven[0], confidence=SURE, reason="quantity times price") if proven else doubt
    return [sure if guess is old else guess for guess in guesses]


def is_product(values: Sequence[object], due: Sequence[float | None]) -> bool:
    """Tell whether most values are what quantity times price makes.

    >>> is_product(["4.00", "9", "5"], [4.0, 9.0, 6.0]), is_product(["1"], [None])
    (True, False)
    """
    pairs = [(a, b) for a, b in zip(numbers(values), due, strict=False) if a is not None and b]
    return bool(pairs) and sum(abs(a - b) <= A_CENT for a, b in pairs) > HALF * len(pairs)


def numbers(values: Sequence[object]) -> list[float | None]:
    """Return values as numbers, whatever currency stands with them.

    >>> numbers(["$1,234.50", "", None, "x"])
    [1234.5, None, None, None]
    """
    texts = [re.sub(r"[^\d.-]", "", str(value)) for value in values]
    return [float(text) if re.fullmatch(r"-?\d+(\.\d*)?", text) else None for text in texts]


def valued_by_units(guesses: list[Guess]) -> list[Guess]:
    """Offer quantity times price where no column is the value of a line; whether it is, a person knows."""
    by_target = {guess.target: guess for guess in guesses if guess.taken}
    units, price = by_target.get("quantity"), by_target.get("list_price")
    if units is None or price is None or "net_price" in by_target or units.number or price.number:
        return guesses
    value = f'try_cast("{units.raw}" as double) * try_cast("{price.raw}" as double)'
    offer = Guess(
        "net_price", units.raw, DOUBTFUL, "no column is the value of a line; less discounts?", "", value
    )
    return [*(guess for guess in guesses if guess.target != "net_price"), offer]


def named_by_description(guesses: list[Guess]) -> list[Guess]:
    """Take a product's description for its name where nothing else is its name."""
    by_target = {guess.target: guess for guess in guesses}
    about = by_target.get("product_description")
    if about is None or not about.taken or by_target.get("product_name", about).confidence > about.confidence:
        return guesses
    named = replace(about, target="product_name", reason=f"{about.reason}; nothing else is the name")
    return [named if guess is about else guess for guess in guesses if guess.target != "product_name"]


def table_likeness(bare: Sequence[str], known: Sequence[str]) -> float:
    """Return how much the words of a table's name are like a known name, 0 … 1.

    >>> table_likeness(["order", "line"], ["order", "line"]), table_likeness(["order", "tag"], ["order"])
    (1.0, 0.5)
    """
    common = len(set(bare) & set(known))
    return common / len(set(bare) | set(known))


def less_sure(guess: Guess, said: str, likeness: float) -> Guess:
    """Return the guess of a column that is just called `id` or the like, less sure in a table of another."""
    if likeness >= ABOUT or not set(words_of(said)) <= GENERIC:
        return guess
    why = f"{guess.reason}; but {guess.raw} alone says little in such a table"
    return replace(
        guess, confidence=round(guess.confidence * STRANGE, 2), reason=why, fit=guess.fit * STRANGE
    )


def one_home_each(table: str, guesses: Sequence[Guess], order: Sequence[str]) -> list[Guess]:
    """Keep for each target one raw column and for each raw column one target, the surest pairs first; only
    sums of money may serve two. A key that does not get the column most like it is left to a person.

    Args:
        order: the targets, in the order wanted.
    """
    homes: dict[str, Guess] = {}
    used: dict[str, set[str]] = {}
    lost: set[str] = set()  # targets whose likest column feeds another
    needed = {target for group in CORE.get(table, ()) for target in group}
    ranked = sorted(
        guesses,
        key=lambda each: (
            -each.fit - (CORE_FIRST if each.target in needed else 0.0),
            len(each.raw),
            order.index(each.target),
        ),
    )
    for guess in ranked:
        others = used.setdefault(guess.raw, set())
        if guess.target in homes or (others and not {*others, guess.target} <= SUMS):
            lost.add(guess.target)
            continue
        if guess.target in lost and guess.target in KEYS:
            guess = replace(guess, confidence=min(guess.confidence, SURE - 0.01))
        homes[guess.target] = guess
        others.add(guess.target)
    return [homes[target] for target in order if target in homes]


def column_guesses(
    table: str,
    target: str,
    declared: str,
    said: Mapping[str, str],
    found: Mapping[str, dict[str, float]],
) -> list[Guess]:
    """Return the raw columns that may be *target*, with a doubt at least."""
    own_name = () if target in WEAK else (target.replace("_", " "),)
    names = (*COLUMNS.get(f"{table}.{target}", ()), *COLUMNS.get(target, ()), *own_name)
    wanted = kind_wanted(target, declared)
    guesses = []
    for column in found:
        if column == "time":
            continue
        likeness, word = best_word(said[column], names)
        added, why = verdict(wanted, found[column])
        if likeness < DOUBTFUL and wanted == "email" and target == "email" and "email" in found[column]:
            likeness, word = 0.6, ""
        if likeness < DOUBTFUL:
            continue
        fit = likeness * 0.85 + added
        confidence = max(0.0, min(0.99, fit))
        if target in KEYS and not found[column]:
            confidence = min(confidence, SURE - 0.01)  # a key without a value to look at is left to a person
        translated = f" ({said[column]})" if said[column] != column else ""
        reason = "; ".join(part for part in (f"named like {word!r}{translated}" if word else "", why) if part)
        number = number_form(found[column]) if declared in ("double", "long") else ""
        expr = seconds_of(column, found[column]) if (wanted, declared) == ("date", "long") else ""
        if expr is None:  # a day written as no engine reads it; staging could, but these must be seconds
            confidence, reason = (
                min(confidence, LIKELY - 0.01),
                f"{reason}; write the expr that makes seconds",
            )
        if round(confidence, 2) >= DOUBTFUL:
            guesses.append(Guess(target, column, round(confidence, 2), reason, number, expr or "", fit))
    return guesses


def best_word(column: str, names: Sequence[str]) -> tuple[float, str]:
    """Return the known word that a column is most like, and how much; of equal ones the earlier, which
    fits better, counts a little more. What stands in brackets is read by itself too.

    >>> best_word("Amount (Transaction Total)", ["amount"])
    (0.97, 'amount')
    """
    readings = [column, *(part for part in ASIDE.split(column) if ASIDE.search(column) and part.strip())]
    scores = [
        (
            max(name_likeness(reading, name) - (LATER if reading != column else 0.0) for reading in readings)
            - min(position * 0.002, LATER),
            name,
        )
        for position, name in enumerate(names)
    ]
    return max(scores, key=lambda score: score[0])


@functools.cache
def name_likeness(name: str, word: str) -> float:
    """Return how much a name is like a known word, 0 … 1.

    >>> name_likeness("EmailAddress", "email address"), name_likeness("customer_email", "email")
    (1.0, 0.95)
    >>> name_likeness("shipping_city", "city") < 0.6, name_likeness("colour", "country") < 0.6
    (True, True)
    """
    ours, known = shape(name), shape(word)
    if ours.joined == known.joined:
        return 1.0
    if ours.generic:
        return 0.3
    bare = ours.words if set(ours.bare) <= GENERIC else ours.bare
    if bare is ours.bare and bare in (known.words, known.bare):
        return 0.95
    if set(bare) == set(known.words):
        return TURNED
    if bare[:-1] == known.words and bare[-1] in CLOSERS:
        return CLOSED
    share = len(set(bare) & set(known.words)) / len(set(bare) | set(known.words))
    spelled = spelling("".join(bare), known.joined)
    return round(max(share * 0.8, spelled * 0.8 if spelled >= ALIKE else 0.0), 3)


class Shape(NamedTuple):
    """A name taken apart: its words, those that do not just say whose it is, and all letters."""

    words: tuple[str, ...]
    bare: tuple[str, ...]
    joined: str
    generic: bool


@functools.cache
def shape(name: str) -> Shape:
    """Return a name taken apart.

    >>> shape("customer_email").bare, shape("code").generic
    (('email',), True)
    """
    words = tuple(canonical(name))
    bare = tuple(part for part in words if part not in OWNERS) or words
    return Shape(words, bare, "".join(words), set(words) <= GENERIC)


def spelling(ours: str, known: str) -> float:
    """Return how alike two words that begin alike are spelled, 0 … 1; 0 at once where they cannot be."""
    letters = len(ours) + len(known)
    if ours[:1] != known[:1] or 2 * min(len(ours), len(known)) < ALIKE * letters:
        return 0.0
    matcher = difflib.SequenceMatcher(None, ours, known)
    return matcher.ratio() if matcher.quick_ratio() >= ALIKE else 0.0


@functools.cache
def canonical(name: str) -> list[str]:
    """Return the words of a column's name, each as its most usual one, without what says which tax is in.

    >>> canonical("qtyOrdered"), canonical("creation_date"), canonical("Subtotal (ex tax)")
    (['quantity', 'order'], ['created', 'at'], ['subtotal'])
    """
    words = [part for word in words_of(name) for part in SAME.get(word, word).split()]
    while len(words) > 1 and words[0] in SYSTEMS:
        words.pop(0)
    says_which = bool(set(words) & (TAXED - {"tax", "vat"}))
    while says_which and len(words) > 1 and words[-1] in TAXED:
        words.pop()
    return words


def words_of(name: str) -> list[str]:
    """Return the words of a name, plural forms and camel case taken apart.

    >>> words_of("BillingAddress_zip2"), words_of("customer_ids")
    (['billing', 'address', 'zip', '2'], ['customer', 'id'])
    """
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Za-z])(?=\d)|[^A-Za-z0-9]+", " ", name)
    return [
        word[:-1] if word == "ids" or (len(word) > 3 and word.endswith("s") and word[-2:] != "ss") else word
        for word in spaced.lower().split()
    ]


def as_yaml(guesses: Sequence[TableGuess], schema: Mapping[str, Mapping[str, str]]) -> str:
    """Return a schema_map.yml: sure mappings as lines, doubtful ones as comments, each with its reason."""
    lines = [
        "# A first map, suggested from the names and values of the raw tables. The number is a confidence;",
        "# lines that start with `# ?` are guesses too weak to take: look at them, and at the keys, first.",
    ]
    for guess in guesses:
        if not guess.raw:
            continue
        lines += ["", f"{guess.table}: # from {guess.raw}", f"  prp_table_name: {guess.table}"]
        if len(guess.stacked) > 1:
            lines.append(f"  prep: {{from: [{', '.join(map(quoted, guess.stacked))}]}}")
        lines.append("  columns:")
        by_target = {column.target: column for column in guess.columns}
        for target, declared in schema[guess.table].items():
            column = by_target.get(target)
            if column is None:
                continue
            number = f", number: {column.number}" if column.number else ""
            read = f"expr: {quoted(column.expr)}" if column.expr else f"prp: {quoted(column.raw)}"
            entry = f"{target}: {{{read}, src: {target}, type: {declared}{number}}}"
            mark = "" if column.taken else "# ? "
            lines.append(f"    {mark}{entry} # {column.confidence:.2f} {column.reason}")
        lines += [asked(target, schema[guess.table]) for target in undecided(guess)]
    return "\n".join(lines) + "\n"


def undecided(guess: TableGuess) -> list[str]:
    """Return the columns that the table cannot be without and nothing feeds surely: of each group one."""
    taken = {column.target for column in guess.columns if column.taken}
    return [group[0] for group in CORE.get(guess.table, ()) if guess.raw and not taken & set(group)]


def asked(target: str, columns: Mapping[str, str]) -> str:
    """Return the line of a column that a table needs; it stops a run until a person has filled it in."""
    entry = f"{{prp: '{UNDECIDED}', src: {target}, type: {columns[target]}, required: true}}"
    return f"    {target}: {entry} # needed: write its column in place of {UNDECIDED}"


def quoted(name: str) -> str:
    """Return a column's name as YAML."""
    return name if re.fullmatch(r"[A-Za-z_]\w*", name) else "'" + name.replace("'", "''") + "'"


def prep_sql(guess: TableGuess) -> str:
    """Return the prep query of a suggested table: the raw rows as they are, an order's first line only."""
    what = "the rows of {raw} as they are. Unpack, join and drop repeats here"
    source, where = f"${{raw}}_${{sub}}.{guess.raw}", ""
    if guess.row_per_line:
        what = "one row per order of {raw}, which has a row per line; the one with the order's sum"
        number = next(each.raw for each in guess.columns if each.target == "order_no")
        amount = next(each.raw for each in guess.columns if each.target == "amount")
        source = (
            f'(\n    select\n        *,\n        row_number() over (\n            partition by "{number}"\n'
            f'            order by "{amount}" is null, time\n        ) as line_of_order\n    from {source}\n)'
        )
        where = "where source.line_of_order = 1\n"
    return (
        f"-- {guess.table}: {what.format(raw=guess.raw)}.\n"
        f"--\n-- reads   raw {guess.raw}\n-- writes  prp {guess.table}, replaced whole by wf02_mapping\n\n"
        f"select\n    source.*,\n    ${{session_unixtime}} as built_for\nfrom {source} as source\n{where}"
    )
