"""Giving what was granted: claimed by lease, attempts counted before the work, told to plugins with a key that stays the
same, so that once is once even after a crash in the middle. What no plugin takes is left to people, and shown."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.hooks import Payout, remedy_handlers
from cases.models import Remedy
from cases.models.refusals import Refusal
from cases.remedies.granting import about, taken
from crm.database.deadlocks import transacted
from crm.models import User
from customers.folding import clean

LEASE = timedelta(seconds=60)
MOST_TRIES = 6
BATCH = 20
State = Remedy.State


def pay_due(now: datetime) -> int:
    """Give what is approved; how many were looked at."""
    claimed = _claim(now)
    for remedy in claimed:
        _pay(remedy)
    return len(claimed)


@transaction.atomic
def _claim(now: datetime) -> list[Remedy]:
    free = Remedy.objects.due(now).exclude(lease_until__gt=now).order_by("due_at")
    rows = list(free.select_for_update(skip_locked=True, of=("self",)).select_related("case", "policy")[:BATCH])
    for row in rows:
        row.attempts, row.lease_until = row.attempts + 1, now + LEASE
        row.save(update_fields=["attempts", "lease_until"])
    return rows


def _pay(row: Remedy) -> None:
    """Outside of any transaction: a plugin may take its time, and what it gave elsewhere cannot be rolled back. One that
    raised may have given it all the same: nobody else is asked then, but the same again, with the same key."""
    told, now = remedy_handlers.first(_payout(row)), timezone.now()
    if told is None:
        _settle(row, State.BY_HAND, now)
    elif not told.failure:
        _settle(row, State.PAID, now, reference=clean(str(told.value))[:200], paid_at=now)
    elif row.attempts >= MOST_TRIES:
        _settle(row, State.FAILED, now, error=told.failure[:60])
    else:
        later = now + timedelta(seconds=2**row.attempts * 5)
        _mine(row).update(due_at=later, lease_until=None, error=told.failure[:60])


def _payout(row: Remedy) -> Payout:
    return Payout(
        key=str(row.key),
        kind=row.kind,
        amount=row.granted,
        currency=row.currency,
        customer=row.customer_id,
        case=row.case.number,
        policy=row.policy.name,
    )


def _mine(row: Remedy) -> QuerySet[Remedy]:
    """The row while nobody else has claimed it since."""
    return Remedy.objects.filter(pk=row.pk, state=State.APPROVED, attempts=row.attempts)


@transaction.atomic
def _settle(row: Remedy, state: str, now: datetime, **told: Any) -> None:
    """The case's own log says how it ended. Quiet if another worker was first."""
    case = row.case
    case.lock()
    if not _mine(row).update(state=state, lease_until=None, **told):
        return
    told_of = about(row)
    if state == State.PAID:
        case.record("remedy_paid", by=None, at=now, via="system", **told_of)
    else:
        case.record("remedy_left_to_hand", by=None, at=now, via="system", state=state, **told_of)


def note_given(remedy: Remedy, *, by: User, reference: str, at: datetime | None = None, via: str = "person") -> Remedy:
    """A person gave it, and says under which reference. Quiet if it is given already."""
    return transacted(lambda: _note_given(remedy, by, reference, at or timezone.now(), via))


def _note_given(remedy: Remedy, by: User, reference: str, at: datetime, via: str) -> Remedy:
    case, remedy = taken(remedy)
    if remedy.state == State.PAID:
        return remedy
    if remedy.state not in {State.BY_HAND, State.FAILED}:
        raise Refusal(_("It is not to be given by hand: it is %(state)s.") % {"state": remedy.get_state_display()})
    if not reference.strip():
        raise Refusal(_("Say where it can be found: the number of the credit note, or of the order."))
    remedy.state, remedy.paid_at, remedy.reference = State.PAID, at, clean(reference).strip()[:200]
    remedy.save(update_fields=["state", "paid_at", "reference"])
    case.record("remedy_paid", by=by, at=at, via=via, **about(remedy))
    return remedy
