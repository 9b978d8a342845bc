"""Doing what was accepted: claimed by lease, attempts counted before the work, told to plugins with a key that stays the
same, so that once is once even after a crash in the middle. What no plugin does is left to people, and shown."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from outreach.hooks import Acceptance, fulfilments
from outreach.models import Fulfilment

LEASE = timedelta(seconds=60)
MOST_TRIES = 6
BATCH = 20
State = Fulfilment.State


def fulfil_due(now: datetime) -> int:
    """Do what waits; how many were looked at."""
    claimed = _claim(now)
    for row in claimed:
        _do(row)
    return len(claimed)


@transaction.atomic
def _claim(now: datetime) -> list[Fulfilment]:
    waiting = Fulfilment.objects.filter(state=State.WAITING, due_at__lte=now).order_by("due_at")
    free = waiting.exclude(lease_until__gt=now).select_for_update(skip_locked=True, of=("self",))
    rows = list(free.select_related("response__presentation__candidate__offer_version__offer")[:BATCH])
    for row in rows:
        row.attempts, row.lease_until = row.attempts + 1, now + LEASE
        row.save(update_fields=["attempts", "lease_until"])
    return rows


def _do(row: Fulfilment) -> None:
    """Outside of any transaction: a plugin may take its time, and what it does elsewhere cannot be rolled back."""
    told = fulfilments.run(_acceptance(row))
    done = next((f.value for f in told if f.value), None)
    failed = next((f.failure for f in told if f.failure), "")
    now = timezone.now()
    if done is not None:
        _settle(row, State.DONE, now, reference=str(done)[:200])
    elif not failed:
        _settle(row, State.BY_HAND, now)
    elif row.attempts >= MOST_TRIES:
        _settle(row, State.PARKED, now, error=failed[:60])
    else:
        later = now + timedelta(seconds=2**row.attempts * 5)
        _mine(row).update(due_at=later, lease_until=None, error=failed[:60])


def _acceptance(row: Fulfilment) -> Acceptance:
    said, shown = row.response, row.response.presentation
    version = shown.candidate.offer_version
    return Acceptance(
        key=str(row.key),
        offer=version.offer.key,
        version=version.pk,
        terms=version.terms,
        customer=shown.customer_id,
        case=shown.case.number,
        by=said.by_id,
        at=said.at,
    )


def _mine(row: Fulfilment) -> QuerySet[Fulfilment]:
    """The row while nobody else has claimed it since."""
    return Fulfilment.objects.filter(pk=row.pk, state=State.WAITING, attempts=row.attempts)


@transaction.atomic
def _settle(row: Fulfilment, state: str, now: datetime, **told: str) -> None:
    """The case's own log says how it ended, and its screens with it. Quiet if another worker was first."""
    case = row.response.presentation.case
    case.lock()
    done_at = now if state == State.DONE else None
    if not _mine(row).update(state=state, done_at=done_at, lease_until=None, **told):
        return
    kind = "offer_fulfilled" if state == State.DONE else "offer_left_to_hand"
    case.record(kind, by=None, at=now, via="system", response=row.response_id, state=state)
