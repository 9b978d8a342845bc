"""The panel beside a case, by HTTP: nothing before it is earned, what it costs, whom it is shown to."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Case, Queue
from crm.models import User
from customers.hooks import Entry, timeline
from outreach.models import Decision, Offer, OfferPresentation, PublicOffer
from tests.api import Caller
from tests.outreach.conftest import make_offer, open_gates

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client, ana: User, case: Case) -> Client:
    client.force_login(ana)
    return client


def asked(desk: Client, path: str, method: str = "get") -> tuple[str, int]:
    """What it says, and how many questions of ours it costs: the example plugin's own are not ours."""
    with CaptureQueriesContext(connection) as captured:
        answer = getattr(desk, method)(path, headers={"HX-Request": "true"})
    assert answer.status_code == 200, answer.content
    ours = [q["sql"] for q in captured if "SAVEPOINT" not in q["sql"] and "loyalty" not in q["sql"]]
    return answer.content.decode(), len(ours)


def test_before_the_need_is_met_nothing_is_there_but_why(desk: Client, case: Case) -> None:
    make_offer()
    html, _queries = asked(desk, f"/cases/{case.number}/offer/")
    assert "Why no offer?" in html
    assert "Fibre" not in html
    assert not re.search(r"<button|hx-post", html)
    told, _queries = asked(desk, f"/cases/{case.number}/offer/trace/")
    assert "The need is not met yet. Serve first." in told
    assert not Decision.objects.exists()


def test_a_post_before_the_need_is_met_is_refused_and_kept(desk: Client, case: Case) -> None:
    make_offer()
    assert desk.post(f"/cases/{case.number}/offer/").status_code == 409
    assert Decision.objects.get().asked == "try"
    assert not OfferPresentation.objects.exists()


def test_once_it_is_met_the_panel_of_who_has_the_case_asks_and_shows(desk: Client, case: Case, ana: User) -> None:
    make_offer()
    open_gates(case, ana)
    html, _queries = asked(desk, f"/cases/{case.number}/offer/")
    assert 'hx-trigger="load"' in html
    assert not OfferPresentation.objects.exists()
    card, _queries = asked(desk, f"/cases/{case.number}/offer/", "post")
    for words in ("Fibre 500 for the price of Fibre 100", "You said: “Where is my refund?”", "Not suited", "Accepted"):
        assert words in card
    assert "hx-trigger" not in asked(desk, f"/cases/{case.number}/offer/")[0]
    assert OfferPresentation.objects.count() == 1


def test_who_looks_over_a_shoulder_presents_nothing(desk: Client, case: Case, ana: User, lee: User) -> None:
    make_offer()
    open_gates(case, ana)
    desk.force_login(lee)
    assert "hx-post" not in asked(desk, f"/cases/{case.number}/offer/")[0]
    assert "An offer is open to whoever has this case." in asked(desk, f"/cases/{case.number}/offer/trace/")[0]


@pytest.mark.parametrize("mode", ["watch", "work"])
def test_executives_have_neither_panel_nor_address(
    client: Client, case: Case, ana: User, eve: User, billing: Queue, mode: str
) -> None:
    make_offer()
    open_gates(case, ana)
    billing.join(eve, mode=mode)
    client.force_login(eve)
    assert 'data-panel="offer"' not in client.get(f"/cases/{case.number}/").content.decode()
    for path in ("", "trace/"):
        assert client.get(f"/cases/{case.number}/offer/{path}").status_code == 403
    assert client.post(f"/cases/{case.number}/offer/").status_code == 403
    assert client.post(f"/cases/{case.number}/offer/response/", {"kind": "accepted"}).status_code == 403
    assert not Decision.objects.exists()


def test_it_costs_the_same_with_fifty_offers_as_with_one(desk: Client, case: Case, ana: User) -> None:
    make_offer()
    open_gates(case, ana)
    place = f"/cases/{case.number}/offer/"
    few = {path: asked(desk, place + path)[1] for path in ("", "trace/", "trace/")}
    for n in range(50):
        make_offer(f"offer-{n}", gain=Decimal(30), eligibility={"fact": "plans", "op": "has", "value": f"Plan {n}"})
    asked(desk, f"{place}trace/")  # the catalogue is read again once
    many = {path: asked(desk, place + path)[1] for path in ("", "trace/")}
    # The session, who asks, the case, what it shows; and for a trace the talk, the past, subscriptions and words.
    assert many[""] == few[""] == 4
    assert (few["trace/"], many["trace/"]) == (6, 7)  # the first offer asks for no subscriptions
    # How it is planned, the lock, the decision, its event, the card with its answer and whether it is open to all.
    assert asked(desk, place, "post")[1] == 14


def test_a_silence_costs_no_look_for_a_card(desk: Client, case: Case, ana: User) -> None:
    make_offer(eligibility={"fact": "plans", "op": "has", "value": "Fibre 900"})
    open_gates(case, ana)
    place = f"/cases/{case.number}/offer/"
    asked(desk, f"{place}trace/")
    assert asked(desk, place, "post")[1] == 10
    assert asked(desk, place, "post")[1] == 10  # the decision there is comes back


def test_what_opens_to_all_later_is_theirs_so_many_days_before(desk: Client, case: Case, ana: User) -> None:
    offer = make_offer(eligibility={"all": []})
    Offer.objects.filter(pk=offer.pk).update(created_at=timezone.now() - timedelta(days=60))
    public = {"twin": offer, "price": Decimal(1), "is_active": True}
    later = timezone.now() + timedelta(days=20, hours=1)
    PublicOffer.objects.create(name="Spring", valid_from=later, **public)
    PublicOffer.objects.create(name="Autumn", valid_from=later + timedelta(days=90), **public)
    open_gates(case, ana)
    place = f"/cases/{case.number}/offer/"
    assert "Yours 20 days before everybody" in asked(desk, place, "post")[0]
    told = Caller(ana).get(f"cases/{case.number}/offer/").json()["presentation"]
    assert told["public_from"].startswith(later.date().isoformat())
    PublicOffer.objects.filter(name="Spring").update(valid_from=timezone.now() + timedelta(hours=3))
    assert "Yours before everybody" in asked(desk, place)[0]
    PublicOffer.objects.update(valid_from=timezone.now() - timedelta(hours=1))
    assert "before everybody" not in asked(desk, place)[0]
    PublicOffer.objects.update(valid_from=later, is_active=False)
    assert "before everybody" not in asked(desk, place)[0]


def test_the_customers_timeline_tells_offers_and_answers(desk: Client, case: Case, ana: User, ben: User) -> None:
    make_offer()
    open_gates(case, ana)
    asked(desk, f"/cases/{case.number}/offer/", "post")
    desk.post(f"/cases/{case.number}/offer/response/", {"kind": "not_now", "days": 7})
    assert [(e.title, e.text) for e in told(case, ana)] == [("Offer: Fibre 500", "not now")]
    assert told(case, ben) == []


def told(case: Case, user: User) -> list[Entry]:
    assert case.customer is not None
    later = timezone.now() + timedelta(minutes=1)
    return [entry for part in timeline.collect(case.customer, user, later, 9, "offer") for entry in part]
