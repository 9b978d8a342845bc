"""A promise moved and kept from the keyboard, in a real browser; the console in German."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from cases import outward
from cases.models import Case, Promise, Queue
from crm.models import User
from customers.models import Customer
from tests.builders import make_promise, make_question
from tests.e2e.desks import Open, desks, serious

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


@pytest.fixture
def promise(case: Case, ana: User) -> Promise:
    return make_promise(case, ana)


@pytest.fixture
def desk(browser: Browser, case: Case, promise: Promise) -> Iterator[Open]:
    with desks(browser, case) as opened:
        yield opened


def test_a_promise_is_moved_from_the_keyboard_and_nothing_typed_is_lost(
    desk: Open, ana: User, case: Case, promise: Promise
) -> None:
    page = desk(ana)
    page.keyboard.press("o")
    expect(page.locator("#ask [data-move]")).to_be_focused()
    assert serious(page) == []
    page.keyboard.press("Enter")
    words = page.locator("form.reply textarea")
    expect(words).to_be_focused()
    expect(page.locator("[data-moving]")).to_contain_text("“The refund”")
    expect(page.locator("[name=next_step]")).to_have_value("The refund")
    page.keyboard.type("The bank needs a day more.")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".toast.red")).to_contain_text("Say the new time")
    expect(page.locator("[name=by_when]")).to_be_focused()
    expect(page.locator("form.reply [data-saved]")).to_contain_text("draft saved")
    page.reload()
    expect(words).to_have_value("The bank needs a day more.")
    expect(page.locator("[data-moving]")).to_be_visible()
    assert serious(page) == []
    page.fill("[name=by_when]", "tomorrow 12:00")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".msg.out .undo")).to_be_visible()
    expect(page.locator("[data-moving]")).to_be_hidden()
    outward.release_due(timezone.now() + timedelta(minutes=1))
    expect(page.locator(".sys").last).to_contain_text("moved the promise, and told the customer")
    promise.refresh_from_db()
    assert promise.state == "moved"


def test_a_promise_is_kept_from_the_keyboard_and_a_move_begun_is_let_go(
    desk: Open, ana: User, lee: User, case: Case, promise: Promise
) -> None:
    page, other = desk(ana), desk(lee)
    other.click("[data-action=promises]")
    other.click("[data-move]")
    expect(other.locator("[data-moving]")).to_be_visible()
    page.keyboard.press("o")
    page.locator(".keep summary").press("Enter")
    expect(page.locator("[name=how]")).to_be_focused()
    page.keyboard.type("Bank reference 2291")
    assert serious(page) == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".msg.note")).to_contain_text("Promise kept: The refund")
    expect(page.locator("[data-action=promises]")).to_be_hidden()
    expect(other.locator("[data-moving]")).to_be_hidden()
    expect(other.locator(".msg.note")).to_contain_text("Bank reference 2291")


def test_from_a_closed_case_only_notes_are_offered(desk: Open, ana: User, case: Case, promise: Promise) -> None:
    page = desk(ana)
    expect(page.locator("form.reply")).to_be_visible()
    for status in ("resolved", "closed"):
        case.refresh_from_db()
        case.change_status(status, by=None)
    expect(page.locator("form.note")).to_be_visible()
    expect(page.locator("form.reply")).to_be_hidden()
    page.keyboard.press("r")
    expect(page.locator("form.reply")).to_be_hidden()
    page.reload()
    expect(page.locator("form.note")).to_be_visible()
    expect(page.get_by_role("tab", name="Reply")).to_be_hidden()


def test_a_german_rep_works_in_german_live_rows_too(desk: Open, ana: User, lee: User, case: Case) -> None:
    User.objects.filter(pk=ana.pk).update(language="de")
    page = desk(ana)
    expect(page.locator("form.reply textarea")).to_have_attribute("placeholder", "An den Kunden schreiben …")
    case.set_priority("urgent", by=lee)
    expect(page.locator(".case-head")).to_contain_text("dringend")
    expect(page.locator(f"#row-{case.number}, .case-head").first).to_contain_text("zugesagt")
