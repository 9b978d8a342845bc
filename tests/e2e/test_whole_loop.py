"""The product's main job on real mail, in a real browser: from a customer's mail to an answer, a promise, thanks, and
perhaps an offer."""

import pytest
from playwright.sync_api import Browser, Page, expect

from cases.models import Case, Message, Promise, Queue
from crm.models import User
from customers import consent
from customers.models import Customer, Product, Subscription
from outreach.models import Decision, OfferPresentation, OfferResponse
from tests.e2e.whole import PATIENCE, House, house, words
from tests.outreach.conftest import make_offer

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
