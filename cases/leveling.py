"""Levelling the load of a queue: who has more than the others gives what they have not begun to those with room. What is
shown before is exactly what is done, and the same moves backwards undo it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from cases import desks
from cases.matching import LEAST_LOADED, Desk, Waiting, choose
from cases.models import Case, Draft, Message, Presence, Queue, QueueMembership
from cases.models.presence import State
from cases.models.refusals import Refusal
from crm.models import User

MOST = 50  # moves at once


@dataclass(frozen=True)
class Move:
    """A case goes from one person to another; nobody is the queue itself. People and nobody by key."""

    number: int
    was: int | None
    to: int | None

    @property
    def back(self) -> "Move":
        return Move(self.number, self.to, self.was)

    def __str__(self) -> str:
        return f"{self.number}:{self.was or ''}:{self.to or ''}"


@dataclass(frozen=True)
class Plan:
    """The moves, and how much each person has in hand before and after."""

    moves: tuple[Move, ...]
    before: dict[int, int]
    after: dict[int, int]


def plan(queue: Queue, now: datetime, *, of: User | None = None) -> Plan:
    """What would be moved so that nobody who is online has two more than somebody else with room: the most urgent first,
    and nothing its owner has answered or is writing in. `of` somebody: all that presses of theirs here, for who goes home;
    what nobody has room for goes back to the queue."""
    people = _people(queue)
    at = desks.of_places([queue], {user: {queue.pk} for user in people}, now)
    online = set(_online(people))
    before = {user: desk.load for user, desk in at.items()}
    receivers = [desk for user, desk in at.items() if user in online and (of is None or user != of.pk)]
    moves: list[Move] = []
    for case, waiting in _movable(queue, now, [of.pk] if of else list(at), everything=of is not None):
        if len(moves) < MOST and (move := _moved(case, waiting, at, receivers, now, whatever=of is not None)):
            moves.append(move)
    return Plan(tuple(moves), before, {user: desk.load for user, desk in at.items()})


def _people(queue: Queue) -> list[int]:
    members = QueueMembership.objects.filter(queue=queue, role__in=desks.HANDS, user__is_active=True)
    return sorted(members.exclude(user__role=User.Role.EXECUTIVE).values_list("user_id", flat=True))


def _online(people: Collection[int]) -> Iterable[int]:
    return Presence.objects.connected().filter(user__in=people, state=State.ONLINE).values_list("user_id", flat=True)


def _movable(queue: Queue, now: datetime, owners: Collection[int], *, everything: bool) -> list[tuple[Case, Waiting]]:
    cases = Case.objects.pressing(now).filter(queue=queue, assignee__in=owners)
    if not everything:
        cases = cases.exclude(Exists(Draft.objects.filter(case=OuterRef("pk"), author=OuterRef("assignee"))))
        cases = cases.exclude(Exists(Message.objects.filter(case=OuterRef("pk"), author=OuterRef("assignee"))))
    found = list(cases.in_order()[: MOST * 10])
    return list(zip(found, desks.as_waiting(found, queue, now), strict=True))


def _moved(
    case: Case, waiting: Waiting, at: dict[int, Desk], receivers: list[Desk], now: datetime, *, whatever: bool
) -> Move | None:
    """Where this case would go, with the desks as they are then."""
    giver = at[case.assignee_id or 0]
    lighter = [desk for desk in receivers if desk is not giver and (whatever or desk.load + 1 < giver.load)]
    taker = choose(waiting, lighter, LEAST_LOADED)
    if taker is None and not whatever:
        return None
    giver.in_hand[case.channel] -= 1
    if taker:
        taker.take(waiting, now)
    return Move(case.number, giver.user, taker.user if taker else None)


def parse(words: Sequence[str]) -> list[Move]:
    """Moves as they were shown: `number:was:to`, a person left out is nobody."""
    found = []
    for word in words[: MOST + 1]:
        parts = word.split(":")
        if len(parts) != 3 or not all(part == "" or (part.isdecimal() and len(part) < 19) for part in parts):
            raise Refusal(_("These moves cannot be read. Look at them again."))
        number, was, to = (int(part) if part else None for part in parts)
        found.append(Move(number or 0, was, to))
    if len(found) > MOST:
        raise Refusal(_("Move at most %(n)s cases at once.") % {"n": MOST})
    return found


def carry_out(queue: Queue, moves: Sequence[Move], *, by: User, via: str = "person") -> list[Move]:
    """Do these moves, each by itself; those that were done. A case that is no longer as it was shown stays where it is."""
    done = []
    for move in sorted(moves, key=lambda move: move.number):
        case = Case.objects.filter(queue=queue, number=move.number).first()
        if case and _do(case, move, by, via):
            done.append(move)
    return done


@transaction.atomic
def _do(case: Case, move: Move, by: User, via: str) -> bool:
    was_in = case.queue_id
    case.lock()
    if case.queue_id != was_in or case.assignee_id != move.was or move.was == move.to or not case.is_active:
        return False
    to = User.objects.filter(pk=move.to, is_active=True).first() if move.to else None
    try:
        with transaction.atomic():
            if to:
                case.assign(to, by=by, via=via, reason="leveled")
            elif move.to is None:
                case.release(by=by, via=via, reason="leveled")
    except Refusal:
        return False
    return to is not None or move.to is None
