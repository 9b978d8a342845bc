"""Deadlines and elapsed times that other products' suites agree on: by the arithmetic, and by what a script sees that
drives calendars, policies, cases and statuses over HTTP (docs/clocks.md)."""

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from cases.business_hours import Hours
from crm.models import User
from tests.api import Caller
from tests.selection import data_folder

pytestmark = pytest.mark.realdata

LATER = datetime(2027, 3, 1, 12, tzinfo=UTC)  # all that the rows tell of lies in the past
PLENTY = 60 * 24 * 30  # minutes of a target that no row uses up


def _facts(kind: str) -> list[Any]:
    path = data_folder() / "sla_calendar" / "cases_third.json"
    return list(json.loads(path.read_text())[kind]) if path.is_file() else []


deadlines = pytest.mark.parametrize("fact", _facts("deadlines"), ids=lambda f: f"{f['start']} + {f['minutes']} min")
stretches = pytest.mark.parametrize("fact", _facts("elapsed"), ids=lambda f: f"{f['start']} to {f['end']}")
scenarios = pytest.mark.parametrize("fact", _facts("scenarios"), ids=lambda f: f["name"])


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- by the arithmetic


def _hours(fact: dict[str, Any]) -> Hours:
    calendar = fact["calendar"]
    return Hours(calendar["tz"], calendar["hours"], calendar.get("holidays", []))


@deadlines
def test_deadlines(fact: dict[str, Any]) -> None:
    seconds = round(Decimal(str(fact["minutes"])) * 60, 6)
    assert _hours(fact).add(at(fact["start"]), seconds) == at(fact["expected"])


@stretches
def test_elapsed(fact: dict[str, Any]) -> None:
    assert _hours(fact).elapsed(at(fact["start"]), at(fact["end"])) == fact["seconds"]


@scenarios
def test_a_clock_that_stands_still_at_times(fact: dict[str, Any]) -> None:
    hours, resumed, spent = _hours(fact), at(fact["created"]), Decimal(0)
    for stopped, again in fact["clock_stopped"]:
        spent += hours.elapsed(resumed, at(stopped))
        resumed = at(again)
    for check in fact["checks"]:
        assert hours.add(resumed, check["minutes"] * 60 - spent) == at(check["expected"])


# --- over HTTP


@pytest.fixture
def call(root: User) -> Iterator[Caller]:
    with time_machine.travel(LATER, tick=False):
        yield Caller(root)


def _made(call: Caller, path: str, body: dict[str, Any]) -> dict[str, Any]:
    answer = call.post(path, body)
    assert answer.status_code == 201, answer.content
    return dict(json.loads(answer.content))


def _opened(call: Caller, fact: dict[str, Any], opened_at: str, minutes: Sequence[float]) -> list[str]:
    """A case for each target, in a queue of its own, under the row's calendar: their places."""
    calendar = _made(call, "calendars/", {"name": "Row", **fact["calendar"]})["id"]
    places = []
    for n, target in enumerate(minutes):
        queue = _made(call, "queues/", {"name": f"Queue {n}"})["id"]
        targets = [{"kind": kind, "minutes": target} for kind in ("first_response", "resolution")]
        policy = {"calendar": calendar, "queues": [queue], "pause_statuses": ["waiting_customer"], "targets": targets}
        _made(call, "sla-policies/", {"name": f"Policy {n}", **policy})
        case = _made(call, "cases/", {"queue": queue, "subject": "Row", "opened_at": opened_at})
        places.append(f"cases/{case['number']}/")
    return places


def _becomes(call: Caller, place: str, status: str, when: str) -> None:
    answer = call.post(f"{place}status/", {"status": status, "at": when})
    assert answer.status_code == 200, answer.content


def _clocks(call: Caller, place: str) -> dict[str, dict[str, Any]]:
    told = {clock["kind"]: clock for clock in json.loads(call.get(place).content)["clocks"]}
    assert set(told) == {"first_response", "resolution"}
    return told


@deadlines
@pytest.mark.django_db
def test_deadlines_read_from_a_case(call: Caller, fact: dict[str, Any]) -> None:
    (place,) = _opened(call, fact, fact["start"], [fact["minutes"]])

    for clock in _clocks(call, place).values():
        assert at(clock["due_at"]) == at(fact["expected"])
        assert at(clock["started_at"]) == at(fact["start"])


@stretches
@pytest.mark.parametrize("status", ["waiting_customer", "resolved"])
@pytest.mark.django_db
def test_elapsed_time_read_from_a_case_that_waits_or_is_resolved(
    call: Caller, fact: dict[str, Any], status: str
) -> None:
    (place,) = _opened(call, fact, fact["start"], [PLENTY])
    _becomes(call, place, status, fact["end"])

    clock = _clocks(call, place)["resolution"]
    assert (clock["elapsed_seconds"], clock["running"]) == (fact["seconds"], False)


@scenarios
@pytest.mark.parametrize("second", ["waiting_customer", "resolved"])
@pytest.mark.django_db
def test_deadlines_read_from_a_case_that_waits_or_is_resolved_and_reopened(
    call: Caller, fact: dict[str, Any], second: str
) -> None:
    """The first stretch without a clock is a wait for the customer, any other one `second`."""
    places = _opened(call, fact, fact["created"], [check["minutes"] for check in fact["checks"]])
    for place, check in zip(places, fact["checks"], strict=True):
        for n, (stopped, again) in enumerate(fact["clock_stopped"]):
            _becomes(call, place, second if n else "waiting_customer", stopped)
            _becomes(call, place, "open", again)
        clock = _clocks(call, place)["resolution"]
        assert check["kind"] == "deadline"
        assert at(clock["due_at"]) == at(check["expected"])
