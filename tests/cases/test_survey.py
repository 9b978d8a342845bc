"""The one question on the customer's page once their case is resolved: evidence, a word for who has the case, and a lesson."""

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import silence, status_page, survey
from cases.models import Case, Notification, Queue, SurveyAnswer
from cases.models.case import Refusal
from cases.sentiment import gathering, training
from cases.survey import NOT_SOLVED, Said
from cases.telling import told
from cases.views import status as views
from crm import learning
from crm.models import Event, User
from customers import consent
from customers.hooks import personal_data
from customers.models import Customer
from outreach import deciding
from tests.api import Caller
from tests.builders import make_case, make_customer, make_question, make_queue, make_user
from tests.cases.silences import answered, asked
from tests.cases.test_sentiment import examples, marked
from tests.racing import outcomes

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    """Answered and resolved."""
    case = make_question(billing, carl, ana)
    case.resolve(by=ana)
    return case


def path(case: Case) -> str:
    point = case.customer.contact_points.filter(kind="email").first() if case.customer else None
    return "/" + status_page.link(case, point).partition("://")[2].partition("/")[2]


def say(client: Client, case: Case, **said: str) -> Any:
    return client.post(f"{path(case)}survey/", said)


def fresh(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


# --- when it is asked


def test_it_is_asked_once_the_case_is_done_and_not_before(client: Client, case: Case, ana: User) -> None:
    assert "Did this solve it?" in client.get(path(case)).content.decode()
    case.reopen(by=ana)
    assert "Did this solve it?" not in client.get(path(case)).content.decode()
    assert say(client, case, solved="yes").status_code == 409
    assert not SurveyAnswer.objects.exists()


@pytest.mark.parametrize("purpose", ["research", "service"])
def test_who_does_not_want_to_be_asked_is_not(client: Client, case: Case, carl: Customer, purpose: str) -> None:
    consent.withdraw(carl, [purpose], source="preference_page")
    assert "Did this solve it?" not in client.get(path(case)).content.decode()
    assert say(client, case, solved="yes").status_code == 409
    assert not SurveyAnswer.objects.exists()


def test_a_queue_that_does_not_ask_is_decent_to_whoever_comes_by_a_link(client: Client, case: Case, sue: User) -> None:
    """Sent before: their page stands as ever, and a form that was open says what to do instead."""
    link = path(case)
    assert Caller(sue).patch(f"queues/{case.queue_id}/", {"asks_survey": False}).json()["asks_survey"] is False
    page = client.get(link)
    assert page.status_code == 200
    assert "Did this solve it?" not in page.content.decode()
    late = client.post(f"{link}survey/", {"solved": "yes"})
    assert late.status_code == 409
    assert "This is not asked just now. Write to us below" in late.content.decode()
    assert not SurveyAnswer.objects.exists()


def test_who_has_answered_before_the_queue_stopped_asking_reads_and_changes_it(client: Client, case: Case) -> None:
    say(client, case, solved="no")
    Queue.objects.update(asks_survey=False)
    assert "Change your answer" in client.get(path(case)).content.decode()
    assert say(client, case, solved="yes").status_code == 302
    SurveyAnswer.objects.update(answered_at=NOW - timedelta(days=2))
    assert "You told us that this solved it." in client.get(path(case)).content.decode()


def test_one_of_us_is_asked_nothing_and_answers_nothing(client: Client, case: Case) -> None:
    look = "/" + status_page.look(case).partition("://")[2].partition("/")[2]
    assert "Did this solve it?" not in client.get(look).content.decode()
    assert client.post(f"{look}survey/", {"solved": "yes"}).status_code == 403
    assert not SurveyAnswer.objects.exists()


def test_a_link_that_was_called_back_answers_nothing(client: Client, case: Case, ana: User) -> None:
    link = path(case)
    status_page.revoke(case, by=ana)
    assert client.post(f"{link}survey/", {"solved": "yes"}).status_code == 404
    assert client.get(f"{link}survey/").status_code == 405
    assert not SurveyAnswer.objects.exists()


@pytest.mark.parametrize("wrong", [{}, {"solved": "perhaps"}, {"solved": "yes", "feeling": "sad"}, {"solved": "no", "words": "x" * 1001}])  # fmt: skip
def test_what_is_no_answer_is_told_and_not_kept(client: Client, case: Case, wrong: dict[str, str]) -> None:
    answer = say(client, case, **wrong)
    assert answer.status_code == 422
    assert "Your answer has not been kept yet" in answer.content.decode()
    assert not SurveyAnswer.objects.exists()


def test_it_is_bounded_a_case(client: Client, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "WORDS", 2)
    codes = [say(client, case, solved="yes", words=str(n)).status_code for n in range(3)]
    assert codes == [302, 302, 429]


# --- a yes


def test_a_yes_is_evidence_that_the_need_is_met(client: Client, case: Case) -> None:
    sent = say(client, case, solved="yes", feeling="good", words="Quick!\r\nThank you")
    assert sent.status_code == 302
    page = client.get(sent.url).content.decode()
    assert "We are glad that it is done." in page
    row = SurveyAnswer.objects.get()
    assert (row.case, row.solved, row.feeling, row.words) == (case, True, "good", "Quick!\nThank you")
    now = fresh(case)
    assert now.need_met_event is not None
    assert (now.need_met_event.data["how"], now.need_met_event.via) == ("survey", "channel")
    assert (now.status, now.tags) == ("resolved", [])
    assert not Notification.objects.filter(reason="unsolved").exists()
    said = told(Event.objects.get(kind="survey_answered"))
    assert said == "Asked whether this solved it, the customer says yes, it felt good: “Quick!\nThank you”"


def test_it_opens_no_offer_by_itself(client: Client, case: Case, ana: User) -> None:
    """How they felt with their latest message nobody marked; that it was solved says nothing of it."""
    say(client, case, solved="yes", feeling="good")
    decision = deciding.decide(fresh(case), by=ana)
    assert "feeling_unknown" in {gate[1] for gate in decision.gates}


# --- a no


def test_a_no_tells_the_owner_takes_the_need_back_and_opens_nothing(client: Client, case: Case, ana: User) -> None:
    case.mark_need_met(by=ana, how="customer_said")
    page = client.get(say(client, case, solved="no", feeling="bad").url).content.decode()
    assert "The person who looks after your case is told." in page
    now = fresh(case)
    assert (now.status, now.need_met_event, now.tags) == ("resolved", None, [NOT_SOLVED])
    unmet = Event.objects.get(kind="need_unmet")
    assert (unmet.reason, told(unmet)) == ("survey", "the customer says so: the need is not met")
    assert Notification.objects.get(reason="unsolved").user == ana


def test_where_nobody_has_it_the_leads_are_told(client: Client, case: Case, ana: User, lee: User) -> None:
    case.queue.memberships.filter(user=lee).update(role="lead")
    case.release(by=ana)
    say(client, case, solved="no")
    assert Event.objects.get(kind="survey_answered").data["leads"] == [lee.pk]
    assert set(Notification.objects.filter(reason="unsolved").values_list("user", flat=True)) == {lee.pk}


def test_that_it_closes_by_itself_takes_nobodys_word_back(client: Client, case: Case) -> None:
    say(client, case, solved="no")
    fresh(case).change_status("closed", by=None, via="clock")
    assert Notification.objects.filter(reason="unsolved", ended_by=None).exists()


def test_a_no_keeps_silence_from_saying_that_it_is_met(billing: Queue, carl: Customer, ana: User) -> None:
    helped, unhelped = asked(billing, carl, ana), asked(billing, make_customer("Karl", email="karl@example.org"), ana)
    for case in (helped, unhelped):
        answered(case, ana)
        fresh(case).resolve(by=ana)
    survey.answer(fresh(unhelped), Said(solved=False, feeling="", words=""), at=timezone.now())
    silence.sweep(timezone.now() + timedelta(days=30))
    assert fresh(helped).need_met_event is not None
    assert fresh(unhelped).need_met_event is None


# --- once, for a day


def test_it_may_be_changed_for_a_day_and_what_follows_changes_with_it(case: Case, ana: User) -> None:
    now = timezone.now()
    survey.answer(case, Said(solved=False, feeling="bad", words="Broken"), at=now)
    survey.answer(case, Said(solved=False, feeling="bad", words="Broken"), at=now)
    assert Event.objects.filter(kind="survey_answered").count() == 1
    survey.answer(case, Said(solved=True, feeling="good", words=""), at=now + timedelta(hours=23))
    row = SurveyAnswer.objects.get()
    assert (row.solved, row.feeling, row.words, row.answered_at) == (True, "good", "", now)
    assert (fresh(case).need_met_event is not None, fresh(case).tags) == (True, [])
    assert not Notification.objects.filter(reason="unsolved", ended_by=None).exists()
    with pytest.raises(Refusal, match="answered this already"):
        survey.answer(case, Said(solved=False, feeling="", words=""), at=now + timedelta(hours=25))


def test_afterwards_the_page_tells_what_was_said(client: Client, case: Case) -> None:
    survey.answer(case, Said(solved=False, feeling="", words=""), at=timezone.now() - timedelta(days=2))
    page = client.get(path(case)).content.decode()
    assert "You told us that this did not solve it." in page
    assert "Did this solve it?" not in page


@pytest.mark.django_db(transaction=True)
def test_of_many_answers_at_once_one_row_and_its_evidence_stand() -> None:
    ana = make_user("Ana Lind", username="ana")
    case = make_question(make_queue("Billing", reps=[ana]), make_customer("Carl", email="carl@example.org"), ana)
    case.resolve(by=ana)
    at = timezone.now()
    outcomes(4, lambda n: survey.answer(Case.objects.get(pk=case.pk), Said(bool(n % 2), "", ""), at=at))
    row, now = SurveyAnswer.objects.get(), fresh(case)
    assert row.solved == (now.need_met_event is not None) == (NOT_SOLVED not in now.tags)
    assert row.solved == (Event.objects.filter(kind="survey_answered").latest("version").reason == "solved")


# --- who reads it


def test_it_is_read_over_the_api_by_who_sees_the_case(case: Case, ana: User, ben: User) -> None:
    place = f"cases/{case.number}/survey/"
    assert Caller(ana).get(place).status_code == 404
    survey.answer(case, Said(solved=True, feeling="good", words="Fine"), at=timezone.now())
    told = Caller(ana).get(place).json()
    assert (told["solved"], told["feeling"], told["words"]) == (True, "good", "Fine")
    assert Caller(ben).get(place).status_code == 404


def test_what_they_wrote_teaches_how_words_sound(case: Case) -> None:
    assert gathering.marked() == []
    survey.answer(case, Said(solved=False, feeling="bad", words=""), at=timezone.now())
    assert gathering.marked() == []
    survey.answer(case, Said(solved=False, feeling="bad", words="Nobody rang me"), at=timezone.now())
    assert [(e.text, e.case, e.feeling, e.survey) for e in gathering.marked()] == [
        ("Nobody rang me", case.pk, "bad", True)
    ]
    assert (SurveyAnswer, "words", "blank") in [c for part in personal_data.collect() for c in part]
    SurveyAnswer.objects.update(words="")
    assert gathering.marked() == []


def test_a_training_learns_from_it_beside_marks_and_counts_it_apart(
    billing: Queue, ana: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "LEAST", 90)
    monkeypatch.setattr(training, "LEAST_OF_ONE", 20)
    for n in range(4):
        marked(billing, ana, examples(10, seed=n))
    for each in examples(20, seed=9):
        row = {"solved": each.feeling != "bad", "feeling": each.feeling, "words": each.text}
        SurveyAnswer.objects.create(case=make_case(billing), answered_at=NOW, changed_at=NOW, **row)
    learned = learning.train("sentiment")
    assert learned is not None
    assert learned.seen == {"marked messages": 120, "survey answers": 60, "bad": 60, "neutral": 60, "good": 60}
    assert learned.figures["held back"] == 180


def test_it_costs_the_same_page_but_four_questions(
    client: Client, case: Case, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(14):
        client.get(path(case))
