"""The bell, the panel and the page of ways, and that a socket that was away learns all of it, once."""

from contextlib import suppress
from datetime import datetime, time, timedelta
from random import Random
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from cases import conversation, disturbing, news, watching
from cases.models import Case, MutedCase, Notification, NotificationSettings, Presence, Queue, QueueMembership
from cases.models.refusals import Refusal
from crm.live import log, streams, topics
from crm.models import User
from customers.models import Customer
from tests.api import Caller
from tests.builders import make_case
from tests.cases.told import bell_of, heard, number_events, signed_in, told

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(billing: Queue, carl: Customer) -> Case:
    return make_case(billing, customer=carl, channel="mail", status="open")


def name(case: Case, by: User, text: str = "@ana look") -> None:
    conversation.add_note(case, by=by, text=text)


# --- pages


def test_the_bell_counts_cases_and_opening_one_clears_it(case: Case, ana: User, lee: User) -> None:
    name(case, lee)
    name(case, lee)
    desk = signed_in(ana)
    assert bell_of(desk.get(f"/queues/{case.queue_id}/").content.decode()) == 1
    panel = desk.get("/notifications/").content.decode()
    assert f"/cases/{case.number}/" in panel
    assert "2 new" in panel
    assert "you are named" in panel
    assert bell_of(panel) == 1, "looking at the panel reads nothing"
    assert bell_of(desk.get(f"/cases/{case.number}/").content.decode()) == 0
    assert news.inbox(ana, timezone.now()).groups == []


def test_marking_read_snoozing_and_muting_from_the_panel(case: Case, ana: User, lee: User) -> None:
    name(case, lee)
    desk = signed_in(ana, htmx=True)
    assert 'data-waiting="0"' in desk.post("/notifications/read/", {"case": case.number}).content.decode()
    assert 'data-waiting="1"' in desk.post("/notifications/read/", {"case": case.number, "unread": 1}).content.decode()
    assert (
        'data-waiting="0"'
        in desk.post("/notifications/snooze/", {"case": case.number, "until": "in 1 h"}).content.decode()
    )
    assert bell_of(desk.get("/notifications/bell/").content.decode()) == 0
    assert desk.post("/notifications/snooze/", {"case": case.number, "until": "some day"}).status_code == 409
    name(case, lee, "@ana again")
    assert bell_of(desk.get("/notifications/bell/").content.decode()) == 1
    desk.post("/notifications/read/")
    assert bell_of(desk.get("/notifications/bell/").content.decode()) == 0
    desk.post(f"/cases/{case.number}/mute/")
    assert MutedCase.objects.filter(user=ana, case=case).exists()
    assert str(case.number) in desk.get("/notifications/settings/").content.decode()
    desk.post(f"/cases/{case.number}/mute/", {"off": 1})
    assert not MutedCase.objects.exists()


def test_nobody_touches_a_case_they_may_not_see(case: Case, ana: User, ben: User, lee: User) -> None:
    name(case, lee)
    desk = signed_in(ben, htmx=True)
    for path, body in [("notifications/read/", {"case": case.number}), (f"cases/{case.number}/mute/", {})]:
        assert desk.post(f"/{path}", body).status_code == 404
    assert Notification.objects.unread().count() == 1
    assert not MutedCase.objects.exists()


def test_ways_are_chosen_on_their_page(ana: User) -> None:
    desk = signed_in(ana)
    page = desk.get("/notifications/settings/").content.decode()
    assert 'value="mention:push" checked' in page
    chosen = {"ways": ["mention:panel", "following:panel", "following:mail"], "digest": "hourly", "digest_at": "07:30"}
    wrong = desk.post("/notifications/settings/", {**chosen, "quiet_from": "20:00"})
    assert wrong.status_code == 422
    assert "a beginning and an end" in wrong.content.decode()
    assert desk.post("/notifications/settings/", {**chosen, "tz": "Mars/Base"}).status_code == 422
    assert (
        desk.post("/notifications/settings/", {**chosen, "quiet_from": "20:00", "quiet_until": "07:00"}).status_code
        == 302
    )
    wants = NotificationSettings.objects.get(user=ana)
    assert (wants.ways["mention"], wants.ways["following"], wants.ways["assigned"]) == (
        ["panel"],
        ["panel", "mail"],
        [],
    )
    assert (wants.digest, f"{wants.quiet_from}", wants.heeds_presence) == ("hourly", "20:00:00", False)
    assert 'value="mention:push" checked' not in desk.get("/notifications/settings/").content.decode()


def test_who_follows_is_shown_and_the_key_is_offered(case: Case, ana: User, lee: User) -> None:
    desk = signed_in(lee)
    assert desk.post(f"/cases/{case.number}/following/").status_code == 303
    page = desk.get(f"/cases/{case.number}/").content.decode()
    assert f'data-followers="{lee.pk} "' in page
    assert "Followed by Lee Hart" in page
    assert desk.delete(f"/cases/{case.number}/following/").status_code == 303
    assert 'data-followers=""' in desk.get(f"/cases/{case.number}/").content.decode()


# --- live


def test_what_is_told_comes_with_the_event_in_ones_own_topic_alone(case: Case, ana: User, lee: User, sue: User) -> None:
    before = number_events()
    name(case, lee)
    after = number_events()
    said = {one["part"]: one for one in heard(ana, before, after) if one["part"] in {"bell", "told"}}
    assert "html" not in said["bell"], "it has the bell ask again"
    assert "Lee Hart wrote a note · you are named" in said["told"]["html"]
    assert (said["told"]["reason"], said["told"]["needs"], said["told"]["sound"]) == ("mention", True, True)
    assert [one["part"] for one in heard(sue, before, after) if one["part"] in {"bell", "told"}] == []


def test_what_ends_elsewhere_has_the_bell_ask_again(case: Case, ana: User, lee: User, sue: User) -> None:
    case.assign(ana, by=sue)
    conversation.add_inbound(case, text="Well?", sender=None, channel="mail", at=timezone.now())
    before = number_events()
    case.resolve(by=lee)
    assert [one["part"] for one in heard(ana, before, number_events()) if one["part"] != "note"] == ["bell"]
    assert news.count(ana) == 0


def test_who_lost_sight_is_told_nothing_on_return(case: Case, ana: User, lee: User) -> None:
    before = number_events()
    name(case, lee)
    QueueMembership.objects.filter(user=ana).delete()
    assert {one["part"] for one in heard(ana, before, number_events())} == {"bell", "note"}
    assert bell_of(signed_in(ana).get("/notifications/bell/").content.decode()) == 0


@pytest.mark.parametrize("seed", range(5))
def test_however_often_the_line_is_lost_each_thing_is_told_once_and_the_bell_ends_right(
    seed: int, billing: Queue, carl: Customer, ana: User, lee: User, sue: User
) -> None:
    """L4 for one's own topic: pieces of the log, some told twice, as a returning socket gets them."""
    dice = Random(seed)
    cases = [make_case(billing, f"Case {n}", customer=carl, channel="mail", status="open") for n in range(3)]
    seen: set[tuple[int, int]] = set()
    versions: dict[tuple[int, str], int] = {}
    shown, at = 0, number_events()
    for _n in range(16):
        case = dice.choice(cases)
        if dice.random() < 0.2:
            news.read(ana, at=timezone.now(), case=case)
            shown = news.count(ana)  # one's own window asks by itself
        else:
            _somebody_does(dice, case, ana, lee, sue)
        end = number_events()
        if dice.random() < 0.4:
            continue  # the line is down
        for one in heard(ana, max(0, at - dice.randint(0, 3)), end):
            key = one["case"], one["part"]
            if one["part"] not in {"told", "bell"} or one["version"] <= versions.get(key, -1):
                continue  # live/versions.js: not newer than what is shown
            versions[key] = one["version"]
            if one["part"] == "told":
                assert (one["case"], one["version"]) not in seen
                seen.add((one["case"], one["version"]))
            shown = news.count(ana) if one["part"] == "bell" else shown
        at = end
        waiting = Notification.objects.filter(user=ana).unread().select_related("case", "event")
        assert {(row.case.number, row.event.version) for row in waiting} <= seen
        assert shown == news.count(ana) == bell_of(signed_in(ana).get("/notifications/").content.decode())


def _somebody_does(dice: Random, case: Case, ana: User, lee: User, sue: User) -> None:
    does = [
        lambda: name(case, lee),
        lambda: watching.follow(case, by=ana),
        lambda: case.assign(ana, by=sue),
        lambda: case.assign(lee, by=sue),
        lambda: case.resolve(by=lee),
        lambda: case.reopen(by=lee),
    ]
    with suppress(Refusal):
        dice.choice(does)()


# --- when not to disturb


def test_quiet_hours_are_of_the_wall_clock_over_midnight_and_both_nights_of_the_clock_change(ana: User) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    wants = NotificationSettings(user=ana, quiet_from=time(22), quiet_until=time(3))
    wants.tz = "Europe/Berlin"

    def quiet(*when: int) -> bool:
        return disturbing.is_quiet(wants, datetime(*when, tzinfo=berlin))  # type: ignore[misc,arg-type]

    assert [quiet(2026, 3, 28, hour) for hour in (21, 22, 23)] == [False, True, True]
    assert [quiet(2026, 3, 29, hour) for hour in (1, 3, 4)] == [True, False, False]
    assert [quiet(2026, 10, 25, hour) for hour in (0, 2, 3)] == [True, True, False]


def test_no_sound_while_busy_or_quiet(case: Case, ana: User, lee: User) -> None:
    Presence.objects.of(ana).choose("busy", by=ana)
    name(case, lee)
    number_events()
    assert sounds(ana) is False
    wants = NotificationSettings.objects.create(user=ana, heeds_presence=False)
    assert sounds(ana) is True
    now = timezone.now()
    wants.choose(quiet_from=(now - timedelta(hours=1)).time(), quiet_until=(now + timedelta(hours=1)).time())
    assert sounds(ana) is False


def sounds(user: User) -> bool:
    """Whether the latest line they are told comes with a sound; planned afresh."""
    own = {topics.own(user.pk)}
    lines = [f for f in streams.plan(log.between(0, 10_000, 10_000), own) if f.part == "told" and f.topic in own]
    return bool(lines[-1].extra["sound"])


# --- REST


def test_the_api_tells_reads_and_sets(case: Case, ana: User, lee: User) -> None:
    name(case, lee)
    call = Caller(ana)
    (one,) = call.get("notifications/?unread=1").json()["results"]
    assert (one["case"], one["reason"], one["what"]) == (case.number, "mention", "Lee Hart wrote a note")
    assert call.post("notifications/read/", {"ids": [one["id"]]}).json() == {"read": 1, "waiting": 0}
    assert call.get("notifications/?unread=1").json()["results"] == []
    got = call.get("notifications/settings/")
    changed = call.patch(
        "notifications/settings/",
        {"ways": {"mention": ["panel"]}, "quiet_from": "20:00", "quiet_until": "07:00"},
        If_Match=got["ETag"],
    )
    assert changed.status_code == 200, changed.content
    assert changed.json()["ways"]["mention"] == ["panel"]
    assert changed.json()["ways"]["assigned"] == ["panel", "sound", "push", "mail"]
    assert call.patch("notifications/settings/", {"digest": "off"}, If_Match=got["ETag"]).status_code == 412
    assert call.patch("notifications/settings/", {"quiet_from": None}).status_code == 400
    assert call.patch("notifications/settings/", {"ways": {"whim": []}}).status_code == 400
    assert call.put(f"cases/{case.number}/following/", None).status_code == 204
    assert call.get(f"cases/{case.number}/following/").json()["results"][0]["user"] == ana.pk
    assert call.delete(f"cases/{case.number}/following/").status_code == 204
    assert told(ana) == [("mention", "note_added")]
