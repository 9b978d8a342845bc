"""A case ends by keys: how it ended is asked in between, and on it goes; and a guess of a feeling becomes a mark by one press."""

import pytest
from playwright.sync_api import expect

from cases.models import Case, Cause, Disposition, Message, Queue
from crm.models import User
from customers.models import Customer
from tests.builders import make_question
from tests.e2e.desks import Open, serious, shots

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    for position, name in enumerate(("A question about the bill", "Wrong charge")):
        Disposition.objects.create(name=name, position=position)
    Cause.objects.create(name="A clearer bill")
    Queue.objects.filter(pk=billing.pk).update(asks_disposition="required", asks_cause="optional")
    found = make_question(billing, carl, ana)
    Message.objects.filter(case=found).update(felt_guess="bad", felt_p=0.83, felt_by=7)
    return found


def test_a_case_ends_by_keys_and_a_guess_becomes_a_mark(desk: Open, ana: User, case: Case) -> None:
    page = desk(ana)
    guess = page.locator(".msg .guess").first
    expect(guess).to_have_text("seems upset, 83 %")
    shots(page, "guess")
    guess.focus()
    page.keyboard.press("Enter")
    expect(page.locator('.msg .feel [aria-pressed="true"].bad')).to_be_visible()
    page.locator("body").press("e")
    expect(page.locator("#ask [name=disposition]").first).to_be_focused()
    shots(page, "outcome")
    assert serious(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".case-head")).to_have_attribute("data-status", "resolved")
    case.refresh_from_db()
    assert (case.status, str(case.disposition), case.cause) == ("resolved", "Wrong charge", None)
