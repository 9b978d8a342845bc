"""What another way of deciding would have brought, from what was logged: pure (docs/offers.md, Learning).

Every estimate comes with its interval and its effective number of decisions. Sources: Horvitz and Thompson 1952 (IPS),
Swaminathan and Joachims 2015 (SNIPS), Dudík, Langford and Li 2011 (DR)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import norm

LEVEL = 0.95
Array = Any


@dataclass(frozen=True)
class Logged:
    """n decisions as they were made. `reward` (n); `chance` (n): of the arm that was chosen, under what ran then, exact and
    above 0; `target` (n): of the same arm under the way that is judged; `predicted` (n): the reward a model expects of the
    chosen arm, `expected` (n): of the way that is judged; `who` (n): the customer, whose decisions are not independent."""

    reward: Array
    chance: Array
    target: Array
    predicted: Array | None = None
    expected: Array | None = None
    who: Array | None = None

    def __post_init__(self) -> None:
        if len(self.reward) == 0:
            raise ValueError("nothing was logged")
        if not (np.all(np.asarray(self.chance) > 0) and np.all(np.asarray(self.chance) <= 1)):
            raise ValueError("a chance of a chosen arm is above 0 and at most 1")
        if np.any(np.asarray(self.target) < 0):
            raise ValueError("a chance is not below 0")

    @property
    def weights(self) -> Array:
        return np.asarray(self.target, dtype=float) / np.asarray(self.chance, dtype=float)


@dataclass(frozen=True)
class Estimate:
    """Reward a decision, with its 95 % interval; `effective`: as many decisions of the judged way as the log is worth."""

    value: float
    low: float
    high: float
    effective: float
    n: int


def ips(log: Logged) -> Estimate:
    """Inverse propensity scoring: mean(w r). Unbiased, wild where chances were small."""
    return _estimate(log, log.weights * np.asarray(log.reward, dtype=float))


def snips(log: Logged) -> Estimate:
    """Self-normalised: sum(w r) / sum(w), its error by the delta method."""
    weights, reward = log.weights, np.asarray(log.reward, dtype=float)
    total = weights.sum()
    if total <= 0:
        return Estimate(float("nan"), float("-inf"), float("inf"), 0.0, len(reward))
    value = float((weights * reward).sum() / total)
    return _estimate(log, value + weights * (reward - value) / weights.mean())


def doubly_robust(log: Logged) -> Estimate:
    """mean(expected + w (r - predicted)): right where either the chances or the model are."""
    return _estimate(log, contributions(log))


def contributions(log: Logged) -> Array:
    """What each decision adds to the doubly robust value."""
    if log.predicted is None or log.expected is None:
        raise ValueError("a doubly robust value needs what a model predicts")
    return np.asarray(log.expected) + log.weights * (np.asarray(log.reward, dtype=float) - np.asarray(log.predicted))


def _estimate(log: Logged, each: Array) -> Estimate:
    value, error = float(np.mean(each)), _error(each, log.who)
    reach = float(norm.ppf(0.5 + LEVEL / 2)) * error
    weights = log.weights
    effective = float(weights.sum() ** 2 / (weights**2).sum()) if weights.any() else 0.0
    return Estimate(value, value - reach, value + reach, effective, len(each))


def _error(each: Array, who: Array | None) -> float:
    """The standard error of a mean; one customer's decisions count together (cluster-robust)."""
    each = np.asarray(each, dtype=float)
    apart = each - each.mean()
    if who is not None:
        _names, place = np.unique(np.asarray(who), return_inverse=True)
        apart = np.bincount(place, weights=apart)
    groups = len(apart)
    if groups < 2:
        return float("inf")
    return float(np.sqrt((apart**2).sum() * groups / (groups - 1)) / len(each))


@dataclass(frozen=True)
class Ruling:
    """Whether a way of deciding may run, against the best of the constant ones."""

    may_run: bool
    against: str
    difference: Estimate


def rule(model: Logged, constants: Mapping[str, Logged]) -> Ruling:
    """A model may run only where its doubly robust value is above that of the best constant arm with an interval that
    excludes zero. All logs are of the same decisions, so that the difference is taken decision by decision."""
    if not constants:
        raise ValueError("there is nothing to be better than")
    values = {key: float(np.mean(contributions(log))) for key, log in constants.items()}
    best = max(sorted(values), key=values.__getitem__)
    apart = contributions(model) - contributions(constants[best])
    found = _estimate(model, apart)
    return Ruling(found.low > 0, best, found)


def winner(found: Mapping[str, Estimate]) -> str | None:
    """The one whose interval lies above all others', if one does: nobody wins where intervals overlap."""
    best = max(sorted(found), key=lambda key: found[key].value, default=None)
    if best is None or any(found[best].low <= other.high for key, other in found.items() if key != best):
        return None
    return best if found[best].low > float("-inf") else None


def constant(arm: int, chosen: Sequence[int]) -> Array:
    """The chances under a way that always takes this arm, of the arms that were chosen."""
    return (np.asarray(chosen) == arm).astype(float)
