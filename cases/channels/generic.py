"""The signed channel's way out: one Standard Webhooks POST to its call-back address (docs/channels.md).

The dispatch's key is the webhook-id, and the other side takes each id once. So everything that is not a clear no may be
sent again, a lost answer included.
"""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from cases.channels import Failed, Later, permitted
from cases.hooks import Outgoing
from cases.models import Channel
from crm import outbound

TIMEOUT = httpx.Timeout(15, connect=5)  # seconds; shorter than the sender's lease
LONGEST_ANSWER = 64 * 1024  # bytes read of what the other side says


class Generic:
    """Sends answers to a channel's call-back address."""

    kind = "generic"
    honours_key = True

    def send(self, outgoing: Outgoing, channel: Channel | None) -> str:
        """The id the other side gave it. Raises Failed when it says no, Later for everything that may pass."""
        if channel is None or not channel.callback_url:
            raise Failed("This channel has no call-back address.", reason="no_callback")
        permitted(outgoing, channel.slug)
        secrets = channel.active_secrets()
        if not secrets:
            raise Failed("This channel has no secret to sign with.", reason="no_secret")
        status, headers, text = _post(channel.callback_url, outgoing.key, _body(outgoing), secrets[0])
        return _judged(status, headers, text)


def _body(outgoing: Outgoing) -> str:
    document = {
        "id": outgoing.key,
        "thread": outgoing.thread,
        "to": outgoing.to,
        "to_name": outgoing.to_name,
        "subject": outgoing.subject,
        "text": outgoing.text,
        "language": outgoing.language,
        **({"status_url": outgoing.status_url} if outgoing.status_url else {}),
        "attachments": [
            {"name": f.name, "type": f.content_type, "content": base64.b64encode(f.data).decode()}
            for f in outgoing.files
        ],
    }
    return json.dumps(document, ensure_ascii=False)


def _signature(key: str, body: str, secret: str) -> dict[str, str]:
    now = datetime.now(UTC)  # noqa: TID251 - the other side compares it with its own clock
    return {
        "webhook-id": key,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, now, body),
        "content-type": "application/json; charset=utf-8",
        "user-agent": "Forefront",
    }


def _post(url: str, key: str, body: str, secret: str) -> tuple[int, httpx.Headers, str]:
    try:
        target = outbound.target(url)
        headers = {"host": target.host, **_signature(key, body, secret)}
        options: dict[str, Any] = {"headers": headers, "extensions": {"sni_hostname": target.name}}
        with (
            httpx.Client(
                timeout=TIMEOUT, verify=outbound.authorities(), trust_env=False, follow_redirects=False
            ) as client,
            client.stream("POST", target.url, content=body.encode(), **options) as answer,
        ):
            return answer.status_code, answer.headers, _start_of(answer)
    except outbound.Forbidden as error:
        raise Failed(str(error), reason="forbidden_address") from error
    except outbound.Unresolved as error:
        raise Later(str(error), reason="no_connection") from error
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise Later("The call-back address cannot be reached.", reason="no_connection") from error
    except httpx.HTTPError as error:
        raise Later("The other side did not answer in time, or broke off.", reason="no_answer") from error
    except httpx.InvalidURL as error:
        raise Failed("The call-back address is not a valid URL.", reason="forbidden_address") from error


def _start_of(answer: httpx.Response) -> str:
    held = b""
    for piece in answer.iter_bytes(4096):
        held += piece
        if len(held) >= LONGEST_ANSWER:
            break
    return held[:LONGEST_ANSWER].decode("utf-8", "replace")


def _judged(status: int, headers: httpx.Headers, text: str) -> str:
    if 200 <= status < 300:
        return _their_id(text)
    if status in {408, 425, 429} or status >= 500:
        raise Later(f"The other side said {status}.", reason=f"status_{status}", after=_after(headers))
    if 300 <= status < 400:
        raise Failed("The call-back address redirects: enter the address it leads to.", reason=f"status_{status}")
    said = " ".join(text.split())[:200]
    raise Failed(f"The other side refused ({status}): {said}" if said else f"The other side refused ({status}).",
                 reason=f"status_{status}")  # fmt: skip


def _their_id(text: str) -> str:
    try:
        told = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    given = told.get("id") if isinstance(told, dict) else None
    clean = "".join(c for c in given if c.isprintable()) if isinstance(given, str) else ""
    return clean.encode("utf-8", "ignore").decode()[:250]


def _after(headers: httpx.Headers) -> timedelta | None:
    seconds = headers.get("retry-after", "")
    return timedelta(seconds=min(int(seconds), 3600)) if seconds.isascii() and seconds.isdigit() else None
