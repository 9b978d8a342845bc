"""Several at once: the same work from as many threads, all let go together."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.db import connection


def at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What `work(0..count-1)` returned; raises what one of them raised."""
    found = outcomes(count, work)
    for one in found:
        if isinstance(one, Exception):
            raise one
    return found


def outcomes(count: int, work: Callable[[int], Any]) -> list[Any]:
    """What each returned, or the exception itself: the loser's refusal is a result."""
    gate = threading.Barrier(count)

    def one(index: int) -> Any:
        try:
            gate.wait(20)
            return work(index)
        except Exception as error:  # noqa: BLE001 - the test judges it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
