"""What roles a person holds in queues: by membership, or by the session of an executive."""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from cases.models import QueueMembership, QueueSession
from cases.models.queue import SESSION_TTL
from crm import roles
from crm.database.prepared import PreparedRows
from crm.models import User

_OF_MODE = {"watch": roles.WATCHING, "work": roles.WORKING}


@roles.queue_roles.register
def held(user: User, queue: int | None) -> set[str]:
    return _sessions(user, queue) if user.is_executive else _memberships(user, queue)


def _memberships(user: User, queue: int | None) -> set[str]:
    named = {role for at, role in _places(user) if queue is None or at == queue}
    # A queue marked theirs makes a supervisor of a supervisor only: staff listed so lead it.
    return named if user.is_supervisor else {roles.LEAD if r == roles.SUPERVISOR else r for r in named}


def _places(user: User) -> Iterable[tuple[Any, ...]]:
    """Queue and role of each membership: as the request found them (cases.signing_in), or as they are now."""
    known = getattr(user, "places", None)
    if known is not None:
        return [(place["queue"], place["role"]) for place in known]
    return _PLACES(user.pk)


_PLACES = PreparedRows(lambda user: QueueMembership.objects.filter(user=user).values_list("queue_id", "role"), int)


def _sessions(user: User, queue: int | None) -> set[str]:
    rows = QueueSession.objects.filter(user=user, ended_at=None, seen_at__gte=timezone.now() - SESSION_TTL)
    rows = rows.filter(queue__is_active=True) if queue is None else rows.filter(queue=queue, queue__is_active=True)
    return {_OF_MODE[mode] for mode in rows.values_list("mode", flat=True) if mode in _OF_MODE}
