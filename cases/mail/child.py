"""Mails read in a child with limits: 10 s of processor time, 512 MB, 12 s by the clock. What a mail does to its reader
ends there: the mail is kept, the next one is read.

Each process that reads mails has one warmed parent (`cases.mail.nursery`), started when it is first needed or as soon as
mail may come (`prepare`), and a child of that for every mail. Any of them may die at any moment: a dead parent is
started again, a child that was killed is tried again, and nobody waits longer than DEADLINE.
"""

import atexit
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

from cases.mail import wire
from cases.mail.parsed import ParsedMail
from cases.mail.wire import Cost

__all__ = ["Cost", "Unparsable", "measured", "parse", "prepare"]

DEADLINE = 14.0  # seconds: more than a child is left alone
WARM_UP = 60.0  # seconds a parent may take to start on a busy machine
AT_ONCE = 4  # children of one process
TRIES = 3  # of a mail whose child or parent was killed from outside
_MORE = 32 * 1024 * 1024  # bytes an answer may be longer than twice its mail
_ROOT = Path(__file__).resolve().parents[2]
_KEPT = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "SYSTEMROOT", "TMPDIR")


class Unparsable(Exception):
    """A mail that was not read. `reason` is a word: cpu, memory, slow, crashed, killed."""

    def __init__(self, reason: str, detail: str = "", cost: Cost | None = None) -> None:
        super().__init__(f"{reason} {detail}".strip())
        self.reason, self.detail, self.cost = reason, detail, cost or Cost()


class _Gone(Exception):
    """Parent or child ended without a word: somebody killed it."""


def prepare() -> None:
    """Start the warmed parent now, so that the first mail does not wait for it. Failing is left to the first mail."""
    with suppress(Unparsable):
        _parent.prepare()


def parse(raw: bytes, *, quick: bool = False) -> ParsedMail:
    """What a mail says. Raises Unparsable, within DEADLINE seconds, and never anything else. `quick`: a second of
    processor time must do."""
    return measured(raw, quick=quick)[0]


def measured(raw: bytes, *, quick: bool = False) -> tuple[ParsedMail, Cost]:
    """As `parse`, with what it cost."""
    with _parent.turns:
        for _try in range(TRIES):
            try:
                return _read(raw, wire.QUICK if quick else wire.MAIL)
            except _Gone:
                continue
            except Unparsable as failure:
                if failure.reason != "killed":
                    raise
    raise Unparsable("killed")


def _read(raw: bytes, kind: bytes) -> tuple[ParsedMail, Cost]:
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            _parent.adopt(theirs)
        line = _Line(ours, time.monotonic() + DEADLINE)
        try:
            line.send(kind, raw)
            answer, payload = line.receive(2 * len(raw) + _MORE)
        except TimeoutError:
            _parent.end()  # its child's time was over before ours: it is no longer at its work
            raise Unparsable("slow") from None
        except OSError:
            raise _Gone from None
    try:
        if answer == wire.READ:
            return wire.unpack(payload)
        raise Unparsable(*wire.failed(payload))
    except wire.Malformed as error:
        raise Unparsable("crashed", f"answer: {error}") from error


class _Line:
    """A socket to a child, with one deadline for everything on it."""

    def __init__(self, end: socket.socket, deadline: float) -> None:
        self._end, self._deadline = end, deadline

    def send(self, kind: bytes, raw: bytes) -> None:
        self._end.settimeout(self._left())
        try:
            self._end.sendall(wire.HEAD.pack(kind, len(raw)))
            self._end.sendall(raw)  # one timeout for all of it
        except (BrokenPipeError, ConnectionResetError):
            return  # it may have left a word

    def receive(self, longest: int) -> tuple[bytes, bytes]:
        kind, size = wire.HEAD.unpack(self._exactly(wire.HEAD.size))
        if kind not in {wire.READ, wire.FAILED} or size > longest:
            raise Unparsable("crashed", "answer: too long")
        return kind, self._exactly(size)

    def _exactly(self, size: int) -> bytes:
        found = bytearray(size)
        view, at = memoryview(found), 0
        while at < size:
            self._end.settimeout(self._left())
            got = self._end.recv_into(view[at:])
            if not got:
                raise _Gone
            at += got
        view.release()
        return bytes(found)

    def _left(self) -> float:
        if (left := self._deadline - time.monotonic()) <= 0:
            raise TimeoutError
        return left


class _Parent:
    """This process's warmed parent, started when it is needed and again when it died."""

    def __init__(self, module: str = "cases.mail.nursery") -> None:
        self.module = module
        self.turns = threading.BoundedSemaphore(AT_ONCE)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def prepare(self) -> None:
        with self._lock:
            if not self._control:
                self._start()

    def adopt(self, end: socket.socket) -> None:
        """Have a child made for the mail that comes through `end`."""
        with self._lock:
            for _try in range(TRIES):
                control = self._control or self._start()
                try:
                    socket.send_fds(control, [b"."], [end.fileno()])
                    return
                except OSError:
                    self._stop()
        raise Unparsable("crashed", "no parent")

    def end(self) -> None:
        """Kill it; the next mail gets another."""
        with self._lock:
            self._stop()

    def leave(self) -> None:
        """Its owner ends, and waits for nobody: a parent that is only just starting ends by itself when we are gone."""
        if self._lock.acquire(blocking=False):
            self._stop()

    def forget(self) -> None:
        """In a fork of this process: the parent is the other one's, and must not see us as its owner."""
        if self._control:
            self._control.close()
        self.__init__(self.module)  # type: ignore[misc]  # its locks are held by threads that are not here

    def _start(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", self.module, str(theirs.fileno())],
                cwd=_ROOT,
                env={name: os.environ[name] for name in _KEPT if name in os.environ},
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )
        self._control = ours
        ours.settimeout(WARM_UP)
        try:
            if ours.recv(1) == b"!":
                return ours
        except OSError:
            pass
        self._stop()
        raise Unparsable("crashed", "no parent")

    def _stop(self) -> None:
        if self._control:
            self._control.close()
        if self._process:
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


_parent = _Parent()
atexit.register(lambda: _parent.leave())
os.register_at_fork(after_in_child=lambda: _parent.forget())
