"""Both admins in a real Chromium: every page works under its content policy, and the console says nothing."""

import os
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from playwright.sync_api import Browser, Page

from crm.models import User
from tests.cases.test_admin import SITES, TABLE, rows  # noqa: F401 - the fixture

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(browser: Browser) -> Page:
    return browser.new_page()


def test_every_page_of_both_admins_runs_without_a_complaint(
    rows: dict[str, Any],  # noqa: F811
    root: User,
    live_server: Any,
    page: Page,
) -> None:
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(f"{page.url}: {m.text}") if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    client = Client()
    client.force_login(root)
    page.context.add_cookies(
        [{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}]
    )
    addresses = [reverse(f"{site}:index") for site in SITES]
    for (site, model), (_seen, added) in TABLE.items():
        base = f"{site}:{model.replace('.', '_')}"
        addresses += [reverse(f"{base}_changelist"), reverse(f"{base}_change", args=[rows[model].pk])]
        addresses += [reverse(f"{base}_add")] if 200 in added else []
    for address in addresses:
        answer = page.goto(live_server.url + address)
        assert answer is not None
        assert answer.status == 200, address
        page.wait_for_function("window.Alpine !== undefined")
        if shots := os.environ.get("SHOTS"):
            page.screenshot(path=f"{shots}/{address.strip('/').replace('/', '-')}.png", full_page=True)
    assert complaints == []
