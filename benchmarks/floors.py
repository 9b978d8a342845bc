"""What our hub is held against, as servers that do nothing else: bare uvicorn's send loop, Channels' group_send.

Each takes sockets on `/` and orders on `/control`: a JSON `{"case", "version", "size", "repeat"}` is one event (or
`repeat` of them, back to back) for every socket, in the shape our own messages have.

uvicorn benchmarks.floors:bare | benchmarks.floors:channels | benchmarks.floors:ours
"""

import asyncio
import json
from typing import Any

Scope, Receive, Send = Any, Any, Any


def messages(order: str) -> list[str]:
    """The texts an order asks for."""
    said = json.loads(order)
    html = "x" * said["size"]
    return [
        json.dumps({"cursor": "e:1", "events": [{"case": said["case"], "version": said["version"] + n, "html": html}]})
        for n in range(said.get("repeat", 1))
    ]


# --- uvicorn, nothing else

_sends: set[Send] = set()


async def bare(scope: Scope, receive: Receive, send: Send) -> None:
    """The loop one writes first: await send for each socket."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] != "/control":
        _sends.add(send)
    while (message := await receive())["type"] == "websocket.receive":
        for text in messages(message["text"]):
            for each in list(_sends):
                await each({"type": "websocket.send", "text": text})
    _sends.discard(send)


# --- our way of writing, without database and rendering


async def ours(scope: Scope, receive: Receive, send: Send) -> None:
    """`crm.live.frames.deliver`, one message an event, as the hub calls it."""
    import django

    django.setup()
    from crm.live.frames import deliver
    from crm.live.sockets import Socket
    from crm.live.wire import wire

    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    socket = Socket(wire(send), user_id=1, role="staff", language="en", session_key="", rights_version=1)
    feed = ("queue.1", "en")
    if scope["path"] != "/control":
        _watchers.setdefault(feed, set()).add(socket)
    while (message := await receive())["type"] == "websocket.receive":
        for text in messages(message["text"]):
            event = json.dumps(json.loads(text)["events"][0]).encode()
            deliver({feed: [event]}, _watchers, "e:0", "e:1")
            await asyncio.sleep(0)
    _watchers.get(feed, set()).discard(socket)


_watchers: dict[tuple[str, str], set[Any]] = {}


# --- Channels with its in-memory layer


def _channels() -> Any:
    from channels.generic.websocket import AsyncWebsocketConsumer
    from channels.layers import get_channel_layer
    from django.conf import settings

    if not settings.configured:
        settings.configure(CHANNEL_LAYERS={"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}})

    class Reader(AsyncWebsocketConsumer):
        groups = ["all"]

        async def tell(self, event: dict[str, str]) -> None:
            await self.send(text_data=event["text"])

    class Control(AsyncWebsocketConsumer):
        async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
            for text in messages(text_data or "{}"):
                await get_channel_layer().group_send("all", {"type": "tell", "text": text})

    reader, control = Reader.as_asgi(), Control.as_asgi()

    async def routed(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await (control if scope["path"] == "/control" else reader)(scope, receive, send)

    return routed


async def channels(scope: Scope, receive: Receive, send: Send) -> None:
    global _routed
    _routed = _routed or _channels()
    await _routed(scope, receive, send)


_routed: Any = None
