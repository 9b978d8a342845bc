"""What one writes and does again and again, from the keyboard alone: saved replies by “/”, macros by “m”."""

import pytest
from playwright.sync_api import Page, expect

from cases import conversation
from cases.models import Case, Macro, Message, Queue, SavedReply
from crm.models import User
from customers.models import Customer
from tests.builders import make_macro, make_question, make_saved_reply
from tests.e2e.desks import Open, serious, shots

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


@pytest.fixture
def library(billing: Queue, ana: User) -> SavedReply:
    """Three, of which this one is looked for."""
    make_saved_reply("Refund refused", "I am sorry, {customer.name}.", queues=[billing], folder="Refunds")
    make_saved_reply("Thanks", "Thank you, {customer.first_name}.", owner=ana)
    words = "Hi {customer.first_name},\n\nyour refund is on its way: {promise.due}.\n\n{rep.first_name}"
    return make_saved_reply("Refund sent", words, queues=[billing], shortcut="refund", folder="Refunds")


FILLED = "Hi Carl,\n\nyour refund is on its way: {promise.due}.\n\nAna"


def _found_by_words(page: Page, refund: SavedReply) -> None:
    """Chosen by arrows, each with what it would say."""
    page.keyboard.type("and/or https://a.example/x")
    expect(page.locator("#saved-pop")).to_be_hidden()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.type("/")
    options = page.locator("#saved-list [role=option]")
    expect(options).to_have_count(3)
    page.keyboard.type("refu")
    expect(options).to_have_count(2)
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".saved-preview:visible")).to_contain_text("I am sorry, Carl Jensen.")
    page.keyboard.press("ArrowUp")
    text = page.locator("#write-reply textarea")
    expect(text).to_have_attribute("aria-activedescendant", f"saved-{refund.pk}")
    expect(page.locator(".saved-preview:visible mark.empty")).to_have_text("{promise.due}")


def test_a_saved_reply_is_picked_filled_in_and_sent_without_a_mouse(
    desk: Open, ana: User, case: Case, library: SavedReply
) -> None:
    page = desk(ana)
    text = page.locator("#write-reply textarea")
    page.keyboard.press("r")
    _found_by_words(page, library)
    assert serious(page) == []
    shots(page, "picker", (1440, 390))
    page.keyboard.press("Enter")
    expect(text).to_have_value(FILLED)
    expect(page.locator("#write-reply [data-unfilled]")).to_contain_text("{promise.due}")
    shots(page, "unfilled", (1440, 390))
    page.keyboard.press("Control+z")
    expect(text).to_have_value("/refu")
    page.keyboard.press("Control+Shift+z")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#toasts")).to_contain_text("Fill in first: {promise.due}")
    expect(text).to_have_value(FILLED)
    assert not Message.objects.filter(direction="outbound").exists()
    place = page.locator("#write-reply [data-places] button")
    place.focus()
    went_on = "e => htmx.trigger(e, 'htmx:afterSettle', {elt: e, target: e})"  # something else on the page was put anew
    page.locator("#write-reply").evaluate(went_on)
    expect(place).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.type("tomorrow")
    expect(page.locator("#write-reply [data-unfilled]")).to_be_hidden()
    page.keyboard.press("Control+Enter")
    expect(page.locator(".msg.out")).to_contain_text("your refund is on its way: tomorrow.")
    library.refresh_from_db()
    assert library.used_count == 1


def test_the_slash_can_be_meant_and_ones_own_replies_are_kept_in_the_console(desk: Open, ana: User, case: Case) -> None:
    page = desk(ana)
    text = page.locator("#write-reply textarea")
    page.keyboard.press("r")
    page.keyboard.type("see /")
    expect(page.locator(".nothing-saved")).to_have_text("No reply is saved yet.")
    page.keyboard.press("Escape")
    expect(text).to_be_focused()
    page.keyboard.type("etc")
    page.keyboard.press("Enter")
    page.keyboard.type("it")
    expect(text).to_have_value("see /etc\nit")
    expect(page.locator("#saved-pop")).to_be_hidden()
    page.goto(page.url.split("/cases/")[0] + "/replies/new/")
    page.locator("#id_title").focus()
    page.keyboard.type("Call back")
    page.keyboard.press("Tab")
    page.keyboard.type("cb")
    page.locator("#id_text_en").focus()
    page.keyboard.type("I call you, {customer.first_name}.")
    expect(page.locator("#reply-preview")).to_contain_text("I call you, Carl.")
    assert serious(page) == []
    shots(page, "reply", (1440, 390))
    page.locator("#id_title").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/replies/")
    expect(page.locator("#found")).to_contain_text("Call back")
    assert SavedReply.objects.get(owner=ana).shortcut == "cb"
    shots(page, "replies", (1440, 390))


@pytest.fixture
def macro(billing: Queue, lee: User, case: Case) -> Macro:
    """Of three, the one that answers, tags and hands on."""
    make_macro("Waiting for the bank", [{"do": "status", "status": "waiting_internal"}], queues=[billing])
    make_macro("Ask for the account", [{"do": "reply", "texts": {"en": "Which account is it?"}}], queues=[billing])
    case.set_tags(["refund"], by=lee)
    steps = [
        {"do": "reply", "texts": {"en": "Hi {customer.first_name}, it left today."}, "send": True, "is_answer": True},
        {"do": "add_tags", "tags": ["refund"]},
        {"do": "priority", "priority": "low"},
        {"do": "status", "status": "resolved"},
    ]
    return make_macro("Refund on its way", steps, queues=[billing])


def _chosen(page: Page, words: str) -> None:
    """By its words, then on to what it would do."""
    page.keyboard.press("m")
    expect(page.locator("[data-macro-filter]")).to_be_focused()
    page.keyboard.type(words)
    expect(page.locator("[data-macro]:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator("#macro-preview .effects")).to_be_visible()
    page.keyboard.press("Enter")


def test_a_macro_is_found_looked_at_and_run_while_a_colleague_looks_on(
    desk: Open, ana: User, lee: User, case: Case, macro: Macro
) -> None:
    page, other = desk(ana), desk(lee)
    _chosen(page, "on its way")
    effects = page.locator("#macro-preview .effects li")
    expect(effects).to_contain_text(
        ["Send to Carl Jensen", "Set it to “resolved” when the reply has left", "already so", "Set the priority to low"]
    )
    expect(page.locator("#macro-preview .primary")).to_be_focused()
    assert serious(page) == []
    shots(page, "macro", (1440, 390))
    conversation.add_note(case, by=lee, text="Wait, I have her on the phone")
    page.keyboard.press("Enter")
    expect(page.locator("#macro-preview")).to_contain_text("Wait, I have her on the phone")
    expect(page.locator("#macro-preview .primary")).to_have_text("Run it anyway")
    expect(page.locator("#macro-preview .primary")).to_be_focused()
    shots(page, "macro-stale", (1440,))
    assert not Message.objects.filter(direction="outbound").exists()
    page.keyboard.press("Enter")
    expect(page.locator("#ask")).to_be_hidden()
    for screen in (page, other):
        expect(screen.locator(".msg.out")).to_contain_text("Hi Carl, it left today.")
        expect(screen.locator(".sys").last).to_contain_text("Ana Lind used the macro “Refund on its way”")
        expect(screen.locator(".case-head")).to_contain_text("low")
    shots(page, "macro-done", (1440,))


def test_a_macros_draft_comes_under_what_is_being_typed(desk: Open, ana: User, case: Case, macro: Macro) -> None:
    page = desk(ana)
    text = page.locator("#write-reply textarea")
    page.keyboard.press("r")
    page.keyboard.type("Dear Carl,")
    page.keyboard.press("Escape")
    _chosen(page, "ask")
    expect(page.locator("#macro-preview .primary")).to_be_focused()
    page.keyboard.press("Enter")
    expect(text).to_have_value("Dear Carl,\n\nWhich account is it?")
    expect(text).to_be_focused()
