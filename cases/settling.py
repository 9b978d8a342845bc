"""What follows from history brought in from elsewhere: where each case stands, its contacts, clocks and search words."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from cases import search, transitions
from cases.conversation import SILENCE
from cases.models import Case, Clock, Contact, Message, SLAPolicy
from crm.models import Event


def settle(ids: Iterable[int], messages: list[Message], now: datetime) -> None:
    """Bring the columns of these cases in line with their history, in the transaction that added to it. `messages` are
    the ones just added."""
    rows = Case.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=ids)
    cases = list(rows.select_related("queue", "customer").order_by("pk"))
    if not cases:
        return
    _stand(cases)
    _meet({case.pk: case for case in cases}, messages, now)
    _index(cases, messages)
    if SLAPolicy.objects.filter(is_active=True).exists():
        for case in cases:
            _replay(case)


# --- where a case stands


def _stand(cases: list[Case]) -> None:
    """The last words, and since when the customer waits: their first word we have not answered."""
    thread: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    said = Message.objects.filter(case__in=cases, is_auto=False).order_by("at", "id")
    for case_id, direction, at in said.values_list("case_id", "direction", "at"):
        thread[case_id].append((direction, at))
    newest = Message.objects.filter(case__in=cases).exclude(direction="note")
    last = {m.case_id: m for m in newest.order_by("case_id", "-at", "-id").distinct("case_id")}
    for case in cases:
        if message := last.get(case.pk):
            case.preview, case.preview_direction = " ".join(message.text.split())[:160], message.direction
        if words := thread[case.pk]:
            case.last_message_at = max(at for _direction, at in words)
        if case.status in (transitions.NEW, transitions.OPEN):
            case.waiting_since = _waiting_since(case, thread[case.pk])
    Case.objects.bulk_update(cases, ["preview", "preview_direction", "last_message_at", "waiting_since"])


def _waiting_since(case: Case, thread: list[tuple[str, datetime]]) -> datetime | None:
    since: datetime | None = case.opened_at
    for direction, at in thread:
        if direction == "outbound":
            since = None
        elif direction == "inbound":
            since = since or at
    return since


# --- contacts


def _meet(cases: dict[int, Case], messages: list[Message], now: datetime) -> None:
    """Give each new word its contact: the stretch of talk it falls into, or a new one."""
    spoken = sorted((m for m in messages if not m.is_note), key=lambda m: (m.case_id, m.channel, m.at))
    held: dict[tuple[int, str], list[Contact]] = defaultdict(list)
    for contact in Contact.objects.filter(case__in={m.case_id for m in spoken}):
        held[contact.case_id, contact.channel].append(contact)
    touched: list[Contact] = []
    for key, words in groupby(spoken, key=lambda m: (m.case_id, m.channel)):
        for message in words:
            message.contact = _stretch(cases[message.case_id], message, held[key])
            touched.append(message.contact)
    _store({id(contact): contact for contact in touched}.values(), now)
    Message.objects.bulk_update(spoken, ["contact"])


def _stretch(case: Case, message: Message, contacts: list[Contact]) -> Contact:
    for contact in contacts:
        if contact.started_at - SILENCE <= message.at <= contact.last_at + SILENCE:
            contact.started_at = min(contact.started_at, message.at)
            contact.last_at = max(contact.last_at, message.at)
            return contact
    made = Contact(
        case=case,
        customer_id=case.customer_id,
        issue_id=case.issue_id,
        channel=message.channel,
        started_at=message.at,
        last_at=message.at,
    )
    contacts.append(made)
    return made


def _store(contacts: Iterable[Contact], now: datetime) -> None:
    touched = list(contacts)
    for contact in touched:
        over = contact.last_at + SILENCE
        contact.ended_at = over if over <= now else None
    Contact.objects.bulk_create([c for c in touched if c.pk is None])
    Contact.objects.bulk_update([c for c in touched if c.pk], ["started_at", "last_at", "ended_at"])


# --- search and clocks


def _index(cases: list[Case], messages: list[Message]) -> None:
    texts: dict[int, list[str]] = defaultdict(list)
    for message in messages:
        texts[message.case_id].append(message.text)
    for case in cases:
        search.index_text(case, " ".join(texts[case.pk]))


def _replay(case: Case) -> None:
    """Let the clocks live through the whole history again in the order of its times: a file may tell it in another."""
    Clock.objects.filter(case=case).delete()
    status, case.status = case.status, transitions.NEW
    for event in Event.objects.filter(stream="case", stream_id=case.pk).order_by("at", "version"):
        case.status = event.data.get("status", case.status)
        Clock.objects.follow(case, event)
    case.status = status
