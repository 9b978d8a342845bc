"""The web process: HTTP by Django, `/live/` by Channels behind a full origin check, start and stop by crm.lifespan."""

import asyncio
import os
import signal
from collections.abc import Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")
os.environ.setdefault("FOREFRONT_PROCESS", "web")

from django.core.asgi import get_asgi_application  # noqa: E402 - the environment comes first

http = get_asgi_application()

from channels.auth import AuthMiddlewareStack  # noqa: E402 - needs the apps loaded
from django.conf import settings  # noqa: E402
from django.http.request import split_domain_port, validate_host  # noqa: E402

from crm import lifeline, lifespan  # noqa: E402
from crm.consumers import LiveConsumer  # noqa: E402

lifeline.follow_parent(signal.SIGTERM)
live = AuthMiddlewareStack(LiveConsumer.as_asgi())
_tasks: set[asyncio.Task[None]] = set()


async def application(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
    """ASGI entry."""
    if scope["type"] == "http":
        await http(scope, receive, send)
    elif scope["type"] == "lifespan":
        await _lifespan(receive, send)
    elif scope["path"] == "/live/" and own_origin(scope):
        await live(scope, receive, send)
    else:
        await _refuse(receive, send)


def own_origin(scope: MutableMapping[str, Any]) -> bool:
    """Whether the page that opens this socket came from us: scheme, host and port, no wildcard, no missing Origin."""
    headers = {name.lower(): value.decode("latin-1") for name, value in scope["headers"]}
    origin = headers.get(b"origin", "").lower()
    if origin in {trusted.lower() for trusted in [settings.PUBLIC_URL, *settings.CSRF_TRUSTED_ORIGINS]}:
        return True
    host = headers.get(b"host", "").lower()
    domain, _port = split_domain_port(host)
    return (
        bool(domain)
        and validate_host(domain, settings.ALLOWED_HOSTS)
        and origin == f"{_scheme(scope, headers)}://{host}"
    )


def _scheme(scope: MutableMapping[str, Any], headers: dict[bytes, str]) -> str:
    if settings.SECURE_PROXY_SSL_HEADER:
        name, secure = settings.SECURE_PROXY_SSL_HEADER
        header = name.removeprefix("HTTP_").replace("_", "-").lower().encode()
        return "https" if headers.get(header) == secure else "http"
    return "https" if scope.get("scheme") == "wss" else "http"


async def _refuse(receive: Any, send: Any) -> None:
    await receive()  # websocket.connect; closing before accepting answers 403
    await send({"type": "websocket.close", "code": 4403})


async def _lifespan(receive: Any, send: Any) -> None:
    await receive()
    for step in lifespan.starting:
        await step()
    _background(_beat())
    _drain_before_closing()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _beat() -> None:
    while True:
        lifeline.pulse()
        await asyncio.sleep(1)


def _drain_before_closing() -> None:
    """uvicorn closes every socket the moment it hears SIGTERM; ours want a word first."""
    loop = asyncio.get_running_loop()
    closing = signal.getsignal(signal.SIGTERM)
    if not lifespan.draining or not callable(closing):
        return
    handler: Callable[..., Any] = closing

    async def drain(number: int) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.gather(*(step() for step in lifespan.draining), return_exceptions=True)
        handler(number, None)

    signal.signal(signal.SIGTERM, lambda number, _frame: loop.call_soon_threadsafe(_background, drain(number)))


def _background(work: Any) -> None:
    task = asyncio.ensure_future(work)
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
