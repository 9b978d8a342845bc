"""What customers answered to questions: in their timeline, over the API, at /admin/; counted, with intervals, as far as one may see."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import Case, Queue
from crm import configuring
from crm.models import User
from customers import merging
from customers.hooks import personal_data, timeline
from customers.models import Customer
from outreach import deciding, questions, responding
from outreach.hooks import Terms
from outreach.models import Offer, OfferPresentation, QuestionAnswer
from tests.api import Caller
from tests.builders import make_customer, make_question
from tests.outreach.asking import ASKED, SCALE, TEXT, agree, make_asking
from tests.outreach.conftest import make_offer

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(case: Case, ana: User) -> OfferPresentation:
    make_asking()
    agree(case, ana)
    return deciding.decide(case, by=ana).presentation


# --- who reads it


def test_the_timeline_and_the_merge_know_it(shown: OfferPresentation, ana: User, carl: Customer) -> None:
    responding.respond(shown, "accepted", by=ana, answer="by mail")
    now = timezone.now() + timedelta(minutes=1)
    entries = [e for part in timeline.collect(carl, ana, now, 9, "offer") for e in part]
    assert [(e.title, e.text, e.kind) for e in entries] == [("Question: Refund question", "by mail", "offer")]
    other = make_customer("Karl", email="karl@example.org")
    merge = merging.merge(other, carl, by=ana)
    assert QuestionAnswer.objects.get().customer == other
    merging.undo(merge, by=ana)
    assert QuestionAnswer.objects.get().customer == carl


def test_what_they_said_is_emptied_with_them_and_counted_still(case: Case, ana: User) -> None:
    make_asking(**TEXT)
    agree(case, ana)
    responding.respond(deciding.decide(case, by=ana).presentation, "accepted", by=ana, answer="I moved to Leeds")
    known = [column for part in personal_data.collect() for column in part]
    assert (QuestionAnswer, "text", "blank") in known
    QuestionAnswer.objects.update(text="")
    (tally,) = questions.tallies(Case.objects.all())
    assert (tally.asked, tally.answered.count) == (1, 1)


def many(queue: Queue, by: User, *said: Any) -> None:
    """So many customers were asked; None did not answer."""
    for n, answer in enumerate(said):
        case = make_question(queue, make_customer(f"Carl {n}", email=f"carl{n}@example.org"), by)
        case.messages.update(text="My refund?")
        agree(case, by)
        shown = deciding.decide(case, by=by).presentation
        if answer is not None:
            responding.respond(shown, "accepted", by=by, answer=answer)


def test_counts_shares_and_intervals_of_what_may_be_seen(billing: Queue, ana: User, ben: User, sue: User) -> None:
    asking = make_asking()
    many(billing, ana, "by mail", "by mail", "not at all", None)
    asking.publish(Terms(**ASKED | {"choices": ("by mail", "never")}))
    told = Caller(sue).get(f"questions/{asking.pk}/").json()
    assert (told["asked"], told["answered"]["count"], told["mean"]) == (4, 3, None)
    counts = {line["answer"]: line["told"]["count"] for line in told["answers"]}
    assert list(counts.items()) == [("by mail", 2), ("never", 0), ("not at all", 1)]
    mail = told["answers"][0]["told"]
    assert (mail["share"], round(mail["low"], 2), round(mail["high"], 2)) == (0.6667, 0.21, 0.94)  # Wilson, 2 of 3
    rows = Caller(ana).get(f"questions/{asking.pk}/answers/").json()["results"]
    assert [row["answer"] for row in rows] == ["not at all", "by mail", "by mail"]
    assert rows[0]["question"] == ASKED["question"]
    assert Caller(ben).get(f"questions/{asking.pk}/answers/").status_code == 403
    assert Caller(sue).get(f"questions/{make_offer().pk}/").status_code == 404


def test_a_scale_has_a_mean_with_its_interval(billing: Queue, ana: User) -> None:
    make_asking(**SCALE)
    many(billing, ana, 1, 2, 5, 4)
    (tally,) = questions.tallies(Case.objects.all())
    assert (tally.mean, tally.low, tally.high) == (3.0, 1, 5)  # 3 ± 2.9, within the scale
    assert [line.told.count for line in tally.lines] == [1, 1, 0, 1, 1]


# --- doors


def test_over_the_api(case: Case, ana: User, sue: User) -> None:
    call, place = Caller(ana), f"cases/{case.number}/offer/"
    new = {k: v for k, v in ASKED.items() if k not in {"gifts", "gain"}} | {"gifts": "30", "gain": "60"}
    new |= {"name": "Refund question", "purpose": "question"}
    made = Caller(sue).post("offers/", new)
    assert (made.status_code, made.json()["terms"]["choices"]) == (201, list(ASKED["choices"]))
    assert Caller(sue).post("offers/", new | {"key": "b", "purpose": "saving"}).status_code == 400
    agree(case, ana)
    shown = call.post(place).json()["presentation"]
    assert (shown["question"], shown["answer_kind"], shown["choices"][0]) == (ASKED["question"], "choice", "by mail")
    for wrong in ({}, {"answer": ""}, {"answer": "by pigeon"}):
        refused = call.post(f"{place}response/", {"kind": "accepted", **wrong})
        assert (refused.status_code, refused["Content-Type"]) == (409, "application/problem+json")
    kept = call.post(f"{place}response/", {"kind": "accepted", "answer": "by mail"}).json()
    assert kept["presentation"]["response"]["answer"] == "by mail"
    pk = made.json()["id"]
    assert Caller(sue).patch(f"offers/{pk}/", {"question": "And now?"}).json()["version"] == 2


def test_on_the_desk(client: Client, case: Case, ana: User) -> None:
    make_asking()
    agree(case, ana)
    client.force_login(ana)
    card = client.post(f"/cases/{case.number}/offer/", headers={"HX-Request": "true"}).content.decode()
    for words in (f"Ask: “{ASKED['question']}”", "by text message", "A month of Fibre 100 for free"):
        assert words in card
    assert ">Accepted<" not in card
    place = f"/cases/{case.number}/offer/response/"
    assert client.post(place, {"kind": "accepted"}).status_code == 409
    said = client.post(place, {"kind": "accepted", "answer": "by mail"}, headers={"HX-Request": "true"})
    assert "by mail</q>" in said.content.decode()
    assert QuestionAnswer.objects.get().choice == "by mail"


def test_it_goes_out_with_the_configuration_and_comes_in_as_it_is(billing: Queue, sue: User) -> None:
    make_asking()
    rows = configuring.export(["offers"], sue)
    told = [(line.name, line.became) for line in configuring.take(json.dumps(rows), sue, dry=False).lines]
    assert told == [("refund-question", "same")]
    elsewhere = json.dumps([{**rows[0], "key": "elsewhere"}])
    (line,) = configuring.take(elsewhere, sue, dry=False).lines
    assert (line.became, line.told) == ("created", "")
    made = Offer.objects.get(key="elsewhere")
    assert made.current is not None
    assert (made.purpose, made.current.question) == ("question", ASKED["question"])
    assert tuple(made.current.choices) == ASKED["choices"]


def test_an_offers_terms_come_in_with_the_configuration(billing: Queue, sue: User) -> None:
    offer = make_offer()
    (row,) = configuring.export(["offers"], sue)
    (line,) = configuring.take(json.dumps([{**row, "benefit": "Ten times the speed"}]), sue, dry=False).lines
    assert (line.became, line.told) == ("changed", "benefit")
    offer.refresh_from_db()
    assert offer.current is not None
    assert (offer.current.number, offer.current.benefit) == (2, "Ten times the speed")


def test_supervisors_read_and_save_the_answers(client: Client, billing: Queue, ana: User, sue: User) -> None:
    client.force_login(sue)
    place = "/admin/outreach/questionanswer/"
    assert "There is no question yet" in client.get(place).content.decode()
    asking = make_asking(**TEXT)
    assert "Nobody was asked yet" in client.get(place).content.decode()
    many(billing, ana, "=HYPERLINK(1)", "By letter")
    page = client.get(place).content.decode()
    assert "Asked 2 ×, answered 2 ×" in page
    assert "By letter" in page
    lines = b"".join(client.get(f"{place}answers.csv?offer={asking.pk}")).decode().splitlines()
    assert lines[0] == "question,answer,scale,case,customer,asked by,at"
    assert [line.split(",")[1] for line in lines[1:]] == ["'=HYPERLINK(1)", "By letter"]
    answer = QuestionAnswer.objects.latest("pk")
    assert ASKED["question"] in client.get(f"{place}{answer.pk}/change/").content.decode()
    client.force_login(ana)
    assert client.get(f"{place}answers.csv").status_code == 403


def test_a_question_is_made_at_the_admin(client: Client, sue: User, billing: Queue) -> None:
    from tests.outreach.test_admin import FORM

    client.force_login(sue)
    form = FORM | {"purpose": "question", "price": "0", "question": "How?", "answer_kind": "choice"}
    wrong = client.post("/admin/outreach/offer/add/", form | {"choices": "one"})
    assert "choices" in wrong.context["adminform"].form.errors
    wrong = client.post("/admin/outreach/offer/add/", form | {"choices": "one\ntwo", "purpose": "saving"})
    assert "question" in wrong.context["adminform"].form.errors
    assert client.post("/admin/outreach/offer/add/", form | {"choices": "one\n two \n"}).status_code == 302
    asking = Offer.objects.get()
    assert asking.current is not None
    assert (asking.current.choices, asking.current.answer_kind) == (["one", "two"], "choice")
    page = client.get(f"/admin/outreach/offer/{asking.pk}/change/").content.decode()
    assert "one\ntwo</textarea>" in page
