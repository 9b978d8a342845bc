"""The supervisor inside `serve`: starts processes, starts dead or hung ones anew, ends them all when it ends.

Every child leads a process group of its own, so that a whole group can be killed at once, and holds one end of a pipe:
it writes a byte a second while it is well (crm.lifeline). Death of the supervisor, however sudden, ends the children.
"""

import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from crm import lifeline

TICK = 0.2
PATIENCE_AT_START = 60.0  # seconds until the first pulse; a cold start on a busy machine is slow
STEADY = 30.0  # a child that lived this long has recovered: the next restart waits no longer than the first
LONGEST_PAUSE = 10.0
log = logging.getLogger(__name__)


@dataclass
class Child:
    """One supervised process. Times are monotonic seconds."""

    name: str
    argv: Sequence[str]
    silence: float  # seconds without a pulse after which it counts as hung
    env: dict[str, str] = field(default_factory=dict)
    fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    pulse: int = -1
    began: float = 0.0
    heard: float = 0.0
    due: float = 0.0
    failures: int = 0

    def start(self, now: float) -> None:
        """Start the process, leader of its own group, with a fresh pipe."""
        self.pulse, theirs = os.pipe()
        os.set_blocking(self.pulse, False)
        os.set_blocking(theirs, False)
        ties = {lifeline.PARENT: str(os.getpid()), lifeline.PULSE: str(theirs)}
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own command lines
                self.argv, env=os.environ | self.env | ties, pass_fds=(*self.fds, theirs), process_group=0
            )
        finally:
            os.close(theirs)
        self.began, self.heard = now, now + PATIENCE_AT_START - self.silence

    def listen(self, now: float) -> None:
        """Drain the pipe; anything in it is a sign of life."""
        try:
            if os.read(self.pulse, 4096):
                self.heard = now
        except BlockingIOError:
            return

    def is_hung(self, now: float) -> bool:
        return now - self.heard > self.silence

    def bury(self, now: float) -> None:
        """After its death: kill what is left of its group and decide when to start it again."""
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()
        os.close(self.pulse)
        self.failures = 1 if now - self.began > STEADY else self.failures + 1
        self.due = now + min(0.25 * 2**self.failures, LONGEST_PAUSE)
        self.process = None

    def signal(self, number: int) -> None:
        """To the whole group, for SIGKILL; to its head alone otherwise, which ends its own."""
        if self.process is None:
            return
        try:
            (os.killpg if number == signal.SIGKILL else os.kill)(self.process.pid, number)
        except ProcessLookupError:
            return


@dataclass
class Supervisor:
    """Keeps its children running until `stop` is set."""

    children: list[Child]
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Supervise in this thread, the one that started the process (a child follows the thread that forked it)."""
        try:
            while not self.stop.is_set():
                for child in self.children:
                    self.look_after(child, time.monotonic())
                time.sleep(TICK)  # not `stop.wait`: the signal that sets it comes in this thread, and would wait for it
        finally:
            self.end()

    def look_after(self, child: Child, now: float) -> None:
        """Start it when due; notice its death or silence."""
        if child.process is None:
            if child.due <= now:
                child.start(now)
            return
        child.listen(now)
        code = child.process.poll()
        if code is not None:
            log.warning("%s (pid %s) ended with %s; starting it anew", child.name, child.process.pid, code)
            child.bury(now)
        elif child.is_hung(now):
            log.warning("%s (pid %s) is hung; killing it and starting it anew", child.name, child.process.pid)
            child.bury(now)

    def end(self, seconds: float = 7) -> None:
        """SIGTERM to all at once, SIGKILL to whatever is left after `seconds`."""
        for child in self.children:
            child.signal(signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and any(c.process and c.process.poll() is None for c in self.children):
            time.sleep(0.05)
        for child in self.children:
            if child.process is not None:
                child.bury(time.monotonic())
