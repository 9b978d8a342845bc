"""Deadlines and elapsed times that other products' suites agree on."""

import json
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from cases.business_hours import Hours
from tests.selection import data_folder

pytestmark = pytest.mark.realdata


def _facts(kind: str) -> list[Any]:
    path = data_folder() / "sla_calendar" / "cases_third.json"
    return list(json.loads(path.read_text())[kind]) if path.is_file() else []


def _hours(fact: dict[str, Any]) -> Hours:
    calendar = fact["calendar"]
    return Hours(calendar["tz"], calendar["hours"], calendar.get("holidays", []))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize("fact", _facts("deadlines"), ids=lambda f: f"{f['start']} + {f['minutes']} min")
def test_deadlines(fact: dict[str, Any]) -> None:
    seconds = round(Decimal(str(fact["minutes"])) * 60, 6)
    assert _hours(fact).add(at(fact["start"]), seconds) == at(fact["expected"])


@pytest.mark.parametrize("fact", _facts("elapsed"), ids=lambda f: f"{f['start']} to {f['end']}")
def test_elapsed(fact: dict[str, Any]) -> None:
    assert _hours(fact).elapsed(at(fact["start"]), at(fact["end"])) == fact["seconds"]


@pytest.mark.parametrize("fact", _facts("scenarios"), ids=lambda f: f["name"])
def test_a_clock_that_stands_still_at_times(fact: dict[str, Any]) -> None:
    hours, resumed, spent = _hours(fact), at(fact["created"]), Decimal(0)
    for stopped, again in fact["clock_stopped"]:
        spent += hours.elapsed(resumed, at(stopped))
        resumed = at(again)
    for check in fact["checks"]:
        assert hours.add(resumed, check["minutes"] * 60 - spent) == at(check["expected"])
