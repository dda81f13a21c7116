"""Weights of a matching rule: how much each level of agreement speaks for one person.

Fellegi and Sunter's model. m is the chance of a level among records of one person, u among records of two
people; the weight of a level is log2(m / u). u comes from random pairs. m comes from the candidate pairs by
expectation maximisation, block by block, leaving out the columns that a block makes equal. All of it works
on counts of patterns, a small table however many pairs there are.

Columns that a household shares (address, city, phone) do not agree by chance: who has the same street has
the same city, be he a stranger or not. Where the other columns tell of many households, a third kind of pair
is learned beside one person and strangers: two people who share these columns, and nothing else.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import median

SMALLEST_M = 1e-4
ROUNDS = 200
FEWEST_RECAUGHT = 10  # pairs that two blocks both found, for the two to tell how many there are
MOST_MISSED = 3.0
STEADY = 1e-7  # largest change of a probability when the estimate has settled
HOUSEHOLD_ROUNDS = 50
DOUBT = 2.0  # pairs that what one would guess weighs, beside what is counted
MOST_DIFFERENT = 0.1  # of the pairs of one person, in a column that households do not share
# there are households when such a share of the pairs that agree on all shared columns has so few bits from
# the others: what one column tells apart may be a nickname, what several tell apart are two people
HOUSEHOLDS = ((0.0, 0.25), (-8.0, 0.05))

Pattern = tuple[int, ...]  # a level for each column; 0: a value is missing


@dataclass(frozen=True)
class Weights:
    """The model of a rule.

    Args:
        m, u: for each column the chance of level 1, 2, … (1 = different, the last = equal).
        prior: the chance that two records taken at random are of one person.
        shared: columns that households share.
        household: the chance that two records taken at random are of two people of a household.
        kin: for each column the chance of level 1, 2, … among these.
    """

    m: list[list[float]]
    u: list[list[float]]
    prior: float
    shared: tuple[int, ...] = ()
    household: float = 0.0
    kin: tuple[tuple[float, ...], ...] = ()

    def weight(self, column: int, level: int) -> float:
        """Return the bits that *level* adds; a missing value adds none."""
        if level == 0:
            return 0.0
        return math.log2(self.m[column][level - 1] / self.u[column][level - 1])

    def of_pattern(self, pattern: Pattern) -> float:
        """Return the weight of a pair, the prior included."""
        base = prior_weight(self.prior) + sum(self.weight(at, level) for at, level in enumerate(pattern))
        if not self.household:
            return base
        kin = self.household_bits() + sum(
            self.kin_weight(column, level) for column, level in enumerate(pattern)
        )
        return base - math.log2(1 + 2.0**kin)

    def household_bits(self) -> float:
        """Return how much likelier two people of a household are than strangers, before a look at them."""
        return math.log2(self.household / (1 - self.prior - self.household))

    def kin_weight(self, column: int, level: int) -> float:
        """Return the bits by which *level* speaks for two people of a household, and not for strangers."""
        return math.log2(self.kin[column][level - 1] / self.u[column][level - 1]) if level else 0.0

    def alike(self, column: int) -> int:
        """Return the level from which on a column speaks for one person."""
        against = [level for level in range(1, len(self.m[column])) if self.weight(column, level) <= 0]
        return max(against, default=0) + 1


def prior_weight(prior: float) -> float:
    """Return a probability as bits of odds.

    >>> prior_weight(0.5)
    0.0
    """
    return math.log2(prior / (1 - prior))


def probability(weight: float) -> float:
    """Return bits of odds as a probability.

    >>> probability(0.0), round(probability(3.17), 2)
    (0.5, 0.9)
    """
    return 1 / (1 + 2.0 ** -max(-1000.0, min(1000.0, weight)))


def estimate(
    levels: Sequence[int],
    candidates: Mapping[tuple[int, Pattern], int],
    random_pairs: Mapping[Pattern, int],
    equal_by_chance: Sequence[float | None],
    blocks: Sequence[Sequence[bool]],
    all_pairs: int,
    shared: Sequence[int] = (),
) -> Weights:
    """Return the model of a rule.

    Args:
        levels: number of levels of each column, missing not counted.
        candidates: (blocks that found the pair as bits, pattern) → pairs.
        random_pairs: pattern → pairs taken at random.
        equal_by_chance: for each column the chance that two records hold the same value, from the values'
            frequencies; None to take it from the random pairs.
        blocks: for each block and column whether the block makes the column agree.
        all_pairs: number of pairs there are, candidates or not.
        shared: columns that households share.
    """
    first = u_of(levels, {pattern: float(n) for pattern, n in random_pairs.items()}, equal_by_chance)
    weights = _train(levels, candidates, first, blocks, all_pairs)
    # random pairs hold a few pairs of one person: leave out what looks like one, once
    strangers = {
        pattern: n * (1 - probability(weights.of_pattern(pattern))) for pattern, n in random_pairs.items()
    }
    equal_strangers = [
        None if equal is None else max(equal - weights.prior * weights.m[column][-1], equal / 100)
        for column, equal in enumerate(equal_by_chance)
    ]
    model = _train(levels, candidates, u_of(levels, strangers, equal_strangers), blocks, all_pairs)
    return _with_households(replace(model, shared=tuple(shared)), candidates, all_pairs)


def _with_households(
    model: Weights, candidates: Mapping[tuple[int, Pattern], int], all_pairs: int
) -> Weights:
    """Return *model* with the chance of a household, by expectation maximisation over three kinds of pairs.

    What the other columns say begins as one would guess: what was learned with two kinds may take a family
    for one person. Without many households, *model* itself.
    """
    rest = [column for column in range(len(model.m)) if column not in model.shared]
    if len(model.shared) < 2 or not rest:
        return model
    union: dict[Pattern, int] = {}
    for (_, pattern), n in candidates.items():
        union[pattern] = union.get(pattern, 0) + n
    guess = replace(model, m=[_shares([0.0] * len(u), u) for u in model.u])
    said = _bits(guess, union, rest)
    kin = _kin(model, union, said)
    if kin is None:
        return model
    fixed = _bits(model, union, model.shared)
    found = sum(n * probability(model.of_pattern(pattern)) for pattern, n in union.items())
    missed = model.prior * all_pairs / max(found, 1e-9)
    smallest = 1 / max(all_pairs, 2)
    model = replace(
        model,
        prior=max(model.prior * (1 - kin), smallest),
        household=max(model.prior * kin, smallest),
        kin=tuple(
            tuple(model.m[column] if column in model.shared else model.u[column])
            for column in range(len(model.m))
        ),
    )
    bits = said
    for _ in range(HOUSEHOLD_ROUNDS):
        one, two = {}, {}  # the chance of one person, of one household
        for pattern in union:
            same = model.prior * 2.0 ** (fixed[pattern] + bits[pattern])
            home = model.household * 2.0 ** sum(
                model.kin_weight(column, level) for column, level in enumerate(pattern)
            )
            total = same + home + (1 - model.prior - model.household)
            one[pattern], two[pattern] = same / total, home / total
        expected = sum(n * one[pattern] for pattern, n in union.items())
        homes = sum(n * two[pattern] for pattern, n in union.items())
        before = model.prior
        model = replace(
            _learned(model, union, one, rest),
            prior=min(max(expected * missed * smallest, smallest), 0.4),
            household=min(max(homes * missed * smallest, smallest), 0.4),
            kin=tuple(_of_kin(model, union, two, column) for column in range(len(model.m))),
        )
        bits = _bits(model, union, rest)
        if abs(model.prior - before) <= before * 1e-4:
            break
    return model


def _kin(model: Weights, union: Mapping[Pattern, int], said: Mapping[Pattern, float]) -> float | None:
    """Return the share of two people among pairs that agree on all shared columns; None when it is small.

    Args:
        said: the bits of the other columns.
    """
    alike = [
        pattern
        for pattern in union
        if all(not pattern[column] or pattern[column] >= model.alike(column) for column in model.shared)
        and sum(pattern[column] > 0 for column in model.shared) > 1
    ]
    together = sum(union[pattern] for pattern in alike)
    shares = [
        (sum(union[pattern] for pattern in alike if said[pattern] < bits) / max(together, 1), enough)
        for bits, enough in HOUSEHOLDS
    ]
    return shares[0][0] if any(share >= enough for share, enough in shares) else None


def _of_kin(
    model: Weights, union: Mapping[Pattern, int], two: Mapping[Pattern, float], column: int
) -> tuple[float, ...]:
    """Return the chance of each level of *column* among two people of a household.

    They share a shared column or not: as one person has it, or as strangers. In another one they agree as
    rarely as strangers, or, since a family does not give a name twice, more rarely.
    """
    m, u, kin = model.m[column], model.u[column], model.kin[column]
    sums = [0.0] * len(u)
    for pattern, n in union.items():
        if pattern[column]:
            sums[pattern[column] - 1] += n * two[pattern]
    total = sum(sums) + DOUBT
    if column not in model.shared:
        for_one = [more > chance for more, chance in zip(m, u, strict=True)]
        rarer = [
            min((n + DOUBT * chance) / total, chance) if speaks else chance
            for n, chance, speaks in zip(sums, u, for_one, strict=True)
        ]
        rest = sum(chance for chance, speaks in zip(u, for_one, strict=True) if not speaks)
        left = 1 - sum(chance for chance, speaks in zip(rarer, for_one, strict=True) if speaks)
        return tuple(
            chance if speaks else chance * left / rest for chance, speaks in zip(rarer, for_one, strict=True)
        )
    share = (kin[-1] - u[-1]) / max(m[-1] - u[-1], 1e-9)  # of those that share it, so far
    sharing = sum(n * share * more / now for n, more, now in zip(sums, m, kin, strict=True))
    share = min(max((sharing + DOUBT / 2) / total, 0.01), 0.999)
    return tuple(share * more + (1 - share) * chance for more, chance in zip(m, u, strict=True))


def _bits(model: Weights, union: Mapping[Pattern, int], columns: Sequence[int]) -> dict[Pattern, float]:
    """Return what *columns* say of every pattern."""
    weights = [
        (column, [model.weight(column, level) for level in range(len(model.m[column]) + 1)])
        for column in columns
    ]
    return {pattern: sum(bits[pattern[column]] for column, bits in weights) for pattern in union}


def _learned(
    model: Weights, union: Mapping[Pattern, int], beliefs: Mapping[Pattern, float], columns: Sequence[int]
) -> Weights:
    """Return *model* with the m of *columns* as it looks among the pairs that are believed."""
    m = list(model.m)
    for column in columns:
        sums = [0.0] * len(m[column])
        for pattern, n in union.items():
            if pattern[column]:
                sums[pattern[column] - 1] += n * beliefs[pattern]
        m[column] = _agreeing(_shares(sums, model.u[column]), model.u[column])
    return replace(model, m=m)


def _agreeing(m: Sequence[float], u: Sequence[float]) -> list[float]:
    """Return *m* with at most MOST_DIFFERENT for the levels that speak against one person."""
    against = sum(share for share, chance in zip(m, u, strict=True) if share < chance)
    if against <= MOST_DIFFERENT:
        return list(m)
    less, more = MOST_DIFFERENT / against, (1 - MOST_DIFFERENT) / (1 - against)
    return [share * (less if share < chance else more) for share, chance in zip(m, u, strict=True)]


def u_of(
    levels: Sequence[int], pairs: Mapping[Pattern, float], equal_by_chance: Sequence[float | None]
) -> list[list[float]]:
    """Return the chance of each level among pairs of strangers."""
    found = []
    for column, count in enumerate(levels):
        seen = [0.5] * count  # half a pair each: nothing is impossible
        for pattern, n in pairs.items():
            if pattern[column]:
                seen[pattern[column] - 1] += n
        shares = [n / sum(seen) for n in seen]
        equal = equal_by_chance[column]
        if equal is not None:
            equal = min(max(equal, 1e-9), 0.999)
            others = sum(shares[:-1])
            shares = [share / others * (1 - equal) for share in shares[:-1]] + [equal]
        found.append(shares)
    return found


def _train(
    levels: Sequence[int],
    candidates: Mapping[tuple[int, Pattern], int],
    u: list[list[float]],
    blocks: Sequence[Sequence[bool]],
    all_pairs: int,
) -> Weights:
    """Return the model for a given u: m block by block, then the prior."""
    sums = [[0.0] * count for count in levels]
    for at, fixed in enumerate(blocks):
        seen: dict[Pattern, int] = {}
        for (mask, pattern), n in candidates.items():
            if mask >> at & 1:
                seen[pattern] = seen.get(pattern, 0) + n
        free = [column for column in range(len(levels)) if not fixed[column]]
        if not seen or not free:
            continue
        expected, m = _maximise(levels, seen, u, free)
        for column in free:
            for level in range(levels[column]):
                sums[column][level] += expected * m[column][level]
    m = [_shares(total, u[column]) for column, total in enumerate(sums)]
    missing = [column for column, total in enumerate(sums) if sum(total) <= 0]
    union: dict[Pattern, int] = {}
    for (_, pattern), n in candidates.items():
        union[pattern] = union.get(pattern, 0) + n
    model = Weights(m, u, _prior(m, u, union, all_pairs))
    for column in missing:  # agreed on by every block: as it looks among the pairs that match
        seen_levels = [0.0] * levels[column]
        for pattern, n in union.items():
            if pattern[column]:
                seen_levels[pattern[column] - 1] += n * probability(model.of_pattern(pattern))
        m[column] = _shares(seen_levels, u[column])
    model = Weights(m, u, _prior(m, u, union, all_pairs))
    return Weights(m, u, min(model.prior * _missed(model, candidates, blocks), 0.5))


def _missed(
    model: Weights, candidates: Mapping[tuple[int, Pattern], int], blocks: Sequence[Sequence[bool]]
) -> float:
    """Return how many pairs of one person there are for each that the blocks found, at least 1.

    Two blocks are two catches of the same fish: n1 × n2 / n12 live in the pond (Lincoln and Petersen). The
    middle of all such estimates is taken, of blocks that share no column when there are such; what two
    catches have in common makes it rather too small.
    """
    found: dict[int, float] = {}
    for (mask, pattern), n in candidates.items():
        found[mask] = found.get(mask, 0.0) + n * probability(model.of_pattern(pattern))

    def caught(bits: int) -> float:
        return sum(n for mask, n in found.items() if mask & bits == bits)

    apart, related = [], []
    for one, other in combinations(range(len(blocks)), 2):
        both = caught(1 << one | 1 << other)
        if both >= FEWEST_RECAUGHT:
            shared = any(a and b for a, b in zip(blocks[one], blocks[other], strict=True))
            (related if shared else apart).append(caught(1 << one) * caught(1 << other) / both)
    if not apart and not related:
        return 1.0
    return min(max(median(apart or related) / caught(0), 1.0), MOST_MISSED)


def _maximise(
    levels: Sequence[int], seen: Mapping[Pattern, int], u: list[list[float]], free: Sequence[int]
) -> tuple[float, list[list[float]]]:
    """Return the expected number of matching pairs and m, by expectation maximisation with u held."""
    m = [[0.1 / max(1, count - 1)] * (count - 1) + [0.9] for count in levels]
    total = sum(seen.values())
    share = 0.2
    for _ in range(ROUNDS):
        sums = [[0.0] * count for count in levels]
        expected = 0.0
        for pattern, n in seen.items():
            same, other = share, 1 - share
            for column in free:
                level = pattern[column]
                if level:
                    same *= m[column][level - 1]
                    other *= u[column][level - 1]
            belief = n * same / (same + other) if same + other > 0 else 0.0
            expected += belief
            for column in free:
                if pattern[column]:
                    sums[column][pattern[column] - 1] += belief
        new = [_shares(sums[column], u[column]) for column in range(len(levels))]
        change = max(abs(a - b) for column in free for a, b in zip(new[column], m[column], strict=True))
        m, share = new, min(max(expected / total, 1e-9), 1 - 1e-9)
        if change < STEADY:
            break
    return share * total, m


def _shares(sums: Sequence[float], u: Sequence[float]) -> list[float]:
    """Return *sums* as shares of one, none below SMALLEST_M; a usual guess when there is nothing to share."""
    total = sum(sums)
    if total <= 0:
        guess = [0.1 / max(1, len(u) - 1)] * (len(u) - 1) + [0.9]
        return guess
    shares = [max(value / total, SMALLEST_M) for value in sums]
    return [share / sum(shares) for share in shares]


def _prior(m: list[list[float]], u: list[list[float]], union: Mapping[Pattern, int], all_pairs: int) -> float:
    """Return the chance that a random pair matches: expected matches among candidates over all pairs."""
    smallest = 1 / max(all_pairs, 2)
    prior = 0.001
    for _ in range(ROUNDS):
        model = Weights(m, u, prior)
        expected = sum(n * probability(model.of_pattern(pattern)) for pattern, n in union.items())
        new = min(max(expected * smallest, smallest), 0.5)
        if abs(new - prior) <= prior * STEADY:
            break
        prior = new
    return prior
