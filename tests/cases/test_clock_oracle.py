"""Clocks against an oracle that knows nothing of the code: it walks minute by minute, asks the wall clock of the zone whether
the place is open, and counts. Promises L21 (timers fire once, in time) and L57 (a host whose clock jumps harms none)."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases import clocks
from cases.models import BusinessCalendar, Case, Clock, Queue
from crm import jobs
from crm.models import Event, User
from tests.cases.clockwork import happen, make_policy, opened

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)
ZONES = (
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Asia/Kathmandu",
)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


# --- the oracle


@dataclass
class Wall:
    """Opening hours as a person reads them from the door."""

    tz: str
    hours: dict[str, list[list[str]]]
    closed: set[str]

    def is_open(self, at: datetime) -> bool:
        local = at.astimezone(ZoneInfo(self.tz))
        shown = f"{local:%H:%M}"
        on_the_door = self.hours.get(DAYS[local.weekday()], [])
        return local.date().isoformat() not in self.closed and any(a <= shown < b for a, b in on_the_door)

    def minutes(self, since: datetime) -> Iterator[datetime]:
        """The beginnings of all open minutes from then on."""
        while True:
            if self.is_open(since):
                yield since
            since += MINUTE

    def due(self, since: datetime, minutes: int) -> datetime:
        """The end of so many open minutes; of none: now, or when it opens."""
        walk = self.minutes(since)
        if not minutes:
            return next(walk)
        return [next(walk) for _n in range(minutes)][-1] + MINUTE

    def between(self, since: datetime, until: datetime) -> int:
        whole = (until - since) // MINUTE
        return sum(self.is_open(since + n * MINUTE) for n in range(whole))


@st.composite
def walls(draw: Any) -> Wall:
    """Some hours of some days, in some zone, closed on some; open for at least an hour a week."""
    hours: dict[str, list[list[str]]] = {"wed": [["10:00", "14:30"]]}
    for day in draw(st.sets(st.sampled_from(DAYS))):
        marks = sorted(draw(st.sets(st.integers(0, 96), min_size=2, max_size=6)))
        pairs = zip(marks[::2], marks[1::2], strict=False)
        hours[day] = [[f"{a // 4:02}:{a % 4 * 15:02}", f"{b // 4:02}:{b % 4 * 15:02}"] for a, b in pairs]
    closed = draw(st.sets(st.dates(date(2035, 3, 1), date(2035, 4, 30)), max_size=6))
    return Wall(draw(st.sampled_from(ZONES)), hours, {day.isoformat() for day in closed})


# What may happen to a case, each so many minutes after the one before.
HISTORY = st.lists(
    st.tuples(
        st.integers(1, 2000), st.sampled_from(["open", "waiting_customer", "waiting_internal", "resolved", "answer"])
    ),
    max_size=6,
)
# Around both changes of the clocks: in March the north goes forward, in April the south goes back.
STARTS = st.integers(0, 30 * 24 * 60).map(lambda minutes: datetime(2035, 3, 7, tzinfo=UTC) + minutes * MINUTE)


@dataclass
class Told:
    """One clock as the oracle has it."""

    target: int
    spent: int = 0
    since: datetime | None = None  # it runs
    over: bool = False
    late: bool = False

    def stop(self, wall: Wall, at: datetime) -> None:
        if self.since is None:
            return
        self.late = self.late or self.is_late(wall, at)
        self.spent += wall.between(self.since, at)
        self.since = None

    def is_late(self, wall: Wall, at: datetime) -> bool:
        return self.since is not None and wall.due(self.since, max(self.target - self.spent, 0)) < at


def live(wall: Wall, start: datetime, history: list[tuple[int, str]], targets: dict[str, int]) -> dict[str, Told]:
    """The same history, told by the oracle: only `waiting_customer` and `resolved` stop clocks, an answer ends the first."""
    told = {kind: Told(target, since=start) for kind, target in targets.items()}
    at, status = start, "new"
    for minutes, what in history:
        at += minutes * MINUTE
        if what == "answer":
            told["first_response"].stop(wall, at)
            told["first_response"].over = True
            continue
        if not may_become(status, what):
            continue
        status = what
        for clock in told.values():
            if status in {"waiting_customer", "resolved"}:
                clock.stop(wall, at)
            elif clock.since is None and not clock.over:
                clock.since = at
    return told


def may_become(status: str, wanted: str) -> bool:
    return status != wanted and not (status == "resolved" and wanted != "open")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    wall=walls(),
    start=STARTS,
    history=HISTORY,
    first=st.integers(0, 600),
    resolution=st.integers(0, 3000),
)
def test_clocks_are_what_one_counts_by_hand(
    billing: Queue, ana: User, wall: Wall, start: datetime, history: list[tuple[int, str]], first: int, resolution: int
) -> None:
    targets = {"first_response": first, "resolution": resolution}
    with transaction.atomic():
        calendar = BusinessCalendar.objects.create(name="Wall")
        calendar.publish(tz=wall.tz, hours=wall.hours, holidays=wall.closed)
        make_policy(calendar=calendar, pause=("waiting_customer",), **targets)
        case, at = opened(billing, start.isoformat()), start
        for minutes, what in history:
            at += minutes * MINUTE
            case.refresh_from_db()
            if what == "answer":
                happen(case, "answer_released", at.isoformat())
            elif may_become(case.status, what):
                case.change_status(what, by=ana, at=at)
        held = {clock.kind: clock for clock in case.clocks.all()}
        for kind, told in live(wall, start, history, targets).items():
            compare(held[kind], told, wall, at)
        transaction.set_rollback(True)


def compare(clock: Clock, told: Told, wall: Wall, at: datetime) -> None:
    assert clock.is_running == (told.since is not None)
    spent = told.spent + (wall.between(told.since, at) if told.since else 0)
    assert clock.elapsed(at) == spent * 60
    assert bool(clock.breached_at) == told.late
    if told.since and not told.late:
        assert clock.due_at == wall.due(told.since, max(told.target - told.spent, 0))


# --- timers


# A night in which clocks change, in its first hour there, as UTC; Kathmandu has none.
NIGHTS = [
    ("Europe/Berlin", "2035-03-24T23:30"),
    ("Europe/Berlin", "2035-10-27T22:30"),
    ("America/New_York", "2035-03-11T05:30"),
    ("America/New_York", "2035-11-04T04:30"),
    ("America/St_Johns", "2035-03-11T03:45"),
    ("America/St_Johns", "2035-11-04T03:00"),
    ("Australia/Lord_Howe", "2035-03-31T13:30"),
    ("Australia/Lord_Howe", "2035-10-06T13:45"),
    ("Pacific/Auckland", "2035-03-31T11:30"),
    ("Pacific/Auckland", "2035-09-29T12:30"),
    ("Asia/Kathmandu", "2035-03-24T18:30"),
    ("Asia/Kathmandu", "2035-10-27T18:30"),
]


@pytest.mark.parametrize(("zone", "night"), NIGHTS)
def test_timers_fire_once_within_a_minute_of_the_wall_in_nights_in_which_clocks_change(
    billing: Queue, zone: str, night: str
) -> None:
    """Open from half past one to half past four on the wall: what is skipped or comes twice lies within."""
    wall = Wall(zone, {day: [["01:30", "04:30"]] for day in DAYS}, set())
    start = datetime.fromisoformat(night).replace(tzinfo=UTC)
    fired = swept(billing, wall, start)
    assert fired
    for due, seen in fired:
        assert timedelta(0) <= seen - due <= timedelta(seconds=60)


def test_timers_that_fell_due_while_nothing_ran_fire_once_as_soon_as_it_does(billing: Queue) -> None:
    wall = Wall("Europe/Berlin", {day: [["01:30", "04:30"]] for day in DAYS}, set())
    start = datetime(2035, 3, 24, 23, 30, tzinfo=UTC)
    fired = swept(billing, wall, start, nothing_ran=range(65, 185))
    late = [(due, seen) for due, seen in fired if seen - due > timedelta(seconds=60)]
    assert late
    assert {seen for _due, seen in late} == {start + 185 * MINUTE}


def swept(
    billing: Queue, wall: Wall, start: datetime, nothing_ran: range = range(0)
) -> list[tuple[datetime, datetime]]:
    """Targets a quarter of an hour apart, and sweeps through the night, each minute where something may happen: when each
    fell due by the oracle, and when it was told."""
    calendar = BusinessCalendar.objects.create(name="Wall")
    calendar.publish(tz=wall.tz, hours=wall.hours)
    dues: dict[int, datetime] = {}
    for number, target in enumerate(range(15, 120, 15)):
        make_policy(f"P{number}", position=number, channels=[f"c{number}"], calendar=calendar, resolution=target)
        case = opened(billing, start.isoformat(), channel=f"c{number}")
        dues[case.pk] = wall.due(start, target)
        assert Clock.objects.get(case=case).due_at == dues[case.pk]
    told: dict[int, datetime] = {}
    near = {(due - start) // MINUTE + off for due in dues.values() for off in (-1, 0, 1)}
    for minute in sorted({*range(0, 300, 15), *near, nothing_ran.stop} - set(nothing_ran)):
        now = start + minute * MINUTE + timedelta(seconds=1)
        clocks.warn_due(now)
        if clocks.breach_due(now):
            for known in Event.objects.filter(kind="sla_breached").values_list("stream_id", flat=True):
                told.setdefault(known, start + minute * MINUTE)
    assert set(told) == set(dues)
    breaches = Event.objects.filter(kind="sla_breached").values_list("stream_id", "at")
    assert sorted(breaches) == sorted(dues.items())  # each once, dated when it fell due
    return [(due, told[case]) for case, due in dues.items()]


# --- a host whose clock jumps


def sweep(name: str) -> int:
    """As the keeper calls it: with its host's time."""
    (found,) = [each for each in jobs.sweeps() if each.name == name]
    return found.function(timezone.now())


def test_a_host_an_hour_ahead_breaches_and_warns_of_nothing(billing: Queue) -> None:
    make_policy(first_response=50)
    case = opened(billing, timezone.now().isoformat())
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert [sweep(f"cases.{what}") for what in ("breaches", "warnings", "escalation")] == [0, 0, 0]
    assert not Event.objects.filter(stream_id=case.pk, kind__startswith="sla_").exists()


def test_a_host_an_hour_behind_breaches_in_time_and_acts(billing: Queue) -> None:
    policy = make_policy(first_response=50, resolution=500)
    targets = policy.current.targets if policy.current else []
    policy.publish(targets=targets, actions={"breach": {"priority": "high"}})
    case = opened(billing, timezone.now().isoformat())
    Clock.objects.filter(kind="first_response").update(due_at=timezone.now() - MINUTE)
    for hours in (-1, 1):
        with time_machine.travel(timezone.now() + timedelta(hours=hours)):
            done = [sweep(f"cases.{what}") for what in ("breaches", "escalation")]
        assert done == ([1, 1] if hours < 0 else [0, 0])
    case.refresh_from_db()
    assert case.priority == "high"


def test_what_a_clock_does_on_a_host_ahead_is_no_history(billing: Queue) -> None:
    """Done by the database's time, an hour before the host's: it must not pass for something of the past, which breaches in
    silence."""
    policy = make_policy(first_response=10, resolution=50)
    targets = policy.current.targets if policy.current else []
    policy.publish(targets=targets, actions={"breach": {"priority": "high"}})
    make_policy("High", priorities=["high"], position=0, resolution=40)
    type(policy).objects.filter(pk=policy.pk).update(position=1)
    case = opened(billing, timezone.now().isoformat())
    Clock.objects.filter(kind="first_response").update(due_at=timezone.now() - MINUTE)
    with time_machine.travel(timezone.now() + timedelta(hours=1)):
        assert [sweep(f"cases.{what}") for what in ("breaches", "escalation")] == [1, 1]
    assert Clock.objects.get(case=case, kind="resolution").breached_at is None
    assert Case.objects.get(pk=case.pk).priority == "high"


def test_the_time_of_sweeps_is_the_databases() -> None:
    real = timezone.now()
    with mock.patch("django.utils.timezone.now", return_value=real + timedelta(days=1)):
        assert abs(clocks.database_now() - real) < timedelta(minutes=5)
