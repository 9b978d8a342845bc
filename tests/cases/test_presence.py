"""Who is there: said by hand, by hours, by an open console and by its silence."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from cases import presence
from cases.models import BusinessCalendar, Presence, PresenceReason, Queue
from cases.models.case import Refusal
from crm.live.streams import Happening, plan
from crm.models import Event, User
from tests.api import Caller

pytestmark = pytest.mark.django_db

NOON = datetime(2027, 3, 1, 12, 0, tzinfo=UTC)  # a Monday
MINUTE = timedelta(minutes=1)


@pytest.fixture
def lunch() -> PresenceReason:
    return PresenceReason.objects.create(name="Lunch", state="away")


def said() -> list[tuple[str, str, str, str]]:
    """What the log tells: state, what it was, why, by what way."""
    rows = Event.objects.filter(stream="person").order_by("id")
    return [(e.data["state"], e.data["was"], e.reason, e.via) for e in rows]


def silent_for(user: User, seconds: float) -> None:
    """The last word of their console is so old, by the database's own clock."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_presence SET seen_at = now() - make_interval(secs => %s) WHERE user_id = %s",
            [seconds, user.pk],
        )


# --- by hand


def test_what_is_chosen_is_told_once(ana: User, lunch: PresenceReason) -> None:
    row = Presence.objects.of(ana)
    row.choose("away", lunch, by=ana)
    row.choose("away", lunch, by=ana)
    assert str(Presence.objects.known(ana)) == "Ana Lind: Away: Lunch"
    assert said() == [("away", "offline", "chosen", "person")]
    assert Event.objects.get(stream="person").data["cause"] == lunch.pk


def test_who_says_how_they_are_while_their_console_opens_stays_so(ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """The choice falls between the look for whom nothing was said of, and what follows from it."""
    of = Presence.objects.of

    def chosen_just_before(user: User) -> Presence:
        of(user).choose("busy", by=user)
        return of(user)

    monkeypatch.setattr(type(Presence.objects), "of", lambda _objects, user: chosen_just_before(user))
    presence.heard({ana.pk: 0.0})
    assert said() == [("busy", "offline", "chosen", "person")]


def test_a_reason_belongs_to_its_state(ana: User, lunch: PresenceReason) -> None:
    row = Presence.objects.of(ana)
    with pytest.raises(Refusal, match="Lunch"):
        row.choose("busy", lunch, by=ana)
    with pytest.raises(Refusal, match="Choose online"):
        row.choose("asleep", by=ana)
    assert Presence.objects.known(ana).state == "offline"
    assert said() == []


# --- an open console and its silence


def test_opening_the_console_for_the_first_time_brings_one_online(ana: User, lee: User) -> None:
    presence.heard({ana.pk: 0.5})
    presence.heard({ana.pk: 0.5, lee.pk: 1.0})
    assert {p.user_id: p.shown for p in Presence.objects.all()} == {ana.pk: "online", lee.pk: "online"}
    assert len(said()) == 2


def test_a_console_gone_for_longer_than_the_grace_is_a_person_gone_and_coming_back_restores_them(
    ana: User, lunch: PresenceReason
) -> None:
    presence.heard({ana.pk: 0.0})
    Presence.objects.of(ana).choose("away", lunch, by=ana)
    silent_for(ana, 50)
    presence.sweep(timezone.now())
    assert Presence.objects.known(ana).shown == "away"
    silent_for(ana, 61)
    presence.sweep(timezone.now())
    presence.sweep(timezone.now())
    lost = Presence.objects.known(ana)
    assert (lost.shown, lost.words, lost.state) == ("offline", "Offline", "away")
    presence.heard({ana.pk: 0.0})
    assert Presence.objects.known(ana).words == "Away: Lunch"
    assert [why for _state, _was, why, _via in said()] == ["chosen", "chosen", "lost", "back"]


def test_a_server_whose_clock_runs_ahead_sends_nobody_home(ana: User) -> None:
    presence.heard({ana.pk: 0.0})
    presence.sweep(timezone.now() + timedelta(hours=1))
    assert Presence.objects.known(ana).shown == "online"


def test_who_is_offline_by_choice_stays_so_when_the_console_opens(ana: User) -> None:
    presence.heard({ana.pk: 0.0})
    Presence.objects.of(ana).choose("offline", by=ana)
    silent_for(ana, 3600)
    presence.sweep(timezone.now())
    presence.heard({ana.pk: 0.0})
    assert Presence.objects.known(ana).shown == "offline"


def test_what_another_program_says_needs_no_console_and_what_it_loses_is_a_console_that_opened_since(
    ana: User,
) -> None:
    Presence.objects.of(ana).choose("online", by=ana, via="api")
    presence.sweep(timezone.now())
    assert Presence.objects.known(ana).shown == "online"
    presence.heard({ana.pk: 0.0})
    silent_for(ana, 100)
    presence.sweep(timezone.now())
    assert Presence.objects.known(ana).shown == "offline"


@pytest.mark.django_db(transaction=True)
def test_a_row_that_somebody_holds_keeps_no_other_console_waiting(ana: User, lee: User) -> None:
    presence.heard({ana.pk: 0.0, lee.pk: 0.0})
    for user in (ana, lee):
        silent_for(user, 100)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT FROM cases_presence WHERE user_id = %s FOR NO KEY UPDATE", [ana.pk])
            presence.heard({ana.pk: 0.0, lee.pk: 0.0})
            held, free = Presence.objects.known(ana), Presence.objects.known(lee)
            cursor.execute("ROLLBACK")
    finally:
        other.close()
    assert held.seen_at is not None
    assert free.seen_at is not None
    assert free.seen_at - held.seen_at > timedelta(seconds=90)


# --- by hours


@pytest.fixture
def scheduled(ana: User) -> Presence:
    hours = BusinessCalendar.objects.create(name="Early shift")
    hours.publish(tz="UTC", hours={"mon": [["08:00", "13:00"]]})
    row = Presence.objects.of(ana)
    row.choose("offline", by=ana, at=NOON - timedelta(days=1))
    Presence.objects.filter(pk=row.pk).update(calendar=hours)
    return row


def hours_go_by(*times: datetime) -> list[str]:
    shown = []
    for now in times:
        presence.keep_hours(now)
        shown.append(Presence.objects.get().shown.value)
    return shown


def test_working_hours_bring_one_online_and_send_one_home(scheduled: Presence) -> None:
    morning = NOON.replace(hour=7)
    day = [morning, NOON.replace(hour=8), NOON, NOON.replace(hour=13)]
    assert hours_go_by(*day) == ["offline", "online", "online", "offline"]
    assert [line for line in said() if line[2] == "hours"] == [
        ("online", "offline", "hours", "clock"),
        ("offline", "online", "hours", "clock"),
    ]


def test_what_is_chosen_within_the_hours_stands_until_they_end(scheduled: Presence, ana: User) -> None:
    hours_go_by(NOON.replace(hour=7), NOON)
    scheduled.choose("busy", by=ana, at=NOON)
    assert hours_go_by(NOON + MINUTE, NOON.replace(hour=14)) == ["busy", "offline"]
    scheduled.choose("online", by=ana, at=NOON.replace(hour=15))
    assert hours_go_by(NOON.replace(hour=16)) == ["online"]


def test_hours_given_in_the_middle_of_a_day_change_nothing_before_they_end(scheduled: Presence, ana: User) -> None:
    scheduled.choose("online", by=ana, at=NOON)
    assert hours_go_by(NOON, NOON.replace(hour=14)) == ["online", "offline"]


def test_hours_alone_bring_nobody_to_an_empty_desk(scheduled: Presence) -> None:
    hours_go_by(NOON.replace(hour=7), NOON)
    silent_for(scheduled.user, 100)
    presence.lose_silent()
    assert Presence.objects.get().shown == "offline"


# --- who is shown it


def test_colleagues_are_told_and_strangers_are_not(billing: Queue, technical: Queue, ana: User, ben: User) -> None:
    Presence.objects.of(ana).choose("busy", by=ana)
    shown = plan([_happening()])
    assert {f.topic for f in shown} == {f"user.{ana.pk}", f"queue.{billing.pk}", f"board.{billing.pk}"}
    told = next(f for f in shown if f.topic.startswith("queue"))
    assert told.html is not None
    assert "Busy" in told.html()
    assert not Presence.objects.visible_to(ben).exists()


def _happening() -> Happening:
    event = Event.objects.filter(stream="person").latest("id")
    return Happening(**{name: getattr(event, name) for name in Happening.__dataclass_fields__})


def test_the_rail_shows_it_and_changes_it(billing: Queue, ana: User, lunch: PresenceReason) -> None:
    desk = Client(headers={"HX-Request": "true"})
    desk.force_login(ana)
    answer = desk.post("/presence/", {"choice": f"away:{lunch.pk}"})
    assert "Ana Lind · Away: Lunch" in answer.content.decode()
    page = desk.get(f"/queues/{billing.pk}/", headers={"HX-Request": ""}).content.decode()
    assert "Ana Lind · Away: Lunch" in page
    assert 'data-named="Away: Lunch" aria-pressed="true"' in page
    refused = desk.post("/presence/", {"choice": f"away:{lunch.pk + 1}"})
    assert (refused.status_code, Presence.objects.known(ana).words) == (409, "Away: Lunch")


def test_the_rail_costs_no_question_of_its_own(
    billing: Queue, ana: User, lunch: PresenceReason, django_assert_num_queries: Any
) -> None:
    Presence.objects.of(ana).choose("away", lunch, by=ana)
    desk = Client()
    desk.force_login(ana)
    with django_assert_num_queries(2):  # the session, and who asks
        desk.get("/search/")


# --- over HTTP


def test_a_lead_says_it_for_somebody_and_a_colleague_does_not(billing: Queue, ana: User, lee: User, sue: User) -> None:
    api = f"presence/{lee.pk}/"
    assert Caller(ana).put(api, {"state": "away"}).status_code == 403
    answer = Caller(sue).put(api, {"state": "away"})
    assert (answer.status_code, answer.json()["state"]) == (200, "away")
    event = Event.objects.get(stream="person")
    assert (event.actor_id, event.data["user"]) == (sue.pk, lee.pk)


def test_a_version_guards_what_one_says(billing: Queue, ana: User, lunch: PresenceReason) -> None:
    api = Caller(ana)
    version = api.put("presence/me/", {"state": "online"}).json()["version"]
    assert api.put("presence/me/", {"state": "away", "reason": lunch.pk, "version": version}).status_code == 200
    late = api.put("presence/me/", {"state": "busy", "version": version})
    assert (late.status_code, late.json()["version"]) == (409, version + 1)
    unknown = api.put("presence/me/", {"state": "away", "reason": 10**9})
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (400, "reason")
    unfit = api.put("presence/me/", {"state": "busy", "reason": lunch.pk})
    assert (unfit.status_code, unfit.json()["type"].rpartition(":")[2]) == (409, "refused")
    assert api.get("presence/me/").json()["reason"] == lunch.pk


def test_a_list_of_many_costs_what_a_list_of_one_does(
    billing: Queue, ana: User, lee: User, sue: User, django_assert_num_queries: Any
) -> None:
    api = Caller(ana)
    api.get("presence/")  # the first use of a token is noted
    for people in ([ana], [lee, sue]):
        for user in people:
            Presence.objects.of(user).choose("online", by=user)
        with django_assert_num_queries(2):
            listed = api.get("presence/").json()["results"]
    assert {row["username"] for row in listed} == {"ana", "lee", "sue"}
