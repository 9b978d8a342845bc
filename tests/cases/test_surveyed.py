"""What came of asking: how many were asked, how many answered, which share says yes; on the board, over the API, and each answer
in its customer's line of time."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import survey, surveyed
from cases.models import Case, Queue, SurveyAsking
from cases.survey import Said
from crm.models import User
from customers import timeline
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case, make_question, make_queue, make_user
from tests.cases.test_customer_timeline import told
from tests.cases.test_survey import path
from tests.racing import outcomes

pytestmark = pytest.mark.django_db
NOW = timezone.now()
DAYS = timedelta(days=90)


def done(queue: Queue, said: bool | None = None, *, days: float = 1) -> Case:
    """A resolved case whose customer was asked so many days ago, and answered that."""
    case = make_case(queue, status="resolved", resolved_at=NOW)
    survey.note_asked(case, NOW - timedelta(days=days))
    if said is not None:
        survey.answer(case, Said(said, "", ""), at=NOW)
    return case


def found(queue: Queue) -> tuple[int, int, int, float | None]:
    row = surveyed.answers([queue.pk], NOW - DAYS, NOW).get(queue.pk, surveyed.NONE)
    return row.asked, row.answered, row.solved.count, row.solved.share


# --- who was asked


def test_whoever_sees_the_question_was_asked_once(client: Client, billing: Queue, carl: Customer, ana: User) -> None:
    case = make_question(billing, carl, ana)
    client.get(path(case))
    assert not SurveyAsking.objects.exists(), "not resolved, not asked"
    case.resolve(by=ana)
    client.head(path(case))
    assert not SurveyAsking.objects.exists(), "nobody reads what is asked for without its words"
    client.get(path(case))
    first = SurveyAsking.objects.get().at
    client.get(path(case))
    assert SurveyAsking.objects.get().at == first
    Queue.objects.update(asks_survey=False)
    assert SurveyAsking.objects.count() == 1, "what a queue says today takes nothing back"


def test_where_nothing_is_asked_nobody_is_counted(client: Client, billing: Queue, carl: Customer, ana: User) -> None:
    case = make_question(billing, carl, ana)
    case.resolve(by=ana)
    Queue.objects.update(asks_survey=False)
    client.get(path(case))
    assert not SurveyAsking.objects.exists()


def test_whoever_answers_was_asked(billing: Queue) -> None:
    """However they came by the form."""
    survey.answer(
        make_case(billing, status="resolved", resolved_at=NOW), Said(True, "", ""), at=NOW - timedelta(hours=1)
    )
    assert found(billing) == (1, 1, 1, 1.0)


@pytest.mark.django_db(transaction=True)
def test_a_page_shown_many_times_at_once_asks_once() -> None:
    case = make_case(make_queue("Billing", reps=[make_user("Ana", username="ana")]), status="resolved", resolved_at=NOW)
    got = outcomes(4, lambda n: survey.note_asked(Case.objects.get(pk=case.pk), NOW + timedelta(seconds=n)))
    assert not [each for each in got if isinstance(each, Exception)]
    assert SurveyAsking.objects.count() == 1


# --- the measure


def test_it_counts_asked_answered_and_yes_of_the_time_and_the_queue(billing: Queue, technical: Queue) -> None:
    for said in (True, True, False, None):
        done(billing, said)
    done(billing, True, days=91)
    done(technical, False)
    spam = done(billing)
    Case.objects.filter(pk=spam.pk).update(status="spam")
    assert found(billing) == (4, 3, 2, 0.6667)
    assert found(technical) == (1, 1, 0, 0.0)
    survey.answer(Case.objects.filter(survey__solved=False, queue=billing).get(), Said(True, "", ""), at=NOW)
    assert found(billing) == (4, 3, 3, 1.0), "as it stands now"


def test_it_is_read_over_the_api_by_those_who_lead(billing: Queue, technical: Queue, ana: User, sue: User) -> None:
    for said in (True, True, False, None):
        done(billing, said)
    call = Caller(sue)
    (row,) = [row for row in call.get("measures/surveys/").json()["results"] if row["queue"] == billing.pk]
    assert (row["name"], row["asked"], row["answered"]) == ("Billing", 4, 3)
    assert row["solved"] == {"count": 2, "share": 0.6667, "low": 0.2077, "high": 0.9385}
    old = (NOW - timedelta(days=30)).isoformat().replace("+00:00", "Z")
    (none,) = call.get(f"measures/surveys/?until={old}&queue={billing.pk}").json()["results"]
    assert (none["asked"], none["solved"]["share"]) == (0, None)
    assert call.get(f"measures/surveys/?queue={technical.pk}").status_code == 400
    assert Caller(ana).get("measures/surveys/").status_code == 403


def test_the_board_tells_it_with_what_it_is_of(client: Client, billing: Queue, sue: User, ana: User) -> None:
    client.force_login(sue)
    assert 'hx-get="/board/surveys/"' in client.get("/board/").content.decode()
    assert "Nobody was asked." in client.get("/board/surveys/").content.decode()
    done(billing)
    assert "1 customer was asked, none answered." in client.get("/board/surveys/").content.decode()
    for said in (True, True, False):
        done(billing, said)
    page = client.get("/board/surveys/").content.decode()
    for words in ("67 %", "of 3 who answered; 4 customers were asked", "between 21 % and 94 %"):
        assert words in page
    behind = dict(re.findall(r'<a href="([^"]+)">([^<]+)</a>', page))
    assert list(behind.values()) == ["2 yes", "1 no", "1 has not answered"]
    for url, words in behind.items():
        shown = client.get(html.unescape(url)).content.decode()
        assert len(set(re.findall(r'href="/cases/(\d+)/"', shown))) == int(words.split()[0]), "the cases are behind it"
    client.force_login(ana)
    assert client.get("/board/surveys/").status_code == 403


def test_it_costs_one_question_however_many_there_are(billing: Queue, django_assert_num_queries: Any) -> None:
    for n in range(2):
        for _each in range(1 + 5 * n):
            done(billing, True)
        with django_assert_num_queries(1):
            surveyed.lines([billing], NOW)


# --- in the customer's line of time


def test_an_answer_is_in_its_customers_line_of_time_as_it_stands(
    billing: Queue, technical: Queue, carl: Customer, ana: User, ben: User
) -> None:
    case = make_case(billing, customer=carl, status="resolved", opened_at=NOW - timedelta(days=2), resolved_at=NOW)
    survey.answer(case, Said(False, "bad", "Nobody\n  rang me"), at=NOW - timedelta(hours=2))
    (entry,) = told(carl, ana, kind="survey")
    assert entry.title == f"Asked whether #{case.number} was solved: no"
    assert entry.text == "it felt bad: “Nobody rang me”"
    assert entry.url == f"/cases/{case.number}/"
    survey.answer(case, Said(True, "", ""), at=NOW - timedelta(hours=1))
    (entry,) = told(carl, ana, kind="survey")
    assert (entry.title, entry.text) == (f"Asked whether #{case.number} was solved: yes", "")
    assert [each.kind for each in told(carl, ana)][:2] == ["survey", "case"]
    assert told(carl, ben, kind="survey") == [], "of a queue that is not theirs"
    assert ("survey", "Answers to surveys") in [(kind, str(words)) for kind, words in timeline.kinds()]


def test_where_more_is_behind_a_number_than_is_shown_it_is_said(client: Client, billing: Queue, sue: User) -> None:
    client.force_login(sue)
    for _each in range(50):
        done(billing, True)
    told = "The newest 50 cases are shown."
    assert told in client.get("/search/?q=survey:yes").content.decode()
    SurveyAsking.objects.first().delete()  # type: ignore[union-attr]
    assert told not in client.get("/search/?q=survey:yes").content.decode()
