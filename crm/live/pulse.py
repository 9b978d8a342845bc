"""Once a second: who may still be here, who is where, and a heartbeat for whoever is due."""

import asyncio
import logging
from time import monotonic
from typing import TYPE_CHECKING

from crm.live import presence, rights
from crm.live.sockets import HEARTBEAT, Socket

if TYPE_CHECKING:
    from crm.live.hub import Hub

logger = logging.getLogger(__name__)
ALIVE_EVERY = 20  # pulses
HERE_EVERY = 5  # pulses
ASK_ALL_EVERY = 60  # pulses: whatever trigger was missed, nobody keeps a topic longer than this
ASK_EXECUTIVES_EVERY = 2  # pulses: their right is a sitting that lapses without anyone writing a row


async def pulse(hub: "Hub") -> None:
    await hub.ready.wait()
    count = 0
    while True:
        count += 1
        for part in (_beat, _check_rights, _exchange_presence, _tell_who_is_here, _keep_alive):
            try:
                await part(hub, count)
            except Exception as error:  # noqa: BLE001 - the next second is another try
                logger.warning("live: %s: %s", part.__name__, type(error).__name__)
        await asyncio.sleep(1)


async def _beat(hub: "Hub", _count: int) -> None:
    now = monotonic()
    for socket in [s for s in hub.sockets if now - s.beaten_at >= HEARTBEAT - 1]:
        socket.beat(hub.pos, hub.late())


async def _check_rights(hub: "Hub", count: int) -> None:
    sockets = list(hub.sockets)
    if not sockets:
        return
    standing = await hub.aside(rights.look, {s.user_id for s in sockets}, {s.session_key for s in sockets})
    if standing.epoch != hub.epoch:
        hub.doubted = True
    for socket in sockets:
        if socket.session_key not in standing.sessions or socket.user_id not in standing.versions:
            hub.turn_out(socket)
        elif _in_doubt(socket, standing.versions[socket.user_id], count):
            await ask_again(hub, socket, standing.versions[socket.user_id])


def _in_doubt(socket: Socket, version: int, count: int) -> bool:
    if socket.rights_version != version or count % ASK_ALL_EVERY == 0:
        return True
    return socket.role == "executive" and count % ASK_EXECUTIVES_EVERY == 0


async def ask_again(hub: "Hub", socket: Socket, version: int) -> None:
    """Rights changed: a real check of the session and of every topic. What was asked for meanwhile is not touched."""
    watched = set(socket.topics)
    kept = await hub.aside(rights.keeps, socket.session_key, watched)
    socket.rights_version = version
    if kept is None:
        hub.turn_out(socket)
    else:
        hub.lose(socket, watched - kept)


async def _exchange_presence(hub: "Hub", _count: int) -> None:
    if not hub.sockets and not hub.presence.shown:
        return
    now = monotonic()
    doing: presence.Doing = {
        (socket.id, topic): (socket.user_id, state, left)
        for socket in hub.sockets
        for topic, (state, left) in presence.states(socket, now).items()
    }
    people, lists = await hub.aside(hub.presence.exchange, doing)
    for topic in hub.presence.changes(people, lists):
        hub.tell({topic, hub.presence.lists.get(topic, topic)}, hub.presence.message(topic))


async def _tell_who_is_here(hub: "Hub", count: int) -> None:
    """Whoever came since is told of at the next pulse, so that the first page of a day finds its reader there."""
    ages = presence.ages(hub.sockets, monotonic())
    fresh = any(age < 2 and user not in hub.presence.told_of for user, age in ages.items())
    if ages and (fresh or count % HERE_EVERY == 1):
        hub.presence.told_of = set(ages)
        await hub.aside(presence.people_here.collect, ages)


async def _keep_alive(hub: "Hub", count: int) -> None:
    if count % ALIVE_EVERY == 1:
        fresh = monotonic() - presence.TTL
        pairs = {(s.user_id, topic) for s in hub.sockets if s.heard_at > fresh for topic in s.topics}
        await hub.aside(presence.keep_alive, pairs)
