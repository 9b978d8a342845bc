"""Stands beside the server: restarts one that was killed while in use, and stops it when the last one using it is gone
without having said so (kill -9). `python -m crm.embedded.doorman VAR`, started by `crm.embedded.server`.
"""

import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

from crm.embedded import holding, server
from crm.embedded.places import Place, place_of

_GLANCE = 1.0  # seconds between two looks at the door


def keep(place: Place) -> None:
    """Start the server and stay until it is stopped for good. The one who called holds the gate until it answers."""
    running: subprocess.Popen[bytes] | None = server.spawn(place)
    while running is not None:
        answered = _watch(place, running)
        running = _another(place) if answered else None


def _watch(place: Place, running: "subprocess.Popen[bytes]") -> bool:
    """Returns when the server ended: whether it had answered at all."""
    answered = False
    while True:
        with suppress(subprocess.TimeoutExpired):
            running.wait(_GLANCE if answered else 0.02)
            return answered
        answered = answered or server.listening(place)
        if answered:
            _close_if_left(place)


def _close_if_left(place: Place) -> None:
    with suppress(BlockingIOError, FileNotFoundError), holding.gate(place, wait=False):
        if holding.alone(place):
            holding.close(place)


def _another(place: Place) -> "subprocess.Popen[bytes] | None":
    """A new server for those who still use it; None when nobody does, or somebody else was quicker."""
    with suppress(FileNotFoundError), holding.gate(place):
        if holding.alone(place) or server.listening(place):
            return None
        running = server.spawn(place)
        while running.poll() is None and not server.listening(place):
            time.sleep(0.02)
        return running
    return None


def main() -> None:
    """Leave the family at once, so that nobody has to wait for us, then keep the door."""
    if os.fork():
        os._exit(0)
    os.setsid()
    keep(place_of(Path(sys.argv[1])))


if __name__ == "__main__":
    main()
