"""How a mail arrives: stored raw, once, before anything looks into it; whoever fetched it may then let go of it."""

import hashlib
from datetime import datetime
from typing import Protocol

from django.utils import timezone

from cases.models import InboundItem, Queue
from crm.jobs import nudge

CHANNEL = "mail"


class Addressed(Protocol):
    """A mailbox, as far as arriving asks: the queue its mails belong to."""

    @property
    def queue(self) -> Queue: ...


def store(
    raw: bytes, *, mailbox: Addressed | None = None, queue: Queue | None = None, now: datetime | None = None
) -> tuple[InboundItem, bool]:
    """Keep a mail as it came: the item, and whether it is new. The same bytes are kept once, for the queue that had
    them first. Committed when this returns (call it outside a transaction); the sweep turns it into a message."""
    now = now or timezone.now()
    meant_for = mailbox.queue if mailbox else queue
    item, fresh = InboundItem.objects.get_or_create(
        channel=CHANNEL,
        external_id=hashlib.sha256(raw).hexdigest(),
        defaults={"raw": raw, "queue": meant_for, "received_at": now, "next_try_at": now},
    )
    if fresh:
        nudge("cases.inbound")
    return item, fresh
