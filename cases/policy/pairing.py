"""Like cases, unlike outcomes: whether who granted it, or where, or to whom, tells what like cases got. Pure.

Like are awards of the same row of the same version with the same facts. Were nothing but the facts behind an amount, the
labels of like cases (their reps, their languages) could be dealt out anew and nothing would change: so they are, every way
there is or, where these are too many, by a seeded lot (permutation test, Fisher 1935)."""

import math
from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from cases.policy.estimates import FEWEST_EACH, SEED

FEWEST_ALIKE = 20  # awards that have a like one with another label, below which nothing is told
EVERY_WAY = 5000  # ways to deal the labels, up to which all are tried
LOTS = 999
SURE = 0.01  # five labels are looked at: with 0.05 each, one fair desk in four would seem unfair in one


@dataclass(frozen=True)
class Level:
    """What those of one label got of the computed amount beyond like cases, on average."""

    label: Any
    awards: int
    beyond: float


@dataclass(frozen=True)
class Gap:
    """By one kind of label: `pairs` of like cases with different labels; `gap`, how far apart two labels are in shares of
    the computed amount (root mean square, each label's like cases taken off); `chance` to `chance_most`, where 95 % of gaps
    would be if the labels told nothing; `p`, how often chance gives as much. None: not enough data."""

    awards: int
    pairs: int
    gap: float | None = None
    chance: float | None = None
    chance_most: float | None = None
    p: float | None = None
    exact: bool = False
    highest: Level | None = None
    lowest: Level | None = None

    @property
    def is_found(self) -> bool:
        return self.p is not None and self.p < SURE


def gap(shares: Sequence[float], labels: Sequence[Hashable], alike: Sequence[Hashable]) -> Gap:
    """`shares` of the computed amount, each with its label and the key of its like cases."""
    strata: dict[Hashable, list[int]] = {}
    for place, key in enumerate(alike):
        strata.setdefault(key, []).append(place)
    mixed = [group for group in strata.values() if len({labels[n] for n in group}) > 1]
    order = [n for group in mixed for n in group]
    pairs = sum(_pairs([labels[n] for n in group]) for group in mixed)
    if len(order) < FEWEST_ALIKE:
        return Gap(len(order), pairs)
    names = list(dict.fromkeys(labels[n] for n in order))
    told = np.array([names.index(labels[n]) for n in order])
    at = np.repeat(np.arange(len(mixed)), [len(group) for group in mixed])
    x = np.array([shares[n] for n in order], float)
    beyond = x - (np.bincount(at, x) / np.bincount(at))[at]
    return _tested(beyond, told, at, names, pairs)


def _pairs(labels: Sequence[Hashable]) -> int:
    return math.comb(len(labels), 2) - sum(math.comb(n, 2) for n in Counter(labels).values())


def _tested(beyond: Any, told: Any, at: Any, names: Sequence[Hashable], pairs: int) -> Gap:
    sizes = np.bincount(told)
    found = _apart(beyond, told, sizes)
    exact = _ways(told, at) <= EVERY_WAY
    dealt = np.array([_apart(beyond, each, sizes) for each in (_every(told, at) if exact else _lots(told, at))])
    as_much = int((dealt >= found - 1e-12).sum())
    p = as_much / len(dealt) if exact else (as_much + 1) / (len(dealt) + 1)
    low, high = np.quantile(dealt, [0.025, 0.975])
    levels = sorted(_levels(beyond, told, names), key=lambda level: level.beyond)
    return Gap(
        awards=len(told),
        pairs=pairs,
        gap=round(found, 4),
        chance=round(float(low), 4),
        chance_most=round(float(high), 4),
        p=round(p, 4),
        exact=exact,
        highest=levels[-1] if len(levels) > 1 else None,
        lowest=levels[0] if len(levels) > 1 else None,
    )


def _apart(beyond: Any, told: Any, sizes: Any) -> float:
    """Root mean square of the differences between two labels' means, each pair of labels weighed by its awards."""
    weights = sizes / sizes.sum()
    means = np.bincount(told, beyond, len(sizes)) / sizes
    middle = float(weights @ means)
    return math.sqrt(max(0.0, 2 * float(weights @ (means - middle) ** 2) / (1 - float(weights @ weights))))


def _levels(beyond: Any, told: Any, names: Sequence[Hashable]) -> Iterator[Level]:
    for n, name in enumerate(names):
        mine = beyond[told == n]
        if len(mine) >= FEWEST_EACH:
            yield Level(name, len(mine), round(float(mine.mean()), 4))


def _ways(told: Any, at: Any) -> int:
    """In how many ways the labels can be dealt within like cases; more than EVERY_WAY is not counted on."""
    ways = 1
    for group in range(int(at[-1]) + 1):
        mine = told[at == group]
        if len(mine) > EVERY_WAY:
            return EVERY_WAY + 1
        ways *= math.factorial(len(mine)) // math.prod(math.factorial(int(n)) for n in np.bincount(mine))
        if ways > EVERY_WAY:
            break
    return ways


def _every(told: Any, at: Any) -> Iterator[Any]:
    dealt = [_arrangements(Counter(told[at == group].tolist())) for group in range(int(at[-1]) + 1)]
    for each in product(*dealt):
        yield np.array([label for group in each for label in group])


def _arrangements(left: Counter[int]) -> list[tuple[int, ...]]:
    if not +left:
        return [()]
    return [(label, *rest) for label in +left for rest in _arrangements(left - Counter([label]))]


def _lots(told: Any, at: Any) -> Iterator[Any]:
    lot = np.random.default_rng(SEED)
    for _n in range(LOTS):
        yield told[np.lexsort((lot.random(len(told)), at))]


def unlike(shares: Sequence[float], alike: Sequence[Hashable], most: int) -> list[tuple[int, int]]:
    """Places of like cases with unlike outcomes, for somebody to look at: the most unlike first, each award once. Of each
    kind of case those that got most are put beside those that got least."""
    strata: dict[Hashable, list[int]] = {}
    for place, key in enumerate(alike):
        strata.setdefault(key, []).append(place)
    found = []
    for group in strata.values():
        ranked = sorted(group, key=lambda n: (shares[n], n))
        pairs = zip(ranked, reversed(ranked), strict=True)
        found += [(low, high) for low, high in list(pairs)[: len(ranked) // 2] if shares[high] - shares[low] > 1e-9]
    return sorted(found, key=lambda pair: (shares[pair[0]] - shares[pair[1]], pair))[:most]
