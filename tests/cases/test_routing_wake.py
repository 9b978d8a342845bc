"""What makes routing look at once: after the commit, and only where some queue gives out cases."""

import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from cases import routing_wake
from cases.intake import open_case
from cases.models import Case, Presence, Queue
from cases.routing import route
from crm.jobs import CHANNEL, Sweep, sweeps
from crm.keeper import Keeper
from crm.live.database import parameters
from crm.models import User
from tests.builders import make_case

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _nothing_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routing_wake, "_known", (0.0, False))


def heard(act: Callable[[], Any]) -> set[str]:
    """The sweeps a keeper is told to run because of this."""
    connection.ensure_connection()
    with psycopg.connect(**parameters("test")) as keeper:
        keeper.execute(f"LISTEN {CHANNEL}")
        act()
        return {notice.payload for notice in keeper.notifies(timeout=0.3)}


def test_a_case_and_a_person_that_come_free_wake_the_sweep(billing: Queue, ana: User) -> None:
    Queue.objects.update(assignment="round_robin")
    case = make_case(billing, assignee=ana)
    assert heard(lambda: case.release(by=ana)) == {"cases.routing"}
    assert heard(lambda: Presence.objects.of(ana).choose("online", by=ana)) == {"cases.routing"}
    assert heard(lambda: case.snooze(timezone.now() + timedelta(days=1), by=ana)) == {"cases.routing"}
    assert heard(lambda: case.set_priority("high", by=ana)) == set()


def test_where_people_take_their_cases_nobody_is_woken(billing: Queue, ana: User) -> None:
    case = make_case(billing, assignee=ana)
    assert heard(lambda: case.release(by=ana)) == set()


@pytest.fixture
def keeper() -> Iterator[None]:
    """One that looks by itself but once an hour: what it gives out sooner it was woken for."""
    stop = threading.Event()
    running = Keeper(stop, [Sweep("cases.routing", 3600, route, 60)], [])
    thread = threading.Thread(target=running.run)
    thread.start()
    yield
    stop.set()
    thread.join(10)


def test_an_arrival_is_given_out_at_once_while_somebody_is_free(keeper: None, billing: Queue, ana: User) -> None:
    Queue.objects.update(assignment="least_loaded")
    Presence.objects.of(ana).choose("online", by=ana, via="api")
    cases = [
        open_case(queue=billing, customer=None, subject=s, channel="mail", at=timezone.now(), via="channel")
        for s in ("one", "two", "three")
    ]
    until = time.monotonic() + 20
    while Case.objects.filter(assignee=ana).count() < len(cases) and time.monotonic() < until:
        time.sleep(0.02)
    assert Case.objects.filter(assignee=ana).count() == len(cases)


def test_the_keeper_looks_every_second_whatever_was_missed() -> None:
    assert {sweep.name: sweep.seconds for sweep in sweeps()}["cases.routing"] == 1
