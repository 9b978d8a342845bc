"""What a change of a calendar or policy means for clocks that run: measured before it is saved, done afterwards if asked.

Clocks that ended or breached stay as they were judged. One that warned goes on with its warning given. What has been spent
so far counts as it was counted; only what is left follows the new hours and targets. No clock starts.
"""

from collections.abc import Iterable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Prefetch, Q

from cases import transitions
from cases.models import BusinessCalendar, Case, Clock, Recalculation, SLAPolicy
from cases.models.case_rows import CaseQuerySet
from cases.models.following import Background, Follower, Told
from cases.models.sla import SLAPolicyVersion
from cases.replay import Policies
from crm import jobs
from crm.models import User

BATCH = 25  # cases locked at once: who works on one of them waits no longer than a page takes
MEASURED = 2000  # cases a preview looks at
SHOWN = 50  # clocks it names
Subject = BusinessCalendar | SLAPolicy


@dataclass(frozen=True)
class Move:
    """One clock before and after."""

    case: Case
    was: Clock
    clock: Clock
    now: datetime

    @property
    def is_overdue(self) -> bool:
        """Its time is over with the change."""
        return self.clock.is_running and self.clock.due_at is not None and self.clock.due_at <= self.now

    @property
    def ends(self) -> bool:
        return self.clock.is_finished

    @property
    def is_felt(self) -> bool:
        """More than the rules it goes by: a new action alone moves no time."""
        return self.ends or (self.was.due_at, self.was.is_running) != (self.clock.due_at, self.clock.is_running)


@dataclass
class Effect:
    """What the change would do; `total` cases were to be looked at, `looked` were."""

    total: int = 0
    looked: int = 0
    cases: int = 0
    clocks: int = 0
    overdue: int = 0
    ending: int = 0
    standing: int = 0  # clocks that stand still from now on
    moves: list[Move] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        return self.looked >= self.total

    def add(self, moves: Sequence[Move]) -> None:
        self.looked += 1
        felt = [move for move in moves if move.is_felt]
        self.cases += bool(felt)
        self.clocks += len(moves)
        self.overdue += sum(move.is_overdue for move in moves)
        self.ending += sum(move.ends for move in moves)
        self.standing += sum(
            move.was.is_running and move.clock.paused_at is not None and not move.ends for move in moves
        )
        self.moves += felt[: SHOWN - len(self.moves)]


def effect(subject: Subject, now: datetime) -> Effect:
    """What the subject, as it stands in this transaction, would do to the clocks that run. The first to be looked at are
    those due soonest, so that a preview that stops early has seen what matters most."""
    concerned = _concerned(subject)
    found = Effect(total=concerned.count())
    policies = Policies()
    for case in _loaded(concerned.order_by("next_due_at", "pk")[:MEASURED]):
        found.add(_moves(case, policies, now))
    return found


@transaction.atomic
def begin(subject: Subject, *, by: User | None, at: datetime) -> Recalculation:
    """Let the clocks that run go on under what the subject says now, soon and in pieces."""
    place = {"calendar": subject} if isinstance(subject, BusinessCalendar) else {"policy": subject}
    asked = Recalculation.objects.create(asked_by=by, asked_at=at, total=_concerned(subject).count(), **place)
    jobs.nudge("cases.recalculation")
    return asked


def recalculate(now: datetime) -> int:
    """One batch of the oldest change under way; returns how many cases were looked at. A batch is one transaction: who
    dies in it has done nothing, and another worker takes it up from there."""
    with transaction.atomic():
        going = Recalculation.objects.filter(state=Recalculation.State.GOING).order_by("pk")
        task = going.select_for_update(skip_locked=True, of=("self",)).select_related("calendar", "policy").first()
        return _step(task, now) if task else 0


def _step(task: Recalculation, now: datetime) -> int:
    subject = task.calendar or task.policy
    assert subject is not None  # noqa: S101 - the constraint says so
    fresh = list(_concerned(subject).filter(pk__gt=task.after).order_by("pk").values_list("pk", flat=True)[:BATCH])
    wanted = fresh or task.left[:BATCH]
    cases = list(_loaded(Case.objects.filter(pk__in=wanted).order_by("pk"), locked=True))
    policies = Policies()
    task.changed += sum(_change(case, policies, task, now) for case in cases)
    held = {case.pk for case in cases}
    gone = set(wanted) - set(Case.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    busy = [pk for pk in wanted if pk not in held | gone]
    task.left = [pk for pk in task.left if pk not in wanted] + busy
    task.after, task.looked = max([task.after, *fresh]), task.looked + len(wanted) - len(busy)
    if not fresh and not task.left:
        task.state, task.finished_at = Recalculation.State.DONE, now
    task.save(update_fields=["changed", "left", "after", "looked", "state", "finished_at"])
    return len(wanted) - len(busy)


def _change(case: Case, policies: Policies, task: Recalculation, now: datetime) -> bool:
    """Only a case with a clock that changes has an event."""
    moves = _moves(case, policies, now)
    if moves:
        case.record("sla_recomputed", by=task.asked_by, via="clock", at=now, recalculation=task.pk, clocks=len(moves))
    return bool(moves)


def stop(task: Recalculation) -> bool:
    """Leave it where it is; whether it was going on."""
    states = Recalculation.State
    return bool(Recalculation.objects.filter(pk=task.pk, state=states.GOING).update(state=states.STOPPED))


def go_on(task: Recalculation) -> bool:
    """Take it up again where it was left; whether it had been stopped."""
    states = Recalculation.State
    return bool(Recalculation.objects.filter(pk=task.pk, state=states.STOPPED).update(state=states.GOING))


# --- which cases, and what of them


def _concerned(subject: Subject) -> CaseQuerySet:
    """Active cases with a clock under way that the subject may move: more than it will, never fewer."""
    clocks = Clock.objects.unfinished().filter(case=OuterRef("pk"), breached_at=None)
    active = Case.objects.filter(status__in=transitions.ACTIVE)
    if isinstance(subject, BusinessCalendar):
        of_calendar = Q(calendar_version__calendar=subject) | Q(policy_version__policy__current__calendar=subject)
        by_queue = Q(case__queue__calendar=subject)
        return active.filter(Exists(clocks.filter(of_calendar | by_queue)))
    queues = [queue.pk for queue in subject.queues.all()]
    let_in = Q(queue__in=queues) if queues else Q()
    return active.filter(let_in & Exists(clocks) | Exists(clocks.filter(policy_version__policy=subject)))


def _loaded(cases: CaseQuerySet, *, locked: bool = False) -> Iterator[Case]:
    """With what their clocks ask; `locked` leaves out those somebody works on right now."""
    clocks = Clock.objects.unfinished().select_related("policy_version", "calendar_version").order_by("pk")
    rows = cases.select_related("customer", "queue__calendar__current")
    rows = rows.prefetch_related(Prefetch("clocks", clocks, to_attr="under_way"))
    if locked:
        rows = rows.select_for_update(skip_locked=True, no_key=True, of=("self",))
    return iter(rows)


class _Remembered(Background):
    """The policies are at hand; what was said is asked of the log, which recalculating never does."""

    def __init__(self, case: Case, policies: Policies) -> None:
        super().__init__(case)
        self._policies = policies

    @property
    def policy(self) -> SLAPolicyVersion | None:
        return self._policies.matching(self.case)


def _moves(case: Case, policies: Policies, now: datetime) -> list[Move]:
    """What would change of this case's clocks, found in memory by the very rules that change them."""
    before: list[Clock] = case.under_way  # type: ignore[attr-defined]
    after = [copy(clock) for clock in before]
    told = Told("sla_recomputed", "clock", now, {})
    Follower(_Remembered(case, policies), told, after, now).change()
    pairs: Iterable[tuple[Clock, Clock]] = zip(before, after, strict=True)
    return [Move(case, was, clock, now) for was, clock in pairs if was.state() != clock.state()]
