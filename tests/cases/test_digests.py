"""The mail digest: at one's time, of what is unread and still true, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.db import close_old_connections, connections
from django.utils import timezone

from cases import conversation, digests, news, outward
from cases.models import Case, Digest, Dispatch, Notification, NotificationSettings, Queue
from crm.models import User
from customers.models import Customer
from tests.builders import make_case

pytestmark = pytest.mark.django_db

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def case(billing: Queue, carl: Customer, ana: User) -> Case:
    User.objects.filter(pk=ana.pk).update(email="ana@brightwave.example", tz="Europe/Berlin")
    return make_case(billing, "Charged twice", customer=carl, channel="mail", status="open")


def named(case: Case, by: User, at: datetime) -> None:
    conversation.add_note(case, by=by, text="@ana look", at=at)


def eight(days: int = 0) -> datetime:
    """8:00 in Berlin, tomorrow and later."""
    return (timezone.now().astimezone(BERLIN) + timedelta(days=1 + days)).replace(
        hour=8, minute=0, second=0, microsecond=0
    )


def sent() -> list[mail.EmailMessage]:
    outward.send_due(timezone.now() + timedelta(days=10))
    return list(mail.outbox)


def test_it_comes_at_its_time_with_reasons_and_a_way_to_change_them(case: Case, ana: User, lee: User) -> None:
    named(case, lee, eight() - timedelta(hours=2))
    assert digests.plan(eight() - timedelta(minutes=1)) == 0
    assert digests.plan(eight() + timedelta(seconds=10)) == 1
    assert digests.plan(eight() + timedelta(minutes=5)) == 0
    (letter,) = sent()
    assert letter.to == ["Ana Lind <ana@brightwave.example>"]
    assert letter.subject == "1 case needs you"
    assert f"#{case.number} Carl Jensen · Charged twice" in letter.body
    assert "Lee Hart wrote a note (you are named)" in letter.body
    assert f"/cases/{case.number}/" in letter.body
    assert "/notifications/settings/" in letter.body
    assert letter.extra_headers["Auto-Submitted"] == "auto-generated"
    assert "You follow" not in letter.body


def test_what_came_after_its_time_waits_for_the_next(case: Case, ana: User, lee: User) -> None:
    named(case, lee, eight() + timedelta(hours=2))
    assert digests.plan(eight() + timedelta(hours=3)) == 0
    assert digests.plan(eight(1) + timedelta(seconds=1)) == 1
    assert len(sent()) == 1


@pytest.mark.parametrize("how", ["read", "gone", "off", "no address", "other way"])
def test_nothing_comes_of_what_is_dealt_with_or_not_wanted(case: Case, ana: User, lee: User, how: str) -> None:
    if how == "other way":
        NotificationSettings.objects.create(user=ana).choose({"mention": ["panel"]})
    named(case, lee, eight() - timedelta(hours=1))
    {
        "read": lambda: news.read(ana, at=timezone.now(), case=case),
        "gone": lambda: case.queue.memberships.filter(user=ana).delete(),
        "off": lambda: NotificationSettings.objects.create(user=ana, digest="off"),
        "no address": lambda: User.objects.filter(pk=ana.pk).update(email=""),
        "other way": lambda: None,
    }[how]()
    assert digests.plan(eight() + timedelta(minutes=1)) == 0
    assert not Dispatch.objects.exists()


def test_read_between_plan_and_send_nothing_leaves(case: Case, ana: User, lee: User) -> None:
    named(case, lee, eight() - timedelta(hours=1))
    assert digests.plan(eight() + timedelta(minutes=1)) == 1
    news.read(ana, at=timezone.now(), case=case)
    assert sent() == []
    assert Dispatch.objects.get().reason == "moot"


def test_one_thing_is_in_one_digest(case: Case, ana: User, lee: User, billing: Queue) -> None:
    NotificationSettings.objects.create(user=ana, digest="hourly")
    base = eight()
    named(case, lee, base - timedelta(minutes=30))
    assert digests.plan(base + timedelta(minutes=1)) == 1
    assert digests.plan(base + timedelta(hours=1, minutes=1)) == 0, "nothing new"
    other = make_case(billing, "Another")
    named(other, lee, base + timedelta(hours=1, minutes=10))
    assert digests.plan(base + timedelta(hours=2, minutes=1)) == 1
    first, second = sent()
    assert f"#{other.number}" not in first.body
    assert f"#{case.number}" not in second.body


def test_hourly_mail_heeds_quiet_hours(case: Case, ana: User, lee: User) -> None:
    NotificationSettings.objects.create(user=ana, digest="hourly", quiet_from=time(20), quiet_until=time(9))
    named(case, lee, eight() - timedelta(minutes=30))
    assert digests.plan(eight() + timedelta(minutes=30)) == 0
    assert digests.plan(eight() + timedelta(hours=1, minutes=1)) == 1


@pytest.mark.parametrize(
    ("now", "slot"),
    [((2026, 3, 29, 7, 0), (2026, 3, 28, 8, 0)), ((2026, 3, 29, 9, 0), (2026, 3, 29, 8, 0)),
     ((2026, 10, 25, 7, 59), (2026, 10, 24, 8, 0)), ((2026, 10, 25, 8, 0), (2026, 10, 25, 8, 0))],
)  # fmt: skip
def test_the_time_is_of_the_wall_clock_on_both_nights_it_changes(
    ana: User, now: tuple[int, ...], slot: tuple[int, ...]
) -> None:
    ana.tz = "Europe/Berlin"
    at = datetime(*now, tzinfo=BERLIN)  # type: ignore[misc,arg-type]
    assert digests.last_slot(ana, at) == datetime(*slot, tzinfo=BERLIN)  # type: ignore[misc,arg-type]


def test_who_dies_between_leaves_nothing_half_done(
    case: Case, ana: User, lee: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    named(case, lee, eight() - timedelta(hours=1))

    def dies(**_kwargs: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(outward, "dispatch", dies)
        with pytest.raises(KeyboardInterrupt):
            digests.plan(eight() + timedelta(minutes=1))
    assert not Digest.objects.exists()
    assert Notification.objects.get().digest is None
    assert digests.plan(eight() + timedelta(minutes=1)) == 1
    assert len(sent()) == 1


@pytest.mark.django_db(transaction=True)
def test_four_at_once_make_one(case: Case, ana: User, lee: User) -> None:
    named(case, lee, eight() - timedelta(hours=1))

    def one(_n: int) -> int:
        close_old_connections()
        try:
            return digests.plan(eight() + timedelta(minutes=1))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(one, range(4)))
    assert sum(made) == 1
    assert Dispatch.objects.count() == Digest.objects.count() == 1
