"""The one socket of the house: /live/ (docs/live.md). It reads what a console says; the hub does the talking."""

import json
from collections import deque
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import Any, cast

from channels.generic.websocket import AsyncWebsocketConsumer
from channels.security.websocket import WebsocketDenier
from django.conf import settings
from django.db import Error as DatabaseTrouble
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils import timezone

from crm.live import log as event_log
from crm.live import presence, rights, topics
from crm.live.hub import Hub, hub
from crm.live.sockets import NOT_READY, SIGNED_OUT, TOO_BIG, TOO_MANY, Socket
from crm.live.wire import wire
from crm.models import User

LONGEST = 64 * 1024
A_MINUTE = 100
MOST_TOPICS = 200
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class LiveConsumer(AsyncWebsocketConsumer):
    """One console. Whoever is not signed in is sent away before anything is looked up."""

    socket: Socket | None = None
    hub: Hub

    async def dispatch(self, message: dict[str, Any]) -> None:
        """As Channels does, without its thread hop per message: no connection of this task needs tidying."""
        if handler := getattr(self, message["type"].replace(".", "_"), None):
            await handler(message)

    async def connect(self) -> None:
        await self.accept()
        self.hub = hub()
        key = _session_key(cast(Scope, self.scope))
        try:
            user = await self._who(key)
        except (DatabaseTrouble, TimeoutError):
            await self.close(NOT_READY)
            return
        if user is None:
            await self.close(SIGNED_OUT)
            return
        self._let_in(user, key)

    async def _who(self, key: str) -> User | None:
        if not key:
            return None
        if not await self.hub.is_ready():
            raise TimeoutError
        return await self.hub.at_the_door(rights.signed_in, key)

    def _let_in(self, user: User, key: str) -> None:
        self.user = user
        self._heard: deque[float] = deque(maxlen=A_MINUTE)
        self.socket = Socket(
            wire=wire(cast(Scope, self.scope)["forefront.send"]),
            user_id=user.pk,
            role=user.role,
            language=user.language,
            session_key=key,
            rights_version=user.rights_version,
        )
        self.hub.admit(self.socket)

    async def disconnect(self, code: int) -> None:
        if self.socket:
            self.hub.leave(self.socket)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        if self.socket is None or self.socket.closed:
            return
        if len(text_data or bytes_data or "") > LONGEST:
            self.socket.close(TOO_BIG)
        elif self._is_too_much():
            self.socket.close(TOO_MANY)
        else:
            await self._hear(self.socket, _read(text_data))

    def _is_too_much(self) -> bool:
        now = monotonic()
        full = len(self._heard) == A_MINUTE and now - self._heard[0] < 60
        self._heard.append(now)
        return full

    async def _hear(self, socket: Socket, said: dict[str, Any] | None) -> None:
        socket.heard_at = monotonic()
        if said is None:
            socket.say({"error": "Say one JSON object: watch, unwatch, viewing, typing or ping."})
            return
        if "ping" in said:
            socket.answer(said["ping"], self.hub.pos)
        for state in ("viewing", "typing"):
            if isinstance(said.get(state), str):
                self._note(socket, said[state], state)
        if "unwatch" in said:
            self.hub.unwatch(socket, _named(said["unwatch"], socket))
        if "watch" in said:
            await self._watch(socket, _named(said["watch"], socket), said.get("since"))

    def _note(self, socket: Socket, topic: str, state: str) -> None:
        if topic in socket.topics:
            presence.note(socket, topic, state)

    async def _watch(self, socket: Socket, wanted: list[str], since: object) -> None:
        """Grant what may be seen, say what may not, and begin from `since` if that can still be told."""
        room = MOST_TOPICS - len(socket.topics)
        cursor = event_log.parse(since)
        why = self.hub.why_not(cursor) if since is not None else ""
        socket.asking += 1
        try:
            granted, why = await self.hub.at_the_door(self._judge, socket.rights_version, wanted[:room], cursor, why)
        finally:
            socket.asking -= 1
        if refused := [topic for topic in wanted if topic not in granted]:
            socket.say({"refused": [topics.outside(t) for t in refused]})
        if socket.closed or not granted:
            return
        self.hub.watch(socket, granted, None if why or cursor is None else cursor[1])
        if why:
            self.hub.resync(socket, granted, why)

    def _judge(
        self, rights_version: int, wanted: list[str], cursor: tuple[str, int] | None, why: str | None
    ) -> tuple[set[str], str]:
        """What of it this person may watch, and why their cursor cannot be continued, if it cannot. The person is the one
        who came in, unless their rights have changed since."""
        if self.user.rights_version != rights_version:
            self.user = User.objects.get(pk=self.user.pk)
        granted = topics.allowed(self.user, wanted)
        return granted, event_log.why_not(self.hub.epoch, cursor, timezone.now()) if why is None else why


def _session_key(scope: Scope) -> str:
    """Of Django's session cookie, "" without one."""
    cookies = dict(scope["headers"]).get(b"cookie", b"").decode("latin-1")
    return parse_cookie(cookies).get(settings.SESSION_COOKIE_NAME, "")


def _read(text: str | None) -> dict[str, Any] | None:
    try:
        said = json.loads(text or "")
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _named(said: object, socket: Socket) -> list[str]:
    """The topics of a list that are strings, by the names they have inside."""
    names = said if isinstance(said, list) else []
    return list(dict.fromkeys(topics.inside(name, socket.user_id) for name in names[:1000] if isinstance(name, str)))


def _is_ours(origin: str, host: str, scheme: str) -> bool:
    """A browser always says which page opens a socket: it must be one of ours, by scheme, host and port."""
    trusted = {known.lower() for known in [settings.PUBLIC_URL, *settings.CSRF_TRUSTED_ORIGINS]}
    if origin.lower() in trusted:
        return True
    domain, _port = split_domain_port(host)
    return validate_host(domain, settings.ALLOWED_HOSTS) and origin.lower() == f"{scheme}://{host}"


def _scheme(scope: Scope, headers: dict[bytes, bytes]) -> str:
    """Of the page, as the browser saw it: a proxy in front may end TLS and say so."""
    if header := getattr(settings, "SECURE_PROXY_SSL_HEADER", None):
        name, secure = header
        said = headers.get(name.removeprefix("HTTP_").replace("_", "-").lower().encode(), b"")
        return "https" if said == secure.encode() else "http"
    return "https" if scope.get("scheme") == "wss" else "http"


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI application of `/live/`: first the origin, then who it is. A program that is no browser names no origin;
    it needs a session like everyone."""
    headers = dict(scope["headers"])
    origin = headers.get(b"origin", b"").decode("latin-1")
    host = headers.get(b"host", b"").decode("latin-1").lower()
    if b"origin" in headers and not _is_ours(origin, host, _scheme(scope, headers)):
        await _denied(scope, receive, send)
        return
    # The server's own `send`, whatever wraps it later: the hub writes where it leads.
    await _console({**scope, "forefront.send": send}, receive, send)


_denied: Any = WebsocketDenier.as_asgi()
_console: Any = LiveConsumer.as_asgi()
