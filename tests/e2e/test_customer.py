"""A customer's page in a real browser: it renews itself, a merge is looked at first and taken back."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from cases.models import Queue
from crm.models import User
from customers import consent, reach
from customers.models import ContactPoint, Customer, Order
from tests import look, processes
from tests.builders import make_case, make_customer

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser: Browser, ana: User, billing: Queue) -> Iterator[Page]:
    """A rep of Billing, signed in; whatever the browser complains about fails the test."""
    complaints: list[str] = []
    with processes.web() as running:
        opened = browser.new_context(viewport={"width": 1440, "height": 900}, base_url=running.url).new_page()
        opened.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        look.sign_in(opened, running.url, ana.username, "correct horse battery")
        yield opened
    assert complaints == []


def live(page: Page, path: str) -> None:
    page.goto(path)
    expect(page.locator("body")).to_have_attribute("data-live", "on", timeout=10_000)


def test_the_page_and_the_card_renew_themselves(page: Page, carl: Customer, billing: Queue, ana: User) -> None:
    for i in range(40):
        Order.objects.create(customer=carl, number=f"N{i:02}", placed_at=timezone.now() - timedelta(days=i + 1))
    live(page, f"/customers/{carl.pk}/")
    page.get_by_role("link", name="Older").click()
    expect(page.locator("#timeline")).to_contain_text("N39")
    consent.record(carl, "research", "phone", granted=True, source="rep", by=ana)
    expect(page.locator("#timeline")).to_contain_text("Surveys and betas: yes")
    expect(page.locator("#consent .ok")).to_have_text("yes")
    for i in (0, 29, 30, 39):  # what was shown is shown once, what was older too
        expect(page.locator("#timeline li", has_text=f"Order N{i:02}")).to_have_count(1)
    case = make_case(billing, customer=carl)
    live(page, f"/cases/{case.number}/")
    expect(page.locator("#context")).to_contain_text("carl@example.org")
    carl.refresh_from_db()
    reach.edit(carl, {"pronunciation": "YEN-sen"}, by=ana, against=carl.version)
    expect(page.locator("#context")).to_contain_text("YEN-sen")


def test_a_merge_is_looked_at_made_and_taken_back(page: Page, carl: Customer) -> None:
    twin = make_customer("C. Jensen", email="carl@work.example")
    live(page, f"/customers/{carl.pk}/")
    page.get_by_role("link", name="Same person as").click()
    page.get_by_role("searchbox").fill("jens")
    page.keyboard.press("Enter")
    page.get_by_role("link", name="C. Jensen").click()
    expect(page.locator("#main")).to_contain_text("1 contact points")
    assert ContactPoint.objects.get(value="carl@work.example").customer == twin
    page.get_by_role("button", name="Merge").click()
    expect(page.locator("#reach")).to_contain_text("carl@work.example")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator("#reach")).not_to_contain_text("carl@work.example")
    assert ContactPoint.objects.get(value="carl@work.example").customer == twin
