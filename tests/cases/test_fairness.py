"""The fairness report through its doors: what it reads, who sees what of it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases.models import Case, Queue, QueueMembership, Remedy, ServicePolicy
from cases.remedies import awards
from crm.models import User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case, make_customer, make_message, make_queue, make_user
from tests.cases.remedied import allow, make_policy, propose

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture
def policy() -> ServicePolicy:
    return make_policy()


def made(queue: Queue, policy: ServicePolicy, by: User, granted: Any = 10, **more: Any) -> Remedy:
    """One granted remedy of the first row, in a case of its own."""
    customer = more.pop("customer", None) or make_customer(email="")
    case = make_case(queue, customer=customer, assignee=by, opened_at=NOW - timedelta(hours=5))
    assert policy.current
    fields: dict[str, Any] = {
        "facts": {"impact": "small", "prior": 0},
        "row": 0,
        "state": Remedy.State.APPROVED,
        "asked_by": by,
    } | more
    return Remedy.objects.create(
        case=case, customer=customer, policy=policy, policy_version=policy.current, computed=Decimal(10),
        granted=Decimal(granted), currency="EUR", kind="credit", decided_by=by, asked_at=NOW - timedelta(hours=1),
        decided_at=NOW - timedelta(hours=1), **fields,
    )  # fmt: skip


def read(queue: Queue) -> list[Any]:
    return awards.awards([queue.pk], NOW - timedelta(days=90), timezone.now())


def test_what_was_proposed_is_read_with_what_the_customer_said_before(
    billing: Queue, policy: ServicePolicy, carl: Customer, ana: User
) -> None:
    allow("rep", per_case=50)
    case = make_case(billing, customer=carl, assignee=ana, opened_at=NOW - timedelta(hours=2))
    make_message(case, "Where is it?", feeling="good", at=NOW - timedelta(hours=2))
    make_message(case, "Where is it!", felt_guess="bad", at=NOW - timedelta(hours=1))
    make_message(case, "Out of office", feeling="good", is_auto=True, at=NOW - timedelta(minutes=30))
    propose(case, policy, ana, amount=Decimal(12), reason="harder", note="Twice.")
    make_message(case, "Thank you", feeling="good", at=timezone.now())
    (found,) = read(billing)
    assert (found.case, found.granted, found.computed, found.reason) == (case.number, 12, 10, "harder")
    assert (found.feeling, found.messages, found.rep, found.queue) == (-1, 2, ana.pk, billing.pk)
    assert (found.language, found.channel, found.hours, found.unasked) == (carl.language, case.channel, None, False)


def test_what_was_refused_or_granted_outside_the_days_is_not_in_it(
    billing: Queue, policy: ServicePolicy, ana: User
) -> None:
    made(billing, policy, ana, state=Remedy.State.REFUSED)
    made(billing, policy, ana, state=Remedy.State.WAITING)
    paid = made(billing, policy, ana, state=Remedy.State.PAID, paid_at=NOW)
    (found,) = read(billing)
    assert (found.remedy, found.hours) == (paid.pk, pytest.approx(5))
    assert awards.awards([billing.pk], NOW, NOW + timedelta(days=1)) == []


def test_like_cases_are_of_the_same_row_and_the_same_facts(billing: Queue, policy: ServicePolicy, ana: User) -> None:
    alike = [made(billing, policy, ana), made(billing, policy, ana, facts={"prior": 0, "impact": "small"})]
    made(billing, policy, ana, facts={"impact": "small", "prior": 1})
    keys: dict[str, list[int]] = {}
    for each in read(billing):
        keys.setdefault(str(each.alike), []).append(each.remedy)
    assert sorted(map(sorted, keys.values()))[0] == [each.pk for each in alike]
    assert len(keys) == 2
    assert len({each.row for each in read(billing)}) == 1


# --- the API


def test_a_desk_with_one_generous_rep_is_told_over_the_api(
    billing: Queue, policy: ServicePolicy, ana: User, lee: User, sue: User
) -> None:
    for n in range(18):
        made(billing, policy, ana, 12, override_reason="harder" if n < 3 else "other")
        made(billing, policy, lee, 10)
    told = Caller(sue)("GET", "measures/fairness/").json()
    assert (told["remedies"], told["chosen"], told["as_computed"]["value"]) == (36, 36, 0.5)
    gap = told["gaps"]["rep"]
    assert (gap["found"], gap["highest"]["name"], gap["gap"], gap["pairs"]) == (True, ana.name, 0.2, 18 * 18)
    assert "Not enough data" in told["gaps"]["tier"]["note"]
    assert "Not enough data" in told["by_feeling"]["note"]
    assert {each["reason"]: each["becomes_row"] for each in told["reasons"]} == {"harder": True, "other": True}
    assert [(p["less"]["granted"], p["more"]["granted"]) for p in told["pairs"]] == [("10.00", "12.00")] * 10


def test_only_queues_one_leads_are_in_it(billing: Queue, policy: ServicePolicy, ana: User, sue: User) -> None:
    elsewhere = make_queue("Elsewhere", reps=[ana])
    made(billing, policy, ana)
    made(elsewhere, policy, ana)
    call = Caller(sue)
    assert call("GET", "measures/fairness/").json()["remedies"] == 1
    assert call("GET", f"measures/fairness/?queue={billing.pk}").json()["remedies"] == 1
    refused = call("GET", f"measures/fairness/?queue={elsewhere.pk}")
    assert (refused.status_code, "You lead no queue" in str(refused.json())) == (400, True)
    assert Caller(ana)("GET", "measures/fairness/").status_code == 403


@pytest.mark.parametrize(
    "period",
    ["from=yesterday", "until=1", "until=0001-01-02T00:00:00Z", "from=2026-03-02T00:00:00Z&until=2026-03-01T00:00:00Z"],
)
def test_a_period_that_is_none_is_refused(billing: Queue, sue: User, period: str) -> None:
    assert Caller(sue)("GET", f"measures/fairness/?{period}").status_code == 400


# --- the page


def test_the_page_tells_it_in_words_and_links_like_cases(
    client: Client, billing: Queue, policy: ServicePolicy, ana: User, lee: User
) -> None:
    lena = make_user("Lena Lead")
    QueueMembership.objects.create(queue=billing, user=lena, role="lead")
    for _n in range(18):
        less, more = made(billing, policy, lee, 10), made(billing, policy, ana, 12)
    client.force_login(lena)
    page = client.get("/fairness/").content.decode()
    assert "Granted just as the policy computes" in page
    assert "50.0\u00a0%" in page
    assert f"Most beyond like cases: {ana.name} (+10.0\u00a0%); least: {lee.name} (-10.0\u00a0%)." in page
    assert "Not enough data" in page
    assert "with 95 % confidence between" in page
    assert page.count('<li class="sheet">') == 10
    assert {f"/cases/{number}/" in page for number in Case.objects.values_list("number", flat=True)} == {True, False}
    assert less.case.number != more.case.number


def test_without_remedies_the_page_says_so_and_a_wrong_period_keeps_its_form(
    client: Client, billing: Queue, sue: User
) -> None:
    client.force_login(sue)
    assert "Nothing was granted in these days." in client.get("/fairness/").content.decode()
    for query, said in [
        ("from=2026-03-02&until=2026-03-01", "not after the last"),
        ("from=2026-02-31", "Give days as"),
        ("until=soon", "Give days as"),
        ("queue=999999", "Choose one of the queues you lead"),
    ]:
        answer = client.get(f"/fairness/?{query}")
        assert (answer.status_code, said in answer.content.decode()) == (400, True), query


def test_the_number_of_questions_does_not_grow_with_the_remedies(
    client: Client, billing: Queue, policy: ServicePolicy, ana: User, sue: User, django_assert_max_num_queries: Any
) -> None:
    client.force_login(sue)
    for more in (2, 40):
        for _n in range(more):
            made(billing, policy, ana)
        with django_assert_max_num_queries(25):
            client.get("/fairness/")
