"""Routing held against its promises: a day of arrivals on a virtual clock, and whatever people do in whatever order.

Never is anybody given more than they may have, never overtakes a case another that could have had the same hands, and
nobody waits for ever.
"""

from collections import Counter
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from django.db.models import Q
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from cases import desks, transitions
from cases.models import Capacity, Case, PersonSkill, Presence, Skill
from cases.models.refusals import Refusal
from cases.routing import overlooked, route, send_back
from crm.models import Event, User
from tests.builders import make_case, make_queue, make_user
from tests.cases.machines import Timed

pytestmark = pytest.mark.django_db

MORNING = datetime(2027, 3, 1, 8, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
ARRIVALS = 60
CHANNELS = ("mail", "chat")
LANGUAGES = ("en", "es")


def hire(name: str, *, skill: Skill | None = None) -> User:
    user = make_user(name, username=name.lower().replace(" ", ""))
    if skill:
        PersonSkill.objects.create(user=user, skill=skill)
    return user


class Watch:
    """Routes, and holds what was given in that turn against what went on waiting."""

    def __init__(self) -> None:
        self.seen = 0

    def turn(self, now: datetime) -> list[Event]:
        rules = desks.rules()
        before = {each.case: each for each in desks.waiting(rules, now)}
        people = {desk.user: desk for desk in desks.present(rules, now)}
        while route(now):
            pass
        gifts = list(Event.objects.filter(kind="assigned", via="routing", id__gt=self.seen).order_by("id"))
        for gift in gifts:
            desk, case = people[gift.data["assignee"]], before[gift.stream_id]
            assert desk.suits(case), "given to who had no room, or cannot do it"
            passed = [other for other in before.values() if other.since < case.since and desk.suits(other)]
            assert passed == [], "a longer wait could have had these hands"
            desk.take(case, now)
            assert gift.data["load"] == desk.load
            del before[gift.stream_id]
        assert overlooked(now) is None, "somebody is free for what waits"
        self.seen = gifts[-1].pk if gifts else self.seen
        return gifts


# --- a day


def test_a_day_of_arrivals_is_served_in_order_within_what_everyone_may_have() -> None:
    chance = Random(4)
    skill = Skill.objects.create(name="Spanish", languages=["es"])
    people = [hire(f"Rep{n} Day", skill=skill if n < 1 else None) for n in range(3)]
    queue = make_queue("Billing", reps=people, assignment="least_loaded", capacity=3, skill_minutes=30)
    most = {people[0].pk: 3, people[1].pk: 3, people[2].pk: 1}
    Capacity.objects.create(user=people[2], channel="", most=1)
    Capacity.objects.create(channel="chat", most=1)
    arrivals = sorted(MORNING + timedelta(seconds=chance.uniform(0, 9 * 3600)) for _n in range(ARRIVALS))
    shifts = {user.pk: (n * 60, 420 + n * 60) for n, user in enumerate(people)}  # minutes of the day
    watch, done_at, waits = Watch(), {}, []

    for minute in range(13 * 60):
        now = MORNING + minute * MINUTE
        moved = [_come_and_go(user, minute, shifts[user.pk], now) for user in people]
        due = [pk for pk, at in done_at.items() if at <= now]
        if not (any(moved) or due or arrivals[:1] <= [now] or minute % 15 == 0):
            continue  # nothing happens
        while arrivals and arrivals[0] <= now:
            at = arrivals.pop(0)
            language, channel = chance.choices(LANGUAGES, (4, 1))[0], chance.choice(CHANNELS)
            make_case(queue, customer=None, opened_at=at, waiting_since=at, language=language, channel=channel)
        for pk in due:
            del done_at[pk]
            Case.objects.get(pk=pk).change_status(chance.choice(["resolved", "waiting_customer"]), by=people[0], at=now)
        for gift in watch.turn(now):
            done_at[gift.stream_id] = now + timedelta(minutes=chance.uniform(4, 25))
            waits.append(now - Case.objects.get(pk=gift.stream_id).opened_at)
        held = Counter(Case.objects.pressing(now).exclude(assignee=None).values_list("assignee", flat=True))
        assert all(count <= most[user] for user, count in held.items())

    _was_a_day(waits)


def _was_a_day(waits: list[timedelta]) -> None:
    """Everybody was served, once, and it was a day that showed something."""
    assert not Case.objects.filter(assignee=None).exists(), "somebody waited in vain"
    assert len(waits) == ARRIVALS
    assert max(waits) > timedelta(minutes=5), "the day was too easy to show anything"
    gifts = Event.objects.filter(kind="assigned")
    assert set(Counter(gifts.values_list("stream_id", flat=True)).values()) == {1}
    assert {len(event.data["skills"]) for event in gifts} == {0, 1}


def _come_and_go(user: User, minute: int, shift: tuple[int, int], now: datetime) -> bool:
    """A shift with a lunch in the middle; whether they came or went now."""
    begin, end = shift
    lunch = begin + 240
    wanted = {begin: "online", lunch: "away", lunch + 30: "online", end + 300: "offline"}.get(minute)
    if wanted:
        Presence.objects.of(user).choose(wanted, by=user, at=now, via="api")
    return wanted is not None


# --- whatever happens


class Floor(Timed):
    """Two queues that give out cases, three people between them, and a few cases of both kinds."""

    def __init__(self) -> None:
        super().__init__(MORNING)
        self.watch = Watch()

    @initialize(methods=st.tuples(*[st.sampled_from(["least_loaded", "round_robin"])] * 2))
    def furnish(self, methods: tuple[str, str]) -> None:
        skill = Skill.objects.create(name="Spanish", languages=["es"])
        self.people = [hire(f"Floor{n} Rep", skill=skill if n == 0 else None) for n in range(3)]
        self.queues = [
            make_queue("One", reps=self.people[:2], assignment=methods[0], capacity=2, skill_minutes=20),
            make_queue("Two", reps=self.people[1:], assignment=methods[1], skill_minutes=20),
        ]
        Capacity.objects.create(channel="chat", most=1)

    def cases(self, **how: Any) -> list[Case]:
        return list(Case.objects.filter(**how).order_by("pk"))

    @rule(queue=st.integers(0, 1), language=st.sampled_from(LANGUAGES), channel=st.sampled_from(CHANNELS))
    def arrive(self, queue: int, language: str, channel: str) -> None:
        since = {"opened_at": self.now, "waiting_since": self.now}
        make_case(self.queues[queue], customer=None, language=language, channel=channel, **since)

    @rule(who=st.integers(0, 2), state=st.sampled_from(["online", "online", "busy", "away", "offline"]))
    def say(self, who: int, state: str) -> None:
        Presence.objects.of(self.people[who]).choose(state, by=self.people[who], at=self.now, via="api")

    @rule(minutes=st.sampled_from([1, 7, 30]))
    def wait(self, minutes: int) -> None:
        self.now += minutes * MINUTE

    @rule(who=st.integers(0, 2), most=st.integers(0, 4))
    def limit(self, who: int, most: int) -> None:
        Capacity.objects.update_or_create(user=self.people[who], channel="", defaults={"most": most})

    @precondition(lambda self: self.cases(assignee__isnull=False))
    @rule(pick=st.integers(0, 50), status=st.sampled_from(["resolved", "waiting_customer", "open"]))
    def work(self, pick: int, status: str) -> None:
        held = self.cases(assignee__isnull=False)
        case = held[pick % len(held)]
        may = status == case.status or transitions.allowed(case.status, status)
        with nullcontext() if may else pytest.raises(Refusal):
            case.change_status(status, by=case.assignee, at=self.now)

    @precondition(lambda self: self.cases(assignee__isnull=True))
    @rule(pick=st.integers(0, 50), who=st.integers(0, 2))
    def take(self, pick: int, who: int) -> None:
        free = self.cases(assignee__isnull=True)
        free[pick % len(free)].claim(by=self.people[who], at=self.now)

    @rule()
    def go(self) -> None:
        self.watch.turn(self.now)
        send_back(self.now)

    @invariant()
    def every_case_is_somebodys_or_waits_in_its_queue(self) -> None:
        waiting = {each.case for each in desks.waiting(desks.rules(), self.now)}
        free = Case.objects.filter(assignee=None).exclude(Q(status="resolved") | Q(status="waiting_customer"))
        assert waiting == set(free.values_list("pk", flat=True))

    def finish(self) -> None:
        """When everybody comes and works, nobody goes on waiting."""
        for user in self.people:
            Presence.objects.of(user).choose("online", by=user, at=self.now, via="api")
            Capacity.objects.update_or_create(user=user, channel="", defaults={"most": 1})
        for _turn in range(len(self.cases()) + 2):
            self.now += 30 * MINUTE
            for case in self.cases(status__in=["new", "open"], assignee__isnull=False):
                case.resolve(by=case.assignee, at=self.now)
            self.watch.turn(self.now)
        assert not Case.objects.pressing(self.now).filter(assignee=None).exists()


class Finished(Floor):
    def teardown(self) -> None:
        try:
            if hasattr(self, "people"):
                self.finish()
        finally:
            super().teardown()


def test_capacity_order_and_an_end_to_every_wait_hold_whatever_happens() -> None:
    run_state_machine_as_test(
        Finished,
        settings=settings(
            max_examples=8,
            stateful_step_count=22,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("fault", ["no room", "wrong order"])
def test_the_machine_would_notice(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it is for: a router that gives too much, or to the newest first."""
    people = [hire("Only One")]
    queue = make_queue("Billing", reps=people, assignment="least_loaded", capacity=1)
    Presence.objects.of(people[0]).choose("online", by=people[0], at=MORNING, via="api")
    for n in range(3):
        make_case(queue, customer=None, opened_at=MORNING + n * MINUTE, waiting_since=MORNING + n * MINUTE)
    now = MORNING + 5 * MINUTE

    def wrong(now: datetime) -> int:
        free = Case.objects.filter(assignee=None).order_by("-pk" if fault == "wrong order" else "pk")
        count = 1 if fault == "wrong order" else 2
        if free.count() < 3:
            return 0
        for n, case in enumerate(free[:count]):
            case.assign(people[0], by=None, via="routing", reason="least_loaded", load=n + 1)
        return count

    monkeypatch.setattr("tests.cases.test_routing_machine.route", wrong)
    with pytest.raises(AssertionError, match="no room" if fault == "no room" else "longer wait"):
        Watch().turn(now)
