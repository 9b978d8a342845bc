"""A question that earns something: asked through the same gates as an offer, but that of research; its yes is its answer."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.test import Client
from django.utils import timezone

from cases.models import Case, Queue
from cases.models.case import Refusal
from cases.telling import told
from crm.models import Event, User
from customers import consent, merging
from customers.hooks import personal_data, timeline
from customers.models import Customer
from outreach import deciding, fulfilling, parity, questions, responding
from outreach.hooks import Acceptance, Terms, fulfilments
from outreach.models import Fulfilment, Offer, OfferPresentation, OfferResponse, PublicOffer, QuestionAnswer
from tests.api import Caller
from tests.builders import make_customer, make_question, make_queue, make_user
from tests.cases.test_races import at_once
from tests.outreach.conftest import TERMS, make_offer, open_gates

pytestmark = pytest.mark.django_db

ASKED: dict[str, Any] = {
    **TERMS,
    "what": "One question about refunds",
    "benefit": "A month of Fibre 100 for free",
    "question": "How would you like to hear about a refund?",
    "answer_kind": "choice",
    "choices": ("by mail", "by text message", "not at all"),
    "gifts": Decimal(30),
}
SCALE = {"answer_kind": "scale", "choices": ()}
TEXT = {"answer_kind": "text", "choices": ()}


def make_asking(key: str = "refund-question", **terms: Any) -> Offer:
    """A question to whoever asks for a refund."""
    offer, _fresh = Offer.objects.get_or_create(key=key, defaults={"name": "Refund question", "purpose": "question"})
    offer.publish(Terms(**ASKED | terms))
    return offer


def agree(case: Case, by: User) -> None:
    """Everything is open but marketing: they agreed to be asked, and not to hear about offers."""
    open_gates(case, by)
    assert case.customer is not None
    consent.record(case.customer, "marketing", "any", granted=False, source="rep", by=by)
    consent.record(case.customer, "research", "any", granted=True, source="rep", by=by)


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
    at_once(4, lambda n: responding.respond(shown, "accepted", by=ana, answer=ways[n % 2]))
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

    at_once(2, answer)
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
    about = {"offer": version.offer, "offer_version": version, "customer": shown.customer, "case": shown.case, "by": ana}
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
    Offer.objects.filter(pk=asking.pk).update(created_at=timezone.now() - timezone.timedelta(days=60))
    asking.refresh_from_db()
    row = PublicOffer(name="Spring", twin=asking, price=Decimal(20), valid_from=timezone.now(), is_active=True)
    assert list(parity.breaches(row)) == ["question"]
    with pytest.raises(DatabaseError, match="question"), transaction.atomic():
        row.save()
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


# --- who reads it


def test_the_timeline_and_the_merge_know_it(shown: OfferPresentation, ana: User, carl: Customer) -> None:
    responding.respond(shown, "accepted", by=ana, answer="by mail")
    now = timezone.now() + timezone.timedelta(minutes=1)
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
    told = Caller(sue).get(f"offers/{asking.pk}/tally/").json()
    assert (told["asked"], told["answered"]["count"], told["mean"]) == (4, 3, None)
    counts = {line["answer"]: line["told"]["count"] for line in told["answers"]}
    assert list(counts.items()) == [("by mail", 2), ("never", 0), ("not at all", 1)]
    mail = told["answers"][0]["told"]
    assert (mail["share"], round(mail["low"], 2), round(mail["high"], 2)) == (0.6667, 0.21, 0.94)  # Wilson, 2 of 3
    rows = Caller(ana).get(f"offers/{asking.pk}/answers/").json()["results"]
    assert [row["answer"] for row in rows] == ["not at all", "by mail", "by mail"]
    assert rows[0]["question"] == ASKED["question"]
    assert Caller(ben).get(f"offers/{asking.pk}/answers/").status_code == 403
    assert Caller(sue).get(f"offers/{make_offer().pk}/tally/").status_code == 404


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
    lines = b"".join(client.get(f"{place}answers.csv?offer={asking.pk}")).decode().splitlines()  # type: ignore[arg-type]
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
