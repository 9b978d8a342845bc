"""What follows from history, worked out the long way: every case by itself, every event by the code that follows live
ones, every column by the ORM. It is what settling in bulk is held against."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from cases import search, transitions
from cases.conversation import SILENCE
from cases.models import Case, Clock, Contact, Message, SLAPolicy
from crm.models import Event


def settle(ids: Iterable[int], messages: list[Message], now: datetime) -> None:
    for case in Case.objects.filter(pk__in=ids).select_related("queue", "customer").order_by("pk"):
        fresh = [m for m in messages if m.case_id == case.pk]
        _stand(case)
        _meet(case, fresh, now)
        search.index_text(case, " ".join(m.text for m in fresh))
        if SLAPolicy.objects.filter(is_active=True).exists():
            _replay(case)


def _stand(case: Case) -> None:
    last = case.messages.exclude(direction="note").order_by("at", "id").last()
    if last:
        case.preview, case.preview_direction = " ".join(last.text.split())[:160], last.direction
    words = list(case.messages.filter(is_auto=False).order_by("at", "id"))
    if words:
        case.last_message_at = max(m.at for m in words)
    if case.status in (transitions.NEW, transitions.OPEN):
        case.waiting_since = case.opened_at
        for message in words:
            if message.direction == "outbound":
                case.waiting_since = None
            elif message.direction == "inbound":
                case.waiting_since = case.waiting_since or message.at
    case.save(update_fields=["preview", "preview_direction", "last_message_at", "waiting_since"])


def _meet(case: Case, messages: list[Message], now: datetime) -> None:
    spoken = sorted((m for m in messages if not m.is_note), key=lambda m: (m.channel, m.at))
    held: dict[str, list[Contact]] = defaultdict(list)
    for contact in Contact.objects.filter(case=case):
        held[contact.channel].append(contact)
    for channel, words in groupby(spoken, key=lambda m: m.channel):
        for message in words:
            message.contact = _contact(case, message, held[channel], now)
            message.save(update_fields=["contact"])


def _contact(case: Case, message: Message, contacts: list[Contact], now: datetime) -> Contact:
    found = next(
        (c for c in contacts if c.started_at - SILENCE <= message.at <= c.last_at + SILENCE),
        None,
    )
    if found is None:
        about = {"case": case, "customer_id": case.customer_id, "issue_id": case.issue_id, "channel": message.channel}
        found = Contact(**about, started_at=message.at, last_at=message.at)
        contacts.append(found)
    found.started_at, found.last_at = min(found.started_at, message.at), max(found.last_at, message.at)
    over = found.last_at + SILENCE
    found.ended_at = over if over <= now else None
    found.save()
    return found


def _replay(case: Case) -> None:
    Clock.objects.filter(case=case).delete()
    status, case.status = case.status, transitions.NEW
    for event in Event.objects.filter(stream="case", stream_id=case.pk).order_by("at", "version"):
        case.status = event.data.get("status", case.status)
        Clock.objects.follow(case, event)
    case.status = status
