"""When two mails are one: the same Message-ID and the same From, Date, Subject and content, by whatever way they came."""

import hashlib
import json
from datetime import UTC

from cases.mail.parsed import ParsedMail
from cases.models import InboundItem, Message

SOURCE = "mail"


def content_hash(mail: ParsedMail) -> str:
    """Sha256 over From, Date, Subject and the decoded content: what a server on the way has no business changing."""
    date = mail.date.astimezone(UTC).isoformat() if mail.date else ""
    subject = " ".join(mail.subject.split())
    told = [mail.sender.email.lower(), date, subject, mail.body_hash]
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def identity(mail: ParsedMail, item: InboundItem) -> str:
    """What is unique among messages (source, external_id): of two copies at once one gets in. Without a Message-ID the
    content decides; without a Date too, the same words may well be said again: only a repeat of the same day is one."""
    told = [mail.message_id, content_hash(mail)]
    if not mail.message_id and mail.date is None:
        told.append(item.received_at.astimezone(UTC).date().isoformat())
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def known(identity: str) -> Message | None:
    return Message.objects.select_related("case").filter(source=SOURCE, external_id=identity).first()


def is_used(message_id: str) -> bool:
    """This Message-ID was on another mail, which `known` did not find: it says something else."""
    return bool(message_id) and Message.objects.filter(mail_id=message_id[:250]).exists()
