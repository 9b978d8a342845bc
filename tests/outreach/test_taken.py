"""How many of an offer are gone: counted by the database with every answer, whoever writes it."""

import importlib
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cases.models import Case
from crm.models import User
from outreach import deciding, responding
from outreach.models import Offer, OfferPresentation, OfferResponse, Taken
from tests.builders import make_customer, make_question, make_queue, make_user
from tests.outreach.conftest import make_offer, open_gates
from tests.racing import outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(case: Case, ana: User) -> OfferPresentation:
    make_offer(stock=5)
    open_gates(case, ana)
    return deciding.decide(case, by=ana).presentation


def gone() -> int:
    return responding.taken(Offer.objects.get())


def answered(shown: OfferPresentation, number: int, kind: str, by: User) -> None:
    """Past the verb, as a script would."""
    about: dict[str, Any] = {"until": timezone.now()} if kind == "not_now" else {}
    OfferResponse.objects.create(presentation=shown, number=number, kind=kind, by=by, **about)


def test_it_follows_the_answer_that_stands(shown: OfferPresentation, ana: User) -> None:
    told = []
    for kind in ("no", "accepted", "not_now", "accepted", "never"):
        responding.respond(shown, kind, by=ana)
        told.append(gone())
    assert told == [0, 1, 0, 1, 0]


def test_whoever_writes_and_in_whatever_order(shown: OfferPresentation, ana: User) -> None:
    answered(shown, 2, "accepted", ana)
    assert gone() == 1
    answered(shown, 1, "no", ana)  # came late: the second stands
    assert gone() == 1
    answered(shown, 4, "no", ana)
    answered(shown, 3, "accepted", ana)
    assert gone() == 0


def test_what_the_update_counts_is_what_the_trigger_counted(shown: OfferPresentation, ana: User) -> None:
    for kind in ("accepted", "no", "accepted"):
        responding.respond(shown, kind, by=ana)
    counted = list(Taken.objects.values_list("offer_id", "many"))
    Taken.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(importlib.import_module("outreach.migrations.0008_taken").COUNT)
    assert list(Taken.objects.values_list("offer_id", "many")) == counted == [(Offer.objects.get().pk, 1)]


def test_a_decision_hears_of_it_where_the_offer_may_run_out(shown: OfferPresentation, case: Case, ana: User) -> None:
    responding.respond(shown, "accepted", by=ana)
    offer = Offer.objects.get()
    assert deciding.look(case, timezone.now()).context.taken == {str(offer.pk): 1}
    make_offer(stock=None)
    assert deciding.look(case, timezone.now()).context.taken == {}
    make_offer(stock=1)  # what was taken before it was limited counts
    assert deciding.look(case, timezone.now()).context.taken == {str(offer.pk): 1}


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_none_is_missed() -> None:
    ana = make_user("Ana Lind", username="ana")
    queue = make_queue("Billing", reps=[ana])
    make_offer()
    for n in range(6):
        case = make_question(queue, make_customer(f"Carl {n}", email=f"carl{n}@example.org"), ana)
        case.messages.update(text="My refund?")
        open_gates(case, ana)
        deciding.decide(case, by=ana)
    shown = list(OfferPresentation.objects.order_by("pk"))
    outcomes(6, lambda n: answered(shown[n], 1, "accepted", ana))
    assert gone() == 6
    # Two answers to one presentation, in either order: the later number stands.
    outcomes(12, lambda n: answered(shown[n // 2], 2 + n % 2, ("accepted", "no")[n % 2], ana))
    assert gone() == 0
