"""B7: whatever stands still is in the console of everybody who works here within 30 s, in words, and goes when it is over.

Real processes are stopped, killed or starved; a real Chromium has a queue open. A stop is not healed here: `serve` would,
within the very half minute (tests/faults/test_processes.py), so the processes run without it.
"""

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from cases.models import InboundItem, Mailbox, Queue
from crm.live.database import parameters
from crm.models import User, Wake
from crm.secrets import encrypt
from tests import processes
from tests.builders import make_case
from tests.faults.desk import Desk
from tests.faults.figures import tell
from tests.faults.ledger import sung
from tests.imapserver import PASSWORD, USERS, ImapServer
from tests.processes import Running, wait_until

pytestmark = [pytest.mark.faults, pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
PROMISE = 30.0
BAR = "#stalls:not([hidden])"


@dataclass
class House:
    """Web, keeper and workers, each on its own, and a console open in a browser."""

    page: Page
    keeper: Running
    workers: Running
    full: bool

    def seen(self, words: str) -> None:
        """Within the promise."""
        began = time.monotonic()
        self.page.locator(BAR, has_text=words).wait_for(timeout=PROMISE * 1000)
        tell(f"“{words}”: in the console after {time.monotonic() - began:.1f} s", full=self.full)

    def gone(self) -> None:
        expect(self.page.locator("#stalls")).to_have_attribute("hidden", "", timeout=60_000)


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    """A process and everything below it, stopped in the middle."""
    everyone = [pid, *processes.descendants(pid)]
    for one in everyone:
        os.kill(one, signal.SIGSTOP)
    try:
        yield
    finally:
        for one in everyone:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGCONT)


@pytest.fixture
def house(browser: Browser, billing: Queue, ana: User, full: bool) -> Iterator[House]:
    with ExitStack() as stack:
        keeper = stack.enter_context(processes.keeper())
        workers = stack.enter_context(processes.workers())
        web = stack.enter_context(processes.web(SECRET_KEY=settings.SECRET_KEY, seconds=60))
        wait_until(lambda: sung(8) and sung(8, "keeper:"), 90, "workers and keeper")
        page = open_console(browser, web, ana, billing)
        yield House(page, keeper, workers, full)


def open_console(browser: Browser, web: Running, user: User, queue: Queue) -> Page:
    name, _equals, value = Desk(queue, [user], [], "").cookie(user).partition("=")
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    context.add_cookies([{"name": name, "value": value, "url": web.url}])
    page = context.new_page()
    page.goto(f"{web.url}/queues/{queue.pk}/", timeout=60_000)
    page.locator("[data-light][data-state=live]").wait_for(timeout=60_000)
    return page


def test_a_console_of_a_house_in_order_says_nothing(house: House) -> None:
    house.page.wait_for_timeout(15_000)
    assert house.page.locator(BAR).count() == 0


def test_a_stopped_keeper_is_seen_and_nothing_on_the_page_moves(house: House) -> None:
    places = "[...document.querySelectorAll('.rail .room-link:not(.stalled), .list, .case-room, #cases > *')].map((e) => JSON.stringify(e.getBoundingClientRect()))"
    before = house.page.evaluate(places)
    with stopped(house.keeper.pid):
        house.seen("Mail, timers and reminders have been standing still")
        assert house.page.evaluate(places) == before
        assert "standing still" in house.page.locator("#polite").inner_text(), "said to a screen reader, politely"
        house.page.reload()
        house.page.locator(BAR).wait_for(timeout=5_000)
        house.page.locator("[data-stalls=away]").click()
        assert house.page.locator(BAR).count() == 0
        house.page.locator("[data-stalls=show]").click()
        house.page.locator(BAR).wait_for(timeout=5_000)
    house.gone()
    assert house.page.locator("#polite").inner_text() == "Everything works again."


def test_a_killed_keeper_is_seen(house: House) -> None:
    house.keeper.kill()
    house.seen("Mail, timers and reminders have been standing still")
    with processes.keeper():
        house.gone()


def test_a_stopped_worker_group_is_seen(house: House) -> None:
    with stopped(house.workers.pid):
        house.seen("Background work has been standing still")
    house.workers.kill()  # its watchdog may have ended it by now
    with processes.workers():
        house.gone()


def test_a_sequencer_that_cannot_number_is_seen(house: House, billing: Queue) -> None:
    """Somebody waits for a lock on the log while an event is written, and has it the moment that commits: whoever leads
    waits behind them, beats no more, is unseated, and the next one gets no further."""
    case = make_case(billing)
    with psycopg.connect(**{**parameters("test"), "autocommit": False}) as other, ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            case.record("note_added", by=None, via="system", message=0)
            held = pool.submit(other.execute, "LOCK TABLE crm_event IN SHARE ROW EXCLUSIVE MODE")
            time.sleep(1)
        held.result(30)
        house.seen("Screens have not been told of changes")
        other.rollback()
    house.gone()


def test_a_mailbox_whose_server_is_gone_or_frozen_is_seen(imap: ImapServer, house: House, billing: Queue) -> None:
    Mailbox.objects.create(
        queue=billing,
        name="Help",
        address="help@imap.example",
        host="127.0.0.1",
        port=imap.port,
        tls="none",
        user=USERS[0],
        password=encrypt(PASSWORD),
    )
    wait_until(lambda: Mailbox.objects.get().last_success_at, 60, "the first look")
    imap.stop()
    house.seen("Mail to help@imap.example has not been fetched")
    imap.start()
    house.gone()
    imap.freeze()
    house.seen("Mail to help@imap.example has not been fetched")
    imap.thaw()
    house.gone()


def test_a_backlog_is_seen_though_everything_is_alive(house: House, billing: Queue) -> None:
    """What arrived is held by a transaction that does not end; a task waits behind one that does not."""
    soon = timezone.now() + timedelta(seconds=4)
    item = InboundItem.objects.create(channel="mail", external_id="1", raw=b"", queue=billing, next_try_at=soon)
    path = f"{house_task.__module__}.{house_task.__qualname__}"
    Wake.objects.create(path=path, state=Wake.RUNNING, attempts=1, lease_until=timezone.now() + timedelta(hours=1))
    Wake.objects.create(path=path, due_at=timezone.now())
    with psycopg.connect(**{**parameters("test"), "autocommit": False}) as other:
        other.execute("SELECT 1 FROM cases_inbounditem WHERE id = %s FOR UPDATE", [item.pk])
        house.seen("1 message has arrived and has been waiting for its case")
        house.seen("Background work is behind: 1 task has been waiting")
        other.rollback()
    Wake.objects.all().delete()
    house.gone()


def house_task() -> None:
    """Only its name is needed."""
