"""Making good, on both screens: a rep asks, a lead approves, and each sees at once what the other did."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from cases.models import Case, Presence, Queue, Remedy, ServicePolicy
from cases.remedies import raising
from crm.models import User
from customers.models import Customer
from tests.builders import make_question, make_user
from tests.cases.remedied import allow, make_policy, propose
from tests.e2e.desks import Open, serious, shot

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    make_policy("Parcel late", None, billing)
    allow("rep", per_case=20)
    allow("lead", per_case=500)
    return make_question(billing, carl, ana)


def test_what_a_rep_asks_for_a_lead_approves_and_both_see_it_at_once(
    desk: Open, case: Case, ana: User, lena: User
) -> None:
    approvals = desk(lena)
    approvals.goto(approvals.url.split("/cases/")[0] + "/approvals/")
    expect(approvals.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=20_000)
    expect(approvals.locator("#approvals")).to_contain_text("Nothing waits for approval.")
    page = desk(ana)
    panel = page.locator('[data-panel="remedies"]')
    if panel.get_attribute("open") is None:
        panel.locator("summary").first.click()
    panel.get_by_role("button", name="Make it good").click()
    dialog = page.locator("#ask")
    dialog.get_by_label("Impact").select_option("hard")
    expect(dialog.locator("#quote")).to_contain_text("30.00 EUR")
    expect(dialog.locator("#quote")).to_contain_text("In this case 20.00 EUR is left to you.")
    assert serious(page) == []
    shot(page, "remedy-form")
    dialog.get_by_role("button", name="Ask for approval").click()
    expect(panel).to_contain_text("waits for approval", timeout=8000)
    row = approvals.locator("#approvals .remedy")
    expect(row).to_contain_text("30.00 EUR", timeout=8000)
    assert serious(approvals) == []
    shot(approvals, "approvals")
    row.get_by_role("button", name="Approve").click()
    expect(approvals.locator("#approvals")).to_contain_text("Nothing waits for approval.", timeout=8000)
    expect(panel).to_contain_text("approved, being paid", timeout=8000)
    expect(panel).to_contain_text("Lena Lead")
    shot(page, "remedy-panel")
    assert Remedy.objects.get().decided_by == lena


def test_what_nobody_decides_in_time_is_raised_and_both_screens_say_so_at_once(
    desk: Open, case: Case, ana: User, lena: User
) -> None:
    approvals = desk(lena, width=390, scheme="dark")
    approvals.goto(approvals.url.split("/cases/")[0] + "/approvals/")
    expect(approvals.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=20_000)
    page = desk(ana)
    panel = page.locator('[data-panel="remedies"]')
    if panel.get_attribute("open") is None:
        panel.locator("summary").first.click()
    remedy = propose(case, ServicePolicy.objects.get(), ana, amount=Decimal(25), reason="harder")
    row = approvals.locator("#approvals .remedy")
    for screen in (panel, row):
        expect(screen.locator(".chip.clock")).to_contain_text(re.compile("decision due 1[45] min"), timeout=8000)
    raising.raise_due(remedy.answer_by + timedelta(seconds=1))
    expect(row).to_contain_text("Nobody decided in time: now it is for you.", timeout=8000)
    expect(panel).to_contain_text("now it is for Lena Lead. You need not wait: call it off", timeout=8000)
    expect(panel).to_contain_text("up to 12.50 EUR at once by yourself")
    expect(page.locator("main").first).to_contain_text("25.00 EUR, credit is for Lena Lead to decide now")
    assert serious(approvals) == []
    assert approvals.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(approvals, "raised-390-dark")
    shot(page, "raised")


def test_a_lead_who_is_not_named_sees_at_once_to_whom_it_is_raised(
    desk: Open, case: Case, billing: Queue, ana: User, lena: User
) -> None:
    """Before they decide what somebody else is at."""
    olga = make_user("Olga Other")
    billing.memberships.create(user=olga, role="lead")
    remedy = propose(case, ServicePolicy.objects.get(), ana, amount=Decimal(25), reason="harder")
    approvals = desk(olga)
    approvals.goto(approvals.url.split("/cases/")[0] + "/approvals/")
    expect(approvals.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=20_000)
    row = approvals.locator("#approvals .remedy")
    expect(row).to_contain_text("This queue decides within 15 minutes of its opening hours.")
    shot(approvals, "approval-countdown")
    Presence.objects.update_or_create(user=lena, defaults={"state": "online", "lost_at": None})
    raising.raise_due(remedy.answer_by + timedelta(seconds=1))
    expect(row).to_contain_text("Nobody decided in time: now it is for Lena Lead.", timeout=8000)


def test_the_form_fits_a_narrow_screen_in_the_dark(desk: Open, case: Case, ana: User) -> None:
    page = desk(ana, width=390, scheme="dark")
    page.evaluate("htmx.ajax('GET', location.pathname + 'remedies/form/', {target: '#ask-body', swap: 'innerHTML'})")
    dialog = page.locator("#ask")
    dialog.get_by_label("Impact").select_option("small")
    expect(dialog.get_by_role("button", name="Grant it")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert serious(page) == []
    shot(page, "remedy-form-narrow")


def test_a_supervisor_writes_a_row_and_reads_what_is_missing(desk: Open, case: Case, sue: User) -> None:
    page = desk(sue)
    policy = ServicePolicy.objects.get()
    page.goto(page.url.split("/cases/")[0] + f"/admin/cases/servicepolicy/{policy.pk}/change/")
    row = page.locator("#policy-row-2")
    expect(row.get_by_label("work stood still")).to_be_checked()
    shot(page, "policy-grid")
    row.get_by_label("work stood still").uncheck()
    row.get_by_label("a nuisance").check()
    page.locator('[name="_save"]').click()
    expect(page.locator("body")).to_contain_text("Rows 1 and 2 are both for this: Impact: a nuisance.")
    expect(page.locator("body")).to_contain_text("No row is for this: Impact: work stood still.")
    assert policy.versions.count() == 1
    page.locator("#policy-row-2").scroll_into_view_if_needed()
    shot(page, "policy-grid-refused")
