"""Requests at their intended moments, whether or not the earlier ones are answered: who is slow does not slow the asking down."""

import gc
import http.client
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor


def at_their_moments(many: int, rate: float, people: int, ask: Callable[[int], None]) -> list[float]:
    """`ask(0..many-1)`, `rate` a second, by as many threads as people; ms of each from the moment it was intended. Python's
    collector rests in this process meanwhile: whoever asks has all of the benchmark in memory, and would time its own pauses."""
    gc.collect()
    gc.disable()
    began = time.monotonic() + 0.05

    def one(n: int) -> float:
        intended = began + n / rate
        time.sleep(max(0, intended - time.monotonic()))
        ask(n)
        return (time.monotonic() - intended) * 1000

    try:
        with ThreadPoolExecutor(people) as pool:
            return list(pool.map(one, range(many)))
    finally:
        gc.enable()


def answered(port: int, method: str, path: str, headers: Mapping[str, str], body: str = "") -> None:
    """One request, on a connection of its own; anything but success fails the benchmark."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    line.request(method, path, body or None, {name: value for name, value in headers.items() if value})
    answer = line.getresponse()
    read = answer.read()
    line.close()
    assert answer.status == 200, f"{method} {path}: HTTP {answer.status}: {read[:300]!r}"
