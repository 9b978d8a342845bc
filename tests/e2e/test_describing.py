"""A case is described by keys alone: tags from those known, fields that a status asks for, what is to be done, who else is
asked; and on it goes."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from cases.models import Case, CaseField, Dispatch, Queue, Reminder
from crm.models import User
from customers.models import Customer
from tests.builders import make_case, make_question
from tests.e2e.desks import Open, serious, shots
from tests.mails import answer_to, arrived

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    other = make_case(billing)
    other.set_tags(["refund", "refused card"], by=ana)
    fault = CaseField.objects.create(key="fault", name="What broke", kind="one_of", required_for=["resolved"])
    fault.offer(["The router", "The line", "Nothing of ours"])
    CaseField.objects.create(
        key="serial", name="Serial number", help_text="On the underside", required_for=["resolved"], position=1
    )
    CaseField.objects.create(key="since", name="Since when", kind="date", position=2)
    parts = CaseField.objects.create(key="parts", name="Parts sent", kind="several_of", position=3)
    parts.offer(["Cable", "Filter"])
    return make_question(billing, carl, ana)


def test_a_case_is_tagged_filled_in_and_resolved_by_keys(desk: Open, ana: User, lee: User, case: Case) -> None:
    page, other = desk(ana), desk(lee)
    _tag(page)
    expect(other.locator(".case-head .chip.tag")).to_have_text("refund")
    _resolve(page)
    expect(other.locator("[data-panel=fields]")).to_contain_text("AB-1234")
    case.refresh_from_db()
    case.reopen(by=ana)
    CaseField.objects.filter(key="since").update(required_for=["resolved"])
    expect(page.locator(".case-head")).to_have_attribute("data-status", "open")
    here = page.url
    _send_and_resolve(page)
    expect(other.locator("#messages")).to_contain_text("All is well again.")
    page.wait_for_url(lambda url: url != here)  # "resolve, next" goes somewhere by itself
    page.goto(here)
    page.keyboard.press("y")
    expect(page.locator("#ask [name='field.serial']")).to_have_value("AB-1234")
    shots(page, "fields")
    assert serious(page) == []


def test_something_is_to_be_done_and_others_are_asked_by_keys(desk: Open, ana: User, lee: User) -> None:
    page, other = desk(ana), desk(lee)
    CaseField.objects.update(required_for=[])
    _add_a_task(page)
    expect(other.locator(".case-head .chip.task")).to_contain_text("1 task")
    _be_reminded(page, ana)
    _ask_a_supplier(page)
    expect(other.locator("[data-panel=sides]")).to_contain_text("Repair shop")
    sent = Dispatch.objects.get(source="side")
    Dispatch.objects.filter(pk=sent.pk).update(state="sent", sent_at=timezone.now())
    arrived(answer_to(sent, "On Monday.", sender="Repairs <repairs@supplier.example>"))
    expect(page.locator("[data-panel=sides]")).to_contain_text("they answered")
    expect(page.locator("#messages")).not_to_contain_text("On Monday.")
    page.locator("[data-panel=sides] details.side > summary").click()
    expect(page.locator("[data-panel=sides]")).to_contain_text("On Monday.")
    shots(page, "aside")
    assert serious(page) == []
    _resolve_with_something_left(page)
    _look_at_my_tasks(page)


def _add_a_task(page: Page) -> None:
    page.keyboard.press("+")
    expect(page.locator("#ask [name=what]")).to_be_focused()
    page.keyboard.type("Ask the bank")
    page.locator("#ask [name=due_at]").fill("tomorrow 9:30")
    page.keyboard.press("Enter")
    expect(page.locator("[data-panel=tasks]")).to_contain_text("Ask the bank")


def _be_reminded(page: Page, ana: User) -> None:
    """Enter sends the time that was typed, not the first of those offered."""
    page.keyboard.press(".")
    page.locator("#ask [data-typed]").fill("in 3 h")
    shots(page, "reminder")
    page.keyboard.press("Enter")
    expect(page.locator("[data-panel=tasks]")).to_contain_text("You are reminded")
    assert timezone.now() + timedelta(hours=2) < Reminder.objects.get(user=ana).at


def _ask_a_supplier(page: Page) -> None:
    page.keyboard.press("q")
    page.locator("#ask [name=to]").fill("Repair shop <repairs@supplier.example>")
    page.locator("#ask textarea").fill("Is a hub in stock?")
    page.locator("#ask .quotes summary").click()
    page.locator("#ask [name=quote]").first.check()
    shots(page, "side")
    assert serious(page) == []
    page.locator("#ask").get_by_role("button", name="Send").click()
    expect(page.locator("[data-panel=sides]")).to_contain_text("waits for them")


def _resolve_with_something_left(page: Page) -> None:
    page.locator("#messages").click()
    page.keyboard.press("e")
    expect(page.locator("#ask h2")).to_contain_text("1 task is still open")
    shots(page, "left")
    assert serious(page) == []
    page.locator("#ask").get_by_role("button", name="Leave them open").click()
    expect(page.locator(".case-head")).to_have_attribute("data-status", "resolved")


def _look_at_my_tasks(page: Page) -> None:
    page.keyboard.press("g")
    page.keyboard.press("t")
    expect(page.get_by_role("heading", name="My tasks")).to_be_visible()
    expect(page.locator("#my-tasks")).to_contain_text("Ask the bank")
    shots(page, "my-tasks")
    assert serious(page) == []
    page.get_by_role("button", name="Done: Ask the bank").click()
    expect(page.locator("#my-tasks .todo.left")).to_contain_text("Ask the bank")
    page.mouse.move(2, 2)
    expect(page.locator("#my-tasks")).not_to_contain_text("Ask the bank")


def _tag(page: Page) -> None:
    """From those known, while typing."""
    page.keyboard.press("t")
    known = page.locator("#known-tags")
    expect(known.get_by_role("button")).to_have_count(2)
    page.keyboard.type("REF")
    page.keyboard.press("ArrowDown")
    expect(known.get_by_role("button", name="refund")).to_be_focused()
    shots(page, "tags")
    page.keyboard.press("Enter")
    expect(page.locator("#tags-typed")).to_have_value("refund, ")
    page.keyboard.press("Enter")


def _resolve(page: Page) -> None:
    """It asks for what is empty, right there, and goes on once it is filled in."""
    page.keyboard.press("e")
    form = page.locator("#ask form[data-first]")
    expect(form.get_by_role("heading")).to_contain_text("Fill in first")
    expect(form.locator("select[name='field.fault']")).to_be_focused()
    assert form.locator("[name='field.since']").count() == 0
    shots(page, "first")
    assert serious(page) == []
    form.locator("select[name='field.fault']").select_option(label="The line")
    form.locator("[name='field.serial']").fill("AB-1234")
    page.keyboard.press("Enter")
    expect(page.locator(".case-head")).to_have_attribute("data-status", "resolved")
    expect(page.locator("#ask")).to_be_hidden()


def _send_and_resolve(page: Page) -> None:
    """The same from the composer: the words that were typed go out once the fields are filled in."""
    page.keyboard.press("r")
    page.keyboard.type("All is well again.")
    page.keyboard.press("Control+Shift+Enter")
    form = page.locator("#ask form[data-first]")
    form.locator("[name='field.since']").fill("2026-03-01")
    form.get_by_role("button", name="Save and go on").click()
    expect(page.locator("#write-reply textarea")).to_have_value("")
