"""A warmed parent whose children do what the mail tells them: everything a reader must survive. Its limits are lower,
so that a test of them takes seconds. `python -m tests.mailcorpus.misbehaving <fd>`."""

import ctypes
import os
import sys
import time
from pathlib import Path
from typing import Any

from cases.mail import nursery, wire
from cases.mail.parsed import ParsedMail

_read, _pack = nursery.read, wire.pack


def _spin() -> None:
    while True:
        pass


def _eat() -> None:
    held = []
    while True:
        held.append(bytearray(16 * 1024 * 1024))


def _crash() -> None:
    ctypes.string_at(0)


def _raise() -> None:
    raise KeyError("the mail's own words")


def _recurse() -> None:
    _recurse()


def _die_first(place: str) -> None:
    """Killed the first two times, as by somebody who is out of memory."""
    for name in ("once", "twice"):
        if not (mark := Path(place) / name).exists():
            mark.touch()
            os.kill(os.getpid(), 9)


_DOES = {
    b"SPIN": _spin,
    b"EAT": _eat,
    b"SLEEP": lambda: time.sleep(60),
    b"ABORT": os.abort,
    b"CRASH": _crash,
    b"RAISE": _raise,
    b"RECURSE": _recurse,
    b"KILL": lambda: os.kill(os.getpid(), 9),
    b"EXIT": lambda: os._exit(3),
    b"KILL PARENT": lambda: os.kill(os.getppid(), 9),
    b"KILL ALL": lambda: (os.kill(os.getppid(), 9), os.kill(os.getpid(), 9)),
}
_SAYS = {
    b"GARBAGE": [b"\x80\x04\x95 no JSON at all"],
    b"NOTHING": [b""],
    b"LIST": [(2).to_bytes(8), b"[]"],
    b"DEEP": [(200_000).to_bytes(8), b"[" * 200_000],
    b"LONG": [bytes(64 * 1024 * 1024)],
}


def read(raw: bytes) -> ParsedMail:
    order, _space, place = raw.partition(b" @ ")
    if order == b"DIE FIRST":
        _die_first(place.decode())
    elif order in _DOES:
        _DOES[order]()
    parsed = _read(raw)
    return parsed


def pack(parsed: ParsedMail, cost: wire.Cost) -> Any:
    return _SAYS.get(parsed.text.encode()) or _pack(parsed, cost)


def main(*, hurried: bool = True) -> None:
    nursery.read, nursery.wire.pack = read, pack  # type: ignore[assignment]
    if hurried:
        nursery.CPU, nursery.WALL, nursery.MEMORY = 1, 5, 256 * 1024 * 1024
    nursery.main(int(sys.argv[1]))


if __name__ == "__main__":
    main()
