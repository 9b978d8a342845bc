"""A supervisor writes a rule by rows, without a line of JSON, sees what it would have done, and switches it on."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from cases import conversation
from cases.models import Queue, Rule
from crm.models import User
from tests.builders import make_case

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


def opened(browser: Browser, user: User, url: str) -> tuple[Page, list[str]]:
    """A page of somebody who is signed in, and what the browser complains about."""
    client = Client()
    client.force_login(user)
    page = browser.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": url}])
    return page, complaints


def write_condition(page: Page) -> None:
    condition = page.get_by_role("group", name="Condition")
    condition.get_by_role("button", name="Add a condition").click()
    condition.get_by_label("What").select_option("subject")
    condition.get_by_label("How").select_option("contains_any")
    condition.get_by_label("Value").fill("refund, charged twice")
    condition.get_by_label("Value").blur()
    expect(page.locator("#id_condition-tried")).to_contain_text("1 of 1 open cases now")
    condition.get_by_role("button", name="Add a condition").click()
    condition.get_by_label("What").nth(1).select_option("priority")
    condition.get_by_label("not").nth(1).check()
    condition.get_by_label("Value").nth(1).select_option("urgent")


def write_actions(page: Page) -> None:
    then = page.get_by_role("group", name="Actions")
    then.get_by_role("button", name="Add an action").click()
    then.get_by_role("button", name="Add an action").click()
    then.get_by_label("Add an action").nth(1).select_option("tag")
    then.get_by_label("Tags to add").fill("refund, money")
    then.get_by_label("Tags to add").blur()
    then.get_by_role("button", name="Up").click()
    then.get_by_role("button", name="As JSON").click()
    expect(page.locator("#id_then")).to_have_value('[\n  {\n    "do": "tag",\n    "add": [\n      "refund",\n      "money"\n    ]\n  },\n  {\n    "do": "priority",\n    "to": "high"\n  }\n]')  # fmt: skip


def test_a_rule_is_written_by_rows(sue: User, billing: Queue, live_server: Any, browser: Browser) -> None:
    case = make_case(billing, "Charged twice", status="open")
    conversation.add_inbound(case, text="A refund, please", sender=None, channel="web", at=timezone.now())
    client = Client()
    client.force_login(sue)
    page = browser.new_page()
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    page.goto(f"{live_server.url}/admin/cases/rule/add/")
    page.fill("#id_name", "Refunds first")
    page.get_by_label("Billing").check()
    page.get_by_label("the customer writes").check()

    write_condition(page)
    write_actions(page)
    page.locator("#id_is_active").check(force=True)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("it would have acted 1 time")).to_be_visible()
    page.get_by_role("button", name="Save, switched on").click()
    expect(page.get_by_text("Refunds first").first).to_be_visible()
    rule = Rule.objects.get()
    assert rule.current is not None
    assert rule.is_active
    assert rule.current.condition == {
        "all": [
            {"fact": "subject", "op": "contains_any", "value": ["refund", "charged twice"]},
            {"not": {"fact": "priority", "op": "is", "value": "urgent"}},
        ]
    }
    assert rule.current.then == [{"do": "tag", "add": ["money", "refund"]}, {"do": "priority", "to": "high"}]
    assert complaints == []
