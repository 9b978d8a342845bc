"""One line to an IMAP server: open, look, fetch, wait. It knows nothing of our tables, and asks for nothing that would
change a mail unless told to: bodies by PEEK, folders opened read-only where nothing is to be marked.

imap-tools opens the line, signs in, and knows folders' names. What it does around fetching is ours: sizes first, so that
memory is bounded; no EXPUNGE of what others marked; and an IDLE that ends on any word of the server.
"""

import imaplib
import re
import select
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from time import monotonic
from typing import Any

from imap_tools.utils import encode_folder

from cases.mail.opening import Access, Box, Trouble, client, done, sign_in, told

__all__ = ["Access", "Head", "Line", "Trouble"]

TIMEOUT = 20.0  # seconds without a byte: the server is gone, whatever the line looks like
QUICK = 8.0  # the same for a question that costs the server nothing
_DATE = re.compile(rb'INTERNALDATE "([^"]{1,40})"')
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_EMPTY = re.compile(rb'BODY\[\] (?:NIL|"")')


@dataclass(frozen=True)
class Head:
    """What is asked of a mail before it is fetched."""

    size: int
    arrived_at: datetime | None


class Line:
    """A signed-in line with one folder open. Everything raises Trouble and nothing else."""

    def __init__(self, access: Access, *, timeout: float = TIMEOUT, alive: Callable[[], None] = lambda: None) -> None:
        """`alive` is called for every piece that arrives, so that a long answer does not look like a hung line."""
        self.access = access
        with told("unreachable"):
            self.client = client(access, timeout)
        self.box = Box(self.client)
        self.client.alive = alive

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def sign_in(self) -> None:
        """Sign in and open the folder."""
        with told("sign_in"):
            sign_in(self.box, self.access)
        self.has_idle = "IDLE" in self.client.capabilities
        with told("no_folder"):
            self.box.folder.set(self.access.folder, readonly=not self.access.writes)
        with told("garbled"):  # without one, UIDs mean nothing (RFC 3501, 2.3.1.1)
            self.uidvalidity = int(self.client.untagged_responses["UIDVALIDITY"][-1])
            self.uidnext = int((self.client.untagged_responses.get("UIDNEXT") or [0])[-1])  # 0: not said

    # --- looking

    def look(self) -> int:
        """Ask for news; how many mails the folder has. Only what came before a search is seen by it."""
        with told("lost"), self._within(QUICK):
            done(self.client.noop())
            self.client.untagged_responses.pop("FETCH", None)  # others' marks, told while we waited
        return int(self.client.exists)

    def uids(self, after: int = 0) -> list[int]:
        """Every UID greater than `after`, in order. (`n:*` always has the last mail in it, RFC 3501, 6.4.8.)"""
        with told("refused"):
            found = self.box.uids(f"UID {after + 1}:*" if after else "ALL", charset=None)
        with told("garbled"):
            return sorted({uid for uid in map(int, found) if uid > after})

    def heads(self, uids: Sequence[int]) -> dict[int, Head]:
        """Size and arrival of each; what has gone meanwhile is missing."""
        found: dict[int, Head] = {}
        for some in _chunks(uids, 500):
            for text, _body in self._fetch(some, "(UID RFC822.SIZE INTERNALDATE)"):
                if (uid := _UID.search(text)) and (size := _SIZE.search(text)):
                    found[int(uid[1])] = Head(int(size[1]), _arrival(text))
        return {uid: head for uid, head in found.items() if uid in set(uids)}

    def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The mails, raw, none of them marked as read; what the server does not hand out is missing."""
        return self._parts(uids, "BODY.PEEK[]")

    def header(self, uid: int, most: int) -> bytes:
        """The first `most` bytes of a mail's header."""
        return self._parts([uid], f"BODY.PEEK[HEADER]<0.{most}>").get(uid, b"")

    def _parts(self, uids: Sequence[int], part: str) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for text, body in self._fetch(uids, f"(UID {part})"):
            uid = _UID.search(text)
            if uid and body is None and _EMPTY.search(text):
                body = b""
            if uid and body is not None:
                found[int(uid[1])] = body
        return {uid: raw for uid, raw in found.items() if uid in set(uids)}

    def _fetch(self, uids: Sequence[int], what: str) -> Iterator[tuple[bytes, bytes | None]]:
        self.client.alive()
        with told("refused"):
            answer = done(self.client.uid("FETCH", _as_set(uids), what))
        return _items(answer)

    # --- what may change a mail, once it is stored

    def mark_seen(self, uids: Sequence[int]) -> None:
        with told("refused"):
            for some in _chunks(uids, 200):
                done(self.client.uid("STORE", _as_set(some), "+FLAGS.SILENT", r"(\Seen)"))

    def move(self, uids: Sequence[int], folder: str) -> None:
        """To another folder, made if need be. A plain EXPUNGE would take away what others have marked as deleted, stored
        or not: a server that can neither MOVE nor expunge by UID is not asked."""
        if not {"MOVE", "UIDPLUS"} & set(self.client.capabilities):
            raise Trouble("cannot_move")
        with told("cannot_move"):
            if not self.box.folder.exists(folder):
                self.box.folder.create(folder)
            for some in _chunks(uids, 200):
                self._move(_as_set(some), encode_folder(folder))

    def _move(self, uids: str, folder: object) -> None:
        if "MOVE" in self.client.capabilities:
            done(self.client.uid("MOVE", uids, folder))
            return
        done(self.client.uid("COPY", uids, folder))
        done(self.client.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)"))
        done(self.client.uid("EXPUNGE", uids))

    # --- waiting

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Until the server says anything (IDLE, RFC 2177), or `seconds` are over, or `stop` is set."""
        if not self.has_idle:
            stop.wait(seconds)
            return
        deadline = monotonic() + seconds
        with told("lost"), self._within(QUICK):
            tag = self._begin_idle()
            while not stop.is_set() and monotonic() < deadline and not self._is_spoken_to(0.5):
                self.client.alive()
            self.client.send(b"DONE\r\n")
            self.box.consume_until_tagged_response(tag)

    def _begin_idle(self) -> bytes:
        """News may come before the server's go-ahead, which is the answer that is not one of the untagged kind."""
        tag: bytes = self.client._command("IDLE")
        while self.client._get_response() is not None:
            if self.client.tagged_commands.get(tag):
                raise Trouble("refused", self.client.tagged_commands[tag][1])
        self._heard = self._has_unread()
        return tag

    def _has_unread(self) -> bool:
        """What came in the same packet as the go-ahead waits in our buffer, and no poll would tell."""
        file = getattr(self.client, "_file", None) or self.client.file
        with self._within(0):
            try:
                return bool(file.peek(1))
            except (BlockingIOError, ssl.SSLWantReadError):
                return False

    @contextmanager
    def _within(self, seconds: float) -> Iterator[None]:
        """Another patience with the line, for a while."""
        before = self.client.sock.gettimeout()
        self.client.sock.settimeout(seconds)
        try:
            yield
        finally:
            self.client.sock.settimeout(before)

    def _is_spoken_to(self, seconds: float) -> bool:
        poll = select.poll()
        poll.register(self.client.sock.fileno(), select.POLLIN)
        return self._heard or bool(poll.poll(seconds * 1000))

    def close(self) -> None:
        """Say goodbye if the line still carries it."""
        try:
            self.client.sock.settimeout(2)
            self.client.logout()
        except (OSError, imaplib.IMAP4.error):
            with suppress(OSError):
                self.client.shutdown()


def _items(answer: Iterable[Any]) -> Iterator[tuple[bytes, bytes | None]]:
    """Each FETCH answer: its words, those after the literal included, and the literal. imaplib gives (words, literal)
    followed by the rest, or words alone."""
    words, body = b"", None
    for part in answer:
        if isinstance(part, tuple):
            if body is not None:
                yield words, body
            words, body = part[0], part[1]
        elif body is not None:
            yield words + b" " + (part or b""), body
            words, body = b"", None
        elif part:
            yield part, None
    if body is not None:
        yield words, body


def _arrival(text: bytes) -> datetime | None:
    found = _DATE.search(text)
    try:
        return parsedate_to_datetime(found[1].decode().strip()).astimezone(UTC) if found else None
    except (ValueError, TypeError, OverflowError):
        return None


def _as_set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _chunks(uids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (uids[at : at + size] for at in range(0, len(uids), size))
