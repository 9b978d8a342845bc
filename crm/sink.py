"""The demo's own mail server: takes in every mail that would have left, and /sent/ shows it.

`serve` opens the listening socket and tells everyone its port; the keeper receives on it, so that a keeper's restart
loses nothing: connections wait in the socket.
"""

import asyncio
import logging
import os
import socket
import threading
from contextlib import suppress
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr

from aiosmtpd.smtp import SMTP, Envelope, Session
from django.db import connections
from django.db.models import QuerySet

from crm.hooks import Hook
from crm.models import SentMail, User

FD = "FOREFRONT_SINK"  # the listening socket's descriptor
MAX_BYTES = 30 * 1024 * 1024
log = logging.getLogger(__name__)
# Of mails with these Message-IDs, which this person may read; apps know their own, and administrators read them all.
mail_seen: Hook[[User, list[str]], set[str]] = Hook("mail_seen")


def listening_socket() -> socket.socket:
    """A socket on a free loopback port, to be passed to the keeper."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.set_inheritable(True)
    return listener


def receive_if_asked() -> None:
    """Receive on the socket the supervisor passed, in a thread; without one, do nothing."""
    if fd := int(os.environ.get(FD, "0")):
        threading.Thread(target=receive, args=(socket.socket(fileno=fd),), name="sink", daemon=True).start()


def receive(listener: socket.socket) -> None:
    """Take in mail on `listener` until the process ends."""
    asyncio.run(_serve(listener))


async def _serve(listener: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(
            Sink(), hostname="forefront", ident="Forefront demo", data_size_limit=MAX_BYTES, enable_SMTPUTF8=True
        ),
        sock=listener,
    )
    async with server:
        await server.serve_forever()


class Sink:
    """aiosmtpd's handler: a mail is accepted once its row is committed."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        raw = envelope.content if isinstance(envelope.content, bytes) else str(envelope.content or "").encode()
        try:
            await asyncio.to_thread(
                _keep_apart, str(envelope.mail_from or ""), [str(r) for r in envelope.rcpt_tos], raw
            )
        except Exception as error:  # noqa: BLE001 - the sender keeps the mail and tries again
            log.warning("sink: could not keep a mail: %s", type(error).__name__)
            return "451 Could not store the message, try again"
        return "250 Kept for /sent/"


def keep(sender: str, recipients: list[str], raw: bytes) -> SentMail:
    """Store one mail as it arrived, with what the page shows of it."""
    parsed = message_from_bytes(raw)
    return SentMail.objects.create(
        sender=parseaddr(sender)[1][:320],
        recipients=recipients,
        subject=_header(parsed, "Subject")[:998],
        text=_text(parsed)[:200_000],
        message_id=_header(parsed, "Message-ID")[:255],
        raw=raw,
    )


def visible_to(user: User) -> QuerySet[SentMail]:
    """The mails this person may read: the demo keeps two thousand, so their Message-IDs fit into one question."""
    mails = SentMail.objects.defer("raw")
    if user.is_administrator:
        return mails
    named = dict(mails.exclude(message_id="").values_list("pk", "message_id"))
    seen: set[str] = set().union(*mail_seen.collect(user, sorted(set(named.values()))))
    return mails.filter(pk__in=[pk for pk, message_id in named.items() if message_id in seen])


def _keep_apart(sender: str, recipients: list[str], raw: bytes) -> None:
    try:
        keep(sender, recipients, raw)
    finally:
        connections.close_all()  # a helper thread of asyncio: nobody else would


def _header(message: Message, name: str) -> str:
    value = str(message.get(name, ""))
    with suppress(UnicodeError, LookupError, ValueError):
        value = str(make_header(decode_header(value)))
    return " ".join(value.replace("\0", "").split())


def _text(message: Message) -> str:
    for part in message.walk():
        if part.get_content_type() == "text/plain":
            body = part.get_payload(decode=True)
            charset = part.get_content_charset() or "utf-8"
            return _decode(body, charset).replace("\0", "") if isinstance(body, bytes) else ""
    return ""


def _decode(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
