"""A share and its interval: the same wherever one is told."""

import math

import pytest

from cases.policy import estimates
from cases.shares import share, wilson


@pytest.mark.parametrize(("count", "of"), [(0, 5), (5, 5), (8, 10), (430, 1000)])
def test_the_interval_is_wilsons(count: int, of: int) -> None:
    """Its ends are where the score test just does not refuse: |p - q| = z·sqrt(q(1 - q)/n)."""
    found = share(count, of)
    for end in (found.low, found.high):
        assert end is not None
        if 0.0 < end < 1.0:
            away = abs(count / of - end)
            assert away == pytest.approx(1.959964 * math.sqrt(end * (1 - end) / of), abs=1e-3)
    assert found.low is not None
    assert found.high is not None
    assert 0 <= found.low <= count / of <= found.high <= 1


def test_of_nothing_there_is_no_share() -> None:
    found = share(0, 0)
    assert (found.count, found.share, found.low, found.high) == (0, None, None, None)


def test_wherever_a_share_is_told_it_is_told_by_this_interval() -> None:
    """Newcombe (1998), table I: 81 of 263 is 0.2553 to 0.3662."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    told = estimates.share(81, 263)
    assert (told.low, told.high) == (share(81, 263).low, share(81, 263).high)
