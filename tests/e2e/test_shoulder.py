"""Over a colleague's shoulder: a lead watches and is seen, whispers, joins, takes over; and a new version that keeps words."""

import pytest
from playwright.sync_api import Browser, Page, expect

from cases.models import Case, Draft, Queue, QueueMembership
from crm.models import User
from customers.models import Customer
from tests import look, processes
from tests.builders import make_question, make_user
from tests.e2e.desks import Open, serious, shots

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lea(billing: Queue) -> User:
    user = make_user("Lea Voss", username="lea")
    QueueMembership.objects.create(queue=billing, user=user, role="lead")
    return user


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    return make_question(billing, carl, ana)


def write(page: Page, kind: str, text: str) -> None:
    page.locator(f"#write-{kind} textarea").fill(text)


def test_a_lead_is_seen_watching_and_whispers_to_one_alone(desk: Open, ana: User, lee: User, lea: User) -> None:
    page, lead, other = desk(ana), desk(lea), desk(lee)
    expect(page.locator("#viewers .leads")).to_have_attribute("title", "Lea Voss is watching (lead)")
    expect(lead.locator("#write-whisper")).to_be_visible()
    expect(lead.locator('#composer [data-mode="reply"]')).to_be_hidden()
    assert serious(lead) == []
    write(lead, "whisper", "She has been with us since 2009: be generous")
    lead.keyboard.press("Control+Enter")
    expect(page.locator("#whispers .unheard")).to_contain_text("be generous")
    assert serious(page) == []
    shots(page, "whisper")
    page.locator("#whispers button").click()
    expect(lead.locator("#whispers")).to_contain_text("read")
    expect(other.locator("#whispers details")).to_have_count(0)


def test_a_lead_joins_and_takes_over_with_what_was_being_written(desk: Open, ana: User, lea: User) -> None:
    page, lead = desk(ana), desk(lea)
    lead.locator("[data-join]").click()
    expect(lead.locator("#write-reply")).to_be_visible()
    expect(page.locator(".sys")).to_contain_text(["Lea Voss joined"])
    expect(page.locator("#viewers .leads")).to_have_attribute("title", "Lea Voss is looking (helps here)")
    page.locator("#write-reply textarea").press_sequentially("Dear Mr Jensen, we", delay=180)
    expect(lead.locator("[data-types]")).to_have_text("Ana Lind is typing")
    expect(page.locator("#write-reply [data-saved]")).to_contain_text("draft saved")
    shots(lead, "joined")
    lead.locator('[data-action="takeover"]').click()
    lead.locator("#ask textarea").fill("The press is on the line")
    assert serious(lead) == []
    lead.locator("#ask .primary").click()
    expect(lead.locator(".left-over")).to_contain_text("Dear Mr Jensen, we")
    expect(page.locator("#viewers .leads")).to_have_count(0)
    expect(page.locator("#write-reply textarea")).to_have_value("Dear Mr Jensen, we")
    lead.locator(".left-over [data-insert]").click()
    expect(lead.locator("#write-reply textarea")).to_have_value("Dear Mr Jensen, we")


def test_a_new_version_is_offered_never_forced_and_keeps_what_is_being_written(
    browser: Browser, case: Case, ana: User
) -> None:
    """The page of the old software goes on working against the new, too."""
    with processes.web(BUILD="one") as old:
        port = old.port
        page = browser.new_context().new_page()
        look.sign_in(page, old.url, "ana", "correct horse battery")
        page.goto(f"{old.url}/cases/{case.number}/")
        expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live")
        write(page, "reply", "Dear Mr Jensen")
        old.stop()
    with processes.web(port=port, BUILD="two") as new:
        fresh = page.locator("#fresh")
        expect(fresh).to_be_visible()
        page.locator("#write-reply textarea").press_sequentially(", your money")
        page.wait_for_timeout(1500)
        expect(page.locator("body")).to_have_attribute("data-build", "one")
        page.locator('#composer [data-mode="note"]').first.click()
        write(page, "note", "Written by the old page")
        page.keyboard.press("Control+Enter")
        expect(page.locator("#messages .msg.note")).to_contain_text("Written by the old page")
        assert serious(page) == []
        shots(page, "fresh")
        page.keyboard.press("g")
        page.keyboard.press("r")
        expect(page.locator("body")).to_have_attribute("data-build", "two")
        expect(page.locator("#write-reply textarea")).to_have_value("Dear Mr Jensen, your money")
        expect(fresh).to_be_hidden()
        assert Draft.objects.get(author=ana, kind="reply").text == "Dear Mr Jensen, your money"
        new.stop()
