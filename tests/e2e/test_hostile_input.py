"""Payloads made to break pages, stored through the real ways in and looked at in a real browser: text, and nothing else."""

import json
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Browser, Page, Request

from cases import conversation, intake
from cases.hooks import File
from cases.models import Article, Case, InboundItem, Message, Queue
from crm.files import clean_name
from crm.models import SentMail, User
from crm.secrets import sign
from customers.folding import clean
from customers.models import ContactPoint, Customer
from tests import look, processes

pytestmark = [pytest.mark.e2e, pytest.mark.realdata, pytest.mark.django_db(transaction=True)]

CASES = 12  # the payloads are dealt out over so many cases
WATCH = """
window.__ran = [];
for (const name of ['alert', 'confirm', 'prompt', 'print', 'open']) window[name] = () => window.__ran.push(name);
addEventListener('securitypolicyviolation', e => window.__ran.push('csp ' + e.violatedDirective + ' ' + e.blockedURI));
"""
# What a payload that came through as markup would leave behind: elements and attributes our pages never have.
TRACES = """() => [...document.querySelectorAll('*')].filter(e =>
    ['IFRAME','OBJECT','EMBED','APPLET','MARQUEE','MATH','VIDEO','AUDIO','ISINDEX','BASE','FRAMESET','BLINK'].includes(e.tagName.toUpperCase()) && !e.matches('.as-came > iframe')
    || [...e.attributes].some(a => /^on/i.test(a.name) || /^\\s*(javascript|vbscript|data:text)/i.test(a.value) && /^(href|src|action|formaction|xlink:href)$/i.test(a.name))
).map(e => e.outerHTML.slice(0, 200))"""


def payloads(folder: Path) -> list[str]:
    xss = (folder / "html_xss" / "payloads_500.txt").read_text(errors="replace").splitlines()
    naughty = json.loads((folder / "blns" / "blns.json").read_text())
    return [p for p in [*xss, *naughty, "nul\0byte", "\u202eabc<svg onload=alert(1)>"] if clean(p).strip()]


class Watched:
    """A page that notes whatever a payload could have done."""

    def __init__(self, browser: Browser, base: str) -> None:
        self.base = base
        self.page: Page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        self.bad: list[str] = []
        self.unreadable: list[str] = []
        self.page.add_init_script(WATCH)
        self.page.on("dialog", lambda d: (self.bad.append(f"dialog {d.message}"), d.dismiss()))
        self.page.on("popup", lambda p: self.bad.append(f"popup {p.url}"))
        self.page.on("pageerror", lambda e: self.bad.append(f"error {e}"))
        self.page.on("request", self._asked)

    def _asked(self, request: Request) -> None:
        ours = self.base, self.base.replace("http", "ws", 1), "blob:"
        if not request.url.startswith(ours):
            self.bad.append(f"request {request.url[:200]}")

    def visit(self, path: str) -> str:
        """Open it, let its fragments and panels arrive, and tell its visible text; fail on any trace of a payload."""
        answer = self.page.goto(self.base + path)
        self.page.wait_for_timeout(250)
        assert answer is not None
        assert answer.status == 200, path
        assert self.page.url == self.base + path, "a payload led elsewhere"
        assert self.page.evaluate("window.__ran") == [], path
        assert self.page.evaluate(TRACES) == [], path
        assert self.bad == [], path
        return str(self.page.evaluate("document.body.innerText"))

    def read(self, path: str) -> None:
        """Visit it, and note what of it not everybody could read."""
        self.visit(path)
        found = Axe().run(self.page).response["violations"]
        wrong = [v for v in found if v["impact"] in {"serious", "critical"}]
        self.unreadable += [f"{path}: {v['id']} {v['nodes'][0]['html'][:150]}" for v in wrong]


class Texts(HTMLParser):
    """The text of a page as HTML means it, before any script touches it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text = ""
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.text += data


def plain(text: str) -> str:
    return "".join(text.split())


def store(queue: Queue, rows: list[str], by: User) -> list[Case]:
    """Each payload as body, sender, note and file name; the first of each case also as subject, name and tag."""
    return [_case(queue, rows[n::CASES], n, by) for n in range(CASES)]


def _case(queue: Queue, rows: list[str], n: int, by: User) -> Case:
    now, names = timezone.now(), cycle(rows)
    customer = Customer.objects.create(name=clean(rows[0])[:200], city=clean(rows[1])[:120], cue=clean(rows[2])[:300])
    sender = ContactPoint.objects.create(
        customer=customer, kind="email", value=f"c{n}@example.org", display=clean(rows[3])[:320]
    )
    case = intake.open_case(queue=queue, customer=customer, subject=rows[0], channel="mail", at=now, via="channel")
    for row in rows:
        file = File(next(names), "text/html", row.encode(errors="replace"))
        conversation.add_inbound(
            case, text=row, html=row, sender=sender, sender_name=row, channel="mail", at=now, files=[file]
        )
    for row in rows[::8]:
        conversation.add_note(case, by=by, text=row)
    case.set_tags([clean(row)[:60] for row in rows[:20]], by=by)
    return case


def test_what_was_made_to_break_pages_is_shown_as_the_text_it_is(
    browser: Browser, realdata: Path, ana: User, root: User, billing: Queue
) -> None:
    rows = payloads(realdata)
    assert len(rows) > 950
    User.objects.filter(pk=ana.pk).update(last_name=clean(rows[10])[:100])
    cases = store(billing, rows, ana)
    item = InboundItem.objects.create(
        channel="web", external_id="hostile", raw=b"", state="done", message=cases[0].messages.first()
    )
    for row in rows[::12]:
        SentMail.objects.create(
            sender=clean(row)[:320], recipients=[clean(row)], subject=clean(row)[:900], text=clean(row), raw=b""
        )
    for row in rows[::20]:
        Article.objects.create(audience="public").publish(title=clean(row)[:200], body=row, language="en", by=ana)
    with processes.web(DEMO="1") as server:
        watched = Watched(browser, server.url)
        look.sign_in(watched.page, server.url, "ana", "correct horse battery")
        _look_around(watched, billing, cases, item)
        for case in cases:
            _shows_what_was_sent(watched, case)
        keeper = Watched(browser, server.url)
        look.sign_in(keeper.page, server.url, "root", "correct horse battery")
        _look_behind(keeper)
        assert watched.unreadable + keeper.unreadable == []


def _look_around(watched: Watched, billing: Queue, cases: list[Case], item: InboundItem) -> None:
    thanks = sign(item.external_id, purpose="contact thanks")
    watched.visit(f"/queues/{billing.pk}/?view=all")
    watched.visit("/search/?q=script")
    watched.visit("/search/?q=%3Cimg%20src=x%20onerror=alert(1)%3E")
    watched.visit("/customers/?q=%22%3E%3Csvg%20onload=alert(1)%3E")
    watched.visit(f"/contact/thanks/{thanks}/")
    watched.read("/customers/")
    for case in cases[:4]:
        watched.read(f"/customers/{case.customer_id}/")
        watched.read(f"/customers/{case.customer_id}/profile/")


def _look_behind(keeper: Watched) -> None:
    """What only administrators open."""
    keeper.visit("/sent/")
    keeper.visit(f"/sent/{SentMail.objects.latest('pk').pk}/")
    keeper.read("/admin/cases/article/")
    keeper.read(f"/admin/cases/article/{Article.objects.latest('pk').pk}/change/")


def _shows_what_was_sent(watched: Watched, case: Case) -> None:
    """The page in the browser, and every message of the thread as the server wrote it."""
    watched.visit(f"/cases/{case.number}/")
    seen = watched.page.locator(".msg").count()
    assert seen > 20
    sources = [f"/cases/{case.number}/"]
    html = "".join(watched.page.request.get(watched.base + path, max_retries=2).text() for path in sources)
    shown = plain(Texts(html).text)
    messages = list(case.messages.order_by("-at", "-pk")[:seen])
    missing = [m.text for m in messages if plain(m.text) not in shown]
    assert missing == []


def test_what_is_kept_is_what_was_sent_but_for_what_no_database_holds(
    realdata: Path, ana: User, billing: Queue
) -> None:
    rows = payloads(realdata)
    store(billing, rows, ana)
    kept = set(Message.objects.filter(direction="inbound").values_list("text", flat=True))
    assert {clean(row) for row in rows} == kept
    assert all("\0" not in text for text in kept)
    for row in rows:
        assert not set(clean_name(row)) & set('/\\\0\r\n"'), row
