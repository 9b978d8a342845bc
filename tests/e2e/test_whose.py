"""Two reps and a mail whose sender is not proven: one says whose it is, by keys alone, and both screens know it."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from cases.models import Case, Queue
from crm.models import User
from customers.models import Customer
from tests import look, processes
from tests.mails import letter, taken

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def server() -> Iterator[str]:
    with processes.web() as running:
        yield running.url


@pytest.fixture
def case(billing: Queue, settings: Any) -> Case:
    settings.DEFAULT_FROM_EMAIL = "Brightwave <help@brightwave.example>"
    return taken(letter(sender="Carl Jensen <carl@example.org>, ceo@example.net")).case


def test_whose_a_case_is_is_said_by_keys_and_both_screens_know(
    browser: Browser, server: str, ana: User, lee: User, carl: Customer, case: Case
) -> None:
    pages = []
    for user, width in ((ana, 1440), (lee, 390)):
        page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        look.sign_in(page, server, user.username, "correct horse battery")
        page.goto(f"{server}/cases/{case.number}/")
        expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=10_000)
        expect(page.locator(".case-head")).to_contain_text("whose it is: not known")
        pages.append(page)
    mine, theirs = pages
    expect(mine.locator('[data-panel="customer"]')).to_contain_text("the sender is not proven")
    theirs.fill("textarea[name=text] >> nth=0", "Dear Carl")

    mine.keyboard.press("b")
    form = mine.locator("#ask")
    expect(form).to_contain_text("carl@example.org")
    expect(form.locator("[type=search]")).to_be_focused()
    mine.keyboard.type("jens")
    expect(form.locator(".pick")).to_have_count(1)
    mine.keyboard.press("Enter")  # looks, and chooses nobody
    expect(form).to_be_visible()
    mine.keyboard.press("Tab")
    mine.keyboard.press("Enter")

    expect(form).to_be_hidden()
    for page in pages:
        expect(page.locator(".case-head")).not_to_contain_text("whose it is")
        expect(page.locator('[data-panel="customer"] .person')).to_contain_text("Carl Jensen")
        expect(page.locator('[data-action="customer"]')).to_be_hidden()
        expect(page.locator("#messages")).to_contain_text("Ana Lind said whose it is: Carl Jensen")
    expect(theirs.locator("textarea[name=text] >> nth=0")).to_have_value("Dear Carl")
    case.refresh_from_db()
    assert case.customer == carl
