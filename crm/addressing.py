"""Addresses of our own pages that differ only in their numbers: a list or a thread has hundreds, and to ask every pattern for
each of them took a third of the time of showing a message."""

from functools import lru_cache

from django.urls import get_script_prefix, reverse

_STANDS_FOR = 7_070_707_000  # no number of ours


def address(name: str, *numbers: int) -> str:
    """What `reverse(name, args=numbers)` says."""
    return _pattern(name, len(numbers), get_script_prefix()) % numbers


@lru_cache(maxsize=256)
def _pattern(name: str, count: int, _prefix: str) -> str:
    stand_ins = [_STANDS_FOR + n for n in range(count)]
    pattern = reverse(name, args=stand_ins).replace("%", "%%")
    for number in stand_ins:
        pattern = pattern.replace(str(number), "%d")
    return pattern
