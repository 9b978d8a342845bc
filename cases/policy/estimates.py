"""Figures about what was granted, each with its 95 % interval, or why there is none. Pure: numbers in, an Estimate out.
Whatever is drawn by lot is drawn from one seed, so that the same awards always tell the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special, stats

from cases.shares import wilson

FEWEST = 30  # awards, below which no figure is told
FEWEST_EACH = 5  # awards of a rep (or of another feeling than the usual) to count
FEWEST_REPS = 3
SEED = 20
DRAWS = 1000  # resamples of a bootstrap
FEW, FLAT = "few", "flat"  # why there is no figure: not enough data; nothing differs, so that nothing can be told apart


@dataclass(frozen=True)
class Estimate:
    """A figure over `count` awards with its 95 % interval; None with the reason (`why`) where none is told."""

    count: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: str = ""


def share(hits: int, count: int, fewest: int = FEWEST) -> Estimate:
    """Of `count`, with Wilson's interval (1927), which holds near 0 and 1 too."""
    if count < fewest:
        return Estimate(count, why=FEW)
    return _told(count, hits / count, *wilson(hits, count))


def explained(granted: Sequence[float], computed: Sequence[float]) -> Estimate:
    """R² of the policy: 1 - Var(granted - computed) / Var(granted). Its interval is a bootstrap-t (Efron 1981) of the logarithm
    of the ratio: where few awards are far off, a percentile bootstrap holds the truth too seldom."""
    given, off = np.array(granted, float), np.array(granted, float) - np.array(computed, float)
    count = len(given)
    if count < FEWEST:
        return Estimate(count, why=FEW)
    if given.var() < 1e-12 or np.var(computed) < 1e-12:
        return Estimate(count, why=FLAT)
    if off.var() < 1e-12:
        return _told(count, 1, 1, 1)
    value, error = _log_ratio(off, given)
    lot = np.random.default_rng(SEED)
    drawn = [_log_ratio(off[at], given[at]) for at in (lot.integers(0, count, count) for _n in range(DRAWS))]
    away = [(each - value) / its for each, its in drawn if its > 0]
    least, most = np.quantile(away, [0.025, 0.975])
    return _told(count, *(1 - math.exp(min(50, value - reach * error)) for reach in (0, least, most)))


def _log_ratio(off: Any, given: Any) -> tuple[float, float]:
    """The logarithm of Var(off) / Var(given), and its standard error by the delta method; 0 of a draw without spread."""
    squares = [(each - each.mean()) ** 2 for each in (off, given)]
    over, under = (float(each.mean()) for each in squares)
    if over < 1e-12 or under < 1e-12:
        return 0, 0
    return math.log(over / under), float((squares[0] / over - squares[1] / under).std()) / math.sqrt(len(off))


def by_person(off: Sequence[float], people: Sequence[Any]) -> Estimate:
    """Intraclass correlation ICC(1) of `off` by person: the share of its spread that is who granted it (Shrout and Fleiss
    1979); groups of unequal size by their effective size. Of those with at least FEWEST_EACH awards. Below 0 is none."""
    groups = [g for g in _grouped(off, people) if len(g) >= FEWEST_EACH]
    count, k = sum(map(len, groups)), len(groups)
    if count < FEWEST or k < FEWEST_REPS:
        return Estimate(count, why=FEW)
    every = np.concatenate(groups)
    sizes = np.array([len(g) for g in groups])
    within = sum(float(((g - g.mean()) ** 2).sum()) for g in groups) / (count - k)
    between = sum(len(g) * float((g.mean() - every.mean()) ** 2) for g in groups) / (k - 1)
    if within < 1e-15:
        return Estimate(count, why=FLAT) if between < 1e-15 else _told(count, 1, 1, 1)
    size = (count - float((sizes**2).sum()) / count) / (k - 1)
    ratio = between / within
    low = ratio / float(stats.f.ppf(0.975, k - 1, count - k))
    high = ratio * float(stats.f.ppf(0.975, count - k, k - 1))
    return _told(count, *((f - 1) / (f + size - 1) for f in (ratio, low, high)))


def _grouped(values: Sequence[float], keys: Sequence[Any]) -> list[Any]:
    found: dict[Any, list[float]] = {}
    for value, key in zip(values, keys, strict=True):
        found.setdefault(key, []).append(value)
    return [np.array(each) for each in found.values()]


def slope(shares: Sequence[float], by: Sequence[float], rows: Sequence[Any]) -> Estimate:
    """How much more of the computed amount is granted for one more of `by`, within the same row: least squares with a level
    for each row (Frisch and Waugh 1933), heteroscedasticity-consistent errors (HC3, MacKinnon and White 1985), Student's t."""
    y, x, at = _in_rows(shares, by, rows)
    count, levels = len(y), len(np.unique(at))
    usual = max(np.unique(x, return_counts=True)[1], default=0)
    if count < FEWEST or count - usual < FEWEST_EACH:
        return Estimate(count, why=FEW)
    sizes = np.bincount(at)
    x, y = (v - (np.bincount(at, v) / sizes)[at] for v in (x, y))
    spread = float(x @ x)
    if spread < 1e-12:
        return Estimate(count, why=FEW)
    found = float(x @ y) / spread
    leverage = np.minimum(1 / sizes[at] + x * x / spread, 1 - 1e-9)
    error = math.sqrt(float((x * x * ((y - found * x) / (1 - leverage)) ** 2).sum())) / spread
    reach = float(special.stdtrit(count - levels - 1, 0.975)) * error
    return _told(count, found, found - reach, found + reach)


def _in_rows(shares: Sequence[float], by: Sequence[float], rows: Sequence[Any]) -> tuple[Any, Any, Any]:
    """Those that have a like, with their rows numbered: who is alone in a row tells nothing within it."""
    places: dict[Any, int] = {}
    at = np.array([places.setdefault(row, len(places)) for row in rows], int)
    kept = np.bincount(at)[at] > 1 if len(at) else np.zeros(0, bool)
    return np.array(shares, float)[kept], np.array(by, float)[kept], np.unique(at[kept], return_inverse=True)[1]


def median(values: Sequence[float]) -> Estimate:
    """With the interval between two of the values, by the binomial: it asks nothing of their distribution."""
    count, found = len(values), sorted(values)
    if count < FEWEST:
        return Estimate(count, why=FEW)
    place = max(0, int(stats.binom.ppf(0.025, count, 0.5)) - 1)
    return _told(count, float(np.median(found)), found[place], found[count - 1 - place])


def _told(count: int, value: float, low: float, high: float) -> Estimate:
    return Estimate(count, round(float(value), 4), round(float(low), 4), round(float(high), 4))
