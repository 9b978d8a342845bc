"""When two mails are one: the same Message-ID and the same From, Date, Subject and content, by whatever way they came."""

import hashlib
import json
from datetime import UTC

from cases.mail.parsed import ParsedMail
from cases.models import InboundItem, Message
from crm.database.prepared import kept

SOURCE = "mail"
_KNOWN = "SELECT id FROM cases_message WHERE source = %s AND external_id = %s"
_USED = "SELECT EXISTS (SELECT FROM cases_message WHERE mail_id = %s AND mail_id <> '')"


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
    """Nearly always none, which is what it costs least to be told."""
    with kept() as cursor:
        cursor.execute(_KNOWN, [SOURCE, identity])
        found = cursor.fetchone()
    return Message.objects.select_related("case").get(pk=found[0]) if found else None


def is_used(message_id: str) -> bool:
    """This Message-ID was on another mail, which `known` did not find: it says something else."""
    if not message_id:
        return False
    with kept() as cursor:
        cursor.execute(_USED, [message_id])
        return bool(cursor.fetchone()[0])
