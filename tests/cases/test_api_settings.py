"""Queues, calendars, service levels and articles over HTTP, and clocks that come out exact."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.models import Article, BusinessCalendar, Queue, QueueMembership, SLAPolicy
from crm.models import User
from tests.api import Caller

WEEK = {day: [["09:00", "17:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}


def test_a_queues_name_suffices(root: User) -> None:
    call = Caller(root)
    made = call.post("queues/", {"name": "Sales"})
    assert made.status_code == 201, made.content
    again = call.post("queues/", {"name": "Sales"})
    assert again.status_code == 409
    assert again.json()["id"] == made.json()["id"]
    assert Queue.objects.count() == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("queues/", {"name": "Sales"}),
        ("calendars/", {"name": "Office", "tz": "UTC", "hours": WEEK}),
        ("sla-policies/", {"name": "Quick", "targets": [{"kind": "resolution", "minutes": 1}]}),
        ("articles/", {"title": "Refunds", "body": "Say so."}),
    ],
)
def test_a_rep_sets_nothing(ana: User, billing: Queue, path: str, body: Any) -> None:
    assert Caller(ana).post(path, body).status_code == 403
    assert Queue.objects.count() == 1
    for table in (BusinessCalendar, SLAPolicy, Article):
        assert not table.objects.exists()


def test_a_supervisor_keeps_to_their_queues(sue: User, billing: Queue, technical: Queue, ben: User) -> None:
    call = Caller(sue)
    own = call.post("queues/", {"name": "Refunds"}).json()["id"]
    assert call.get(f"queues/{own}/").status_code == 200
    assert call.patch(f"queues/{technical.pk}/", {"name": "Mine"}).status_code == 404
    targets = [{"kind": "resolution", "minutes": 60}]
    assert call.post("sla-policies/", {"name": "A", "queues": [own], "targets": targets}).status_code == 201
    assert call.post("sla-policies/", {"name": "B", "queues": [technical.pk], "targets": targets}).status_code == 400
    assert call.post("sla-policies/", {"name": "C", "targets": targets}).status_code == 403
    assert SLAPolicy.objects.count() == 1


def test_members_come_and_go(sue: User, ben: User, technical: Queue, billing: Queue, ana: User) -> None:
    call, place = Caller(sue), f"queues/{billing.pk}/members/"
    assert call.post(place, {"user": "ben"}).status_code == 201
    assert call.post(place, {"user": ben.pk, "role": "lead"}).status_code == 200
    assert {m["username"]: m["role"] for m in call.get(place).json()["results"]}["ben"] == "lead"
    assert call.post(place, {"user": "ben", "role": "supervisor"}).status_code == 403
    assert Caller(ana).post(place, {"user": "ben"}).status_code == 403
    assert call.delete(f"{place}{ben.pk}/").status_code == 204
    assert not QueueMembership.objects.filter(queue=billing, user=ben).exists()


def test_a_calendar_is_published_in_versions(root: User) -> None:
    call = Caller(root)
    body = {"name": "Late", "tz": "Europe/Berlin", "hours": {"fri": [["18:00", "24:00"]]}, "holidays": ["2026-12-25"]}
    made = call.post("calendars/", body)
    assert made.status_code == 201, made.content
    assert {k: made.json()[k] for k in body} == body
    place = f"calendars/{made.json()['id']}/"
    changed = call.patch(place, {"hours": WEEK}, If_Match=made["ETag"])
    assert (changed.json()["version"], changed.json()["holidays"]) == (2, ["2026-12-25"])
    assert call.patch(place, {"hours": {}}, If_Match=made["ETag"]).status_code == 412
    assert call.patch(place, {"hours": WEEK}).json()["version"] == 2


@pytest.mark.parametrize(
    "wrong",
    [
        {"tz": "Europe/Nowhere"}, {"hours": {"mon": [["17:00", "09:00"]]}}, {"hours": {"monday": [["09:00", "17:00"]]}},
        {"hours": {"mon": [["9", "17:00"]]}}, {"hours": {"mon": ["09:00", "17:00"]}}, {"hours": {"mon": [["09:00"]]}},
        {"hours": {"mon": [["09:00", "25:00"]]}}, {"holidays": ["25.12.2026"]}, {"hours": [1]}, {"tz": "../etc/passwd"},
    ],
)  # fmt: skip
def test_a_wrong_calendar_is_refused_in_words(root: User, wrong: dict[str, Any]) -> None:
    answer = Caller(root).post("calendars/", {"name": "Office", "tz": "UTC", "hours": WEEK} | wrong)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"]
    assert not BusinessCalendar.objects.exists()


def opened(root: User, queue: Queue, policy: dict[str, Any], at: str) -> tuple[Caller, str]:
    call = Caller(root)
    calendar = call.post("calendars/", {"name": "Office", "tz": "Europe/Berlin", "hours": WEEK}).json()["id"]
    made = call.post("sla-policies/", {"name": "P", "calendar": calendar, "queues": [queue.pk]} | policy)
    assert made.status_code == 201, made.content
    case = call.post("cases/", {"queue": queue.pk, "opened_at": at})
    return call, f"cases/{case.json()['number']}/"


def clock(call: Caller, place: str, kind: str = "resolution") -> dict[str, Any]:
    return next(c for c in call.get(place).json()["clocks"] if c["kind"] == kind)


def test_a_clock_of_the_past_is_exact(root: User, billing: Queue) -> None:
    policy = {"targets": [{"kind": "resolution", "minutes": 240}, {"kind": "first_response", "minutes": 0.5}]}
    call, place = opened(root, billing, policy, "2013-03-22T14:30:00Z")
    told = clock(call, place)
    assert told["due_at"] == "2013-03-25T10:30:00Z"
    assert told["breached_at"] == told["due_at"]
    assert clock(call, place, "first_response")["due_at"] == "2013-03-22T14:30:30Z"


def test_a_clock_stands_still_while_its_status_pauses_it(root: User, billing: Queue) -> None:
    policy = {"targets": [{"kind": "resolution", "minutes": 120}], "pause_statuses": ["waiting_customer"]}
    call, place = opened(root, billing, policy, "2013-03-21T09:00:00Z")
    for status, at in (
        ("waiting_customer", "2013-03-21T09:30:00Z"), ("open", "2013-03-21T11:30:00Z"), ("resolved", "2013-03-21T12:00:00Z"),
    ):  # fmt: skip
        assert call.post(f"{place}status/", {"status": status, "at": at}).status_code == 200
    told = clock(call, place)
    assert (told["elapsed_seconds"], told["paused_seconds"], told["running"]) == (3600, 7200, False)
    assert (told["met_at"], told["breached_at"]) == ("2013-03-21T12:00:00Z", None)


def test_a_paused_clock_shows_how_long_it_stands_still(root: User, billing: Queue) -> None:
    call = Caller(root)
    policy = {"name": "P", "queues": [billing.pk], "pause_statuses": ["waiting_customer"]}
    call.post("sla-policies/", policy | {"targets": [{"kind": "resolution", "minutes": 6000}]})
    at = timezone.now() - timedelta(hours=3)
    place = f"cases/{call.post('cases/', {'queue': billing.pk, 'opened_at': at.isoformat()}).json()['number']}/"
    later = (at + timedelta(hours=1)).isoformat()
    told = call.post(f"{place}status/", {"status": "waiting_customer", "at": later}).json()["clocks"][0]
    assert (told["elapsed_seconds"], told["due_at"], told["running"]) == (3600, None, False)
    assert 7200 <= told["paused_seconds"] < 7260


def test_the_newest_policy_is_asked_first_unless_it_says_otherwise(root: User, billing: Queue) -> None:
    call, target = Caller(root), {"kind": "resolution", "minutes": 60}
    call.post("sla-policies/", {"name": "For all", "targets": [target]})
    call.post("sla-policies/", {"name": "Last", "targets": [target], "position": 9})
    call.post("sla-policies/", {"name": "Ours", "queues": [billing.pk], "targets": [{**target, "minutes": 5}]})
    told = call.post("cases/", {"queue": billing.pk}).json()
    due, start = (datetime.fromisoformat(told[k]) if k in told else None for k in ("attention_at", "opened_at"))
    assert due is not None
    assert start is not None
    assert due - start == timedelta(minutes=5)


def test_a_wrong_policy_is_refused_in_words(root: User, billing: Queue) -> None:
    call = Caller(root)
    for targets in ([], [{"kind": "lunch", "minutes": 5}], [{"kind": "resolution", "minutes": -1}], "x"):
        assert call.post("sla-policies/", {"name": "P", "targets": targets}).status_code == 400
    twice = [{"kind": "resolution", "minutes": 5}] * 2
    assert call.post("sla-policies/", {"name": "P", "targets": twice}).status_code == 400
    assert not SLAPolicy.objects.exists()


def test_articles_are_written_in_versions_and_suggested(
    root: User, ana: User, ben: User, billing: Queue, technical: Queue
) -> None:
    call = Caller(root)
    body = {
        "title": "Double charge",
        "body": "We charged twice by mistake. Refund the second invoice.",
        "external_id": "A1",
    }
    made = call.post("articles/", {**body, "queues": [billing.pk]})
    assert made.status_code == 201, made.content
    again = call.post("articles/", {**body, "queues": [billing.pk], "body": body["body"] + " Say sorry."})
    assert (again.status_code, again.json()["version"], again.json()["id"]) == (200, 2, made.json()["id"])
    asked = {"text": "I was charged twice on my invoice, please refund", "queue": billing.pk}
    told = Caller(ana).post("answers/suggest/", asked).json()
    assert told["refused"] is False
    assert told["results"][0]["external_id"] == "A1"
    assert told["results"][0]["article"] == made.json()["id"]
    assert Caller(ben).get("articles/").json()["results"] == []
    assert Caller(ben).post("answers/suggest/", asked).status_code == 400
    assert Caller(ben).post("answers/suggest/", {"text": asked["text"]}).json()["results"] == []


def test_a_policy_says_what_is_done_at_warning_and_breach(
    sue: User, root: User, billing: Queue, technical: Queue, ana: User, ben: User
) -> None:
    call = Caller(sue)
    targets = [{"kind": "resolution", "minutes": 60}]
    body = {"name": "Acts", "queues": [billing.pk], "targets": targets}
    far = {"breach": {"queue": technical.pk, "people": [ben.pk]}}
    for actions in (
        far,
        {"warn": {"assignee": ben.pk}},
        {"warn": {"release": True, "assignee": ana.pk}},
        {"warn": {"notify": ["x"]}},
    ):
        assert call.post("sla-policies/", {**body, "actions": actions}).status_code == 400
    assert not SLAPolicy.objects.exists()
    actions = {"warn": {"notify": ["owner"], "people": [ana.pk]}, "breach": {"priority": "higher", "queue": billing.pk}}
    made = call.post("sla-policies/", {**body, "actions": actions})
    assert made.status_code == 201, made.content
    place = f"sla-policies/{made.json()['id']}/"
    assert call.get(place).json()["actions"] == actions
    # Another target leaves the actions as they are, and what an administrator named stays with whoever edits the rest.
    assert call.patch(place, {"targets": [{"kind": "resolution", "minutes": 30}]}).json()["actions"] == actions
    assert Caller(root).patch(place, {"actions": far}).status_code == 200
    assert call.patch(place, {"actions": {"breach": {**far["breach"], "priority": "high"}}}).status_code == 200
    assert call.patch(place, {"actions": {}}).json()["actions"] == {}
