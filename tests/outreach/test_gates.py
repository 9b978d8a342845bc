"""Each gate: what keeps an offer back, told by its reason; opened again, the offer is made."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest
from django.utils import timezone

from cases import conversation, feelings, promises
from cases.models import Case, Contact, Message, Promise, Queue
from crm.models import User
from customers import consent
from customers.models import Customer
from outreach import context, deciding, responding
from outreach.models import Decision, KnownProblem, OfferPresentation
from tests.builders import make_case, make_message, make_question
from tests.outreach.conftest import make_offer, newest_words, open_gates

pytestmark = pytest.mark.django_db
World = SimpleNamespace


@pytest.fixture
def world(case: Case, ana: User, billing: Queue, carl: Customer) -> World:
    open_gates(case, ana)
    return SimpleNamespace(case=case, ana=ana, billing=billing, carl=carl, now=timezone.now())


def reasons(w: World, at: Any = None) -> set[str]:
    """Everything that is shut, for the talk and for its one candidate."""
    decision = deciding.decide(w.case, by=w.ana, at=at)
    assert deciding.is_replayed(decision)
    if decision.outcome == "presented":
        return set()
    return {reason for _stage, reason, _detail in decision.gates} | {c.reason for c in decision.candidates.all()}


def rep_says_bad(w: World) -> None:
    feelings.mark(newest_words(w.case), "bad", by=w.ana)


def nobody_marked(w: World) -> None:
    feelings.mark(newest_words(w.case), "", by=w.ana)


def sounds_bad(w: World) -> None:
    nobody_marked(w)
    newest = newest_words(w.case)
    Message.objects.filter(pk=newest.pk).update(felt_guess="bad", felt_p=0.9, felt_by=0)


def sounds_good(w: World) -> None:
    nobody_marked(w)
    newest = newest_words(w.case)
    Message.objects.filter(pk=newest.pk).update(felt_guess="good", felt_p=1.0, felt_by=0)


def writes_again(w: World) -> None:
    conversation.add_inbound(w.case, text="One more thing", sender=None, channel="mail", at=timezone.now())


def withdraws(w: World) -> None:
    consent.record(w.carl, "marketing", "any", granted=False, source="preference_page")


def promise(w: World, due: timedelta) -> Promise:
    return promises.make(
        w.case, what="Call", due_at=w.now + due, owner=w.ana, made_by=None, at=w.now - timedelta(days=20)
    )


def overdue(w: World) -> None:
    promise(w, -timedelta(hours=1))


def broken(w: World) -> None:
    promise(w, -timedelta(days=2))
    promises.break_due(w.now)


def other_case(w: World) -> None:
    make_case(w.billing, customer=w.carl)


def upset_elsewhere(w: World) -> None:
    other = make_case(w.billing, customer=w.carl, status="resolved", resolved_at=w.now)
    make_message(other, "Never again!", feeling="bad", at=w.now - timedelta(days=3))


def left_in_peace(w: World) -> None:
    make_case(w.billing, customer=w.carl, status="closed", tags=["bereaved"])


def known_problem(w: World) -> None:
    KnownProblem.declare(by=w.ana, title="Lines drop", case=w.case)


def unmet(w: World) -> None:
    w.case.mark_need_unmet(by=w.ana)


def talked_yesterday(w: World) -> None:
    Contact.objects.update(last_at=w.now - timedelta(hours=25))


def closed(w: World) -> None:
    w.case.resolve(by=w.ana)
    w.case.change_status("closed", by=None)


def spam(w: World) -> None:
    w.case.change_status("spam", by=w.ana)


def erased(w: World) -> None:
    Customer.objects.filter(pk=w.carl.pk).update(erased_at=w.now)


SHUT: list[tuple[Callable[[World], Any], str]] = [
    (rep_says_bad, "feeling_bad"),
    (nobody_marked, "feeling_unknown"),
    (sounds_bad, "feeling_sounds_bad"),
    (sounds_good, "feeling_unknown"),
    (writes_again, "feeling_unknown"),
    (withdraws, "consent_withdrawn"),
    (overdue, "promise_overdue"),
    (broken, "quiet_broken"),
    (other_case, "other_case"),
    (upset_elsewhere, "quiet_upset"),
    (left_in_peace, "hands_off"),
    (known_problem, "problem"),
    (unmet, "need_unmet"),
    (talked_yesterday, "over_talk"),
    (closed, "over_talk"),
    (spam, "not_a_talk"),
    (erased, "erased"),
]


@pytest.mark.parametrize(("shut", "reason"), SHUT, ids=[f"{s.__name__}-{r}" for s, r in SHUT])
def test_what_is_shut_for_the_whole_talk(world: World, shut: Callable[[World], Any], reason: str) -> None:
    make_offer()
    shut(world)
    world.case.refresh_from_db()
    assert reason in reasons(world)
    assert not OfferPresentation.objects.exists()


def test_with_nothing_shut_it_is_made(world: World) -> None:
    make_offer()
    assert reasons(world) == set()


def test_without_a_yes_nothing_is_offered(case: Case, ana: User) -> None:
    make_offer()
    feelings.mark(newest_words(case), "neutral", by=ana)
    case.refresh_from_db()
    case.mark_need_met(by=ana, how="customer_said")
    decision = deciding.decide(case, by=ana)
    assert [g[1] for g in decision.gates] == ["no_consent"]


def test_a_promise_that_is_not_due_yet_keeps_nothing_back(world: World) -> None:
    make_offer()
    promise(world, timedelta(days=1))
    assert reasons(world) == set()


def test_a_need_met_in_an_earlier_talk_is_not_this_ones(world: World) -> None:
    """Two days later they write again in the open case: another contact, and what was met then says nothing of now."""
    make_offer()
    Contact.objects.update(last_at=world.now - timedelta(days=2))
    writes_again(world)
    world.case.refresh_from_db()
    feelings.mark(newest_words(world.case), "good", by=world.ana)
    assert reasons(world) == {"need_of_earlier_talk"}
    world.case.refresh_from_db()
    world.case.mark_need_unmet(by=world.ana)
    world.case.mark_need_met(by=world.ana, how="customer_said")
    assert reasons(world) == set()


def test_a_problem_that_is_fixed_keeps_nothing_back(world: World) -> None:
    make_offer()
    known_problem(world)
    assert "problem" in reasons(world)
    KnownProblem.objects.update(state="fixed")
    assert reasons(world) == set()


# --- one candidate

OF_ONE: list[tuple[dict[str, Any], str]] = [
    ({"need_tags": ("parking",)}, "no_evidence"),
    ({"eligibility": {"fact": "tier", "op": "is", "value": "gold"}}, "not_eligible"),
    ({"valid_from": timezone.now() + timedelta(days=9)}, "not_yet"),
    ({"valid_until": timezone.now() - timedelta(days=9)}, "over"),
    ({"stock": 0}, "sold_out"),
    ({"gain": Decimal(1)}, "not_worth_it"),
    ({"why": "You live in {city}: “{words}”"}, "no_sentence"),
    ({"need_tags": ("line",), "minutes": Decimal(60)}, "not_worth_it"),
]


@pytest.mark.parametrize(("terms", "reason"), OF_ONE, ids=[r for _t, r in OF_ONE])
def test_what_is_shut_for_one_offer(world: World, terms: dict[str, Any], reason: str) -> None:
    make_offer(**terms)
    assert reasons(world) == {reason}


def test_of_several_the_one_that_is_worth_most_and_only_one(world: World) -> None:
    make_offer("small")
    best = make_offer("large", gain=Decimal(90))
    make_offer("not-for-him", gain=Decimal(900), eligibility={"fact": "country", "op": "is", "value": "GB"})
    decision = deciding.decide(world.case, by=world.ana)
    told = {c.offer_version.offer.key: (c.stage, c.reason, c.rank) for c in decision.candidates.all()}
    assert told == {
        "small": ("rank", "lower", 2),
        "large": ("", "", 1),
        "not-for-him": ("eligibility", "not_eligible", None),
    }
    assert decision.presentation.candidate.offer_version == best.current


# --- what they said before


def next_talk(w: World, days: float) -> Case:
    """They come again, some days later, about the same; that case too ends well."""
    w.case.resolve(by=w.ana)
    case = make_question(w.billing, w.carl, w.ana)
    case.messages.update(text="Where is my refund?")
    feelings.mark(newest_words(case), "good", by=w.ana)
    case.refresh_from_db()
    case.mark_need_met(by=w.ana, how="customer_said")
    at = w.now + timedelta(days=days)
    Contact.objects.filter(case=case).update(last_at=at)
    w.case = case
    w.at = at
    return case


ANSWERS: list[tuple[str, float, str]] = [
    ("no", 89, "no"),
    ("no", 91, ""),
    ("not_suited", 89, "not_suited"),
    ("not_now", 29, "not_now"),
    ("not_now", 31, ""),
    ("never", 900, "never"),
    ("accepted", 900, "accepted"),
]


@pytest.mark.parametrize(("kind", "days", "reason"), ANSWERS)
def test_a_decline_is_respected_in_every_later_talk(world: World, kind: str, days: float, reason: str) -> None:
    make_offer()
    deciding.decide(world.case, by=world.ana)
    responding.respond(OfferPresentation.objects.get(), kind, by=world.ana, reason="too dear", at=world.now)
    next_talk(world, days)
    assert reasons(world, world.at) == ({reason} if reason else set())


def test_what_the_rep_did_not_mention_is_held_against_nobody(world: World) -> None:
    """This talk has had its offer. Later ones know nothing of it: no rest, no refusal, none of the customer's three."""
    make_offer()
    deciding.decide(world.case, by=world.ana)
    responding.respond(
        OfferPresentation.objects.get(), "withheld", by=world.ana, reason="they were in a hurry", at=world.now
    )
    assert context.read(world.case, world.now).shown is not None
    next_talk(world, 1)
    seen = context.read(world.case, world.at)
    assert (seen.refusals, seen.presented, seen.answers, seen.ignored) == (0, 0, {}, {})
    assert seen.shown is None
    assert reasons(world, world.at) == set()


def test_an_offer_that_was_answered_differently_later_goes_by_the_newest_answer(world: World) -> None:
    make_offer()
    deciding.decide(world.case, by=world.ana)
    shown = OfferPresentation.objects.get()
    responding.respond(shown, "never", by=world.ana, at=world.now)
    responding.respond(shown, "not_now", by=world.ana, at=world.now)
    next_talk(world, 31)
    assert reasons(world, world.at) == set()


def test_offered_twice_without_an_answer_it_rests(world: World) -> None:
    make_offer()
    for days in (1, 2):
        assert reasons(world, getattr(world, "at", None)) == set()
        next_talk(world, days)
    assert reasons(world, world.at) == {"ignored"}


def test_three_offers_in_ninety_days_are_enough(world: World) -> None:
    for n in range(4):
        make_offer(f"offer-{n}", gain=Decimal(60 + n))
    for days in (1, 2, 3):
        deciding.decide(world.case, by=world.ana, at=getattr(world, "at", None))
        next_talk(world, days)
    assert OfferPresentation.objects.count() == 3
    assert "cap" in reasons(world, world.at)
    next_talk(world, 95)
    assert reasons(world, world.at) == set()


def test_each_refusal_makes_the_next_offer_dearer(world: World) -> None:
    make_offer("one")
    make_offer("two", gain=Decimal(55))
    first = deciding.decide(world.case, by=world.ana)
    responding.respond(OfferPresentation.objects.get(), "no", by=world.ana, at=world.now)
    next_talk(world, 3)
    second = deciding.decide(world.case, by=world.ana, at=world.at)
    one, two = (d.presentation.candidate.scores["effort"] for d in (first, second))
    assert round(two - one, 6) == round(0.25 * 0.3, 6)


def test_a_silence_that_says_the_same_is_kept_once(world: World) -> None:
    make_offer()
    unmet(world)
    for _time in range(3):
        reasons(world)
    assert Decision.objects.count() == 1
