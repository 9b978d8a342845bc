"""The product's main job on real mail, in a real browser: from a customer's mail to an answer, a promise, thanks, and
perhaps an offer; from nine reports to a notice that eighty get once."""

import re
from datetime import timedelta
from email.message import EmailMessage
from email.utils import parseaddr

import pytest
from django.db.models import QuerySet
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from cases.models import Case, CaseLink, Message, Promise, Queue
from crm.models import User
from customers import consent
from customers.models import Customer, Product, Subscription
from outreach.models import Decision, Exposure, NoticeDelivery, OfferPresentation, OfferResponse, ProblemCase
from tests.builders import make_customer
from tests.e2e.whole import PATIENCE, House, alive, house, words
from tests.outreach.conftest import make_offer
from tests.processes import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

ASKED = "Hello,\n\nyou took 42.50 twice on the 3rd. Where is my refund? The line is slow too.\n\nCarl"


@pytest.fixture
def offered(carl: Customer, ana: User) -> None:
    """Something Carl would be better off with, and his yes to hear about such things."""
    product = Product.objects.create(name="Fibre", kind="broadband")
    Subscription.objects.create(customer=carl, product=product, plan="Fibre 100", price="29.90")
    consent.record(carl, "marketing", "any", granted=True, source="rep", by=ana)
    make_offer(by=ana)


def _arrives(story: House, carl: Customer, ana: User, lee: User, queue: Queue) -> tuple[Page, Page, Case]:
    """His mail is on both screens and acknowledged with a time."""
    page, other = story.screen(ana, f"/queues/{queue.pk}/"), story.screen(lee, f"/queues/{queue.pk}/")
    story.write(carl, "Charged twice", ASKED)
    for screen in (page, other):
        expect(screen.locator("li.case .name")).to_contain_text("Carl Jensen", timeout=PATIENCE)
    case = Case.objects.get()
    receipt = story.await_mail(carl, 1)
    assert str(case.number) in words(receipt)
    assert receipt["Auto-Submitted"] == "auto-replied" or receipt["Auto-Submitted"] == "auto-generated"
    return page, other, case


def _answered(story: House, page: Page, carl: Customer, case: Case) -> None:
    """Ana takes it and answers with a next step and a time; his thanks land in the same case."""
    page.locator("li.case a").first.click()
    page.locator("[data-action=claim]").click()
    expect(page.locator(".case-head .owner")).to_contain_text("Ana", timeout=PATIENCE)
    page.fill("form.reply textarea", "You are right, and I am sorry. The second 42.50 is on its way back.")
    page.check("form.reply [name=is_answer]")
    page.fill("form.reply [name=next_step]", "The bank confirms it")
    page.fill("form.reply [name=by_when]", "tomorrow 12:00")
    page.keyboard.press("Control+Enter")
    answer = story.await_mail(carl, 2)
    assert "Next step: The bank confirms it" in words(answer)
    assert Promise.objects.filter(case=case, what="The bank confirms it", state="open").exists()
    expect(page.locator(".msg.out .delivery.ok")).to_be_visible(timeout=PATIENCE)
    story.write(carl, f"Re: {answer['Subject']}", "Thank you, that was quick.", under=answer)
    expect(page.locator(".msg.in").last).to_contain_text("Thank you, that was quick.", timeout=PATIENCE)
    assert Case.objects.count() == 1
    assert len(story.received(carl)) == 2  # thanks are no new contact: nothing more is acknowledged


def _mark(page: Page, feeling: str) -> None:
    page.locator(".msg.in").last.get_by_role("button", name=feeling).click()
    expect(page.locator(".case-head .felt")).to_contain_text(feeling, timeout=PATIENCE)
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.locator("#ask .pick").first).to_be_focused(timeout=PATIENCE)
    page.keyboard.press("Enter")
    expect(page.locator(".case-head .need")).to_contain_text("need: met", timeout=PATIENCE)


def test_a_mail_is_acknowledged_answered_thanked_for_and_one_offer_accepted(
    browser: Browser, billing: Queue, ana: User, lee: User, eve: User, carl: Customer, offered: None
) -> None:
    with house(browser, billing) as story:
        page, other, case = _arrives(story, carl, ana, lee, billing)
        billing.join(eve, mode="watch")
        watching = story.screen(eve, f"/cases/{case.number}/")
        _answered(story, page, carl, case)
        assert page.locator(".offer").count() == 0
        assert not OfferPresentation.objects.exists()
        _mark(page, "good")
        expect(page.locator(".offer-why")).to_contain_text("Where is my refund?", timeout=PATIENCE)
        page.get_by_role("button", name="Accepted", exact=True).click()
        expect(page.locator(".offer .chip")).to_contain_text("accepted", timeout=PATIENCE)
        assert OfferResponse.objects.get().kind == "accepted"
        expect(watching.locator(".msg.in").last).to_contain_text("Thank you", timeout=PATIENCE)
        expect(watching.locator(".case-head .need")).to_contain_text("need: met", timeout=PATIENCE)
        assert watching.locator(".offer, .why").count() == 0
        other.close()
    assert Message.objects.filter(case=case, direction="inbound").count() == 2


def test_with_an_upset_customer_it_ends_in_silence_and_says_why(
    browser: Browser, billing: Queue, ana: User, lee: User, carl: Customer, offered: None
) -> None:
    with house(browser, billing) as story:
        page, _other, case = _arrives(story, carl, ana, lee, billing)
        _answered(story, page, carl, case)
        _mark(page, "upset")
        page.locator(".why summary").click()
        expect(page.locator(".why-shut")).to_contain_text("The customer is upset", timeout=PATIENCE)
        assert page.locator(".offer").count() == 0
    assert not OfferPresentation.objects.exists()
    assert Decision.objects.filter(outcome="presented").count() == 0


# --- a fault in a router


TITLE = "Hub 5 restarts in the evening"
SUBJECT = "Your Hub 5 may restart in the evening: what to do"
FAULT = """{"exists": "subscriptions", "where": {"all": [
  {"fact": "device", "op": "is", "value": "Hub 5"}, {"fact": "version", "op": "is", "value": "2.3.1"}]}}"""


def _afternoon() -> str:
    """A time zone in which it is the afternoon now: notices leave nobody's night."""
    offset = 14 - timezone.now().hour
    return f"Etc/GMT{-offset:+d}" if offset else "UTC"


@pytest.fixture
def struck(billing: Queue) -> list[Customer]:
    """Eighty with the faulty update, and eighty without."""
    hub = Product.objects.create(name="Brightwave broadband", kind="broadband")
    made = [make_customer(f"Owner {n}", email=f"owner.{n}@example.org", tz=_afternoon()) for n in range(160)]
    Subscription.objects.bulk_create(
        Subscription(
            customer=customer, product=hub, plan="Fibre 300", device="Hub 5", version="2.3.1" if n < 80 else "2.3.2"
        )
        for n, customer in enumerate(made)
    )
    return made[:80]


def test_a_supervisor_declares_the_fault_and_eighty_are_told_once(
    browser: Browser, billing: Queue, sue: User, ana: User, eve: User, struck: list[Customer]
) -> None:
    with house(browser, billing) as story:
        desk, watching = _two_write(story, billing, ana, eve, struck)
        room = story.screen(sue, f"/cases/{Case.objects.get(customer=struck[0]).number}/")
        _declare(room)
        expect(_banner(desk)).to_contain_text(TITLE, timeout=PATIENCE)
        assert _banner(watching).count() == 0  # nobody has said yet that it hits this one too
        _expose(room)
        expect(_banner(watching)).to_contain_text(TITLE, timeout=PATIENCE)
        _looks_on(watching)
        _tell(room)
        _reads_the_notice(watching)
        wait_until(lambda: _told().count() == 80, 180, "eighty told")
        for screen in (room, watching):
            expect(screen.locator(".counts")).to_have_text(re.compile(r"^\s*sent\s*80\s*$"), timeout=PATIENCE)
        expect(_banner(desk)).to_contain_text("80 told, 79 before they noticed", timeout=PATIENCE)
        mails = _each_once(story, struck)
        watching.go_back()
        alive(watching)
        mail = mails[struck[7].contact_points.get().value]
        story.write(
            struck[7], f"Re: {mail['Subject']}", "Mine did that last night. Thank you for telling me.", under=mail
        )
        expect(watching.locator("#standing")).to_contain_text("answered the notice", timeout=PATIENCE)
        _each_once(story, struck)
    linked = ProblemCase.objects.get(via="reply")
    assert linked.case.customer == struck[7]
    assert not CaseLink.objects.filter(case=linked.case, kind="possible_follow_up").exists()


def _two_write(story: House, billing: Queue, ana: User, eve: User, struck: list[Customer]) -> tuple[Page, Page]:
    """Two of them report it. A rep has the one case open, an executive watches the other."""
    for customer in struck[:2]:
        story.write(customer, "Line drops", "Every evening since the update to 2.3.1.")
        wait_until(lambda who=customer: Case.objects.filter(customer=who).exists(), 60, "the case")
    billing.join(eve, mode="watch")
    first, second = (Case.objects.get(customer=customer) for customer in struck[:2])
    return story.screen(ana, f"/cases/{first.number}/"), story.screen(eve, f"/cases/{second.number}/")


def _banner(screen: Page) -> Locator:
    return screen.locator("[data-banner=known-problem]")


def _declare(room: Page) -> None:
    room.keyboard.press("w")
    form = room.locator("#ask form")
    expect(form.locator("details.declare")).to_have_attribute("open", "", timeout=PATIENCE)  # none is known yet
    form.locator("[name=title]").fill(TITLE)
    form.locator("[name=symptom]").fill("The line is gone for ten minutes")
    form.locator("[name=workaround]").fill("Switch the hub to last month’s software")
    form.get_by_role("button", name="Declare", exact=True).click()
    _go(room, "Open")  # of the banner, there at once
    _go(room, "Edit")
    soon = timezone.now() + timedelta(days=2)
    room.fill("[name=next_update_at]", f"{soon:%Y-%m-%d}T12:00")
    room.get_by_role("button", name="Save").click()
    expect(room.locator("#standing")).to_contain_text("news by", timeout=PATIENCE)


def _expose(room: Page) -> None:
    _go(room, "Say whom")
    room.get_by_role("button", name="As JSON").click()
    room.fill("#condition-text", FAULT)
    expect(room.locator("#preview .figures")).to_have_text(
        re.compile(r"^\s*80 likely to be hit\s+80 can be told now"), timeout=PATIENCE
    )
    assert not Exposure.objects.exists()
    room.get_by_role("button", name="Save", exact=True).click()
    expect(room.locator("#standing .figures")).to_contain_text("80 likely to be hit", timeout=PATIENCE)


def _tell(room: Page) -> None:
    _go(room, "Write one")
    room.locator("[name$=subject]").first.fill(SUBJECT)
    room.locator("textarea").first.fill("Your Hub 5 has an update that can drop the line in the evening.")
    room.get_by_role("button", name="Keep as a draft").click()
    expect(room.locator(".figures")).to_contain_text("80 would be told", timeout=PATIENCE)
    alive(room)
    room.get_by_role("button", name="Approve and send").click()


def _go(room: Page, name: str) -> None:
    """Follow a link, once the page it is on is alive, and until the next one is."""
    alive(room)
    with room.expect_navigation(timeout=PATIENCE):
        room.locator("main").get_by_role("link", name=name).first.click()
    alive(room)


def _looks_on(watching: Page) -> None:
    """What an executive sees of a case and of a problem: all of it, and nothing to press."""
    assert watching.locator(".offer, .why, [data-action=problem], .composer").count() == 0
    _go(watching, "Open")
    expect(watching.locator("#standing .figures")).to_contain_text("80 likely to be hit", timeout=PATIENCE)
    _nothing_to_press(watching)


def _reads_the_notice(watching: Page) -> None:
    """It came into the open room by itself."""
    _go(watching, SUBJECT)
    expect(watching.locator(".counts")).to_be_visible(timeout=PATIENCE)
    _nothing_to_press(watching)


def _nothing_to_press(watching: Page) -> None:
    room = watching.locator("main")
    assert room.locator("form, button:not([hx-get]), a.button").all_inner_texts() == []


def _told() -> QuerySet[NoticeDelivery]:
    return NoticeDelivery.objects.filter(dispatch__state="sent")


def _each_once(story: House, struck: list[Customer]) -> dict[str, EmailMessage]:
    """The mails of the notice that have arrived, by address: one each, with a way out by one click."""
    ids = set(_told().values_list("dispatch__provider_id", flat=True))
    mails = [mail for mail in list(story.post.mails) if mail["Message-ID"] in ids or mail["Subject"] == SUBJECT]
    found = {parseaddr(str(mail["To"]))[1]: mail for mail in mails}
    assert len(mails) == len(found) == len(ids) == 80
    assert set(found) == {customer.contact_points.get().value for customer in struck}
    assert {str(mail["List-Unsubscribe-Post"]) for mail in mails} == {"List-Unsubscribe=One-Click"}
    return found
