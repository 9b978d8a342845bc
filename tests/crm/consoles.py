"""Consoles for tests of the live layer: the consumer, the hub and a sequencer in this process."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async as aside
from django.conf import settings
from django.test import Client
from django.urls import resolve

from crm.consumers import application
from crm.live import hub as hubs
from crm.live import sequencer
from crm.models import User


@asynccontextmanager
async def live() -> AsyncIterator[hubs.Hub]:
    """A process that serves sockets: its views loaded, its hub, and a sequencer beside it."""
    resolve("/")
    stop = threading.Event()
    numbering = threading.Thread(target=sequencer.run, args=[stop], daemon=True)
    numbering.start()
    hub = hubs.hub()
    assert await hub.is_ready()
    try:
        yield hub
    finally:
        stop.set()
        await hubs.close()
        await asyncio.to_thread(numbering.join, 5)


@aside
def signed_in(user: User) -> str:
    """The key of a new session of theirs."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


class Console:
    """What one browser says and has heard."""

    def __init__(self, socket: ApplicationCommunicator, session_key: str) -> None:
        self.socket, self.session_key = socket, session_key
        self.heard: list[dict[str, Any]] = []
        self.closed: int | None = None

    async def say(self, **message: Any) -> None:
        await self.send(json.dumps(message))

    async def send(self, text: str | bytes) -> None:
        kind = "text" if isinstance(text, str) else "bytes"
        await self.socket.send_input({"type": "websocket.receive", kind: text})

    async def hear(self, wanted: str | Callable[[dict[str, Any]], Any], seconds: float = 4) -> dict[str, Any]:
        """The next message that has this key, or for which this is true."""
        match = (lambda said: wanted in said) if isinstance(wanted, str) else wanted
        async with asyncio.timeout(seconds):
            while True:
                said = await self.next(seconds)
                if match(said):
                    return said

    async def next(self, seconds: float = 4) -> dict[str, Any]:
        output = await self.socket.receive_output(timeout=seconds)
        if output["type"] == "websocket.close":
            self.closed = output.get("code")
            raise ConnectionError(f"closed with {self.closed}")
        said = json.loads(output["text"])
        self.heard.append(said)
        return said

    async def watch(self, *topics: str, since: str | None = None) -> dict[str, Any]:
        """Watch, and wait until the socket is up to date; the acknowledgement."""
        await self.say(watch=list(topics), **({"since": since} if since else {}))
        granted = await self.hear("watching")
        await self.hear("sent")
        return granted

    async def events(self, how_many: int, seconds: float = 4) -> list[dict[str, Any]]:
        """The next events, at least so many."""
        found: list[dict[str, Any]] = []
        while len(found) < how_many:
            found += (await self.hear("events", seconds))["events"]
        return found

    async def nothing(self, seconds: float = 0.5) -> bool:
        """Whether nothing but heartbeats and who is there arrives for so long."""
        try:
            said = await self.hear(lambda said: not _is_of_people(said), seconds)
        except TimeoutError:
            return True
        raise AssertionError(f"heard {said}")

    async def ended(self, seconds: float = 4) -> int | None:
        """The code it is closed with."""
        try:
            async with asyncio.timeout(seconds):
                while True:
                    await self.next(seconds)
        except ConnectionError:
            return self.closed


async def knock(key: str = "", **headers: str) -> tuple[ApplicationCommunicator, bool]:
    """Try to open a socket; whether it was accepted."""
    cookie = f"{settings.SESSION_COOKIE_NAME}={key}" if key else ""
    named = {"host": "testserver", "origin": "http://testserver", "cookie": cookie, **headers}
    raw = [(name.encode(), value.encode()) for name, value in named.items() if value]
    scope = {"type": "websocket", "path": "/live/", "query_string": b"", "headers": raw, "subprotocols": []}
    socket = ApplicationCommunicator(application, scope)
    await socket.send_input({"type": "websocket.connect"})
    return socket, (await socket.receive_output(5))["type"] == "websocket.accept"


@asynccontextmanager
async def console(user: User | None, *, key: str = "") -> AsyncIterator[Console]:
    """An open socket of this person, in a session of their own unless `key` names one."""
    key = key or (await signed_in(user) if user else "")
    socket, accepted = await knock(key)
    assert accepted
    try:
        yield Console(socket, key)
    finally:
        await socket.send_input({"type": "websocket.disconnect", "code": 1000})
        await socket.wait(3)


def _is_of_people(said: dict[str, Any]) -> bool:
    """A heartbeat, or that somebody came, looks or went."""
    return bool(said.keys() & {"sent", "presence"}) or all(
        e["stream"] == "person" for e in said.get("events", [{"stream": ""}])
    )
