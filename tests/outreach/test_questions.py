"""A question that earns something: asked through the same gates as an offer, but that of research; its yes is its answer."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from cases.models import Case
from cases.models.case import Refusal
from cases.telling import told
from crm.models import Event, User
from customers import consent
from outreach import deciding, fulfilling, parity, responding
from outreach.hooks import Acceptance, Terms, fulfilments
from outreach.models import Fulfilment, Offer, OfferPresentation, OfferResponse, PublicOffer, QuestionAnswer
from tests.builders import make_customer, make_question, make_queue, make_user
from tests.outreach.asking import ASKED, SCALE, TEXT, agree, make_asking
from tests.outreach.conftest import TERMS, make_offer, open_gates
from tests.racing import outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def shown(case: Case, ana: User) -> OfferPresentation:
    make_asking()
    agree(case, ana)
    return deciding.decide(case, by=ana).presentation


# --- the gates


def test_it_is_asked_of_who_agreed_to_be_asked_whatever_they_said_of_offers(case: Case, ana: User) -> None:
    make_offer()
    asking = make_asking()
    agree(case, ana)
    decision = deciding.decide(case, by=ana)
    assert decision.presentation.candidate.offer_version.offer == asking
    assert decision.candidates.exclude(stage="").get().reason == "consent_withdrawn"
    assert decision.gates == []
    assert deciding.is_replayed(decision)
    kept = Event.objects.get(kind="offer_presented")
    assert (kept.reason, told(kept)) == ("question", "A question for Ana Lind to ask")


@pytest.mark.parametrize(("said", "reason"), [(None, "no_research"), (False, "research_withdrawn")])
def test_a_yes_to_marketing_is_none_to_being_asked(case: Case, ana: User, said: bool | None, reason: str) -> None:
    make_asking()
    open_gates(case, ana)
    if said is not None:
        assert case.customer is not None
        consent.record(case.customer, "research", "any", granted=said, source="rep", by=ana)
    decision = deciding.decide(case, by=ana)
    assert (decision.outcome, decision.candidates.get().reason) == ("silence", reason)
    assert reason in {gate[1] for gate in decision.gates}
    assert deciding.is_replayed(decision)


def test_with_neither_yes_both_are_told_for_the_whole_talk(case: Case, ana: User) -> None:
    make_offer()
    make_asking()
    agree(case, ana)
    assert case.customer is not None
    consent.withdraw(case.customer, ["research"], source="rep", by=ana)
    decision = deciding.decide(case, by=ana)
    assert [gate[1] for gate in decision.gates] == ["consent_withdrawn", "research_withdrawn"]
    assert [c.reason for c in decision.candidates.order_by("pk")] == ["consent_withdrawn", "research_withdrawn"]


def test_before_the_need_is_met_nothing_is_asked(case: Case, ana: User) -> None:
    make_asking()
    agree(case, ana)
    case.mark_need_unmet(by=ana)
    decision = deciding.decide(case, by=ana)
    assert (decision.outcome, decision.candidates.get().reason) == ("silence", "need_unmet")
    assert not OfferPresentation.objects.exists()


def test_one_question_a_talk_and_none_again_once_it_was_answered(shown: OfferPresentation, ana: User) -> None:
    make_asking("another", question="And by what name?", **TEXT)
    responding.respond(shown, "accepted", by=ana, answer="by mail")
    assert deciding.decide(shown.case, by=ana).presentation == shown
    later = talk_again(shown.case, ana)
    decision = deciding.decide(later, by=ana)
    assert decision.candidates.get(offer_version__offer__key="refund-question").reason == "answered"
    assert decision.presentation.candidate.offer_version.offer.key == "another"


def talk_again(case: Case, by: User) -> Case:
    """Another conversation with the same customer, as open as the first, which is over."""
    assert case.customer is not None
    case.refresh_from_db()
    case.resolve(by=by)
    later = make_question(case.queue, case.customer, by)
    later.messages.update(text="Where is my second refund?")
    open_gates(later, by)
    consent.record(case.customer, "marketing", "any", granted=False, source="rep", by=by)
    return later


# --- answers


@pytest.mark.parametrize(
    ("terms", "given", "kept"),
    [
        ({}, "by mail", ("", "by mail", None)),
        (SCALE, "4", ("", "", 4)),
        (SCALE, 5, ("", "", 5)),
        (TEXT, "  Write me a letter ", ("Write me a letter", "", None)),
    ],
)
def test_an_answer_is_kept_once_with_all_it_belongs_to(
    case: Case, ana: User, terms: dict[str, Any], given: str | int, kept: tuple[str, str, int | None]
) -> None:
    asking = make_asking(**terms)
    agree(case, ana)
    shown = deciding.decide(case, by=ana).presentation
    said = responding.respond(shown, "accepted", by=ana, answer=given)
    assert responding.respond(shown, "accepted", by=ana, answer=given) == said
    row = QuestionAnswer.objects.get()
    assert (row.text, row.choice, row.scale) == kept
    whose = (row.offer, row.offer_version, row.customer, row.case, row.by, row.at)
    assert whose == (asking, asking.current, case.customer, case, ana, said.at)
    assert Fulfilment.objects.get().state == "waiting"


@pytest.mark.parametrize(
    ("terms", "given", "words"),
    [
        ({}, None, "Say what they answered"),
        ({}, "  ", "Say what they answered"),
        ({}, "by pigeon", "The answer is one of: by mail, by text message, not at all."),
        (SCALE, "6", "a whole number from 1 to 5"),
        (SCALE, "0", "a whole number from 1 to 5"),
        (SCALE, "²", "a whole number from 1 to 5"),
        (SCALE, "good", "a whole number from 1 to 5"),
        (TEXT, "x" * 1001, "Keep the answer to 1000 characters"),
    ],
)
def test_what_is_no_answer_is_refused_and_nothing_is_owed(
    case: Case, ana: User, terms: dict[str, Any], given: str | None, words: str
) -> None:
    make_asking(**terms)
    agree(case, ana)
    shown = deciding.decide(case, by=ana).presentation
    with pytest.raises(Refusal, match=words):
        responding.respond(shown, "accepted", by=ana, answer=given)
    assert not OfferResponse.objects.exists()
    assert not Fulfilment.objects.exists()


def test_only_a_question_that_is_answered_has_an_answer(shown: OfferPresentation, ana: User) -> None:
    with pytest.raises(Refusal, match="Only a question"):
        responding.respond(shown, "no", by=ana, answer="by mail")
    responding.respond(shown, "no", by=ana)
    assert not QuestionAnswer.objects.exists()


def test_an_answer_may_be_corrected_until_its_thanks_are_given(shown: OfferPresentation, ana: User) -> None:
    responding.respond(shown, "accepted", by=ana, answer="by mail")
    responding.respond(shown, "accepted", by=ana, answer="not at all")
    kept = QuestionAnswer.objects.order_by("pk").values_list("choice", "stands")
    assert list(kept) == [("by mail", False), ("not at all", True)]
    assert sorted(Fulfilment.objects.values_list("state", flat=True)) == ["called_off", "waiting"]
    responding.respond(shown, "no", by=ana)
    assert not QuestionAnswer.objects.filter(stands=True).exists()
    responding.respond(shown, "accepted", by=ana, answer="by mail")
    with fulfilments.registered(lambda acceptance: "voucher 7"):
        fulfilling.fulfil_due(timezone.now())
    with pytest.raises(Refusal, match="done already"):
        responding.respond(shown, "accepted", by=ana, answer="not at all")
    assert QuestionAnswer.objects.get(stands=True).choice == "by mail"


def test_what_they_get_comes_by_the_same_hook_with_the_terms_that_asked(shown: OfferPresentation, ana: User) -> None:
    seen: list[Acceptance] = []

    def thank(acceptance: Acceptance) -> str:
        seen.append(acceptance)
        return "voucher 7"

    responding.respond(shown, "accepted", by=ana, answer="by mail")
    with fulfilments.registered(thank):
        fulfilling.fulfil_due(timezone.now())
    assert (seen[0].offer, seen[0].terms.question, seen[0].terms.gifts) == ("refund-question", ASKED["question"], 30)
    assert Fulfilment.objects.get().reference == "voucher 7"


@pytest.mark.django_db(transaction=True)
def test_of_many_who_answer_at_once_one_does() -> None:
    ana = make_user("Ana Lind", username="ana")
    queue, carl = make_queue("Billing", reps=[ana]), make_customer("Carl", email="carl@example.org")
    make_asking()
    case = make_question(queue, carl, ana)
    case.messages.update(text="My refund?")
    agree(case, ana)
    shown = deciding.decide(case, by=ana).presentation
    ways = ["by mail", "by text message"]
    outcomes(4, lambda n: responding.respond(shown, "accepted", by=ana, answer=ways[n % 2]))
    assert QuestionAnswer.objects.filter(stands=True).count() == 1
    assert Fulfilment.objects.exclude(state="called_off").count() == 1
    newest = responding.standing(shown)
    assert newest is not None
    assert newest.answer.stands


@pytest.mark.django_db(transaction=True)
def test_of_two_talks_with_one_customer_one_keeps_its_answer() -> None:
    ana = make_user("Ana Lind", username="ana")
    queue, carl = make_queue("Billing", reps=[ana]), make_customer("Carl", email="carl@example.org")
    make_asking()
    presented = []
    for _n in range(2):  # the first is done when the second begins, and nobody noted what was said yet
        case = make_question(queue, carl, ana)
        case.messages.update(text="My refund?")
        agree(case, ana)
        presented.append(deciding.decide(case, by=ana).presentation)
        case.refresh_from_db()
        case.resolve(by=ana)
    refused: list[str] = []

    def answer(n: int) -> None:
        try:
            responding.respond(presented[n], "accepted", by=ana, answer="by mail")
        except Refusal as no:
            refused.append(str(no))

    outcomes(2, answer)
    assert QuestionAnswer.objects.count() == OfferResponse.objects.count() == Fulfilment.objects.count() == 1
    assert refused == ["They answered this in another conversation already: once is enough."]


# --- what the database holds itself


def test_a_yes_without_its_answer_does_not_last(shown: OfferPresentation, ana: User) -> None:
    with pytest.raises(DatabaseError, match="accepted by its answer"), transaction.atomic():
        OfferResponse.objects.create(presentation=shown, number=1, kind="accepted", by=ana)
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


def test_an_answer_to_what_was_not_asked_is_refused(shown: OfferPresentation, ana: User) -> None:
    said = OfferResponse.objects.create(presentation=shown, number=1, kind="no", by=ana)
    version = shown.candidate.offer_version
    about = {
        "offer": version.offer,
        "offer_version": version,
        "customer": shown.customer,
        "case": shown.case,
        "by": ana,
    }
    with pytest.raises(DatabaseError, match="answer without its question"), transaction.atomic():
        QuestionAnswer.objects.create(response=said, choice="by mail", **about)


def test_answers_are_history(shown: OfferPresentation, ana: User) -> None:
    responding.respond(shown, "accepted", by=ana, answer="by mail")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        QuestionAnswer.objects.update(choice="not at all")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        QuestionAnswer.objects.all().delete()


# --- what a question must be


@pytest.mark.parametrize(
    ("terms", "field", "words"),
    [
        ({"question": ""}, "question", "Write the question"),
        ({"answer_kind": "shrug"}, "answer_kind", "text, choice or scale"),
        ({"choices": ("yes",)}, "choices", "Give from 2 to 10"),
        ({"choices": ("yes", " yes ")}, "choices", "Give from 2 to 10"),
        ({"choices": ("yes", "n" * 81)}, "choices", "80 characters"),
        ({"answer_kind": "scale"}, "choices", "Only a question answered by one of several"),
        ({"price": Decimal(1)}, "price", "costs the customer nothing"),
        ({"fees": Decimal(1)}, "price", "costs the customer nothing"),
        ({"question": "?" * 301}, "question", "300 characters"),
        ({"gain": Decimal(0)}, "gain", "nothing is none"),
    ],
)
def test_every_fault_has_its_field(terms: dict[str, Any], field: str, words: str) -> None:
    asking = Offer.objects.create(key="q", name="Q", purpose="question")
    with pytest.raises(ValidationError) as refused:
        asking.publish(Terms(**ASKED | terms))
    assert words in " ".join(refused.value.message_dict[field])


def test_an_offer_becomes_no_question_and_a_question_no_offer() -> None:
    offer, asking = make_offer(), make_asking()
    for turned in (
        lambda: offer.publish(Terms(**ASKED)),
        lambda: asking.publish(Terms(**TERMS)),
        lambda: offer.describe(purpose="question"),
        lambda: asking.describe(purpose="saving"),
        lambda: Offer.objects.create(key="n", name="N", purpose="question").publish(Terms(**TERMS)),
    ):
        with pytest.raises(ValidationError, match=r"does not become a question|Write what is asked|has the purpose"):
            turned()


def test_a_question_is_no_twin_whatever_it_gives() -> None:
    asking = make_asking(eligibility={"all": []})
    Offer.objects.filter(pk=asking.pk).update(created_at=timezone.now() - timedelta(days=60))
    asking.refresh_from_db()
    row = PublicOffer(name="Spring", twin=asking, price=Decimal(20), valid_from=timezone.now(), is_active=True)
    assert list(parity.breaches(row)) == ["question"]
    with pytest.raises(DatabaseError, match="question"), transaction.atomic():
        row.save()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
