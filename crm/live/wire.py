"""How bytes reach a socket: straight into uvicorn's transport where we run on it, by ASGI's `send` anywhere else.

A broadcast is one WebSocket frame, made once and written to every transport. ASGI's `send` would make it anew for each.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

log = logging.getLogger(__name__)
Send = Callable[[dict[str, Any]], Awaitable[None]]
LAST_WORDS = 5.0  # seconds a closed socket gets to take its close frame


class Packet:
    """One text message, framed at most once for all its readers."""

    __slots__ = ("_frame", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self._frame: bytes | None = None

    @property
    def frame(self) -> bytes:
        if self._frame is None:
            self._frame = _head(len(self.text)) + self.text
        return self._frame


def _head(length: int) -> bytes:
    """The header of an unmasked, unfragmented text frame (RFC 6455, 5.2)."""
    if length < 126:
        return bytes((0x81, length))
    if length < 65_536:
        return b"\x81\x7e" + length.to_bytes(2, "big")
    return b"\x81\x7f" + length.to_bytes(8, "big")


class Wire(Protocol):
    """One socket's way out. `write` never waits; `waiting` is how many bytes are not yet gone."""

    def write(self, packet: Packet) -> None: ...

    def waiting(self) -> int: ...

    def close(self, code: int) -> None: ...

    def stop(self) -> None: ...


def wire(send: Send) -> Wire:
    """The quickest way out that this server has. `send` is what the server itself passed in."""
    protocol = getattr(send, "__self__", None)
    if type(protocol).__name__ == "WebSocketsSansIOProtocol" and not protocol.conn.extensions:  # type: ignore[union-attr]
        return DirectWire(protocol, send)
    return AsgiWire(send)


_closing: set[asyncio.Task[None]] = set()


def _close_soon(send: Send, code: int, give_up: Callable[[], None]) -> None:
    """Say goodbye, but wait for nobody: a peer that does not read is cut off."""

    async def goodbye() -> None:
        try:
            async with asyncio.timeout(LAST_WORDS):
                await send({"type": "websocket.close", "code": code})
        except Exception:  # noqa: BLE001 - already gone, in one of many ways
            give_up()

    task = asyncio.get_running_loop().create_task(goodbye())
    _closing.add(task)
    task.add_done_callback(_closing.discard)


class DirectWire:
    """uvicorn's sans-io WebSocket: whole frames go into its transport, between those it writes itself."""

    __slots__ = ("_protocol", "_send", "_transport")

    def __init__(self, protocol: Any, send: Send) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._send = send

    def write(self, packet: Packet) -> None:
        if not self._protocol.close_sent and not self._transport.is_closing():
            self._transport.write(packet.frame)

    def waiting(self) -> int:
        return int(self._transport.get_write_buffer_size())

    def close(self, code: int) -> None:
        _close_soon(self._send, code, self._transport.abort)

    def stop(self) -> None:
        """The peer is gone; nothing of ours is left running."""


class AsgiWire:
    """Any other server: a queue and a task that empties it."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._queue: asyncio.Queue[Packet | int] = asyncio.Queue()
        self._waiting = 0
        self._task = asyncio.get_running_loop().create_task(self._empty())

    def write(self, packet: Packet) -> None:
        self._waiting += len(packet.text)
        self._queue.put_nowait(packet)

    def waiting(self) -> int:
        return self._waiting

    def close(self, code: int) -> None:
        """After what is queued, unless that does not move."""
        self._queue.put_nowait(code)
        asyncio.get_running_loop().call_later(LAST_WORDS, self._task.cancel)

    def stop(self) -> None:
        self._task.cancel()

    async def _empty(self) -> None:
        while isinstance(packet := await self._queue.get(), Packet):
            try:
                await self._send({"type": "websocket.send", "text": packet.text.decode()})
            except Exception:  # noqa: BLE001 - the peer is gone; its disconnect is on the way
                return
            self._waiting -= len(packet.text)
        _close_soon(self._send, packet, lambda: None)
