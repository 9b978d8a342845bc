"""The palette when the line is slow: Enter is pressed before the list is there."""

import pytest
from playwright.sync_api import Page, Route, expect

from cases.models import Case, Queue
from crm.models import User
from tests.builders import make_case
from tests.e2e.desks import Open

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue) -> Case:
    return make_case(billing)


class Held:
    """The request for what may be typed next waits until it is let go."""

    def __init__(self, page: Page) -> None:
        self.waiting: list[Route] = []
        page.route("**/suggestions/**", self._hold)
        page.route("**/suggestions/?*", self._hold)

    def _hold(self, route: Route) -> None:
        self.waiting.append(route)

    def let_go(self) -> None:
        for route in self.waiting:
            route.continue_()
        self.waiting.clear()


def slash(page: Page, held: Held) -> None:
    page.keyboard.press("Control+k")
    page.keyboard.type("/")
    expect(page.locator("#palette-list [role=option]")).to_have_count(0)
    page.wait_for_timeout(200)
    assert held.waiting, "it was asked for, and has not come"


def test_enter_before_the_list_came_runs_the_first_of_it_once_it_has(desk: Open, ana: User) -> None:
    page = desk(ana)
    held = Held(page)
    field = page.locator("#palette input")
    slash(page, held)
    page.keyboard.press("Enter")
    expect(page.locator("#palette")).to_be_visible()
    expect(field).to_have_value("/")
    held.let_go()
    expect(field).not_to_have_value("/")
    first = field.input_value()
    page.keyboard.press("Escape")

    held.waiting.clear()
    slash(page, held)
    held.let_go()
    expect(page.locator("#palette-list [role=option]").first).to_be_visible()
    page.keyboard.press("Enter")
    expect(field).to_have_value(first)


def test_who_closed_it_or_typed_on_meant_something_else(desk: Open, ana: User) -> None:
    page = desk(ana)
    held = Held(page)
    field = page.locator("#palette input")
    slash(page, held)
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    held.let_go()
    page.wait_for_timeout(400)
    expect(page.locator("#palette")).to_be_hidden()

    slash(page, held)
    page.keyboard.press("Enter")
    page.keyboard.type("refund")
    held.let_go()
    expect(page.locator("#palette-list [role=option]").first).to_contain_text("refund")
    page.wait_for_timeout(400)
    expect(field).to_have_value("/refund")
    expect(page.locator("#palette")).to_be_visible()
