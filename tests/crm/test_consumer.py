"""What the socket grants, refuses and takes back (interfaces: Socket; L5, L41, L42)."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from channels.db import database_sync_to_async as aside
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from cases.models import Case, Queue, QueueMembership, QueueSession
from crm.live import hub as hubs
from crm.live import log, rights, topics
from crm.live.hub import Hub
from crm.models import Installation, User
from tests.builders import make_case
from tests.crm.consoles import console, knock, live, signed_in

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def hub(transactional_db: None) -> AsyncIterator[Hub]:
    async with live() as running:
        yield running


@pytest.fixture
def case(billing: Queue) -> Case:
    return make_case(billing)


@pytest.fixture
def foreign(technical: Queue) -> Case:
    return make_case(technical)


async def test_hello_says_where_the_log_stands(hub: Hub, ana: User) -> None:
    async with console(ana) as socket:
        hello = (await socket.hear("hello"))["hello"]
    assert hello == {"epoch": hub.epoch, "pos": 0, "build": "dev", "heartbeat": 10.0, "me": ana.pk}


async def test_a_change_reaches_whoever_watches_the_queue_or_the_case_once(
    hub: Hub, ana: User, lee: User, case: Case
) -> None:
    async with console(ana) as lists, console(lee) as room:
        await lists.watch(f"queue.{case.queue_id}")
        await room.watch(f"case.{case.number}", "me")
        await aside(case.claim)(by=lee)
        (row,) = await lists.events(1)
        entry, header = await room.events(2)
        assert await lists.nothing()
    assert (row["topic"], row["case"], row["part"], row["version"]) == (f"queue.{case.queue_id}", case.number, "row", 1)
    assert f'data-assignee="{lee.pk}"' in row["html"]
    assert (entry["part"], entry["version"], entry["kind"]) == ("thread", 1, "claimed")
    assert (header["part"], header["version"]) == ("header", 1)


async def test_a_foreign_topic_is_refused_and_the_socket_stays(hub: Hub, ana: User, case: Case, foreign: Case) -> None:
    async with console(ana) as socket:
        await socket.say(watch=[f"queue.{foreign.queue_id}", f"case.{foreign.number}", f"case.{case.number}"])
        refused = await socket.hear("refused")
        await socket.hear("watching")
        await aside(foreign.change_status)("open", by=None)
        await aside(case.claim)(by=ana)
        heard = await socket.events(2)
    assert refused == {"refused": [f"queue.{foreign.queue_id}", f"case.{foreign.number}"]}
    assert {event["case"] for event in heard} == {case.number}
    assert str(foreign.number) not in str(socket.heard[-1])


@pytest.mark.parametrize(
    "name",
    ["user.1", "case.", "case.x", "case.99999999999999999999999999", "queue.0", "nothing.1", "", "me.1", "case.1 "],
)
async def test_what_is_no_topic_is_refused(hub: Hub, ana: User, name: str) -> None:
    async with console(ana) as socket:
        await socket.say(watch=[name])
        await socket.hear("refused")
        assert next(iter(hub.sockets)).topics == set()


async def test_the_signed_out_are_closed_with_4401_before_anything_is_looked_up(
    hub: Hub, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    signed_in_as = rights.signed_in
    monkeypatch.setattr(rights, "signed_in", lambda key: asked.append(key) or signed_in_as(key))
    monkeypatch.setattr(topics, "allowed", lambda *_args: pytest.fail("looked up"))
    async with console(None) as socket:
        assert await socket.ended() == 4401
    assert asked == []
    async with console(None, key="a-key-nobody-has") as socket:
        await socket.say(watch=[f"case.{case.number}"])
        assert await socket.ended() == 4401
    assert asked == ["a-key-nobody-has"]
    assert not hub.sockets


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://testserver.evil.example",
        "http://testserver:81",
        "https://testserver",
        "null",
        "http://eviltestserver",
    ],
)
async def test_a_foreign_origin_opens_no_socket(hub: Hub, ana: User, origin: str) -> None:
    _, accepted = await knock(await signed_in(ana), origin=origin)
    assert not accepted
    assert not hub.sockets


async def test_a_program_names_no_origin_and_needs_a_session_like_everyone(hub: Hub, ana: User) -> None:
    socket, accepted = await knock(await signed_in(ana), origin="")
    assert accepted
    assert "hello" in (await socket.receive_output(3))["text"]
    await socket.send_input({"type": "websocket.disconnect", "code": 1000})
    await socket.wait(3)


async def test_a_host_we_are_not_opens_no_socket(hub: Hub, ana: User) -> None:
    _, accepted = await knock(await signed_in(ana), host="evil.example", origin="http://evil.example")
    assert not accepted


async def test_junk_is_answered_in_words_and_harms_nobody(hub: Hub, ana: User, case: Case) -> None:
    async with console(ana) as socket:
        junk = [
            "",
            "{",
            "[]",
            "7",
            "null",
            '"watch"',
            "[" * 5000,
            '{"watch": 7}',
            '{"watch": [1, {}, null]}',
            '{"typing": []}',
        ]
        for text in junk:
            await socket.send(text)
        await socket.send(b"\x00\xff")
        await socket.say(watch=["me"], since={"not": "a cursor"})
        assert (await socket.hear("resync"))["resync"] == {"topics": ["me"], "reason": "cursor"}
        await socket.say(ping=[1, {"any": "thing"}])
        assert (await socket.hear("pong"))["pong"] == [1, {"any": "thing"}]
    assert sum("error" in said for said in socket.heard) == 8


async def test_a_message_too_big_or_too_many_ends_that_socket_only(hub: Hub, ana: User, lee: User) -> None:
    async with console(ana) as big, console(lee) as other:
        await big.say(watch=["x" * 70_000])
        assert await big.ended() == 1009
        for _ in range(101):
            await other.say(ping=1)
        assert await other.ended() == 1008


# --- coming back


async def test_a_returning_socket_gets_what_it_missed_in_order_then_goes_live(
    hub: Hub, ana: User, lee: User, case: Case
) -> None:
    since = await aside(log.position)()
    for kind in ("high", "low", "urgent"):
        await aside(case.set_priority)(kind, by=lee)
    await aside(case.claim)(by=lee)
    async with console(ana) as socket:
        await _number(4)
        await socket.say(watch=[f"case.{case.number}"], since=since)
        missed = await socket.events(5)
        await aside(case.release)(by=lee)
        later = await socket.events(2)
    assert [e["version"] for e in missed if e["part"] == "thread"] == [1, 2, 3, 4]
    assert [e["version"] for e in missed if e["part"] == "header"] == [4]
    assert [e["version"] for e in later if e["part"] == "thread"] == [5]


async def test_watching_more_from_an_older_cursor_never_moves_the_cursor_past_what_is_missing(
    hub: Hub, ana: User, lee: User, billing: Queue
) -> None:
    one, two = await aside(make_case)(billing), await aside(make_case)(billing)
    since = await aside(log.position)()
    await aside(two.claim)(by=lee)
    async with console(ana) as socket:
        await _number(1)
        await socket.watch(f"case.{one.number}")
        await socket.say(watch=[f"case.{two.number}"], since=since)
        assert (await socket.hear("watching"))["cursor"] == since
        assert {e["case"] for e in await socket.events(2)} == {two.number}
        await aside(one.claim)(by=lee)
        assert {e["case"] for e in await socket.events(2)} == {one.number}


async def test_unwatched_topics_fall_silent(hub: Hub, ana: User, case: Case) -> None:
    async with console(ana) as socket:
        await socket.watch(f"case.{case.number}", "me")
        await socket.say(unwatch=[f"case.{case.number}"])
        await socket.say(ping=1)
        await socket.hear("pong")
        await aside(case.claim)(by=ana)
        assert await socket.nothing()


async def test_a_cursor_of_another_epoch_or_from_the_future_gets_resync(hub: Hub, ana: User, case: Case) -> None:
    async with console(ana) as socket:
        for cursor in (f"{uuid.uuid4()}:0", f"{hub.epoch}:99", "nonsense", f"{hub.epoch}:-1", ":", f"{hub.epoch}:1e9"):
            await socket.say(watch=["me"], since=cursor)
            said = await socket.hear("resync")
            assert said["resync"]["topics"] == ["me"]
            assert said["cursor"] == f"{hub.epoch}:0"


async def test_a_cursor_a_hundred_thousand_events_behind_gets_resync(
    hub: Hub, ana: User, lee: User, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "MOST_BEHIND", 3)
    for kind in ("high", "low", "urgent", "normal"):
        await aside(case.set_priority)(kind, by=lee)
    async with console(ana) as socket:
        await _number(4)
        hub.recent.clear()
        await socket.say(watch=["me"], since=f"{hub.epoch}:0")
        assert (await socket.hear("resync"))["resync"]["reason"] == "behind"
        await socket.say(watch=[f"case.{case.number}"], since=f"{hub.epoch}:1")
        assert [e["version"] for e in await socket.events(4) if e["part"] == "thread"] == [2, 3, 4]


async def test_a_cursor_seven_days_old_gets_resync_but_imported_history_is_no_sign_of_age(
    hub: Hub, ana: User, case: Case
) -> None:
    old = timezone.now() - timedelta(days=8)
    async with console(ana) as socket:
        await aside(case.set_priority)("high", by=None, at=old, via="import")
        await _number(1)
        await socket.watch(f"case.{case.number}", since=f"{hub.epoch}:0")
        assert not any("resync" in said for said in socket.heard)
        await aside(case.set_priority)("low", by=None, at=old)
        await _number(2)
        await socket.say(watch=["me"], since=f"{hub.epoch}:0")
        assert (await socket.hear("resync"))["resync"]["reason"] == "age"


async def test_a_renewed_epoch_tells_every_open_socket_within_seconds(hub: Hub, ana: User, case: Case) -> None:
    async with console(ana) as socket:
        await socket.watch(f"case.{case.number}", "me")
        fresh = uuid.uuid4()
        await aside(Installation.objects.update)(epoch=fresh)
        said = await socket.hear("resync")
        assert said["resync"]["topics"] == [f"case.{case.number}", "me"]
        assert said["cursor"].startswith(str(fresh))
        await aside(case.claim)(by=ana)
        assert await socket.events(2)


# --- losing a right (L41: within two seconds)


async def test_whoever_leaves_the_queue_loses_its_topics_and_keeps_their_own(hub: Hub, ana: User, case: Case) -> None:
    async with console(ana) as socket:
        await socket.watch(f"queue.{case.queue_id}", f"case.{case.number}", "me")
        await aside(QueueMembership.objects.filter(user=ana).delete)()
        assert (await socket.hear("refused", 2))["refused"] == [f"case.{case.number}", f"queue.{case.queue_id}"]
        await aside(case.change_status)("open", by=None)
        assert await socket.nothing()


async def test_nothing_left_to_see_closes_with_4403(hub: Hub, ana: User, case: Case) -> None:
    async with console(ana) as socket:
        await socket.watch(f"queue.{case.queue_id}")
        await aside(QueueMembership.objects.filter(user=ana).delete)()
        assert await socket.ended(2) == 4403


async def test_signing_out_closes_that_session_only(hub: Hub, ana: User) -> None:
    async with console(ana) as here, console(ana) as there:
        await here.watch("me")
        await there.watch("me")
        await aside(Session.objects.filter(pk=here.session_key).delete)()
        assert await here.ended(2) == 4401
        await there.say(ping=1)
        assert await there.hear("pong")


async def test_an_expired_session_closes_its_socket(hub: Hub, ana: User) -> None:
    async with console(ana) as socket:
        await socket.watch("me")
        await aside(Session.objects.update)(expire_date=timezone.now())
        assert await socket.ended(2) == 4401


@pytest.mark.parametrize("change", [{"is_active": False}, {"password": "another hash"}])
async def test_a_disabled_user_or_a_new_password_closes_every_socket_of_theirs(
    hub: Hub, ana: User, change: dict[str, object]
) -> None:
    async with console(ana) as socket:
        await socket.watch("me")
        await aside(User.objects.filter(pk=ana.pk).update)(**change)
        assert await socket.ended(2) == 4401


async def test_a_case_moved_out_of_sight_is_refused_before_its_move_is_shown(
    hub: Hub, ana: User, lee: User, case: Case, technical: Queue
) -> None:
    async with console(ana) as socket:
        await socket.watch(f"queue.{case.queue_id}", f"case.{case.number}")
        await aside(case.transfer)(technical, by=lee)
        assert (await socket.hear("refused"))["refused"] == [f"case.{case.number}"]
        (gone,) = await socket.events(1)
    assert (gone["topic"], gone["gone"], gone["version"]) == (f"queue.{gone['topic'][6:]}", True, 1)
    assert "html" not in gone


async def test_an_executive_sees_a_queue_only_while_sitting_in_it(hub: Hub, eve: User, billing: Queue) -> None:
    queue = billing
    async with console(eve) as socket:
        await socket.say(watch=[f"queue.{queue.pk}"])
        await socket.hear("refused")
        await aside(queue.join)(eve, mode="watch")
        await socket.watch(f"queue.{queue.pk}", "me")
        lapsed = timezone.now() - timedelta(minutes=5)
        await aside(QueueSession.objects.update)(seen_at=lapsed)
        assert (await socket.hear("refused", 4))["refused"] == [f"queue.{queue.pk}"]


async def test_an_open_console_keeps_the_sitting_alive(hub: Hub, eve: User, billing: Queue) -> None:
    from cases.live import keep_sittings

    await aside(billing.join)(eve, mode="work", at=timezone.now() - timedelta(seconds=60))
    await aside(keep_sittings)([(eve.pk, str(billing.pk))])
    session = await aside(QueueSession.objects.get)()
    assert timezone.now() - session.seen_at < timedelta(seconds=5)


async def _number(how_many: int) -> None:
    """Wait until so many events have their number and the hub has read them: before that, a cursor misses nothing."""
    for _ in range(100):
        if hubs.hub().pos >= how_many:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("no numbers")


def test_the_cast_is_signed_in_by_django_itself(ana: User) -> None:
    client = Client()
    client.force_login(ana)
    assert client.session[SESSION_KEY] == str(ana.pk)
