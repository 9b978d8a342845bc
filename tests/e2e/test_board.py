"""A lead rebalances: sees who drowns, levels the load and takes it back, gives cases by key and by drag, looks after a rep."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from cases import survey
from cases.models import Capacity, Case, Presence, Queue, QueueMembership
from crm.models import User
from outreach.models import KnownProblem
from tests.builders import make_case, make_customer, make_user
from tests.e2e.desks import Open, desks, serious, shots

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def lea(billing: Queue) -> User:
    user = make_user("Lea Voss", username="lea")
    QueueMembership.objects.create(queue=billing, user=user, role="lead")
    return user


@pytest.fixture
def cases(billing: Queue, technical: Queue, ana: User, lee: User, lea: User) -> list[Case]:
    """Ana has five, Lee none; one waits for anybody, and one is late."""
    now = timezone.now()
    Queue.objects.filter(pk=billing.pk).update(assignment="by_hand")
    Capacity.objects.create(most=5)
    QueueMembership.objects.create(queue=technical, user=lea, role="lead")
    for user in (ana, lee):
        Presence.objects.of(user).choose("online", by=user, via="api")
    names = ["Bo Keller", "Ines Vidal", "Tom Ashe", "Mara Linde", "Noor Aziz"]
    made = [
        make_case(
            billing, f"Invoice {n}", customer=make_customer(name), assignee=ana, status="open", channel="mail",
            waiting_since=now - timedelta(minutes=10 * n + 4), attention_at=now + timedelta(minutes=12 * n - 6),
            next_due_at=now + timedelta(minutes=12 * n - 6),
        )
        for n, name in enumerate(names)
    ]  # fmt: skip
    KnownProblem.declare(by=lea, title="Routers drop the line", severity="critical").link(made[0], by=lea)
    return [*made, make_case(billing, "New here", customer=make_customer("Carl Jensen"), waiting_since=now)]


@pytest.fixture
def desk(browser: Browser, cases: list[Case]) -> Iterator[Open]:
    with desks(browser, cases[0]) as opened:
        yield opened


def on_the_board(page: Page) -> None:
    page.keyboard.press("g")
    page.keyboard.press("b")
    page.wait_for_url("**/board/")
    expect(page.locator("[data-light]").first).to_have_attribute("data-state", "live")


def test_a_lead_levels_the_load_and_takes_it_back(
    desk: Open, cases: list[Case], billing: Queue, ana: User, lee: User, lea: User
) -> None:
    page = desk(lea)
    expect(page.locator("#me-button")).to_have_attribute(
        "title", re.compile("Online"), timeout=20_000
    )  # she takes one too
    on_the_board(page)
    anas, lees = page.locator(f"#load-{billing.pk}-{ana.pk}"), page.locator(f"#load-{billing.pk}-{lee.pk}")
    expect(anas).to_contain_text("5")
    assert serious(page) == []
    shots(page, "board")
    page.locator(f"#level-{billing.pk}").click()
    expect(page.locator("#ask .plan li")).to_have_count(3)
    assert serious(page) == []
    shots(page, "board-leveling")
    page.locator("#ask .primary").click()
    expect(anas).to_contain_text("2")
    expect(lees).to_contain_text("2")
    page.locator("#toasts button", has_text="Undo").click()
    expect(anas).to_contain_text("5")
    expect(lees).to_contain_text("0")
    cases[1].resolve(by=ana)
    expect(anas).to_contain_text("4")


def test_a_lead_gives_cases_by_key_and_by_drag_and_says_how_somebody_is_there(
    desk: Open, cases: list[Case], billing: Queue, technical: Queue, ana: User, lee: User, lea: User
) -> None:
    page = desk(lea)
    on_the_board(page)
    lees = page.locator(f"#load-{billing.pk}-{lee.pk}")
    page.locator(f"#fig-{billing.pk}-overdue").click()
    expect(page.locator("#board-cases li.case")).to_have_count(1)
    expect(page.locator("#board-cases-title")).to_be_focused()
    assert serious(page) == []
    shots(page, "board-cases")
    page.keyboard.press("j")
    page.keyboard.press("a")
    page.locator("#ask .pick", has_text="Lee Hart").click()
    expect(lees).to_contain_text("1")
    page.locator(f"#fig-{billing.pk}-unassigned").click()
    row = page.locator(f"#row-{cases[-1].number}")
    row.drag_to(page.locator(f'[data-drop-user="{lee.pk}"]'))
    expect(lees).to_contain_text("2")
    expect(row).to_have_count(0)
    page.locator("#toasts button", has_text="Undo").click()
    expect(row).to_be_visible()
    row.drag_to(page.locator(f"#stand-{technical.pk} h2"))
    expect(page.locator(f"#fig-{technical.pk}-waiting b")).to_have_text("1")
    page.locator(f"#hand-{billing.pk}-{ana.pk}").click()
    page.locator("#ask .pick", has_text="Away").click()
    expect(page.locator(f"#hand-{billing.pk}-{ana.pk} .there")).to_have_class("there away")


def test_what_customers_answered_stands_below_the_queues_on_a_phone_too(
    desk: Open, billing: Queue, lea: User, cases: list[Case]
) -> None:
    now = timezone.now()
    for n, case in enumerate(cases[:4]):
        case.change_status("resolved", by=None)
        survey.note_asked(case, now)
        if n < 3:
            survey.answer(case, survey.Said(n > 0, "", ""), at=now)
    page = desk(lea, width=390, scheme="dark")
    page.goto(page.url.split("/cases/")[0] + "/board/")
    told = page.locator("section", has=page.get_by_role("heading", name="Did it solve it?"))
    expect(told).to_contain_text("67 %", timeout=8000)
    expect(told).to_contain_text("say yes, of 3 who answered; 4 customers were asked.")
    told.scroll_into_view_if_needed()
    assert serious(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    shots(page, "board-surveys")
