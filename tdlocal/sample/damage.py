"""A sample shop whose wrong cells are all known: natural dirt is mended, then cells are spoiled and listed.

What validation finds on it can be held against the list, kind by kind: precision and recall.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tdlocal.sample import words
from tdlocal.sample.dice import Dice
from tdlocal.sample.generate import raw_files
from tdlocal.sample.tables import BY_NAME, RawTable

GOOD_EMAIL = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")
COLUMNS = ("kind", "table_name", "record_key", "column_name", "before", "after")


class Spoil(NamedTuple):
    """One way to spoil a cell: its kind, and the values that take its place (none: it is only mended)."""

    kind: str
    table: str
    column: str
    values: tuple[Any, ...]


EMAILS = (
    "anna.example.com",
    "bob@",
    "@example.com",
    "carl@@example.com",
    "dora@example",
    "eva example@mail.com",
)
PHONES = ("12", "call me", "+1 415", "99999999999999999999")
DATES = ("31/31/2025", "2025-13-45", "yesterday", "soon")
SPOILS = (
    *(
        Spoil("format email", table, column, EMAILS)
        for table, column in (
            ("loyalty_profile", "email"), ("order_digital_transactions", "email"), ("email_activity",
            "email"),
            ("formfills", "form_email"), ("survey_responses", "contact_email"),
        )
    ),
    *(
        Spoil("format phone", table, column, PHONES)
        for table, column in (
            ("loyalty_profile", "phone"), ("order_digital_transactions", "phone"), ("sms_activity",
            "to_number"),
            ("formfills", "form_phone"),
        )
    ),
    *(
        Spoil("format date", table, column, DATES)
        for table, column in (
            ("loyalty_profile", "birthday"), ("order_digital_transactions", "created_at"),
            ("order_offline_transactions", "txn_ts"), ("order_details", "order_created_at"),
            ("survey_responses", "submitted"),
        )
    ),
    Spoil("format url", "pageviews", "td_url", ("www sampleshop", "javascript", "/p/P0001")),
    Spoil("conversion", "loyalty_profile", "loyalty_points_pending", ("many", "12,5O")),
    Spoil("conversion", "survey_responses", "score", ("high", "9 or 10")),
    Spoil("range", "order_details", "quantity", (100_000, -50_000)),
    Spoil("range", "order_details", "unit_price", (-5.0, -0.01)),
    Spoil("values", "order_digital_transactions", "transaction_kind", ("salle", "X")),
    Spoil("values", "order_offline_transactions", "txn_type", ("SALLE", "??")),
    Spoil("values", "consents", "identifier_type", ("fax", "pigeon")),
    Spoil("missing", "order_details", "sku", (None,)),
    Spoil("missing", "pageviews", "td_client_id", (None,)),
    Spoil("missing", "consents", "identifier", (None,)),
)  # fmt: skip
MENDED = (
    Spoil("format email", "loyalty_profile", "alternate_email", ()),
    Spoil("format email", "order_offline_transactions", "receipt_email", ()),
    Spoil("format phone", "order_offline_transactions", "receipt_phone", ()),
    Spoil("format phone", "email_activity", "person_phone", ()),
    Spoil("format phone", "survey_responses", "contact_phone", ()),
)
BY_TABLE = {name: [spoil for spoil in (*SPOILS, *MENDED) if spoil.table == name] for name in BY_NAME}
ONCE = {
    "order_details": 2,
    "order_offline_transactions": 1,
    "order_digital_transactions": 1,
    "loyalty_profile": 1,
}


@dataclass
class Damage:
    """The list of wrong cells while it grows."""

    seed: int
    share: float
    rows: list[tuple[str, ...]] = field(default_factory=list)

    def add(self, kind: str, table: str, key: str, column: str, before: Any, after: Any) -> None:
        """List one wrong cell."""
        self.rows.append((kind, table, key, column, _said(before), _said(after)))

    def order_fate(self, order: str) -> str:
        """Return what happens to an order as a whole: "without lines", "other total" or "" (nothing)."""
        chance = Dice(f"{self.seed}:fate:{order}").roll() / self.share if self.share else 1.0
        return "without lines" if chance < 0.5 else "other total" if chance < 1.0 else ""


def write_damaged(source: Path, target: Path, *, seed: int, share: float) -> dict[str, int]:
    """Write a mended, then damaged copy of the sample in *source* to *target*; return wrong cells by kind.

    Args:
        source: a sample as write_sample left it, not compressed or compressed.
        target: gets ``raw/…`` (not compressed) and ``truth/damage.csv``: kind, table_name, record_key (the
            table's key columns, joined by |), column_name, before, after.
        seed: another number, other cells.
        share: of the cells of each kind that are spoiled, 0 to 1.

    The keys seen are kept in memory: meant for samples up to some hundred thousand people.
    """
    damage = Damage(seed, share)
    for folder in (target / "raw", target / "truth"):
        folder.mkdir(parents=True, exist_ok=True)
    for name, path in raw_files(source):
        table = BY_NAME[name]
        with (target / "raw" / table.file_name).open("w", encoding="utf-8", newline="") as file:
            write = _writer(table, file)
            for record in _spoiled(table, _once(table, _mended(table, path)), damage):
                write(record)
    with (target / "truth/damage.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(damage.rows)
    counts: dict[str, int] = {}
    for kind, *_ in damage.rows:
        counts[kind] = counts.get(kind, 0) + 1
    (target / "manifest.json").write_text(
        json.dumps({"damage": share, "seed": seed, "wrong": counts}, indent=1) + "\n"
    )
    return counts


def _mended(table: RawTable, path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records without natural faults in the columns that are judged."""
    spoils = BY_TABLE[table.name]
    for record in _records(table, path):
        for spoil in spoils:
            value = record[spoil.column]
            if value is not None and not _is_good(spoil, str(value)):
                record[spoil.column] = None
        yield record


def _is_good(spoil: Spoil, value: str) -> bool:
    if spoil.kind == "format email":
        return bool(GOOD_EMAIL.fullmatch(value)) and value not in words.JUNK_EMAILS
    if spoil.kind == "format phone":
        return value not in words.JUNK_PHONES and 10 <= len(re.sub(r"\D", "", value)) <= 13
    if spoil.column == "birthday":
        return value not in {"0000-00-00", "1900-01-01", "02/30/1985"}
    if spoil.kind == "conversion":
        return value.lstrip("-").isdigit()
    return True


def _once(table: RawTable, records: Iterator[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield records whose key is new, for the tables where a repeated key is a fault."""
    width = ONCE.get(table.name)
    if width is None:
        yield from records
        return
    seen: set[str] = set()
    for record in records:
        key = "|".join(str(record[column]).strip().upper() for column in table.key[:width])
        if key not in seen:
            seen.add(key)
            yield record


def _spoiled(table: RawTable, records: Iterator[dict[str, Any]], damage: Damage) -> Iterator[dict[str, Any]]:
    """Yield the records with spoiled cells, and the faulty records that are added."""
    dice = Dice(f"{damage.seed}:damage:{table.name}")
    change = _CHANGES.get(table.name)
    for record in records:
        key = "|".join(str(record[column]) for column in table.key)
        if change:
            yield from change(dice, record, damage)
            if record.get("_gone"):
                continue
        for spoil in BY_TABLE[table.name]:
            before = record[spoil.column]
            if spoil.values and before is not None and dice.yes(damage.share):
                record[spoil.column] = dice.pick(spoil.values)
                damage.add(spoil.kind, table.name, key, spoil.column, before, record[spoil.column])
        yield record


def _change_line(dice: Dice, record: dict[str, Any], damage: Damage) -> Iterator[dict[str, Any]]:
    """Drop the lines of orders that are to have none; add lines of orders that do not exist."""
    if damage.order_fate(record["order_id"]) == "without lines":
        record["_gone"] = True
        return
    if dice.yes(damage.share):
        orphan = {**record, "order_id": f"LOST-{dice.hex(8)}"}
        key = f"{orphan['order_id']}|{orphan['line_number']}"
        damage.add(
            "line without order", "order_details", key, "order_id", record["order_id"], orphan["order_id"]
        )
        yield orphan


def _change_order(table: str, key: str, amount: str) -> Callable[..., Iterator[dict[str, Any]]]:
    def change(dice: Dice, record: dict[str, Any], damage: Damage) -> Iterator[dict[str, Any]]:
        """Change the amount of some orders; list those whose lines are dropped; repeat some."""
        order = record[key]
        fate = damage.order_fate(order)
        if fate == "without lines":
            damage.add("order without lines", table, order, key, "", "")
        elif fate == "other total":
            before = record[amount]
            after = round(float(before) + 10, 2)
            record[amount] = (
                f"{after:.2f}"
                if isinstance(before, str) and table.endswith("digital_transactions")
                else after
            )
            damage.add("total", table, order, amount, before, record[amount])
        if table == "order_offline_transactions" and dice.yes(damage.share):
            damage.add("repeated key", table, order, key, order, order)
            yield {**record, "cashier": "E999"}

    return change


_CHANGES: dict[str, Callable[..., Iterator[dict[str, Any]]]] = {
    "order_details": _change_line,
    "order_digital_transactions": _change_order("order_digital_transactions", "id", "subtotal_price"),
    "order_offline_transactions": _change_order("order_offline_transactions", "txn_id", "net_total"),
}


def _records(table: RawTable, path: Path) -> Iterator[dict[str, Any]]:
    from tdlocal.files.opening import read_lines

    lines = read_lines(path, "utf-8")
    if table.form == "jsonl":
        yield from (orjson.loads(line) for line in lines)
    else:
        for row in csv.DictReader(lines):
            yield {name: value or None for name, value in row.items()}


def _writer(table: RawTable, file: Any) -> Callable[[dict[str, Any]], None]:
    names = table.names
    if table.form == "jsonl":
        return lambda record: file.write(orjson.dumps({name: record[name] for name in names}).decode() + "\n")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    return lambda record: writer.writerow([record[name] for name in names])


def _said(value: Any) -> str:
    return "" if value is None else str(value)
