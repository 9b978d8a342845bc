"""Two cases become one and two again, from the keyboard, while a colleague looks on."""

from collections.abc import Iterator

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, expect

from cases import conversation
from cases.intake import open_case
from cases.models import Case, Queue
from crm.models import User
from customers.models import Customer
from tests.builders import make_question
from tests.e2e.desks import Open, desks, serious, shots

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


@pytest.fixture
def again(billing: Queue, carl: Customer, case: Case) -> Case:
    """The same customer wrote twice."""
    now = timezone.now()
    made = open_case(queue=billing, customer=carl, subject="Refund again", channel="mail", at=now, via="channel")
    sender = carl.contact_points.get(kind="email")
    conversation.add_inbound(made, text="I wrote yesterday. Where is it?", sender=sender, channel="mail", at=now)
    return made


@pytest.fixture
def desk(browser: Browser, case: Case, again: Case) -> Iterator[Open]:
    with desks(browser, case) as opened:
        yield opened


def test_two_cases_become_one_and_two_again_before_everybodys_eyes(
    desk: Open, ana: User, lee: User, case: Case, again: Case
) -> None:
    page, other = desk(ana), desk(lee)
    came = f"#message-{again.messages.get().pk}"
    expect(other.locator("#light, .light").first).to_be_attached()
    page.goto(page.url.replace(f"/cases/{case.number}/", f"/cases/{again.number}/"))
    page.keyboard.press("f")
    pick = page.locator("#ask .picks .pick", has_text=f"#{case.number}")
    expect(pick).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#merge-preview")).to_contain_text("1 message moves")
    assert serious(page) == []
    shots(page, "merge")
    page.locator("#merge-preview .primary").click()
    page.wait_for_url(f"**/cases/{case.number}/")
    expect(page.locator(came)).to_be_visible()
    expect(other.locator(came)).to_be_visible()
    expect(other.locator(".sys")).to_contain_text([f"Ana Lind merged #{again.number} into this"])
    assert serious(other) == []
    shots(page, "merged")
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator(".sys .line button", has_text="Undo").click()
    expect(page.locator(came)).to_have_count(0)
    expect(other.locator(came)).to_have_count(0)
    page.goto(page.url.replace(f"/cases/{case.number}/", f"/cases/{again.number}/"))
    expect(page.locator(came)).to_be_visible()


def test_words_about_something_else_are_split_off_and_cases_linked(
    desk: Open, ana: User, case: Case, again: Case
) -> None:
    conversation.add_inbound(case, text="My router is dead, too", sender=None, channel="mail", at=timezone.now())
    page = desk(ana)
    page.route("**/others/", lambda route: route.abort(), times=1)
    page.reload()
    others = page.locator('[data-panel="others"]')
    expect(others.locator(".panel-failed")).to_be_visible()
    others.get_by_role("button", name="Try again").click()
    expect(others).to_contain_text(f"#{again.number}")
    page.locator(".msg.in", has_text="router is dead").locator(".split-off").click()
    expect(page.locator("#ask [name=subject]")).to_be_focused()
    assert serious(page) == []
    shots(page, "split")
    page.locator("#ask [name=subject]").fill("Router is dead")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: f"/cases/{case.number}/" not in url)
    expect(page.locator(".case-top h1")).to_have_text("Router is dead")
    expect(page.locator("#banners")).to_contain_text(f"Split off from #{case.number}")
    page.keyboard.press("l")
    expect(page.locator("#ask [name=other]")).to_be_focused()
    assert serious(page) == []
    shots(page, "link")
    page.keyboard.type(f"#{again.number}")
    page.keyboard.press("Enter")
    expect(page.locator(".sys")).to_contain_text([f"linked it: duplicate of #{again.number}"])
    expect(page.locator('[data-panel="others"]')).to_contain_text(f"duplicate of #{again.number}")


def test_what_is_probably_the_same_thing_is_said_so_by_one_press(
    desk: Open, billing: Queue, carl: Customer, ana: User, case: Case, again: Case
) -> None:
    open_case(queue=billing, customer=carl, subject="A new router", channel="mail", at=timezone.now(), via="channel")
    Case.objects.filter(pk=again.pk).update(subject="Where is my refund now?")
    page = desk(ana)
    panel = page.locator(f".panel-body[hx-get='/cases/{case.number}/others/']")
    expect(panel).to_contain_text("probably the same thing")
    panel.scroll_into_view_if_needed()
    shots(page, "probably-one-issue")
    panel.get_by_role("button", name="is about the same thing").first.press("Enter")
    expect(panel).to_contain_text("About something else")
    again.refresh_from_db()
    case.refresh_from_db()
    assert again.issue_id == case.issue_id
    assert serious(page) == []
    shots(page, "one-issue")
    panel.get_by_role("button", name="is not about the same thing").press("Enter")
    expect(panel).not_to_contain_text("About something else")
    again.refresh_from_db()
    case.refresh_from_db()
    assert again.issue_id != case.issue_id
