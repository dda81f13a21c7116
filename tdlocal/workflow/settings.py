"""What belongs to a machine: `-c FILE.properties` and `-X key=value`, with the keys that Digdag reads.

``params.NAME`` is a parameter below those of -P, ``secrets.KEY`` a secret, ``config.mail.*`` a default of
mail>, ``config.http_call.max_response_content_size`` the longest answer of http_call>. Keys that only matter
to a real server, an engine or Docker are taken and change nothing here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tdlocal.errors import KitError

WITHOUT_EFFECT = ("config.td.", "agent.", "eval.", "server.", "database.", "client.", "executor.", "archive.")
ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


@dataclass(slots=True)
class Settings:
    """The settings of one run; ``unknown`` are keys that nothing here reads."""

    parameters: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    system: dict[str, str] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)


def settings(file: Path | None, pairs: Iterable[str]) -> Settings:
    """The settings of a properties file, with those of -X over them.

    Raises:
        KitError: the file cannot be read, or a pair is none.
    """
    found = dict(_read(file)) if file else {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise KitError(f"-X {pair} is no key=value")
        found[key] = value
    result = Settings()
    for key, value in found.items():
        first, _, rest = key.partition(".")
        if first == "params" and rest:
            result.parameters[rest] = value
        elif first == "secrets" and rest:
            result.secrets[rest] = value
        else:
            result.system[key] = value
            if not key.startswith((*WITHOUT_EFFECT, "config.mail.", "config.http")):
                result.unknown.append(key)
    return result


def _read(file: Path) -> Iterator[tuple[str, str]]:
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise KitError("the file is not UTF-8", where=str(file)) from None
    except OSError as error:
        raise KitError(f"cannot read the settings: {error.strerror}", where=str(file)) from None
    return properties(text)


def properties(text: str) -> Iterator[tuple[str, str]]:
    """Keys and values of a Java properties file.

    >>> dict(properties("# note\\n a.b = c d \\nx:1\\nlong = 1,\\\\\\n   2\\nempty\\n"))
    {'a.b': 'c d ', 'x': '1', 'long': '1,2', 'empty': ''}
    """
    for line in _whole_lines(text):
        match = re.match(r"((?:\\.|[^\\\s=:])+)\s*[=:]?\s*(.*)", line, re.DOTALL)
        if match:
            yield _unescaped(match[1]), _unescaped(match[2])


def _whole_lines(text: str) -> Iterator[str]:
    held = ""
    for raw in text.splitlines():
        line = raw.lstrip()
        if not held and line[:1] in ("", "#", "!"):
            continue
        held += line
        if (len(held) - len(held.rstrip("\\"))) % 2:
            held = held[:-1]
            continue
        yield held
        held = ""
    if held:
        yield held


def _unescaped(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        if match[1]:
            return chr(int(match[1], 16))
        return ESCAPES.get(match[2], match[2])

    return re.sub(r"\\(?:u([0-9a-fA-F]{4})|(.))", plain, text, flags=re.DOTALL)
