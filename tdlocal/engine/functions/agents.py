"""TD_PARSE_AGENT is woothee, TD_PARSE_USER_AGENT is ua-parser: the same data, the same answers."""

from __future__ import annotations

import json
from functools import lru_cache

CACHED = 4096


@lru_cache(maxsize=CACHED)
def parse_agent(agent: str | None) -> dict[str, str] | None:
    """TD_PARSE_AGENT: what woothee knows about *agent*.

    >>> parse_agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0 Safari/537.36")["os"]
    'Windows 10'
    """
    if agent is None:
        return None
    import woothee

    found = woothee.parse(agent)
    return {key: str(found[key]) for key in ("os", "os_version", "vendor", "version", "name", "category")}


@lru_cache(maxsize=CACHED)
def parse_user_agent(agent: str | None, option: str | None) -> str | None:
    """TD_PARSE_USER_AGENT: one field of what ua-parser knows, or all as JSON when *option* is None.

    >>> parse_user_agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/120.0 Safari/537.36", "os_family")
    'Windows'
    """
    if agent is None:
        return None
    import ua_parser

    found = ua_parser.parse(agent).with_defaults()
    browser, system, device = found.user_agent, found.os, found.device
    fields: dict[str, str | None] = {
        "ua_family": browser.family, "ua_major": browser.major, "ua_minor": browser.minor,
        "ua_patch": browser.patch, "os_family": system.family, "os_major": system.major,
        "os_minor": system.minor, "os_patch": system.patch, "os_patch_minor": system.patch_minor,
        "device": device.family, "device_family": device.family, "device_brand": device.brand,
        "device_model": device.model,
    }  # fmt: skip
    if option is None:
        whole = {"user_agent": {"family": browser.family, "major": browser.major, "minor": browser.minor,
                                "patch": browser.patch},
                 "os": {"family": system.family, "major": system.major, "minor": system.minor,
                        "patch": system.patch, "patch_minor": system.patch_minor},
                 "device": {"family": device.family}}  # fmt: skip
        return json.dumps(whole, separators=(",", ":"))
    name = option.lower()
    if name in ("ua", "os"):
        part = browser if name == "ua" else system
        return json.dumps(
            {"family": part.family, "major": part.major, "minor": part.minor, "patch": part.patch}
        )
    if name not in fields:
        raise ValueError(f"unknown option {option!r} for TD_PARSE_USER_AGENT")
    return fields[name]
