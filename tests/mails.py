"""Mails as servers hand them over, and the way they take."""

import itertools
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any

from django.utils import timezone

from cases import intake
from cases.conversation import reply
from cases.mail import arriving, ids
from cases.models import Case, Dispatch, InboundItem, Message, Queue
from cases.outward import release_due
from crm.models import User

_count = itertools.count(1)
HEADERS = {"sender": "From", "to": "To", "subject": "Subject", "message_id": "Message-ID", "date": "Date"}


def letter(text: str = "My router blinks red.", **fields: Any) -> bytes:
    """A plain mail. What is None is left out; other fields are headers (in_reply_to is In-Reply-To)."""
    given = {
        "sender": "Mia Wolff <mia@example.org>",
        "to": "help@brightwave.example",
        "subject": "Router",
        "message_id": f"<m{next(_count)}@mail.example.org>",
        "date": format_datetime(timezone.now()),
        **fields,
    }
    lines = [f"{HEADERS.get(name) or _header(name)}: {value}" for name, value in given.items() if value is not None]
    plain = ["MIME-Version: 1.0", "Content-Type: text/plain; charset=utf-8", "Content-Transfer-Encoding: 8bit"]
    return "\r\n".join([*lines, *plain, "", *text.split("\n"), ""]).encode()


def parcel(
    *files: tuple[str, str, bytes], text: str = "See the files.", subject: str = "Files", **headers: str
) -> bytes:
    """A mail with files, each (name, type, content)."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = "Mia Wolff <mia@example.org>", "help@brightwave.example", subject
    mail["Message-ID"], mail["Date"] = f"<p{next(_count)}@mail.example.org>", format_datetime(timezone.now())
    for name, value in headers.items():
        mail[_header(name)] = value
    mail.set_content(text)
    for name, kind, data in files:
        main, _slash, sub = kind.partition("/")
        mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
    return mail.as_bytes()


def _header(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("_"))


def arrived(raw: bytes, *, queue: Queue | None = None, now: datetime | None = None) -> InboundItem:
    """What became of a mail once it was stored and processed."""
    item, fresh = arriving.store(raw, queue=queue, now=now)
    if fresh:
        intake.process(item.pk, now=now)
    item.refresh_from_db()
    return item


def taken(raw: bytes, *, queue: Queue | None = None, now: datetime | None = None) -> Message:
    """The message a mail became."""
    item = arrived(raw, queue=queue, now=now)
    assert item.message is not None, (item.state, item.error)
    return item.message


def answered(case: Case, by: User, text: str = "Please restart it.") -> Dispatch:
    """A reply by mail, released: what it went out as."""
    case.refresh_from_db()
    said = reply(case, by=by, text=text, written_against=case.version, anyway=True)
    assert said.dispatch is not None
    release_due(said.dispatch.release_at)
    return Dispatch.objects.get(pk=said.dispatch.pk)


def answer_to(dispatch: Dispatch, text: str = "It still blinks.", **fields: Any) -> bytes:
    """As a mail program answers one of ours: with its Message-ID."""
    given = {"subject": "Re: Router", "in_reply_to": ids.message_id(dispatch), "references": ids.message_id(dispatch)}
    return letter(text, **{**given, **fields})
