"""Processes that only send, forked from this one, so that a hundred of them may be killed and started again."""

import os
import signal
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import connections
from django.utils import timezone

from cases import outward, sending
from outreach import delivery

LEASE = timedelta(seconds=3)  # so that a test need not wait a minute for what a killed one held


def in_a_process(work: Callable[[], object]) -> int:
    """Run it in a process of its own, on this test's database; its pid."""
    connections.close_all()
    if pid := os.fork():
        return pid
    try:
        work()
    except BaseException:  # noqa: BLE001 - a forked test must never go on as a second pytest
        traceback.print_exc()
    os._exit(0)


def dead(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def send_for_ever(port: int) -> None:
    """What the keeper does for notices, and nothing else: hands over, sends, settles; until whoever started it is gone."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT, settings.MASS_LINES = "127.0.0.1", port, 1
    sending.LEASE = LEASE
    parent = os.getppid()
    while os.getppid() == parent:
        did = sum(sweep(timezone.now()) for sweep in (delivery.deliver_due, outward.send_due, outward.send_mass_due))
        if not did:
            time.sleep(0.05)


class Senders:
    """Sending processes, each with its own door of the sink; one that is killed is started again."""

    def __init__(self, ports: list[int]) -> None:
        self.ports, self.kills = ports, Counter[str]()
        self.running: dict[int, int] = {}

    def start(self) -> None:
        for port in self.ports:
            if port not in self.running:
                self.running[port] = in_a_process(lambda port=port: send_for_ever(port))  # type: ignore[misc]

    def kill(self, port: int, why: str) -> None:
        pid = self.running.pop(port, None)
        if pid:
            dead(pid)
            self.kills[why] += 1

    def stop(self) -> None:
        for port in self.ports:
            self.kill(port, "the end")
