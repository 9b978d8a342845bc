"""L4 in a real browser, through the real socket: after every step the screen that was open equals one opened now.

tests/cases/test_screens.py does this for every command, by the console's rules written down in Python; here the
console's own scripts are held against it, where those rules are hard: entries that belong between others, runs of lines
that are cut and joined, rows that move.
"""

from contextlib import suppress
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from cases import clocks, conversation, thread
from cases.models import Case
from crm.models import Event
from tests import look, processes
from tests.cases import before, commands
from tests.cases.before import World
from tests.cases.test_screens import world as world  # a fixture

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

# What differs by who looked when, not by what happened: what was read, who is here, minutes that went by.
READS = """() => {
  const parts = [document.querySelector(".case-head"), document.getElementById("messages"), document.getElementById("cases")];
  return parts.flatMap((part) => {
    const copy = part.cloneNode(true);
    copy.querySelectorAll(".unread-rule").forEach((rule) => rule.remove());
    copy.querySelectorAll(".eyes").forEach((eyes) => eyes.remove());
    copy.querySelectorAll('time[data-kind="since"], time[data-kind="until"]').forEach((time) => time.replaceChildren());
    copy.querySelectorAll("[data-countdown]").forEach((seconds) => seconds.replaceChildren());
    for (const each of [copy, ...copy.querySelectorAll("*")]) {
      each.removeAttribute("data-applied");
      each.classList.remove("just", "unread");
      if (!each.className) each.removeAttribute("class");
      const names = each.getAttributeNames().sort();
      names.forEach((name) => { const value = each.getAttribute(name); each.removeAttribute(name); each.setAttribute(name, value); });
    }
    return copy.outerHTML.replace(/\\s+/g, " ").replace(/> </g, "><").replace(/></g, ">\\n<").split("\\n");
  });
}"""


def late_words_and_a_breach(w: World) -> None:
    """Each belongs inside a run of lines that stands there already."""
    w.case.set_priority("high", by=w.lee, at=w.now - timedelta(minutes=30))
    w.case.set_priority("low", by=w.lee, at=w.now - timedelta(minutes=20))
    w.case.set_priority("high", by=w.lee, at=w.now - timedelta(minutes=10))
    conversation.add_inbound(w.case, text="Hello?", sender=None, channel="mail", at=w.now - timedelta(minutes=15))
    w.case.set_priority("urgent", by=w.lee, at=w.now - timedelta(minutes=18))
    clocks.breach_due(w.now + timedelta(hours=3))


APPLIED = "([id, version]) => Number(document.getElementById(id)?.dataset.applied || 0) >= version"

STEPS = [
    before.claimed,
    late_words_and_a_breach,
    before.promised,
    before.answer_written,
    before.let_go,
    before.put_off,
    commands._answer_us,
    commands._rename_the_customer,
    before.doubled,
    commands._merge_the_customer,
    commands._set_tags,
    commands._resolve,
    commands._come_back,
]


def test_after_every_step_the_screen_equals_the_page_loaded_afresh(browser: Browser, world: World) -> None:
    with processes.web() as server:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page, fresh = context.new_page(), context.new_page()
        look.sign_in(page, server.url, "lee", "correct horse battery")
        for each in (page, fresh):  # the view beside a case is the one last used in the same window
            each.goto(f"{server.url}/queues/{world.billing.pk}/?view=all")
        address = f"{server.url}/cases/{world.case.number}/"
        _open(page, address)
        for step in STEPS:
            since = Case.objects.values_list("version", flat=True).get(pk=world.case.pk)
            step(world)
            _arrived(page, world, since)
            _open(fresh, address)
            expected = fresh.evaluate(READS)
            with suppress(AssertionError):  # a new name raises no version of the case: it may take a moment more
                processes.wait_until(lambda: page.evaluate(READS) == expected, 5)  # noqa: B023 - called at once
            assert page.evaluate(READS) == expected, step.__name__


def _open(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=10_000)
    expect(page.locator("#cases > .case")).not_to_have_count(0)


def _arrived(page: Page, world: World, since: int) -> None:
    """Everything so far is on the screen. Head and row may be ahead of the thread: they show what is, not what was."""
    world.case.refresh_from_db()
    version = str(world.case.version)
    row = page.locator(f"#row-{world.case.number}")
    expect(page.locator(".case-head")).to_have_attribute("data-version", version, timeout=10_000)
    if world.case.is_active:
        expect(row).to_have_attribute("data-version", version, timeout=10_000)
    else:
        expect(row).to_have_count(0)
    for event in Event.objects.filter(stream="case", stream_id=world.case.pk, version__gt=since):
        if message := event.data.get("message"):
            page.wait_for_function(APPLIED, arg=[f"message-{message}", event.version])
        elif thread.is_told(event):
            told = event.data.get("acknowledgement")
            expect(page.locator(f"#acknowledged-{told}" if told else f"#event-{event.pk}")).to_have_count(1)
