"""Two people at two screens: what they type, and what stands on their screens."""

import re
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Error, Page, expect

from cases.models import Queue
from crm.models import User
from tests import look
from tests.realdata.outside import Job

ROWS = """rows => rows.map(row => ({
    id: Number(row.dataset.id), version: Number(row.dataset.version),
    attention: Number(row.dataset.attention || 0), waiting: Number(row.dataset.waiting || 0)}))"""
MESSAGES = "all => all.map(m => [m.id, m.querySelector('.text')?.textContent || ''])"


def flat(text: str) -> str:
    return " ".join(text.split())


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
        pages = [context.new_page(), context.new_page()]
        look.sign_in(pages[0], url, user.username, "correct horse battery")
        pages[0].goto(f"{url}/queues/{queue.pk}/?view=all")
        rep = cls(url, queue, *pages, [])
        for page in pages:
            page.on("pageerror", lambda error: rep.complaints.append(str(error)))
        rep.live(rep.list)
        return rep

    def live(self, page: Page) -> None:
        expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=30_000)

    def open(self, number: int, page: Page | None = None) -> Page:
        """Open a case, however often it takes: the server may just be dying."""
        page = page or self.work
        for left in range(20, -1, -1):
            try:
                answer = page.goto(f"{self.url}/cases/{number}/", wait_until="domcontentloaded")
                if answer and answer.ok:
                    self.live(page)
                    return page
            except Error:
                if not left:
                    raise
            page.wait_for_timeout(300)
        raise AssertionError(f"case {number} did not open")

    def answer(self, job: Job) -> None:
        """Type an answer and send it by Ctrl+Enter; what the console says is not sent yet is sent again."""
        page = self.open(job.case)
        words = page.locator("form.reply textarea")
        page.keyboard.press("r")
        expect(words).to_be_focused()
        words.press_sequentially(job.turn.text[:8])
        page.keyboard.insert_text(job.turn.text[8:])
        for left in range(12, -1, -1):
            words.press("Control+Enter")
            try:
                expect(words).to_have_value("", timeout=5000)
                break
            except AssertionError:
                if not left:
                    raise
        expect(page.locator(".msg.out .text").last).to_contain_text(flat(job.turn.text)[:60], timeout=30_000)

    # --- what stands on the screens

    def rows(self) -> list[dict[str, Any]]:
        """The rows of the list that was open all the time, as they stand there now."""
        return list(self.list.locator("#cases > .case").evaluate_all(ROWS))

    def sees(self, versions: dict[int, int]) -> list[dict[str, Any]]:
        """Wait until these cases are listed in these versions, and counted, without loading anything anew."""
        self.live(self.list)
        expect(self.list.locator('[data-count="all"]').first).to_have_text(str(len(versions)), timeout=60_000)
        for _again in range(300):
            rows = self.rows()
            if {row["id"]: row["version"] for row in rows} == versions:
                break
            self.list.wait_for_timeout(200)
        return rows

    def fresh_rows(self) -> list[int]:
        """Every case of the list as a newly opened page has them."""
        self.work.goto(f"{self.url}/queues/{self.queue.pk}/?view=all")
        more = self.work.locator("#cases > .more button")
        while more.count():
            before = self.work.locator("#cases > .case").count()
            more.click()
            expect(self.work.locator("#cases > .case").nth(before)).to_be_attached()
        return [row["id"] for row in self.work.locator("#cases > .case").evaluate_all(ROWS)]

    def thread(self, page: Page) -> list[tuple[int, str]]:
        """The messages on a case's page from top to bottom: their ids and words."""
        found = page.locator("#messages .msg").evaluate_all(MESSAGES)
        return [(int(re.sub(r"\D", "", name)), flat(text)) for name, text in found]
