"""Ties between a supervisor and its children: a child never outlives it for long, and says that it is not hung."""

import ctypes
import os
import platform
import signal
import threading
import time

PARENT = "FOREFRONT_PARENT"  # the supervisor's pid
PULSE = "FOREFRONT_PULSE"  # a pipe to it: a byte now and then says that this process is not hung
_SET_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def follow_parent(end: int = signal.SIGTERM) -> None:
    """Let this process get signal `end` when its parent dies, however it dies. Without a supervisor, do nothing."""
    if expected := int(os.environ.get(PARENT, "0")):
        _tie(expected, end)


def follow_parent_in_forks() -> None:
    """The same for every later fork of this process and of its forks: a whole group goes with its head."""
    os.register_at_fork(before=_remember, after_in_child=lambda: _tie(_head[0], signal.SIGKILL))


def pulse() -> None:
    """One beat to the supervisor, if there is one; never blocks, never fails."""
    if fd := int(os.environ.get(PULSE, "0")):
        try:
            os.write(fd, b".")
        except (BlockingIOError, BrokenPipeError, OSError):
            return


_head = [0]


def _remember() -> None:
    _head[0] = os.getpid()


def _tie(parent: int, end: int) -> None:
    if platform.system() == "Linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_PARENT_DEATH_SIGNAL, end, 0, 0, 0)
        if os.getppid() != parent:  # it died before we asked
            os.kill(os.getpid(), end)
        return
    threading.Thread(target=_watch, args=(parent, end), name="lifeline", daemon=True).start()


def _watch(parent: int, end: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os.kill(os.getpid(), end)
