"""Builders for calendars, policies and cases whose clocks run; times lie in the future, so that they count as live."""

from datetime import UTC, datetime
from typing import Any

from cases.models import BusinessCalendar, Case, Clock, Queue, SLAPolicy
from crm.models import Event
from tests.builders import make_case

OFFICE = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def at(text: str) -> datetime:
    """ "09:30" is that time (UTC) on Monday 5 March 2035; anything longer is an ISO time."""
    if len(text) <= 8:
        text = f"2035-03-05T{text}"
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def publish_calendar(name: str = "Office", *, tz: str = "UTC", hours: Any = None) -> BusinessCalendar:
    calendar = BusinessCalendar.objects.create(name=name)
    calendar.publish(tz=tz, hours=hours or OFFICE)
    return calendar


def make_policy(
    name: str = "Standard",
    *,
    position: int = 0,
    queues: list[Queue] | None = None,
    is_active: bool = True,
    calendar: BusinessCalendar | None = None,
    priorities: tuple[str, ...] | list[str] = (),
    channels: tuple[str, ...] | list[str] = (),
    tiers: tuple[str, ...] | list[str] = (),
    pause: tuple[str, ...] = (),
    **targets: float,
) -> SLAPolicy:
    policy = SLAPolicy.objects.create(name=name, position=position, is_active=is_active)
    policy.queues.set(queues or [])
    policy.publish(
        targets=[{"kind": kind, "minutes": minutes} for kind, minutes in targets.items()],
        calendar=calendar,
        priorities=priorities,
        channels=channels,
        tiers=tiers,
        pause_statuses=pause,
    )
    return policy


def opened(queue: Queue, when: str = "09:00", *, via: str = "person", **fields: Any) -> Case:
    case = make_case(queue, opened_at=at(when), **fields)
    happen(case, "opened", when, via=via)
    return case


def happen(case: Case, kind: str, when: str, *, via: str = "person", **data: Any) -> Event:
    """Record what a verb of another part would, under the case's lock."""
    from django.db import transaction

    with transaction.atomic():
        case.lock()
        return case.record(kind, by=None, at=at(when), via=via, **data)


def clock_of(case: Case, kind: str) -> Clock:
    """The newest clock of a kind."""
    found = Clock.objects.filter(case=case, kind=kind).order_by("pk").last()
    assert found is not None, f"no {kind} clock"
    return found


def kinds(case: Case) -> list[str]:
    return list(
        Event.objects.filter(stream="case", stream_id=case.pk).order_by("version").values_list("kind", flat=True)
    )
