"""The warmed parent: a process that has imported what reads mails and nothing else, and forks a child for each.

Started by `cases.mail.child` with exec, so it has no thread, no database connection and no secret of whoever started it.
It is sent one socket a mail, forks, and tells on the same socket how the child ended if the child could not say. It ends
when the other end of its control socket does. `python -m cases.mail.nursery <fd>`.
"""

import gc
import os
import resource
import selectors
import signal
import socket
import sys

from cases.mail import warming, wire
from cases.mail.reading import read

CPU = 10  # seconds a mail may take
WALL = 12  # seconds until it is given up even if it only waits
QUICK_CPU, QUICK_WALL = 1, 5  # of a quick look: whoever wants more is looked at again where nobody waits
MEMORY = 512 * 1024 * 1024
_ENDS = {signal.SIGXCPU: "cpu", signal.SIGALRM: "slow", signal.SIGKILL: "killed"}


def main(fd: int) -> None:
    """Warm up, say so, and serve until the owner is gone."""
    for end in (signal.SIGINT, signal.SIGTERM):  # of a whole group: what is being read is finished first
        signal.signal(end, signal.SIG_IGN)
    _warm()
    with socket.socket(fileno=fd) as control:
        control.sendall(b"!")
        Nursery(control).serve()


def _warm() -> None:
    """Everything is imported and has run some times; what lives now is never looked at by the collector again, so that
    children share its memory."""
    warming.charsets_in_use()
    for _round in range(warming.ROUNDS):
        for raw in warming.MAILS:
            wire.unpack(b"".join(wire.pack(read(raw), wire.Cost())))
    gc.collect()
    gc.freeze()


class Nursery:
    """Children by pid, each with the socket on which its owner waits."""

    def __init__(self, control: socket.socket) -> None:
        self.control = control
        self.children: dict[int, socket.socket] = {}
        self.woken, wakes = socket.socketpair()
        for end in (self.woken, wakes):
            end.setblocking(False)
        signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
        self._wakes = wakes
        signal.signal(signal.SIGCHLD, lambda _number, _frame: None)

    def serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self.control, selectors.EVENT_READ)
            selector.register(self.woken, selectors.EVENT_READ)
            owned = True
            while owned:
                ready = [key.fileobj for key, _events in selector.select()]
                if self.woken in ready:
                    self._bury()
                if self.control in ready:
                    owned = self._take()
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)

    def _take(self) -> bool:
        """One mail's socket from the owner, and a child for it. False when the owner is gone."""
        try:
            said, fds, _flags, _address = socket.recv_fds(self.control, 1, 1)
        except OSError:
            return False
        for fd in fds:
            self._fork(socket.socket(fileno=fd))
        return bool(said)

    def _fork(self, owner: socket.socket) -> None:
        try:
            pid = os.fork()
        except OSError:
            owner.close()  # the owner tries again
            return
        if pid == 0:
            self._become_child(owner)
        self.children[pid] = owner

    def _become_child(self, owner: socket.socket) -> None:
        try:
            signal.set_wakeup_fd(-1)
            for other in (self.control, self.woken, self._wakes, *self.children.values()):
                other.close()
            _limit()
            _answer(owner)
        finally:
            os._exit(0)

    def _bury(self) -> None:
        """Children that ended; whoever ended without a word gets its word here."""
        while self.woken in _readable(self.woken):
            self.woken.recv(4096)
        for pid in list(self.children):
            found, status, used = os.wait4(pid, os.WNOHANG)
            if found:
                with self.children.pop(pid) as owner:
                    _tell(owner, status, used)


def _readable(end: socket.socket) -> list[socket.socket]:
    with selectors.DefaultSelector() as selector:
        selector.register(end, selectors.EVENT_READ)
        return [end] if selector.select(0) else []


def _tell(owner: socket.socket, status: int, used: resource.struct_rusage) -> None:
    """How a child ended, if by a signal. Never waits: an owner that does not read is not there."""
    if not os.WIFSIGNALED(status):
        return
    number = os.WTERMSIG(status)
    cost = _cost(used)
    reason = "cpu" if cost.cpu >= CPU - 0.5 else _ENDS.get(signal.Signals(number), "crashed")
    said = wire.failure(reason, signal.Signals(number).name, cost)
    try:
        owner.send(wire.HEAD.pack(wire.FAILED, len(said)) + said, socket.MSG_DONTWAIT)
    except OSError:
        return


def _limit() -> None:
    """What a mail may use. The processor's limit kills by itself, so does the alarm; memory fails inside."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU, CPU + 1))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.alarm(WALL)


def _answer(owner: socket.socket) -> None:
    with owner.makefile("rb") as stream:
        kind, size = wire.HEAD.unpack(stream.read(wire.HEAD.size))
        raw = stream.read(size)
    if kind == wire.QUICK:
        resource.setrlimit(resource.RLIMIT_CPU, (QUICK_CPU, QUICK_CPU + 1))
        signal.alarm(QUICK_WALL)
    if len(raw) < size:
        return  # the owner went away
    try:
        parsed = read(raw)
        pieces = wire.pack(parsed, _cost(resource.getrusage(resource.RUSAGE_SELF)))
    except MemoryError:
        _fail(owner, "memory", "")
    except Exception as error:  # noqa: BLE001 - whatever it is, the mail is kept and the next one read
        _fail(owner, "crashed", _where(error))
    else:
        wire.send(owner, wire.READ, *pieces)


def _fail(owner: socket.socket, reason: str, detail: str) -> None:
    said = wire.failure(reason, detail, _cost(resource.getrusage(resource.RUSAGE_SELF)))
    wire.send(owner, wire.FAILED, said)


def _where(error: Exception) -> str:
    """The kind of error and its place, never its message: that may hold a stranger's words."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{os.path.basename(trace.tb_frame.f_code.co_filename)}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__} {place}"


def _cost(used: resource.struct_rusage) -> wire.Cost:
    return wire.Cost(round(used.ru_utime + used.ru_stime, 4), round(used.ru_maxrss / 1024, 1))


if __name__ == "__main__":
    main(int(sys.argv[1]))
