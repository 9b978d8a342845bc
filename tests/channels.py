"""The other side of a signed channel: what signs requests to us, and what receives our call-backs."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
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


def self_signed(folder: Path, name: str) -> ssl.SSLContext:
    """Write `server.pem`, a certificate for `name`, and return what a client that trusts it uses."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = timezone.now()
    builder = x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
    certificate = builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (folder / "server.pem").write_bytes(private + certificate)
    return ssl.create_default_context(cadata=certificate.decode())


@contextmanager
def callback(tls: Path | None = None) -> Iterator[Callback]:
    """Listen on this machine for the length of a `with`; over TLS with the key and certificate in `tls`."""

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
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.handle_error = lambda *_args: None  # a client that hangs up during the handshake
    side = Callback(f"http://127.0.0.1:{server.server_port}/in")
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield side
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def is_problem(response: Any, status: int, code: str) -> bool:
    """Refused as a problem document of this status and code, with a sentence."""
    told = response.json()
    assert response.status_code == status, told
    assert response["content-type"] == "application/problem+json"
    assert told["detail"]
    assert set(told) == {"type", "title", "status", "detail"}
    return bool(told["type"].endswith(f":{code}")) and told["status"] == status
