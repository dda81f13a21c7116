"""Task names as a person reads them. Logs, events and messages to act upon keep the exact names."""

from __future__ import annotations

import re
from urllib.parse import unquote

WIDEST = 72
LAST = 3  # parts at the end that are always told


def readable(name: str, root: str = "", widest: int = WIDEST) -> str:
    """A task's name for one line: without the workflow that runs and the `^sub` marks, values of loops as
    they were, and the middle left out where it is long.

    Args:
        name: the exact name.
        root: name of the workflow that runs, which need not be told again.
        widest: characters from which the middle is left out.

    >>> readable("+wf00+load^sub+run^sub+for-0=table=8=%7B%22src_ta+one", "wf00")
    '+load+run+table#8+one'
    >>> readable("+main+tell^sub+for-0=address=0=a%40x&1=n=2=5+mail^error", "main")
    '+tell+address=a@x,n=5+mail^error'
    >>> readable("+other+a^sub+loop-2", "main"), readable("+main", "main")
    ('+other+a+loop-2', '+main')
    """
    if root and name.startswith(f"+{root}+"):
        name = name[len(root) + 1 :]
    parts = [_part(part) for part in re.findall(r"[+^][^+^]*", name) if part != "^sub"]
    whole = "".join(parts)
    if len(whole) <= widest or len(parts) <= LAST + 1:
        return whole
    return f"{parts[0]} … {''.join(parts[-LAST:])}"


def _part(part: str) -> str:
    if part.startswith("+for-") and "=" in part:
        found = re.findall(r"\d+=([^=&]*)=(\d+)=([^&]*)", part[5:])
        if found:
            return "+" + ",".join(_value(unquote(key), index, unquote(value)) for key, index, value in found)
    if part.startswith("+range-"):
        return unquote(part)
    return part


def _value(key: str, index: str, value: str) -> str:
    return f"{key}#{index}" if value[:1] in ("{", "[", "") else f"{key}={value}"
