"""Offers at /admin/: made and changed by who steers, each change a version; the condition tried while it is typed."""

from typing import Any

import pytest
from django.test import Client

from cases.models import Case
from crm.models import User
from outreach.models import Offer
from tests.outreach.conftest import make_offer

pytestmark = pytest.mark.django_db
PLACE = "/admin/outreach/offer/"
FORM: dict[str, Any] = {
    "name": "Fibre 500",
    "key": "fibre-500",
    "purpose": "upgrade",
    "is_active": "on",
    "what": "Fibre 500 for the price of Fibre 100",
    "why": "You said: “{words}”",
    "benefit": "Five times the speed",
    "price": "29.90",
    "currency": "GBP",
    "value": "0",
    "gain": "60",
    "minutes": "2",
    "months": "1",
    "gifts": "0",
    "fees": "0",
    "need_tags": "slow, buffering",
    "eligibility": '{"all": []}',
    "cooloff_days": "90",
    "versions-TOTAL_FORMS": "0",
    "versions-INITIAL_FORMS": "0",
}


@pytest.fixture
def admin(client: Client, sue: User, billing: Any) -> Client:
    client.force_login(sue)
    return client


def test_a_supervisor_adds_and_changes_an_offer(admin: Client) -> None:
    assert admin.get(f"{PLACE}add/").status_code == 200
    answer = admin.post(f"{PLACE}add/", FORM)
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    offer = Offer.objects.get()
    assert (offer.current.number, offer.current.need_tags) == (1, ["buffering", "slow"])  # type: ignore[union-attr]
    page = admin.get(f"{PLACE}{offer.pk}/change/")
    assert "data-preview" in page.content.decode()
    admin.post(f"{PLACE}{offer.pk}/change/", FORM | {"price": "19.90"})
    offer.refresh_from_db()
    assert offer.current.number == 2  # type: ignore[union-attr]
    admin.post(f"{PLACE}{offer.pk}/change/", FORM | {"price": "19.90"})
    assert offer.versions.count() == 2
    assert admin.get(PLACE).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"eligibility": "{"}, "eligibility"),
        ({"eligibility": '{"fact": "shoes", "op": "is", "value": 1}'}, "eligibility"),
        ({"why": "{shoes}"}, "why"),
        ({"public_price": "5"}, "price"),
    ],
)
def test_every_fault_stands_beside_its_field(admin: Client, wrong: dict[str, str], field: str) -> None:
    answer = admin.post(f"{PLACE}add/", FORM | wrong)
    assert answer.status_code == 200
    assert field in answer.context["adminform"].form.errors
    assert not Offer.objects.exists()


def test_a_condition_is_tried_while_it_is_typed(admin: Client, case: Case) -> None:
    def tried(text: str) -> dict[str, Any]:
        return admin.post(f"{PLACE}preview/", {"condition": text}).json()

    good = tried('{"fact": "plans", "op": "has", "value": "Fibre 100"}')
    assert good["words"] == "Customers of whom this is true: Plans in use include Fibre 100. — 1 customer"
    assert [(row["name"], row["why"]) for row in good["sample"]] == [("Carl Jensen", "Plans in use: Fibre 100")]
    assert tried('{"fact": "shoes"}')["words"].startswith("fact: ")
    assert tried("{")["ok"] is False


def test_others_do_not_get_in(client: Client, ana: User, eve: User) -> None:
    offer = make_offer()
    for user in (ana, eve):
        client.force_login(user)
        assert client.post(f"{PLACE}preview/", {"condition": "{}"}).status_code == 403
        assert client.post(f"{PLACE}{offer.pk}/change/", FORM).status_code == 403
