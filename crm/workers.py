"""A worker group of django-q2 and the watchdog at its head. `manage.py work`.

django-q2 can hang while it looks alive: killing an idle worker leaves a queue's lock held for ever. So a canary task
goes through the whole group every few seconds, from queue to acknowledgement; when none has come back for a while and
no worker is at a task either, or the sentinel makes no rounds any more, the head kills the group, itself included, and
the supervisor starts a new one. What a dead worker was at is put back after a short pause.
"""

import logging
import os
import resource
import signal
import time
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError, connection, connections
from django_q.cluster import Cluster
from django_q.signals import post_spawn

from crm import activity, jobs, lifeline
from crm.activity import Activity, Run
from crm.models import Wake

CANARIES = 3  # under way at once: the next may be sent while one waits behind a long task
ROUNDS = 3  # of the longest task a canary may wait for: those under way, those taken from the queue, the one in hand
log = logging.getLogger(__name__)


@dataclass
class Watch:
    """Sends canaries and remembers when one last came back. Times are monotonic seconds."""

    group: str
    every: float
    patience: float
    activity: Activity
    heard: float = field(default_factory=time.monotonic)
    sent: float | None = None
    out: int = 0

    def step(self, now: float) -> bool:
        """Whether the group may be believed alive. While the database is away nobody can sing, so silence is excused."""
        try:
            self._exchange(now)
            self._look_at_runs(now)
        except DatabaseError:
            connection.close()
            self.heard, self.sent = now, None
        return self._is_believable(now)

    def signs(self, now: float) -> str:
        return f"last canary {now - self.heard:.0f} s ago, sentinel {self.activity.unguarded(now):.0f} s ago"

    def give_up(self) -> None:
        """Before the whole group is killed: what its workers are at need not wait for the end of its lease."""
        try:
            for run in self.activity.runs():
                Wake.bury(run.wake, run.attempt)
        except DatabaseError:
            log.warning("the database is away; leases tell what was under way")

    def _exchange(self, now: float) -> None:
        if self.sent is None:
            jobs.clear_canaries(self.group)
            self.out = 0
        left = jobs.canaries_out(self.group)
        if left < self.out:
            self.heard = now
        self.out = left
        if self.out < CANARIES and (self.sent is None or now - self.sent >= self.every):
            jobs.send_canary(self.group)
            self.out, self.sent = self.out + 1, now

    def _look_at_runs(self, now: float) -> None:
        runs = self.activity.runs()
        for run in runs:
            if run.is_abandoned():
                Wake.bury(run.wake, run.attempt)
                self.activity.forget(run)
        if now - self.heard > self.patience and self._is_busy(runs, now):
            jobs.beat(self.group)  # canaries wait behind long tasks: the group is slow, not dead

    def _is_believable(self, now: float) -> bool:
        silence = now - self.heard
        busy = silence <= self.patience + ROUNDS * _longest() and self._is_busy(self.activity.runs(), now)
        return (silence <= self.patience or busy) and self.activity.unguarded(now) <= self.patience

    def _is_busy(self, runs: list[Run], now: float) -> bool:
        return any(now - run.since <= _longest() for run in runs)


def _longest() -> float:
    """How long a run may take until it is stopped."""
    return float(settings.TASK_SECONDS + 5)


def run() -> None:
    """Head of the group: start django-q2's cluster, watch it, return when it has been stopped."""
    _lead_own_group()
    lifeline.follow_parent(signal.SIGKILL)
    lifeline.follow_parent_in_forks()
    post_spawn.connect(_limit_memory)
    connections.close_all()  # a connection must never cross a fork
    shared = activity.lead()
    cluster = Cluster()
    cluster.start()
    watch = Watch(settings.INSTANCE, settings.CANARY_SECONDS, settings.SILENCE_SECONDS, shared)
    while cluster.sentinel.is_alive():
        if not watch.step(time.monotonic()):
            log.error("killing the worker group: %s", watch.signs(time.monotonic()))
            watch.give_up()
            os.killpg(0, signal.SIGKILL)
        lifeline.pulse()
        time.sleep(1)
    connections.close_all()


def _lead_own_group() -> None:
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)


def _limit_memory(**_sent: object) -> None:
    """A task that eats all memory fails alone, with MemoryError, instead of taking the machine with it."""
    limit = settings.TASK_MEMORY_MB * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
