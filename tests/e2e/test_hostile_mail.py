"""Mails made to run, load or call something, opened in a real browser: in a case, in their frame, and bare (L32)."""

import re
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, Request

from cases import conversation
from cases.hooks import File
from cases.mail.html import as_text, harmless
from cases.models import Case, Queue
from crm.models import User
from tests import look, processes
from tests.builders import make_case
from tests.hostile_html import EVERY, FAR

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

WATCH = """
window.__ran = [];
for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) window[name] = () => window.__ran.push(name);
addEventListener('securitypolicyviolation', e => window.__ran.push('csp ' + e.violatedDirective + ' ' + e.blockedURI));
"""
A_CASE = 45  # messages: fewer than one piece of a thread


def png() -> bytes:
    """A real picture of one point."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(b"\0\x10\x80\x40"))
        + chunk(b"IEND", b"")
    )


class Watched:
    """A page that notes whatever a mail could have done."""

    def __init__(self, browser: Browser, base: str = "") -> None:
        self.base = base
        self.page: Page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        self.bad: list[str] = []
        self.asked: list[str] = []
        self.page.add_init_script(WATCH)
        self.page.on("dialog", lambda d: (self.bad.append(f"dialog {d.message}"), d.dismiss()))
        self.page.on("popup", lambda p: self.bad.append(f"popup {p.url}"))
        self.page.on("pageerror", lambda e: self.bad.append(f"error {e}"))
        self.page.on("console", lambda m: self.bad.append(m.text) if m.type in {"error", "warning"} else None)
        self.page.on("request", self._asks)

    def _asks(self, request: Request) -> None:
        self.asked.append(f"{request.method} {request.url.removeprefix(self.base)}" if self.base else request.url)


def mails(queue: Queue, rows: list[str], user: User) -> list[Case]:
    cases = []
    for n in range(0, len(rows), A_CASE):
        case = make_case(queue, f"Mail {n}", channel="mail", assignee=user)
        for row in rows[n : n + A_CASE]:
            conversation.add_inbound(
                case,
                text=as_text(row) or "-",
                html=f"<p>Dear all,</p>{row}",
                sender=None,
                channel="mail",
                at=timezone.now(),
            )
        cases.append(case)
    return cases


def test_a_case_full_of_hostile_mails_asks_for_nothing_and_runs_nothing(
    browser: Browser, ana: User, billing: Queue
) -> None:
    cases = mails(billing, EVERY, ana)
    assert len(EVERY) >= 90
    with processes.web(DEMO="1") as server:
        watched = Watched(browser, server.url)
        look.sign_in(watched.page, server.url, "ana", "correct horse battery")
        for case in cases:
            watched.asked.clear()
            watched.bad.clear()
            watched.page.goto(f"{server.url}/cases/{case.number}/")
            watched.page.wait_for_load_state("networkidle")
            assert [asked for asked in watched.asked if not asked.startswith("GET /") or "/body/" in asked] == []
            watched.asked.clear()
            frames = watched.page.locator(".as-came > iframe")
            opened = _open_all(watched.page)
            assert opened == frames.count() == case.messages.count()
            assert len({a for a in watched.asked if "/body/" in a}) == opened
            _asked_only_for_ours(watched, case)
            assert watched.page.url == f"{server.url}/cases/{case.number}/"
            assert watched.page.evaluate("window.__ran") == []
            assert watched.bad == []


def _open_all(page: Page) -> int:
    """Open every frame, look at each, and go over it as a reader would."""
    page.evaluate("document.querySelectorAll('.as-came').forEach(d => { d.open = true })")
    frames = page.locator(".as-came > iframe")
    for n in range(frames.count()):
        frames.nth(n).scroll_into_view_if_needed()
        page.wait_for_timeout(120)
        box = frames.nth(n).bounding_box()
        assert box is not None
        page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.wait_for_timeout(1500)
    return frames.count()


def _asked_only_for_ours(watched: Watched, case: Case) -> None:
    tokens = set(case.messages.values_list("token", flat=True))
    for asked in watched.asked:
        if re.fullmatch(rf"GET /cases/{case.number}/messages/\d+/feeling/", asked):
            continue  # the page itself asks once more how a new message sounds
        frame = re.fullmatch(r"GET /messages/([\w-]+)/body/", asked)
        assert frame[1] in tokens if frame else re.match(r"GET /static/css/(tokens|mail)\.css", asked), asked


@pytest.mark.realdata
def test_known_payloads_are_dead_even_where_nothing_else_guards(browser: Browser, realdata: Path) -> None:
    """Without content policy and without a frame: what is left of them in a page where everything may run."""
    listed = (realdata / "html_xss" / "payloads_500.txt").read_text(errors="replace").splitlines()
    _bare(browser, [row for row in listed if row.strip()])


def test_our_own_are_dead_even_where_nothing_else_guards(browser: Browser) -> None:
    _bare(browser, EVERY)


def _bare(browser: Browser, rows: list[str]) -> None:
    watched = Watched(browser)
    watched.page.route(
        "http://page.example/",
        lambda route: route.fulfill(
            content_type="text/html; charset=utf-8",
            body="<!doctype html><body>" + "".join(f"<div class=one>{harmless(f'x {row}')}</div>" for row in rows),
        ),
    )
    watched.page.goto("http://page.example/")
    watched.page.wait_for_timeout(300)
    watched.page.evaluate(_TOUCH)
    watched.page.wait_for_timeout(300)

    assert watched.page.locator(".one").count() == len(rows)
    assert watched.page.evaluate("window.__ran") == []
    assert watched.page.evaluate(_LEFT) == []
    assert watched.bad == []
    assert watched.asked == ["http://page.example/"]


# Everything a reader could do to an element, short of following a link out.
_TOUCH = """() => document.querySelectorAll('.one *').forEach(e => {
  for (const kind of ['mouseover', 'mouseenter', 'mousemove', 'mousedown', 'focus', 'blur', 'toggle', 'copy', 'paste', 'wheel', 'animationstart'])
    e.dispatchEvent(new Event(kind, { bubbles: true }));
  if (e.matches('a[href]')) e.addEventListener('click', event => event.preventDefault());
  e.dispatchEvent(new MouseEvent('click', { bubbles: true, cancelable: true }));
  e.focus?.();
})"""
_LEFT = """() => [...document.querySelectorAll('.one *')].filter(e =>
  [...e.attributes].some(a => /^on|^(id|name|class|style|src|srcset|background|action|formaction|ping|poster)$/i.test(a.name)
    || a.name === 'href' && !/^(https?|mailto|tel):/i.test(a.value))
  || !(e instanceof HTMLElement) || /^(script|style|iframe|object|embed|form|input|button|base|meta|link|template|svg|math)$/i.test(e.tagName)
).map(e => e.outerHTML.slice(0, 200))"""


def test_a_mails_own_picture_is_shown_and_those_from_elsewhere_when_asked_for(
    browser: Browser, ana: User, billing: Queue
) -> None:
    case = make_case(billing, "Pictures", channel="mail", assignee=ana)
    html = f'<p>Here:</p><img src="cid:shot@x" alt="Screenshot"><img src="{FAR}/logo.png" alt="Logo">'
    files = [File("shot.png", "image/png", png(), "shot@x")]
    conversation.add_inbound(case, text="Here:", html=html, sender=None, channel="mail", at=timezone.now(), files=files)
    with processes.web(DEMO="1") as server:
        watched = Watched(browser, server.url)
        answers: dict[str, Any] = {}
        watched.page.on("response", lambda r: answers.update({r.url: r}))
        look.sign_in(watched.page, server.url, "ana", "correct horse battery")
        watched.page.goto(f"{server.url}/cases/{case.number}/")
        watched.page.locator(".as-came > summary").focus()
        watched.page.keyboard.press("Enter")
        frame = watched.page.frame_locator(".as-came > iframe")
        frame.get_by_text("Show pictures").wait_for()
        watched.page.wait_for_timeout(700)

        pictures = [r for url, r in answers.items() if "/picture/" in url]
        assert [(r.status, r.headers["content-type"]) for r in pictures] == [(200, "image/png")]
        assert frame.locator("img").bounding_box() is not None
        assert frame.locator(".absent").inner_text() == "Logo"
        assert watched.bad == []

        answers.clear()
        frame.get_by_text("Show pictures").click()
        frame.locator("img[alt=Logo]").wait_for()
        watched.page.wait_for_timeout(1500)

        bodies = [r for url, r in answers.items() if "/body/" in url]
        assert [r.status for r in bodies] == [200]
        assert len({asked for asked in watched.asked if "/picture/" in asked}) >= 2
        assert all(asked.startswith(("GET /", "POST /sign-in/")) for asked in watched.asked), (
            "the reader's browser asks us alone"
        )
