"""Answers on their way out: what DuckDB shows of a type, and the Python value that Trino's driver gives
for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from uuid import UUID

from tdlocal.engine.dialect import kinds as k
from tdlocal.engine.zones import zone as zone_of

Converter = Callable[[Any], Any]


def shown(slot: str, kind: k.Kind, packed: bool) -> str:
    """DuckDB text of an answer's column, in a type that Arrow carries without loss."""
    if packed:
        return f"CASE WHEN {slot} IS NULL THEN NULL ELSE [epoch_us({slot}.t)::VARCHAR, {slot}.z] END"
    name = kind.name
    if name == "timestamp with time zone":
        return f"epoch_us({slot})"
    if name == "interval day to second":
        return f"epoch_ms(CAST('1970-01-01' AS TIMESTAMP) + {slot})"
    if name == "interval year to month":
        return f"(datepart('year', {slot}) * 12 + datepart('month', {slot}))"
    if name == "uuid":
        return f"CAST({slot} AS VARCHAR)"
    if kind.items and any(_hard(item) for item in kind.items):
        return _shown_inside(slot, kind)
    return slot


def _hard(kind: k.Kind) -> bool:
    easy = shown("x", kind, False) == "x"
    return not easy


def _shown_inside(slot: str, kind: k.Kind) -> str:
    if kind.name == "array":
        return f"list_transform({slot}, lambda e_: {shown('e_', kind.item, False)})"
    if kind.name == "row":
        parts = ", ".join(
            f"f{n} := {shown(f'({slot}).f{n}', item, False)}" for n, item in enumerate(kind.items, 1)
        )
        return f"CASE WHEN {slot} IS NULL THEN NULL ELSE struct_pack({parts}) END"
    keys = f"list_transform(map_keys({slot}), lambda e_: {shown('e_', kind.items[0], False)})"
    values = f"list_transform(map_values({slot}), lambda e_: {shown('e_', kind.items[1], False)})"
    return f"CASE WHEN {slot} IS NULL THEN NULL ELSE map({keys}, {values}) END"


def converter(kind: k.Kind, zone: str | None = None, packed: bool = False) -> Converter | None:
    """What makes the Arrow value the Python value; None where it already is."""
    if packed:
        return lambda pair: _moment(int(pair[0]), zone_of(pair[1]) or UTC)
    if kind.name == "timestamp with time zone":
        place = zone_of((zone or "'UTC'").strip("'")) or UTC
        return lambda micros: _moment(micros, place)
    if kind.name == "interval day to second":
        return lambda millis: timedelta(milliseconds=millis)
    if kind.name == "interval year to month":
        return lambda months: f"{'-' if months < 0 else ''}{abs(months) // 12}-{abs(months) % 12}"
    if kind.name == "uuid":
        return UUID
    if kind.name == "unknown":
        return lambda value: None
    if kind.name == "real":
        return shortest
    if kind.name == "array":
        inner = converter(kind.item)
        return None if inner is None else lambda items: [None if v is None else inner(v) for v in items]
    if kind.name == "map":
        return _map_converter(kind)
    if kind.name == "row":
        inners = [converter(item) for item in kind.items]
        return lambda fields: tuple(
            value if value is None or inner is None else inner(value)
            for value, inner in zip(fields.values(), inners, strict=True)
        )
    return None


def _map_converter(kind: k.Kind) -> Converter:
    keys, values = converter(kind.items[0]), converter(kind.items[1])
    if kind.items[0].items:
        keys = _hashable(keys)
    if keys is None and values is None:
        return dict
    return lambda pairs: {
        (key if keys is None else keys(key)): (value if values is None or value is None else values(value))
        for key, value in pairs
    }


def _hashable(inner: Converter | None) -> Converter:
    """Arrays and rows as keys of a dict."""
    return lambda key: tuple(key if inner is None else inner(key))


def shortest(value: float) -> float:
    """A 32-bit float as the number with the fewest digits that reads back as it.

    >>> shortest(0.10000000149011612)
    0.1
    """
    import numpy

    return float(str(numpy.float32(value)))


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _moment(micros: int, place: tzinfo) -> datetime:
    moment = (_EPOCH + timedelta(microseconds=micros)).astimezone(place)
    if isinstance(place, timezone) and not place.utcoffset(None):
        from zoneinfo import ZoneInfo

        return moment.replace(tzinfo=ZoneInfo("UTC"))
    return moment
