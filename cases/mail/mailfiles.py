"""Mails as people keep them in files: one a file, many in an mbox, one a file in a Maildir, or a folder of such."""

import re
from collections.abc import Iterator
from pathlib import Path

MAIL_FILES = {".eml", ".mbox", ".mbx", ".box"}  # what is taken from a folder that is no Maildir
_BEGINS = re.compile(rb"From \S.*\d{4}")  # "From mia@example.org Mon Mar  2 10:00:00 2026", after an empty line
_QUOTED = re.compile(rb">+From ")


def mails(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """Each mail of what is there: (file, its place in the mbox or Maildir from 0 on, raw). Raises OSError."""
    if not path.is_dir():
        yield from _of_file(path, str(path))
    elif _is_maildir(path):
        for n, file in enumerate(_in_maildir(path)):
            yield str(path), n, file.read_bytes()
    else:
        for file in sorted(path.rglob("*")):
            if file.is_file() and file.suffix.lower() in MAIL_FILES:
                yield from _of_file(file, str(file))


def _is_maildir(path: Path) -> bool:
    return (path / "cur").is_dir() and (path / "new").is_dir()


def _in_maildir(path: Path) -> list[Path]:
    files = [file for part in ("new", "cur") for file in (path / part).iterdir()]
    return sorted((file for file in files if file.is_file() and not file.name.startswith(".")), key=lambda f: f.name)


def _of_file(file: Path, name: str) -> Iterator[tuple[str, int, bytes]]:
    """A single mail may begin like an mbox, so the name has the first word."""
    with file.open("rb") as opened:
        is_mbox = file.suffix.lower() != ".eml" and _BEGINS.match(opened.readline(1000)) is not None
    if not is_mbox:
        yield name, 0, file.read_bytes()
        return
    for n, raw in enumerate(_in_mbox(file)):
        yield name, n, raw


def _in_mbox(file: Path) -> Iterator[bytes]:
    """One mail at a time, so that an archive of any size passes through. Lines that were marked (mboxrd) are as they
    were written."""
    lines: list[bytes] = []
    begun, after_empty = False, True
    with file.open("rb") as opened:
        for line in opened:
            if after_empty and _BEGINS.match(line):
                if begun:
                    yield _whole(lines)
                lines, begun = [], True
            else:
                lines.append(line[1:] if _QUOTED.match(line) else line)
            after_empty = line.strip(b"\r\n") == b""
    if begun:
        yield _whole(lines)


def _whole(lines: list[bytes]) -> bytes:
    """The empty line before the next one's beginning belongs to the mbox."""
    if lines and lines[-1].strip(b"\r\n") == b"":
        lines = lines[:-1]
    return b"".join(lines)
