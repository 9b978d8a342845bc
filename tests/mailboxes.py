"""A mailbox on one of the test's IMAP servers, held by the test, and looks into it."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils import timezone

from cases import mailboxes
from cases.models import InboundItem, Mailbox, Queue
from crm.secrets import encrypt
from tests.imapserver import PASSWORD, USERS, ImapServer

OWNER = "this test"


def mail(n: int, *, size: int = 0) -> bytes:
    head = f"From: carl@example.org\r\nTo: help@imap.example\r\nMessage-ID: <{n}@example.org>\r\nSubject: Mail {n}\r\n"
    return f"{head}\r\nWords of mail {n}.\r\n{'x' * 70 + chr(13) + chr(10)}".encode() + b"y" * size


def make_mailbox(server: ImapServer, queue: Queue, **fields: Any) -> Mailbox:
    """Held by this test, so that it may be looked into."""
    made = {"name": "Help", "address": "help@imap.example", "host": "127.0.0.1", "port": server.port, "tls": "none"}
    made |= {"user": USERS[0], "password": encrypt(PASSWORD)}
    box = Mailbox.objects.create(queue=queue, **{**made, **fields})
    assert box.take(OWNER)
    box.refresh_from_db()
    return box


def look(box: Mailbox, *, times: int = 1, **fields: Any) -> int:
    """A line, `begin`, and some looks; the mails stored."""
    box.refresh_from_db()
    with mailboxes.connect(box, now=timezone.now()) as line:
        visit = mailboxes.Visit(box, line, OWNER, **fields)
        visit.begin()
        stored = sum(visit.look() for _ in range(times))
    box.refresh_from_db()
    return stored


def raws() -> list[bytes]:
    """What is stored, in order; one of the servers keeps lines by its own ends."""
    stored = InboundItem.objects.order_by("pk").values_list("raw", flat=True)
    return [bytes(raw).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n") for raw in stored]


@dataclass
class Clock:
    """A time that passes when told to."""

    at: datetime = field(default_factory=timezone.now)

    def __call__(self) -> datetime:
        return self.at
