"""The other side of a signed channel: what signs requests to us, and what receives our call-backs."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.utils import timezone
from standardwebhooks.webhooks import Webhook

from cases.models import Channel, Queue


def make_channel(queue: Queue, slug: str = "shop", **fields: Any) -> Channel:
    channel = Channel.objects.create(slug=slug, name=slug.title(), queue=queue, **fields)
    channel.add_secret()
    return channel


def message(text: str = "My router blinks red.", **fields: Any) -> dict[str, Any]:
    sender = {"name": "Mia Wolff", "kind": "email", "value": "mia@example.org"}
    return {"from": sender, "subject": "Router", "text": text, "language": "en", **fields}


def signed(secret: str, body: bytes, *, webhook_id: str = "evt_1", at: datetime | None = None) -> dict[str, str]:
    """The three headers, for a body as it goes over the wire."""
    at = at or timezone.now()
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(
            webhook_id, at.astimezone(UTC), body.decode("utf-8", "surrogateescape")
        ),
    }


def post(client: Any, channel: Channel, body: Any, *, path: str = "", webhook_id: str = "evt_1") -> Any:
    """Send a document as the channel would."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = signed(channel.active_secrets()[0], raw, webhook_id=webhook_id)
    return client.post(f"/api/inbound/{channel.slug}/{path}", raw, content_type="application/json", headers=headers)


@dataclass
class Callback:
    """A small server that remembers what reached it and answers as told."""

    url: str
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)

    def answer(self) -> tuple[int, dict[str, str], bytes]:
        return self.answers.pop(0) if self.answers else (200, {}, b'{"id": "theirs-1"}')


@contextmanager
def callback() -> Iterator[Callback]:
    """Listen on this machine for the length of a `with`."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            side.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
            status, headers, said = side.answer()
            if status == 0:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {**headers, "content-length": str(len(said))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

        def log_message(self, *_args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    side = Callback(f"http://127.0.0.1:{server.server_port}/in")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield side
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
