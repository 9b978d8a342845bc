"""Opening a line to an IMAP server and signing in, within limits; and what its failures mean."""

import imaplib
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any

import imap_tools
from imap_tools.errors import ImapToolsError, MailboxFolderSelectError, MailboxLoginError, MailboxStarttlsError

MOST = 40 * 1024 * 1024  # bytes one answer may have; whoever announces more is not believed
PIECE = 256 * 1024


class Trouble(Exception):
    """Why it does not work: `word` is enumerated (cases.mailboxes.WORDS says it in a sentence), `detail` is what the
    server said, for an administrator's eyes."""

    def __init__(self, word: str, detail: object = "") -> None:
        super().__init__(word)
        self.word, self.detail = word, one_line(detail)


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


class Box(imap_tools.BaseMailBox):
    def __init__(self, client: imaplib.IMAP4) -> None:
        self._given = client
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        return self._given


def client(access: Access, timeout: float) -> Any:
    if access.tls == "tls":
        return _Tls(access.host, access.port, ssl_context=ssl.create_default_context(), timeout=timeout)
    if access.tls == "none":
        _only_here(access.host)
    client = _Plain(access.host, access.port, timeout=timeout)
    if access.tls == "starttls":
        _start_tls(client)
    return client


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


def sign_in(box: imap_tools.BaseMailBox, access: Access) -> None:
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
def told(word: str) -> Iterator[None]:
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


def done(result: tuple[str, Any]) -> list[Any]:
    if result[0] != "OK":
        raise imaplib.IMAP4.error(one_line(result[1][0] if result[1] else ""))
    return list(result[1])


def one_line(said: object) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:200]
