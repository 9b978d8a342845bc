"""A case on the screens of those who work on it: a real browser, a real server, live."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from cases.models import Case
from crm.models import User
from tests import look, processes

Open = Callable[..., Page]


@contextmanager
def desks(browser: Browser, case: Case) -> Iterator[Open]:
    """Opens the case for somebody, in a window `width` wide; what the browser complains about fails the test."""
    complaints: list[str] = []
    with processes.web() as running:

        def opened(user: User, width: int = 1440, scheme: str = "light") -> Page:
            page = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme).new_page()  # type: ignore[arg-type]
            page.on("pageerror", lambda error: complaints.append(str(error)))
            look.sign_in(page, running.url, user.username, "correct horse battery")
            page.goto(f"{running.url}/cases/{case.number}/")
            expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=20_000)
            return page

        yield opened
    assert complaints == []


def serious(page: Page) -> list[str]:
    """What keeps somebody with another way of reading from using this page."""
    found = Axe().run(page).response["violations"]
    return [v["id"] for v in found if v["impact"] in {"serious", "critical"}]


def shot(page: Page, name: str, *, whole: bool = False) -> None:
    """A picture as it is, where somebody wants to look (FOREFRONT_SHOTS, a folder)."""
    if folder := os.environ.get("FOREFRONT_SHOTS"):
        page.wait_for_timeout(400)
        page.screenshot(path=Path(folder) / f"{name}.png", full_page=whole)


def shots(page: Page, name: str, widths: Sequence[int] = (1440, 1024, 390)) -> None:
    """In each of these widths, light and dark; the window is then as it was."""
    if not os.environ.get("FOREFRONT_SHOTS"):
        return
    before = page.viewport_size
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for width in widths:
            page.set_viewport_size({"width": width, "height": 844 if width < 1000 else 900})
            shot(page, f"{name}-{width}-{scheme}")
    page.emulate_media(color_scheme="light")
    if before:
        page.set_viewport_size(before)
