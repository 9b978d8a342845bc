"""What a lead counts at a queue. Each figure is one condition: its number and the list behind it are made of the same one, so
that they cannot differ. All of it reads the cases at work and what happened today, each by an index."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count, Min, Q

from cases.models import Case, Clock, Promise, Queue
from cases.models.case import CaseQuerySet
from cases.models.clock import ClockQuerySet
from crm.models import Event

SOON = timedelta(minutes=15)
HOUR = timedelta(hours=1)
BUCKET = timedelta(minutes=5)
BUCKETS = HOUR // BUCKET
# Everything the board counts, in the order it is shown.
NAMES = ("waiting", "due_soon", "overdue", "promised", "broken", "unassigned", "met", "missed", "arrived", "answered")
_ARRIVED, _ANSWERED = ["message_received"], ["answer_released", "reply_released"]


@dataclass(frozen=True)
class Day:
    """The queues of one zone, and when their day began and ends."""

    queues: tuple[int, ...]
    began: datetime
    ends: datetime


@dataclass(frozen=True)
class Pulse:
    """The last hour in pieces of five minutes, the oldest first."""

    arrived: tuple[int, ...] = (0,) * BUCKETS
    answered: tuple[int, ...] = (0,) * BUCKETS


@dataclass(frozen=True)
class Figures:
    """What stands at one queue. `counts` has every name of NAMES; `longest` is since when who waits longest does."""

    counts: Mapping[str, int]
    longest: datetime | None
    pulse: Pulse


def days(queues: Collection[Queue], now: datetime) -> list[Day]:
    """Today is the queue's own: that of its calendar's zone. `calendar__current` should be at hand."""
    zones: dict[str, list[int]] = defaultdict(list)
    for queue in queues:
        version = queue.calendar.current if queue.calendar else None
        zones[version.tz if version else "UTC"].append(queue.pk)
    return [_day(tuple(sorted(held)), ZoneInfo(zone), now) for zone, held in sorted(zones.items())]


def _day(queues: tuple[int, ...], zone: ZoneInfo, now: datetime) -> Day:
    today = now.astimezone(zone).date()
    began, ends = (datetime.combine(day, time(), zone) for day in (today, today + timedelta(days=1)))
    return Day(queues, began.astimezone(UTC), ends.astimezone(UTC))


# --- the conditions


def _at_work(name: str, today: list[Day], now: datetime) -> Q:
    """Of the cases that are being worked on."""
    awake = Q(snoozed_until=None) | Q(snoozed_until__lte=now)
    conditions = {
        "waiting": awake & Q(waiting_since__isnull=False),
        "unassigned": awake & Q(assignee=None),
        "due_soon": Q(attention_at__gt=now, attention_at__lte=now + SOON),
        "overdue": Q(attention_at__lte=now),
        "promised": _any([Q(queue__in=day.queues, promise_due_at__lt=day.ends) for day in today]),
    }
    return conditions[name]


AT_WORK = ("waiting", "unassigned", "due_soon", "overdue", "promised")


def _any(conditions: list[Q]) -> Q:
    found = Q(pk__in=[])
    for condition in conditions:
        found |= condition
    return found


def _broken(today: list[Day]) -> Q:
    """Promises whose time passed today without their being kept."""
    state = Q(state=Promise.State.BROKEN)
    return _any([state & Q(case__queue__in=day.queues, settled_at__gte=day.began) for day in today])


def _missed(today: list[Day], now: datetime) -> Q:
    """Targets that fell due today before they were met, whether or not a sweep has noticed yet."""
    noticed = [Q(case__queue__in=day.queues, breached_at__gte=day.began, breached_at__lte=now) for day in today]
    running = Q(met_at=None, cancelled_at=None, breached_at=None, due_at__lte=now)
    unnoticed = [running & Q(case__queue__in=day.queues, due_at__gte=day.began) for day in today]
    return _any(noticed + unnoticed) & Q(cancelled_at=None)


def _met(today: list[Day], now: datetime) -> Q:
    """Targets met today, in time. One missed yesterday and met today is neither today's success nor today's failure."""
    return _any(
        [Q(case__queue__in=d.queues, met_at__gte=d.began, met_at__lte=now, breached_at=None) for d in today]
    ) & Q(cancelled_at=None)


def _todays(today: list[Day]) -> ClockQuerySet:
    """The targets of which something may have happened today, by three indexes whatever lies behind them."""
    began = min(day.began for day in today)
    running = Q(met_at=None, cancelled_at=None, breached_at=None, due_at__gte=began)
    return Clock.objects.filter(Q(met_at__gte=began) | Q(breached_at__gte=began) | running)


def behind(name: str, queue: Queue, now: datetime) -> CaseQuerySet:
    """The cases behind a figure of a queue, in no order."""
    today, cases = days([queue], now), Case.objects.filter(queue=queue)
    if name in AT_WORK:
        return cases.active().filter(_at_work(name, today, now))
    if name == "broken":
        return cases.filter(pk__in=Promise.objects.filter(_broken(today)).values("case"))
    missed = _todays(today).filter(_missed(today, now)).values("case")
    if name == "missed":
        return cases.filter(pk__in=missed)
    if name == "met":
        return cases.filter(pk__in=_todays(today).filter(_met(today, now)).values("case")).exclude(pk__in=missed)
    kinds = {"arrived": _ARRIVED, "answered": _ANSWERED}[name]
    said = Event.objects.filter(stream="case", kind__in=kinds, at__gt=now - HOUR, at__lte=now)
    return cases.filter(pk__in=said.exclude(data__contains={"auto": True}).values("stream_id"))


# --- the numbers, of many queues at once


def of(queues: Collection[Queue], now: datetime) -> dict[int, Figures]:
    """As many queries however many queues and cases there are."""
    if not queues:
        return {}
    today = days(queues, now)
    keys = [queue.pk for queue in queues]
    counts: dict[int, dict[str, int]] = {pk: dict.fromkeys(NAMES, 0) for pk in keys}
    longest = _count_work(counts, keys, today, now)
    _count_broken(counts, today)
    _count_targets(counts, today, now)
    pulses = _count_talk(counts, keys, now)
    return {pk: Figures(counts[pk], longest.get(pk), pulses.get(pk, Pulse())) for pk in keys}


def _count_work(
    counts: dict[int, dict[str, int]], queues: list[int], today: list[Day], now: datetime
) -> dict[int, datetime | None]:
    asked = {name: Count("pk", filter=_at_work(name, today, now)) for name in AT_WORK}
    waits = Min("waiting_since", filter=_at_work("waiting", today, now))
    rows = Case.objects.active().filter(queue__in=queues).order_by().values("queue").annotate(**asked, longest=waits)
    longest = {}
    for row in rows.values_list("queue", "longest", *AT_WORK):
        queue, longest[row[0]], *numbers = row
        counts[queue] |= dict(zip(AT_WORK, numbers, strict=True))
    return longest


def _count_broken(counts: dict[int, dict[str, int]], today: list[Day]) -> None:
    rows = Promise.objects.filter(_broken(today)).order_by().values_list("case__queue")
    for queue, count in rows.annotate(count=Count("case", distinct=True)):
        counts[queue]["broken"] = count


def _count_targets(counts: dict[int, dict[str, int]], today: list[Day], now: datetime) -> None:
    """Cases, not targets: one that missed any of its targets today has missed."""
    missed, met = _missed(today, now), _met(today, now)
    rows = _todays(today).filter(missed | met).order_by().values_list("case__queue")
    decided = Count("case", distinct=True)
    for queue, all_of_them, failed in rows.annotate(all=decided, failed=Count("case", distinct=True, filter=missed)):
        counts[queue] |= {"missed": failed, "met": all_of_them - failed}


_TALK = f"""
SELECT queue_id, arrived, bucket, count(*), count(DISTINCT stream_id) FROM (
    SELECT c.queue_id, e.stream_id, e.kind = ANY(%(arrived)s) AS arrived,
           least(floor(extract(epoch FROM e.at - %(since)s) / {BUCKET.seconds})::int, {BUCKETS - 1}) AS bucket
      FROM crm_event e JOIN cases_case c ON c.id = e.stream_id
     WHERE e.stream = 'case' AND e.kind = ANY(%(kinds)s) AND e.at > %(since)s AND e.at <= %(now)s
       AND c.queue_id = ANY(%(queues)s) AND NOT coalesce((e.data->'auto')::bool, false)
) said GROUP BY GROUPING SETS ((queue_id, arrived, bucket), (queue_id, arrived))
"""  # noqa: S608 - our own numbers


def _count_talk(counts: dict[int, dict[str, int]], queues: list[int], now: datetime) -> dict[int, Pulse]:
    asked: dict[str, Any] = {
        "arrived": _ARRIVED,
        "kinds": [*_ARRIVED, *_ANSWERED],
        "since": now - HOUR,
        "now": now,
        "queues": queues,
    }
    talk: dict[tuple[int, bool], list[int]] = defaultdict(lambda: [0] * BUCKETS)
    with connection.cursor() as cursor:
        cursor.execute(_TALK, asked)
        for queue, is_arrival, bucket, how_many, cases in cursor.fetchall():
            if bucket is None:
                counts[queue]["arrived" if is_arrival else "answered"] = cases
            else:
                talk[queue, is_arrival][bucket] = how_many
    return {queue: Pulse(tuple(talk[queue, True]), tuple(talk[queue, False])) for queue in queues}
