"""Who gets which case."""

from datetime import datetime

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from cases.models import Case, Queue, QueueSession
from crm.models import User

BATCH = 100


@transaction.atomic
def claim_next(queue: Queue, user: User, *, at: datetime | None = None) -> Case | None:
    """Give `user` the case of `queue` that has waited longest, or None when nobody waits.

    Rows somebody else is taking at this moment are skipped, so that any number of people may ask at once and each gets
    another case. The same call serves reps and executives.
    """
    now = at or timezone.now()
    case = (
        Case.objects.unassigned()
        .filter(Q(snoozed_until=None) | Q(snoozed_until__lte=now), queue=queue)
        .select_for_update(of=("self",), skip_locked=True, no_key=True)
        .order_by(F("waiting_since").asc(nulls_last=True), "id")
        .first()
    )
    if case is None:
        return None
    case.claim(by=user, at=now)
    remember(queue, user, case, taken=True)
    return case


def remember(queue: Queue, user: User, case: Case, *, taken: bool = False) -> None:
    """Note in an executive's open session which case they met."""
    session = QueueSession.objects.select_for_update().filter(queue=queue, user=user, ended_at=None).first()
    if session is None:
        return
    if case.number not in session.cases_met:
        session.cases_met = [*session.cases_met, case.number]
    session.cases_taken += taken
    session.save(update_fields=["cases_met", "cases_taken"])


def wake_due(now: datetime) -> int:
    """Sleep that is over ends: one `woken` each, dated when it ended, so that open screens show the case again. A case
    somebody works on right now is left to the next turn."""
    with transaction.atomic():
        over = Case.objects.filter(snoozed_until__lte=now).order_by("snoozed_until")
        cases = list(over.select_for_update(of=("self",), skip_locked=True, no_key=True)[:BATCH])
        for case in cases:
            case.wake(by=None, at=case.snoozed_until, via="clock", reason="time")
    return len(cases)
