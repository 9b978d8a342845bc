"""One hub a server process: follows the numbered log, renders each change once, writes it to every socket it is for."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import ParamSpec, TypeVar
from weakref import WeakKeyDictionary

import psycopg
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.db import close_old_connections
from django.utils import timezone
from psycopg.rows import TupleRow

from crm.live import log, streams, topics
from crm.live.catchup import catch_up
from crm.live.database import LIVE_CHANNEL, parameters
from crm.live.frames import Feed, deliver
from crm.live.presence import Presence
from crm.live.pulse import pulse
from crm.live.recent import Recent, Tick
from crm.live.sockets import HEARTBEAT, NOTHING_LEFT, RESTARTING, SIGNED_OUT, Socket
from crm.live.streams import Happening
from crm.live.watch import Watcher
from crm.live.wire import Packet
from crm.models import User

logger = logging.getLogger(__name__)
P = ParamSpec("P")
R = TypeVar("R")
Connection = psycopg.AsyncConnection[TupleRow]

TICK = 200  # events a tick takes at most
POLL = 0.08  # how long unannounced numbers wait at most
ANSWER = 5.0  # a database that does not answer a read for so long is another's problem: connect again
RETURN_WITHIN = 6.0  # seconds over which a restart spreads its sockets


class Hub:
    """All state is touched on the event loop only. `pos` is what every live socket has been given; it moves in the same
    step that writes, so a socket that joins in between has either all of a tick or none."""

    def __init__(self) -> None:
        self.epoch = ""
        self.pos = 0
        self.read_at = monotonic()
        self.sockets: set[Socket] = set()
        self.watchers: dict[Feed, set[Socket]] = {}
        self.recent = Recent()
        self.presence = Presence()
        self.watcher = Watcher()
        self.ready = asyncio.Event()
        self.is_ending = False
        self.doubted = False  # somebody saw another epoch: settle before the next read
        # A storm of returning sockets must not starve the pages: few are looked at and caught up at a time.
        self.door = asyncio.Semaphore(1)
        self.admissions = asyncio.Semaphore(2)
        self._tick_thread = ThreadPoolExecutor(1, "live-tick")
        self._side_threads = ThreadPoolExecutor(2, "live-side")
        self._tasks: list[asyncio.Task[None]] = []

    # --- its life

    def start(self) -> None:
        """Begin to follow the log; again changes nothing."""
        if not self._tasks:
            loop = asyncio.get_running_loop()
            self._tasks = [loop.create_task(work) for work in (self._follow(), pulse(self), self.watcher.run(self))]

    async def is_ready(self) -> bool:
        """Whether the log has been found; waits a little for it."""
        try:
            async with asyncio.timeout(ANSWER):
                await self.ready.wait()
        except TimeoutError:
            return False
        return True

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tick_thread.shutdown(wait=False, cancel_futures=True)
        self._side_threads.shutdown(wait=False, cancel_futures=True)

    async def aside(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run what asks the database beside the ticks, in a thread that leaves no connection behind."""
        return await self._in(self._side_threads, function, *args, **kwargs)

    async def at_the_door(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The same for who comes in: one at a time, and then the door stays shut twice as long as it took. So most of
        this process is left for its pages, however many come at once."""
        async with self.door:
            began = monotonic()
            try:
                return await self.aside(function, *args, **kwargs)
            finally:
                await asyncio.sleep(min(0.02, 2 * (monotonic() - began)))

    async def _in(self, threads: ThreadPoolExecutor, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        def tidy() -> R:
            close_old_connections()
            try:
                return function(*args, **kwargs)
            finally:
                close_old_connections()

        return await asyncio.get_running_loop().run_in_executor(threads, tidy)

    # --- following the log

    async def _follow(self) -> None:
        while True:
            try:
                known = await asyncio.to_thread(parameters, "live")
                async with await psycopg.AsyncConnection.connect(**known) as conn:
                    await self._settle(conn)
                    while True:
                        await self._step(conn)
            except (psycopg.Error, DatabaseTrouble, OSError, TimeoutError) as error:
                logger.warning("live: %s; connecting again", type(error).__name__)
            except Exception:
                logger.exception("live: the hub stumbled; connecting again")
            await asyncio.sleep(0.2)

    async def _settle(self, conn: Connection) -> None:
        """Where the log stands as we (re)connect. Another epoch, or a log shorter than ours, is another history."""
        self.doubted = False
        await conn.execute(f"LISTEN {LIVE_CHANNEL}")
        async with asyncio.timeout(ANSWER):
            epoch, pos = await log.where_we_are(conn)
        if not self.ready.is_set():
            self.epoch, self.pos = epoch, pos
            self.ready.set()
        elif epoch != self.epoch or pos < self.pos:
            self.begin_again(epoch, pos)

    async def _step(self, conn: Connection) -> None:
        if self.doubted:
            await self._settle(conn)
        async with asyncio.timeout(ANSWER):
            events = await log.after(conn, self.pos, TICK)
        self.read_at = monotonic()
        if not events:
            async for _notice in conn.notifies(timeout=POLL, stop_after=1):
                break
        elif events[0].pos != self.pos + 1:
            self.begin_again(self.epoch, events[-1].pos)
        else:
            await self._tick(events)

    async def _tick(self, events: Sequence[Happening]) -> None:
        tick = Tick(self.pos, events)
        if self.sockets:
            await self._ask_again(await self._in(self._tick_thread, tick.plan))
            # Whoever begins to watch while something is rendered counts too.
            while missing := tick.missing(self.watchers):
                await self.render([tick], missing)
        before, self.pos = self.cursor(), tick.after
        self.recent.add(tick)
        deliver(tick.said(self.watchers), self.watchers, before, self.cursor())
        for socket in [s for s in self.sockets if s.live and tick.failed & s.topics]:
            self.resync(socket, tick.failed & socket.topics, "failed")

    async def render(self, ticks: Sequence[Tick], feeds: Sequence[Feed]) -> None:
        """Make sure that what these feeds show of these ticks is rendered; one thread does it, so nothing is done twice."""

        def all_of_them() -> None:
            for tick in ticks:
                tick.render(feeds)

        await self._in(self._tick_thread, all_of_them)

    async def _ask_again(self, asked: set[str]) -> None:
        """Some topics' readers may have changed with these very events: ask before showing them anything."""
        for socket in [s for s in self.sockets if asked & s.topics]:
            kept = await self.aside(_still, socket.user_id, asked & socket.topics)
            self.lose(socket, (asked & socket.topics) - kept)

    def why_not(self, since: tuple[str, int] | None) -> str | None:
        """Why a cursor cannot be continued, "" when it can, None when only the database can tell."""
        if since is None or since[0] != self.epoch:
            return "epoch" if since else "cursor"
        if since[1] == self.pos:
            return ""
        missed = self.recent.first_after(since[1])
        return None if missed is None else ("age" if log.is_old(missed, timezone.now()) else "")

    def cursor(self, pos: int | None = None) -> str:
        return log.as_cursor(self.epoch, self.pos if pos is None else pos)

    def late(self) -> float:
        """Seconds since the log was last read: more than a few, and nobody here is live."""
        return monotonic() - self.read_at

    # --- sockets

    def admit(self, socket: Socket) -> None:
        """A process that is about to end takes nobody in."""
        self.sockets.add(socket)
        hello = {"epoch": self.epoch, "pos": self.pos, "build": settings.BUILD, "heartbeat": HEARTBEAT}
        socket.say({"hello": {**hello, "me": socket.user_id}})
        self.watcher.tell([socket])
        if self.is_ending:
            self._send_back(socket)

    def leave(self, socket: Socket) -> None:
        self._unwatch(socket)
        self.sockets.discard(socket)
        socket.closed = True
        socket.wire.stop()
        if socket.catching_up:
            socket.catching_up.cancel()

    def watch(self, socket: Socket, granted: Collection[str], since: int | None) -> None:
        """Add topics to what a socket watches, from `since` on. Its cursor goes back that far, for all its topics: one
        cursor a socket, which is always safe to return with."""
        here = socket.position(self.pos)
        self._unwatch(socket)
        socket.topics.update(granted)
        socket.behind = {t: socket.behind.get(t, here) for t in socket.topics}
        socket.behind.update(dict.fromkeys(granted, self.pos if since is None else since))
        watching = [topics.outside(t) for t in granted]
        socket.say({"watching": watching, "cursor": self.cursor(socket.position(self.pos))})
        if socket.catching_up is None or socket.catching_up.done():
            socket.catching_up = asyncio.get_running_loop().create_task(catch_up(self, socket))

    def unwatch(self, socket: Socket, dropped: Iterable[str]) -> None:
        was_live = socket.live
        self._unwatch(socket)
        socket.topics.difference_update(dropped)
        socket.behind = {t: c for t, c in socket.behind.items() if t in socket.topics}
        if was_live:
            self.join(socket)

    def join(self, socket: Socket) -> None:
        """From here on a socket gets every tick. It has everything up to `pos`."""
        socket.live, socket.behind = True, {}
        for topic in socket.topics:
            self.watchers.setdefault((topic, socket.language), set()).add(socket)

    def _unwatch(self, socket: Socket) -> None:
        socket.live = False
        for topic in socket.topics:
            feed = (topic, socket.language)
            held = self.watchers.get(feed)
            if held is not None:
                held.discard(socket)
                if not held:
                    del self.watchers[feed]

    def lose(self, socket: Socket, lost: Collection[str]) -> None:
        """The person may no longer see these: say so, and stop."""
        if not lost or socket.closed:
            return
        self.unwatch(socket, lost)
        socket.say({"refused": sorted(topics.outside(t) for t in lost)})
        if not socket.topics:
            self.turn_out(socket, NOTHING_LEFT)

    def turn_out(self, socket: Socket, code: int = SIGNED_OUT) -> None:
        self._unwatch(socket)
        self.sockets.discard(socket)
        socket.close(code)

    def resync(self, socket: Socket, lost: Iterable[str], reason: str) -> None:
        """What happened in between cannot be told any more: fetch these afresh."""
        names = sorted(topics.outside(t) for t in lost)
        socket.say({"resync": {"topics": names, "reason": reason}, "cursor": self.cursor(socket.position(self.pos))})

    def begin_again(self, epoch: str, pos: int) -> None:
        """Another history (a restore): every cursor is void."""
        self.epoch, self.pos = epoch, pos
        self.recent.clear()
        for socket in self.sockets:
            socket.behind = dict.fromkeys(socket.behind, pos)
            self.resync(socket, socket.topics, "epoch")

    def tell(self, names: Iterable[str], message: dict[str, object]) -> None:
        """One message to every live socket that watches any of these topics."""
        wanted = set(names)
        packet: Packet | None = None
        for socket in self.sockets:
            if socket.topics & wanted:
                packet = packet or Packet(streams.as_json(message))
                socket.write(packet)

    def restart(self) -> None:
        """The process is about to end: come back, but not all at once."""
        self.is_ending = True
        for socket in list(self.sockets):
            self._send_back(socket)

    def _send_back(self, socket: Socket) -> None:
        socket.say({"restart": {"after_ms": spread(socket.id)}})
        socket.close(RESTARTING)


def spread(name: str) -> int:
    """Milliseconds to wait, evenly spread over RETURN_WITHIN by the socket's random name."""
    return int(int(name[:8], 16) / 0xFFFFFFFF * RETURN_WITHIN * 1000)


def _still(user_id: int, asked: Collection[str]) -> set[str]:
    user = User.objects.filter(pk=user_id).first()
    return topics.allowed(user, asked) if user else set()


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of this event loop, started."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
    found.start()
    return found


async def close() -> None:
    """End this loop's hub, if it has one."""
    found = _hubs.pop(asyncio.get_running_loop(), None)
    if found is not None:
        await found.stop()
