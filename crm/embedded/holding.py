"""Who uses the server: counted by locks the kernel releases however a process ends, never by pids.

`gate` is held alone while somebody starts or stops the server; `holders` is shared by everyone who uses it. Whoever
gets `holders` alone knows that nobody is left.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType

from crm.embedded import building, server
from crm.embedded.places import Place, place_of


class Hold:
    """A share in the running server. Release it, or use it as a context manager; a killed process releases too."""

    def __init__(self, place: Place) -> None:
        """Start the server, or join it; returns when it answers queries, however long its recovery takes."""
        self.place = place
        self._process = os.getpid()
        self._share = -1
        building.make_home(place)
        with gate(place):
            self._share = _open(place, "holders")
            fcntl.flock(self._share, fcntl.LOCK_SH)
            try:
                server.bring_up(place)
            except BaseException:
                self._drop()
                raise

    def refresh(self) -> None:
        """Bring the server up again if it died under us."""
        with gate(self.place):
            server.bring_up(self.place)

    def release(self) -> None:
        """Give the share back; the last one out stops the server. A forked child's copy is the parent's to give."""
        if self._share < 0 or os.getpid() != self._process:
            return
        with suppress(FileNotFoundError), gate(self.place):
            self._drop()
            if alone(self.place):
                close(self.place)

    def _drop(self) -> None:
        share, self._share = self._share, -1
        os.close(share)

    def __enter__(self) -> "Hold":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


def hold(var: Path) -> Hold:
    """Start or join the server of this data folder. Refused (a SystemExit with a sentence) where that is impossible."""
    return Hold(place_of(var))


def close(place: Place) -> None:
    """Stop the server, and remove what was only for a test. The caller holds the gate and knows that nobody is left."""
    server.stop(place)
    if place.throwaway:
        shutil.rmtree(place.home, ignore_errors=True)
        shutil.rmtree(place.var, ignore_errors=True)


def alone(place: Place) -> bool:
    """Whether nobody shares the server. Only sure while the gate is held."""
    descriptor = _open(place, "holders")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


@contextmanager
def gate(place: Place, *, wait: bool = True) -> Iterator[None]:
    """Alone at the door. With `wait=False` raises BlockingIOError when somebody else is there."""
    descriptor = _open(place, "gate")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def _open(place: Place, name: str) -> int:
    """Read-only is enough to lock, so root and the owner of the folder can share one file."""
    return os.open(place.home / name, os.O_RDONLY | os.O_NOFOLLOW)
