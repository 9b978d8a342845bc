"""The live board of those who lead: each queue's figures, people and burning problems, put together at most once a second in
a process, however many look (docs/board.md)."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from cases import desks, figures
from cases.hooks import Burning, burning
from cases.matching import Desk
from cases.models import Presence, Queue, QueueMembership, QueueSession
from cases.models.case import Case, CaseQuerySet
from cases.models.queue import SESSION_TTL
from crm.models import User
from crm.roles import may

FRESH = timedelta(seconds=1)
MOST_KEPT = 1000  # queues


@dataclass(frozen=True)
class Person:
    """Somebody who works at a queue: how they are there, and what they have in hand in whatever queues."""

    user: User
    role: str
    presence: Presence
    desk: Desk
    limit: int | None  # at which this queue gives them no more; None: it gives out nothing

    @property
    def load(self) -> int:
        return self.desk.load

    @property
    def is_full(self) -> bool:
        return self.limit is not None and self.load >= self.limit

    @property
    def is_here(self) -> bool:
        return str(self.presence.shown) in {"online", "busy"}


@dataclass(frozen=True)
class Stand:
    """One queue as the board shows it at one moment."""

    queue: Queue
    figures: figures.Figures
    people: tuple[Person, ...]
    guests: tuple[QueueSession, ...]  # executives who sit here
    burning: tuple[tuple[Burning, int], ...]  # with how many cases at work here
    at: datetime

    @property
    def targets(self) -> int:
        """Cases with a target that was met or missed today."""
        return self.figures.counts["met"] + self.figures.counts["missed"]

    @property
    def level(self) -> int | None:
        """Per cent of them that met all of theirs, never rounded up; None where nothing was due yet, which is no success."""
        return self.figures.counts["met"] * 100 // self.targets if self.targets else None

    @property
    def fires(self) -> list[dict[str, object]]:
        """What burns, with how many cases here."""
        return [{"fire": fire, "cases": count} for fire, count in self.burning]

    @property
    def here(self) -> int:
        return sum(person.is_here for person in self.people)


@dataclass
class _Kept:
    """What this process put together last."""

    lock: Lock = field(default_factory=Lock)
    stands: dict[int, Stand] = field(default_factory=dict)


_kept = _Kept()


def led_by(user: User) -> list[Queue]:
    """The queues this person may look after on the board."""
    queues = Queue.objects.visible_to(user).filter(is_active=True).select_related("calendar__current")
    return [queue for queue in queues if may(user, "board.see", queue.pk)]


def stands(queues: Sequence[Queue], now: datetime) -> list[Stand]:
    """How each of these queues stands, at most a second ago. While one asks the others wait, and then read what it found."""
    with _kept.lock:
        old = [q for q in queues if not _is_fresh(_kept.stands.get(q.pk), now)]
        if old:
            if len(_kept.stands) > MOST_KEPT:
                _kept.stands.clear()
            _kept.stands |= {stand.queue.pk: stand for stand in _read(old, now)}
        return [_kept.stands[queue.pk] for queue in queues]


def forget() -> None:
    """Put together anew whatever is asked next."""
    with _kept.lock:
        _kept.stands.clear()


def _is_fresh(stand: Stand | None, now: datetime) -> bool:
    return stand is not None and abs(now - stand.at) < FRESH


def _read(queues: list[Queue], now: datetime) -> list[Stand]:
    found = figures.of(queues, now)
    people, guests = _people(queues, now), _guests(queues, now)
    fires = [fire for told in burning.collect([queue.pk for queue in queues]) for fire in told]
    return [
        Stand(
            queue,
            found[queue.pk],
            tuple(people[queue.pk]),
            tuple(guests[queue.pk]),
            tuple((fire, fire.counts[queue.pk]) for fire in fires if fire.counts.get(queue.pk)),
            now,
        )
        for queue in queues
    ]


def _people(queues: Collection[Queue], now: datetime) -> Mapping[int, list[Person]]:
    """Who is here first, and among them who has room."""
    named = {queue.pk: queue for queue in queues}
    rows = QueueMembership.objects.filter(queue__in=named, role__in=desks.HANDS, user__is_active=True)
    rows = rows.exclude(user__role=User.Role.EXECUTIVE).select_related("user__presence__reason")
    members = list(rows.order_by("user__first_name", "user__last_name", "pk"))
    places: dict[int, set[int]] = defaultdict(set)
    for member in members:
        places[member.user_id].add(member.queue_id)
    at = desks.of_places(queues, places, now)
    found: dict[int, list[Person]] = defaultdict(list)
    for member in members:
        queue, user = named[member.queue_id], member.user
        limit = at[user.pk].limits[queue.pk] if queue.assignment != Queue.Assignment.BY_HAND else None
        shown = getattr(user, "presence", None) or Presence(user=user)
        found[queue.pk].append(Person(user, member.role, shown, at[user.pk], limit))
    for here in found.values():
        here.sort(key=lambda person: (not person.is_here, person.is_full))
    return found


def _guests(queues: Collection[Queue], now: datetime) -> Mapping[int, list[QueueSession]]:
    fresh = QueueSession.objects.filter(queue__in=queues, ended_at=None, seen_at__gte=now - SESSION_TTL)
    found: dict[int, list[QueueSession]] = defaultdict(list)
    for session in fresh.select_related("user").order_by("started_at"):
        found[session.queue_id].append(session)
    return found


# --- what stands behind a number


def in_hand(user: User, leader: User, now: datetime) -> tuple[CaseQuerySet, int]:
    """What counts as somebody's load, as far as `leader` may see it, and how many more there are elsewhere."""
    theirs = Case.objects.pressing(now).filter(assignee=user)
    seen = theirs.filter(queue__in=[queue.pk for queue in Queue.objects.visible_to(leader)])
    return seen, theirs.count() - seen.count()


def on_fire(name: str, queue: Queue) -> tuple[Burning, CaseQuerySet] | None:
    """A burning problem by its name, and its cases at work at a queue."""
    told = [fire for fires in burning.collect([queue.pk]) for fire in fires]
    fire = next((fire for fire in told if fire.name == name), None)
    return (fire, Case.objects.active().filter(queue=queue, pk__in=fire.cases)) if fire else None


def may_lead(leader: User, user: int, verb: str = "presence.others") -> bool:
    """Whether somebody may say for another how they are there, or how much they are given: who leads a queue they work in."""
    if leader.pk == user or leader.is_administrator:
        return True
    theirs = QueueMembership.objects.filter(user=user).values_list("queue_id", flat=True)
    return any(may(leader, verb, queue) for queue in theirs)
