"""Every few seconds: does anything stand still? What is found goes to every open console of this process at once."""

import asyncio
import logging
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from django.db import Error as DatabaseTrouble
from django.utils import timezone

from crm import stalls
from crm.live.sockets import Socket
from crm.live.streams import as_json
from crm.live.wire import Packet
from crm.stalls import Stall

if TYPE_CHECKING:
    from crm.live.hub import Hub

logger = logging.getLogger(__name__)
EVERY = 2.5
ANSWER = 8.0  # seconds; a database that takes longer has the consoles' attention
AGAIN = 15.0  # the same things with other counts: told no more often


class Watcher:
    """One hub's view of what stands still, and who was told."""

    def __init__(self) -> None:
        self.found: tuple[Stall, ...] | None = None  # None: not looked yet
        self._told_at = 0.0
        self._watch = stalls.Watch(timezone.now())
        self._answered_at = timezone.now()
        self._asking: asyncio.Future[tuple[Stall, ...]] | None = None

    async def run(self, hub: "Hub") -> None:
        while True:
            try:
                self.learn(hub, await self._look(hub))
            except Exception as error:  # noqa: BLE001 - the next look is another try
                logger.warning("live: watch: %s", type(error).__name__)
            await asyncio.sleep(EVERY)

    async def _look(self, hub: "Hub") -> tuple[Stall, ...]:
        """One question at a time: a database that hangs must not collect them."""
        now = timezone.now()
        if self._asking is None or self._asking.done():
            self._asking = asyncio.ensure_future(hub.aside(self._watch.look, now))
        try:
            found = await asyncio.wait_for(asyncio.shield(self._asking), ANSWER)
        except (DatabaseTrouble, TimeoutError):
            return stalls.no_database(self._answered_at) if self._is_overdue(timezone.now()) else self.found or ()
        self._answered_at = now
        return found

    def _is_overdue(self, now: datetime) -> bool:
        return now - self._answered_at > timedelta(seconds=ANSWER)

    def learn(self, hub: "Hub", found: tuple[Stall, ...]) -> None:
        """Keep it for the pages; tell everybody when it is news."""
        news = self.found is None or _names(found) != _names(self.found)
        if news or (found != self.found and monotonic() - self._told_at > AGAIN):
            self.found, self._told_at = found, monotonic()
            self.tell(list(hub.sockets))
        stalls.keep(found)

    def tell(self, sockets: list[Socket]) -> None:
        """One message for each language."""
        if self.found is None:
            return
        made: dict[str, Packet] = {}
        for socket in sockets:
            if socket.language not in made:
                made[socket.language] = Packet(as_json({"health": stalls.told(self.found, socket.language)}))
            socket.write(made[socket.language])


def _names(found: tuple[Stall, ...]) -> list[tuple[str, str]]:
    return [(stall.kind, stall.subject) for stall in found]
