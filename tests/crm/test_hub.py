"""The hub's own promises: each fragment once, gaps told, slow readers dropped, broken parts signalled."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from channels.db import database_sync_to_async as aside
from django.db import OperationalError, connection
from django.utils.translation import get_language

from cases.models import Case, Queue
from crm.live import frames, streams
from crm.live.hub import Hub, spread
from crm.live.sockets import MOST_WAITING, Socket
from crm.live.streams import Fragment
from crm.live.wire import LAST_WORDS, Packet
from crm.models import User
from tests.builders import make_case
from tests.crm.consoles import console, live

pytestmark = pytest.mark.django_db(transaction=True)


class Sink:
    """A wire that keeps what it is given, and may be stuck."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.packets: list[Packet] = []
        self.stuck, self.closed = stuck, 0

    def write(self, packet: Packet) -> None:
        self.packets.append(packet)

    def waiting(self) -> int:
        return sum(len(p.text) for p in self.packets) if self.stuck else 0

    def close(self, code: int) -> None:
        self.closed = code

    def stop(self) -> None: ...

    def said(self) -> list[dict[str, Any]]:
        return [json.loads(p.text) for p in self.packets]


def a_socket(*, stuck: bool = False, language: str = "en") -> tuple[Socket, Sink]:
    sink = Sink(stuck=stuck)
    return Socket(sink, user_id=1, role="staff", language=language, session_key="", rights_version=1), sink


@pytest.fixture
async def hub(transactional_db: None) -> AsyncIterator[Hub]:
    async with live() as running:
        yield running


@pytest.fixture
def case(billing: Queue) -> Case:
    return make_case(billing)


def test_a_frame_is_what_the_rfc_says() -> None:
    assert Packet(b"x" * 125).frame[:2] == bytes((0x81, 125))
    assert Packet(b"x" * 126).frame[:4] == b"\x81\x7e\x00\x7e"
    assert Packet(b"x" * 65_535).frame[:4] == b"\x81\x7e\xff\xff"
    assert Packet(b"x" * 65_536).frame[:10] == b"\x81\x7f" + (65_536).to_bytes(8, "big")


def test_sockets_of_one_topic_share_bytes_and_two_topics_come_as_one_message() -> None:
    (one, first), (two, second), (both, third) = a_socket(), a_socket(), a_socket()
    a, b = ("queue.1", "en"), ("case.2", "en")
    watchers = {a: {one, two, both}, b: {both}}
    frames.deliver({a: [b'{"v":1}'], b: [b'{"v":2}']}, watchers, "e:1", "e:2")
    assert first.packets[0] is second.packets[0]
    assert [said["cursor"] for said in third.said()] == ["e:2"]
    assert sorted(event["v"] for event in third.said()[0]["events"]) == [1, 2]


def test_only_the_last_message_of_a_large_tick_moves_the_cursor() -> None:
    chunk = b'{"html":"%s"}' % (b"x" * 90_000)
    told = [json.loads(p.text) for p in frames.packets([chunk] * 5, "e:1", "e:9")]
    assert [said["cursor"] for said in told] == ["e:1", "e:1", "e:9"]
    assert sum(len(said["events"]) for said in told) == 5


def test_a_reader_who_takes_nothing_is_dropped_with_4408_and_costs_a_bounded_amount() -> None:
    socket, sink = a_socket(stuck=True)
    packet = Packet(b"x" * 50_000)
    for _ in range(1000):
        socket.write(packet)
    assert sink.closed == 4408
    assert len(sink.packets) * 50_000 <= MOST_WAITING + 50_000


def test_a_heartbeat_says_how_many_messages_came_before_it() -> None:
    socket, sink = a_socket()
    socket.topics.add("me")
    socket.say({"hello": {}})
    socket.beat(7, 0.0)
    socket.say({"events": []})
    socket.beat(8, 9.0)
    assert sink.said()[1] == {"pos": 7, "sent": 1}
    assert sink.said()[3] == {"pos": 8, "sent": 3, "late": 9}


def test_no_position_is_confirmed_before_what_was_asked_for_is_granted() -> None:
    """Or a client that pings early and is cut off would return past what it never got."""
    socket, sink = a_socket()
    socket.answer(1, 99)
    socket.topics.add("me")
    socket.asking = 1
    socket.answer(2, 99)
    socket.asking = 0
    socket.behind = {"me": 40}
    socket.answer(3, 99)
    assert sink.said() == [{"pong": 1, "pos": 99}, {"pong": 2, "pos": 99}, {"pong": 3, "pos": 40, "sent": 2}]


def test_a_restart_spreads_its_sockets_over_five_seconds_and_more() -> None:
    waits = [spread(a_socket()[0].id) for _ in range(500)]
    assert max(waits) - min(waits) >= 5000
    assert len({wait // 1000 for wait in waits}) >= 6


async def test_a_change_is_rendered_once_a_topic_and_language_however_many_watch(
    hub: Hub, ana: User, lee: User, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cases import live as shown

    rendered: list[str | None] = []
    row = shown.row

    def counted(case: Case) -> str:
        rendered.append(get_language())
        return row(case)

    monkeypatch.setattr(shown, "row", counted)
    await aside(User.objects.filter(pk=lee.pk).update)(language="de")
    async with console(ana) as one, console(ana) as two, console(lee) as german:
        for socket in (one, two, german):
            await socket.watch(f"queue.{case.queue_id}")
        await aside(case.change_status)("waiting_customer", by=None)
        rows = [(await socket.events(1))[0]["html"] for socket in (one, two, german)]
    assert sorted(map(str, rendered)) == ["de", "en"]
    assert rows[0] == rows[1]


async def test_a_burst_sends_the_row_at_most_once_a_tick_but_every_thread_entry(
    hub: Hub, ana: User, case: Case
) -> None:
    def burst() -> None:
        for priority in ("high", "low") * 20:
            case.set_priority(priority, by=None)

    async with console(ana) as socket:
        await socket.watch(f"queue.{case.queue_id}", f"case.{case.number}")
        await aside(burst)()
        found: list[dict[str, Any]] = []
        while not any(e["version"] == 40 and e["part"] == "row" for e in found) or _last(found, "thread") < 40:
            found += await socket.events(1)
    assert [e["version"] for e in found if e["part"] == "thread"] == list(range(1, 41))
    rows = [e["version"] for e in found if e["part"] == "row"]
    assert rows == sorted(rows)
    assert len(rows) <= sum("events" in said for said in socket.heard)


def _last(found: list[dict[str, Any]], part: str) -> int:
    return max((e["version"] for e in found if e["part"] == part), default=0)


async def test_a_fragment_that_cannot_be_rendered_is_told_as_resync_and_the_rest_goes_on(
    hub: Hub, ana: User, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cases import live as shown

    render = shown._render

    def broken(part: str, **them: object) -> str:
        if part == "header":
            raise ValueError("a template of ours is wrong")
        return render(part, **them)

    monkeypatch.setattr(shown, "_render", broken)
    async with console(ana) as socket:
        await socket.watch(f"queue.{case.queue_id}", f"case.{case.number}")
        await aside(case.claim)(by=ana)
        told = (await socket.hear("resync"))["resync"]
        assert told == {"topics": [f"case.{case.number}"], "reason": "failed"}
    parts = {e["part"] for said in socket.heard for e in said.get("events", ())}
    assert parts == {"row", "thread"}


async def test_a_database_error_while_rendering_loses_nothing(
    hub: Hub, ana: User, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = streams.plan
    left = [2]

    def shaky(*args: Any) -> list[Fragment]:
        if left[0]:
            left[0] -= 1
            raise OperationalError("the server closed the connection")
        return plan(*args)

    monkeypatch.setattr(streams, "plan", shaky)
    async with console(ana) as socket:
        await socket.watch(f"queue.{case.queue_id}")
        await aside(case.claim)(by=ana)
        assert (await socket.events(1))[0]["version"] == 1
    assert left == [0]


async def test_the_hub_comes_back_when_its_connection_is_killed(hub: Hub, ana: User, case: Case) -> None:
    def cut() -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND application_name IN ('forefront live', 'forefront sequencer')"
            )

    async with console(ana) as socket:
        await socket.watch(f"queue.{case.queue_id}")
        await aside(cut)()
        await aside(case.claim)(by=ana)
        assert (await socket.events(1))[0]["version"] == 1


async def test_a_process_about_to_end_sends_its_sockets_away_with_a_time_to_return(
    hub: Hub, ana: User, lee: User
) -> None:
    async with console(ana) as one, console(lee) as two:
        await one.watch("me")
        hub.restart()
        assert 0 <= (await one.hear("restart"))["restart"]["after_ms"] <= 6000
        assert await one.ended() == 1012
        assert await two.ended() == 1012
        async with console(lee) as late:
            assert await late.ended() == 1012
    assert LAST_WORDS <= 5


async def test_storm_of_joins_during_ticks_misses_nothing(hub: Hub, ana: User, case: Case) -> None:
    """Sockets that come while events flow get every version exactly once, replayed or live."""
    done = asyncio.Event()

    async def write() -> None:
        for n in range(60):
            await aside(case.set_priority)("high" if n % 2 else "low", by=None)
        done.set()

    async def read(delay: float) -> list[int]:
        await asyncio.sleep(delay)
        async with console(ana) as socket:
            await socket.say(watch=[f"case.{case.number}"], since=f"{hub.epoch}:0")
            versions: list[int] = []
            while 60 not in versions:
                versions += [e["version"] for e in await socket.events(1, 8) if e["part"] == "thread"]
            return versions

    writer = asyncio.create_task(write())
    heard = await asyncio.gather(*(read(n * 0.02) for n in range(12)))
    await writer
    assert all(versions == list(range(1, 61)) for versions in heard)
