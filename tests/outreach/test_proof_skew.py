"""No offer before the need is met, when clocks disagree and when cases become one: order is that of the case's log, never that
of anybody's clock; and a need met in one case earns nothing in another."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import conversation, feelings, merging, promises
from cases.models import Case
from crm.models import User
from customers import consent
from customers.models import Customer
from outreach import deciding, responding, showing
from outreach.models import Decision, Fulfilment, OfferPresentation, OfferResponse
from tests.builders import make_question
from tests.outreach.conftest import make_offer, newest_words, open_gates
from tests.outreach.test_proof import a_decision, insert, refused

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
SKEWS = [timedelta(days=-3), -HOUR, HOUR, timedelta(days=3)]


def reasons(decision: Decision) -> list[str]:
    return [reason for _stage, reason, _detail in decision.gates]


def decided(case: Case, by: User, **options: Any) -> Decision:
    case.refresh_from_db()
    return deciding.decide(case, by=by, **options)


def silent(case: Case, by: User, reason: str, **options: Any) -> None:
    decision = decided(case, by, **options)
    assert decision.outcome == "silence"
    assert reason in reasons(decision)
    assert not OfferPresentation.objects.filter(case=case).exists()


def writes(case: Case, text: str = "My refund is still not here!", *, skew: timedelta = timedelta(0)) -> None:
    conversation.add_inbound(case, text=text, sender=None, channel="mail", at=timezone.now() + skew)
    case.refresh_from_db()


# --- clocks


@pytest.mark.parametrize("skew", SKEWS)
def test_a_need_met_by_a_wrong_clock_counts_and_is_taken_back_by_another(
    case: Case, ana: User, skew: timedelta
) -> None:
    """Met in the past or the future of the server's clock: it is evidence as any other; and what ends it ends it, though its
    time be earlier by years."""
    make_offer()
    open_gates(case, ana)
    case.mark_need_unmet(by=ana)
    case.mark_need_met(by=ana, how="customer_said", at=timezone.now() + skew)
    case.mark_need_unmet(by=ana, at=timezone.now() - timedelta(days=400))
    silent(case, ana, "need_unmet")
    case.mark_need_met(by=ana, how="customer_said", at=timezone.now() + skew)
    assert decided(case, ana).outcome == "presented"


@pytest.mark.parametrize("skew", SKEWS)
def test_a_reopening_by_a_wrong_clock_ends_the_need(case: Case, ana: User, skew: timedelta) -> None:
    """The customer wrote again to a resolved case; the mail carries a time before the need was met, or one to come."""
    make_offer()
    open_gates(case, ana)
    case.resolve(by=ana)
    earned, candidate = case.need_met_event_id, a_decision(case, make_offer())
    writes(case, skew=skew)
    assert case.need_met_event_id is None
    silent(case, ana, "need_unmet")
    refused(lambda: insert(case, candidate, earned, ana))


@pytest.mark.parametrize("skew", SKEWS)
def test_a_new_word_by_a_wrong_clock_is_the_latest_word(case: Case, ana: User, skew: timedelta) -> None:
    """How they felt with it nobody knows, whatever time it carries: the good word before it opens nothing any more."""
    make_offer()
    open_gates(case, ana)
    writes(case, "This is the last straw", skew=skew)
    silent(case, ana, "feeling_unknown")
    feelings.mark(case.messages.latest("pk"), "bad", by=ana)
    silent(case, ana, "feeling_bad")


def test_words_of_the_past_that_came_late_cannot_open_what_the_latest_word_shuts(case: Case, ana: User) -> None:
    make_offer()
    open_gates(case, ana)
    feelings.mark(newest_words(case), "bad", by=ana)
    writes(case, "Thank you", skew=-HOUR)
    feelings.mark(case.messages.latest("pk"), "good", by=ana)
    silent(case, ana, "feeling_bad")


@pytest.mark.parametrize("behind", [timedelta(minutes=10), timedelta(days=1)])
def test_an_app_whose_clock_is_behind_sees_what_has_happened_already(
    case: Case, ana: User, carl: Customer, behind: timedelta
) -> None:
    """A need taken back, a yes withdrawn, a promise overdue: by the database's clock, and by other hosts'. To this process they
    lie in the future."""
    make_offer()
    open_gates(case, ana)
    late = timezone.now() - behind
    case.mark_need_unmet(by=ana)
    silent(case, ana, "need_unmet", at=late)
    case.mark_need_met(by=ana, how="customer_said")
    consent.record(carl, "marketing", "any", granted=False, source="preference_page")
    silent(case, ana, "consent_withdrawn", at=late)
    consent.record(carl, "marketing", "any", granted=True, source="rep", by=ana)
    now = timezone.now()
    made = promises.make(case, what="Call", due_at=now + HOUR, owner=ana, made_by=None, at=now)
    type(made).objects.filter(pk=made.pk).update(due_at=now - timedelta(seconds=1))
    silent(case, ana, "promise_overdue", at=late)


def test_a_yes_that_lies_in_the_future_is_none_yet(case: Case, ana: User, carl: Customer) -> None:
    """By an app whose clock is ahead: the next one may be asked before it counts, and says nothing."""
    make_offer()
    open_gates(case, ana)
    consent.record(carl, "marketing", "any", granted=False, source="rep", by=ana)
    consent.record(carl, "marketing", "any", granted=True, source="rep", by=ana, at=timezone.now() + HOUR)
    silent(case, ana, "consent_withdrawn")


# --- two cases become one


def second(case: Case, by: User) -> Case:
    """Their second question, whose need nobody has met."""
    assert case.customer is not None
    found = make_question(case.queue, case.customer, by)
    found.messages.update(text="And where is my other refund?")
    feelings.mark(newest_words(found), "good", by=by)
    return Case.objects.get(pk=found.pk)


def joined(gone: Case, kept: Case, by: User) -> Any:
    merge = merging.merge(gone, kept, by=by)
    gone.refresh_from_db()
    kept.refresh_from_db()
    return merge


def test_a_need_met_in_the_case_that_went_earns_nothing_in_the_one_that_stays(case: Case, ana: User) -> None:
    make_offer()
    open_gates(case, ana)
    other = second(case, ana)
    earned, candidate = case.need_met_event_id, a_decision(other, make_offer())
    merge = joined(case, other, ana)
    silent(other, ana, "need_unmet")
    silent(case, ana, "not_a_talk")
    refused(lambda: insert(other, candidate, earned, ana))
    merging.undo(merge, by=ana)
    silent(other, ana, "need_unmet")
    other.resolve(by=ana)  # else an open case of theirs shuts the offer
    assert decided(case, ana).outcome == "presented", "what was met is met again where it was"
    assert OfferPresentation.objects.get().need_met_event_id == case.need_met_event_id != earned


@pytest.mark.parametrize("status", ["open", "waiting_customer", "waiting_internal"])
def test_an_unmet_need_that_comes_in_makes_the_kept_one_unmet(case: Case, ana: User, status: str) -> None:
    make_offer()
    open_gates(case, ana)
    other = second(case, ana)
    other.change_status(status, by=ana)
    merge = joined(other, case, ana)
    assert case.need_met_event_id is None
    silent(case, ana, "need_unmet")
    merging.undo(merge, by=ana)
    other.refresh_from_db()
    other.resolve(by=ana)
    assert decided(case, ana).outcome == "presented"


def shown(case: Case, by: User, answer: str = "") -> OfferPresentation:
    make_offer()
    open_gates(case, by)
    assert decided(case, by).outcome == "presented"
    found = OfferPresentation.objects.get(case=case)
    if answer:
        responding.respond(found, answer, by=by)
    return found


@pytest.mark.parametrize("answer", ["accepted", "no", ""])
def test_what_was_offered_in_the_case_that_went_is_not_offered_again_in_the_one_that_stays(
    case: Case, ana: User, answer: str
) -> None:
    presentation = shown(case, ana, answer)
    other = second(case, ana)
    joined(case, other, ana)
    other.mark_need_met(by=ana, how="customer_said")
    silent(other, ana, "one_a_contact")
    assert showing.card(other) is None, "by another need it was earned"
    make_offer("other")
    silent(other, ana, "one_a_contact")
    assert OfferPresentation.objects.get() == presentation
    if answer == "accepted":
        assert Fulfilment.objects.get().state == Fulfilment.State.WAITING, "a yes is a yes"


def test_an_accepted_offer_of_the_case_that_went_stands_is_corrected_and_comes_back(case: Case, ana: User) -> None:
    presentation = shown(case, ana, "accepted")
    other = second(case, ana)
    merge = joined(case, other, ana)
    assert reasons(decided(case, ana)) != []
    responding.respond(presentation, "no", by=ana, reason="They thought again")
    assert Fulfilment.objects.get().state == Fulfilment.State.CALLED_OFF
    merging.undo(merge, by=ana)
    case.refresh_from_db()
    assert [r.kind for r in OfferResponse.objects.order_by("number")] == ["accepted", "no"]
    again = decided(case, ana)
    assert again.outcome == "silence"
    assert OfferPresentation.objects.count() == 1


def test_a_shown_offer_goes_from_sight_when_an_unmet_need_comes_in(case: Case, ana: User) -> None:
    shown(case, ana)
    other = second(case, ana)
    assert showing.card(case) is not None
    merge = joined(other, case, ana)
    assert showing.card(case) is None
    merging.undo(merge, by=ana)
    case.refresh_from_db()
    assert showing.card(case) is None, "earned by evidence that was taken back"
    assert decided(case, ana).outcome == "silence"
    assert OfferPresentation.objects.count() == 1
