"""The browser's end of the live connection (static/js/live.js) on a line that is hurt (L9, B2, B5)."""

import asyncio
import threading
from collections.abc import Iterator

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page

from cases.models import Case, Queue
from crm.live import position
from crm.models import User
from tests import processes
from tests.builders import make_case
from tests.faults.desk import Desk
from tests.faults.proxy import Proxy

pytestmark = [pytest.mark.e2e, pytest.mark.faults, pytest.mark.django_db(transaction=True)]

CONNECT = """async ({url, cursor, topics}) => {
    const {connect} = await import("/static/js/live.js");
    window.heard = [];
    window.live = connect({url, cursor, topics, build: "another"});
    for (const name of ["fragment", "resync", "refused", "presence", "state", "hello", "build", "ended"])
        live.addEventListener(name, (event) => heard.push({name, ...event.detail, state: event.detail.name}));
}"""
THREAD = "heard.filter((e) => e.part === 'thread').map((e) => e.version)"


class Line:
    """A proxy on a loop in a thread of its own."""

    def __init__(self, port: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.proxy = Proxy(lambda: port)
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.do(self.proxy.start())

    def do(self, work: object) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(5)  # type: ignore[arg-type]

    def close(self) -> None:
        self.do(self.proxy.stop())
        self.loop.call_soon_threadsafe(self.loop.stop)


@pytest.fixture
def case(billing: Queue) -> Case:
    return make_case(billing)


@pytest.fixture
def line() -> Iterator[Line]:
    port = processes.free_port()
    env = {"TRUSTED_ORIGINS": f"http://127.0.0.1:{port}", "SECRET_KEY": settings.SECRET_KEY}
    with processes.web(port=port, **env):
        made = Line(port)
        made.server = f"http://127.0.0.1:{port}"  # type: ignore[attr-defined]
        yield made
        made.close()


@pytest.fixture
def page(browser: Browser, line: Line, ana: User, case: Case) -> Page:
    """A page with nothing on it but the live connection, through the line."""
    context = browser.new_context(bypass_csp=True)
    name, _, value = Desk(case.queue, [ana], [case], "").cookie(ana).partition("=")
    context.add_cookies([{"name": name, "value": value, "url": line.server}])  # type: ignore[attr-defined]
    page = context.new_page()
    page.goto(f"{line.server}/static/js/live/backoff.js")  # type: ignore[attr-defined]
    url = f"ws://127.0.0.1:{line.proxy.port}/live/"
    page.evaluate(CONNECT, {"url": url, "cursor": position(), "topics": [f"case.{case.number}", "me"]})
    page.wait_for_function("live.state.name === 'live'")
    return page


def until(page: Page, version: int, seconds: float = 20) -> list[int]:
    page.wait_for_function(f"{THREAD}.includes({version})", timeout=seconds * 1000)
    return page.evaluate(THREAD)


def change(case: Case, how_often: int) -> None:
    for _ in range(how_often):
        case.set_priority("high" if case.priority == "low" else "low", by=None)


def test_a_line_that_is_cut_comes_back_with_everything_once_in_order(page: Page, line: Line, case: Case) -> None:
    change(case, 2)
    assert until(page, 2) == [1, 2]
    line.do(line.proxy.cut())
    change(case, 3)
    assert until(page, 5) == [1, 2, 3, 4, 5]
    states = page.evaluate("heard.filter((e) => e.name === 'live' || e.retryAt !== undefined).map((e) => e.state)")
    assert states[:1] == ["live"]
    assert "reconnecting" in states
    page.wait_for_function("live.state.name === 'live'")
    assert page.evaluate("heard.some((e) => e.build === 'dev')")  # the page was made by another build


def test_a_message_swallowed_by_the_line_is_noticed_and_asked_for_again(page: Page, line: Line, case: Case) -> None:
    line.proxy.lose_next = 1
    change(case, 1)
    processes.wait_until(lambda: line.proxy.lost == 1, 5, "the message to be swallowed")
    assert until(page, 1, 15) == [1]  # nothing else happened: the count alone told
    line.proxy.lose_next = 1
    change(case, 1)
    processes.wait_until(lambda: line.proxy.lost == 2, 5, "the message to be swallowed")
    change(case, 1)
    assert until(page, 3, 15) == [1, 2, 3]  # the gap told


def test_a_line_that_carries_nothing_is_called_dead_and_left(page: Page, line: Line, case: Case) -> None:
    line.proxy.silent = True
    page.wait_for_function("live.state.name !== 'live'", timeout=15_000)
    change(case, 2)
    line.proxy.silent = False
    assert until(page, 2) == [1, 2]


def test_signing_out_ends_it_for_good(page: Page, line: Line, ana: User) -> None:
    from django.contrib.sessions.models import Session

    Session.objects.all().delete()
    page.wait_for_function("heard.some((e) => e.code === 4401)", timeout=4000)
    assert page.evaluate("live.state.name") == "offline"
