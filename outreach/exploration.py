"""How probable each arm is to be tried, in closed form, so that the very chance can be logged: pure.

Thompson sampling among independent normal beliefs: arm k is taken when it is the highest of one draw each. The chance is
the integral over its own draw of the product of the others' distribution functions, by Gauss-Hermite quadrature."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr

NODES, WEIGHTS = np.polynomial.hermite.hermgauss(21)
CERTAIN = 1e-9  # a deviation below this is a value that is known
FLOOR = 0.02  # every arm that may be taken, silence too, keeps at least this chance


def chances(means: Sequence[float], deviations: Sequence[float], floor: float = FLOOR) -> list[float]:
    """The chance of each arm, in order; they add up to 1, and none is below `floor` (which shrinks where there are more arms
    than it allows for). A deviation below CERTAIN is a value that is known."""
    if not means:
        return []
    if any(not math.isfinite(m) or not math.isfinite(s) or s < 0 for m, s in zip(means, deviations, strict=True)):
        raise ValueError("beliefs are finite, and deviations not below 0")
    mean, deviation = np.asarray(means, dtype=float), np.asarray(deviations, dtype=float)
    raw = np.array([(WEIGHTS * below).sum() / math.sqrt(math.pi) for below in _below(mean, deviation)])
    raw = raw / raw.sum() if raw.sum() > 0 else np.full(len(mean), 1 / len(mean))
    floor = min(floor, 1 / len(mean))
    spread = floor + (1 - floor * len(mean)) * raw
    return [float(p) for p in spread / spread.sum()]


def _below(mean: np.ndarray, deviation: np.ndarray) -> Any:
    """Of each arm, at each node of its own draw, how probable it is that all others are below it."""
    draws = mean[:, None] + (math.sqrt(2) * NODES)[None, :] * deviation[:, None]
    below = np.ones_like(draws)
    for i in range(len(mean)):
        if deviation[i] > CERTAIN:
            other = ndtr((draws - mean[i]) / deviation[i])
        else:
            other = np.where(draws > mean[i], 1.0, np.where(draws == mean[i], 0.5, 0.0))
        other[i] = 1.0  # nobody has to be below themselves
        below *= other
    return below
