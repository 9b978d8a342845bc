"""What a server process runs beside its requests: the hub and a candidate for sequencer; and how it goes."""

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import Any

from crm import learning
from crm.live import hub as hubs
from crm.live import sequencer

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Handler = Callable[[int, FrameType | None], Any]


async def application(_scope: dict[str, Any], receive: Receive, send: Send) -> None:
    """ASGI lifespan."""
    stop = threading.Event()
    while (message := await receive())["type"] != "lifespan.shutdown":
        if message["type"] == "lifespan.startup":
            hubs.hub()
            threading.Thread(target=sequencer.run, args=[stop], name="sequencer", daemon=True).start()
            threading.Thread(target=learning.warm, name="what was learned", daemon=True).start()
            _tell_sockets_first()
            await send({"type": "lifespan.startup.complete"})
    stop.set()
    await hubs.close()
    await send({"type": "lifespan.shutdown.complete"})


def _tell_sockets_first() -> None:
    """uvicorn closes sockets the moment it sees its stop flag, so the word about when to return must go before: our
    handler tells them on the loop and only then passes the signal on."""
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        theirs = signal.getsignal(number)
        if callable(theirs):
            signal.signal(number, _teller(loop, theirs))


def _teller(loop: asyncio.AbstractEventLoop, theirs: Handler) -> Handler:
    def tell(number: int, frame: FrameType | None) -> None:
        def then() -> None:
            hubs.hub().restart()
            theirs(number, frame)

        loop.call_soon_threadsafe(then)

    return tell
