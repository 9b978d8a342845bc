"""Two reps in real browsers: live rows that keep still, drafts, the stale guard, undo, a cut network."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import APIResponse, Browser, Page, Route, expect

from cases import conversation
from cases.models import Case, Dispatch, Message, Queue
from crm.models import User
from customers.models import Customer
from tests import look, processes
from tests.builders import make_case

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

Open = Callable[[User, str], Page]


@pytest.fixture
def server() -> Iterator[str]:
    with processes.web() as running:
        yield running.url


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    case = make_case(billing, "Charged twice", customer=carl, channel="mail")
    sender = carl.contact_points.get(kind="email")
    conversation.add_inbound(case, text="Twice!", sender=sender, channel="mail", at=timezone.now())
    return case


@pytest.fixture
def desk(browser: Browser, server: str) -> Open:
    """Open a page as somebody who is signed in, and wait until it is live."""

    def opened(user: User, path: str) -> Page:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        look.sign_in(page, server, user.username, "correct horse battery")
        page.goto(server + path)
        expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live", timeout=10_000)
        return page

    return opened


def test_a_taken_case_stays_under_the_pointer_and_goes_when_it_leaves(
    desk: Open, ana: User, lee: User, billing: Queue, case: Case
) -> None:
    page = desk(ana, f"/queues/{billing.pk}/?view=unassigned")
    row = page.locator(f"#row-{case.number}")
    row.hover()
    case.claim(by=lee)
    expect(row).to_have_class(re.compile(r"\bleft\b"))
    expect(row).to_contain_text("Lee Hart has it")
    expect(page.locator('[data-count="unassigned"]').first).to_have_text("0")
    page.mouse.move(1000, 500)
    expect(row).to_have_count(0)


def test_a_new_case_is_held_while_somebody_points_at_the_list(
    desk: Open, ana: User, lee: User, billing: Queue, case: Case
) -> None:
    page = desk(ana, f"/queues/{billing.pk}/?view=unassigned")
    other = make_case(billing, "Later")
    page.hover("#cases")
    stood = page.locator(f"#row-{case.number}").bounding_box()
    other.set_priority("high", by=lee)
    expect(page.locator("[data-newer]")).to_contain_text("1 newer")
    assert page.locator(f"#row-{case.number}").bounding_box() == stood, "what is announced moves no row"
    expect(page.locator(f"#row-{other.number}")).to_have_count(0)
    page.click("[data-newer]")
    expect(page.locator(f"#row-{other.number}")).to_be_visible()


MOVED = """() => {
    window.moved = [];
    const name = node => node.matches?.(".case") && window.moved.push(Number(node.dataset.case));
    new MutationObserver(all => all.forEach(m => m.addedNodes.forEach(name)))
        .observe(document.querySelector("#cases"), {childList: true});
}"""


def test_a_row_that_moves_finds_its_place_and_leaves_the_others_alone(
    desk: Open, ana: User, lee: User, billing: Queue
) -> None:
    hours = [timezone.now() - timedelta(hours=n) for n in range(8, 0, -1)]
    cases = [make_case(billing, f"Case {n}", waiting_since=since) for n, since in enumerate(hours)]
    page = desk(ana, f"/queues/{billing.pk}/?view=all")
    page.evaluate(MOVED)

    cases[0].change_status("waiting_customer", by=lee)  # nobody waits any more: last
    expect(page.locator("#cases > .case").last).to_have_id(f"row-{cases[0].number}")
    cases[7].change_status("waiting_customer", by=lee)
    expect(page.locator(f"#row-{cases[7].number}")).to_contain_text("with customer")
    cases[0].change_status("open", by=lee)
    expect(page.locator("#cases > .case").nth(6)).to_have_id(f"row-{cases[0].number}")

    order = [case.number for case in Case.objects.in_order()]
    assert page.locator("#cases > .case").evaluate_all("all => all.map(row => Number(row.dataset.case))") == order
    assert set(page.evaluate("window.moved")) == {cases[0].number, cases[7].number}


def test_rows_that_would_move_under_the_pointer_do_so_when_it_leaves(
    desk: Open, ana: User, lee: User, billing: Queue
) -> None:
    hours = [timezone.now() - timedelta(hours=n) for n in range(8, 0, -1)]
    cases = [make_case(billing, f"Case {n}", waiting_since=since) for n, since in enumerate(hours)]
    page = desk(ana, f"/queues/{billing.pk}/?view=all")
    page.hover("#cases")
    page.evaluate(MOVED)

    for n in (0, 1, 5):
        cases[n].change_status("waiting_customer", by=lee)
        expect(page.locator(f"#row-{cases[n].number}")).to_contain_text("with customer")
    numbers = "all => all.map(row => Number(row.dataset.case))"
    assert page.locator("#cases > .case").evaluate_all(numbers) == [case.number for case in cases]
    page.mouse.move(1000, 500)
    expect(page.locator("#cases > .case").last).to_have_id(f"row-{cases[5].number}")
    assert page.locator("#cases > .case").evaluate_all(numbers) == [case.number for case in Case.objects.in_order()]
    assert set(page.evaluate("window.moved")) == {cases[n].number for n in (0, 1, 5)}


def test_what_waits_comes_when_the_pointer_leaves_a_row_that_was_just_pushed_anew(
    desk: Open, ana: User, billing: Queue
) -> None:
    """The browser tells no `pointerout` of what is no longer there, and the pointer leaves before it has seen the new."""
    hours = [timezone.now() - timedelta(hours=n) for n in range(8, 0, -1)]
    cases = [make_case(billing, f"Case {n}", waiting_since=since) for n, since in enumerate(hours)]
    page = desk(ana, f"/queues/{billing.pk}/?view=all")
    page.hover(f"#row-{cases[5].number} .p")
    page.evaluate(PUSHED_WITH_NOBODY_WAITING, cases[5].number)
    page.mouse.move(1000, 500)
    expect(page.locator("#cases > .case").last).to_have_id(f"row-{cases[5].number}")


PUSHED_WITH_NOBODY_WAITING = """async number => {
    const { applyRow } = await import(document.querySelector('script[type="module"]').src.replace("main.js", "list.js"));
    const row = document.getElementById(`row-${number}`).cloneNode(true);
    row.dataset.waiting = "";
    applyRow(row);
}"""


def test_typed_words_survive_a_reload_and_a_stale_send_and_leave_once(
    desk: Open, ana: User, lee: User, case: Case
) -> None:
    page = desk(ana, f"/cases/{case.number}/")
    page.keyboard.press("r")
    page.keyboard.type("It is on its way.")
    expect(page.locator("form.reply [data-saved]")).to_contain_text("draft saved", timeout=3000)
    page.reload()
    words = page.locator("form.reply textarea")
    expect(words).to_have_value("It is on its way.")
    conversation.add_note(case, by=lee, text="She was credited already")
    expect(page.locator(".msg.note")).to_contain_text("She was credited already")
    words.press("Control+Enter")
    expect(page.locator("#stale")).to_contain_text("She was credited already")
    expect(words).to_have_value("It is on its way.")
    assert not Dispatch.objects.filter(source="message").exists()
    page.click("[data-review]")
    words.press("Control+Enter")
    expect(page.locator(".msg.out .undo")).to_be_visible()
    expect(words).to_have_value("")
    assert Message.objects.filter(direction="outbound").count() == 1
    page.click(".msg.out .undo")
    expect(words).to_have_value("It is on its way.")
    assert Dispatch.objects.get(source="message").state == "undone"


def test_an_answer_is_heard_though_its_button_went_meanwhile(desk: Open, ana: User, case: Case) -> None:
    """The push that shows a reply as taken back may overtake the answer of the button that took it back."""
    page = desk(ana, f"/cases/{case.number}/")
    held: list[tuple[Route, APIResponse]] = []
    page.route("**/undo/", lambda route: held.append((route, route.fetch())))
    page.keyboard.press("r")
    page.keyboard.type("It is on its way.")
    page.keyboard.press("Control+Enter")
    page.click(".msg.out .undo")
    expect(page.locator(".msg.taken")).to_be_visible(timeout=15_000)
    expect(page.locator("form.reply textarea")).to_have_value("")
    page.evaluate("document.addEventListener('said', (event) => { window.heard = event.detail.text; })")
    processes.wait_until(lambda: _later(page) and held, 20, "the answer of the button")
    route, answer = held.pop()
    route.fulfill(response=answer)
    expect(page.locator("form.reply textarea")).to_have_value("It is on its way.")
    assert "Your words are in the composer" in page.evaluate("window.heard")


def _later(page: Page) -> bool:
    page.wait_for_timeout(50)  # in which the page's requests are handled
    return True


def test_a_case_opens_in_its_place_though_its_row_went_meanwhile(
    desk: Open, ana: User, lee: User, billing: Queue, case: Case
) -> None:
    """Its link, gone from the page, can no longer say where the answer belongs."""
    other = make_case(billing, "Another")
    page = desk(ana, f"/queues/{billing.pk}/?view=unassigned")
    page.click(f"#row-{other.number} a")
    expect(page.locator("#case")).to_have_attribute("data-case", str(other.number))
    held: list[tuple[Route, APIResponse]] = []
    page.route(f"**/cases/{case.number}/", lambda route: held.append((route, route.fetch())))
    page.click(f"#row-{case.number} a")
    processes.wait_until(lambda: _later(page) and held, 15, "the case to be asked for")
    page.mouse.move(1000, 500)
    page.evaluate("document.activeElement.blur()")
    case.claim(by=lee)
    expect(page.locator(f"#row-{case.number}")).to_have_count(0, timeout=15_000)
    route, answer = held.pop()
    route.fulfill(response=answer)
    expect(page.locator(".case-head")).to_have_attribute("data-case", str(case.number))
    expect(page.locator("[id=case]")).to_have_count(1)
    expect(page.locator("#case")).to_have_attribute("data-case", str(case.number))
    expect(page.locator(".case-head .owner")).to_contain_text("Lee")


def test_a_row_that_comes_anew_under_a_pressed_button_still_opens(
    desk: Open, ana: User, billing: Queue, case: Case
) -> None:
    page = desk(ana, f"/queues/{billing.pk}/")
    row = page.locator(f"#row-{case.number}")
    row.hover()
    page.mouse.down()
    case.set_priority("urgent", by=ana)
    make_case(billing, "What is heard after it").set_priority("high", by=ana)
    expect(page.locator("[data-newer]")).to_be_visible(timeout=15_000)
    page.mouse.up()
    expect(row).to_contain_text("urgent")
    expect(page.locator(".case-head")).to_contain_text("Charged twice")


def test_after_a_cut_everything_is_there_once(desk: Open, ana: User, lee: User, case: Case) -> None:
    page = desk(ana, f"/cases/{case.number}/")
    page.context.set_offline(True)
    for n in range(3):
        conversation.add_note(case, by=lee, text=f"note {n}")
    case.set_priority("urgent", by=lee)
    page.locator("form.note textarea").evaluate(
        "area => { area.value = 'half a thought'; area.dispatchEvent(new Event('input', {bubbles: true})) }"
    )
    expect(page.locator("form.note [data-saved]")).to_contain_text("not saved yet", timeout=5000)
    page.context.set_offline(False)
    expect(page.locator(".msg.note .text")).to_have_text(["note 0", "note 1", "note 2"], timeout=30_000)
    expect(page.locator(".case-head")).to_contain_text("urgent")
    expect(page.locator(f"#row-{case.number}, .case-head").last).to_contain_text("urgent")
    expect(page.locator("form.note [data-saved]")).to_contain_text("draft saved", timeout=10_000)


def test_who_is_here_is_shown_and_executives_are_marked(
    desk: Open, ana: User, lee: User, eve: User, billing: Queue, case: Case
) -> None:
    page = desk(ana, f"/cases/{case.number}/")
    billing.join(eve, mode="watch")
    desk(eve, f"/cases/{case.number}/")
    other = desk(lee, f"/cases/{case.number}/")
    other.keyboard.press("n")
    other.keyboard.type("hm")
    viewers = page.locator("#viewers")
    expect(viewers).to_contain_text("Lee Hart is typing", timeout=10_000)
    expect(viewers).to_contain_text("Eve Moreau is looking (executive)", timeout=10_000)
