"""Telling the sequencer at once that events have committed. Only a hint: it polls anyway.

NOTIFY inside a business transaction would take a database-wide lock at its commit, so it is sent afterwards, by a thread
with its own connection, once for however many commits came meanwhile.
"""

import logging
import os
import threading

import psycopg
from psycopg.rows import TupleRow

from crm.live.database import WAKE_CHANNEL, parameters

log = logging.getLogger(__name__)
IDLE = 0.5  # an unused connection is given back after this long


class Waker:
    """One thread a process, started by the first commit; after a fork the child starts its own."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """A fork copies neither the thread nor who held which lock."""
        self._due = threading.Event()
        self._starting = threading.Lock()
        self._pid = 0

    def soon(self) -> None:
        """Cheap, and never raises: called after every commit that wrote events."""
        self._due.set()
        if self._pid != os.getpid():
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._pid == os.getpid():
                return
            self._pid = os.getpid()
            threading.Thread(target=self._run, name="live-wake", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._due.wait()
            try:
                self._notify_while_busy()
            except Exception as error:  # noqa: BLE001 - a hint may fail; the thread must not
                log.debug("wake-up not sent: %s", type(error).__name__)
                self._due.clear()
                threading.Event().wait(0.5)

    def _notify_while_busy(self) -> None:
        """Losing the hint in a crash costs nothing, so its commit need not reach the disk."""
        conn: psycopg.Connection[TupleRow] = psycopg.connect(**parameters("wake"))
        try:
            conn.execute("SET synchronous_commit = off")
            while self._due.wait(IDLE):
                self._due.clear()
                conn.execute(f"NOTIFY {WAKE_CHANNEL}")
        finally:
            conn.close()


_waker = Waker()
soon = _waker.soon
os.register_at_fork(after_in_child=_waker.forget)
