"""Being told, in a real browser: the bell, one sound in one window, the panel by keys, and all of it gone when it is read."""

import re

import pytest
from playwright.sync_api import Page, expect

from cases import conversation, watching
from cases.models import Case, Notification, Queue, Watch
from crm.models import User
from customers.models import Customer
from tests.builders import make_case
from tests.e2e.desks import Open, serious, shot

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
COUNTING = "window.chimes = 0; document.addEventListener('console:chimed', () => (window.chimes += 1));"


@pytest.fixture
def case(billing: Queue) -> Case:
    return make_case(billing, "The bill is wrong", status="open")


def badge(page: Page) -> str:
    return page.locator("#bell .badge [aria-hidden]").inner_text()


def test_being_told_reading_it_by_keys_and_following(
    desk: Open, case: Case, ana: User, lee: User, carl: Customer
) -> None:
    other = make_case(case.queue, "Two charges in one month", customer=carl, status="open", channel="mail")
    page = desk(ana)
    beside = page.context.new_page()
    beside.goto(page.url)
    expect(beside.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=20_000)
    _told_in_both_windows_with_one_sound(page, beside, other, lee)

    # What is new on the case that stands before one's eyes is no news.
    beside.close()
    page.bring_to_front()
    conversation.add_note(case, by=lee, text="@ana and here")
    expect(page.locator(".msg.note")).to_have_count(1, timeout=15_000)
    page.wait_for_timeout(1500)
    assert badge(page) == "1"
    assert Notification.objects.unread().get(user=ana).case_id == other.pk

    _read_by_keys(page, other, ana)
    _followed_by_one_key(page, other, ana)


def _told_in_both_windows_with_one_sound(page: Page, beside: Page, other: Case, lee: User) -> None:
    for each in (page, beside):
        each.evaluate(COUNTING)
        each.keyboard.press("j")  # a browser lets a page sound once somebody has touched it
    conversation.add_note(other, by=lee, text="@ana please look at this one")
    for each in (page, beside):
        expect(each.locator(".toast")).to_contain_text("Lee Hart wrote a note · you are named", timeout=15_000)
        expect(each.locator("#bell .badge")).to_be_visible()
    assert badge(page) == badge(beside) == "1"
    page.wait_for_timeout(500)
    assert sum(each.evaluate("window.chimes") for each in (page, beside)) == 1
    shot(page, "toast")


def _read_by_keys(page: Page, other: Case, ana: User) -> None:
    """The panel by keys; opening the case clears it, in another window too."""
    second = page.context.new_page()
    second.goto(page.url)
    expect(second.locator("#bell .badge")).to_be_visible()
    page.bring_to_front()
    page.keyboard.press("g")
    page.keyboard.press("n")
    expect(page.locator("#news-dialog .news-open").first).to_be_focused(timeout=8000)
    assert serious(page) == []
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/cases/{other.number}/"), timeout=15_000)
    expect(page.locator("#bell .badge")).to_have_count(0)
    expect(second.locator("#bell .badge")).to_have_count(0, timeout=8000)
    assert not Notification.objects.filter(user=ana).unread().exists()
    second.close()


def _followed_by_one_key(page: Page, other: Case, ana: User) -> None:
    """Who was named follows already: the key lets go, and takes it up again."""
    expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=20_000)
    head, unfollow = page.locator(".case-head"), page.locator('[data-action="unfollow"]')
    expect(head).to_have_attribute("data-followers", f"{ana.pk} ")
    page.keyboard.press("h")
    expect(head).to_have_attribute("data-followers", "", timeout=8000)
    expect(unfollow).to_have_attribute("hidden", "")
    assert not Watch.objects.filter(case=other, user=ana).exists()
    page.keyboard.press("h")
    expect(head).to_have_attribute("data-followers", f"{ana.pk} ", timeout=8000)
    expect(unfollow).not_to_have_attribute("hidden", "")
    assert Watch.objects.get(case=other, user=ana).why == "hand"


def test_the_pages_of_it_read_well_on_every_screen(
    desk: Open, case: Case, ana: User, lee: User, carl: Customer, billing: Queue
) -> None:
    case.assign(ana, by=lee)
    for n in range(4):
        conversation.add_note(case, by=lee, text=f"Something to know, number {n}")
    for n, subject in enumerate(["Router blinks red since the storm", "Refund of March", "Moving house"]):
        told = make_case(billing, subject, customer=carl, status="open", channel="mail")
        if n == 0:
            conversation.add_note(told, by=lee, text="@ana you know these")
        else:
            watching.follow(told, by=ana)
            conversation.add_note(told, by=lee, text="For whoever follows")
    home = ""
    for width, scheme in ((1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")):
        page = desk(ana, width=width, scheme=scheme)
        home = page.url.split("/cases/")[0]
        if width == 1440:  # opening the case has read what was new on it
            Notification.objects.filter(user=ana).update(read_at=None)
        page.goto(f"{home}/notifications/")
        assert serious(page) == []
        shot(page, f"page-{width}-{scheme}")
        page.goto(f"{home}/queues/{billing.pk}/")
        page.locator("#bell").click()
        expect(page.locator("#news-dialog .news-open").first).to_be_visible(timeout=8000)
        shot(page, f"dialog-{width}-{scheme}")
        page.goto(f"{home}/notifications/settings/")
        assert serious(page) == []
        shot(page, f"settings-{width}-{scheme}")
        wide = page.evaluate("document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth")
        assert wide <= 0, "nothing to scroll sideways"
