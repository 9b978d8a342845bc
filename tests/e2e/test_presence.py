"""How one is there, said from the rail, the keyboard and the palette; a closed console is a person gone."""

from datetime import timedelta

import psycopg
import pytest
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import expect

from cases import presence
from cases.models import Case, Presence, PresenceReason, Queue
from crm.live.database import parameters
from crm.models import User
from tests.builders import make_case
from tests.e2e.desks import Open, serious

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue) -> Case:
    PresenceReason.objects.create(name="Lunch", state="away")
    return make_case(billing, assignee=None)


def test_presence_is_said_by_mouse_key_and_palette_and_every_window_shows_it(desk: Open, ana: User, lee: User) -> None:
    page, phone = desk(ana), desk(ana, width=390, scheme="dark")
    mine = page.locator("#me-button")
    expect(mine).to_have_attribute("title", "Ana Lind · Online (u)", timeout=8000)
    page.keyboard.press("u")
    expect(page.locator("#me .pick.on")).to_be_focused()
    assert serious(page) == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(mine).to_have_attribute("title", "Ana Lind · Busy (u)")
    expect(mine).to_be_focused()
    expect(phone.locator("#me-button")).to_have_attribute("title", "Ana Lind · Busy (u)")
    page.keyboard.press("Control+k")
    page.keyboard.type("lunch")
    expect(page.locator("#palette-list [role=option]").first).to_contain_text("Lunch")
    page.keyboard.press("Enter")
    expect(mine).to_have_attribute("title", "Ana Lind · Away: Lunch (u)")
    phone.locator("#me-button").click()
    expect(phone.locator("#me .pick.on")).to_contain_text("Lunch")
    box = phone.locator("#me").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    assert box["y"] >= 0
    assert serious(phone) == []
    other = desk(lee)
    other.keyboard.press("a")
    there = other.locator(f'#ask [data-standing="{ana.pk}"]')
    expect(there).to_contain_text("Away: Lunch")
    phone.locator("#me .pick", has_text="Online").click()
    expect(there).to_contain_text("Online")


def test_a_closed_console_is_a_person_gone_and_opened_again_they_are_what_they_were(desk: Open, ana: User) -> None:
    page = desk(ana)
    page.keyboard.press("u")
    page.locator("#me .pick", has_text="Busy").click()
    expect(page.locator("#me-button")).to_have_attribute("title", "Ana Lind · Busy (u)")
    with psycopg.connect(**parameters("test") | {"autocommit": False}) as held:
        with transaction.atomic():
            Presence.objects.update(seen_at=timezone.now() - timedelta(minutes=2))
            assert presence.lose_silent() == 1
        held.execute("SELECT FROM cases_presence FOR NO KEY UPDATE")  # as if she was not heard: the console is open
        assert Presence.objects.get().lost_at
        expect(page.locator("#me-button")).to_have_attribute("title", "Ana Lind · Offline (u)")
    expect(page.locator("#me-button")).to_have_attribute("title", "Ana Lind · Busy (u)", timeout=9000)
