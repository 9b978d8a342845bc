"""The offer beside a case in a real browser: absent until earned, there the moment it is, gone when it is not after all."""

import pytest
from playwright.sync_api import Route, expect

from cases.models import Case, Queue
from crm.models import User
from customers import consent
from customers.models import Customer
from outreach.models import Decision, OfferPresentation, OfferResponse
from tests.builders import make_question
from tests.e2e.desks import Open, serious, shot
from tests.outreach.conftest import make_offer

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    case = make_question(billing, carl, ana)
    case.messages.update(text="Hello. Where is my refund? The line is slow too.")
    consent.record(carl, "marketing", "any", granted=True, source="rep", by=ana)
    make_offer(by=ana)
    return case


def test_the_card_comes_when_it_is_earned_and_goes_when_it_is_not_after_all(
    desk: Open, ana: User, lee: User, case: Case
) -> None:
    page, other = desk(ana), desk(lee)
    card = page.locator(".offer")
    expect(page.locator(".why summary")).to_be_visible()
    expect(card).to_have_count(0)
    page.locator(".why summary").click()
    expect(page.locator(".why-shut")).to_contain_text("The need is not met yet")
    expect(page.locator(".why-shut")).to_contain_text("Nobody marked how the customer felt")
    assert not Decision.objects.exists()
    page.get_by_role("button", name="good").click()
    expect(page.locator(".case-head .felt")).to_contain_text("good")
    page.keyboard.press("d")
    expect(page.locator("#ask .pick").first).to_be_focused()
    assert serious(page) == []
    page.keyboard.press("Enter")
    expect(page.locator(".case-head .need")).to_contain_text("need: met")
    expect(card).to_contain_text("You said: “Where is my refund?”", timeout=15_000)
    expect(other.locator(".offer")).to_contain_text("Fibre 500", timeout=15_000)
    assert OfferPresentation.objects.get().by == ana
    assert serious(page) == []
    page.get_by_role("button", name="Accepted", exact=True).click()
    expect(card.locator(".chip")).to_contain_text("accepted")
    expect(other.locator(".offer .chip")).to_contain_text("accepted", timeout=15_000)
    assert OfferResponse.objects.get().kind == "accepted"
    Case.objects.get(pk=case.pk).mark_need_unmet(by=lee)
    expect(card).to_have_count(0, timeout=15_000)
    expect(other.locator(".offer")).to_have_count(0, timeout=15_000)


def test_an_executive_sees_no_offer_watching_or_working(
    desk: Open, eve: User, ana: User, billing: Queue, case: Case
) -> None:
    billing.join(eve, mode="work")
    page = desk(eve)
    expect(page.locator(".panel[data-panel=answers] .panel-body form")).to_be_visible(timeout=15_000)
    assert page.locator("[data-panel=offer], .offer, .why").count() == 0


def test_why_it_does_not_suit_them_is_asked_for(desk: Open, ana: User, case: Case) -> None:
    from tests.outreach.conftest import open_gates

    open_gates(case, ana)
    page = desk(ana, width=390)
    page.locator("[data-drawer]").first.click()
    expect(page.locator(".offer")).to_be_visible(timeout=15_000)
    page.get_by_text("Not suited").click()
    page.get_by_role("textbox", name="Why it does not suit them").fill("She moves abroad")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator(".offer-said")).to_contain_text("She moves abroad")
    assert OfferResponse.objects.get().reason == "She moves abroad"


def test_a_question_is_answered_by_the_keyboard_on_a_narrow_screen(desk: Open, ana: User, case: Case) -> None:
    from tests.outreach.asking import agree, make_asking

    make_asking()
    agree(case, ana)
    page = desk(ana, width=390, scheme="dark")
    page.locator("[data-drawer]").first.click()
    card = page.get_by_role("region", name="Question")
    expect(card).to_contain_text("Ask: “How would you like to hear about a refund?”", timeout=15_000)
    expect(card.get_by_role("button", name="Accepted")).to_have_count(0)
    assert serious(page) == []
    shot(page, "question-390-dark")
    card.get_by_role("button", name="by text message").focus()
    page.keyboard.press("Enter")
    expect(card.locator(".offer-told")).to_have_text("by text message")
    card.get_by_text("correct it").click()
    card.get_by_role("button", name="not at all").click()
    expect(card.locator(".offer-told")).to_have_text("not at all")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert list(OfferResponse.objects.order_by("number").values_list("answer__choice", "answer__stands")) == [
        ("by text message", False),
        ("not at all", True),
    ]


def test_what_was_asked_before_somebody_began_to_write_does_not_take_their_words(
    desk: Open, ana: User, lee: User, case: Case
) -> None:
    from tests.outreach.conftest import open_gates

    open_gates(case, ana)
    page = desk(ana)
    expect(page.locator(".offer")).to_be_visible(timeout=15_000)
    page.wait_for_timeout(1500)  # what its own presentation asks for again is over
    held: list[Route] = []
    page.route(f"**/cases/{case.number}/offer/", lambda route: route.continue_() if held else held.append(route))
    Case.objects.get(pk=case.pk).set_priority("high", by=lee)
    while not held:
        page.wait_for_timeout(100)
    page.get_by_text("Not suited").click()
    why = page.get_by_role("textbox", name="Why it does not suit them")
    why.fill("She moves abroad")
    with page.expect_response(f"**/cases/{case.number}/offer/"):
        held[0].continue_()
    page.wait_for_timeout(300)
    expect(why).to_have_value("She moves abroad")
    page.get_by_role("button", name="Keep it").click()
    expect(page.locator(".offer-said")).to_contain_text("She moves abroad")
