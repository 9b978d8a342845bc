"""One line to an IMAP server: open, look, fetch, wait. It knows nothing of our tables, and asks for nothing that would
change a mail unless told to: bodies by PEEK, folders opened read-only where nothing is to be marked.

imap-tools opens the line, signs in, and knows folders' names. What it does around fetching is ours: sizes first, so that
memory is bounded; no EXPUNGE of what others marked; and an IDLE that ends on any word of the server.
"""

import calendar
import imaplib
import re
import select
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address
from time import monotonic
from typing import Any

import imap_tools
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError, MailboxStarttlsError
from imap_tools.utils import encode_folder

TIMEOUT = 20.0  # seconds without a byte: the server is gone, whatever the line looks like
MOST = 40 * 1024 * 1024  # bytes one answer may have; whoever announces more is not believed
PIECE = 256 * 1024
_MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}
_DATE = re.compile(rb'INTERNALDATE "\s?(\d{1,2})-(\w{3})-(\d{4}) (\d\d:\d\d:\d\d) ([+-]\d{4})"')
_UID = re.compile(rb"\bUID (\d+)")
_SIZE = re.compile(rb"\bRFC822\.SIZE (\d+)")
_EMPTY = re.compile(rb'BODY\[\] (?:NIL|"")')


class Trouble(Exception):
    """Why it does not work: `word` is enumerated (cases.mailboxes.WORDS says it in a sentence), `detail` is what the
    server said, for an administrator's eyes."""

    def __init__(self, word: str, detail: object = "") -> None:
        super().__init__(word)
        self.word, self.detail = word, _one_line(detail)


@dataclass(frozen=True)
class Access:
    """Where to sign in, and with what. A token goes before a password."""

    host: str
    port: int
    tls: str  # tls, starttls, none
    user: str
    password: str = ""
    token: str = ""
    folder: str = "INBOX"
    writes: bool = False  # mails are to be marked or moved


@dataclass(frozen=True)
class Head:
    """What is asked of a mail before it is fetched."""

    size: int
    arrived_at: datetime | None


class Line:
    """A signed-in line with one folder open. Everything raises Trouble and nothing else."""

    def __init__(self, access: Access, *, timeout: float = TIMEOUT, alive: Callable[[], None] = lambda: None) -> None:
        """`alive` is called for every piece that arrives, so that a long answer does not look like a hung line."""
        self.access, self.timeout = access, timeout
        with _told("unreachable"):
            self.box = _opened(access, timeout)
        self.client: Any = self.box.client
        self.client.alive = alive

    def __enter__(self) -> "Line":
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def sign_in(self) -> None:
        """Sign in and open the folder."""
        with _told("sign_in"):
            _sign_in(self.box, self.access)
        self.has_idle = "IDLE" in self.client.capabilities
        with _told("no_folder"):
            self.box.folder.set(self.access.folder, readonly=not self.access.writes)
        with _told("garbled"):  # without one, UIDs mean nothing (RFC 3501, 2.3.1.1)
            self.uidvalidity = int(self.client.untagged_responses["UIDVALIDITY"][-1])

    # --- looking

    def look(self) -> int:
        """Ask for news; how many mails the folder has. Only what came before a search is seen by it."""
        with _told("lost"):
            _done(self.client.noop())
            self.client.untagged_responses.pop("FETCH", None)  # others' marks, told while we waited
        return int(self.client.exists)

    def uids(self, after: int = 0) -> list[int]:
        """Every UID greater than `after`, in order. (`n:*` always has the last mail in it, RFC 3501, 6.4.8.)"""
        with _told("refused"):
            found = self.box.uids(f"UID {after + 1}:*" if after else "ALL", charset=None)
        with _told("garbled"):
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
        with _told("refused"):
            answer = _done(self.client.uid("FETCH", _as_set(uids), what))
        return _items(answer)

    # --- what may change a mail, once it is stored

    def mark_seen(self, uids: Sequence[int]) -> None:
        with _told("refused"):
            for some in _chunks(uids, 200):
                _done(self.client.uid("STORE", _as_set(some), "+FLAGS.SILENT", r"(\Seen)"))

    def move(self, uids: Sequence[int], folder: str) -> None:
        """To another folder, made if need be. A plain EXPUNGE would take away what others have marked as deleted, stored
        or not: a server that can neither MOVE nor expunge by UID is not asked."""
        if not {"MOVE", "UIDPLUS"} & set(self.client.capabilities):
            raise Trouble("cannot_move")
        with _told("cannot_move"):
            if not self.box.folder.exists(folder):
                self.box.folder.create(folder)
            for some in _chunks(uids, 200):
                self._move(_as_set(some), encode_folder(folder))

    def _move(self, uids: str, folder: object) -> None:
        if "MOVE" in self.client.capabilities:
            _done(self.client.uid("MOVE", uids, folder))
            return
        _done(self.client.uid("COPY", uids, folder))
        _done(self.client.uid("STORE", uids, "+FLAGS.SILENT", r"(\Deleted)"))
        _done(self.client.uid("EXPUNGE", uids))

    # --- waiting

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Until the server says anything (IDLE, RFC 2177), or `seconds` are over, or `stop` is set."""
        if not self.has_idle:
            stop.wait(seconds)
            return
        deadline = monotonic() + seconds
        with _told("lost"):
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
        line, file = self.client.sock, getattr(self.client, "_file", None) or self.client.file
        line.settimeout(0)
        try:
            return bool(file.peek(1))
        except (BlockingIOError, ssl.SSLWantReadError):
            return False
        finally:
            line.settimeout(self.timeout)

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
            self.client.shutdown()


# --- opening


class _Careful:
    """imaplib reads a literal of any announced length in one go: ours has a limit and says that it is alive."""

    alive: Callable[[], None] = staticmethod(lambda: None)
    exists = 0  # mails in the open folder

    def _append_untagged(self, typ: str, dat: Any) -> None:
        """Counted in the order the server says them, and kept no longer."""
        if typ == "EXISTS":
            self.exists = int(dat)
        elif typ == "EXPUNGE":
            self.exists -= 1
        elif typ != "RECENT":
            super()._append_untagged(typ, dat)  # type: ignore[misc]

    def read(self, size: int) -> bytes:
        if size > MOST:
            raise imaplib.IMAP4.abort(f"an answer of {size} bytes")
        pieces = []
        while size > 0 and (piece := super().read(min(size, PIECE))):  # type: ignore[misc]
            pieces.append(piece)
            size -= len(piece)
            self.alive()
        return b"".join(pieces)


class _Plain(_Careful, imaplib.IMAP4):
    pass


class _Tls(_Careful, imaplib.IMAP4_SSL):
    pass


class _Box(imap_tools.BaseMailBox):
    def __init__(self, client: imaplib.IMAP4) -> None:
        self._given = client
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return self._given


def _opened(access: Access, timeout: float) -> imap_tools.BaseMailBox:
    if access.tls == "tls":
        return _Box(_Tls(access.host, access.port, ssl_context=ssl.create_default_context(), timeout=timeout))
    if access.tls == "none":
        _only_here(access.host)
    client = _Plain(access.host, access.port, timeout=timeout)
    if access.tls == "starttls":
        _start_tls(client)
    return _Box(client)


def _only_here(host: str) -> None:
    """A password goes over an open line only where nobody can listen."""
    for answer in socket.getaddrinfo(host, None):
        if not ip_address(str(answer[4][0]).partition("%")[0]).is_loopback:
            raise Trouble("not_encrypted")


def _start_tls(client: imaplib.IMAP4) -> None:
    try:
        client.starttls(ssl.create_default_context())
    except ssl.SSLError:
        raise
    except imaplib.IMAP4.error as error:  # it cannot, or would not
        raise Trouble("tls", error) from error


def _sign_in(box: imap_tools.BaseMailBox, access: Access) -> None:
    if access.token:
        _by_token(box.client, access)
    elif access.password.isascii() and access.user.isascii():
        box.login(access.user, access.password, initial_folder=None)
    else:
        box.login_utf8(access.user, access.password, initial_folder=None)
    _typ, offers = box.client.capability()  # signed in, a server may offer more
    box.client.capabilities = tuple(str(offers[-1], "ascii").upper().split())


def _by_token(client: imaplib.IMAP4, access: Access) -> None:
    """XOAUTH2. A refusal comes as a question with the reason in it, which is answered by nothing."""
    said = iter([f"user={access.user}\1auth=Bearer {access.token}\1\1".encode()])
    client.authenticate("XOAUTH2", lambda _question: next(said, b""))


# --- meaning


_KNOWN = (OSError, ImapToolsError, imaplib.IMAP4.error, ValueError, LookupError, TypeError, AttributeError)


@contextmanager
def _told(word: str) -> Iterator[None]:
    """Whatever goes wrong inside becomes Trouble; `word` where the server itself said no."""
    try:
        yield
    except _KNOWN as error:
        raise _meant(error, word) from error


def _meant(error: Exception, word: str) -> Trouble:
    if isinstance(error, imaplib.IMAP4.readonly):
        return Trouble("read_only", error)
    if isinstance(error, imaplib.IMAP4.abort):
        return Trouble("lost", error)
    if isinstance(error, ImapToolsError | imaplib.IMAP4.error):
        return Trouble(_word_for(error, word), _said(error))
    if isinstance(error, OSError):
        return _of_the_line(error, word)
    return Trouble("garbled", type(error).__name__)


def _of_the_line(error: OSError, word: str) -> Trouble:
    if isinstance(error, ssl.SSLError):
        return Trouble("tls", getattr(error, "verify_message", "") or error.reason or "")
    if isinstance(error, TimeoutError):
        return Trouble("timeout")
    return Trouble("unreachable" if word == "unreachable" else "lost", error.strerror or "")


def _word_for(error: Exception, word: str) -> str:
    if isinstance(error, MailboxLoginError) or word == "sign_in":
        return "busy" if re.search(r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]", str(error)) else "sign_in"
    if isinstance(error, MailboxFolderSelectError):
        return "no_folder"
    return "tls" if isinstance(error, MailboxStarttlsError) else word


def _said(error: Exception) -> object:
    """What the server answered, out of whatever wraps it."""
    result = getattr(error, "command_result", None)
    return result[1][0] if isinstance(result, tuple) and result[1] else error


def _done(result: tuple[str, Any]) -> list[Any]:
    if result[0] != "OK":
        raise imaplib.IMAP4.error(_one_line(result[1][0] if result[1] else ""))
    return list(result[1])


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
    if not found:
        return None
    day, month, year, clock, zone = (group.decode() for group in found.groups())
    try:
        stamp = f"{year}-{_MONTHS[month.title()]:02}-{int(day):02}T{clock}{zone[:3]}:{zone[3:]}"
        return datetime.fromisoformat(stamp).astimezone(UTC)
    except (ValueError, KeyError, OverflowError):
        return None


def _as_set(uids: Sequence[int]) -> str:
    return ",".join(map(str, uids))


def _chunks(uids: Sequence[int], size: int) -> Iterator[Sequence[int]]:
    return (uids[at : at + size] for at in range(0, len(uids), size))


def _one_line(said: object) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
