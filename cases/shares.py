"""A share of a number of things, and how far one may trust it. Pure."""

import math
from dataclasses import dataclass
from statistics import NormalDist

_Z = NormalDist().inv_cdf(0.975)  # of a 95 % interval


@dataclass(frozen=True)
class Share:
    """So many of them, with Wilson's 95 % interval; None of nothing."""

    count: int
    share: float | None
    low: float | None
    high: float | None


def share(count: int, of: int) -> Share:
    if not of:
        return Share(0, None, None, None)
    low, high = wilson(count, of)
    return Share(count, round(count / of, 4), round(low, 4), round(high, 4))


def wilson(count: int, of: int) -> tuple[float, float]:
    """Wilson's 95 % interval (1927) of `count` of `of`, at least one: it stays within 0 and 1 and holds where there are few."""
    p, z2 = count / of, _Z**2 / of
    middle, reach = p + z2 / 2, _Z * math.sqrt(p * (1 - p) / of + z2 / of / 4)
    return max((middle - reach) / (1 + z2), 0.0), min((middle + reach) / (1 + z2), 1.0)
