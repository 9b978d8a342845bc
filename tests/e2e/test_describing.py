"""A case is described by keys alone: tags from those known, fields that a status asks for, and on it goes."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from cases.models import Case, CaseField, Queue
from crm.models import User
from customers.models import Customer
from tests.builders import make_case, make_question
from tests.e2e.desks import Open, desks, serious

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


@pytest.fixture
def desk(browser: Browser, case: Case) -> Iterator[Open]:
    with desks(browser, case) as opened:
        yield opened


def _shot(page: Page, name: str) -> None:
    """Where somebody wants to look (FOREFRONT_SHOTS, a folder)."""
    if folder := os.environ.get("FOREFRONT_SHOTS"):
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            for width, height in ((1440, 900), (390, 844)):
                page.set_viewport_size({"width": width, "height": height})
                page.wait_for_timeout(250)
                page.screenshot(path=Path(folder) / f"{name}-{width}-{scheme}.png")
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 1440, "height": 900})


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
    _send_and_resolve(page)
    expect(other.locator("#messages")).to_contain_text("All is well again.")
    page.goto(page.url.split("/cases/")[0] + f"/cases/{case.number}/")
    page.keyboard.press("y")
    expect(page.locator("#ask [name='field.serial']")).to_have_value("AB-1234")
    _shot(page, "fields")
    assert serious(page) == []


def _tag(page: Page) -> None:
    """From those known, while typing."""
    page.keyboard.press("t")
    known = page.locator("#known-tags")
    expect(known.get_by_role("button")).to_have_count(2)
    page.keyboard.type("REF")
    page.keyboard.press("ArrowDown")
    expect(known.get_by_role("button", name="refund")).to_be_focused()
    _shot(page, "tags")
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
    _shot(page, "first")
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
