"""Who decides about what waits for approval, and by when."""

from datetime import datetime, timedelta

from cases import pacing
from cases.business_hours import NeverOpen
from cases.models import Case, QueueMembership

DECIDING = (QueueMembership.Role.LEAD, QueueMembership.Role.SUPERVISOR)  # in a queue, whoever is asked first in front


def deciders(case: Case, *, but: int = 0) -> list[int]:
    """Who may decide in this case's queue."""
    rows = QueueMembership.objects.filter(queue=case.queue_id, role__in=DECIDING, user__is_active=True)
    return sorted(rows.exclude(user=but).values_list("user", flat=True))


def answer_by(case: Case, at: datetime) -> datetime:
    """By when somebody should have decided: so many minutes of the queue's hours as it says; where it never opens, by the
    clock."""
    within = timedelta(minutes=case.queue.approval_minutes)
    try:
        return pacing.hours_of(case.queue).add(at, within.total_seconds())
    except NeverOpen:
        return at + within
