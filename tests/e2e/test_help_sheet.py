"""The sheet of keys on every screen: the keys are on it, and who has no keyboard is led to the list of all commands."""

import re

import pytest
from playwright.sync_api import expect

from cases.models import Case, Queue
from crm.models import User
from tests.builders import make_case
from tests.e2e.desks import Open, serious, shots

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue) -> Case:
    return make_case(billing, "The bill is wrong", status="open")


def test_the_sheet_names_the_keys_and_leads_who_has_none_to_the_commands(desk: Open, ana: User) -> None:
    page = desk(ana)
    for width in (1440, 768, 390):
        page.set_viewport_size({"width": width, "height": 844})
        page.keyboard.press("?")
        sheet = page.locator("#help")
        expect(sheet).to_be_visible()
        expect(sheet.locator("kbd").first).to_be_visible()
        expect(sheet.get_by_role("button", name="Every command")).to_be_visible(visible=width == 390)
        assert sheet.evaluate("sheet => sheet.scrollWidth - sheet.clientWidth") <= 0, "nothing to scroll sideways"
        assert serious(page) == []
        shots(page, "help", (width,))
        if width > 390:
            page.keyboard.press("Escape")
    page.get_by_role("button", name="Every command").click()
    expect(sheet).to_be_hidden()
    expect(page.locator("#palette-list li").first).to_be_visible()
    shots(page, "help-commands", (390,))
    page.locator("#palette-list li", has_text="Search").first.click()
    expect(page).to_have_url(re.compile("/search/"))
