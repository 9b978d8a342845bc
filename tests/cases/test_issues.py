"""Issues (D8): what is probably one thing is proposed, people say whether it is, and merging and splitting keep it right."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import conversation, issues, merging, sameness, splitting
from cases.intake import open_case
from cases.models import Case, Contact, Issue, Queue
from cases.models.case import Refusal
from cases.sameness import Told
from crm.models import Event, User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_customer, make_user
from tests.cases.merged import everything
from tests.cases.test_races import gapless
from tests.racing import outcomes

pytestmark = pytest.mark.django_db
ROUTER = "My router drops the line every evening"
AGAIN = "The router still drops the line"
BILL = "Charged twice on the April invoice"


def written(queue: Queue, customer: Customer, subject: str, *, hours: float = 1, channel: str = "mail") -> Case:
    at = timezone.now() - timedelta(hours=hours)
    case = open_case(queue=queue, customer=customer, subject=subject, channel=channel, at=at, via="channel")
    conversation.add_inbound(case, text=f"{subject}.", sender=None, channel=channel, at=at)
    return Case.objects.get(pk=case.pk)


@pytest.fixture
def first(billing: Queue, carl: Customer) -> Case:
    return written(billing, carl, ROUTER, hours=50)


@pytest.fixture
def again(first: Case, billing: Queue, carl: Customer) -> Case:
    return written(billing, carl, AGAIN, channel="phone")


@pytest.fixture
def bill(billing: Queue, carl: Customer) -> Case:
    return written(billing, carl, BILL, hours=30)


def of(*cases: Case) -> list[int | None]:
    """The issue of each, which its contacts share."""
    for case in cases:
        case.refresh_from_db()
        assert set(case.contacts.values_list("issue", flat=True)) <= {case.issue_id}
    return [case.issue_id for case in cases]


def kinds(case: Case) -> list[str]:
    told = Event.objects.filter(stream="case", stream_id=case.pk, kind__startswith="issue_")
    return list(told.order_by("version").values_list("kind", flat=True))


# --- the score


AT = datetime(2026, 5, 4, 12, tzinfo=timezone.get_current_timezone())


def told(text: str, *, days: float = 0.0, **more: Any) -> Told:
    return Told((text,), AT + timedelta(days=days), **more)


def test_the_same_words_are_the_same_thing_and_others_are_not() -> None:
    again, bill = sameness.scores(told(ROUTER), [told(AGAIN), told(BILL)])
    assert again >= sameness.PROBABLE > bill


def test_what_a_customer_always_says_tells_little() -> None:
    """Their router is in all they write; the same two texts are less alike among many of it than alone."""
    pair = told("router lamp red"), told("router password lost")
    (alone,) = sameness.scores(pair[0], [pair[1]])
    among = sameness.scores(pair[0], [pair[1], *(told(f"router matter{n}") for n in range(8))])
    assert among[0] < alone < sameness.PROBABLE


@pytest.mark.parametrize(
    ("mine", "theirs", "is_more"),
    [
        ({"tags": frozenset({"line"})}, {"tags": frozenset({"line"})}, True),
        ({"products": frozenset({1})}, {"products": frozenset({1})}, True),
        ({"products": frozenset({1})}, {"products": frozenset({2})}, False),
        ({}, {"days": 30}, False),
    ],
)
def test_tags_products_and_days_weigh(mine: dict[str, Any], theirs: dict[str, Any], *, is_more: bool) -> None:
    (plain,) = sameness.scores(told("router red lamp"), [told("router lost password")])
    (weighed,) = sameness.scores(told("router red lamp", **mine), [told("router lost password", **theirs)])
    assert (weighed > plain) is is_more
    assert weighed != plain


def test_no_words_in_common_or_too_long_ago_is_nothing_at_all() -> None:
    alike: dict[str, Any] = {"tags": frozenset({"line"}), "products": frozenset({1})}
    assert sameness.scores(told(ROUTER, **alike), [told(BILL, **alike), told(ROUTER, days=61, **alike)]) == [0, 0]
    assert sameness.scores(told("and the", **alike), [told("and the", **alike)]) == [0]


# --- what is proposed


def test_the_other_case_about_it_is_proposed_to_who_may_see_it(
    first: Case, again: Case, bill: Case, ana: User, ben: User
) -> None:
    assert [each.case for each in issues.proposals(again, ana)] == [first]
    assert issues.proposals(again, ben) == []
    assert issues.proposals(again, ana, now=timezone.now() + timedelta(days=61)) == []
    issues.part(first, again, by=ana)
    assert issues.proposals(again, ana) == []
    assert issues.proposals(first, ana) == []


# --- what is said


def test_two_cases_are_one_thing_until_somebody_says_otherwise(first: Case, again: Case, ana: User) -> None:
    before = of(first, again)
    assert issues.join(again, first, by=ana) is True
    assert issues.join(again, first, by=ana) is False
    assert of(first, again) == [before[0], before[0]]
    assert kinds(first) == kinds(again) == ["issue_joined"]
    assert issues.leave(again, by=ana) is True
    assert issues.leave(again, by=ana) is False
    assert of(first, again) == before
    assert kinds(again) == ["issue_joined", "issue_left"]


def test_issues_of_several_cases_become_one_and_each_hears_of_it(
    first: Case, again: Case, bill: Case, ana: User
) -> None:
    before = of(first)
    issues.join(again, first, by=ana)
    issues.join(first, bill, by=ana)
    assert of(first, again, bill) == [*before] * 3
    assert kinds(bill) == ["issue_joined"]
    third = written(bill.queue, bill.customer, "Once more")  # type: ignore[arg-type]
    fourth = written(bill.queue, bill.customer, "And more")  # type: ignore[arg-type]
    issues.join(third, fourth, by=ana)
    issues.join(first, third, by=ana)
    assert len(set(of(first, again, bill, third, fourth))) == 1
    assert kinds(third) == kinds(fourth) == ["issue_joined", "issue_joined"]


def test_parting_gives_back_the_issue_that_was_and_is_kept(first: Case, again: Case, ana: User) -> None:
    before = of(first, again)
    issues.join(again, first, by=ana)
    assert issues.part(first, again, by=ana) is True
    assert issues.part(again, first, by=ana) is False
    assert of(first, again) == before
    assert issues.join(first, again, by=ana) is True
    assert len(set(of(first, again))) == 1


def test_what_cannot_be_one_thing_is_refused(first: Case, again: Case, billing: Queue, ana: User) -> None:
    strange = written(billing, make_customer("Somebody Else"), ROUTER)
    again.change_status("open", by=ana)
    spam = written(billing, first.customer, "Win now")  # type: ignore[arg-type]
    spam.change_status("spam", by=ana)
    before = of(first, strange, spam)
    for other in (strange, spam, first):
        with pytest.raises(Refusal):
            issues.join(first, other, by=ana)
    assert of(first, strange, spam) == before
    assert kinds(first) == []


def test_what_was_said_in_a_joined_case_later_is_of_its_issue(first: Case, again: Case, ana: User) -> None:
    issues.join(again, first, by=ana)
    conversation.add_inbound(again, text="And now?", sender=None, channel="chat", at=timezone.now())
    assert Contact.objects.filter(issue=first.issue_id).count() == 3


# --- merged and split


def test_merged_cases_are_one_thing_and_undone_they_are_as_before(
    first: Case, again: Case, bill: Case, ana: User
) -> None:
    issues.join(again, bill, by=ana)
    before, stood = of(first, again, bill), everything(first, again, bill)
    done = merging.merge(again, first, by=ana)
    assert of(first, again, bill) == [before[0]] * 3
    merging.undo(done, by=ana)
    assert of(first, again, bill) == before
    assert everything(first, again, bill) == stood


def test_a_merge_undone_after_the_kept_case_joined_another_gives_back_the_case_that_went(
    first: Case, again: Case, bill: Case, ana: User
) -> None:
    before = of(first, again, bill)
    done = merging.merge(again, first, by=ana)
    first.refresh_from_db()
    issues.join(first, bill, by=ana)
    merging.undo(done, by=ana)
    assert of(again) == [before[1]]
    assert len(set(of(first, bill))) == 1


def test_what_is_split_off_is_a_thing_of_its_own_and_not_proposed(first: Case, again: Case, ana: User) -> None:
    issues.join(again, first, by=ana)
    more = conversation.add_inbound(first, text=ROUTER, sender=None, channel="mail", at=timezone.now())
    fresh = splitting.split(more, subject=ROUTER, by=ana)
    assert len(set(of(first, again, fresh))) == 2
    assert fresh not in [each.case for each in issues.proposals(first, ana)]


# --- at the screen and over HTTP


def test_the_panel_marks_what_is_probably_the_same_and_one_press_says_so(
    client: Client, first: Case, again: Case, bill: Case, ana: User
) -> None:
    client.force_login(ana)
    place = f"/cases/{again.number}/"
    html = client.get(f"{place}others/").content.decode()
    assert html.count("probably the same thing") == 1
    assert html.index(ROUTER) < html.index(BILL)
    html = client.post(f"{place}issue/{first.number}/").content.decode()
    assert "probably the same thing" not in html
    assert html.index("About the same thing") < html.index(ROUTER) < html.index("About something else")
    assert len(set(of(first, again))) == 1
    html = client.delete(f"{place}issue/{first.number}/").content.decode()
    assert "About the same thing" not in html
    assert "probably" not in html
    assert "Not the same thing" not in html
    assert html.count("Same thing") == 2, "whoever erred says so there"
    assert len(set(of(first, again))) == 2


def test_who_only_looks_on_is_offered_no_press(client: Client, first: Case, again: Case, eve: User) -> None:
    again.queue.join(eve, mode="watch")
    client.force_login(eve)
    html = client.get(f"/cases/{again.number}/others/").content.decode()
    assert "probably the same thing" in html
    assert "Not the same thing" not in html


def test_who_may_not_see_the_other_case_says_nothing_of_it(
    client: Client, first: Case, again: Case, technical: Queue, ana: User
) -> None:
    Case.objects.filter(pk=first.pk).update(queue=technical)
    client.force_login(ana)
    assert client.post(f"/cases/{again.number}/issue/{first.number}/").status_code == 404
    assert Caller(ana).post(f"cases/{again.number}/issue/", {"other": first.number}).status_code == 400
    assert len(set(of(first, again))) == 2


def test_the_api_tells_of_an_issue_what_one_may_see(
    first: Case, again: Case, technical: Queue, ana: User, ben: User
) -> None:
    call = Caller(ana)
    answer = call.post(f"cases/{again.number}/issue/", {"other": first.number})
    assert answer.status_code == 200, answer.content
    place = f"issues/{answer.json()['issue']}/"
    told = call.get(place).json()
    assert [case["number"] for case in told["cases"]] == [again.number, first.number]
    assert [(c["case"], c["channel"]) for c in told["contacts"]] == [(again.number, "phone"), (first.number, "mail")]
    Case.objects.filter(pk=first.pk).update(queue=technical)
    assert [case["number"] for case in call.get(place).json()["cases"]] == [again.number]
    assert [case["number"] for case in Caller(ben).get(place).json()["cases"]] == [first.number]
    assert Caller(make_user("Nobody Here")).get(place).status_code == 404
    assert call.delete(f"cases/{again.number}/issue/").json()["issue"] != told["id"]


# --- at once


@pytest.mark.django_db(transaction=True)
def test_joins_at_once_end_in_one_issue_whoever_says_them(billing: Queue, carl: Customer, ana: User) -> None:
    cases = [written(billing, carl, f"{ROUTER} {n}") for n in range(4)]
    pairs = [(0, 1), (1, 0), (2, 3), (1, 2), (3, 0), (0, 1)]

    def say(n: int) -> bool:
        one, two = pairs[n]
        return issues.join(Case.objects.get(pk=cases[one].pk), Case.objects.get(pk=cases[two].pk), by=ana)

    results = outcomes(len(pairs), say)

    assert [r for r in results if isinstance(r, Exception)] == []
    assert len(set(of(*cases))) == 1
    assert results.count(True) == 3
    assert all(gapless(case) for case in cases)
    assert Issue.objects.filter(cases__isnull=False).distinct().count() == 1
