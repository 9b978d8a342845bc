"""The web process: HTTP by Django, `/live/` and the process's start and end by the live layer."""

import asyncio
import os
import signal
import warnings
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
os.environ.setdefault("FOREFRONT_PROCESS", "web")

from django.core.asgi import get_asgi_application

# WhiteNoise hands over its files as plain iterators. They are small, and nothing of ours streams that way.
warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")
http = get_asgi_application()

from django.urls import resolve  # noqa: E402 - these need the apps loaded

# Every view is loaded before the door opens: else the first page, or the first change pushed live, waits for it.
resolve("/")

from channels.security.websocket import WebsocketDenier  # noqa: E402

from crm import consumers, lifeline  # noqa: E402
from crm.live import lifespan  # noqa: E402

lifeline.follow_parent(signal.SIGTERM)
denied = WebsocketDenier.as_asgi()


async def application(scope: Any, receive: Any, send: Any) -> None:
    """ASGI entry."""
    if scope["type"] == "http":
        await http(scope, receive, send)
    elif scope["type"] == "lifespan":
        await _live_and_beat(scope, receive, send)
    else:  # a socket; the live layer checks the full origin before anything else
        await (consumers.application if scope["path"] == "/live/" else denied)(scope, receive, send)


async def _live_and_beat(scope: dict[str, Any], receive: Any, send: Any) -> None:
    beating = asyncio.create_task(_beat())
    try:
        await lifespan.application(scope, receive, send)
    finally:
        beating.cancel()


async def _beat() -> None:
    """On the event loop, so that a loop that hangs falls silent and the supervisor hears it."""
    while True:
        lifeline.pulse()
        await asyncio.sleep(1)
