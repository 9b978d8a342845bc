"""A line one can hurt: a TCP proxy in front of a server, with verbs for what networks do."""

import asyncio
from collections.abc import Callable
from contextlib import suppress


class Proxy:
    """Listens on a free port of loopback and passes bytes on to `target()`.

    `silent` keeps every connection open and passes nothing (half-open). `lose_next` swallows one WebSocket message with
    events on its way to the client, and nothing else.
    """

    def __init__(self, target: Callable[[], int]) -> None:
        self.target = target
        self.silent = False
        self.lose_next = 0
        self.lost = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
        await self.cut()
        for task in self._tasks:
            task.cancel()

    async def cut(self) -> None:
        """Reset every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.target())
        except OSError:
            writer.transport.abort()
            return
        for one in (writer, back):
            self._writers.add(one)
        for work in (self._pass(reader, back), self._pass_messages(there, writer)):
            task = asyncio.create_task(work)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.CancelledError):
            while data := await reader.read(65_536):
                await self._forward(writer, data)
        writer.transport.abort()

    async def _pass_messages(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """The answer to the handshake, then message by message."""
        with suppress(OSError, asyncio.CancelledError, asyncio.IncompleteReadError):
            await self._forward(writer, await reader.readuntil(b"\r\n\r\n"))
            while True:
                message = await _message(reader)
                if self.lose_next and b'"events"' in message[:120]:
                    self.lose_next -= 1
                    self.lost += 1
                    continue
                await self._forward(writer, message)
        writer.transport.abort()

    async def _forward(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        while self.silent:
            await asyncio.sleep(0.05)
        writer.write(data)
        await writer.drain()


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One whole unmasked WebSocket frame."""
    head = await reader.readexactly(2)
    more = {126: 2, 127: 8}.get(head[1], 0)
    extra = await reader.readexactly(more)
    length = int.from_bytes(extra, "big") if more else head[1]
    return head + extra + await reader.readexactly(length)
