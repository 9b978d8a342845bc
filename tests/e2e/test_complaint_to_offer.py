"""A billing complaint, from the contact to an accepted offer: answered by an article, made good with a lead's approval, the need
met, and only then something offered. And the same with a customer who is upset: silence, and why."""

import pytest
from playwright.sync_api import Page, expect

from cases.models import Article, ArticleUse, Case, Message, Queue, Remedy
from crm.models import User
from customers import consent
from customers.models import Customer
from outreach.models import Decision, OfferPresentation, OfferResponse
from tests import processes
from tests.builders import make_question
from tests.cases.remedied import allow, make_policy
from tests.e2e.desks import Open, serious
from tests.outreach.conftest import make_offer

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]
WORDS = "I was charged twice on my invoice. When do I get the refund for the double charge?"


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    for title, body in [
        ("Charged twice: refund of a double charge", "The second charge is given back within five days."),
        ("Use abroad", "Roaming costs nothing in Europe."),
        ("Reset the router", "Hold the button for ten seconds."),
    ]:
        Article.objects.create(audience="public").publish(title=title, body=body)
    make_policy("Charged wrongly", None, billing)
    allow("rep", per_case=20)
    allow("lead", per_case=500)
    make_offer(by=ana)
    consent.record(carl, "marketing", "any", granted=True, source="rep", by=ana)
    case = make_question(billing, carl, ana)
    case.messages.update(text=WORDS)
    return case


def answer(page: Page, case: Case) -> None:
    """From the article into the reply, and out."""
    found = page.locator('[data-panel="answers"] details.answer').first
    expect(found).to_contain_text("Charged twice", timeout=20_000)
    expect(found).to_contain_text("because of")
    found.locator("summary").click()
    found.get_by_role("button", name="Insert into the reply").click()
    box = page.locator("#write-reply textarea")
    expect(box).to_have_value("The second charge is given back within five days.")
    found.get_by_role("button", name="This answered it").click()
    expect(found.get_by_role("button", name="This answered it")).to_have_attribute("aria-pressed", "true")
    box.press("Control+Enter")
    processes.wait_until(lambda: Message.objects.filter(case=case, direction="outbound").exists(), 20, "the answer")
    assert set(ArticleUse.objects.values_list("how", flat=True)) == {"sent", "answered"}


def make_good(page: Page, lead: Page) -> None:
    """More than the rep may give: asked for, approved on the lead's screen."""
    panel = page.locator('[data-panel="remedies"]')
    if panel.get_attribute("open") is None:
        panel.locator("summary").first.click()
    panel.get_by_role("button", name="Make it good").click()
    dialog = page.locator("#ask")
    dialog.get_by_label("Impact").select_option("hard")
    expect(dialog.locator("#quote")).to_contain_text("30.00 EUR")
    dialog.get_by_role("button", name="Ask for approval").click()
    row = lead.locator("#approvals .remedy")
    expect(row).to_contain_text("30.00 EUR", timeout=15_000)
    row.get_by_role("button", name="Approve").click()
    expect(panel).to_contain_text("approved", timeout=15_000)


def meet_the_need(page: Page) -> None:
    page.keyboard.press("Escape")
    page.keyboard.press("d")
    expect(page.locator("#ask .pick").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".case-head .need")).to_contain_text("need: met")


def test_from_the_complaint_to_an_accepted_offer(desk: Open, case: Case, ana: User, lena: User) -> None:
    approvals = desk(lena)
    approvals.goto(approvals.url.split("/cases/")[0] + "/approvals/")
    expect(approvals.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=20_000)
    page = desk(ana)
    offer = page.locator(".offer")
    answer(page, case)
    expect(offer).to_have_count(0)
    make_good(page, approvals)
    expect(offer).to_have_count(0)
    page.get_by_role("button", name="good", exact=True).click()
    expect(page.locator(".case-head .felt")).to_contain_text("good")
    expect(offer).to_have_count(0)
    assert not Decision.objects.filter(outcome="presented").exists()
    meet_the_need(page)
    expect(offer).to_contain_text("You said:", timeout=15_000)
    assert serious(page) == []
    page.get_by_role("button", name="Accepted", exact=True).click()
    expect(offer.locator(".chip")).to_contain_text("accepted")
    assert OfferResponse.objects.get().kind == "accepted"
    assert Remedy.objects.get().decided_by == lena
    met, shown = Case.objects.get(pk=case.pk).need_met_event, OfferPresentation.objects.get()
    assert shown.need_met_event == met
    assert shown.presented_at >= met.at  # type: ignore[union-attr]


def test_the_same_with_an_upset_customer_ends_in_silence_and_says_why(desk: Open, case: Case, ana: User) -> None:
    page = desk(ana)
    answer(page, case)
    page.get_by_role("button", name="upset", exact=True).click()
    expect(page.locator(".case-head .felt")).to_contain_text("upset")
    meet_the_need(page)
    page.locator(".why summary").click()
    expect(page.locator(".why-shut")).to_contain_text("The customer is upset.", timeout=15_000)
    expect(page.locator(".offer")).to_have_count(0)
    assert not OfferPresentation.objects.exists()
