"""The page of what one has to do, live: what others do shows at once, and nothing moves under the pointer."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, Route, expect

from cases import reminders, tasks
from cases.models import Case, Queue
from crm.models import User
from customers.models import Customer
from tests.builders import make_question
from tests.e2e.desks import Open, serious, shot

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


def _my_tasks(desk: Open, user: User, **how: object) -> Page:
    page = desk(user, **how)
    page.goto(page.url.split("/cases/")[0] + "/tasks/")
    expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=20_000)
    return page


def _row(page: Page, what: str) -> Locator:
    return page.locator("#my-tasks .todo", has_text=what)


def test_what_others_do_comes_changes_and_goes_while_nobody_points_at_it(
    desk: Open, case: Case, ana: User, lee: User
) -> None:
    page = _my_tasks(desk, ana)
    page.mouse.move(2, 2)
    task = tasks.add(case, what="Ask the bank", by=lee)
    expect(_row(page, "Ask the bank")).to_be_visible(timeout=8000)
    assert serious(page) == []
    tasks.change(task, by=lee, what="Ask both banks", due_at=timezone.now() + timedelta(minutes=5))
    expect(_row(page, "Ask both banks")).to_contain_text("by", timeout=8000)
    tasks.change(task, by=lee, owner=lee)
    expect(_row(page, "Ask both banks")).to_have_count(0, timeout=8000)
    reminders.remind(case, ana, at=timezone.now() + timedelta(days=1), note="Look again")
    expect(_row(page, "Look again")).to_be_visible(timeout=8000)
    reminders.remind_due(timezone.now() + timedelta(days=2))
    expect(_row(page, "Look again")).to_have_count(0, timeout=8000)


def test_rows_stay_under_the_pointer_until_it_leaves(desk: Open, case: Case, ana: User, lee: User) -> None:
    first, second = (tasks.add(case, what=what, by=lee, owner=ana) for what in ("Ask the bank", "Call her"))
    page = _my_tasks(desk, ana)
    tick = page.get_by_role("button", name="Done: Call her")
    tick.hover()
    stood = _row(page, "Call her").bounding_box()
    tasks.finish(first, by=lee)
    expect(_row(page, "Ask the bank")).to_have_class("todo left", timeout=8000)
    tasks.add(case, what="Write to him", by=lee, owner=ana, due_at=timezone.now() + timedelta(minutes=9))
    expect(page.locator("[data-tasks-newer]")).to_have_text("1 newer · show", timeout=8000)
    assert _row(page, "Call her").bounding_box() == stood
    shot(page, "my-tasks-held-1440-light")
    tick.click()
    expect(_row(page, "Call her")).to_have_class("todo left", timeout=8000)
    second.refresh_from_db()
    assert second.done_at is not None
    assert _row(page, "Call her").bounding_box() == stood
    page.mouse.move(2, 2)
    expect(_row(page, "Call her")).to_have_count(0, timeout=8000)
    expect(page.locator("#my-tasks .todo")).to_have_count(1)
    expect(_row(page, "Write to him")).to_be_visible()
    expect(page.locator("[data-tasks-newer]")).to_be_hidden()


@pytest.mark.parametrize("trouble", ["nothing comes back", "the server cannot"])
def test_an_answer_that_does_not_come_is_asked_for_again(
    desk: Open, case: Case, ana: User, lee: User, trouble: str
) -> None:
    tasks.add(case, what="Call her", by=lee, owner=ana)
    page = _my_tasks(desk, ana)
    fails = iter([True])

    def once(route: Route) -> None:
        if not next(fails, False):
            route.continue_()
        elif trouble == "the server cannot":
            route.fulfill(status=503)
        else:
            route.abort()

    page.route(lambda url: url.endswith("/tasks/"), once)
    page.get_by_role("button", name="Done: Call her").click()
    expect(page.locator("#my-tasks .todo.left")).to_contain_text("Call her", timeout=15_000)
    assert next(fails, None) is None, "it was not asked at all"


def test_it_reads_well_on_every_screen(desk: Open, case: Case, ana: User, lee: User) -> None:
    first = tasks.add(case, what="Ask the bank whether the second charge was booked back", by=lee, owner=ana)
    tasks.add(case, what="Call her", by=lee, owner=ana)
    late = tasks.add(case, what="Send the form", by=lee, due_at=timezone.now() + timedelta(hours=1))
    for width, scheme in ((1440, "dark"), (768, "light"), (390, "light"), (390, "dark")):
        page = _my_tasks(desk, ana, width=width, scheme=scheme)
        page.get_by_role("button", name="Done: Call her").focus()
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Tab")
        (tasks.reopen if first.done_at else tasks.finish)(first, by=lee)
        more = tasks.add(case, what="Write to him", by=lee, owner=ana)
        expect(page.locator("[data-tasks-newer]")).to_be_visible(timeout=8000)
        assert serious(page) == []
        shot(page, f"my-tasks-{width}-{scheme}")
        wide = page.evaluate("document.querySelector('main').scrollWidth - document.querySelector('main').clientWidth")
        assert wide <= 0, "nothing to scroll sideways"
        tasks.drop(more, by=lee)
    assert late.is_open
