"""What we told customers we would do, and by when: made, kept, moved with notice, or broken. Never forgotten.

Call `make` and `keep` when the message is released, not when it is written: what is taken back was never promised.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import DateTimeField, DurationField, ExpressionWrapper, F, Q, QuerySet, Value
from django.db.models.functions import Least
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import transitions
from cases.attention import refresh
from cases.models import Case, Message, Promise, QueueMembership
from cases.models.case import Refusal
from crm import bulk
from crm.models import User
from customers.folding import clean

ALARM = timedelta(minutes=15)  # before due, somebody is told
BATCH = 100


@transaction.atomic
def make(
    case: Case,
    *,
    what: str,
    due_at: datetime,
    owner: User | None,
    made_by: Message | None,
    at: datetime,
    by: User | None = None,
    via: str = "person",
    **why: Any,
) -> Promise:
    """Promise `what` by `due_at`. Without an `owner` it is whoever has the case. One message makes one promise: again
    returns it. Raises Refusal when it says nothing or is due by `at`."""
    case.lock()
    if made_by is not None and (made := Promise.objects.filter(made_by=made_by).first()):
        return made
    by = by or (made_by.author if made_by else owner)
    return add(case, what=what, due_at=due_at, owner=owner, made_by=made_by, at=at, by=by, via=via, **why)


def add(
    case: Case,
    *,
    what: str,
    due_at: datetime,
    at: datetime,
    by: User | None,
    via: str,
    owner: User | None = None,
    made_by: Message | None = None,
    reason: str = "",
    **why: Any,
) -> Promise:
    """The same for who holds the case's lock and knows that it is new."""
    words = clean(what).strip()[:300]
    if not words:
        raise Refusal(_("Say what is promised."))
    if due_at <= at:
        raise Refusal(_("A promise is for a time that is still to come."))
    promise = Promise(case=case, what=words, due_at=due_at, owner=owner, made_by=made_by, made_at=at)
    bulk.add(promise)
    _tell("promise_made", promise, case, by, at, via, reason=reason, due=due_at.isoformat(), **why)
    return promise


@transaction.atomic
def keep(promise: Promise, *, message: Message | None, by: User | None, at: datetime, via: str = "person") -> bool:
    """It was done, by this message if there is one; True if that kept it. Quiet when it is already settled; after its
    time it is broken, whoever noticed first."""
    case = _locked(promise)
    if promise.state in {Promise.State.KEPT, Promise.State.MOVED}:
        return promise.state == Promise.State.KEPT
    if at > promise.due_at:
        if promise.state == Promise.State.OPEN:
            _break(promise, case, at)
        return False
    # Broken, yet done in time: history brought in after the sweep had looked.
    promise.state, promise.kept_by, promise.settled_at = Promise.State.KEPT, message, at
    promise.save(update_fields=["state", "kept_by", "settled_at"])
    _tell("promise_kept", promise, case, by, at, via)
    return True


def answered(case: Case, *, message: Message, by: User | None, at: datetime, via: str = "person") -> int:
    """An answer went out: it keeps every promise of the case made before it and not yet due; returns how many."""
    waiting = case.promises.filter(
        state__in=[Promise.State.OPEN, Promise.State.BROKEN], made_at__lte=at, due_at__gte=at
    )
    return sum(keep(promise, message=message, by=by, at=at, via=via) for promise in waiting.exclude(made_by=message))


@transaction.atomic
def move(
    promise: Promise,
    *,
    due_at: datetime,
    message: Message,
    by: User | None,
    at: datetime,
    via: str = "person",
    what: str = "",
) -> Promise:
    """Put it off to `due_at`, which `message` told the customer; returns the promise that takes its place, in the new
    words if there are any.

    The same message again returns the same promise. Raises Refusal without a message to the customer, when it is
    settled, when its time has passed (it is broken then, not moved), or when the new time has.
    """
    case = _locked(promise)
    if promise.moved_to is not None and promise.moved_to.made_by_id == message.pk:
        return promise.moved_to
    _must_be_told(case, message)
    _must_be_open(promise, at)
    if due_at <= at:
        raise Refusal(_("A promise is for a time that is still to come."))
    words = clean(what).strip()[:300] or promise.what
    later = Promise.objects.create(
        case=case, what=words, due_at=due_at, owner=promise.owner, made_by=message, made_at=at
    )
    promise.state, promise.moved_to, promise.settled_at = Promise.State.MOVED, later, at
    promise.save(update_fields=["state", "moved_to", "settled_at"])
    _tell("promise_moved", promise, case, by, at, via, to=later.pk, due=due_at.isoformat())
    return later


def movable(case: Case, pk: int, *, at: datetime) -> Promise:
    """The promise of this case that a reply written now may move; Refusal in words when it is settled or its time has
    passed."""
    promise = case.promises.filter(pk=pk).first()
    if promise is None:
        raise Refusal(_("There is no such promise in this case."))
    _must_be_open(promise, at)
    return promise


def released(case: Case, message: Message, *, owner: User | None, via: str) -> Promise:
    """What a released reply with a time promises: it moves the promise it was written to move, else it makes one.

    Between writing and release somebody may have moved that promise: the customer heard this time last, so it is the
    one that holds. When it was settled otherwise, the time stands as a promise of its own.
    """
    assert message.by_when is not None  # noqa: S101 - for the type checker; the caller looked
    what, by = message.next_step or _("an answer"), message.author
    # Made when it was written: "by when" was still to come then, however long the sending took.
    if moves := message.moves or _acknowledged(case, message):
        promise = _newest(moves)
        if promise.state == Promise.State.OPEN and message.at <= promise.due_at:
            return move(
                promise, due_at=message.by_when, message=message, by=by, at=message.at, via=via, what=message.next_step
            )
    return make(case, what=what, due_at=message.by_when, owner=owner, made_by=message, at=message.at, via=via)


def _acknowledged(case: Case, message: Message) -> Promise | None:
    """The time an acknowledgement named, which a reply that is no answer yet and names its own takes the place of: the
    customer has been told. An answer keeps it instead."""
    return None if message.is_answer else next(iter(acknowledged(case)), None)


def acknowledged(case: Case) -> list[Promise]:
    """The open promises that acknowledgements of this case made, as they stand after being moved; the earliest first."""
    made = case.promises.filter(acknowledgements__isnull=False).select_related("moved_to").distinct()
    newest = {promise.pk: promise for promise in map(_newest, made) if promise.state == Promise.State.OPEN}
    return sorted(newest.values(), key=lambda promise: promise.due_at)


def _newest(promise: Promise) -> Promise:
    """Where it was moved to, in the end."""
    while promise.moved_to is not None:
        promise = promise.moved_to
    return promise


def _must_be_open(promise: Promise, at: datetime) -> None:
    if promise.state == Promise.State.BROKEN or (promise.state == Promise.State.OPEN and at > promise.due_at):
        raise Refusal(_("Its time has passed: it is broken and can no longer be moved. Make a new promise."))
    if promise.state != Promise.State.OPEN:
        raise Refusal(_("This promise is already %(state)s.") % {"state": promise.get_state_display()})


def _must_be_told(case: Case, message: Message | None) -> None:
    told = message is not None and message.case_id == case.pk and message.direction == Message.Direction.OUTBOUND
    if not told or message is None or message.taken_back_at is not None:
        raise Refusal(_("Tell the customer first: a promise moves only with a message to them."))
    if Promise.objects.filter(made_by=message).exists():
        raise Refusal(_("This message already gives another promise its time: tell the customer this one too."))


# --- the sweeps: each promise once, however many look and whoever dies


def sweep(now: datetime) -> int:
    """Break what is overdue and warn of what soon will be; returns how many."""
    return break_due(now) + warn_due(now) + raise_due(now)


def break_due(now: datetime) -> int:
    """Open promises whose time has passed are broken: one event each."""
    return _settle(_open(now).filter(due_at__lt=now), now, _break)


def warn_due(now: datetime) -> int:
    """Open promises that are soon due: one `promise_due_soon` each, to whose it is; where it is nobody's, to the leads."""
    return _settle(_soon(now, _EARLY).filter(alarmed_at=None), now, _warn)


def raise_due(now: datetime) -> int:
    """Half of the alarm's time has passed and they are still open: one `promise_raised` each, to the leads."""
    return _settle(_soon(now, _EARLY / 2).filter(alarmed_at__isnull=False, raised_at=None), now, _raise)


# How long before its time somebody is told: a quarter of what was promised, at most ALARM.
_EARLY = Least(
    Value(ALARM), ExpressionWrapper((F("due_at") - F("made_at")) / 4, DurationField()), output_field=DurationField()
)


def _soon(now: datetime, early: Any) -> QuerySet[Promise]:
    soon = _open(now).filter(due_at__gte=now, due_at__lte=now + ALARM)
    return soon.annotate(told_at=ExpressionWrapper(F("due_at") - early, DateTimeField())).filter(told_at__lte=now)


def _open(now: datetime) -> QuerySet[Promise]:
    """Those that count. What spam was promised is nobody's loss."""
    return Promise.objects.filter(state=Promise.State.OPEN, made_at__lte=now).exclude(case__status=transitions.SPAM)


@transaction.atomic
def _settle(due: QuerySet[Promise], now: datetime, step: Callable[[Promise, Case, datetime], None]) -> int:
    """Case first, then promise: the order in which verbs lock. A case somebody works on right now is left to the next
    turn; what changed while we waited is read afresh under the lock."""
    found = list(due.order_by("due_at").values_list("pk", "case_id")[:BATCH])
    free = Case.objects.filter(pk__in={case for _pk, case in found})
    cases = {c.pk: c for c in free.select_for_update(skip_locked=True, no_key=True, of=("self",))}
    ready = list(due.filter(pk__in=[pk for pk, case in found if case in cases]).order_by("due_at"))
    for promise in ready:
        step(promise, cases[promise.case_id], now)
    return len(ready)


def _break(promise: Promise, case: Case, _now: datetime) -> None:
    promise.state, promise.settled_at = Promise.State.BROKEN, promise.due_at
    promise.save(update_fields=["state", "settled_at"])
    _tell("promise_broken", promise, case, None, promise.due_at, "clock")


def _warn(promise: Promise, case: Case, now: datetime) -> None:
    promise.alarmed_at = now
    told: dict[str, Any] = {"due": promise.due_at.isoformat()}
    if promise.owner_id is None and case.assignee_id is None:
        promise.raised_at, told["leads"] = now, leads_of(case.queue_id)
    promise.save(update_fields=["alarmed_at", "raised_at"])
    _tell("promise_due_soon", promise, case, None, now, "clock", **told)


def _raise(promise: Promise, case: Case, now: datetime) -> None:
    promise.raised_at = now
    promise.save(update_fields=["raised_at"])
    _tell("promise_raised", promise, case, None, now, "clock", leads=leads_of(case.queue_id))


def leads_of(queue: int) -> list[int]:
    """Who looks after a queue's promises when whose they are does not: its leads, else its supervisors."""
    roles = QueueMembership.Role
    found = QueueMembership.objects.filter(queue=queue, role__in=[roles.LEAD, roles.SUPERVISOR], user__is_active=True)
    people = list(found.order_by("user").values_list("user", "role"))
    leads = [user for user, role in people if role == roles.LEAD]
    return leads or [user for user, _role in people]


# --- reads


def owned_by(user: User) -> Q:
    """Promises that are this person's: given to them, or to nobody on a case they have."""
    return Q(owner=user) | Q(owner=None, case__assignee=user)


def in_order(promises: QuerySet[Promise]) -> QuerySet[Promise]:
    """Open ones first, by when; then the settled, newest first."""
    return promises.order_by(F("settled_at").desc(nulls_first=True), "due_at", "pk")


def _locked(promise: Promise) -> Case:
    case = promise.case
    case.lock()
    promise.refresh_from_db()
    promise.case = case
    return case


def _tell(kind: str, promise: Promise, case: Case, by: User | None, at: datetime, via: str, **data: Any) -> None:
    refresh(case)
    case.record(kind, by=by, at=at, via=via, promise=promise.pk, owner=promise.owner_id, **data)


def is_overdue(promise: Promise, at: datetime | None = None) -> bool:
    """Past its time, whether or not the sweep has looked."""
    return promise.state == Promise.State.BROKEN or (
        promise.state == Promise.State.OPEN and promise.due_at < (at or timezone.now())
    )
