"""Two people at two screens: what they type, and what stands on their screens."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Error, Locator, Page, expect

from cases.models import Queue
from crm.models import User
from tests import look
from tests.realdata.outside import Job

ROWS = """rows => rows.map(row => ({
    id: Number(row.dataset.id), version: Number(row.dataset.version),
    attention: Number(row.dataset.attention || 0), waiting: Number(row.dataset.waiting || 0)}))"""
# Notes when the page first had which version of which row: [case id, version, milliseconds since 1970].
WATCH = """() => {
    window.shown = [];
    const known = new Map();
    const note = ({dataset: {id, version}}) => {
        if (known.get(id) === version) return;
        known.set(id, version);
        window.shown.push([Number(id), Number(version), Date.now()]);
    };
    const isRow = n => n.matches?.("#cases > .case");
    const news = all => all.forEach(m => [...m.addedNodes, m.target].filter(isRow).forEach(note));
    const what = {childList: true, subtree: true, attributes: true, attributeFilter: ["data-version"]};
    new MutationObserver(news).observe(document.querySelector("#cases"), what);
}"""
MESSAGES = "all => all.map(m => [m.id, m.querySelector('.text')?.textContent || ''])"


LIVE_WITHIN = 60_000  # milliseconds until a page says that it is live, a server's restart included
PATIENCE = 120  # seconds for what must come by itself, however loaded the machine is


def flat(text: str) -> str:
    return " ".join(text.split())


def in_order(rows: list[dict[str, Any]]) -> bool:
    keys = [(row["attention"] or float("inf"), row["waiting"] or float("inf")) for row in rows]
    return keys == sorted(keys)


@dataclass
class Rep:
    """A signed-in person with the queue on one page, a case on the other."""

    url: str
    queue: Queue
    list: Page
    work: Page
    complaints: list[str]

    @classmethod
    def sits_down(cls, browser: Browser, url: str, user: User, queue: Queue) -> "Rep":
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        context.set_default_timeout(LIVE_WITHIN)
        pages = [context.new_page(), context.new_page()]
        look.sign_in(pages[0], url, user.username, "correct horse battery")
        pages[0].goto(f"{url}/queues/{queue.pk}/?view=all")
        rep = cls(url, queue, *pages, [])
        for page in pages:
            page.on("pageerror", lambda error: rep.complaints.append(str(error)))
        rep.live(rep.list)
        rep.list.evaluate(WATCH)
        return rep

    def live(self, page: Page) -> None:
        expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=LIVE_WITHIN)

    def open(self, number: int, page: Page | None = None) -> Page:
        """Open a case, however often it takes: the server may just be dying."""
        page, deadline = page or self.work, time.monotonic() + PATIENCE
        while not self._opens(page, number):
            assert time.monotonic() < deadline, f"case {number} did not open"
            page.wait_for_timeout(300)
        self.live(page)
        return page

    def _opens(self, page: Page, number: int) -> bool:
        try:
            answer = page.goto(f"{self.url}/cases/{number}/", wait_until="domcontentloaded")
        except Error:
            return False
        return bool(answer and answer.ok)

    def answer(self, job: Job) -> None:
        """Type an answer and send it by Ctrl+Enter; what the console says is not sent yet is sent again."""
        page = self.open(job.case)
        words = page.locator("form.reply textarea")
        page.keyboard.press("r")
        expect(words).to_be_focused(timeout=LIVE_WITHIN)
        words.press_sequentially(job.turn.text[:8])
        page.keyboard.insert_text(job.turn.text[8:])
        deadline = time.monotonic() + PATIENCE
        while not self._sends(words):
            assert time.monotonic() < deadline, f"an answer to case {job.case} was not taken"
        expect(page.locator(".msg.out .text").last).to_contain_text(flat(job.turn.text)[:60], timeout=LIVE_WITHIN)

    def _sends(self, words: Locator) -> bool:
        words.press("Control+Enter")
        try:
            expect(words).to_have_value("", timeout=5000)
        except AssertionError:
            return False
        return True

    # --- what stands on the screens

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the list that was open all the time, as they stand there now."""
        return list(self.list.locator("#cases > .case").evaluate_all(ROWS))

    def sees(self, stored: Callable[[], dict[int, int]]) -> list[dict[str, Any]]:
        """Wait until what is stored is listed in these versions, in order, without loading anything anew."""
        self.live(self.list)
        deadline = time.monotonic() + PATIENCE
        rows = self.rows()
        while time.monotonic() < deadline and not self._are(rows, stored()):
            self.list.wait_for_timeout(200)
            rows = self.rows()
        return rows

    @staticmethod
    def _are(rows: list[dict[str, Any]], stored: dict[int, int]) -> bool:
        listed = {row["id"]: row["version"] for row in rows}
        return len(rows) == len(stored) and listed == stored and in_order(rows)

    def counts(self, cases: int) -> None:
        """The number beside the list."""
        expect(self.list.locator('[data-count="all"]').first).to_have_text(str(cases), timeout=LIVE_WITHIN)

    def saw(self) -> list[tuple[int, int, float]]:
        """Case, version, Unix time at which the open list showed it."""
        return [(pk, version, at / 1000) for pk, version, at in self.list.evaluate("window.shown")]

    def fresh_rows(self) -> list[int]:
        """Every case of the list as a newly opened page has them."""
        self.work.goto(f"{self.url}/queues/{self.queue.pk}/?view=all")
        more = self.work.locator("#cases > .more button")
        while more.count():
            before = self.work.locator("#cases > .case").count()
            more.click()
            expect(self.work.locator("#cases > .case").nth(before)).to_be_attached(timeout=LIVE_WITHIN)
        return [row["id"] for row in self.work.locator("#cases > .case").evaluate_all(ROWS)]

    def thread(self, page: Page) -> list[tuple[int, str]]:
        """The messages on a case's page from top to bottom: their ids and words."""
        found = page.locator("#messages .msg").evaluate_all(MESSAGES)
        return [(int(re.sub(r"\D", "", name)), flat(text)) for name, text in found]

    def reads(self, page: Page, words: list[str]) -> list[tuple[int, str]]:
        """The same, once it says these words: what is pushed to an open page may still be on its way."""
        deadline = time.monotonic() + PATIENCE
        while (said := self.thread(page)) and time.monotonic() < deadline:
            if [text for _id, text in said] == words:
                break
            page.wait_for_timeout(200)
        return said
