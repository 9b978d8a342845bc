"""Deciding: what is offered when everything is open, and each thing that keeps it back, with its reason."""

import pytest

from cases.models import Case
from cases.models.case import Refusal
from crm.models import Event, User
from outreach import deciding
from outreach.models import Decision, OfferPresentation
from tests.outreach.conftest import make_offer, open_gates

pytestmark = pytest.mark.django_db


def test_everything_open_one_offer_is_presented_in_their_words(case: Case, ana: User) -> None:
    make_offer()
    open_gates(case, ana)
    decision = deciding.decide(case, by=ana)
    assert decision.outcome == "presented"
    shown = OfferPresentation.objects.get()
    assert shown.candidate.sentence == "You said: “Where is my refund?”"
    assert (shown.need_met_event_id, shown.by, shown.candidate.probability) == (case.need_met_event_id, ana, 1.0)
    assert Event.objects.filter(kind="offer_presented", stream_id=case.pk).exists()
    assert deciding.is_replayed(Decision.objects.get())


def test_before_the_need_is_met_it_is_silence(case: Case, ana: User) -> None:
    make_offer()
    decision = deciding.decide(case, by=ana)
    assert decision.outcome == "silence"
    assert decision.gates[0][:2] == ["need_met", "need_unmet"]
    assert decision.candidates.get().stage == "need_met"


def test_an_executive_may_not(case: Case, eve: User) -> None:
    case.queue.join(eve, mode="work")
    with pytest.raises(Refusal):
        deciding.decide(case, by=eve)
    assert not Decision.objects.exists()
