"""Time zones as Treasure Data's functions name them: Java's ids, short ids and offsets."""

from __future__ import annotations

import re
from datetime import timedelta, timezone, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

# java.time.ZoneId.SHORT_IDS; EST, MST and HST are fixed offsets there
SHORT_IDS = {
    "ACT": "Australia/Darwin", "AET": "Australia/Sydney", "AGT": "America/Argentina/Buenos_Aires",
    "ART": "Africa/Cairo", "AST": "America/Anchorage", "BET": "America/Sao_Paulo", "BST": "Asia/Dhaka",
    "CAT": "Africa/Harare", "CNT": "America/St_Johns", "CST": "America/Chicago", "CTT": "Asia/Shanghai",
    "EAT": "Africa/Addis_Ababa", "ECT": "Europe/Paris", "IET": "America/Indiana/Indianapolis",
    "IST": "Asia/Kolkata", "JST": "Asia/Tokyo", "MIT": "Pacific/Apia", "NET": "Asia/Yerevan",
    "NST": "Pacific/Auckland", "PLT": "Asia/Karachi", "PNT": "America/Phoenix",
    "PRT": "America/Puerto_Rico", "PST": "America/Los_Angeles", "SST": "Pacific/Guadalcanal",
    "VST": "Asia/Ho_Chi_Minh", "KST": "Asia/Seoul",
}  # fmt: skip
FIXED_HOURS = {
    "EST": -5, "MST": -7, "HST": -10, "PDT": -7, "MDT": -6, "CDT": -5, "EDT": -4, "CEST": 2,
    "WEST": 1, "EEST": 3, "Z": 0, "UTC": 0, "GMT": 0, "UT": 0,
}  # fmt: skip
_OFFSET = re.compile(r"(?:UTC|GMT|UT)?([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?$")


@lru_cache(maxsize=1024)
def zone(name: str) -> tzinfo | None:
    """The zone of that name, or None when there is none.

    >>> zone("JST"), zone("EST").utcoffset(None).total_seconds() / 3600, zone("+0530")
    (zoneinfo.ZoneInfo(key='Asia/Tokyo'), -5.0, datetime.timezone(datetime.timedelta(seconds=19800)))
    >>> zone("Nowhere/Land")
    """
    if name in FIXED_HOURS:
        return timezone(timedelta(hours=FIXED_HOURS[name]))
    offset = _OFFSET.match(name)
    if offset:
        sign = -1 if offset[1] == "-" else 1
        hours, minutes, seconds = (int(part or 0) for part in offset.groups()[1:])
        if hours > 18 or minutes > 59:
            return None
        return timezone(sign * timedelta(hours=hours, minutes=minutes, seconds=seconds))
    try:
        return ZoneInfo(SHORT_IDS.get(name, name))
    except (KeyError, ValueError, OSError):
        return None
