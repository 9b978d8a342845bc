"""Bringing a returning socket up to date before it goes live: from the ring, then from the log, in order, paced."""

import asyncio
import logging
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from django.db import Error as DatabaseTrouble

from crm.live import log, streams
from crm.live.frames import packets
from crm.live.sockets import Socket
from crm.live.streams import Happening

if TYPE_CHECKING:
    from crm.live.hub import Hub

logger = logging.getLogger(__name__)
STEP = 500


async def catch_up(hub: "Hub", socket: Socket) -> None:
    """Until nothing is missing at the very moment the socket joins: between that look and joining nothing is awaited,
    and the hub moves `pos` in the step that writes."""
    while not socket.closed:
        low = socket.position(hub.pos)
        if low >= hub.pos:
            _go_live(hub, socket)
            return
        try:
            async with hub.admissions:
                await _step(hub, socket, low)
        except DatabaseTrouble:
            await asyncio.sleep(0.3)
        except Exception:
            logger.exception("live: catching up failed")
            socket.behind = dict.fromkeys(socket.behind, hub.pos)
            hub.resync(socket, socket.topics, "failed")
        await socket.drained()


def _go_live(hub: "Hub", socket: Socket) -> None:
    hub.join(socket)
    socket.beat(hub.pos, hub.late())
    for topic in {seen for t in socket.topics for seen in hub.presence.seen_on(t)}:
        socket.say(hub.presence.message(topic))


async def _step(hub: "Hub", socket: Socket, low: int) -> None:
    """The next stretch for the topics that are furthest behind. Topics may come and go while the database is asked."""
    due = {topic for topic, cursor in socket.behind.items() if cursor <= low}
    high = min([c for c in socket.behind.values() if c > low] + [hub.pos])
    events = hub.ring.after(low, STEP)
    if events is None:
        events = await hub.aside(log.between, low, high, STEP)
    events = [event for event in events if event.pos <= high]
    reached = events[-1].pos if len(events) == STEP else high
    chunks, failed = await hub.aside(_render, events, due, socket.language)
    before = hub.cursor(socket.position(hub.pos))
    socket.behind.update({topic: reached for topic in due & socket.behind.keys() if socket.behind[topic] == low})
    wanted = [chunk for topic, chunk in chunks if topic in socket.topics]
    if wanted:
        for packet in packets(wanted, before, hub.cursor(socket.position(hub.pos))):
            socket.write(packet)
    if failed & socket.topics:
        hub.resync(socket, failed & socket.topics, "failed")


def _render(
    events: Sequence[Happening], due: Collection[str], language: str
) -> tuple[list[tuple[str, bytes]], set[str]]:
    chunks: list[tuple[str, bytes]] = []
    failed: set[str] = set()
    for fragment in streams.plan(events, due):
        if fragment.topic in due:
            encoded, broken = streams.encoded([fragment], language)
            chunks.extend((fragment.topic, chunk) for chunk in encoded)
            if broken:
                failed.add(fragment.topic)
    return chunks, failed
