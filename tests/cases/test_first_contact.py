"""First-contact resolution: three numbers of the same issues, looking forward across cases and channels."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import conversation, first_contact, issues, survey
from cases.first_contact import First, resolution
from cases.intake import open_case
from cases.models import Case, Queue
from crm.models import User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_customer

NOW = datetime(2026, 5, 1, tzinfo=UTC)


def first(days_ago: float = 100, **after: float) -> First:
    """A first contact answered within the hour; `after`: in so many days after it."""
    at = NOW - timedelta(days=days_ago)
    told: dict[str, Any] = {"answered_at": at + timedelta(hours=1)}
    return First(1, at, **(told | {f"{name}_at": at + timedelta(days=days) for name, days in after.items()}))


def counts(row: First) -> list[tuple[int, int, int]]:
    """Net, said and not reopened, of one issue, within 7, 14 and 30 days."""
    return [(w.net.count, w.said.count, w.not_reopened.count) for w in resolution([row], NOW).windows]


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        ({}, [(1, 0, 1)] * 3),
        ({"again": 3}, [(0, 0, 1)] * 3),
        ({"again": 10}, [(1, 0, 1), (0, 0, 1), (0, 0, 1)]),
        ({"again": 40}, [(1, 0, 1)] * 3),
        ({"said": 1}, [(1, 1, 1)] * 3),
        ({"said": 10}, [(1, 0, 1), (1, 1, 1), (1, 1, 1)]),
        ({"said": 1, "unsaid": 10}, [(1, 1, 1), (1, 0, 1), (1, 0, 1)]),
        ({"again": 2, "said": 3}, [(0, 0, 1)] * 3),
        ({"said": 1, "again": 2}, [(0, 1, 1)] * 3),
        ({"reopened": 20}, [(1, 0, 1), (1, 0, 1), (1, 0, 0)]),
    ],
)
def test_what_came_after_decides_each_number_for_itself(
    after: dict[str, float], expected: list[tuple[int, int, int]]
) -> None:
    assert counts(first(**after)) == expected


def test_the_days_count_from_our_answer_where_that_came_late_and_not_where_they_asked_again_before() -> None:
    assert counts(first(answered=5, again=11))[0] == (0, 0, 1)
    assert counts(first(answered=5, again=13))[0] == (1, 0, 1)
    assert counts(first(again=3, answered=5))[0] == (0, 0, 1)


def test_the_young_are_left_out_and_counted_and_those_nobody_answered_stand_apart() -> None:
    nobody = First(1, NOW - timedelta(days=100))
    found = resolution([first(), first(20), first(10), first(1), nobody], NOW)
    assert found.unanswered == 1
    assert [(w.days, w.issues, w.too_young) for w in found.windows] == [(7, 3, 1), (14, 2, 2), (30, 1, 3)]
    assert resolution([], NOW).windows[0].net.share is None


# --- from the house's own rows


def written(queue: Queue, customer: Customer, days: float, *, channel: str = "mail", by: User | None = None) -> Case:
    """A case opened so many days ago, and answered an hour later, if by somebody."""
    at = timezone.now() - timedelta(days=days)
    case = open_case(queue=queue, customer=customer, subject="The line", channel=channel, at=at, via="channel")
    conversation.add_inbound(case, text="The line is down.", sender=None, channel=channel, at=at)
    if by:
        case.refresh_from_db()
        conversation.reply(case, by=by, text="We see to it.", written_against=case.version, at=at + timedelta(hours=1))
    return Case.objects.get(pk=case.pk)


def told(user: User, more: str = "") -> list[dict[str, Any]]:
    answer = Caller(user).get(f"measures/resolution/{more}")
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["results"]  # type: ignore[attr-defined]
    return rows


@pytest.mark.django_db
def test_another_case_by_another_way_about_the_same_thing_is_a_further_contact(
    billing: Queue, carl: Customer, ana: User, root: User
) -> None:
    case, later = written(billing, carl, 60, by=ana), written(billing, carl, 57, channel="phone")
    alone = written(billing, make_customer("Somebody Else"), 50, by=ana)
    alone.mark_need_met(by=ana, how="customer_said", at=timezone.now() - timedelta(days=49))
    window = next(row for row in told(root) if row["queue"] == billing.pk)["windows"][0]
    assert (window["issues"], window["net"]["count"], window["said"]["count"]) == (2, 2, 1)
    issues.join(later, case, by=ana)
    (row,) = told(root, f"?queue={billing.pk}")
    window = row["windows"][0]
    assert (window["issues"], window["net"]["count"], window["said"]["count"]) == (2, 1, 1)
    assert window["net"]["share"] == 0.5
    assert row["unanswered"] == 0


@pytest.mark.django_db
def test_what_nobody_answered_and_what_is_of_another_time_is_in_no_number(
    billing: Queue, carl: Customer, ana: User, root: User
) -> None:
    written(billing, carl, 60)
    written(billing, make_customer("Long Ago"), 200, by=ana)
    (row,) = told(root, f"?queue={billing.pk}")
    assert (row["unanswered"], row["windows"][0]["issues"]) == (1, 0)
    since = (timezone.now() - timedelta(days=300)).strftime("%Y-%m-%dT00:00:00Z")
    (row,) = told(root, f"?queue={billing.pk}&from={since}")
    assert (row["unanswered"], row["windows"][2]["issues"]) == (1, 1)
    assert len(first_contact.firsts([billing.pk], timezone.now() - timedelta(days=90), timezone.now())) == 1


@pytest.mark.django_db
def test_a_queue_one_does_not_lead_and_times_that_are_none_are_told(billing: Queue, sue: User) -> None:
    for wrong in (
        "?queue=0",
        "?queue=mine",
        "?from=yesterday",
        "?from=2026-05-02T00:00:00Z&until=2026-05-01T00:00:00Z",
    ):
        assert Caller(sue).get(f"measures/resolution/{wrong}").status_code == 400


@pytest.mark.django_db
def test_a_yes_on_their_page_is_said_by_them_until_a_no_takes_it_back(
    billing: Queue, carl: Customer, ana: User, root: User
) -> None:
    case, at = written(billing, carl, 60, by=ana), timezone.now() - timedelta(days=59)
    case.resolve(by=ana, at=at)
    for solved, counted in ((True, 1), (False, 0)):
        survey.answer(case, survey.Said(solved, "", ""), at=at)
        (row,) = told(root, f"?queue={billing.pk}")
        assert row["windows"][0]["said"]["count"] == counted
