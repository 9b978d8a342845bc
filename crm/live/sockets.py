"""One open console as the hub sees it."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from secrets import token_hex
from time import monotonic
from typing import Any

from crm.live.streams import as_json
from crm.live.wire import Packet, Wire

MOST_WAITING = 1_000_000  # bytes a socket may owe its reader before it is dropped
HEARTBEAT = 10.0

SIGNED_OUT, NOTHING_LEFT, TOO_SLOW, TOO_BIG, TOO_MANY, RESTARTING, NOT_READY = 4401, 4403, 4408, 1009, 1008, 1012, 1013


@dataclass(eq=False, slots=True)
class Socket:
    """Who is there, what they watch, up to where they have everything. `live` sockets get every tick; the others are
    being brought up to date, or watch nothing yet."""

    wire: Wire
    user_id: int
    role: str
    language: str
    session_key: str
    rights_version: int
    topics: set[str] = field(default_factory=set)
    # Topic → cursor for what was asked for and has not been caught up with.
    behind: dict[str, int] = field(default_factory=dict)
    asking: int = 0  # what it wants to watch and has not been answered
    live: bool = False
    closed: bool = False
    sent: int = 0
    heard_at: float = field(default_factory=monotonic)
    beaten_at: float = field(default_factory=monotonic)
    # (Topic, viewing or typing) → until when (monotonic).
    doing: dict[tuple[str, str], float] = field(default_factory=dict)
    catching_up: asyncio.Task[None] | None = None
    id: str = field(default_factory=lambda: token_hex(8))

    def position(self, hub_pos: int) -> int:
        """Up to where this socket has everything it watches."""
        return hub_pos if self.live or not self.behind else min(self.behind.values())

    def write(self, packet: Packet) -> None:
        """Hand over one message; whoever does not take them is dropped and resumes from the log."""
        if self.closed:
            return
        self.sent += 1
        self.wire.write(packet)
        if self.wire.waiting() > MOST_WAITING:
            self.close(TOO_SLOW)

    def say(self, message: Mapping[str, Any]) -> None:
        self.write(Packet(as_json(message)))

    def beat(self, hub_pos: int, late: float) -> None:
        """Position and count, by which the client knows that nothing went missing in between."""
        self.beaten_at = monotonic()
        self.say({**self._confirmed(hub_pos), **({"late": round(late)} if late > 3 else {})})

    def answer(self, ping: object, hub_pos: int) -> None:
        self.say({"pong": ping, **self._confirmed(hub_pos)})

    def _confirmed(self, hub_pos: int) -> dict[str, int]:
        """The count makes the position one to return to. Before what it asked for is granted there is none: it would skip
        what it has not been given yet."""
        told = {"pos": self.position(hub_pos)}
        return told if self.asking or not self.topics else {**told, "sent": self.sent}

    def close(self, code: int) -> None:
        if not self.closed:
            self.closed = True
            self.wire.close(code)

    async def drained(self) -> None:
        """Wait until most is taken: for the back catalogue, which is as long as it is, unlike what is live."""
        while not self.closed and self.wire.waiting() > MOST_WAITING // 4:
            await asyncio.sleep(0.02)
