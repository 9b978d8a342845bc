"""Segments at /admin/: made from rows, tried while they are written, told who uses them."""

import json
from typing import Any

import pytest
from django.test import Client

from cases.models import Queue
from crm import uses
from crm.models import User
from customers.models import Segment
from tests.builders import make_customer
from tests.cases.ruled import make_rule
from tests.outreach.conftest import make_offer

pytestmark = pytest.mark.django_db

PLACE = "/admin/customers/segment/"
GOLD = {"fact": "tier", "op": "is", "value": "gold"}
FORM = {
    "name": "Gold",
    "key": "gold",
    "description": "",
    "owner": "",
    "is_active": "on",
    "condition": json.dumps(GOLD),
    "versions-TOTAL_FORMS": "0",
    "versions-INITIAL_FORMS": "0",
}


@pytest.fixture
def admin(client: Client, sue: User, billing: Queue) -> Client:
    client.force_login(sue)
    return client


def test_a_supervisor_adds_changes_and_retires_a_segment(admin: Client, sue: User) -> None:
    answer = admin.post(f"{PLACE}add/", FORM)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    gold = Segment.objects.get()
    assert (gold.current.number, gold.current.created_by) == (1, sue)  # type: ignore[union-attr]
    place = f"{PLACE}{gold.pk}/change/"
    page = admin.get(place).content.decode()
    assert 'data-key="gold"' in page
    assert "Customers of whom this is true: Tier is gold." in page
    seal = admin.get(place).context["adminform"].form["seen"].value()
    changed = FORM | {"condition": json.dumps({"not": GOLD}), "description": "The others", "seen": seal}
    admin.post(place, changed)
    gold.refresh_from_db()
    assert (gold.current.number, gold.description) == (2, "The others")  # type: ignore[union-attr]
    seal = admin.get(place).context["adminform"].form["seen"].value()
    admin.post(place, {**changed, "is_active": "", "seen": seal})
    gold.refresh_from_db()
    assert (gold.is_active, gold.is_stale, gold.versions.count()) == (False, True, 2)
    assert admin.get(PLACE).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("{", "This is no JSON"),
        ("[" * 40_000, "This is no JSON"),
        ('{"fact": "shoes", "op": "is", "value": 1}', "fact: There is no “shoes”"),
        ('{"segment": "gold"}', "cannot be part of itself"),
        ('{"count": "orders", "op": ">", "value": 1}', "op: Write “more_than”"),
    ],
)
def test_every_fault_stands_beside_its_field(admin: Client, wrong: str, told: str) -> None:
    answer = admin.post(f"{PLACE}add/", FORM | {"condition": wrong})
    assert told in answer.context["adminform"].form.errors["condition"][0]
    assert not Segment.objects.exists()


def test_whom_it_means_is_shown_while_it_is_written(admin: Client) -> None:
    ana = make_customer("Ana Torres", tier="gold")

    def tried(condition: Any, **more: str) -> dict[str, Any]:
        text = condition if isinstance(condition, str) else json.dumps(condition)
        found: dict[str, Any] = admin.post(f"{PLACE}preview/", {"condition": text, **more}).json()
        return found

    assert tried(GOLD) == {
        "ok": True,
        "words": "Customers of whom this is true: Tier is gold. — 1 customer",
        "sample": [{"name": "Ana Torres", "url": f"/customers/{ana.pk}/", "why": "Tier: gold"}],
    }
    assert tried({"all": []})["words"] == "Every customer. — 1 customer"
    assert tried({"not": {"exists": "orders", "within_days": 90}})["sample"][0]["why"] == (
        "not (there are orders in the last 90 days)"
    )
    assert not tried("{")["ok"]
    assert "part of itself" in tried({"segment": "gold"}, key="gold")["words"]


def test_the_editor_is_told_what_there_is(admin: Client) -> None:
    admin.post(f"{PLACE}add/", FORM)
    found = admin.get(f"{PLACE}catalogue/").json()
    assert found["segments"] == [["gold", "Gold"]]
    timed = {rows["name"]: rows["timed"] for rows in found["collections"]}
    assert timed.items() >= {"cases": True, "orders": True, "subscriptions": True}.items()
    assert {op["name"] for op in found["counts"]} >= {"at_least", "between"}
    assert {"name": "tier", "type": "text", "label": "Tier"} in found["facts"]


def test_who_uses_it_is_told(admin: Client, sue: User, billing: Queue) -> None:
    admin.post(f"{PLACE}add/", FORM)
    gold = Segment.objects.get()
    asked = {"all": [{"segment": "gold"}]}
    Segment.objects.create(key="not-gold", name="Others").publish({"not": {"segment": "gold"}})
    make_rule(queues=[billing], condition=asked)
    make_offer(eligibility=asked)
    assert {use.text for use in uses.of(gold, sue)} == {
        "1 × segment that names it",
        "1 × rule that asks for it",
        "1 × offer that is for who is in it",
    }
    assert "1 × offer that is for who is in it" in admin.get(f"{PLACE}{gold.pk}/change/").content.decode()


def test_others_do_not_get_in(client: Client, ana: User, eve: User) -> None:
    for user in (ana, eve):
        client.force_login(user)
        assert client.post(f"{PLACE}preview/", {"condition": "{}"}).status_code == 403
        assert client.get(f"{PLACE}catalogue/").status_code == 403
        assert client.post(f"{PLACE}add/", FORM).status_code == 403
    assert not Segment.objects.exists()
