"""The board of those who lead: every number is the length of its list, whoever looks costs little, and what moves is told."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases import board, figures, live_board
from cases.models import Capacity, Case, Clock, Presence, Promise, Queue, QueueMembership, SLAPolicy
from cases.models.sla import SLAPolicyVersion
from crm.models import Event, User
from outreach.models import KnownProblem
from tests.api import Caller
from tests.builders import make_case, make_queue, make_user
from tests.cases.clockwork import make_policy, publish_calendar

pytestmark = pytest.mark.django_db

NOW = datetime(2035, 3, 5, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def _fresh() -> Iterator[None]:
    board.forget()
    yield
    board.forget()


@pytest.fixture
def lea(billing: Queue) -> User:
    """The lead of Billing."""
    user = make_user("Lea Voss", username="lea")
    QueueMembership.objects.create(queue=billing, user=user, role="lead")
    return user


def client_of(user: User, **headers: str) -> Client:
    client = Client(headers=headers)
    client.force_login(user)
    return client


def version() -> SLAPolicyVersion:
    found = SLAPolicyVersion.objects.first()
    return found or make_policy(resolution=60).current  # type: ignore[return-value]


def clock(case: Case, **fields: Any) -> Clock:
    set_by = version()
    return Clock.objects.create(case=case, policy_version=set_by, target_seconds=3600, started_at=NOW - HOUR, **fields)


def promise(case: Case, **fields: Any) -> Promise:
    return Promise.objects.create(case=case, what="Call", **fields)


def said(case: Case, kind: str, at: datetime, **data: Any) -> None:
    newest = Event.objects.filter(stream="case", stream_id=case.pk).order_by("-version").first()
    number = newest.version + 1 if newest else 1
    Event.objects.create(stream="case", stream_id=case.pk, version=number, kind=kind, at=at, data=data)


def of(queue: Queue, now: datetime = NOW) -> dict[str, int]:
    return dict(figures.of([queue], now)[queue.pk].counts)


# --- the numbers


def anything(seed: int, queues: list[Queue], people: list[User]) -> None:
    """Cases of every kind, with clocks, promises and talk at any time of two days."""
    dice = random.Random(seed)

    def some(*more: Any) -> datetime | None:
        return dice.choice([None, *more, *(NOW + timedelta(minutes=dice.randint(-1800, 1800)) for _ in range(3))])

    for _ in range(40):
        case = make_case(
            dice.choice(queues),
            customer=None,
            status=dice.choice(Case.Status.values),
            assignee=dice.choice([None, *people]),
            snoozed_until=dice.choice([None, None, some()]),
            waiting_since=some(),
            attention_at=some(NOW, NOW + 15 * MINUTE, NOW + 16 * MINUTE),
            promise_due_at=some(),
            resolved_at=NOW,
        )
        for _n in range(dice.randint(0, 2)):
            state = dice.choice(Promise.State.values)
            promise(case, due_at=NOW, state=state, settled_at=some(), made_at=NOW - HOUR)
        for kind in dice.sample(["first_response", "next_response", "update"], dice.randint(0, 3)):
            met, breached, cancelled = some(), some(), dice.choice([None, None, None, NOW])
            due = dice.choice([None, some()])
            clock(case, kind=kind, met_at=met, breached_at=breached, cancelled_at=cancelled, due_at=due)
        for _n in range(dice.randint(0, 3)):
            at = NOW - timedelta(minutes=dice.randint(-5, 90))
            kind = dice.choice(["message_received", "answer_released", "reply_released", "note_added"])
            said(case, kind, at, **dice.choice([{}, {"auto": True}, {"auto": False}]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_number_is_the_length_of_its_list(
    billing: Queue, technical: Queue, ana: User, lee: User, seed: int
) -> None:
    technical.calendar = publish_calendar("Tokyo", tz="Asia/Tokyo")
    technical.save()
    anything(seed, [billing, technical], [ana, lee])
    counted = figures.of([billing, technical], NOW)
    for queue in (billing, technical):
        behind = {name: figures.behind(name, queue, NOW).count() for name in figures.NAMES}
        assert counted[queue.pk].counts == behind
        waits = figures.behind("waiting", queue, NOW).order_by("waiting_since").first()
        assert counted[queue.pk].longest == (waits.waiting_since if waits else None)
    assert all(any(counted[q.pk].counts[name] for q in (billing, technical)) for name in figures.NAMES)


def test_what_is_due_soon_is_not_overdue_yet_and_asleep_is_not_forgotten(billing: Queue) -> None:
    make_case(billing, attention_at=NOW)
    make_case(billing, attention_at=NOW + MINUTE, snoozed_until=NOW + HOUR)
    make_case(billing, attention_at=NOW + 15 * MINUTE)
    make_case(billing, attention_at=NOW + 16 * MINUTE)
    make_case(billing, attention_at=NOW, status="resolved", resolved_at=NOW)
    counts = of(billing)
    assert (counts["due_soon"], counts["overdue"]) == (2, 1)


def test_the_service_level_hides_nothing(billing: Queue) -> None:
    """Whole cases, those missed without anybody having noticed too; yesterday's miss is not met by being answered today."""
    good, late, open_now, yesterdays, cancelled = (make_case(billing) for _ in range(5))
    clock(good, kind="first_response", met_at=NOW - HOUR)
    clock(late, kind="first_response", met_at=NOW - HOUR)
    clock(late, kind="update", breached_at=NOW - HOUR)
    clock(open_now, kind="resolution", due_at=NOW - MINUTE, resumed_at=NOW - HOUR)
    clock(yesterdays, kind="first_response", breached_at=NOW - timedelta(days=1), met_at=NOW - MINUTE)
    clock(cancelled, kind="first_response", breached_at=NOW - HOUR, cancelled_at=NOW)
    counts = of(billing)
    assert (counts["met"], counts["missed"]) == (1, 2)
    (stand,) = board.stands([billing], NOW)
    assert (stand.targets, stand.level) == (3, 33)


def test_where_nothing_was_due_there_is_no_level_to_be_proud_of(billing: Queue, lea: User) -> None:
    (stand,) = board.stands([billing], NOW)
    assert stand.level is None
    page = client_of(lea).get("/board/").content.decode()
    assert "nothing due yet today" in page
    assert "in time today" not in page


def test_99_and_a_half_is_not_100(billing: Queue) -> None:
    for n in range(200):
        case = make_case(billing, customer=None)
        clock(case, kind="update", **({"breached_at": NOW} if n == 0 else {"met_at": NOW}))
    (stand,) = board.stands([billing], NOW)
    assert stand.level == 99


def test_today_is_the_queues_own(billing: Queue) -> None:
    billing.calendar = publish_calendar("Tokyo", tz="Asia/Tokyo")
    billing.save()
    case = make_case(billing, promise_due_at=NOW + timedelta(hours=4))  # tomorrow in Tokyo
    promise(case, due_at=NOW, state="broken", settled_at=NOW.replace(hour=14) - timedelta(days=1))  # 23:00 there
    promise(make_case(billing), due_at=NOW, state="broken", settled_at=NOW.replace(hour=15) - timedelta(days=1))
    counts = of(Queue.objects.select_related("calendar__current").get(pk=billing.pk))
    assert (counts["promised"], counts["broken"]) == (0, 1)


def test_the_last_hour_is_drawn_by_five_minutes_and_counted_by_cases(billing: Queue) -> None:
    case, other = make_case(billing), make_case(billing)
    for ago, kind in (
        (1, "message_received"),
        (3, "message_received"),
        (58, "message_received"),
        (61, "message_received"),
    ):
        said(case, kind, NOW - ago * MINUTE)
    said(other, "message_received", NOW - MINUTE, auto=True)
    said(other, "answer_released", NOW - 2 * MINUTE)
    found = figures.of([billing], NOW)[billing.pk]
    assert found.pulse.arrived == (1, *[0] * 10, 2)
    assert found.pulse.answered == (*[0] * 11, 1)
    assert (found.counts["arrived"], found.counts["answered"]) == (1, 1)


def test_what_happened_today_is_found_by_indexes_of_it(billing: Queue) -> None:
    """However many targets were met before, and however many are overdue since."""
    long_ago = NOW - timedelta(days=30)
    rows = Case.objects.bulk_create(Case(queue=billing, subject=f"Case {n}", waiting_since=NOW) for n in range(600))
    version = SLAPolicy.objects.create(name="Then").publish(targets=[{"kind": "resolution", "minutes": 60}])
    old = {"policy_version": version, "target_seconds": 60, "started_at": long_ago, "due_at": long_ago}
    Clock.objects.bulk_create(Clock(case=row, kind="resolution", **old) for row in rows)
    Clock.objects.bulk_create(Clock(case=row, kind="update", met_at=long_ago, **old) for row in rows)
    Clock.objects.bulk_create(Clock(case=row, kind="first_response", breached_at=long_ago, **old) for row in rows)
    sql, values = figures._todays(figures.days([billing], NOW)).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE cases_clock")
        cursor.execute("SET LOCAL enable_seqscan = off")  # a test is too small
        cursor.execute(f"EXPLAIN {sql}", values)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert all(index in plan for index in ("clock_met", "clock_breached", "clock_due")), plan


# --- people


def test_people_are_shown_with_what_they_have_of_what_they_may(billing: Queue, ana: User, lee: User, lea: User) -> None:
    Queue.objects.filter(pk=billing.pk).update(assignment="least_loaded", capacity=5)
    Capacity.objects.create(user=lee, most=1)
    elsewhere = make_queue("Elsewhere", reps=[ana])
    for queue in (billing, billing, elsewhere):
        make_case(queue, assignee=ana)
    make_case(billing, assignee=lee)
    make_case(billing, assignee=lee, status="waiting_customer")
    Presence.objects.of(ana).choose("busy", by=ana)
    (stand,) = board.stands([Queue.objects.get(pk=billing.pk)], timezone.now())
    told = {p.user.username: (str(p.presence.shown), p.load, p.limit, p.is_full) for p in stand.people}
    assert told == {"ana": ("busy", 3, 5, False), "lee": ("offline", 1, 1, True), "lea": ("offline", 0, 5, False)}
    assert stand.people[0].user == ana
    assert stand.here == 1
    page = client_of(lea).get(f"/people/{ana.pk}/cases/").content.decode()
    assert page.count('<li class="case') == 2
    assert "1 more is in a queue you do not see." in page


def test_executives_who_sit_here_are_told_apart(billing: Queue, eve: User) -> None:
    billing.join(eve, mode="watch")
    (stand,) = board.stands([billing], timezone.now())
    assert [(guest.user.name, guest.mode) for guest in stand.guests] == [("Eve Moreau", "watch")]
    assert eve not in [person.user for person in stand.people]


def test_a_lead_says_for_somebody_how_they_are_there(billing: Queue, technical: Queue, ana: User, lea: User) -> None:
    page = client_of(lea, hx_request="true")
    assert "Away" in page.get(f"/people/{ana.pk}/presence/").content.decode()
    told = page.post(f"/people/{ana.pk}/presence/", {"choice": "away"})
    assert told.content.decode() == "Ana Lind is now: Away."
    assert Event.objects.get(stream="person", kind="presence_changed").actor == lea
    stranger = make_user("Sam", username="sam")
    QueueMembership.objects.create(queue=technical, user=stranger, role="rep")
    assert page.post(f"/people/{stranger.pk}/presence/", {"choice": "away"}).status_code == 404
    rep = client_of(ana, hx_request="true")
    assert rep.post(f"/people/{lea.pk}/presence/", {"choice": "away"}).status_code == 403
    assert not Presence.objects.filter(user__in=[lea, stranger], state="away").exists()


def test_a_lead_says_how_much_somebody_is_given_and_not_what_they_can_do(
    billing: Queue, technical: Queue, ana: User, lea: User
) -> None:
    page, rep = client_of(lea, hx_request="true"), client_of(ana, hx_request="true")
    told = page.post(f"/people/{ana.pk}/capacity/", {"most": "8"})
    assert told.content.decode() == "Ana Lind is given 8 cases at once."
    assert (
        'name="most" min="0" max="1000" inputmode="numeric" value="8"'
        in page.get(f"/people/{ana.pk}/presence/").content.decode()
    )
    for wrong in ("-1", "1001", "many"):
        assert page.post(f"/people/{ana.pk}/capacity/", {"most": wrong}).status_code == 409
    assert rep.post(f"/people/{lea.pk}/capacity/", {"most": "1"}).status_code == 403
    assert rep.post(f"/people/{ana.pk}/capacity/", {"most": "1"}).status_code == 403, "not of oneself either"
    assert list(Capacity.objects.values_list("user", "channel", "most")) == [(ana.pk, "", 8)]
    script = Caller(lea)
    assert script("PUT", f"people/{ana.pk}/routing/", {"skills": []}).status_code == 403
    assert script("PUT", f"people/{ana.pk}/routing/", {"capacities": [{"channel": "", "most": 3}]}).status_code == 200
    assert Capacity.objects.get(user=ana).most == 3
    page.post(f"/people/{ana.pk}/capacity/", {"most": ""})
    assert not Capacity.objects.exists()


# --- problems


def test_problems_that_burn_open_their_cases_the_worst_first(billing: Queue, technical: Queue, lea: User) -> None:
    mild, bad = (
        KnownProblem.declare(by=lea, title=t, severity=s) for t, s in (("Slow", "minor"), ("Down", "critical"))
    )
    for problem, queue in ((mild, billing), (bad, billing), (bad, billing), (bad, technical)):
        problem.link(make_case(queue), by=lea)
    done = make_case(billing)
    bad.link(done, by=lea)
    done.change_status("resolved", by=lea)
    (stand,) = board.stands([billing], timezone.now())
    assert [(fire.title, fire.level, count) for fire, count in stand.burning] == [
        ("Down", "red", 2),
        ("Slow", "calm", 1),
    ]
    page = client_of(lea).get(f"/queues/{billing.pk}/burning/{bad.pk}/").content.decode()
    assert page.count('<li class="case') == 2
    bad.close(by=lea)
    assert client_of(lea).get(f"/queues/{billing.pk}/burning/{bad.pk}/").status_code == 404


# --- the pages


def test_every_number_on_the_page_opens_as_many_cases(billing: Queue, ana: User, lea: User) -> None:
    now = timezone.now()
    case = make_case(billing, assignee=ana, waiting_since=now - HOUR, attention_at=now - MINUTE, promise_due_at=now)
    make_case(billing, waiting_since=now - HOUR)
    said(case, "message_received", now - MINUTE)
    desk = client_of(lea, hx_request="true")
    page = desk.get("/board/").content.decode()
    for name in figures.NAMES:
        count = board.stands([billing], now)[0].figures.counts[name]
        told = desk.get(f"/queues/{billing.pk}/figures/{name}/").content.decode()
        assert told.count('<li class="case') == count
        assert f"data-behind>{count}</b>" in told
        assert f'id="fig-{billing.pk}-{name}"' in page or (name in {"met", "missed"} and not count)
    assert desk.get(f"/queues/{billing.pk}/figures/nonsense/").status_code == 404


def test_a_long_list_comes_by_and_by_and_is_as_long_as_its_number(billing: Queue, lea: User) -> None:
    for _ in range(53):
        make_case(billing, customer=None, waiting_since=timezone.now())
    desk = client_of(lea, hx_request="true")
    first = desk.get(f"/queues/{billing.pk}/figures/waiting/").content.decode()
    rest = desk.get(f"/queues/{billing.pk}/figures/waiting/?start=50").content.decode()
    assert (first.count('<li class="case'), rest.count('<li class="case')) == (50, 3)


def test_one_sees_the_queues_one_leads_and_no_others(billing: Queue, technical: Queue, ana: User, lea: User) -> None:
    QueueMembership.objects.create(queue=technical, user=lea, role="rep")
    page = client_of(lea).get("/board/").content.decode()
    assert f'id="stand-{billing.pk}"' in page
    assert f'id="stand-{technical.pk}"' not in page
    assert client_of(lea).get(f"/queues/{technical.pk}/figures/waiting/").status_code == 403
    assert client_of(ana).get("/board/").status_code == 403
    assert "g b" not in client_of(ana).get(f"/queues/{billing.pk}/").content.decode().replace("(who leads)", "")
    assert live_board.may_watch_board(lea, str(billing.pk))
    assert not live_board.may_watch_board(lea, str(technical.pk))
    assert not live_board.may_watch_board(ana, str(billing.pk))
