"""A customer on the page of their case, in a real browser: what they write arrives, and a rep sees it at once."""

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, expect

from cases import status_page
from cases.models import Case, Queue
from crm.models import User
from customers.models import Customer
from tests.builders import make_question
from tests.e2e.desks import Open, serious, shot

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


def _customers(browser: Browser, desk_page: Page, case: Case) -> Page:
    """The page behind the link of a mail, on a phone."""
    assert case.customer
    link = status_page.link(case, case.customer.contact_points.get(kind="email"))
    page = browser.new_context(viewport={"width": 390, "height": 844}).new_page()
    house = urlsplit(desk_page.url)
    page.goto(f"{house.scheme}://{house.netloc}{urlsplit(link).path}")
    return page


def test_what_a_customer_adds_on_their_page_is_on_the_reps_screen(
    desk: Open, browser: Browser, case: Case, ana: User
) -> None:
    rep = desk(ana)
    page = _customers(browser, rep, case)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("alert")).to_contain_text("Your message has not been sent yet")

    page.get_by_label("Add something").fill("The bill again: please look at line two.")
    page.get_by_label("Files").set_input_files({"name": "bill.txt", "mimeType": "text/plain", "buffer": b"Line two"})
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("We have it.")
    assert serious(page) == []
    came = rep.locator(".msg.in", has_text="please look at line two")
    expect(came).to_have_count(1, timeout=8000)
    expect(came).to_contain_text("bill.txt")
    assert case.messages.filter(direction="inbound", text__contains="line two").count() == 1


def test_a_customer_who_would_rather_be_called_says_so_there(
    desk: Open, browser: Browser, case: Case, ana: User
) -> None:
    rep = desk(ana)
    page = _customers(browser, rep, case)
    page.get_by_text("I would rather be called").click()
    page.locator("details.call input").first.fill("+44 20 7946 0123")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("status")).to_contain_text("We have it.")
    expect(rep.locator(".msg.in", has_text="+44 20 7946 0123")).to_have_count(1, timeout=8000)


def test_a_form_that_came_from_elsewhere_is_refused_in_words(
    browser: Browser, desk: Open, case: Case, ana: User
) -> None:
    page = _customers(browser, desk(ana), case)
    page.context.clear_cookies()
    page.get_by_label("Add something").fill("Words")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading")).to_have_text("This page was open for too long")
    assert not case.messages.filter(text="Words").exists()


def test_whether_it_was_solved_is_asked_there_and_told_to_who_has_the_case(
    desk: Open, browser: Browser, case: Case, ana: User
) -> None:
    case.resolve(by=ana)
    rep = desk(ana)
    page = _customers(browser, rep, case)
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_role("alert")).to_contain_text("Choose yes or no.")
    page.get_by_label("No", exact=True).focus()
    page.keyboard.press("Space")
    page.get_by_label("Bad").check()
    page.get_by_label("In your words, if you like").fill("The line drops again")
    assert serious(page) == []
    shot(page, "survey-390")
    page.get_by_role("button", name="Send the answer").click()
    shot(page, "survey-390-answered")
    expect(page.get_by_role("status")).to_contain_text("The person who looks after your case is told.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(rep.locator(".thread")).to_contain_text(
        "the customer says no, it felt bad: “The line drops again”", timeout=8000
    )
    expect(rep.locator(".case-head")).to_contain_text("not-solved", timeout=8000)
    page.get_by_text("Change your answer").click()
    page.get_by_label("Yes").check()
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_role("status")).to_contain_text("We are glad that it is done.")
    expect(rep.locator(".case-head .need")).to_contain_text("need: met", timeout=8000)
