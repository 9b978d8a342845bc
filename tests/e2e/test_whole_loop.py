"""The product's main job on real mail, in a real browser: from a customer's mail to an answer, a promise, thanks, and
perhaps an offer; from nine reports to a notice that eighty get once."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from cases.models import Case, CaseLink, Message, Promise, Queue
from crm.models import User
from customers import consent
from customers.models import ContactPoint, Customer, Product, Subscription
from outreach.models import Decision, NoticeDelivery, OfferPresentation, OfferResponse, ProblemCase
from tests.builders import make_customer
from tests.e2e.whole import PATIENCE, House, house, words
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


FAULT = """{"exists": "subscriptions", "where": {"all": [
  {"fact": "device", "op": "is", "value": "Hub 5"}, {"fact": "version", "op": "is", "value": "2.3.1"}]}}"""


def test_a_supervisor_declares_the_fault_and_eighty_are_told_once(
    browser: Browser, billing: Queue, sue: User, ana: User, struck: list[Customer]
) -> None:
    with house(browser, billing) as story:
        story.write(struck[0], "Line drops", "Every evening since the update to 2.3.1.")
        desk = story.screen(ana, f"/queues/{billing.pk}/")
        expect(desk.locator("li.case .name")).to_contain_text("Owner 0", timeout=PATIENCE)
        case = Case.objects.get()
        desk.goto(f"{story.url}/cases/{case.number}/")
        room = story.screen(sue, f"/cases/{case.number}/")
        _declare(room)
        expect(desk.locator("main, .room").first).to_contain_text("Hub 5 restarts in the evening", timeout=PATIENCE)
        _expose(room)
        _tell(room)
        processed = NoticeDelivery.objects.filter(state="sent")
        wait_until(lambda: processed.count() == 80, 120, "eighty told")
        told = [mail for mail in story.post.mails if "Hub 5" in str(mail["Subject"])]
        assert sorted(str(m["To"]).rpartition("<")[2].strip(">") for m in told) == sorted(
            ContactPoint.objects.filter(customer__in=struck).values_list("value", flat=True)
        )
        assert len({m["Message-ID"] for m in told}) == 80
        expect(room.locator(".counts")).to_contain_text("80", timeout=PATIENCE)
        mail = next(m for m in told if "owner.7@" in str(m["To"]))
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        story.write(
            struck[7], f"Re: {mail['Subject']}", "Mine did that last night. Thank you for telling me.", under=mail
        )
        wait_until(lambda: ProblemCase.objects.filter(via="reply").exists(), 60, "the reply")
    linked = ProblemCase.objects.get(via="reply")
    assert linked.case.customer == struck[7]
    assert not CaseLink.objects.filter(case=linked.case, kind="possible_follow_up").exists()


def _declare(room: Page) -> None:
    room.keyboard.press("w")
    form = room.locator("#ask form")
    details = form.locator("details.declare")
    if details.get_attribute("open") is None:
        details.locator("summary").click()
    form.locator("[name=title]").fill("Hub 5 restarts in the evening")
    form.locator("[name=symptom]").fill("The line is gone for ten minutes")
    form.locator("[name=workaround]").fill("Switch the hub to last month’s software")
    form.get_by_role("button", name="Declare", exact=True).click()
    room.get_by_role("link", name="Open", exact=True).click()  # of the banner, there at once
    room.wait_for_url("**/problems/*/", timeout=PATIENCE)
    room.get_by_role("link", name="Edit").first.click()
    tomorrow = timezone.localdate() + timedelta(days=1)
    room.fill("[name=next_update_at]", f"{tomorrow:%Y-%m-%d}T12:00")
    room.get_by_role("button", name="Save").first.click()
    room.wait_for_url("**/problems/*/", timeout=PATIENCE)


def _expose(room: Page) -> None:
    room.get_by_role("link", name="Say whom").click()
    room.fill("#condition-text", FAULT)
    room.get_by_role("button", name="Look first").click()
    expect(room.locator("#preview")).to_contain_text("80", timeout=PATIENCE)
    room.get_by_role("button", name="Save", exact=True).click()
    expect(room.locator(".figures")).to_contain_text("80", timeout=PATIENCE)


def _tell(room: Page) -> None:
    room.get_by_role("link", name="Write one").click()
    room.locator("[name$=subject]").first.fill("Your Hub 5 may restart in the evening: what to do")
    room.locator("textarea").first.fill("Your Hub 5 has an update that can drop the line in the evening.")
    room.get_by_role("button", name="Keep as a draft").click()
    expect(room.locator(".figures")).to_contain_text("80", timeout=PATIENCE)
    room.get_by_role("button", name="Approve and send").click()
    expect(room.locator(".counts, .delivery-bar").first).to_be_visible(timeout=PATIENCE)
