"""Mail fetched from real IMAP servers: nothing lost, nothing twice, nothing touched before it is stored."""

from typing import Any

import pytest
from django.utils import timezone

from cases import mailboxes
from cases.models import InboundItem, Mailbox, MailboxMail, Queue
from crm.secrets import encrypt
from tests.imapserver import PASSWORD, USERS, ImapServer

pytestmark = pytest.mark.django_db(transaction=True)
OWNER = "this test"
State = MailboxMail.State


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


def test_what_is_there_is_stored_once_in_order_and_nothing_on_the_server_changes(
    imap: ImapServer, billing: Queue
) -> None:
    box = make_mailbox(imap, billing)
    imap.append(*(mail(n) for n in range(1, 8)))
    before = imap.flags()
    assert look(box, times=2) == 7
    assert look(box) == 0
    assert raws() == [mail(n) for n in range(1, 8)]
    assert imap.flags() == before
    assert (box.last_uid, box.server_count, box.waiting, box.last_error) == (max(imap.uids()), 7, 0, "")
    assert box.last_success_at is not None
    assert {item.queue_id for item in InboundItem.objects.all()} == {billing.pk}
