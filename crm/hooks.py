"""Typed extension points. A lower app declares a Hook; upper apps and plugins fill it in a file named after the host."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Generic, ParamSpec, TypeVar, overload

from django.db import connection, transaction

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
SLOW = 2.0  # seconds: a contribution that takes longer rests, so that the next pages do not wait for it
OURS = frozenset({"crm", "customers", "cases", "outreach"})
REST = 60.0  # seconds it rests
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Filled(Generic[R]):
    """One contribution: who made it, and the value, or the failure in a word."""

    name: str
    value: R | None
    failure: str = ""
    ms: float = 0.0


@dataclass(eq=False)
class Hook(Generic[P, R]):
    """An ordered list of functions of one signature. One that raises is logged and left out, and its queries are rolled
    back to where it began; a plugin that is slow rests for a minute. A broken plugin cannot break its host."""

    name: str
    _fills: list[tuple[int, str, Callable[P, R]]] = field(default_factory=list)
    _rests: dict[str, float] = field(default_factory=dict)

    @overload
    def register(self, fill: Callable[P, R], *, order: int = 0, name: str = "") -> Callable[P, R]: ...

    @overload
    def register(
        self, fill: None = None, *, order: int = 0, name: str = ""
    ) -> Callable[[Callable[P, R]], Callable[P, R]]: ...

    def register(
        self, fill: Callable[P, R] | None = None, *, order: int = 0, name: str = ""
    ) -> Callable[P, R] | Callable[[Callable[P, R]], Callable[P, R]]:
        """Use as a decorator (`@case_panels.register(order=10)`), or call with the function. The same name replaces."""

        def add(function: Callable[P, R]) -> Callable[P, R]:
            label = name or f"{function.__module__}.{function.__qualname__}"
            others = [f for f in self._fills if f[1] != label]
            self._fills = sorted([*others, (order, label, function)], key=lambda f: f[:2])
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
            self._rests.clear()

    def __iter__(self) -> Iterator[tuple[str, Callable[P, R]]]:
        return iter([(label, function) for _order, label, function in self._fills])

    def __len__(self) -> int:
        return len(self._fills)

    def without(self, *names: str) -> "Hook[P, R]":
        """The same hook but for the contributions of these names; who rests there rests here."""
        return Hook(self.name, [fill for fill in self._fills if fill[1] not in names], self._rests)

    def run(self, *args: P.args, **kwargs: P.kwargs) -> list[Filled[R]]:
        """Every contribution in order; those that raise or rest carry their failure instead of a value."""
        return [self._one(label, function, *args, **kwargs) for label, function in self]

    def first(self, *args: P.args, **kwargs: P.kwargs) -> Filled[R] | None:
        """The first contribution that has a value or fails, for what only one may do: nobody is asked after it. None: it
        is nobody's."""
        filled = (self._one(label, function, *args, **kwargs) for label, function in self)
        return next((each for each in filled if each.failure or each.value is not None), None)

    def collect(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """The values alone, failures (logged) and None left out."""
        return [filled.value for filled in self.run(*args, **kwargs) if filled.value is not None]

    def ask(self, name: str, function: Callable[..., T], *args: object) -> Filled[T]:
        """A function that the contribution `name` of a plugin handed over, isolated as the contribution itself; they rest
        together. It may have been made by a helper of ours."""
        return self._isolated(name, False, function, *args)

    def rest(self, name: str) -> None:
        """Ask this contribution no more for a minute."""
        self._rests[name] = time.monotonic() + REST

    def _one(self, label: str, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Filled[R]:
        return self._isolated(label, is_ours(getattr(function, "__module__", "")), function, *args, **kwargs)

    def _isolated(
        self, label: str, ours: bool, function: Callable[..., T], *args: object, **kwargs: object
    ) -> Filled[T]:
        started = time.monotonic()
        if self._rests.get(label, 0.0) > started:
            return Filled(label, None, "rests")
        try:
            with nullcontext() if ours else _savepoint():
                value = function(*args, **kwargs)
        except Exception as error:
            log.warning("hook %s: %s failed: %s", self.name, label, type(error).__name__, exc_info=True)
            return Filled(label, None, type(error).__name__, self._took(label, ours, started))
        return Filled(label, value, "", self._took(label, ours, started))

    def _took(self, label: str, ours: bool, started: float) -> float:
        """Milliseconds since `started`; a plugin that took too long rests. Ours never do: they say who may see what, and
        a busy minute must not take everybody's rights."""
        seconds = time.monotonic() - started
        if seconds > SLOW and not ours:
            self.rest(label)
            log.warning("hook %s: %s took %.1f s and rests for %.0f s", self.name, label, seconds, REST)
        return seconds * 1000


def _savepoint() -> AbstractContextManager[object]:
    """Inside a transaction a plugin's failed query must not poison its host's. Our own fills are trusted: they are what
    every page asks, and a savepoint is a round trip."""
    return _lazily() if connection.in_atomic_block else nullcontext()


def is_ours(name: str) -> bool:
    """Whether this (a module, a contribution) is of this product rather than of a plugin."""
    return name.partition(".")[0] in OURS


@contextmanager
def _lazily() -> Iterator[None]:
    """A savepoint set before the first query, so that who asks nothing costs nothing."""
    points: list[str | None] = []

    def before(execute: Callable[..., object], *call: object) -> object:
        if not points:
            points.append(None)  # the savepoint's own statement passes here too
            points[0] = transaction.savepoint()
        return execute(*call)

    try:
        with connection.execute_wrapper(before):
            yield
    except Exception:
        if points and points[0]:
            transaction.savepoint_rollback(points[0])
        raise
