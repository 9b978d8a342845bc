"""The keeper: repeats the registered sweeps, runs the registered loops, listens for nudges, offers itself as sequencer.
`manage.py keeper`.

Four threads take sweeps as they fall due, so that a slow mail server delays no clock. Each sweep is guarded: one that
fails is tried again later, longer each time, and harms no other. One that is stuck past its limit makes the keeper
fall silent, and the supervisor starts a new one: state and leases in the tables let it take over.
"""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from django.conf import settings
from django.db import connections
from django.utils import timezone

from crm import jobs, lifeline
from crm.live import sequencer
from crm.live.database import parameters
from crm.models import Heartbeat

THREADS = 4
TICK = 0.25
log = logging.getLogger(__name__)


@dataclass
class Turn:
    """When one sweep is due, and how its last calls went. Times are monotonic seconds."""

    sweep: jobs.Sweep
    due: float = 0.0
    began: float | None = None
    nudged: bool = False
    rounds: int = 0
    failures: int = 0

    def is_due(self, now: float) -> bool:
        return self.began is None and (self.nudged or self.due <= now)

    def is_stuck(self, now: float) -> bool:
        return self.began is not None and now - self.began > self.sweep.limit

    def worked(self, rows: int, now: float) -> None:
        """Again at once while there is work, but not for ever: one that never empties gets its interval too."""
        self.failures = 0
        self.rounds = self.rounds + 1 if rows else 0
        again = 0 < self.rounds < jobs.MAX_ROUNDS
        self.rounds = self.rounds if again else 0
        self.due = now if again else now + self.sweep.seconds

    def failed(self, now: float) -> None:
        self.failures, self.rounds = self.failures + 1, 0
        self.due = now + min(max(self.sweep.seconds, 0.5) * 2 ** min(self.failures, 6), max(self.sweep.seconds, 30))


@dataclass
class Running:
    """A loop in its thread, and when it last said that it is well."""

    loop: jobs.Loop
    alive_at: float = 0.0
    thread: threading.Thread | None = None

    def start(self, stop: threading.Event) -> None:
        self.alive()
        self.thread = threading.Thread(target=self.run, args=[stop], name=self.loop.name, daemon=True)
        self.thread.start()

    def run(self, stop: threading.Event) -> None:
        """Begun anew when it ends before it was told to."""
        while not stop.is_set():
            try:
                self.loop.function(stop, self.alive)
            except Exception as error:
                log.warning("loop %s failed: %s", self.loop.name, type(error).__name__, exc_info=True)
                connections.close_all()
            stop.wait(1)

    def alive(self) -> None:
        self.alive_at = time.monotonic()

    def is_stuck(self, now: float) -> bool:
        return self.thread is not None and now - self.alive_at > self.loop.limit

    def has_ended(self) -> bool:
        return self.thread is None or not self.thread.is_alive()


@dataclass
class Keeper:
    """One keeper process; `run` returns after `stop` is set, or raises Stuck."""

    stop: threading.Event
    sweeps: list[jobs.Sweep] = field(default_factory=jobs.sweeps)
    loops: list[Running] = field(default_factory=lambda: [Running(loop) for loop in jobs.loops()])

    def __post_init__(self) -> None:
        self.turns = {sweep.name: Turn(sweep) for sweep in [*self.sweeps, jobs.Sweep("keeper", 5, _beat, 60)]}
        self.wakeup = threading.Event()
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="sweep")

    def run(self) -> None:
        """Sweep until told to stop, then wait a little for what is under way."""
        for work in (sequencer.run, self.listen):
            threading.Thread(target=_guard, args=(work, self.stop), name=work.__name__, daemon=True).start()
        for running in self.loops:
            running.start(self.stop)
        while not self.stop.is_set():
            self.step(time.monotonic())
            self.wakeup.wait(TICK)
            self.wakeup.clear()
        self.pool.shutdown(wait=False, cancel_futures=True)
        _await(self.has_ended, seconds=4)

    def has_ended(self) -> bool:
        return all(turn.began is None for turn in self.turns.values()) and all(one.has_ended() for one in self.loops)

    def step(self, now: float) -> None:
        """Hand every due sweep to a thread, and tell the supervisor that this process is well, if it is."""
        for turn in sorted(self.turns.values(), key=lambda turn: turn.due):
            if turn.is_due(now):
                turn.began, turn.nudged = now, False
                self.pool.submit(self.take, turn)
        stuck = [turn.sweep.name for turn in self.turns.values() if turn.is_stuck(now)]
        stuck += [running.loop.name for running in self.loops if running.is_stuck(now)]
        if stuck:
            log.error("stuck beyond its limit, the keeper needs a new start: %s", ", ".join(stuck))
        else:
            lifeline.pulse()

    def take(self, turn: Turn) -> None:
        """One call of one sweep, in a thread of the pool."""
        try:
            turn.worked(turn.sweep.function(timezone.now()), time.monotonic())
        except Exception as error:  # one failing sweep never stops another
            log.warning("sweep %s failed: %s", turn.sweep.name, type(error).__name__, exc_info=turn.failures == 0)
            connections.close_all()  # the connection may be the reason
            turn.failed(time.monotonic())
        finally:
            turn.began = None
            if turn.due <= time.monotonic() or turn.nudged:
                self.wakeup.set()

    def listen(self, stop: threading.Event) -> None:
        """Nudges from other processes, on a connection of our own: a session that listens cannot be a pool's."""
        with psycopg.connect(**parameters("keeper nudges")) as conn:
            conn.execute(f"LISTEN {jobs.CHANNEL}")
            while not stop.is_set():
                for notice in conn.notifies(timeout=1):
                    self.nudge(notice.payload)

    def nudge(self, name: str) -> None:
        """Make one sweep due now; every one when the name is empty."""
        for turn in self.turns.values():
            if name in {"", turn.sweep.name}:
                turn.nudged = True
        self.wakeup.set()


def _beat(now: datetime) -> int:
    Heartbeat.beat(f"keeper:{settings.INSTANCE}")
    return 0


def _guard(work: Callable[[threading.Event], None], stop: threading.Event) -> None:
    while not stop.is_set():
        try:
            work(stop)
        except Exception as error:  # noqa: BLE001 - whatever it was, the keeper goes on
            log.warning("keeper: %s failed: %s; trying again", work.__name__, type(error).__name__)
            stop.wait(1)


def _await(condition: Callable[[], bool], *, seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
