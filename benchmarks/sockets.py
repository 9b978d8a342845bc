"""A process that holds thousands of WebSockets and notes when each message came. `python -m benchmarks.sockets`.

Commands are JSON lines on stdin, answers JSON lines on stdout. It does as little as it can for each message: what is the
same for a thousand sockets is parsed once.
"""

import asyncio
import json
import sys
import time
from array import array
from typing import Any

import uvloop

PONG = b"\x8a\x80\0\0\0\0"


class Group:
    """The sockets of one contender and what they heard since the last `mark`."""

    def __init__(self) -> None:
        self.sockets: list[Socket] = []
        self.keys: dict[bytes, int] = {}  # message → index in `events`
        self.events: list[list[str]] = []
        self.granted = 0  # sockets that were told what they watch: from then on nothing may be missing
        self.mark()

    def mark(self) -> None:
        self.which, self.when = array("I"), array("d")

    def heard(self, text: bytes, now: float) -> None:
        self.granted += text.startswith(b'{"watching"')
        index = self.keys.get(text)
        if index is None:
            index = self.keys[text] = len(self.events)
            said = json.loads(text)
            self.events.append([f"{e['case']}:{e['version']}" for e in said.get("events", ()) if "case" in e])
        if self.events[index]:
            self.which.append(index)
            self.when.append(now)

    def count(self) -> int:
        sizes = [len(keys) for keys in self.events]
        return sum(sizes[index] for index in self.which)

    def report(self, *, times: bool) -> dict[str, Any]:
        told: dict[str, Any] = {
            "deliveries": self.count(),
            "messages": len(self.which),
            "last": max(self.when, default=0),
        }
        if times:
            found: dict[str, list[float]] = {}
            for index, now in zip(self.which, self.when, strict=True):
                for key in self.events[index]:
                    found.setdefault(key, []).append(now)
            told["times"] = found
        return told


class Socket(asyncio.Protocol):
    """One client connection: a handshake, then frames."""

    def __init__(self, group: Group, request: bytes, first: bytes) -> None:
        self.group, self.request, self.first = group, request, first
        self.buffer = b""
        self.is_open = False
        self.opened = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        data = self.buffer + data if self.buffer else data
        if not self.is_open:
            head, end, data = data.partition(b"\r\n\r\n")
            if not end:
                self.buffer = head
                return
            self._opened(head)
        self.buffer = self._frames(data, now)

    def _opened(self, head: bytes) -> None:
        self.is_open = True
        if not head.startswith(b"HTTP/1.1 101"):
            self.opened.set_exception(ConnectionError(head[:80].decode()))
            return
        if self.first:
            self.transport.write(self.first)
        self.opened.set_result(None)

    def _frames(self, data: bytes, now: float) -> bytes:
        at, size = 0, len(data)
        while size - at >= 2:
            length, head = data[at + 1], 2
            if length == 126:
                length, head = int.from_bytes(data[at + 2 : at + 4], "big"), 4
            elif length == 127:
                length, head = int.from_bytes(data[at + 2 : at + 10], "big"), 10
            if size - at < head + length or size - at < head:
                break
            kind, text = data[at] & 15, data[at + head : at + head + length]
            at += head + length
            if kind == 1:
                self.group.heard(text, now)
            elif kind == 9:
                self.transport.write(b"\x8a" + bytes((0x80 | length,)) + b"\0\0\0\0" + text)
        return data[at:]

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed"))


def masked(text: str) -> bytes:
    """A client's text frame, with the mask that changes nothing."""
    data = text.encode()
    if len(data) < 126:
        return b"\x81" + bytes((0x80 | len(data),)) + b"\0\0\0\0" + data
    return b"\x81\xfe" + len(data).to_bytes(2, "big") + b"\0\0\0\0" + data


def request(port: int, path: str, cookie: str) -> bytes:
    lines = [
        f"GET {path} HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        *([f"Cookie: {cookie}"] if cookie else []),
    ]
    return "\r\n".join([*lines, "", ""]).encode()


class Client:
    """Carries out commands."""

    def __init__(self) -> None:
        self.groups: dict[str, Group] = {}

    async def open(
        self, name: str, port: int, how_many: int, path: str, cookies: list[str], say: str | list[str]
    ) -> dict[str, Any]:
        """A few at a time, as reps come in the morning. `say`: the first words of all, or of each in turn."""
        group = self.groups.setdefault(name, Group())
        loop = asyncio.get_running_loop()
        firsts = [masked(one) if one else b"" for one in (say if isinstance(say, list) else [say])]
        for start in range(0, how_many, 20):
            fresh = []
            for n in range(start, min(start + 20, how_many)):
                one = Socket(group, request(port, path, cookies[n % len(cookies)]), firsts[n % len(firsts)])
                await loop.create_connection(lambda one=one: one, "127.0.0.1", port)
                fresh.append(one)
            await asyncio.wait_for(asyncio.gather(*(one.opened for one in fresh)), 30)
            group.sockets += fresh
        while firsts[0] and group.granted < how_many:
            await asyncio.sleep(0.05)
        return {"open": len(group.sockets)}

    async def wait(self, name: str, deliveries: int, seconds: float) -> dict[str, Any]:
        """Until so many were delivered, or the time is up."""
        group = self.groups[name]
        end = time.monotonic() + seconds
        while len(group.which) * 1 < deliveries and group.count() < deliveries and time.monotonic() < end:
            await asyncio.sleep(0.05)
        return {"deliveries": group.count()}

    async def do(self, command: dict[str, Any]) -> dict[str, Any]:
        match command.pop("do"):
            case "open":
                return await self.open(**command)
            case "wait":
                return await self.wait(**command)
            case "mark":
                self.groups[command["name"]].mark()
                return {}
            case "report":
                return self.groups[command["name"]].report(times=command["times"])
            case "close":
                for socket in self.groups.pop(command["name"]).sockets:
                    socket.transport.abort()
                return {}
        return {"error": "no such command"}


async def main() -> None:
    loop = asyncio.get_running_loop()
    lines = asyncio.StreamReader(limit=1_000_000)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    client = Client()
    while line := await lines.readline():
        try:
            answer = await client.do(json.loads(line))
        except (OSError, TimeoutError) as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
