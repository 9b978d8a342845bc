"""A worker group of django-q2 and the watchdog at its head. `manage.py work`.

django-q2 can hang while it looks alive: killing an idle worker leaves a queue's lock held for ever. So a canary task
goes through the whole group every few seconds, from queue to acknowledgement; when none has come back for a while, the
head kills the group, itself included, and the supervisor starts a new one. What was under way is found by its lease.
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

from crm import jobs, lifeline

log = logging.getLogger(__name__)


@dataclass
class Watch:
    """Sends canaries and remembers when one last came back. Times are monotonic seconds."""

    group: str
    every: float
    patience: float
    heard: float = field(default_factory=time.monotonic)
    sent: float | None = None

    def step(self, now: float) -> bool:
        """Whether the group may be believed alive. While the database is away nobody can sing, so silence is excused."""
        try:
            if self.sent is not None and jobs.canary_is_back(self.group):
                self.heard = now
            if self.sent is None or now - self.sent >= self.every:
                jobs.send_canary(self.group)
                self.sent = now
        except DatabaseError:
            connection.close()
            self.heard, self.sent = now, None
        return now - self.heard <= self.patience


def run() -> None:
    """Head of the group: start django-q2's cluster, watch it, return when it has been stopped."""
    _lead_own_group()
    lifeline.follow_parent(signal.SIGKILL)
    lifeline.follow_parent_in_forks()
    post_spawn.connect(_limit_memory)
    connections.close_all()  # a connection must never cross a fork
    cluster = Cluster()
    cluster.start()
    watch = Watch(settings.INSTANCE, settings.CANARY_SECONDS, settings.WATCHDOG_SECONDS)
    while cluster.sentinel.is_alive():
        if not watch.step(time.monotonic()):
            log.error("no canary for %.0f s: killing the worker group", settings.WATCHDOG_SECONDS)
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
