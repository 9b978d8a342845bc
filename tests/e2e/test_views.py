"""A rep narrows the list, saves what she typed, chooses by keys, gives many to a colleague at once and takes it back. And
under all of that nothing moves below her pointer: who opens a row opens the case she saw there."""

import re
import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from cases import bulk, conversation, saved_filters
from cases.models import Case, Queue, SavedFilter
from crm import jobs
from crm.models import User
from tests import look, processes
from tests.builders import make_case, make_customer, make_promise
from tests.e2e.desks import serious, shot

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def server() -> Iterator[str]:
    with processes.web() as running:
        yield running.url


@pytest.fixture
def cases(billing: Queue) -> list[Case]:
    at = timezone.now()
    names = ["Ana Torres", "Bo Kim", "Cy Adler", "Dot Fry", "Eli Moss", "Fay Wong"]
    return [
        make_case(
            billing,
            "Double charge",
            customer=make_customer(name),
            status="open",
            priority="high" if n % 2 else "normal",
            tags=["refund"] if n < 3 else [],
            waiting_since=at - timedelta(hours=9 - n),
            preview="You took it twice.",
            preview_direction="inbound",
        )
        for n, name in enumerate(names)
    ]


def keeper() -> None:
    """What the keeper does: the test has none beside it."""
    jobs.exhaust(bulk.sweep)


def elsewhere(work: object) -> None:
    """In another thread, as another process would."""

    def run() -> None:
        work()  # type: ignore[operator]
        connection.close()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()


def opened(browser: Browser, server: str, user: User, path: str, width: int = 1440, scheme: str = "light") -> Page:
    page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()  # type: ignore[arg-type]
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    look.sign_in(page, server, user.username, "correct horse battery")
    page.goto(f"{server}{path}")
    expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=20_000)
    return page


def test_a_list_is_narrowed_saved_chosen_from_and_changed_at_once_by_keys(
    browser: Browser, server: str, ana: User, lee: User, billing: Queue, cases: list[Case]
) -> None:
    page = opened(browser, server, ana, f"/queues/{billing.pk}/?view=all")
    _narrow(page)
    _save(page, lee, cases)
    page.get_by_role("link", name="All").click()
    _choose_and_give(page)
    _take_back(page)
    _choose_by_mouse(page)


def _narrow(page: Page) -> None:
    """A filter is typed with what may come next below it."""
    expect(page.locator("#cases > .case")).to_have_count(6)
    page.keyboard.press("Shift+F")
    page.keyboard.type("pri")
    offers = page.locator(".offers:not([hidden]) [role=option] code")
    expect(offers).to_have_text(["priority:high|urgent"])
    page.keyboard.press("Tab")
    page.keyboard.type("hi")
    expect(offers).to_have_text(["priority:high"])
    shot(page, "offers")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#cases > .case")).to_have_count(3)
    expect(page.locator('.filter [data-count="q"]')).to_have_text("3")


def _save(page: Page, lee: User, cases: list[Case]) -> None:
    """It stands beside the views with its count, which follows what happens."""
    rows = page.locator("#cases > .case")
    page.get_by_role("button", name="save", exact=True).click()
    page.locator("#ask input[name=name]").fill("Hot")
    shot(page, "save")
    page.keyboard.press("Enter")
    saved = page.locator(".tabs.saved a")
    expect(saved).to_contain_text("Hot 3")
    expect(page.locator("#list")).to_have_attribute("data-view", SavedFilter.objects.get().view)
    page.mouse.move(1000, 500)
    elsewhere(lambda: cases[1].set_priority("low", by=lee))
    expect(saved).to_contain_text("Hot 2")
    expect(rows).to_have_count(2)
    elsewhere(lambda: cases[2].set_priority("high", by=lee))
    expect(saved).to_contain_text("Hot 3")
    expect(rows).to_have_count(3)


def _choose_and_give(page: Page) -> None:
    """Three, by keys, to a colleague."""
    expect(page.locator("#cases > .case")).to_have_count(6)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("Shift+J")
    page.keyboard.press("Shift+J")
    expect(page.locator("[data-picked]")).to_have_text("3 chosen")
    shot(page, "picked")
    assert serious(page) == []
    page.keyboard.press("a")
    expect(page.locator("#ask")).to_contain_text("3 cases:")
    page.locator("#ask .pick", has_text="Lee Hart").click()
    line = page.locator("#bulk-progress .bulk-line")
    expect(line).to_contain_text("0 of 3")
    expect(page.locator("#bulk-bar")).to_be_hidden()
    shot(page, "progress")
    elsewhere(keeper)
    expect(line).to_contain_text("3 done")
    expect(page.locator("#cases .who")).to_have_count(3)
    shot(page, "done")


def _take_back(page: Page) -> None:
    line = page.locator("#bulk-progress .bulk-line")
    line.get_by_role("button", name="Undo").click()
    expect(line).to_contain_text("3 to go")
    elsewhere(keeper)
    expect(line).to_contain_text("3 taken back")
    expect(page.locator("#cases .who")).to_have_count(0)


def _choose_by_mouse(page: Page) -> None:
    """A box, then shift and a click on a row, which opens nothing."""
    rows = page.locator("#cases > .case")
    rows.nth(0).hover()
    rows.nth(0).locator("[data-pick]").check()
    rows.nth(3).locator("a").click(modifiers=["Shift"])
    expect(page.locator("[data-picked]")).to_have_text("4 chosen")
    expect(page.locator("#case")).to_have_class(re.compile("vacant"))
    page.keyboard.press("Escape")
    expect(page.locator("#bulk-bar")).to_be_hidden()


def test_rows_do_not_move_under_the_pointer_and_a_click_opens_the_case_one_saw(
    browser: Browser, server: str, ana: User, lee: User, billing: Queue, cases: list[Case]
) -> None:
    page = opened(browser, server, ana, f"/queues/{billing.pk}/?view=all")
    rows = page.locator("#cases > .case")
    third = rows.nth(2)
    number = third.get_attribute("data-case")
    third.hover()
    before = [row.get_attribute("data-case") for row in rows.all()]

    # The first goes, one becomes the most urgent, one comes: all of it waits, and is announced.
    elsewhere(lambda: cases[0].resolve(by=lee))
    expect(rows.nth(0)).to_have_class(re.compile(r"\bleft\b"))
    elsewhere(lambda: make_urgent(billing, cases[5], lee))
    expect(page.locator("[data-newer]")).to_be_visible()
    assert [row.get_attribute("data-case") for row in rows.all()] == before
    shot(page, "held")

    page.mouse.down()
    elsewhere(lambda: Case.objects.get(number=number).set_priority("urgent", by=lee))
    page.wait_for_timeout(600)
    page.mouse.up()
    expect(page.locator("#case")).to_have_attribute("data-case", str(number))


def make_urgent(billing: Queue, case: Case, by: User) -> None:
    make_promise(case, by)
    fresh = make_case(billing, "New", customer=make_customer("Gus Hill"), status="open")
    conversation.add_inbound(fresh, text="Hello", sender=None, channel="web", at=timezone.now())


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_lists_searches_and_changes_of_many_are_readable_by_everybody(
    browser: Browser, server: str, ana: User, lee: User, billing: Queue, cases: list[Case], width: int, scheme: str
) -> None:
    for name, text in (
        ("Hot", "priority:high"),
        ("Refunds to check", "tag:refund"),
        ("Late", "is:overdue"),
        ("Long wait", "waiting:>2h"),
    ):
        saved_filters.save(name, text, by=ana, at=timezone.now())
    page = opened(browser, server, ana, f"/queues/{billing.pk}/?q=tag:refund", width, scheme)
    tag = f"{width}-{scheme}"
    shot(page, f"list-{tag}")
    found = serious(page)
    page.keyboard.press("j")
    page.keyboard.press("x")
    shot(page, f"bar-{tag}")
    found += serious(page)
    page.goto(f"{server}/search/")
    page.keyboard.type("is:")
    page.wait_for_timeout(800)
    shot(page, f"search-{tag}")
    found += serious(page)
    page.goto(f"{server}/search/?q=asignee:lee")
    shot(page, f"wrong-{tag}")
    found += serious(page)
    page.goto(f"{server}/search/?q=tag:refund%20charge")
    page.locator("[popovertarget=filter-help]").click()
    shot(page, f"help-{tag}")
    task = bulk.begin("tag", {"tags": "x"}, Case.objects.all(), by=ana, at=timezone.now())
    page.goto(f"{server}/bulk/{task.pk}/")
    shot(page, f"bulk-{tag}")
    assert found + serious(page) == []
