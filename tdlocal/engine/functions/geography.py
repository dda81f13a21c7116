"""TD_IP_TO_*: look-ups in the user's MaxMind file, named by TDLOCAL_GEOIP; null without one."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any

CITY_FIELDS = ("country_name", "country_code", "city_name", "postal_code", "latitude", "longitude",
               "most_specific_subdivision_name", "least_specific_subdivision_name", "subdivision_names",
               "connection_type", "domain", "time_zone", "metro_code")  # fmt: skip


@lru_cache(maxsize=1)
def _reader() -> Any:
    path = os.environ.get("TDLOCAL_GEOIP")
    if not path:
        return None
    try:
        import maxminddb  # type: ignore[import-not-found, unused-ignore]
    except ImportError:
        raise ValueError("@NOT_SUPPORTED@ TDLOCAL_GEOIP is set: pip install maxminddb") from None
    return maxminddb.open_database(path)


@lru_cache(maxsize=4096)
def _record(address: str) -> dict[str, Any]:
    reader = _reader()
    if reader is None:
        return {}
    try:
        return reader.get(address) or {}
    except ValueError:
        return {}


def _name(part: dict[str, Any] | None) -> str | None:
    name = (part or {}).get("names", {}).get("en")
    return None if name is None else str(name)


def ip_field(address: str, field: str) -> str | None:
    """One field of the address's record as text."""
    record = _record(address)
    divisions = record.get("subdivisions") or [{}]
    location = record.get("location", {})
    found = {
        "country_name": _name(record.get("country")),
        "country_code": record.get("country", {}).get("iso_code"),
        "city_name": _name(record.get("city")),
        "postal_code": record.get("postal", {}).get("code"),
        "latitude": location.get("latitude"),
        "longitude": location.get("longitude"),
        "time_zone": location.get("time_zone"),
        "metro_code": location.get("metro_code"),
        "most_specific_subdivision_name": _name(divisions[-1]),
        "least_specific_subdivision_name": _name(divisions[0]),
        "connection_type": record.get("connection_type"),
        "domain": record.get("domain"),
    }[field]
    return None if found is None else str(found)


def subdivisions(address: str) -> list[str] | None:
    """The names from the largest subdivision to the smallest."""
    found = [_name(part) for part in _record(address).get("subdivisions") or []]
    return [name for name in found if name] or None
