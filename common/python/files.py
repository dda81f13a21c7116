"""Files for people: reports and dashboards, where a machine has a place for them."""

from __future__ import annotations

import os
from pathlib import Path


def write_output(name: str, text: str) -> str | None:
    """Write *text* for a person to open; does nothing where no place is named (on Treasure Data).

    Args:
        name: file name, or a path below the output folder.
        text: its content.

    Returns:
        The path of the file, or None when TD_OUTPUT_DIR is not set.
    """
    folder = os.environ.get("TD_OUTPUT_DIR")
    if not folder:
        return None
    target = Path(folder) / name
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(target)
    return str(target)
