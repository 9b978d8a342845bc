"""Segments over HTTP: made, said anew, retired, listed, and tried before they are kept."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.models import Queue
from crm.models import User
from customers.models import Order, Segment
from tests.api import Caller
from tests.builders import make_case, make_customer

pytestmark = pytest.mark.django_db

GOLD = {"fact": "tier", "op": "is", "value": "gold"}
NEW: dict[str, Any] = {"name": "Gold", "condition": GOLD}


def test_a_segment_is_made_said_anew_and_retired(sue: User, ana: User, billing: Queue) -> None:
    call = Caller(sue)
    made = call.post("segments/", NEW)
    assert made.status_code == 201
    assert (made.json()["key"], made.json()["version"]) == ("gold", 1)
    assert made.json()["sentence"] == "Customers of whom this is true: Tier is gold."
    assert call.post("segments/", NEW).status_code == 409
    place = f"segments/{made.json()['id']}/"
    changed = call.patch(place, {"condition": {"not": GOLD}, "description": "The others"}, If_Match='"1"')
    assert (changed.json()["version"], changed.json()["description"]) == (2, "The others")
    assert call.patch(place, {"name": "X"}, If_Match='"1"').status_code == 412
    assert call.patch(place, {"key": "silver"}).status_code == 400
    assert Caller(ana).patch(place, {"name": "Mine"}).status_code == 403
    assert Caller(ana).delete(place).status_code == 403
    assert Segment.objects.get().is_active
    assert call.delete(place).status_code == 204
    assert not Segment.objects.get().is_active
    assert Caller(ana).get(place).json()["name"] == "Gold"


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"condition": {"fact": "shoes", "op": "is", "value": 9}}, "fact: There is no “shoes”"),
        ({"condition": {"any": [{"count": "orders", "op": ">=", "value": 3}]}}, "any[0].op: Write “at_least”"),
        ({"condition": {"segment": "gold"}}, "segment: A segment cannot be part of itself"),
        ({"condition": {"segment": "silver"}}, "segment: There is no “silver”"),
    ],
)
def test_what_cannot_be_meant_is_refused_and_nothing_is_kept(sue: User, wrong: dict[str, Any], told: str) -> None:
    answer = Caller(sue).post("segments/", {**NEW, **wrong})
    assert answer.status_code == 400
    assert told in {e["field"]: e["message"] for e in answer.json()["errors"]}["condition"]
    assert not Segment.objects.exists()


def test_its_members_are_paged_and_are_those_one_may_see(sue: User, eve: User, billing: Queue) -> None:
    people = [make_customer(f"C{n}", tier="gold") for n in range(5)]
    make_customer("Other")
    make_case(billing, customer=people[0])
    place = f"segments/{Caller(sue).post('segments/', NEW).json()['id']}/members/"
    first = Caller(sue).get(f"{place}?limit=3").json()
    rest = Caller(sue).get(first["next"].split("/api/")[1]).json()
    assert [row["id"] for row in [*first["results"], *rest["results"]]] == [each.pk for each in reversed(people)]
    assert Caller(eve).get(place).status_code == 403


def test_a_condition_is_tried_with_count_sample_and_why(sue: User, ana: User) -> None:
    ana_torres = make_customer("Ana Torres", tier="gold")
    make_customer("Ben", tier="gold")
    for _ in range(3):
        Order.objects.create(customer=ana_torres, number="N", placed_at=timezone.now() - timedelta(days=2))
    Caller(sue).post("segments/", NEW)
    asked = {"all": [{"segment": "gold"}, {"count": "orders", "within_days": 30, "op": "at_least", "value": 3}]}
    told = Caller(sue).post("segments/preview/", {"condition": asked}).json()
    assert (told["count"], told["sample"]) == (
        1,
        [
            {
                "id": ana_torres.pk,
                "name": "Ana Torres",
                "reasons": ["in the segment “Gold”", "3 orders in the last 30 days"],
            }
        ],
    )
    assert told["sentence"] == (
        "Customers of whom this is true: in the segment “Gold” and at least 3 orders in the last 30 days."
    )
    assert Caller(ana).post("segments/preview/", {"condition": asked}).status_code == 403
    assert Caller(sue).post("segments/preview/", {"condition": {"fact": "tier"}}).status_code == 400
