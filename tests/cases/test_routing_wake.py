"""What makes routing look at once: after the commit, and only where some queue gives out cases."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from cases import routing_wake
from cases.models import Presence, Queue
from crm.jobs import CHANNEL, sweeps
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


def test_the_keeper_looks_every_second_whatever_was_missed() -> None:
    assert {sweep.name: sweep.seconds for sweep in sweeps()}["cases.routing"] == 1
