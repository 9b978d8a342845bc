"""A mail server of a few lines that can be told to misbehave at any point of the talk."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage

DROP = "drop"  # close the line without a word


@dataclass
class MailServer:
    """`says` overrides the answer to a verb (greet, ehlo, mail, rcpt, data, end, quit) by a line, or by DROP; `once` only
    the answer to the n-th of that verb: {"mail": (2, "421 too busy")}. `at` is told each step before it is answered, and
    "text" within the text, "after" when the mail was taken and its sender has been told."""

    port: int
    says: dict[str, str] = field(default_factory=dict)
    once: dict[str, tuple[int, str]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    got: list[bytes] = field(default_factory=list)
    talk: list[str] = field(default_factory=list)
    at: Callable[[str], None] = lambda _step: None

    @property
    def mails(self) -> list[EmailMessage]:
        return [message_from_bytes(raw, policy=policy.default) for raw in self.got]  # type: ignore[misc]


_POLITE = {"greet": "220 here", "ehlo": "250 SMTPUTF8", "data": "354 go on", "end": "250 taken", "quit": "221 bye"}


@contextmanager
def mail_server(**says: str) -> Iterator[MailServer]:
    """Listen on this machine for the length of a `with`."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = MailServer(listener.getsockname()[1], dict(says))
    thread = threading.Thread(target=_listen, args=(listener, server), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)


def _listen(listener: socket.socket, server: MailServer) -> None:
    while True:
        try:
            line, _peer = listener.accept()
        except OSError:
            return
        with line, line.makefile("rb") as reader:
            line.settimeout(10)
            try:
                _serve(line, reader, server)
            except OSError:
                continue


def _serve(line: socket.socket, reader, server: MailServer) -> None:  # type: ignore[no-untyped-def]
    if not _answer(line, server, "greet"):
        return
    for raw in reader:
        verb = raw.decode("utf-8", "replace").split()[0].lower() if raw.strip() else ""
        server.talk.append(raw.decode("utf-8", "replace").strip())
        if not _answer(line, server, verb):
            return
        takes = verb == "data" and server.says.get("data", "354").startswith("354")
        if takes and not _take(line, reader, server):
            return
        if verb == "quit":
            return


def _take(line: socket.socket, reader, server: MailServer) -> bool:  # type: ignore[no-untyped-def]
    """One text; False where the line is over with it."""
    if (text := _text(reader, server)) is None:
        return False
    if server.says.get("end", "250").startswith("250"):
        server.got.append(text)
    if not _answer(line, server, "end"):
        return False
    server.at("after")
    return True


def _text(reader, server: MailServer) -> bytes | None:  # type: ignore[no-untyped-def]
    """What stands before the line with the dot; None where the other side hung up within it."""
    server.at("text")
    text = []
    for line in reader:
        if line == b".\r\n":
            return b"".join(text)
        text.append(line)
    return None


def _answer(line: socket.socket, server: MailServer, verb: str) -> bool:
    said = server.says.get(verb, _POLITE.get(verb, "250 ok"))
    server.asked[verb] += 1
    server.at(verb)
    nth, instead = server.once.get(verb, (0, ""))
    said = instead if server.asked[verb] == nth else said
    if said == DROP:
        return False
    line.sendall(said.encode() + b"\r\n")
    return True
