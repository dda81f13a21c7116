"""Chance, from ``random()`` and ``getrandbits`` of the standard library alone: Python versions agree."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")


class Dice:
    """Draws of one household, repeatable by *seed* text."""

    def __init__(self, seed: str) -> None:
        source = Random(seed)
        self.roll = source.random
        self._bits = source.getrandbits

    def yes(self, probability: float) -> bool:
        """Return True with *probability*."""
        return self.roll() < probability

    def below(self, limit: int) -> int:
        """Return a whole number from 0 to *limit* - 1."""
        return int(self.roll() * limit)

    def pick(self, choices: Sequence[T]) -> T:
        """Return one of *choices*, all alike likely."""
        return choices[int(self.roll() * len(choices))]

    def skewed(self, mean: float) -> float:
        """Return a number over 0 of a heavy-tailed spread: most below *mean*, few many times above."""
        share = self.roll()
        return float(mean * 0.32 * ((1 - share) ** -0.72 - 0.75))

    def count(self, mean: float, limit: int) -> int:
        """Return a whole number, geometric with *mean*, at most *limit*."""
        keep = mean / (1 + mean)
        number = 0
        while number < limit and self.roll() < keep:
            number += 1
        return number

    def uuid(self) -> str:
        """Return a random id in the 8-4-4-4-12 form."""
        text = f"{self._bits(128):032x}"
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def hex(self, digits: int) -> str:
        """Return *digits* random hexadecimal digits."""
        return f"{self._bits(4 * digits):0{digits}x}"
