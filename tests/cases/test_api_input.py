"""What the API of cases takes, and what it refuses without having changed anything."""

from typing import Any

import pytest

from cases.models import Case, Queue, QueueMembership
from crm.models import Event, User
from tests.api import Caller
from tests.builders import make_case

pytestmark = pytest.mark.django_db


def test_a_case_comes_with_its_tags_and_custom_fields(ana: User, billing: Queue) -> None:
    body = {"queue": billing.pk, "tags": ["vip", "router", "vip"], "custom": {"contract": 7}}
    case = Caller(ana).post("cases/", body).json()
    assert (case["tags"], case["custom"]) == (["router", "vip"], {"contract": 7})


@pytest.mark.parametrize("at", [None, "2026-03-02T09:00:00Z"])
def test_a_case_is_not_merged_by_its_status(root: User, billing: Queue, at: str | None) -> None:
    """Nobody would find it again: a merged case points at the one it went into."""
    case = make_case(billing)
    answer = Caller(root).post(f"cases/{case.number}/status/", {"status": "merged"} | ({"at": at} if at else {}))
    assert answer.status_code == 400
    assert "resolved, closed, spam" in answer.json()["errors"][0]["message"]
    assert Case.objects.get().status == "new"
    assert not Event.objects.filter(kind="status_changed").exists()


@pytest.mark.parametrize("asked", ["sleeping", "open,sleeping", ""])
def test_a_status_there_is_not_is_no_empty_list(ana: User, billing: Queue, asked: str) -> None:
    answer = Caller(ana).get(f"cases/?status={asked}")
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["field"] == "status"


def test_cases_are_filtered_by_several_statuses(ana: User, billing: Queue) -> None:
    numbers = {status: make_case(billing).number for status in ("new", "open", "closed")}
    for status, number in numbers.items():
        Case.objects.filter(number=number).update(status=status)
    found = Caller(ana).get("cases/?status=new,open").json()["results"]
    assert {c["number"] for c in found} == {numbers["new"], numbers["open"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("status/", {"status": "open", "at": "2026-03-02T09:00:00"}),
        ("messages/", {"direction": "note", "text": "x", "at": "2026-03-02T09:00:00"}),
        ("messages/", {"direction": "outbound", "text": "x", "by_when": "2036-03-02T09:00:00"}),
        ("promises/", {"what": "A call", "due_at": "2036-03-02T09:00:00"}),
    ],
)
def test_times_say_their_zone(root: User, billing: Queue, path: str, body: dict[str, Any]) -> None:
    case = make_case(billing)
    before = Case.objects.values().get()
    answer = Caller(root).post(f"cases/{case.number}/{path}", body)
    assert answer.status_code == 400, answer.content
    assert "zone" in answer.json()["errors"][0]["message"]
    assert Case.objects.values().get() == before


def test_members_come_and_go_once(root: User, ben: User, billing: Queue) -> None:
    call, place = Caller(root), f"queues/{billing.pk}/members/"
    body = {"user": "ben", "role": "rep"}
    assert [call.post(place, body).status_code for _n in range(2)] == [201, 200]
    assert call.post(place, {"user": ben.pk, "role": "lead"}).json()["role"] == "lead"
    assert [call.delete(f"{place}{ben.pk}/").status_code for _n in range(2)] == [204, 404]
    assert not QueueMembership.objects.filter(user=ben, queue=billing).exists()
    told = Event.objects.filter(stream="queue", stream_id=billing.pk, via="api").order_by("version")
    assert [e.kind for e in told] == ["member_set", "member_set", "member_removed"]
