"""What the house asks of cases: what waits longer than it should (/metrics, `doctor`), and whose mail the demo shows."""

import re
from datetime import timedelta
from uuid import UUID

from django.utils import timezone

from cases.models import Case, Dispatch, InboundItem, Message
from crm import health, sink
from crm.models import User
from customers.masking import CONTACT_POINTS, masked_fields
from customers.models import Customer

PATIENCE = timedelta(minutes=5)


@health.stuck.register
def waiting_too_long() -> dict[str, int]:
    """Mail that should have left and contacts that should be cases, five minutes after they were due; and what only a
    person can decide."""
    late = timezone.now() - PATIENCE
    due = Dispatch.objects.filter(state__in=[Dispatch.State.HELD, Dispatch.State.CLAIMED])
    return {
        "dispatches_late": due.filter(release_at__lt=late).count(),
        "dispatches_unknown": Dispatch.objects.filter(state=Dispatch.State.UNKNOWN).count(),
        "inbound_late": InboundItem.objects.filter(state=InboundItem.State.STORED, received_at__lt=late).count(),
        "inbound_kept": InboundItem.objects.filter(state=InboundItem.State.KEPT).count(),
    }


@sink.mail_seen.register
def mail_of_cases(user: User, message_ids: list[str]) -> set[str]:
    """Answers of cases one may see, other mail to customers one may see; nothing for whoever may not see addresses."""
    if CONTACT_POINTS in masked_fields(user):
        return set()
    keys = {UUID(key[1]): m for m in message_ids if (key := _KEY.match(m))}
    mails = Dispatch.objects.filter(key__in=keys)
    answers = Message.objects.filter(case__in=Case.objects.visible_to(user)).values("pk")
    said = mails.filter(source="message", source_id__in=answers)
    told = mails.exclude(source="message").filter(customer__in=Customer.objects.visible_to(user))
    return {keys[key] for rows in (said, told) for key in rows.values_list("key", flat=True)}


_KEY = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[.@]")  # the page shows, it believes nobody
