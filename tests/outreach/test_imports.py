"""Offers and answers from elsewhere: what somebody declined there is declined here."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from cases.models import Case, Queue
from crm.models import User
from customers import merging
from customers.models import Customer
from outreach import deciding
from outreach.models import Offer, PastResponse
from tests.builders import make_question
from tests.outreach.conftest import open_gates

pytestmark = pytest.mark.django_db
OFFER = {
    "type": "offer",
    "external_id": "fibre-500",
    "name": "Fibre 500",
    "what": "Fibre 500",
    "benefit": "Five times the speed",
    "why": "You said: “{words}”",
    "gain": "60",
    "need_tags": ["refund"],
}
WHO = {
    "type": "customer",
    "external_id": "c1",
    "name": "Ann",
    "contact_points": [{"kind": "email", "value": "ann@example.org"}],
}


def bring(folder: Path, *lines: dict[str, Any]) -> list[str]:
    """The errors, in order."""
    file = folder / "lines.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        call_command("import", str(file), verbosity=0)
    except SystemExit:
        return [json.loads(line)["error"] for line in next(folder.glob("*error*")).read_text().splitlines()]
    return []


def said(kind: str, **more: Any) -> dict[str, Any]:
    now = timezone.now().isoformat()
    return {
        "type": "response",
        "external_id": "r1",
        "customer": "c1",
        "offer": "fibre-500",
        "kind": kind,
        "at": now,
        **more,
    }


def talk(billing: Queue, ana: User) -> Case:
    case = make_question(billing, Customer.objects.get(external_id="c1"), ana)
    case.messages.update(text="Where is my refund?")
    open_gates(case, ana)
    return case


def test_an_offer_comes_in_once_and_a_change_is_a_version(tmp_path: Path, capsys: Any) -> None:
    assert bring(tmp_path, OFFER) == []
    bring(tmp_path, OFFER)
    assert "1 unchanged" in capsys.readouterr().out
    bring(tmp_path, {**OFFER, "price": "5"})
    offer = Offer.objects.get()
    assert offer.current is not None
    assert (offer.current.number, str(offer.current.price)) == (2, "5.0000")


def test_a_bad_offer_leaves_nothing_and_says_why(tmp_path: Path) -> None:
    (error,) = bring(tmp_path, {**OFFER, "why": "{nonsense}"})
    assert "There is no {nonsense}" in error
    assert not Offer.objects.exists()


def test_a_question_comes_in_and_goes_on_as_one(tmp_path: Path, capsys: Any) -> None:
    asking = {**OFFER, "external_id": "q", "purpose": "question", "question": "Why?", "answer_kind": "choice"}
    (error,) = bring(tmp_path, {**asking, "choices": ["price"]})
    assert "Give from 2 to 10" in error
    assert bring(tmp_path, {**asking, "choices": ["price", "speed"]}) == []
    bring(tmp_path, {**asking, "choices": ["price", "speed"]})
    assert "1 unchanged" in capsys.readouterr().out
    offer = Offer.objects.get(key="q")
    assert offer.current is not None
    assert (offer.purpose, offer.current.question, offer.current.choices) == ("question", "Why?", ["price", "speed"])
    (error,) = bring(tmp_path, {**OFFER, "external_id": "q"})
    assert "does not become a question" in error


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("no", "no"), ("never", "never"), ("accepted", "accepted"), ("not_now", "not_now"), ("not_suited", "not_suited")],
)
def test_what_was_said_elsewhere_holds_here(tmp_path: Path, billing: Queue, ana: User, kind: str, reason: str) -> None:
    assert bring(tmp_path, WHO, OFFER, said(kind)) == []
    decision = deciding.decide(talk(billing, ana), by=ana)
    assert decision.outcome == "silence"
    assert decision.candidates.get().reason == reason
    assert deciding.is_replayed(decision)


def test_ignored_twice_rests_and_three_in_ninety_days_are_enough(tmp_path: Path, billing: Queue, ana: User) -> None:
    lines = [said("ignored", external_id=f"r{n}") for n in range(2)]
    bring(tmp_path, WHO, OFFER, *lines)
    decision = deciding.decide(talk(billing, ana), by=ana)
    assert decision.candidates.get().reason == "ignored"
    bring(tmp_path, said("ignored", external_id="r9"))
    again = deciding.decide(Case.objects.latest("pk"), by=ana)
    assert "cap" in {gate[1] for gate in again.gates}


def test_answers_come_in_once_and_need_their_customer_and_offer(tmp_path: Path) -> None:
    bring(tmp_path, WHO, OFFER, said("no"))
    bring(tmp_path, said("no"))
    assert PastResponse.objects.count() == 1
    errors = bring(
        tmp_path, said("no", external_id="r2", customer="nobody"), said("no", external_id="r3", offer="none")
    )
    assert [("customer nobody" in errors[0]), ("offer none" in errors[1])] == [True, True]


def test_they_go_with_the_customer_in_a_merge_and_come_back(tmp_path: Path, carl: Customer, ana: User) -> None:
    bring(tmp_path, WHO, OFFER, said("never"))
    ann = Customer.objects.get(external_id="c1")
    merge = merging.merge(carl, ann, by=ana)
    assert PastResponse.objects.get().customer == carl
    merging.undo(merge, by=ana)
    assert PastResponse.objects.get().customer == ann
