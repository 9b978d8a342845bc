"""A console without a browser: the protocol of docs/live.md as a client must speak it, on asyncio, many in one loop.

It keeps everything it heard, so that a test can hold it against the log. `Crowd` runs many in a thread of their own: the
loop that measures must not wait for anything else.
"""

import asyncio
import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

Port = Callable[[], int]


@dataclass
class Client:
    """Watches topics, comes back after any loss, applies what is newer."""

    port: Port
    cookie: str
    topics: list[str]
    cursor: str = ""
    chance: random.Random = field(default_factory=lambda: random.Random(1))
    ping_every: float = 1.5
    answer_within: float = 3.0
    longest_wait: float = 1.0

    thread: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))  # case → versions as applied
    messages: dict[int, int] = field(default_factory=dict)  # message id → case
    states: dict[tuple[str, int, str], int] = field(default_factory=dict)  # topic, case, part → version
    kinds: dict[tuple[int, int], str] = field(default_factory=dict)  # case, version → kind
    arrived: dict[tuple[int, int], float] = field(default_factory=dict)  # case, version → time
    counts: Counter[str] = field(default_factory=Counter)
    reasons: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    waits: list[int] = field(default_factory=list)  # milliseconds a restarting server asked for
    connected_at: list[float] = field(default_factory=list)
    is_live: bool = False
    pos: int = 0
    socket: ClientConnection | None = None

    async def run(self) -> None:
        tries = 0
        while True:
            try:
                await self._session()
                tries = 0
            except (OSError, WebSocketException, TimeoutError, EOFError):
                tries += 1
            self.is_live, self.socket = False, None
            if self.codes and self.codes[-1] in {4401, 4403}:
                return
            await asyncio.sleep(self._wait(tries))

    def _wait(self, tries: int) -> float:
        if self.codes and self.codes[-1] == 1012 and self.waits:
            self.codes.append(0)
            return min(self.waits[-1] / 1000, self.longest_wait * 6)
        return self.chance.random() * min(self.longest_wait, 0.1 * 2 ** min(tries, 8))

    async def _session(self) -> None:
        headers = {"Cookie": self.cookie}
        url = f"ws://127.0.0.1:{self.port()}/live/"
        async with connect(
            url, additional_headers=headers, open_timeout=4, close_timeout=0.5, ping_interval=None
        ) as socket:
            self.socket = socket
            self.connected_at.append(time.monotonic())
            self._received, self._answered = 0, time.monotonic()
            pinging = asyncio.create_task(self._ping(socket))
            try:
                async for text in socket:
                    self._answered = time.monotonic()
                    await self._hear(socket, json.loads(text))
            finally:
                pinging.cancel()
                self.codes.append(socket.close_code or 1006)

    async def _ping(self, socket: ClientConnection) -> None:
        while True:
            await asyncio.sleep(self.ping_every)
            if time.monotonic() - self._answered > self.answer_within:
                self.counts["dead lines"] += 1
                socket.transport.abort()
                return
            with suppress(WebSocketException, OSError):
                await socket.send(json.dumps({"ping": 1}))

    async def _hear(self, socket: ClientConnection, said: dict[str, Any]) -> None:
        if socket.transport.is_closing():
            return  # what still lay in the buffer of a line that is gone is asked for again: it must not count as had
        if "sent" in said and not self._counted(said):
            socket.transport.abort()
            return
        self._received += 1
        for name, value in said.items():
            handler = getattr(self, f"_{name}", None)
            if handler:
                await handler(socket, value, said)

    def _counted(self, said: dict[str, Any]) -> bool:
        if said["sent"] != self._received:
            self.counts["silent losses"] += 1
            return False
        self.pos, self.cursor = said["pos"], f"{self._epoch}:{said['pos']}"
        self.is_live = self.is_live or "pong" not in said
        return True

    async def _hello(self, socket: ClientConnection, hello: dict[str, Any], _said: dict[str, Any]) -> None:
        self._epoch = hello["epoch"]
        await socket.send(json.dumps({"watch": self.topics, **({"since": self.cursor} if self.cursor else {})}))

    async def _events(self, socket: ClientConnection, events: Sequence[dict[str, Any]], _said: dict[str, Any]) -> None:
        now = time.monotonic()
        for event in events:
            self.counts["events"] += 1
            if "case" in event and not self._apply(event, now):
                self.counts["gaps"] += 1
                socket.transport.abort()
                return

    def _apply(self, event: dict[str, Any], now: float) -> bool:
        """Whether nothing is missing before it: an entry after a gap is not taken, but asked for again in order."""
        key = (event["topic"], event["case"], event["part"])
        had = self.states.get(key, 0)
        if event["version"] <= had:
            self.counts["duplicates"] += 1
            return True
        if event["part"] == "thread" and event["version"] > had + 1:
            return False
        self.states[key] = event["version"]
        self.arrived.setdefault((event["case"], event["version"]), now)
        if event["part"] == "thread":
            self.thread[event["case"]].append(event["version"])
            self.kinds[event["case"], event["version"]] = event["kind"]
            if message := event.get("message"):
                self.messages[message] = event["case"]
        return True

    async def _resync(self, _socket: ClientConnection, resync: dict[str, Any], said: dict[str, Any]) -> None:
        self.reasons.append(resync["reason"])
        self.cursor = said["cursor"]

    async def _refused(self, _socket: ClientConnection, topics: list[str], _said: dict[str, Any]) -> None:
        self.refused += topics
        self.topics = [topic for topic in self.topics if topic not in topics]

    async def _restart(self, _socket: ClientConnection, restart: dict[str, Any], _said: dict[str, Any]) -> None:
        self.waits.append(restart["after_ms"])

    async def drop(self) -> None:
        """Lose the line without a word."""
        if self.socket is not None:
            self.socket.transport.abort()


class Crowd:
    """Clients in a loop in a thread of their own."""

    def __init__(self, clients: Sequence[Client]) -> None:
        self.clients = list(clients)
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._running: list[Future[None]] = []

    def __enter__(self) -> "Crowd":
        self._thread.start()
        self._running = [asyncio.run_coroutine_threadsafe(client.run(), self.loop) for client in self.clients]
        return self

    def __exit__(self, *_error: object) -> None:
        for task in self._running:
            task.cancel()
        self.do(asyncio.sleep(0.1))
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(5)
        self.loop.close()

    def do(self, work: Any, seconds: float = 10) -> Any:
        """Run a coroutine on their loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(seconds)

    def drop(self, clients: Sequence[Client]) -> None:
        for client in clients:
            self.do(client.drop())

    def all_live(self) -> bool:
        return all(client.is_live for client in self.clients)

    def all_at(self, pos: int) -> bool:
        return all(client.is_live and client.pos >= pos for client in self.clients)
