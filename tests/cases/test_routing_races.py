"""Routers, reps and leads at once, on connections of their own: nobody is given more than they may have."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from cases.models import Case, Presence, Queue
from cases.models.case import AlreadyClaimed
from cases.routing import claim_next, route, send_back
from crm.models import Event, User
from tests.builders import make_case, make_queue, make_user
from tests.cases.test_races import gapless
from tests.racing import outcomes

pytestmark = pytest.mark.django_db(transaction=True)

CAPACITY = 3


@pytest.fixture
def reps() -> list[User]:
    people = [make_user(f"Rep{n} Smith", username=f"rep{n}") for n in range(4)]
    for user in people:
        Presence.objects.of(user).choose("online", by=user)
    return people


@pytest.fixture
def queue(reps: list[User]) -> Queue:
    return make_queue("Billing", reps=reps, assignment="least_loaded", capacity=CAPACITY)


def arrive(queue: Queue, count: int) -> list[Case]:
    """The first has waited longest."""
    now = timezone.now()
    waits = [now - timedelta(minutes=count - n) for n in range(count)]
    return [make_case(queue, waiting_since=at, opened_at=at) for at in waits]


def in_hand(users: list[User]) -> list[int]:
    return [Case.objects.filter(assignee=user).count() for user in users]


def test_many_routers_fill_everyone_and_give_nobody_more_and_no_case_twice(queue: Queue, reps: list[User]) -> None:
    cases = arrive(queue, 20)
    outcomes(6, lambda _n: route(timezone.now()))
    route(timezone.now())  # whose row somebody held was passed over
    assert in_hand(reps) == [CAPACITY] * 4
    given = Case.objects.exclude(assignee=None).order_by("waiting_since").values_list("pk", flat=True)
    assert list(given) == [case.pk for case in cases[:12]]
    assert Event.objects.filter(kind="assigned").count() == 12
    assert all(gapless(case) for case in cases[:12])
    loads = Event.objects.filter(kind="assigned").order_by("id").values_list("data__assignee", "data__load")
    for user in reps:
        assert [load for who, load in loads if who == user.pk] == [1, 2, 3]


def test_taken_by_hand_while_it_is_given_out_it_is_one_persons(queue: Queue, reps: list[User]) -> None:
    cases = arrive(queue, 8)
    taker = make_user("Hand Taker", username="taker")
    queue.memberships.create(user=taker, role="rep")

    def act(n: int) -> Any:
        if n % 2:
            return route(timezone.now())
        try:
            return Case.objects.get(pk=cases[n].pk).claim(by=taker) or claim_next(queue, taker)
        except AlreadyClaimed as lost:
            return lost

    outcomes(8, act)
    route(timezone.now())
    assert not Case.objects.filter(assignee=None).exists()
    taken = Event.objects.filter(kind__in=["assigned", "claimed"]).values_list("stream_id", flat=True)
    assert sorted(taken) == sorted(case.pk for case in cases)
    assert max(in_hand(reps)) <= CAPACITY


def test_who_goes_away_while_cases_are_given_out_gets_none_afterwards(queue: Queue, reps: list[User]) -> None:
    arrive(queue, 12)

    def act(n: int) -> Any:
        return route(timezone.now()) if n else Presence.objects.of(reps[0]).choose("away", by=reps[0])

    outcomes(4, act)
    away = Event.objects.get(stream="person", data__user=reps[0].pk, data__state="away")
    given = Event.objects.filter(kind="assigned", data__assignee=reps[0].pk)
    assert not given.filter(id__gt=away.pk).exists()
    route(timezone.now())
    assert in_hand(reps[1:]) == [CAPACITY] * 3


def test_a_person_or_a_case_that_hangs_in_somebodys_transaction_keeps_no_other_waiting(
    queue: Queue, reps: list[User]
) -> None:
    cases = arrive(queue, 4)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT FROM cases_presence WHERE user_id = %s FOR NO KEY UPDATE", [reps[0].pk])
            cursor.execute("SELECT FROM cases_case WHERE id = %s FOR NO KEY UPDATE", [cases[0].pk])
            assert route(timezone.now()) == 3
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert in_hand(reps) == [0, 1, 1, 1]
    assert route(timezone.now()) == 1
    assert in_hand(reps) == [1, 1, 1, 1]


def test_a_router_that_dies_in_the_middle_leaves_the_case_to_the_next(
    queue: Queue, reps: list[User], monkeypatch: pytest.MonkeyPatch
) -> None:
    [case] = arrive(queue, 1)

    def dies(*_given: Any, **_named: Any) -> None:
        raise SystemExit

    with monkeypatch.context() as patched:
        patched.setattr(Presence, "save", dies)
        with pytest.raises(SystemExit):
            route(timezone.now())
    case.refresh_from_db()
    assert (case.assignee, case.version) == (None, 0)
    assert route(timezone.now()) == 1


def test_sent_back_and_taken_at_once_it_is_whose_it_is_last_and_nothing_is_lost(queue: Queue, reps: list[User]) -> None:
    away = reps[0]
    Presence.objects.of(away).choose("offline", by=away)
    now = timezone.now()
    case = make_case(queue, assignee=away, waiting_since=now, opened_at=now)
    case.resolve(by=away, at=now - timedelta(hours=2))
    case.reopen(by=None, at=now - timedelta(hours=1))

    def act(n: int) -> Any:
        if n == 0:
            with transaction.atomic():
                return Case.objects.get(pk=case.pk).assign(reps[1], by=reps[2])
        return send_back(now)

    outcomes(4, act)
    route(timezone.now())
    case.refresh_from_db()
    assert case.assignee_id in {user.pk for user in reps[1:]}
    assert gapless(case)
