"""What follows from history brought in from elsewhere: where each case stands, its contacts, clocks and search words."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from cases import search, transitions
from cases.conversation import SILENCE
from cases.models import Case, Contact, Message, Queue
from cases.replay import replay
from crm import bulk


def settle(ids: Iterable[int], messages: list[Message], now: datetime) -> None:
    """Bring the columns of these cases in line with their history, in the transaction that added to it. `messages` are
    the ones just added."""
    cases = _locked(ids)
    if not cases:
        return
    _stand(cases)
    _meet({case.pk: case for case in cases}, messages, now)
    _index(cases, messages)
    replay(cases, now)


def _locked(ids: Iterable[int]) -> list[Case]:
    """The cases under their locks. Those of one queue share it, and with it the arithmetic of its hours."""
    rows = Case.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=ids)
    cases = list(rows.select_related("customer").order_by("pk"))
    queues = Queue.objects.select_related("calendar__current").in_bulk({case.queue_id for case in cases})
    for case in cases:
        case.queue = queues[case.queue_id]
    return cases


# --- where a case stands


def _stand(cases: list[Case]) -> None:
    """The last words, and since when the customer waits: their first word we have not answered."""
    thread: dict[int, list[tuple[str, datetime]]] = defaultdict(list)
    said = Message.objects.filter(case__in=cases, is_auto=False).order_by("at", "id")
    for case_id, direction, at in said.values_list("case_id", "direction", "at"):
        thread[case_id].append((direction, at))
    spoken = Message.objects.filter(case__in=cases).exclude(direction="note")
    newest = spoken.order_by("case_id", "-at", "-id").distinct("case_id")
    last = {case_id: said for case_id, *said in newest.values_list("case_id", "text", "direction")}
    for case in cases:
        if case.pk in last:
            text, case.preview_direction = last[case.pk]
            case.preview = " ".join(text.split())[:160]
        if words := thread[case.pk]:
            case.last_message_at = max(at for _direction, at in words)
        if case.status in (transitions.NEW, transitions.OPEN):
            case.waiting_since = _waiting_since(case, thread[case.pk])
    bulk.write(cases, ["preview", "preview_direction", "last_message_at", "waiting_since"])


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
    for message in spoken:
        message.contact_id = message.contact.pk  # type: ignore[union-attr] # a new one has its key only now
    bulk.write(spoken, ["contact"])


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
    held = [c for c in touched if c.pk]
    bulk.insert([c for c in touched if c.pk is None])
    bulk.write(held, ["started_at", "last_at", "ended_at"])


# --- search


def _index(cases: list[Case], messages: list[Message]) -> None:
    texts: dict[int, list[str]] = defaultdict(list)
    for message in messages:
        texts[message.case_id].append(message.text)
    search.index_many((case, " ".join(texts[case.pk])) for case in cases)
