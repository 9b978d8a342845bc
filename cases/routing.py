"""Who gets which case (docs/routing.md): taken by hand, given out by the house, or back from an owner who is away."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import Enum

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from cases import desks
from cases.desks import Rule
from cases.matching import Desk, Waiting, choose
from cases.models import Case, Presence, Queue, QueueSession, Return
from cases.models.case import Refusal
from cases.models.presence import State
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


# --- given out by the house


class Outcome(Enum):
    GIVEN, NOT_THEM, NOT_IT = range(3)


def route(now: datetime) -> int:
    """Give what waits to who has room, the longest wait first; how many were given.

    Any number of these may run at once. Each gift is a transaction of its own: the person's row is locked before the case's,
    and what they have in hand is read again under it, so that nobody is given more than they may have. A row somebody else
    holds is passed over: who holds a person is giving them something, who holds a case is doing something with it. A crash
    leaves the case where it was, and the next turn finds it.
    """
    rules = desks.rules()
    if not desks.something_waits(rules, now):
        return 0
    people = _with_room(desks.present(rules, now))
    waiting = desks.waiting(rules, now)
    given = 0
    while people and given < BATCH and (first := next(waiting, None)):
        given += _find_hands(first, people, rules, now)
        people = _with_room(people)
    return given


def _with_room(people: list[Desk]) -> list[Desk]:
    return [desk for desk in people if desk.has_any_room()]


def _find_hands(waiting: Waiting, people: list[Desk], rules: Mapping[int, Rule], now: datetime) -> bool:
    """Offer it to one after the other until it is somebody's; who cannot be given anything now is struck off the list."""
    method = rules[waiting.queue].method
    while desk := choose(waiting, people, method):
        outcome = _give(waiting, desk.user, rules, now)
        if outcome is Outcome.GIVEN:
            desk.take(waiting, now)
            return True
        if outcome is Outcome.NOT_IT:
            return False
        people.remove(desk)
    return False


@transaction.atomic
def _give(waiting: Waiting, user: int, rules: Mapping[int, Rule], now: datetime) -> Outcome:
    held = Presence.objects.connected().filter(user=user, state=State.ONLINE).select_related("user")
    presence = held.select_for_update(of=("self",), skip_locked=True, no_key=True).first()
    desk = next(iter(desks.present(rules, now, only=user)), None) if presence else None
    if presence is None or desk is None or not desk.suits(waiting):
        return Outcome.NOT_THEM
    free = Case.objects.unassigned().pressing(now).filter(pk=waiting.case, queue=waiting.queue)
    case = free.select_for_update(of=("self",), skip_locked=True, no_key=True).first()
    if case is None:
        return Outcome.NOT_IT
    try:
        with transaction.atomic():
            case.assign(presence.user, by=None, at=now, via="routing", **_why(waiting, desk, rules))
    except Refusal:
        return Outcome.NOT_THEM
    presence.routed_at = now
    presence.save(update_fields=["routed_at"])
    return Outcome.GIVEN


def _why(waiting: Waiting, desk: Desk, rules: Mapping[int, Rule]) -> dict[str, object]:
    """The reason in an enumerated word and numbers; their load with this case."""
    return {
        "reason": rules[waiting.queue].method,
        "load": desk.load + 1,
        "capacity": desk.limits[waiting.queue],
        "skills": sorted(waiting.needs),
        "relaxed": waiting.is_relaxed,
    }


def overlooked(now: datetime) -> Waiting | None:
    """The first case that waits though somebody who can do it is free: it is about to be given out, or nobody does."""
    rules = desks.rules()
    if not desks.something_waits(rules, now):
        return None
    people = _with_room(desks.present(rules, now))
    if not people:
        return None
    fits = (each for each in desks.waiting(rules, now) if choose(each, people, rules[each.queue].method))
    return next(fits, None)


# --- back from an owner who is away


def send_back(now: datetime) -> int:
    """Cases that came back to an owner who has not been there since go to their queue; how many. Those whose owner is
    there, or that no longer press, are theirs."""
    here = Presence.objects.here().values("user")
    reached = Q(case__assignee__in=here) | Q(case__assignee=None)
    Return.objects.filter(reached | ~Q(case__in=Case.objects.pressing(now))).delete()
    patience = F("case__queue__return_minutes") * timedelta(minutes=1)
    due = Return.objects.filter(since__lte=now - patience).order_by("since", "pk")
    return sum(_send_back(each, now) for each in list(due.values_list("pk", flat=True)[:BATCH]))


@transaction.atomic
def _send_back(pk: int, now: datetime) -> bool:
    locked = (
        Return.objects.select_for_update(skip_locked=True, of=("self",)).select_related("case").filter(pk=pk).first()
    )
    case = Case.objects.filter(pk=pk).select_for_update(skip_locked=True, of=("self",), no_key=True).first()
    if locked is None or case is None:
        return False
    locked.delete()
    if case.assignee_id is None or Presence.objects.here().filter(user=case.assignee_id).exists():
        return False
    case.release(by=None, at=now, via="routing", reason="owner_away")
    return True
