"""Who has a topic open, looks and types: seen by everyone on it, gone by itself (B3)."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest
from channels.db import database_sync_to_async as aside
from django.utils import timezone

from cases.models import Case, Queue
from crm.live import presence
from crm.live.hub import Hub
from crm.models import Presence, User
from tests.builders import make_case
from tests.crm.consoles import Console, console, live

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def hub(transactional_db: None) -> AsyncIterator[Hub]:
    async with live() as running:
        yield running


@pytest.fixture
def case(billing: Queue) -> Case:
    return make_case(billing)


async def sees(socket: Console, **expected: str) -> dict[str, Any]:
    """Wait until the topic's people are exactly these: first name → state."""

    def is_so(said: dict[str, Any]) -> bool:
        people = said.get("presence", {}).get("people")
        return people is not None and {p["name"].split()[0].lower(): p["state"] for p in people} == expected

    return (await socket.hear(is_so, 5))["presence"]


async def test_opening_looking_and_typing_are_seen_by_the_others_on_the_case(
    hub: Hub, ana: User, lee: User, case: Case
) -> None:
    topic = f"case.{case.number}"
    async with console(ana) as one, console(lee) as other:
        await one.watch(topic)
        await other.watch(topic)
        await sees(one, ana="open", lee="open")
        await other.say(viewing=topic)
        await sees(one, ana="open", lee="viewing")
        await other.say(typing=topic)
        told = await sees(one, ana="open", lee="typing")
    assert told["topic"] == topic
    assert {"id": lee.pk, "name": "Lee Hart", "role": "staff", "state": "typing"} in told["people"]


async def test_typing_lapses_unless_repeated_and_looking_goes_on(
    hub: Hub, ana: User, lee: User, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "TYPING_TTL", 1.5)
    topic = f"case.{case.number}"
    async with console(ana) as one, console(lee) as other:
        await one.watch(topic)
        await other.watch(topic)
        await other.say(typing=topic)
        await sees(one, ana="open", lee="typing")
        await sees(one, ana="open", lee="viewing")


async def test_a_list_shows_who_is_in_its_cases(hub: Hub, ana: User, lee: User, case: Case) -> None:
    async with console(ana) as lists, console(lee) as room:
        await lists.watch(f"queue.{case.queue_id}")
        await room.watch(f"case.{case.number}")
        await room.say(viewing=f"case.{case.number}")
        assert (await sees(lists, lee="viewing"))["topic"] == f"case.{case.number}"
        async with console(ana) as late:
            await late.watch(f"queue.{case.queue_id}")
            await sees(late, lee="viewing")


async def test_closing_the_window_is_seen_at_once(hub: Hub, ana: User, lee: User, case: Case) -> None:
    topic = f"case.{case.number}"
    async with console(ana) as one:
        await one.watch(topic)
        async with console(lee) as other:
            await other.watch(topic)
            await sees(one, ana="open", lee="open")
        await sees(one, ana="open")
    await asyncio.sleep(1.2)
    assert not await aside(Presence.objects.exists)()


async def test_a_closed_laptop_is_gone_when_its_time_is_up(
    hub: Hub, ana: User, lee: User, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "TTL", 2.0)
    monkeypatch.setattr(presence, "RENEW", 0.5)
    topic = f"case.{case.number}"
    async with console(ana) as one, console(lee) as laptop:
        await one.watch(topic)
        await laptop.watch(topic)
        await laptop.say(viewing=topic)
        await sees(one, ana="open", lee="viewing")
        for _ in range(3):
            await one.say(ping=1)  # this one is alive; the other says nothing any more
            await asyncio.sleep(0.8)
        await sees(one, ana="open")


async def test_a_process_that_died_leaves_nobody_behind_for_longer_than_the_ttl(
    hub: Hub, ana: User, lee: User, case: Case
) -> None:
    """What another server process wrote is shown until it expires, and no longer."""
    topic = f"case.{case.number}"
    until = timezone.now() + timedelta(seconds=2)
    await aside(Presence.objects.create)(socket="dead", topic=topic, user=lee, state="typing", expires_at=until)
    async with console(ana) as one:
        await one.watch(topic)
        await sees(one, ana="open", lee="typing")
        await sees(one, ana="open")
    assert presence.TTL <= 25


async def test_an_executive_is_marked(hub: Hub, ana: User, eve: User, case: Case, billing: Queue) -> None:
    topic = f"case.{case.number}"
    await aside(billing.join)(eve, mode="watch")
    async with console(ana) as one, console(eve) as other:
        await one.watch(topic)
        await other.watch(topic)
        people = (await sees(one, ana="open", eve="open"))["people"]
    assert [p["role"] for p in people if p["id"] == eve.pk] == ["executive"]


async def test_who_leads_and_looks_on_at_a_colleagues_case_is_told_as_that(
    hub: Hub, ana: User, sue: User, case: Case
) -> None:
    topic = f"case.{case.number}"
    await aside(case.assign)(ana, by=sue)
    async with console(ana) as one, console(sue) as other:
        await one.watch(topic)
        await other.watch(topic)
        people = (await sees(one, ana="open", sue="open"))["people"]
        assert {p["name"]: p["role"] for p in people} == {"Ana Lind": "staff", "Sue Park": "supervisor"}


async def test_two_windows_are_one_person_in_their_strongest_state(hub: Hub, ana: User, lee: User, case: Case) -> None:
    topic = f"case.{case.number}"
    async with console(ana) as one, console(lee) as first, console(lee) as second:
        for socket in (one, first, second):
            await socket.watch(topic)
        await first.say(viewing=topic)
        await second.say(typing=topic)
        await sees(one, ana="open", lee="typing")


async def test_nobody_can_be_present_where_they_may_not_look(hub: Hub, ana: User, ben: User, case: Case) -> None:
    topic = f"case.{case.number}"
    async with console(ana) as one, console(ben) as stranger:
        await one.watch(topic)
        await sees(one, ana="open")
        await stranger.say(watch=[topic])
        await stranger.hear("refused")
        await stranger.say(typing=topic)
        await stranger.say(viewing=f"queue.{case.queue_id}")
        await asyncio.sleep(1.3)
        assert not await aside(Presence.objects.filter(user=ben).exists)()
        assert not any("presence" in said for said in stranger.heard)


async def test_presence_is_told_at_most_once_a_second_a_topic(hub: Hub, ana: User, lee: User, case: Case) -> None:
    topic = f"case.{case.number}"
    async with console(ana) as one, console(lee) as other:
        await one.watch(topic)
        await other.watch(topic)
        started = monotonic()
        for state in ("viewing", "typing") * 8:
            await other.say(**{state: topic})
            await asyncio.sleep(0.1)
        spent = monotonic() - started
        await one.say(ping=1)
        await one.hear("pong")
        assert sum("presence" in said for said in one.heard) <= spent + 2
