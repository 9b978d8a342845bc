"""Bringing a returning socket up to date before it goes live: from the last ticks, else from the log; in order, paced."""

import asyncio
import logging
from collections.abc import Collection
from typing import TYPE_CHECKING

from django.db import Error as DatabaseTrouble

from crm.live import log, streams
from crm.live.frames import packets
from crm.live.sockets import Socket
from crm.live.streams import Key

if TYPE_CHECKING:
    from crm.live.hub import Hub

logger = logging.getLogger(__name__)
STEP = 500
Told = tuple[int, dict[Key, bytes], set[str]]  # position reached, fragments in order, topics that failed


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
    """The next stretch for the topics that are furthest behind. Topics may come and go while it is fetched."""
    due = {topic for topic, cursor in socket.behind.items() if cursor <= low}
    high = min([c for c in socket.behind.values() if c > low] + [hub.pos])
    told = await _from_ticks(hub, due, socket.language, low, high)
    if told is None:
        told = await hub.aside(_from_log, due, socket.language, low, high)
    reached, chunks, failed = told
    before = hub.cursor(socket.position(hub.pos))
    socket.behind.update({topic: reached for topic in due & socket.behind.keys() if socket.behind[topic] == low})
    wanted = [chunk for key, chunk in chunks.items() if key[0] in socket.topics]
    if wanted:
        for packet in packets(wanted, before, hub.cursor(socket.position(hub.pos))):
            socket.write(packet)
    if failed & socket.topics:
        hub.resync(socket, failed & socket.topics, "failed")


async def _from_ticks(hub: "Hub", due: Collection[str], language: str, low: int, high: int) -> Told | None:
    """What live sockets were told, ticks whole (a fragment that comes twice is ignored), without what is superseded."""
    ticks = hub.recent.after(low)
    if ticks is None:
        return None
    ticks = [tick for tick in ticks if tick.before < high]
    feeds = [(topic, language) for topic in due]
    if any(tick.missing(feeds) for tick in ticks):
        await hub.render(ticks, feeds)
    chunks: dict[Key, bytes] = {}
    for tick in ticks:
        for feed in feeds:
            for key, chunk in tick.parts.get(feed, {}).items():
                chunks.pop(key, None)
                chunks[key] = chunk
    return high, chunks, {topic for tick in ticks for topic in tick.failed & set(due)}


def _from_log(due: Collection[str], language: str, low: int, high: int) -> Told:
    events = log.between(low, high, STEP)
    chunks: dict[Key, bytes] = {}
    failed: set[str] = set()
    for fragment in streams.plan(events, due):
        if fragment.topic in due:
            fresh, broken = streams.encoded([fragment], language)
            chunks |= fresh
            if broken:
                failed.add(fragment.topic)
    return (events[-1].pos if len(events) == STEP else high), chunks, failed
