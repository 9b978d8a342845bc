"""A supervisor puts a segment together from rows, by keyboard, and sees whom it means while doing so."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from cases.models import Queue
from crm.models import User
from customers.models import Order, Segment
from tests.builders import make_case, make_customer
from tests.e2e.desks import shot
from tests.e2e.test_rules import opened
from tests.outreach.conftest import make_offer

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def people(billing: Queue) -> None:
    ana = make_customer("Ana Torres", tier="gold")
    for days in (2, 5, 9):
        Order.objects.create(
            customer=ana, number="N", status="returned", placed_at=timezone.now() - timedelta(days=days)
        )
    make_case(billing, customer=make_customer("Ben Okoro"))
    Segment.objects.create(key="gold", name="Gold").publish({"fact": "tier", "op": "is", "value": "gold"})


def press(page: Page, name: str) -> None:
    """By keyboard alone."""
    page.get_by_role("group", name="Who is in it").get_by_role("button", name=name).first.focus()
    page.keyboard.press("Enter")


def count_what_was_returned(page: Page) -> None:
    editor, told = page.get_by_role("group", name="Who is in it"), page.locator("#id_condition-tried")
    press(page, "Add: how many")
    editor.get_by_label("What", exact=True).select_option("orders")
    editor.get_by_label("Value").fill("3")
    editor.get_by_label("Value").blur()
    editor.get_by_label("in the last").fill("30")
    editor.get_by_label("in the last").blur()
    expect(told).to_contain_text("at least 3 orders in the last 30 days. — 1 customer")
    press(page, "Add a condition")  # the first of these is of the rows themselves
    editor.get_by_label("What", exact=True).nth(1).select_option("status")
    editor.get_by_label("Value").nth(1).fill("returned")
    editor.get_by_label("Value").nth(1).blur()
    press(page, "Add: in a segment")
    expect(told).to_contain_text("where Status is returned) and in the segment “Gold”. — 1 customer")
    expect(told.get_by_role("link", name="Ana Torres")).to_be_visible()
    expect(told).to_contain_text("3 orders in the last 30 days; in the segment “Gold”")


def test_a_segment_is_put_together_by_rows(sue: User, billing: Queue, live_server: Any, browser: Browser) -> None:
    people(billing)
    page, complaints = opened(browser, sue, live_server.url)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/admin/customers/segment/add/")
    page.fill("#id_name", "Sends things back")
    told = page.locator("#id_condition-tried")
    expect(told).to_contain_text("Every customer. — 2 customers")
    count_what_was_returned(page)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, "segments-390", whole=True)
    page.evaluate("document.documentElement.classList.add('dark')")
    page.set_viewport_size({"width": 1280, "height": 900})
    shot(page, "segments-dark", whole=True)

    page.get_by_role("group", name="Who is in it").get_by_label("not").last.check()
    expect(told).to_contain_text("— 0 customers")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Sends things back").first).to_be_visible()
    made = Segment.objects.get(name="Sends things back")
    assert made.current is not None
    returned = {"fact": "status", "op": "is", "value": "returned"}
    counted = {"count": "orders", "op": "at_least", "value": 3, "within_days": 30, "where": {"all": [returned]}}
    assert made.current.condition == {"all": [counted, {"not": {"segment": "gold"}}]}
    assert complaints == []


def test_an_offer_is_for_a_segment(sue: User, billing: Queue, live_server: Any, browser: Browser) -> None:
    people(billing)
    offer = make_offer(eligibility={"all": []})
    page, complaints = opened(browser, sue, live_server.url)
    page.goto(f"{live_server.url}/admin/outreach/offer/{offer.pk}/change/")
    editor = page.get_by_role("group", name="Who may have it")
    editor.get_by_role("button", name="Add: in a segment").click()
    expect(page.locator("#id_eligibility-tried")).to_contain_text("in the segment “Gold”. — 1 customer")
    shot(page, "segments-offer", whole=True)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    offer.refresh_from_db()
    assert offer.current is not None
    assert offer.current.eligibility == {"all": [{"segment": "gold"}]}
    assert complaints == []
