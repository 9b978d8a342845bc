"""What a customer said to an offer: kept, corrected by another row, respected; a yes is fulfilled once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from cases.models import Case
from cases.models.case import Refusal
from crm.models import Event, User
from outreach import deciding, fulfilling, responding
from outreach.hooks import Acceptance, fulfilments
from outreach.models import Fulfilment, Offer, OfferPresentation, OfferResponse
from tests.builders import make_customer, make_question, make_queue, make_user
from tests.outreach.conftest import make_offer, open_gates
from tests.plugin.outreach_hooks import DONE, DOUBLE_POINTS
from tests.racing import outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(case: Case, ana: User) -> OfferPresentation:
    make_offer()
    open_gates(case, ana)
    return deciding.decide(case, by=ana).presentation


def state() -> str:
    return Fulfilment.objects.get().state


def test_the_newest_answer_stands_and_every_one_is_kept(shown: OfferPresentation, ana: User, lee: User) -> None:
    responding.respond(shown, "no", by=ana)
    responding.respond(shown, "no", by=lee)
    responding.respond(shown, "not_suited", by=lee, reason="lives alone")
    kept = list(shown.responses.order_by("number").values_list("number", "kind", "reason", "by"))
    assert kept == [(1, "no", "", ana.pk), (2, "not_suited", "lives alone", lee.pk)]
    assert responding.standing(shown).kind == "not_suited"  # type: ignore[union-attr]
    told = Event.objects.filter(kind="offer_answered").order_by("version")
    assert [e.data["answer"] for e in told] == ["no", "not_suited"]


def test_what_is_no_answer_is_refused(shown: OfferPresentation, ana: User, eve: User) -> None:
    past = timezone.now() - timedelta(days=1)
    shown.case.queue.join(eve, mode="work")
    wrong: list[dict[str, Any]] = [
        {"kind": "maybe", "by": ana},
        {"kind": "not_suited", "by": ana},
        {"kind": "withheld", "by": ana, "reason": "  "},
        {"kind": "not_now", "by": ana, "until": past},
        {"kind": "accepted", "by": eve},
    ]
    for answer in wrong:
        with pytest.raises(Refusal):
            responding.respond(shown, **answer)
    assert not OfferResponse.objects.exists()


def test_not_now_is_thirty_days_unless_they_say_until_when(shown: OfferPresentation, ana: User) -> None:
    now = timezone.now()
    assert responding.respond(shown, "not_now", by=ana, at=now).until == now + timedelta(days=30)
    until = now + timedelta(days=7)
    assert responding.respond(shown, "not_now", by=ana, until=until, at=now).until == until


# --- a yes


def taking(do: Callable[[Acceptance], Any]) -> Any:
    return fulfilments.registered(do)


def test_a_yes_is_done_once_by_its_key_and_told(shown: OfferPresentation, ana: User) -> None:
    seen: list[Acceptance] = []

    def credit(acceptance: Acceptance) -> str:
        seen.append(acceptance)
        return "order 7"

    said = responding.respond(shown, "accepted", by=ana)
    with taking(credit):
        assert fulfilling.fulfil_due(timezone.now()) == 1
        assert fulfilling.fulfil_due(timezone.now() + timedelta(hours=1)) == 0
    row = Fulfilment.objects.get()
    assert (row.state, row.reference, len(seen)) == ("done", "order 7", 1)
    assert (seen[0].key, seen[0].offer, seen[0].customer) == (str(row.key), "fibre-500", shown.customer_id)
    assert Event.objects.get(kind="offer_fulfilled").data == {"response": said.pk, "state": "done"}


def test_what_no_plugin_does_is_left_to_people(shown: OfferPresentation, ana: User) -> None:
    responding.respond(shown, "accepted", by=ana)
    fulfilling.fulfil_due(timezone.now())
    assert state() == "by_hand"
    assert Event.objects.filter(kind="offer_left_to_hand").exists()


def test_one_that_fails_is_tried_again_with_the_same_key_and_parked_in_the_end(
    shown: OfferPresentation, ana: User
) -> None:
    keys: list[str] = []

    def broken(acceptance: Acceptance) -> str:
        keys.append(acceptance.key)
        raise OSError("their server is away")

    responding.respond(shown, "accepted", by=ana)
    now = timezone.now()
    with taking(broken):
        for hour in range(fulfilling.MOST_TRIES + 2):
            fulfilling.fulfil_due(now + timedelta(hours=hour))
    assert (state(), len(keys), len(set(keys))) == ("parked", fulfilling.MOST_TRIES, 1)
    assert Fulfilment.objects.get().error == "OSError"


def test_one_whose_worker_died_is_taken_up_when_its_lease_ends(shown: OfferPresentation, ana: User) -> None:
    responding.respond(shown, "accepted", by=ana)
    now = timezone.now()
    assert len(fulfilling._claim(now)) == 1  # and here it dies
    assert fulfilling.fulfil_due(now + timedelta(seconds=30)) == 0
    with taking(lambda acceptance: "done"):
        assert fulfilling.fulfil_due(now + timedelta(seconds=61)) == 1
    assert (state(), Fulfilment.objects.get().attempts) == ("done", 2)


def test_a_yes_may_be_corrected_until_it_is_done(shown: OfferPresentation, ana: User) -> None:
    responding.respond(shown, "accepted", by=ana)
    responding.respond(shown, "no", by=ana)
    assert state() == "called_off"
    assert fulfilling.fulfil_due(timezone.now()) == 0
    responding.respond(shown, "accepted", by=ana)
    with taking(lambda acceptance: "done"):
        fulfilling.fulfil_due(timezone.now())
    with pytest.raises(Refusal, match="done already"):
        responding.respond(shown, "no", by=ana)
    assert responding.standing(shown).kind == "accepted"  # type: ignore[union-attr]


@pytest.mark.django_db(transaction=True)
def test_the_last_one_goes_to_one_of_two() -> None:
    ana = make_user("Ana Lind", username="ana")
    queue = make_queue("Billing", reps=[ana])
    make_offer(stock=1)
    for n in range(4):
        customer = make_customer(f"Carl {n}", email=f"carl{n}@example.org")
        case = make_question(queue, customer, ana)
        case.messages.update(text="My refund?")
        open_gates(case, ana)
        deciding.decide(case, by=ana)
    shown = list(OfferPresentation.objects.select_related("case"))
    assert len(shown) == 4
    outcomes(4, lambda n: responding.respond(shown[n], "accepted", by=ana))
    assert OfferResponse.objects.filter(kind="accepted").count() == 1
    assert Fulfilment.objects.count() == 1
    assert responding.taken(Offer.objects.get()) == 1


@pytest.mark.django_db(transaction=True)
def test_many_workers_do_it_once() -> None:
    ana = make_user("Ana Lind", username="ana")
    case = make_question(make_queue("Billing", reps=[ana]), make_customer("Carl", email="carl@example.org"), ana)
    case.messages.update(text="My refund?")
    make_offer()
    open_gates(case, ana)
    responding.respond(deciding.decide(case, by=ana).presentation, "accepted", by=ana)
    done: list[str] = []

    def slowly(acceptance: Acceptance) -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(0.2)")
        done.append(acceptance.key)
        return "done"

    now = timezone.now()
    with taking(slowly):
        outcomes(6, lambda _n: fulfilling.fulfil_due(now))
    assert len(done) == 1
    assert state() == "done"


def test_the_example_plugin_does_its_own(case: Case, ana: User) -> None:
    from outreach import sources
    from tests.plugin.models import Card

    Card.objects.create(customer=case.customer, points=700, issued_at=timezone.now())
    assert sources.refresh() == 1
    assert sources.refresh() == 0
    assert Offer.objects.get(key="loyalty-double-points").current.terms.what == DOUBLE_POINTS.what  # type: ignore[union-attr]
    open_gates(case, ana)
    shown = deciding.decide(case, by=ana).presentation
    assert shown.candidate.sentence == "You have 700 points already."
    responding.respond(shown, "accepted", by=ana)
    fulfilling.fulfil_due(timezone.now())
    assert state() == "done"
    assert str(Fulfilment.objects.get().key) in DONE
