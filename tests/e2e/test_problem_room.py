"""Who steers says whom a known problem hits: put together from rows, with those it finds shown meanwhile."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, expect

from cases.models import Queue
from crm.models import User
from tests.e2e.desks import shot
from tests.e2e.test_rules import opened
from tests.outreach.making import make_owner, make_problem

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def put_together(editor: Locator, found: Locator) -> None:
    expect(editor).to_contain_text("it never holds")
    expect(found).to_contain_text("Empty: nobody.")
    editor.get_by_role("button", name="Add: there are").focus()
    editor.page.keyboard.press("Enter")
    editor.get_by_label("What", exact=True).first.select_option("subscriptions")
    expect(found).to_contain_text("3 likely to be hit")
    editor.get_by_role("button", name="Add a condition").first.click()
    editor.get_by_label("What", exact=True).nth(1).select_option("version")
    editor.get_by_label("How").nth(1).select_option("starts_with")
    editor.get_by_label("Value").fill("2.3")
    editor.get_by_label("Value").blur()
    expect(found).to_contain_text("2 likely to be hit")
    expect(found).to_contain_text("Owner 2")


def test_whom_a_problem_hits_is_put_together_from_rows(
    sue: User, billing: Queue, live_server: Any, browser: Browser
) -> None:
    for n, version in ((1, "2.3.1"), (2, "2.3.4"), (3, "2.4.0")):
        make_owner(n, version=version)
    problem = make_problem(sue, condition=None)
    page, complaints = opened(browser, sue, live_server.url)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{live_server.url}/problems/{problem.pk}/condition/")
    editor, found = page.get_by_role("group", name="A condition over what customers have"), page.locator("#preview")
    put_together(editor, found)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shot(page, "problem-390", whole=True)
    problem.refresh_from_db()
    assert problem.condition is None, "looking saves nothing"
    page.get_by_role("button", name="Who has a device with a firmware").click()
    expect(editor.get_by_label("Value").first).to_have_value("Hub 5")
    expect(found).to_contain_text("Hub 5, 2.3.1, active")
    editor.get_by_role("button", name="Remove").last.click()
    expect(found).not_to_contain_text("active")
    page.emulate_media(color_scheme="dark")
    page.set_viewport_size({"width": 1280, "height": 900})
    shot(page, "problem-dark", whole=True)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#standing .figures")).to_contain_text("2 likely to be hit")
    problem.refresh_from_db()
    assert problem.exposed == 2
    assert problem.condition["all"][0]["where"]["all"][1] == {"fact": "version", "op": "starts_with", "value": "2.3"}
    assert [line for line in complaints if "/live/" not in line] == []  # this server has no live line
