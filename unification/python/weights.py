"""Weights of a matching rule: how much each level of agreement speaks for one person.

Fellegi and Sunter's model. m is the chance of a level among records of one person, u among records of two
people; the weight of a level is log2(m / u). u comes from random pairs. m comes from the candidate pairs by
expectation maximisation, block by block, leaving out the columns that a block makes equal. All of it works
on counts of patterns, a small table however many pairs there are.

Columns that a household shares (address, city, phone) do not agree by chance: who has the same street has
the same city, be he a stranger or not. How often strangers agree on them together is counted among the
pairs that the other columns tell apart, and what one column already said is not counted again.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from statistics import median

SMALLEST_M = 1e-4
ROUNDS = 200
FEWEST_RECAUGHT = 10  # pairs that two blocks both found, for the two to tell how many there are
MOST_MISSED = 3.0
STEADY = 1e-7  # largest change of a probability when the estimate has settled
JOINT_ROUNDS = 20
MOST_DIFFERENT = 0.1  # of the pairs of one person, in a column that households do not share
MANY_STRANGERS = 0.3  # of the pairs that agree on all shared columns
DOUBT = 5.0  # pairs that what single columns say together weighs, beside what is counted

Pattern = tuple[int, ...]  # a level for each column; 0: a value is missing


@dataclass(frozen=True)
class Weights:
    """The model of a rule.

    Args:
        m, u: for each column the chance of level 1, 2, … (1 = different, the last = equal).
        prior: the chance that two records taken at random are of one person.
        shared: columns that households share.
        joint: bits to add for what these columns say together: 0 missing, 1 different, 2 alike or equal.
    """

    m: list[list[float]]
    u: list[list[float]]
    prior: float
    shared: tuple[int, ...] = ()
    joint: Mapping[Pattern, float] = field(default_factory=dict)

    def weight(self, column: int, level: int) -> float:
        """Return the bits that *level* adds; a missing value adds none."""
        if level == 0:
            return 0.0
        return math.log2(self.m[column][level - 1] / self.u[column][level - 1])

    def of_pattern(self, pattern: Pattern) -> float:
        """Return the weight of a pair, the prior included."""
        return (
            prior_weight(self.prior)
            + sum(self.weight(column, level) for column, level in enumerate(pattern))
            + self.joint.get(self.together(pattern), 0.0)
        )

    def together(self, pattern: Pattern) -> Pattern:
        """Return what the shared columns of a pattern say: missing, different, alike."""
        return tuple(
            (2 if pattern[column] >= self.alike(column) else 1) if pattern[column] else 0
            for column in self.shared
        )

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
    return _jointly(replace(model, shared=tuple(shared)), candidates, random_pairs, all_pairs)


def _jointly(
    model: Weights,
    candidates: Mapping[tuple[int, Pattern], int],
    random_pairs: Mapping[Pattern, int],
    all_pairs: int,
) -> Weights:
    """Return *model* with what its shared columns say together, by expectation maximisation.

    It begins with what the other columns alone say of each pair, of one person as one would guess: what was
    learned by single columns may take a family for one person. Where strangers do not share, *model* itself.
    """
    rest = [column for column in range(len(model.m)) if column not in model.shared]
    if len(model.shared) < 2 or not rest:
        return model
    union: dict[Pattern, int] = {}
    for (_, pattern), n in candidates.items():
        union[pattern] = union.get(pattern, 0) + n
    keys = {pattern: model.together(pattern) for pattern in union}
    fixed = _bits(model, union, model.shared)
    found = sum(n * probability(model.of_pattern(pattern)) for pattern, n in union.items())
    missed = model.prior * all_pairs / max(found, 1e-9)
    given = _given(model, random_pairs)
    guess = replace(model, m=[_shares([0.0] * len(u), u) for u in model.u])
    base = prior_weight(model.prior)
    beliefs = {pattern: probability(base + bits) for pattern, bits in _bits(guess, union, rest).items()}
    alike = [pattern for pattern in union if 1 not in keys[pattern] and keys[pattern].count(2) > 1]
    strangers = sum(union[pattern] * (1 - beliefs[pattern]) for pattern in alike)
    if strangers < MANY_STRANGERS * sum(union[pattern] for pattern in alike):
        return model
    for _ in range(JOINT_ROUNDS):
        model = _learned(model, union, beliefs, rest)
        model = replace(model, joint=_joint(model, union, keys, beliefs, given, all_pairs))
        expected = sum(n * beliefs[pattern] for pattern, n in union.items())
        prior = min(max(expected * missed / max(all_pairs, 1), 1 / max(all_pairs, 2)), 0.5)
        model = replace(model, prior=prior)
        base = prior_weight(prior)
        new = {
            pattern: probability(base + fixed[pattern] + bits + model.joint[keys[pattern]])
            for pattern, bits in _bits(model, union, rest).items()
        }
        change = sum(n * abs(new[pattern] - beliefs[pattern]) for pattern, n in union.items())
        beliefs = new
        if change <= expected * 1e-3:
            break
    return model


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


def _given(model: Weights, random_pairs: Mapping[Pattern, int]) -> list[float]:
    """Return for each shared column how many of random pairs have it in both records."""
    total = max(sum(random_pairs.values()), 1)
    return [
        min(max(sum(n for pattern, n in random_pairs.items() if pattern[column]) / total, 1e-3), 1 - 1e-3)
        for column in model.shared
    ]


def _joint(
    model: Weights,
    union: Mapping[Pattern, int],
    keys: Mapping[Pattern, Pattern],
    beliefs: Mapping[Pattern, float],
    given: Sequence[float],
    all_pairs: int,
) -> dict[Pattern, float]:
    """Return for what shared columns say together the bits that single columns do not say."""
    same: dict[Pattern, float] = {}
    other: dict[Pattern, float] = {}
    for pattern, n in union.items():
        key = keys[pattern]
        same[key] = same.get(key, 0.0) + n * beliefs[pattern]
        other[key] = other.get(key, 0.0) + n * (1 - beliefs[pattern])
    matched: dict[Pattern, float] = {}
    for key, n in same.items():
        present = tuple(min(level, 1) for level in key)
        matched[present] = matched.get(present, 0.0) + n
    joint = {}
    for key in same:
        present = tuple(min(level, 1) for level in key)
        chance_m = chance_u = pairs = 1.0
        for at, level in enumerate(key):
            pairs *= given[at] if level else 1 - given[at]
            if level:
                column = model.shared[at]
                against = slice(model.alike(column) - 1)
                m, u = sum(model.m[column][against]), sum(model.u[column][against])
                chance_m *= m if level == 1 else 1 - m
                chance_u *= u if level == 1 else 1 - u
        found_m = (same[key] + DOUBT * chance_m) / (matched[present] + DOUBT)
        found_u = max(chance_u, other[key] / max(all_pairs * pairs, 1.0))
        joint[key] = min(math.log2(found_m / chance_m) - math.log2(found_u / chance_u), 0.0)
    return joint


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
