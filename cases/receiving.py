"""One message of a customer is put where it belongs: their customer record, the conversation's case or a new one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Q
from django.utils.translation import gettext as _

from cases import asked_fields, search, transitions
from cases.channels.document import Inbound
from cases.conversation import add_inbound
from cases.hooks import File
from cases.models import Case, CaseLink, Channel, Dispatch, Issue, Message, Queue, Tag, Thread
from cases.models.case import Refusal
from cases.models.merge import survivor
from crm import bulk
from crm.database.prepared import Prepared
from crm.models import User
from customers.matching import match
from customers.models import ContactPoint, Customer

FOLLOWS_WITHIN = timedelta(days=30)  # a word on a closed case opens one that follows it


@dataclass(frozen=True)
class Received:
    """What became of it: created (a new case), appended (to one there was) or duplicate (nothing changed)."""

    status: str
    case: Case
    message: Message


@dataclass(frozen=True)
class Ignored:
    """It becomes no message, for a reason in an enumerated word; what arrived stays as it came. `about`: the mail of ours
    that a machine tells of, where that is in no case."""

    reason: str
    about: Dispatch | None = None


@dataclass(frozen=True)
class Aside:
    """It is in a conversation beside this case, and no message of the customer's."""

    case: Case


@dataclass(frozen=True)
class Arrival:
    """What an item says, once it was read outside of any transaction: its files, and how it is put, inside one, where
    it belongs."""

    files: tuple[File, ...]
    receive: Callable[[], Received | Aside | Ignored]


class NoQueue(Exception):
    """There is no queue yet in which a case could be opened."""


@transaction.atomic(savepoint=False)
def receive(inbound: Inbound) -> Received:
    """Put a customer's words where they belong: the conversation's case, or a new one. Locks thread, then case."""
    if known := _SAID.first(inbound.channel, inbound.external_id):
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
        is_locked=True,
    )
    if inbound.fields:
        asked_fields.fill(case, inbound.fields, at=inbound.at, via="channel")
    return Received(status, case, message)


def _locked_thread(inbound: Inbound) -> Thread:
    """Two messages of one new conversation at once: the second waits here and then finds the case of the first."""
    named = inbound.channel, inbound.thread
    if thread := _THREAD.first(*named):
        return thread
    fresh = Thread(channel=inbound.channel, external_id=inbound.thread)
    if bulk.add_once(fresh):
        return fresh  # nobody else sees it before we are done
    (thread,) = _THREAD(*named)
    return thread


_SAID = Prepared(
    lambda channel, key: Message.objects.filter(source=channel, external_id=key).select_related("case"), str, str
)
_THREAD = Prepared(
    lambda channel, key: Thread.objects.filter(channel=channel, external_id=key).select_for_update(), str, str
)


def _vouch(customer: Customer, inbound: Inbound) -> None:
    """Addresses the channel itself has verified."""
    for address in inbound.verified:
        customer.contact_points.filter(kind=address.kind, value=address.value, ended_at=None, verified_at=None).update(
            verified_at=inbound.at
        )


def _sender(customer: Customer, inbound: Inbound) -> ContactPoint | None:
    """Where this was written from: the first given address that is this customer's."""
    points = {(p.kind, p.value): p for p in _POINTS(customer.pk)}
    return next((points[a.kind, a.value] for a in inbound.addresses if (a.kind, a.value) in points), None)


_POINTS = Prepared(lambda customer: ContactPoint.objects.filter(customer=customer, ended_at=None), int)


def _case_for(thread: Thread, customer: Customer, inbound: Inbound) -> tuple[Case, str]:
    """This person's case in the conversation, or a new one: another person in it never joins or reads theirs."""
    last = _LAST.first(thread.pk, customer.pk)
    last = survivor(last) if last else None
    if last:
        last.lock()
        if last.status not in transitions.FINAL:
            return last, "appended"
    followed = last if last and is_recent(last, inbound.at) else None
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
        word_follows=True,
    )
    bulk.add(Thread.cases.through(thread=thread, case=case))
    if followed:
        CaseLink.objects.create(case=case, other=followed, kind="follows")
    return case, "created"


_LAST = Prepared(
    lambda thread, customer: (
        Case.objects.filter(threads=thread, customer=customer)
        .select_related("merged_into")
        .order_by("-opened_at", "-pk")[:1]
    ),
    int,
    int,
)


def is_recent(closed: Case, at: datetime) -> bool:
    ended = closed.closed_at or closed.resolved_at or closed.last_message_at
    return ended is not None and at - ended <= FOLLOWS_WITHIN


def queue_for(pk: int | None) -> Queue:
    """The queue of that key with its calendar; without one, where contacts go that nobody has a queue for."""
    return (_QUEUE.first(pk) if pk else None) or default_queue()


_QUEUE = Prepared(lambda pk: Queue.objects.filter(pk=pk).select_related("calendar__current"), int)


def default_queue() -> Queue:
    """Where contacts go that nobody has a queue for: Inbox, else the first one offered in public, else the first."""
    active = _ACTIVE()
    if not active:
        raise NoQueue
    return min(active, key=lambda queue: (queue.name != "Inbox", not queue.is_public, queue.pk))


def of_steered(user: User) -> Q:
    """Inbound items of the queues this person steers; a mail no queue is known of is of the one such contacts go to."""
    steered = Queue.objects.steered_by(user).order_by()
    theirs = Q(queue__in=steered) | Q(channel__in=Channel.objects.filter(queue__in=steered).values("slug"))
    try:
        default = default_queue().pk
    except NoQueue:
        return theirs
    return theirs | Q(queue=None, channel="mail") & Q(Exists(steered.filter(pk=default)))


_ACTIVE = Prepared(lambda: Queue.objects.filter(is_active=True).select_related("calendar__current"))


def _queue(inbound: Inbound) -> Queue:
    if inbound.queue is not None:
        return Queue.objects.select_related("calendar__current").get(pk=inbound.queue)
    (channel,) = _CHANNEL(inbound.channel)
    return channel.queue


_CHANNEL = Prepared(lambda slug: Channel.objects.filter(slug=slug).select_related("queue__calendar__current"), str)


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
    word_follows: bool = False,
) -> Case:
    """Open a case; the customer waits for us from `at` on. A thing of its own, unless `issue` says what it belongs to.
    `word_follows`: in the caller's transaction, which ends with any error; with that word the case is indexed."""
    if priority not in Case.Priority.values:
        raise Refusal(_("There is no such priority."))
    case = Case(
        queue=queue,
        customer=customer,
        issue=issue,
        subject=" ".join(subject.split())[:300],
        channel=channel,
        priority=priority,
        language=language[:12] or (customer.language if customer else "en"),
        tags=Tag.objects.known(tags),
        custom=custom or {},
        opened_at=at,
        waiting_since=at,
        source=source,
        external_id=external_id,
    )
    with transaction.atomic(savepoint=not word_follows):
        if issue is None and customer is not None:
            case.issue = Issue(customer=customer, opened_at=at)
            bulk.add(case.issue)
            case.issue_id = case.issue.pk
        bulk.add(case)
        case.record("opened", by=by, at=at, via=via, queue=queue.pk, channel=channel, priority=priority)
        if not word_follows:
            search.index_text(case, case.subject, is_first=True)
    return case
