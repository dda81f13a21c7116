"""Errors the kit raises on purpose. The command line shows str(error) alone, so that says it all."""

from __future__ import annotations


class KitError(Exception):
    """What went wrong, where it was found, and what mends it, in one line.

    Args:
        problem: what went wrong, plain words.
        where: file:line, table or setting; empty when there is no better place.
        mend: what the reader can do about it; empty when nothing is known.
    """

    def __init__(self, problem: str, *, where: str = "", mend: str = "") -> None:
        parts = [problem]
        if where:
            parts.append(f"found in {where}")
        if mend:
            parts.append(f"to mend: {mend}")
        super().__init__(" | ".join(parts))
        self.problem, self.where, self.mend = problem, where, mend
