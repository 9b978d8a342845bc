"""How a contact becomes a message: raw stored first, then, in one transaction, its customer, conversation and case.

Whatever dies in between: the item is stored or was never acknowledged; its state changes in the very transaction that
writes its message; and what is stored and not yet in a case is found by the sweep. Never lost, never twice.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import search, transitions
from cases.channels.document import BadDocument, Inbound, parse
from cases.conversation import add_inbound
from cases.models import Case, CaseLink, Channel, InboundItem, Issue, Message, Queue, Thread
from cases.models.case import Refusal
from crm.files import save_bytes
from crm.models import User
from customers.matching import match
from customers.models import ContactPoint, Customer

__all__ = ["Inbound", "OtherBody", "Received", "open_case", "process", "receive", "store", "sweep_inbound", "take_over"]

log = logging.getLogger(__name__)

LEASE = timedelta(seconds=15)  # how long a try is left alone; who overtakes one still at work finds its row locked
PAUSES = [timedelta(seconds=s) for s in (5, 30, 120, 600, 1800, 7200, 21600)]  # after the first, second, … failed try
MOST_TRIES = len(PAUSES) + 1
TAKEN_OVER = 3  # tries of one item that a sender's repeats may bring about; it may be what kills whoever tries it
FOLLOWS_WITHIN = timedelta(days=30)  # a word on a closed case opens one that follows it
BATCH = 50


class OtherBody(Exception):
    """This id was used before, for something else. Nothing changed."""


@dataclass(frozen=True)
class Received:
    """What became of it: created (a new case), appended (to one there was) or duplicate (nothing changed)."""

    status: str
    case: Case
    message: Message


def store(channel_slug: str, external_id: str, raw: bytes, *, now: datetime | None = None) -> tuple[InboundItem, bool]:
    """Keep what arrived, once: the item, and whether it is new. Ten at once: the constraint makes one.

    The first try is counted here, before it is made, and is the caller's: call `process`. Raises OtherBody."""
    now = now or timezone.now()
    item, fresh = InboundItem.objects.get_or_create(
        channel=channel_slug,
        external_id=external_id,
        defaults={"raw": raw, "attempts": 1, "received_at": now, "next_try_at": now + LEASE},
    )
    if not fresh and not _same(bytes(item.raw), raw):
        raise OtherBody
    return item, fresh


def _same(one: bytes, other: bytes) -> bool:
    """The same document, if perhaps written down anew."""
    if one == other:
        return True
    try:
        return bool(json.loads(one) == json.loads(other))
    except ValueError:
        return False


def process(item_id: int, *, now: datetime | None = None) -> Received | None:
    """Turn a stored item into a message. Safe to run twice at once; None when there is nothing to do or it failed,
    and then it is tried again later, or kept for a person after the last try."""
    try:
        return _process(item_id, now or timezone.now())
    except Exception as error:  # noqa: BLE001 - whatever it is, the item stays and is tried again; texts are personal
        log.warning("inbound item %s failed: %s", item_id, type(error).__name__)
        _put_off(item_id, error, now or timezone.now())
        return None


def _process(item_id: int, now: datetime) -> Received | None:
    waiting = InboundItem.objects.filter(pk=item_id, state=InboundItem.State.STORED)
    item = waiting.first()
    if item is None:
        return None
    inbound = _read(item)
    for file in inbound.files:
        save_bytes(file.data)  # before the locks; repeated inside, where it is found by its hash
    with transaction.atomic():
        if not waiting.select_for_update().values_list("pk").first():
            return None  # somebody else was quicker
        received = receive(inbound)
        _finish(item_id, received, now)
    return received


def _read(item: InboundItem) -> Inbound:
    return parse(bytes(item.raw), channel=item.channel, external_id=item.external_id, received_at=item.received_at)


def _finish(item_id: int, received: Received, now: datetime) -> None:
    state = InboundItem.State.DUPLICATE if received.status == "duplicate" else InboundItem.State.DONE
    InboundItem.objects.filter(pk=item_id).update(state=state, message=received.message, done_at=now, error="")


@transaction.atomic
def _put_off(item_id: int, error: Exception, now: datetime) -> None:
    item = InboundItem.objects.select_for_update().filter(pk=item_id, state=InboundItem.State.STORED).first()
    if item is None:
        return
    item.error = type(error).__name__
    if item.attempts >= MOST_TRIES or isinstance(error, BadDocument):
        _keep(item)
        return
    item.next_try_at = now + PAUSES[max(item.attempts, 1) - 1]
    item.save(update_fields=["error", "next_try_at"])


def _keep(item: InboundItem) -> None:
    """No further try: a person looks at it, and its queue is told."""
    item.state = InboundItem.State.KEPT
    item.save(update_fields=["state", "error"])
    log.error("inbound item %s of channel %s is kept: %s", item.pk, item.channel, item.error)
    if channel := Channel.objects.select_related("queue").filter(slug=item.channel).first():
        channel.queue.record("inbound_kept", by=None, via="channel", item=item.pk)


def sweep_inbound(now: datetime) -> int:
    """Try what is stored and due; returns how many. A try is counted before it is made, so that one which kills its
    process is kept after the last as well."""
    due = InboundItem.objects.waiting(now).order_by("received_at", "pk").values_list("pk", "attempts")[:BATCH]
    return sum(_try(pk, attempts, now) for pk, attempts in list(due))


def _try(pk: int, attempts: int, now: datetime) -> int:
    if attempts >= MOST_TRIES:
        return _give_up(pk)
    claimed = _claim(InboundItem.objects.waiting(now).filter(pk=pk, attempts=attempts), now)
    if claimed:
        process(pk, now=now)
    return claimed


def take_over(item: InboundItem, *, now: datetime | None = None) -> Received | None:
    """The sender of a stored item repeats it, and whoever tried it, as `item` has it, has been silent for a while: a
    process that died must not keep the customer waiting for the sweep. What failed keeps its pauses."""
    now = now or timezone.now()
    if item.error or item.attempts >= TAKEN_OVER:
        return None
    silent = InboundItem.objects.filter(pk=item.pk, state=InboundItem.State.STORED, attempts=item.attempts, error="")
    return process(item.pk, now=now) if _claim(silent, now) else None


@transaction.atomic
def _claim(items: QuerySet[InboundItem], now: datetime) -> int:
    """Count a try before it is made. Who holds the row is at work on it this very moment: nobody waits for them."""
    pk = items.select_for_update(skip_locked=True).values_list("pk", flat=True).first()
    return InboundItem.objects.filter(pk=pk).update(attempts=F("attempts") + 1, next_try_at=now + LEASE) if pk else 0


@transaction.atomic
def _give_up(pk: int) -> int:
    stored = InboundItem.objects.filter(pk=pk, state=InboundItem.State.STORED)
    item = stored.select_for_update(skip_locked=True).first()
    if item is None:
        return 0
    item.error = item.error or "interrupted"
    _keep(item)
    return 1


# --- one message


@transaction.atomic
def receive(inbound: Inbound) -> Received:
    """Put a customer's words where they belong: the conversation's case, or a new one. Locks thread, then case."""
    said = Message.objects.select_related("case").filter(source=inbound.channel, external_id=inbound.external_id)
    if known := said.first():
        return Received("duplicate", known.case, known)
    thread = _locked_thread(inbound)
    customer = match(inbound.addresses, name=inbound.name, language=inbound.language, at=inbound.at)
    _vouch(customer, inbound)
    case, status = _case_for(thread, customer, inbound)
    message = add_inbound(
        case,
        text=inbound.text,
        sender=_sender(customer, inbound),
        sender_name=inbound.name,
        channel=inbound.channel,
        at=inbound.at,
        language=inbound.language,
        is_auto=inbound.is_auto,
        files=inbound.files,
        source=inbound.channel,
        external_id=inbound.external_id,
    )
    return Received(status, case, message)


def _locked_thread(inbound: Inbound) -> Thread:
    """Two messages of one new conversation at once: the second waits here and then finds the case of the first."""
    thread, _fresh = Thread.objects.get_or_create(channel=inbound.channel, external_id=inbound.thread)
    return Thread.objects.select_for_update().get(pk=thread.pk)


def _vouch(customer: Customer, inbound: Inbound) -> None:
    """Addresses the channel itself has verified."""
    for address in inbound.verified:
        customer.contact_points.filter(kind=address.kind, value=address.value, ended_at=None, verified_at=None).update(
            verified_at=inbound.at
        )


def _sender(customer: Customer, inbound: Inbound) -> ContactPoint | None:
    """Where this was written from: the first given address that is this customer's."""
    points = {(p.kind, p.value): p for p in customer.contact_points.filter(ended_at=None)}
    return next((points[a.kind, a.value] for a in inbound.addresses if (a.kind, a.value) in points), None)


def _case_for(thread: Thread, customer: Customer, inbound: Inbound) -> tuple[Case, str]:
    """This person's case in the conversation, or a new one: another person in it never joins or reads theirs."""
    last = thread.cases.filter(customer=customer).order_by("-opened_at", "-pk").first()
    last = _survivor(last) if last else None
    if last:
        last.lock()
        if last.status not in transitions.FINAL:
            return last, "appended"
    followed = last if last and _is_recent(last, inbound.at) else None
    case = open_case(
        queue=_queue(inbound),
        customer=customer,
        subject=inbound.subject,
        channel=inbound.channel,
        at=inbound.at,
        via="channel",
        priority=inbound.priority,
        language=inbound.language or customer.language,
        tags=inbound.tags,
        issue=followed.issue if followed else None,
    )
    thread.cases.add(case)
    if followed:
        CaseLink.objects.create(case=case, other=followed, kind="follows")
    return case, "created"


def _survivor(case: Case) -> Case:
    """The case a merged one lives on in."""
    seen = set()
    while case.merged_into is not None and case.pk not in seen:
        seen.add(case.pk)
        case = case.merged_into
    return case


def _is_recent(closed: Case, at: datetime) -> bool:
    ended = closed.closed_at or closed.resolved_at or closed.last_message_at
    return ended is not None and at - ended <= FOLLOWS_WITHIN


def _queue(inbound: Inbound) -> Queue:
    if inbound.queue is not None:
        return Queue.objects.get(pk=inbound.queue)
    return Channel.objects.select_related("queue").get(slug=inbound.channel).queue


@transaction.atomic
def open_case(
    *,
    queue: Queue,
    customer: Customer | None,
    subject: str,
    channel: str,
    at: datetime,
    via: str,
    by: User | None = None,
    priority: str = Case.Priority.NORMAL,
    language: str = "",
    source: str = "",
    external_id: str | None = None,
    tags: Sequence[str] = (),
    issue: Issue | None = None,
    custom: dict[str, Any] | None = None,
) -> Case:
    """Open a case; the customer waits for us from `at` on. A thing of its own, unless `issue` says what it belongs to."""
    if priority not in Case.Priority.values:
        raise Refusal(_("There is no such priority."))
    if issue is None and customer is not None:
        issue = Issue.objects.create(customer=customer, opened_at=at)
    case = Case.objects.create(
        queue=queue,
        customer=customer,
        issue=issue,
        subject=" ".join(subject.split())[:300],
        channel=channel,
        priority=priority,
        language=language[:12] or (customer.language if customer else "en"),
        tags=sorted(set(tags)),
        custom=custom or {},
        opened_at=at,
        waiting_since=at,
        source=source,
        external_id=external_id,
    )
    case.record("opened", by=by, at=at, via=via, queue=queue.pk, channel=channel, priority=priority)
    search.index_text(case, case.subject)
    return case
