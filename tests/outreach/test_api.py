"""Offers over HTTP: what supervisors set, what was decided, what is offered in a case, and what was answered."""

from typing import Any

import pytest

from cases.models import Case
from crm.models import Event, User
from outreach import deciding
from outreach.models import Decision, Offer, OfferPresentation, OfferResponse
from tests.api import Caller
from tests.outreach.conftest import make_offer, open_gates

pytestmark = pytest.mark.django_db

NEW: dict[str, Any] = {
    "name": "Fibre 500",
    "what": "Fibre 500 for the price of Fibre 100",
    "benefit": "Five times the speed",
    "why": "You said: “{words}”",
    "gain": "60",
    "price": "29.90",
    "need_tags": ["refund"],
}


def test_an_offer_is_made_and_changed_by_versions(sue: User, billing: Any, ana: User) -> None:
    call = Caller(sue)
    made = call.post("offers/", NEW)
    assert made.status_code == 201
    assert (made.json()["key"], made.json()["version"], made.json()["terms"]["price"]) == ("fibre-500", 1, "29.9000")
    pk = made.json()["id"]
    changed = call.patch(f"offers/{pk}/", {"price": "19.90"}, If_Match='"1"')
    assert (changed.json()["version"], changed.json()["terms"]["what"]) == (2, NEW["what"])
    assert call.patch(f"offers/{pk}/", {"price": "9"}, If_Match='"1"').status_code == 412
    assert call.patch(f"offers/{pk}/", {"is_active": False}).json()["is_active"] is False
    offer = Offer.objects.get()
    prices = offer.versions.order_by("number").values_list("price", flat=True)
    assert list(map(str, prices)) == ["29.9000", "19.9000"]
    assert Caller(ana).get("offers/").json()["results"][0]["version"] == 2
    assert Caller(ana).patch(f"offers/{pk}/", {"price": "1"}).status_code == 403


@pytest.mark.parametrize(
    ("wrong", "field", "words"),
    [
        ({"eligibility": {"fact": "shoe_size", "op": "is", "value": 9}}, "eligibility", "fact:"),
        ({"eligibility": {"all": [{"fact": "tier", "op": "like", "value": "g"}]}}, "eligibility", "all[0].op:"),
        ({"why": "You have {shoes}"}, "why", "{shoes}"),
        ({"gain": "0"}, "gain", "nothing"),
        ({"price": "30", "public_price": "20"}, "price", "never pay more"),
        ({"need_tags": []}, "need_tags", "what it answers"),
    ],
)
def test_what_is_no_offer_is_refused_by_its_field(
    sue: User, billing: Any, wrong: dict[str, Any], field: str, words: str
) -> None:
    answer = Caller(sue).post("offers/", {**NEW, **wrong})
    assert answer.status_code == 400
    told = {e["field"]: e["message"] for e in answer.json()["errors"]}
    assert words in told[field]
    assert not Offer.objects.exists()


def test_who_would_qualify_is_counted_before_it_is_kept(sue: User, billing: Any, case: Case) -> None:
    asked = {"eligibility": {"fact": "plans", "op": "has", "value": "Fibre 100"}}
    assert Caller(sue).post("offers/preview/", asked).json() == {"count": 1, "sample": [case.customer_id], "note": ""}
    assert Caller(sue).post("offers/preview/", {"eligibility": {"fact": "x"}}).status_code == 400


def test_a_case_tells_why_nothing_and_then_what(case: Case, ana: User) -> None:
    make_offer()
    call, place = Caller(ana), f"cases/{case.number}/offer/"
    told = call.get(place).json()
    assert (told["id"], told["need_met"], told["outcome"], told["presentation"]) == (None, False, "silence", None)
    assert told["gates"][0] == {
        "stage": "need_met",
        "reason": "need_unmet",
        "words": "The need is not met yet. Serve first.",
    }
    assert not Decision.objects.exists()
    open_gates(case, ana)
    would = call.get(place).json()
    assert (would["id"], would["outcome"], would["candidates"][0]["sentence"]) == (
        None,
        "presented",
        "You said: “Where is my refund?”",
    )
    made = call.post(place)
    assert made.status_code == 201
    assert made.json()["presentation"]["what"] == "Fibre 500 for the price of Fibre 100"
    assert call.post(place).json()["id"] == made.json()["id"] == call.get(place).json()["id"]
    assert OfferPresentation.objects.count() == 1


def test_trying_through_a_shut_gate_is_refused_and_kept(case: Case, ana: User) -> None:
    offer = make_offer()
    call, place = Caller(ana), f"cases/{case.number}/offer/"
    for body in ({}, {"offer": offer.pk}):
        refused = call.post(place, body)
        assert (refused.status_code, refused.json()["gates"][0]["reason"]) == (409, "need_unmet")
    open_gates(case, ana)
    dear = make_offer("not-for-him", eligibility={"fact": "country", "op": "is", "value": "GB"})
    assert call.post(place, {"offer": dear.pk}).status_code == 409
    assert list(Decision.objects.values_list("asked", "outcome").distinct()) == [("try", "silence")]
    assert Event.objects.filter(kind="offer_refused", actor=ana).count() == 3
    assert call.post(place, {"offer": offer.pk}).status_code == 201


def test_a_try_with_an_idempotency_key_is_kept_too_and_once(case: Case, ana: User) -> None:
    make_offer()
    call, place = Caller(ana), f"cases/{case.number}/offer/"
    for _time in range(2):
        refused = call.post(place, {}, Idempotency_Key="once")
        assert (refused.status_code, refused["Content-Type"]) == (409, "application/problem+json")
    assert refused["Idempotent-Replayed"] == "true"
    assert Event.objects.filter(kind="offer_refused").count() == 1


def test_answers_are_kept_and_shown(case: Case, ana: User) -> None:
    make_offer()
    call, place = Caller(ana), f"cases/{case.number}/offer/"
    assert call.post(f"{place}response/", {"kind": "no"}).status_code == 409
    open_gates(case, ana)
    decided = call.post(place).json()["id"]
    assert call.post(f"{place}response/", {"kind": "not_suited"}).status_code == 409
    assert call.post(f"{place}response/", {"kind": "withheld"}).status_code == 409
    answer = call.post(f"{place}response/", {"kind": "accepted"})
    assert answer.json()["presentation"]["response"]["fulfilment"] == "waiting"
    assert call.get(f"decisions/?case={case.number}").json()["results"][0]["id"] == decided
    whole = call.get(f"decisions/{decided}/").json()
    assert (whole["presentation"]["response"]["kind"], whole["probability"]) == ("accepted", 1.0)
    case.refresh_from_db()
    case.mark_need_unmet(by=ana)
    assert call.post(f"{place}response/", {"kind": "no"}).status_code == 409
    assert OfferResponse.objects.count() == 1


def test_whoever_may_not_see_the_case_sees_no_decision(case: Case, ana: User, ben: User, eve: User) -> None:
    make_offer()
    open_gates(case, ana)
    pk = deciding.decide(case, by=ana).pk
    assert Caller(ben).get("decisions/").status_code == 403  # a rep of no queue
    case.queue.join(eve, mode="work")
    for path in (f"cases/{case.number}/offer/", "decisions/", f"decisions/{pk}/", "offers/"):
        assert Caller(eve).get(path).status_code == 403
    assert Caller(eve).post(f"cases/{case.number}/offer/response/", {"kind": "accepted"}).status_code == 403
    assert not OfferResponse.objects.exists()
