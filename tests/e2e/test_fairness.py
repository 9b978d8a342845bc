"""The fairness report on a lead's screens, wide and narrow, light and dark."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from cases.models import Case, Queue, Remedy
from crm.models import User
from customers.models import Customer
from tests.builders import make_case, make_question
from tests.cases.remedied import make_policy
from tests.e2e.desks import Open, serious, shot

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User, lee: User) -> Case:
    """Eighteen like cases of each: Ana gives a fifth more than Lee."""
    policy, at = make_policy("Parcel late", None, billing), timezone.now() - timedelta(hours=1)
    version = policy.current
    assert version
    for n in range(36):
        by = (ana, lee)[n % 2]
        Remedy.objects.create(
            case=make_case(billing, customer=carl, assignee=by), customer=carl, policy=policy, policy_version=version,
            row=0, facts={"impact": "small", "prior": 0}, computed=Decimal(10), granted=Decimal((12, 10)[n % 2]),
            currency="EUR", kind="credit", override_reason=("harder", "")[n % 2], state=Remedy.State.APPROVED,
            asked_by=by, decided_by=by, asked_at=at, decided_at=at, due_at=at + timedelta(days=9),
        )  # fmt: skip
    return make_question(billing, carl, ana)


def test_a_lead_goes_from_approvals_to_the_report_and_into_a_case(desk: Open, lena: User) -> None:
    page = desk(lena)
    page.goto(page.url.split("/cases/")[0] + "/approvals/")
    page.get_by_role("main").get_by_role("link", name="Fairness").click()
    expect(page.locator(".fair-figures")).to_contain_text("Most beyond like cases: Ana Lind (+10.0\u00a0%)")
    expect(page.locator(".pairs > li")).to_have_count(10)
    assert serious(page) == []
    shot(page, "fairness")
    page.get_by_label("Last day").fill("2020-01-31")
    page.get_by_label("First day").fill("2020-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_role("main")).to_contain_text("Nothing was granted in these days.")
    page.go_back()
    page.locator(".pairs a").first.click()
    expect(page).to_have_url(page.url.split("/cases/")[0] + "/cases/" + page.url.rstrip("/").rsplit("/", 1)[1] + "/")


def test_it_fits_a_narrow_screen_in_the_dark(desk: Open, lena: User) -> None:
    page = desk(lena, 390, "dark")
    page.goto(page.url.split("/cases/")[0] + "/fairness/")
    expect(page.locator(".pairs > li")).to_have_count(10)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert page.evaluate("document.getElementById('main').scrollWidth <= document.getElementById('main').clientWidth")
    assert serious(page) == []
    shot(page, "fairness-390-dark")
    page.locator("#unlike").scroll_into_view_if_needed()
    shot(page, "fairness-390-dark-pairs")
