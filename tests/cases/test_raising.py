"""Approvals that nobody answers in time: raised once, to somebody with the authority; both screens say until when, and what
whoever asked may give at once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from cases import live_approvals
from cases.models import BusinessCalendar, Case, Notification, Presence, Queue, Remedy
from cases.models.reasons import Reason
from cases.remedies import deciders, granting, raising
from crm.live import log
from crm.models import Event, User
from tests.api import Caller
from tests.builders import make_case, make_customer, make_user
from tests.cases.clockwork import OFFICE
from tests.cases.remedied import allow, make_policy, propose
from tests.cases.told import heard, number_events
from tests.racing import outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, ana: User) -> Case:
    return make_case(billing, customer=make_customer("Carl Jensen"))


def lead(queue: Queue, name: str, *, here: bool = False) -> User:
    user = make_user(name)
    queue.memberships.create(user=user, role="lead")
    if here:
        Presence.objects.update_or_create(user=user, defaults={"state": "online", "lost_at": None})
    return user


def asked(case: Case, by: User) -> Remedy:
    """More than the table gives, and than a rep may grant."""
    allow("rep", per_case=11)
    found: Remedy = propose(case, make_policy(f"Late {case.pk}"), by, amount=Decimal(20), reason="harder")
    assert found.state == Remedy.State.WAITING
    return found


def late(remedy: Remedy) -> datetime:
    assert remedy.answer_by is not None
    return remedy.answer_by + timedelta(seconds=1)


def test_it_is_raised_once_to_who_has_the_authority_and_both_are_told(case: Case, billing: Queue, ana: User) -> None:
    dan, dot = lead(billing, "dan"), lead(billing, "dot", here=True)
    allow("lead")
    remedy = asked(case, ana)
    assert remedy.answer_by == remedy.asked_at + timedelta(minutes=15), "a queue without a calendar is always open"
    assert raising.raise_due(remedy.answer_by - timedelta(seconds=1)) == 0
    assert raising.raise_due(late(remedy)) == 1
    assert raising.raise_due(late(remedy) + timedelta(hours=1)) == 0
    remedy.refresh_from_db()
    assert (remedy.raised_to, remedy.state) == (dot, Remedy.State.WAITING), "who is here comes first"
    event = Event.objects.get(kind="remedy_raised")
    assert (event.data["people"], event.data["asker"], event.via) == ([dot.pk], ana.pk, "clock")
    told = Notification.objects.filter(event=event).values_list("user", "reason")
    assert sorted(told) == sorted([(dot.pk, Reason.APPROVAL), (ana.pk, Reason.DECIDED)])
    granting.approve(remedy, by=dan)  # whoever it was raised to, others may still decide
    assert not Notification.objects.filter(reason=Reason.APPROVAL, ended_by=None).exists()


def test_time_runs_while_the_queue_is_open(case: Case, billing: Queue, ana: User) -> None:
    calendar = BusinessCalendar.objects.create(name="Office")
    calendar.publish(tz="UTC", hours=OFFICE)
    Queue.objects.filter(pk=billing.pk).update(calendar=calendar)
    friday = datetime(2026, 9, 4, 16, 50, tzinfo=UTC)
    found = deciders.answer_by(Case.objects.get(pk=case.pk), friday)
    assert found == datetime(2026, 9, 7, 9, 5, tzinfo=UTC), "ten minutes on Friday, five on Monday"


def test_the_queue_says_how_long_and_what_waits_keeps_its_time(
    client: Client, case: Case, billing: Queue, ana: User, sue: User
) -> None:
    before = asked(case, ana)
    call = Caller(sue)
    address = f"queues/{billing.pk}/"
    assert call.get(address).json()["approval_minutes"] == 15
    assert call.patch(address, {"approval_minutes": 40}).json()["approval_minutes"] == 40
    billing.refresh_from_db()
    after = asked(make_case(billing, customer=make_customer("Zoe")), ana)
    assert after.answer_by == after.asked_at + timedelta(minutes=40)
    before.refresh_from_db()
    assert before.answer_by == before.asked_at + timedelta(minutes=15)
    client.force_login(ana)
    shown = client.get(f"/cases/{after.case.number}/remedies/").content.decode()
    assert "This queue decides within 40 minutes of its opening hours." in shown


@pytest.mark.parametrize("wrong", [0, -1, 1441, None, "soon"])
def test_a_time_that_makes_no_sense_is_refused(billing: Queue, sue: User, wrong: object) -> None:
    assert Caller(sue).patch(f"queues/{billing.pk}/", {"approval_minutes": wrong}).status_code == 400
    billing.refresh_from_db()
    assert billing.approval_minutes == 15


def test_what_is_decided_or_called_off_is_not_raised(billing: Queue, ana: User) -> None:
    dan = lead(billing, "dan")
    allow("lead")
    decide: list[Callable[[Remedy], object]] = [
        lambda r: granting.approve(r, by=dan),
        lambda r: granting.refuse(r, by=dan, note="No."),
        lambda r: granting.call_off(r, by=ana),
    ]
    for n, decided in enumerate(decide):
        remedy = asked(make_case(billing, customer=make_customer(f"C {n}")), ana)
        decided(remedy)
        assert raising.raise_due(late(remedy)) == 0
    assert not Event.objects.filter(kind="remedy_raised").exists()


def test_leads_without_the_authority_are_passed_over(
    case: Case, billing: Queue, ana: User, sue: User, root: User
) -> None:
    """Then supervisors, then administrators; nobody at all is said, too."""
    lead(billing, "dan", here=True)
    allow("lead", per_case=Decimal("19.99"))
    allow("supervisor")
    remedy = asked(case, ana)
    now = late(remedy)
    assert raising.next_one(remedy, case, now) == sue
    billing.memberships.filter(user=sue).delete()
    assert raising.next_one(remedy, case, now) == root
    allow("supervisor", per_case=Decimal("19.99"))
    assert raising.raise_due(now) == 1
    remedy.refresh_from_db()
    assert (remedy.raised_to, remedy.raised_at) == (None, now)
    assert Event.objects.get(kind="remedy_raised").reason == "nobody"


def test_it_is_not_raised_to_whoever_asked(case: Case, billing: Queue) -> None:
    dan = lead(billing, "dan", here=True)
    remedy = propose(case, make_policy(), dan)
    allow("lead")
    assert raising.next_one(remedy, case, late(remedy)) is None


def test_both_screens_say_until_when_and_then_who_and_what_at_once(
    client: Client, case: Case, billing: Queue, ana: User
) -> None:
    dan = lead(billing, "dan")
    allow("lead")
    remedy = asked(case, ana)
    place = f"/cases/{case.number}/remedies/"
    for user, page in ((ana, place), (dan, place), (dan, "/approvals/")):
        client.force_login(user)
        shown = client.get(page).content.decode()
        assert f'class="chip clock" data-due="{remedy.answer_by.isoformat()}"' in shown  # type: ignore[union-attr]
    raising.raise_due(late(remedy))
    client.force_login(dan)
    for page in (place, "/approvals/"):
        assert "now it is for you" in client.get(page).content.decode()
    client.force_login(ana)
    shown = client.get(place).content.decode()
    assert "now it is for dan" in shown.casefold()
    assert "you may grant up to 11.00 EUR at once by yourself" in shown
    told = Caller(ana).get(f"remedies/{remedy.pk}/").json()
    assert (told["raised_to"], told["answer_by"] is None) == (dan.pk, False)


@pytest.mark.parametrize(
    ("limit", "amount"), [(None, "12.50"), (20, "12.50"), (11, "11.00"), ("7.5", "7.50"), ("7.49", "0"), (0, "0")]
)
def test_at_once_is_within_ones_authority_and_near_the_table(
    case: Case, ana: User, limit: int | str | None, amount: str
) -> None:
    """And what it says is so: called off, exactly that is granted, and a cent more is not."""
    policy = make_policy()
    remedy = propose(case, policy, ana, amount=Decimal(40), reason="harder")
    allow("rep", per_case=limit if limit is None else Decimal(limit))
    found = raising.at_once(remedy, ana, timezone.now())
    assert found == Decimal(amount)
    granting.call_off(remedy, by=ana)
    more = propose(case, policy, ana, amount=max(found, Decimal("7.49")) + Decimal("0.01"), reason="harder")
    assert more.state == Remedy.State.WAITING
    granting.call_off(more, by=ana)
    if found:
        assert propose(case, policy, ana, amount=found, reason="harder").state == Remedy.State.APPROVED


def test_nothing_is_left_to_whose_role_has_no_authority(client: Client, case: Case, ana: User) -> None:
    remedy = propose(case, make_policy(), ana)
    raising.raise_due(late(remedy))
    client.force_login(ana)
    assert "You may grant nothing of it by yourself" in client.get(f"/cases/{case.number}/remedies/").content.decode()


# --- on the pages of those who are not named


def pages(user: User, since: int) -> list[tuple[int, str]]:
    """What moved on their page of approvals: the case, and what happened."""
    found = heard(user, since, number_events())
    return [(event["case"], event["kind"]) for event in found if event["part"] == "approvals"]


def test_every_page_of_who_may_decide_hears_of_it_whoever_is_named(
    case: Case, billing: Queue, technical: Queue, ana: User, ben: User, sue: User, root: User
) -> None:
    dan, dot = lead(billing, "dan"), lead(billing, "dot", here=True)
    far = lead(technical, "far")
    allow("lead")
    remedy = asked(case, ana)
    told = [(case.number, "remedy_raised")]
    since = number_events()
    raising.raise_due(late(remedy))
    assert Remedy.objects.get(pk=remedy.pk).raised_to == dot
    assert [pages(user, since) for user in (dot, dan, sue, root)] == [told] * 4
    assert [pages(user, since) for user in (ana, ben, far)] == [[]] * 3, "who may decide nothing there"
    assert not Notification.objects.filter(user=dan, event__kind="remedy_raised").exists(), "a poke, no bell"
    since = number_events()
    granting.approve(remedy, by=dan)
    assert [pages(user, since) for user in (dot, sue)] == [[(case.number, "remedy_approved")]] * 2


def test_one_that_goes_to_another_queue_goes_from_page_to_page(
    case: Case, billing: Queue, technical: Queue, ana: User, lee: User
) -> None:
    dan, far = lead(billing, "dan"), lead(technical, "far")
    asked(case, ana)
    without = make_case(billing, customer=make_customer("Zoe"))
    since = number_events()
    for each in (case, without):
        Case.objects.get(pk=each.pk).transfer(technical, by=lee)
    assert pages(dan, since) == pages(far, since) == [(case.number, "transferred")]


def test_it_costs_the_same_however_many_are_asked(
    billing: Queue, ana: User, django_assert_max_num_queries: Any
) -> None:
    allow("lead")
    for count in (1, 6):
        since = number_events()
        for n in range(count):
            asked(make_case(billing, customer=make_customer(f"C{count}{n}")), ana)
        events = log.between(since, number_events(), 1000)
        with django_assert_max_num_queries(3):
            list(live_approvals.approval_fragments(events, None))


@pytest.mark.django_db(transaction=True)
def test_two_keepers_and_a_lead_at_once_leave_one_event_and_one_decision(billing: Queue, ana: User) -> None:
    dan = lead(billing, "dan")
    allow("lead")
    remedy = asked(make_case(billing, customer=make_customer("Carl")), ana)
    found = outcomes(
        6,
        lambda n: (
            granting.approve(Remedy.objects.get(pk=remedy.pk), by=dan) if n == 3 else raising.raise_due(late(remedy))
        ),
    )
    assert not [each for each in found if isinstance(each, Exception)]
    remedy.refresh_from_db()
    assert remedy.state == Remedy.State.APPROVED
    assert Event.objects.filter(kind="remedy_raised").count() == (remedy.raised_at is not None)
    assert Event.objects.filter(kind="remedy_approved").count() == 1
