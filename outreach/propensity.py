"""How likely a yes is, as a belief that answers sharpen: Bayesian logistic regression, pure.

Each coefficient is normal and independent (Chapelle and Li 2011, algorithm 3): the mean moves to the most probable values
given the answers, the precision grows by what they tell. No answer yet is no refusal: it counts by the share of answers
that come within its age (Vernade, Cappé and Perchet 2017)."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

START, EVIDENCE = 0.10, 50.0  # a yes before anybody answered, and how many answers that belief is worth
SPREAD = 1.0  # standard deviation of what anything else may add, before anything is known


@dataclass(frozen=True)
class Answer:
    """One presentation: what was known (name → value; `offer:<key>` is 1 for the offer itself), whether they said yes, and
    how much it counts, 0 to 1."""

    known: Mapping[str, float]
    yes: bool
    weight: float = 1.0


@dataclass(frozen=True)
class Belief:
    """`mean` and `precision` of each coefficient by name; what is not named is as unknown as at the start."""

    mean: Mapping[str, float] = field(default_factory=dict)
    precision: Mapping[str, float] = field(default_factory=dict)
    answers: float = 0.0

    def log_odds(self, known: Mapping[str, float]) -> tuple[float, float]:
        """Mean and standard deviation of the logarithm of odds of a yes."""
        mean = math.log(START / (1 - START)) + sum(self.mean.get(name, 0.0) * x for name, x in known.items())
        variance = sum(x * x / self.precision.get(name, start_precision(name)) for name, x in known.items())
        return mean, math.sqrt(variance)

    def chance(self, known: Mapping[str, float]) -> tuple[float, float]:
        """How likely a yes is, the belief's width taken in (MacKay 1992), and the standard deviation of that."""
        mean, width = self.log_odds(known)
        p = 1 / (1 + math.exp(-mean / math.sqrt(1 + math.pi * width * width / 8)))
        return p, width * p * (1 - p)

    def learn(self, answers: Sequence[Answer]) -> "Belief":
        """The belief after these answers too. The same answers in any order make the same belief."""
        import numpy as np  # only training needs it
        from scipy.optimize import minimize

        counted = [a for a in answers if a.weight > 0]
        if not counted:
            return self
        names = sorted({name for answer in counted for name in answer.known})
        x = np.array([[answer.known.get(name, 0.0) for name in names] for answer in counted])
        y = np.array([1.0 if answer.yes else 0.0 for answer in counted])
        heft = np.array([answer.weight for answer in counted])
        prior = np.array([self.mean.get(name, 0.0) for name in names])
        precision = np.array([self.precision.get(name, start_precision(name)) for name in names])
        base = math.log(START / (1 - START))

        def loss(w: Any) -> tuple[float, Any]:
            odds = base + x @ w
            missed = (heft * (np.logaddexp(0, odds) - y * odds)).sum()
            slope = x.T @ (heft * (1 / (1 + np.exp(-odds)) - y))
            apart = w - prior
            return float(missed + 0.5 * (precision * apart**2).sum()), slope + precision * apart

        found = minimize(loss, prior, jac=True, method="L-BFGS-B").x
        p = 1 / (1 + np.exp(-(base + x @ found)))
        sharper = precision + (x**2 * (heft * p * (1 - p))[:, None]).sum(axis=0)
        return Belief(
            {**self.mean, **dict(zip(names, map(float, found), strict=True))},
            {**self.precision, **dict(zip(names, map(float, sharper), strict=True))},
            self.answers + float(heft.sum()),
        )


def start_precision(name: str) -> float:
    """Of an offer's own coefficient: that of EVIDENCE answers of which START were a yes. Of anything else: SPREAD."""
    return EVIDENCE * START * (1 - START) if name.startswith("offer:") else 1 / SPREAD**2


def share_answered(age: float, delays: Sequence[float], window: float) -> float:
    """The share of answers that come within `age` (hours) of the question, from the delays of those that came, 0 to 1; all of
    them after `window`. Before there are delays to learn from: as if they came evenly over the window."""
    if age >= window:
        return 1.0
    even = max(age, 0.0) / window
    within = [d for d in delays if d <= window]
    came = sum(d <= age for d in within)
    return (came + 5 * even) / (len(within) + 5)
