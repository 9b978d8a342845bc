"""Typed extension points. A lower app declares a Hook; upper apps and plugins fill it in a file named after the host."""

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Filled(Generic[R]):
    """One contribution: who made it, and the value, or the failure in words."""

    name: str
    value: R | None
    failure: str = ""
    ms: float = 0.0


@dataclass(eq=False)
class Hook(Generic[P, R]):
    """An ordered list of functions of one signature. A contribution that raises is logged and left out: a broken
    plugin cannot break its host."""

    name: str
    _fills: list[tuple[int, str, Callable[P, R]]] = field(default_factory=list)

    def register(self, fill: Callable[P, R] | None = None, *, order: int = 0, name: str = "") -> Callable[..., Callable[P, R]] | Callable[P, R]:
        """Use as a decorator (`@case_panels.register(order=10)`), or call with the function."""

        def add(function: Callable[P, R]) -> Callable[P, R]:
            label = name or f"{function.__module__}.{function.__qualname__}"
            self._fills = sorted([*(f for f in self._fills if f[1] != label), (order, label, function)], key=lambda f: f[:2])
            return function

        return add(fill) if fill is not None else add

    @contextmanager
    def registered(self, fill: Callable[P, R], *, order: int = 0) -> Iterator[None]:
        """Fill the hook for the length of a `with`, for tests."""
        before = list(self._fills)
        self.register(fill, order=order)
        try:
            yield
        finally:
            self._fills = before

    def __iter__(self) -> Iterator[tuple[str, Callable[P, R]]]:
        return iter([(label, function) for _order, label, function in self._fills])

    def __len__(self) -> int:
        return len(self._fills)

    def run(self, *args: P.args, **kwargs: P.kwargs) -> list[Filled[R]]:
        """Every contribution in order; those that raise carry their failure instead of a value."""
        return [self._one(label, function, *args, **kwargs) for label, function in self]

    def collect(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """The values alone, failures (logged) and None left out."""
        return [filled.value for filled in self.run(*args, **kwargs) if filled.value is not None]

    def _one(self, label: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Filled[R]:
        started = time.perf_counter()
        try:
            value = function(*args, **kwargs)
        except Exception as error:  # noqa: BLE001 - isolation is the point: any plugin, any failure
            log.warning("hook %s: %s failed: %s", self.name, label, type(error).__name__, exc_info=True)
            return Filled(label, None, type(error).__name__, _since(started))
        return Filled(label, value, "", _since(started))


_pool = ThreadPoolExecutor(max_workers=8, thread_name_prefix="hook")


def within(seconds: float, function: Callable[[], R]) -> R:
    """Run `function` in a helper thread and give up after `seconds` (TimeoutError). The thread must use no database
    connection of the caller; it closes its own."""
    from django.db import connections

    def guarded() -> R:
        try:
            return function()
        finally:
            connections.close_all()

    future = _pool.submit(guarded)
    try:
        return future.result(timeout=seconds)
    except Late as late:
        future.cancel()
        raise TimeoutError(f"took longer than {seconds} s") from late


def _since(started: float) -> float:
    return (time.perf_counter() - started) * 1000
