"""A notice on its way: night, stop, pause, opt-out, and what nobody can know."""

from datetime import UTC, datetime, timedelta
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from cases import sending
from cases.channels import Failed, Unknown
from cases.models import Dispatch
from cases.models.case import Refusal
from crm.models import Event, User
from customers.models import Customer
from outreach import delivery, exposure
from outreach.models import Notice, NoticeDelivery
from tests.outreach.making import (
    approved,
    make_owner,
    make_problem,
    run,
    stands,
    told,
)

pytestmark = pytest.mark.django_db


def address(n: int) -> str:
    return f"owner{n}@example.org"


# --- night


def test_nobody_is_woken_unless_somebody_could_get_hurt(sue: User) -> None:
    night = datetime(2026, 3, 27, 23, 30, tzinfo=UTC)
    make_owner(1, tz="UTC")
    make_owner(2, tz="America/New_York")
    make_owner(3, tz="Nowhere/Land")
    problem = make_problem(sue, is_safety=False, next_update_at=night + timedelta(days=2))
    approved(problem, sue, now=night)
    by_tz = dict(NoticeDelivery.objects.values_list("customer__tz", "not_before"))
    assert by_tz["America/New_York"] == night
    assert by_tz["UTC"] == by_tz["Nowhere/Land"] == datetime(2026, 3, 28, 8, tzinfo=UTC)
    safety = make_problem(sue, title="Fire", is_safety=True, next_update_at=night + timedelta(days=2))
    approved(safety, sue, now=night)
    assert set(safety.deliveries.values_list("not_before", flat=True)) == {night}


def test_a_line_that_runs_into_the_night_stops_at_the_claim(sue: User) -> None:
    evening = datetime(2026, 3, 27, 21, 59, tzinfo=UTC)
    make_owner(1)
    problem = make_problem(sue, is_safety=False, next_update_at=evening + timedelta(days=2))
    approved(problem, sue, now=evening)
    delivery.deliver_due(evening)
    (row,) = Dispatch.objects.all()
    verdict = delivery.may_leave([row], evening + timedelta(minutes=2))[row.pk]
    assert (verdict.reason, verdict.until) == ("quiet_hours", datetime(2026, 3, 28, 8, tzinfo=UTC))
    assert delivery.may_leave([row], evening) == {}


@pytest.mark.parametrize(
    ("tz", "local", "until"),
    [
        ("Europe/Berlin", "2026-03-28 22:00", "2026-03-29 08:00"),  # an hour is missing
        ("Europe/Berlin", "2026-10-25 01:00", "2026-10-25 08:00"),  # an hour comes twice
        ("Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-05 08:00"),  # half an hour
        ("Asia/Kathmandu", "2026-06-01 07:59", "2026-06-01 08:00"),
        ("Africa/Casablanca", "2026-03-22 00:00", "2026-03-22 08:00"),  # Ramadan ends
        ("Europe/Berlin", "2026-06-01 08:00", None),
        ("Europe/Berlin", "2026-06-01 21:59", None),
    ],
)
def test_quiet_hours_are_those_of_the_wall_clock(tz: str, local: str, until: str | None) -> None:
    from outreach import quiet

    zone = ZoneInfo(tz)
    found = quiet.over_at(tz, datetime.fromisoformat(local).replace(tzinfo=zone))
    assert (f"{found.astimezone(zone):%Y-%m-%d %H:%M}" if found else None) == until


# --- stop, pause, opt-out in the run (L17)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """A way out on which something can happen between two mails: every claim is asked about afresh after each."""
    monkeypatch.setattr(sending, "FRESH", 0.0)


def between(n: int, act: object) -> mock.Mock:
    """An adapter that does something once n mails are out."""
    out: list[str] = []

    def send(outgoing, channel):  # type: ignore[no-untyped-def]
        out.append(outgoing.to)
        if len(out) == n:
            act()  # type: ignore[operator]
        return "id"

    adapter = mock.Mock(honours_key=False, send=mock.Mock(side_effect=send))
    adapter.out = out
    return adapter


def test_stop_is_honoured_by_the_next_claim(sue: User, slow: None) -> None:
    for n in range(20):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    adapter = between(5, lambda: Notice.objects.get(pk=notice.pk).stop(by=sue))
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        run()
    assert len(adapter.out) == 5
    assert stands(notice)["sent"] == 5
    assert notice.state == "stopped"
    assert sum(stands(notice).values()) == 20
    with pytest.raises(Refusal):
        notice.resume(by=sue)


def test_who_was_in_line_when_it_was_stopped_can_be_told_by_another(sue: User, slow: None) -> None:
    for n in range(6):
        make_owner(n)
    problem = make_problem(sue)
    notice = approved(problem, sue)
    adapter = between(2, lambda: Notice.objects.get(pk=notice.pk).stop(by=sue))
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        run()
    assert exposure.outlook(problem, timezone.now()).reachable == 4
    second = approved(problem, sue)
    run()
    assert len(mail.outbox) == 4
    assert stands(second) == {"sent": 4}
    assert len(told(second)) == 6


def test_pause_holds_and_resume_lets_go(sue: User, slow: None) -> None:
    for n in range(8):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    adapter = between(3, lambda: Notice.objects.get(pk=notice.pk).pause(by=sue))
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        run()
        assert len(adapter.out) == 3
        delivery.resume(Notice.objects.get(pk=notice.pk), by=sue, now=timezone.now())
        run()
    assert sorted(adapter.out) == sorted(address(n) for n in range(8))
    assert stands(notice) == {"sent": 8}


def test_an_opt_out_by_the_mails_own_link_counts_for_the_next_claim(sue: User, slow: None) -> None:
    for n in range(3):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    last = Customer.objects.order_by("-pk").first()
    assert last is not None

    def leave() -> None:
        from customers import unsubscribe

        link = unsubscribe.link(last.pk, last.contact_points.get().pk, "service")
        Client().post("/" + link.split("/", 3)[3], {"List-Unsubscribe": "One-Click"})

    adapter = between(1, leave)
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        run()
    assert address(2) not in adapter.out
    assert stands(notice) == {"sent": 2, "suppressed.suppressed": 1}


def test_a_problem_is_not_closed_while_a_notice_is_on_its_way(sue: User) -> None:
    make_owner(1)
    problem = make_problem(sue)
    notice = approved(problem, sue)
    with pytest.raises(Refusal):
        problem.close(by=sue)
    notice.stop(by=sue)
    problem.close(by=sue)


# --- what nobody can know (L16)


def test_what_broke_off_is_shown_as_unknown_and_goes_again_only_by_a_persons_word(sue: User) -> None:
    for n in range(3):
        make_owner(n)
    notice = approved(make_problem(sue), sue)
    adapter = mock.Mock(honours_key=False)
    adapter.send.side_effect = ["a", Unknown("silence", reason="no_answer"), Failed("550 no", reason="smtp_550")]
    with mock.patch("cases.sending.adapter_for", return_value=adapter):
        run()
    assert stands(notice) == {"sent": 1, "unknown.no_answer": 1, "failed.smtp_550": 1}
    assert notice.state == "done"
    run()
    assert mail.outbox == []
    unknown = NoticeDelivery.objects.get(dispatch__state="unknown")
    key = unknown.dispatch.key
    delivery.send_again(unknown, by=sue, now=timezone.now())
    delivery.send_again(unknown, by=sue, now=timezone.now())
    run()
    assert len(mail.outbox) == 1
    unknown.refresh_from_db()
    assert unknown.dispatch.key == key, "the same message, so that a mailbox can tell a repeat"
    assert stands(notice) == {"sent": 2, "failed.smtp_550": 1}
    assert Event.objects.filter(stream="notice", kind="send_again_asked").count() == 1
