"""Sweeps, sequencer candidate, mail in and out: one process of those `serve` supervises."""

import os
import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from crm import lifeline, sink
from crm.keeper import Keeper


class Command(BaseCommand):
    help = "Run the keeper: repeated work, clocks, mail out. `serve` starts it; run it alone on a machine without web."

    def handle(self, *args: Any, **options: Any) -> None:
        lifeline.follow_parent(signal.SIGTERM)
        stop = threading.Event()
        keeper = Keeper(stop)

        def end(_number: int, _frame: object) -> None:
            """Not `wakeup`: this runs in the thread that waits for it, perhaps just as it holds its lock, and would wait
            for itself for ever."""
            stop.set()

        signal.signal(signal.SIGTERM, end)
        signal.signal(signal.SIGINT, end)
        sink.receive_if_asked()
        keeper.run()
        os._exit(0)  # a sweep that would not end in time is left to its lease
