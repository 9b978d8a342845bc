"""The web process: HTTP by Django, `/live/` and the process's start and end by the live layer."""

import asyncio
import gc
import itertools
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
    for second in itertools.count():
        if second in SETTLED:
            _settle()
        lifeline.pulse()
        await asyncio.sleep(1)


SETTLED = (0, 60)  # seconds after the start: all code is loaded; the templates of everyday have been rendered


def _settle() -> None:
    """What is loaded by now stays, so the collector need not go through it again: every full collection did, and held up
    whatever was asked for a fifth of a second."""
    gc.collect()
    gc.freeze()
