"""What the processes of a worker group tell their head, in memory they share: which worker is at which run since when,
and that the sentinel still looks after them.

Nothing is locked: a process killed at any instruction leaves at worst a run that nobody is at, which is what the head
looks for. Without a group (tests, commands) nobody listens and nothing is written.
"""

import ctypes
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.sharedctypes import RawArray, RawValue

SLOTS = 1021  # a worker writes at its pid modulo this; should two meet, the lease tells what the slot does not


class _Slot(ctypes.Structure):
    _fields_ = [
        ("pid", ctypes.c_int64),
        ("wake", ctypes.c_int64),
        ("attempt", ctypes.c_int64),
        ("since", ctypes.c_double),
    ]


@dataclass(frozen=True)
class Run:
    """One attempt at one wake-up by one worker. Times are monotonic seconds, the same in all processes."""

    pid: int
    wake: int
    attempt: int
    since: float

    def is_abandoned(self) -> bool:
        """Whether its worker is gone, and was reaped."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        return False


class Activity:
    """One group's; made by its head before it forks."""

    def __init__(self) -> None:
        self._slots = RawArray(_Slot, SLOTS)
        self._guarded = RawValue(ctypes.c_double, time.monotonic())

    @contextmanager
    def at(self, wake: int, attempt: int) -> Iterator[None]:
        """This process is at that run. `pid` is written last and cleared first: it makes the slot count."""
        slot = self._slots[os.getpid() % SLOTS]
        slot.wake, slot.attempt, slot.since = wake, attempt, time.monotonic()
        slot.pid = os.getpid()
        try:
            yield
        finally:
            slot.pid = 0

    def runs(self) -> list[Run]:
        return [Run(slot.pid, slot.wake, slot.attempt, slot.since) for slot in self._slots if slot.pid]

    def forget(self, run: Run) -> None:
        slot = self._slots[run.pid % SLOTS]
        if slot.pid == run.pid:
            slot.pid = 0

    def guard(self) -> None:
        """The sentinel made its round."""
        self._guarded.value = time.monotonic()

    def unguarded(self, now: float) -> float:
        """Seconds since its last round."""
        return float(now - self._guarded.value)


_group: list[Activity] = []


def lead() -> Activity:
    """In the head, before it forks: everything forked from here on tells what it does."""
    _group[:] = [Activity()]
    return _group[0]


@contextmanager
def at(wake: int, attempt: int) -> Iterator[None]:
    """Tell the head, if there is one, that this process is at that run."""
    if not _group:
        yield
        return
    with _group[0].at(wake, attempt):
        yield


def guard() -> None:
    """Tell the head, if there is one, that the group is looked after."""
    if _group:
        _group[0].guard()
