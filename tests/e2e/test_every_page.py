"""Every page, light on a desk and dark on a phone: axe finds nothing serious, the browser complains about nothing, and
nothing hangs over the edge."""

from collections.abc import Iterator
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import RequestFactory
from django.utils import timezone
from playwright.sync_api import Browser, Page

from cases import conversation, promises, status_page
from cases.hooks import File
from cases.models import Case, Dispatch, Queue, QueueMembership, Remedy, Rule, ServicePolicy
from cases.remedies import quoting
from crm.models import SentMail, User
from crm.views import error_page
from customers import preferences, unsubscribe
from customers.models import Customer
from tests import look, processes
from tests.builders import make_case, make_user
from tests.cases.remedied import make_policy, propose
from tests.outreach.making import approved, make_notice, make_owner, make_problem

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

LOOKS = {"light": (1440, 900), "dark": (390, 844)}
# Of django-unfold's own frame, not ours to mend.
FRAME = {"landmark-one-main", "landmark-unique", "region", "empty-table-header"}


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User, lee: User) -> Case:
    """A case with everything a thread may show."""
    Queue.objects.update(is_public=True)
    case = make_case(billing, "Charged twice", customer=carl, channel="mail", assignee=ana, tags=["refund"])
    sender, now = carl.contact_points.get(kind="email"), timezone.now()
    file = File("the bill of september, a scan with a very long name indeed.pdf", "application/pdf", b"%PDF")
    conversation.add_inbound(case, text="Twice! " * 90, sender=sender, channel="mail", at=now, files=[file])
    promises.make(case, what="The refund", due_at=now + timedelta(hours=2), owner=ana, made_by=None, at=now)
    conversation.add_note(case, by=lee, text="@ana she rang too: https://example.org/" + "long/" * 40)
    failed = conversation.reply(case, by=ana, text="We see to it.", written_against=99)
    Dispatch.objects.filter(message=failed).update(state="failed", reason="refused", released_at=now)
    return case


@pytest.fixture
def server() -> Iterator[str]:
    with processes.web() as running:
        yield running.url


def a_rule(queue: Queue) -> Rule:
    """One with everything its form lays out in rows: a group in a group, several values, a long text."""
    rule = Rule.objects.create(name="Refunds go first", position=1)
    rule.queues.set([queue])
    says = [{"fact": fact, "op": "contains_any", "value": ["refund", "money back"]} for fact in ("subject", "message")]
    rule.publish(
        when={"events": ["opened", "message_received"]},
        condition={"all": [{"any": says}, {"fact": "priority", "op": "in", "value": ["low", "normal"]}]},
        then=[{"do": "priority", "to": "high"}, {"do": "note", "text": "Look at the ledger first."}],
        by=None,
    )
    return rule


def a_problem(by: User) -> list[str]:
    """A known problem with customers, cases and two notices, one on its way and one being written."""
    make_owner(1)
    problem = make_problem(by, status_text="A new version is being tested. " * 5)
    sent, draft = approved(problem, by), make_notice(problem, by)
    room = f"/problems/{problem.pk}/"
    return [
        *("/problems/", room, f"{room}wording/", f"{room}condition/", f"{room}notices/"),
        *(f"/notices/{sent.pk}/", f"/notices/{sent.pk}/deliveries/", f"/notices/{draft.pk}/words/"),
    ]


def a_remedy(case: Case) -> Remedy:
    """Asked for by whoever has the case: it waits for approval."""
    policy = ServicePolicy.objects.filter(name="Parcel late").first() or make_policy("Parcel late", None, case.queue)
    assert case.assignee
    return quoting.standing(case, policy) or propose(case, policy, case.assignee)  # type: ignore[no-any-return]


def paths_of(who: str, case: Case) -> list[str]:
    """What this person's day leads past."""
    mail = SentMail.objects.create(sender="a@example.org", recipients=["carl@example.org"], raw=b"Subject: Hi\n\nThere")
    assert case.customer
    link = preferences.link(case.customer).partition("/preferences/")[2]
    leaving = urlsplit(unsubscribe.link(case.customer_id, None, "marketing")).path
    theirs = urlsplit(status_page.look(case)).path
    queue, person = f"/queues/{case.queue_id}/", f"/customers/{case.customer_id}/"
    return {
        "nobody": ["/sign-in/", "/contact/", f"/preferences/{link}", f"/preferences/{link}?saved=1", leaving, theirs],
        "ana": [f"{queue}?view=all", f"{queue}?view=mentions", f"/cases/{case.number}/", "/search/?q=charged"]
        + [
            "/search/?q=zzzz",
            "/customers/",
            person,
            f"{person}merges/",
            f"{person}profile/",
            "/sent/",
            "/replies/",
            "/replies/new/",
            "/tasks/",
            "/notifications/",
            "/notifications/settings/",
            "/bulk/",
            "/problems/",
        ],
        "nina": ["/"],
        "sue": ["/admin/", f"/admin/cases/queue/{case.queue_id}/change/", "/admin/cases/slapolicy/add/"]
        + ["/admin/cases/businesscalendar/add/", "/admin/cases/article/add/"]
        + ["/admin/cases/savedreply/add/", "/admin/cases/macro/add/", "/board/", f"{queue}figures/waiting/"]
        + [f"/admin/cases/rule/{a_rule(case.queue).pk}/change/", "/admin/cases/rulerun/", "/admin/configuration/"]
        + [
            "/approvals/",
            "/fairness/",
            "/admin/cases/remedy/",
            f"/admin/cases/servicepolicy/{a_remedy(case).policy_id}/change/",
        ]
        + ["/admin/cases/casefield/add/", f"/admin/cases/queue/{case.queue_id}/history/"]
        + (a_problem(User.objects.get(username="sue")) if who == "sue" else []),
        "root": ["/system/", "/system/crm/user/", "/system/cases/channel/add/", "/system/cases/dispatch/"]
        + ["/system/cases/mailbox/add/", "/system/crm/apitoken/", f"/system/crm/user/{case.assignee_id}/change/"]
        + ["/sent/", f"/sent/{mail.pk}/"],
    }[who]


def faults(page: Page, path: str) -> list[str]:
    found = Axe().run(page).response["violations"]
    said = [
        f"{path}: {v['impact']} {v['id']} {v['nodes'][0]['html'][:120]}"
        for v in found
        if v["id"] not in FRAME and v["impact"] in {"serious", "critical", "moderate"}
    ]
    wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return said + ([f"{path}: {wide} px too wide"] if wide > 0 else [])


@pytest.mark.parametrize("scheme", LOOKS)
@pytest.mark.parametrize("who", ["nobody", "ana", "nina", "sue", "root"])
def test_a_page_is_readable_by_everybody(
    browser: Browser, server: str, case: Case, sue: User, root: User, who: str, scheme: str
) -> None:
    make_user("Nina Ott", role=User.Role.EXECUTIVE)
    QueueMembership.objects.get_or_create(queue=case.queue, user=sue, defaults={"role": "supervisor"})
    width, height = LOOKS[scheme]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page, complaints = context.new_page(), []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" and "404" not in m.text else None)
    if who != "nobody":
        look.sign_in(page, server, who, "correct horse battery")
    wrong: list[str] = []
    for path in paths_of(who, case):
        page.goto(server + path)
        page.wait_for_load_state("networkidle")
        wrong += faults(page, path)
    if who == "nobody":
        page.goto(server + "/contact/")
        page.click("main form button")
        page.locator(".problem").wait_for()
        wrong += faults(page, "/contact/ refused")
    assert wrong == []
    assert complaints == []


@pytest.mark.parametrize("scheme", LOOKS)
def test_a_page_that_says_no_is_readable_too(browser: Browser, server: str, scheme: str) -> None:
    width, height = LOOKS[scheme]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(f"{server}/sign-in/")
    for status in (400, 403, 404, 429, 500, 503):
        shown = error_page(RequestFactory().get("/nowhere/"), status).content.decode()
        page.set_content(shown, wait_until="networkidle")
        assert page.get_by_text(f"Error {status}").is_visible()
        assert faults(page, str(status)) == []


CUT = """() => [...document.querySelectorAll(".tabs a")].filter((tab) => {
  const number = tab.querySelector("b");
  number.textContent = "1,208";
  return number.getBoundingClientRect().right > tab.getBoundingClientRect().right + 0.5;
}).map((tab) => tab.textContent.trim())"""


def test_the_number_beside_a_view_is_whole_however_narrow_the_list(browser: Browser, server: str, case: Case) -> None:
    """The name gives way, never the number: 20 cut to 2 is a lie."""
    page = browser.new_page()
    look.sign_in(page, server, "ana", "correct horse battery")
    page.goto(f"{server}/queues/{case.queue_id}/?view=all")
    for width in (360, 768, 1024, 1440):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate(CUT) == [], width


@pytest.mark.parametrize("scheme", LOOKS)
def test_the_sheet_and_the_small_forms_of_a_case_are_readable(
    browser: Browser, server: str, case: Case, scheme: str
) -> None:
    width, height = LOOKS[scheme]
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    look.sign_in(page, server, "lee", "correct horse battery")
    page.goto(f"{server}/cases/{case.number}/")
    page.locator("[data-light][data-state=live]").first.wait_for(state="attached")
    for key, sheet in {"?": "help", "f": "ask", "l": "ask", "w": "ask", "a": "ask", "s": "ask", "o": "ask"}.items():
        page.keyboard.press(key)
        page.locator(f"#{sheet}[open] h2").first.wait_for()
        assert faults(page, key) == []
        if key == "?":
            assert page.locator("#help kbd").first.is_visible(), "a sheet of keys shows them, in a narrow window too"
        page.keyboard.press("Escape")
        page.locator(f"#{sheet}[open]").wait_for(state="detached")
