"""What `cases.pace` computes with, kept in small tables: the keeper samples each queue once a minute, counts the answers
of its hours from the log, and learns from the times that were named. A case that arrives reads one row and one count."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet

from cases import pace, transitions
from cases.business_hours import Hours
from cases.models import Acknowledgement, Case, Clock, PaceHour, Queue, QueuePace
from cases.models.clock import ALWAYS, ANSWER_CLOCKS
from crm.database.prepared import Prepared
from crm.models import Presence

MOST_AHEAD = 5000  # counted; more is as good as endless
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
FRESH = timedelta(minutes=10)  # as long as we believe who was at work
EVERY = timedelta(minutes=5)  # how often a queue is measured anew
LOOKED_BACK = timedelta(weeks=8)
KEPT = timedelta(weeks=10)
RECOUNT = timedelta(hours=6)  # how often all of LOOKED_BACK is counted again: history may have come in
FEW_SAMPLES = 30  # of sixty, below which an hour is judged by who answered in it
BATCH = 500


def expect(case: Case, now: datetime) -> pace.Expectation:
    """When a first answer to this case, locked and waiting since now, is to be expected. Two queries, a third where the
    past is too thin."""
    row = _ROW.first(case.queue_id)
    known = pace_of(row, hours_of(case.queue)) if row else None
    if row is None or known is None:
        return pace.expected(now, pace.State(0, 0.0, None, target=_target(case, now)))
    people = row.people if row.sampled_at and now - row.sampled_at < FRESH else 0.0
    ahead = _waiting(now).filter(queue=case.queue_id).exclude(pk=case.pk)
    found = pace.expected(now, pace.State(ahead[:MOST_AHEAD].count(), people, known, _factors(row)))
    return found if found.at else pace.expected(now, pace.State(0, 0.0, None, target=_target(case, now)))


_ROW = Prepared(lambda queue: QueuePace.objects.filter(queue=queue), int)


def hours_of(queue: Queue) -> Hours:
    """When the queue is open: its calendar, else always; at night nobody usually works is what its pace says then."""
    version = queue.calendar.current if queue.calendar else None
    return version.open_hours if version else ALWAYS


def zone_of(case: Case) -> ZoneInfo:
    """The clock a time of this case is told by: that of the queue's calendar, else of whatever its answer is due by."""
    if case.queue.calendar and case.queue.calendar.current:
        return ZoneInfo(case.queue.calendar.current.tz)
    clocks = case.clocks.filter(kind__in=ANSWER_CLOCKS).exclude(calendar_version=None).order_by("-pk")
    return ZoneInfo(clocks.values_list("calendar_version__tz", flat=True).first() or "UTC")


def pace_of(row: QueuePace, hours: Hours) -> pace.Pace | None:
    if not row.overall:
        return None
    return pace.Pace(hours, row.overall, _kinds(row.rate), _kinds(row.usual))


def _factors(row: QueuePace) -> dict[int, float]:
    return {int(crowd): factor for crowd, factor in row.factors.items()}


def _target(case: Case, now: datetime) -> datetime | None:
    return next((clock.due_at for clock in _OWED(case.pk) if clock.due_at and clock.due_at > now), None)


_OWED = Prepared(lambda case: Clock.objects.running().filter(case=case, kind__in=ANSWER_CLOCKS).order_by("due_at"), int)


def _waiting(now: datetime) -> QuerySet[Case]:
    """Cases whose customer waits for us."""
    return Case.objects.active().awake(now).filter(waiting_since__isnull=False).order_by()


def _kinds(stored: Mapping[str, float]) -> dict[pace.HourKind, float]:
    return {(int(day), int(hour)): value for key, value in stored.items() for day, hour in [key.split(":")]}


def _stored(kinds: Mapping[pace.HourKind, float]) -> dict[str, float]:
    return {f"{day}:{hour}": round(value, 4) for (day, hour), value in kinds.items()}


# --- the sweep


def sweep(now: datetime) -> int:
    """Once a minute for all queues together, whoever comes first; returns how many were sampled."""
    queues = _mine(now)
    if not queues:
        return 0
    count_answers(now - HOUR, now)
    _sample(queues, now)
    for queue in Queue.objects.filter(pk__in=_due(queues, now)).select_related("calendar__current").order_by("pk"):
        measure(queue, now)
    return 0


def _mine(now: datetime) -> list[int]:
    """The queues nobody sampled in this minute, taken by compare-and-swap. One that is new has all its past counted."""
    fresh = Queue.objects.filter(is_active=True, pace=None)
    if fresh.exists():
        QueuePace.objects.bulk_create([QueuePace(queue=q) for q in fresh], ignore_conflicts=True)
    began = now.replace(second=0, microsecond=0)
    due = QueuePace.objects.filter(Q(sampled_at=None) | Q(sampled_at__lt=began), queue__is_active=True)
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, [now, list(due.values_list("pk", flat=True)), began])
        return [queue for (queue,) in cursor.fetchall()]


_TAKE = """
UPDATE cases_queuepace SET sampled_at = %s
 WHERE id = ANY(%s) AND (sampled_at IS NULL OR sampled_at < %s) RETURNING queue_id
"""

# Answers by queue and hour; what is there already is only replaced where it changed.
_COUNT = """
INSERT INTO cases_pacehour (queue_id, began, answers, who, samples, people, busy)
SELECT c.queue_id, date_trunc('hour', e.at, 'UTC'), count(*),
       coalesce(array_agg(DISTINCT e.actor_id) FILTER (WHERE e.actor_id IS NOT NULL), '{}'), 0, 0, 0
  FROM crm_event e JOIN cases_case c ON c.id = e.stream_id
 WHERE e.stream = 'case' AND e.kind = 'answer_released' AND e.at >= date_trunc('hour', %s::timestamptz, 'UTC') AND e.at <= %s
 GROUP BY 1, 2 ORDER BY 1, 2
ON CONFLICT (queue_id, began) DO UPDATE SET answers = excluded.answers, who = excluded.who
 WHERE (cases_pacehour.answers, cases_pacehour.who) IS DISTINCT FROM (excluded.answers, excluded.who)
"""


def count_answers(since: datetime, until: datetime) -> int:
    """Count what was answered in each hour from the log, by the index of kinds and times; returns hours that changed."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, [since, until])
        return int(cursor.rowcount)


def recount(now: datetime) -> int:
    """All of the time that is looked back on: history may have come in. And old hours go."""
    PaceHour.objects.filter(began__lt=now - KEPT).delete()
    count_answers(now - LOOKED_BACK, now)
    return 0


# People and what waits, and as many of the people as had something to do.
_SAMPLE = """
INSERT INTO cases_pacehour AS h (queue_id, began, answers, who, samples, people, busy)
VALUES (%s, %s, 0, '{}', 1, %s, %s)
ON CONFLICT (queue_id, began) DO UPDATE
   SET samples = h.samples + 1, people = h.people + excluded.people, busy = h.busy + excluded.busy
"""


def _sample(queues: Iterable[int], now: datetime) -> None:
    began = now.replace(minute=0, second=0, microsecond=0)
    people, waiting = at_work(now), dict(_waiting(now).values_list("queue").annotate(Count("pk")))
    with transaction.atomic(), connection.cursor() as cursor:
        for queue in sorted(queues):
            there = people.get(queue, 0)
            cursor.execute(_SAMPLE, [queue, began, there, min(there, waiting.get(queue, 0))])
            QueuePace.objects.filter(queue=queue).update(people=there)


def at_work(now: datetime) -> dict[int, int]:
    """How many people work in each queue: members who have a case open, or who answered within the hour."""
    here: dict[int, set[int]] = {}
    present = Presence.objects.filter(expires_at__gt=now, user__is_active=True)
    for queue, user in present.values_list("user__memberships__queue", "user").distinct():
        here.setdefault(queue, set()).add(user)
    lately = PaceHour.objects.filter(began__gt=now - 2 * HOUR, answers__gt=0)
    for queue, who in lately.values_list("queue", "who"):
        here.setdefault(queue, set()).update(who)
    return {queue: len(who) for queue, who in here.items() if queue is not None}


# --- measuring and learning


def _due(queues: Iterable[int], now: datetime) -> list[int]:
    old = Q(measured_at=None) | Q(measured_at__lte=now - EVERY)
    return list(QueuePace.objects.filter(old, queue__in=queues).values_list("queue", flat=True))


@transaction.atomic
def measure(queue: Queue, now: datetime) -> QueuePace:
    """Measure a queue's pace, settle the times that were named, and learn from them."""
    row = QueuePace.objects.select_for_update().get(queue=queue)
    if row.measured_at is None:
        count_answers(now - LOOKED_BACK, now)
    hours = hours_of(queue)
    found = pace.measured(_past(queue, now), hours)
    row.overall = found.overall if found else None
    row.rate, row.usual = (_stored(found.rate), _stored(found.usual)) if found else ({}, {})
    if found:
        _settle(queue, found, now)
        row.factors = {str(crowd): round(factor, 4) for crowd, factor in learned(queue, found, now).items()}
    row.measured_at = now
    row.save(update_fields=["overall", "rate", "usual", "factors", "measured_at"])
    return row


def _past(queue: Queue, now: datetime) -> list[pace.Worked]:
    """Its past hours, newest first; quiet ones that nobody sampled are not known and not among them."""
    whole = PaceHour.objects.filter(queue=queue, began__gte=now - LOOKED_BACK, began__lte=now - HOUR)
    return [_worked(hour) for hour in whole.order_by("-began")]


def _worked(hour: PaceHour) -> pace.Worked:
    answered = len(hour.who)
    if hour.samples < FEW_SAMPLES:  # of the past, or nobody looked: who answered was there, and busy
        return pace.Worked(hour.began, answered, answered, hour.answers)
    return pace.Worked(hour.began, hour.people / hour.samples, hour.busy / hour.samples, hour.answers)


def _settle(queue: Queue, known: pace.Pace, now: datetime) -> None:
    """What became of the times that were answered since we looked last."""
    answered = _named(queue).filter(answered_at__isnull=False, share=None)
    settled = list(answered.order_by("expected_at")[:BATCH])
    for told in settled:
        told.share = _share(told, told.answered_at or now, known)
        told.met = told.answered_at <= told.expected_at  # type: ignore[operator]
    Acknowledgement.objects.bulk_update(settled, ["share", "met"])


def learned(queue: Queue, known: pace.Pace, now: datetime) -> dict[int, float]:
    passed = _named(queue).filter(expected_at__lte=now).order_by("-expected_at")[: pace.LEARNED_FROM]
    return pace.learned([_outcome(told, known, now) for told in passed])


def _outcome(told: Acknowledgement, known: pace.Pace, now: datetime) -> pace.Outcome:
    share = told.share if told.share is not None else _share(told, now, known)
    return pace.Outcome(share, bool(told.met), int(told.inputs["crowd"]))


def _named(queue: Queue) -> QuerySet[Acknowledgement]:
    """The times its pace named, but for cases that ended without an answer being owed: they teach nothing."""
    named = Acknowledgement.objects.filter(queue=queue, basis=Acknowledgement.Basis.PACE)
    return named.filter(Q(answered_at__isnull=False) | Q(case__status__in=transitions.ACTIVE))


def _share(told: Acknowledgement, until: datetime, known: pace.Pace) -> float:
    need, people = float(told.inputs["need"]), float(told.inputs["people"])
    return pace.worked(told.at, until, known, people) / need
