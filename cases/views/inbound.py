"""The signed door of channels: Standard Webhooks in, problem documents out. docs/channels.md is its manual."""

import logging
import re
import time
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from cases import asked_fields, receipts
from cases.channels.document import LARGEST_RAW, BadDocument, TooLarge, parse
from cases.intake import OtherBody, Received, process, store, take_over
from cases.models import Channel, InboundItem
from crm import strict_json
from crm.database.prepared import Prepared

log = logging.getLogger(__name__)

PATIENCE = 2.0  # seconds to wait for whoever is processing the same item right now
_WEBHOOK_ID = re.compile(r"[\x21-\x7e]{1,200}")
_TITLES = {
    400: "Bad request",
    401: "Not signed by this channel",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
}


class Refused(Exception):
    """A request that changed nothing: what the caller reads, and the word the log keeps."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


Door = Callable[[Channel, str, bytes], JsonResponse]


def signed(door: Door) -> Callable[[HttpRequest, str], JsonResponse]:
    """Let in only what one of the channel's active secrets signed within five minutes."""

    @csrf_exempt
    @wraps(door)
    def view(request: HttpRequest, slug: str) -> JsonResponse:
        known = ""  # only a name of ours is worth a place in the log
        try:
            channel = _channel(request, slug)
            known = channel.slug
            raw = _body(request)
            return door(channel, _verified_id(request, channel, raw), raw)
        except Refused as refused:
            log.warning("inbound refused: %s %s", refused.code, known or "(no channel)")
            return _problem(refused)

    return view


@signed
def inbound(channel: Channel, webhook_id: str, raw: bytes) -> JsonResponse:
    """A message. 201 created or appended, 200 duplicate, 202 stored and not yet in a case; each only once it is stored."""
    now = timezone.now()
    try:
        document = parse(raw, channel=channel.slug, external_id=webhook_id, received_at=now)
        if wrong := asked_fields.wrong(channel.queue, document.fields) if document.fields else "":
            raise BadDocument(wrong)
        item, fresh = store(channel.slug, document.external_id, raw, now=now)
    except TooLarge as error:
        raise Refused(413, "too_large", str(error)) from None
    except BadDocument as error:
        raise Refused(400, "invalid", str(error)) from None
    except OtherBody:
        raise Refused(409, "other_body", _("This id was used before for another message. Nothing changed.")) from None
    if not fresh:
        return _known(item)
    received = process(item.pk, item=item)
    return _taken(received) if received else JsonResponse({"status": "stored"}, status=202)


@signed
def inbound_receipts(channel: Channel, _webhook_id: str, raw: bytes) -> JsonResponse:
    """What became of a message we sent: {"id", "status": delivered | read | failed, "at"?}."""
    key, status, at = _receipt(raw, timezone.now())
    dispatch = receipts.find(channel.slug, key)
    if dispatch is None:
        raise Refused(404, "not_found", _("No message with this id was sent through this channel."))
    changed = receipts.note(dispatch, status, at=at)
    return JsonResponse({"status": "noted" if changed else "known"})


def _receipt(raw: bytes, now: datetime) -> tuple[str, str, datetime]:
    try:
        body = strict_json.loads(raw)
        key, status = body["id"], body["status"]
        at = datetime.fromisoformat(body["at"]) if body.get("at") else now
        at = min(at, now)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
        told = _('A receipt is {"id": ours, "status": delivered, read or failed, "at": a time with its offset}.')
        raise Refused(400, "invalid", told) from None
    if not isinstance(key, str) or status not in receipts.STATUSES:
        raise Refused(400, "invalid", _("“status” is delivered, read or failed; “id” is the id of a message we sent."))
    return key, status, at


# --- who may come in


def _channel(request: HttpRequest, slug: str) -> Channel:
    if request.method != "POST":
        raise Refused(405, "method", _("Send a POST."))
    channel = _CHANNEL.first(slug)
    if channel is None:
        raise Refused(404, "no_channel", _("There is no active channel with this name."))
    return channel


_CHANNEL = Prepared(lambda slug: Channel.objects.filter(slug=slug, is_active=True), str)


def _body(request: HttpRequest) -> bytes:
    if request.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused(415, "encoding", _("Send the body as it is, without compression."))
    raw = request.read(LARGEST_RAW + 1)
    if len(raw) > LARGEST_RAW:
        raise Refused(413, "too_large", _("A request has at most 15 MB."))
    return raw


def _verified_id(request: HttpRequest, channel: Channel, raw: bytes) -> str:
    """The webhook-id, once a secret of this channel is known to have signed it with this very body and a fresh time."""
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = {name: request.headers.get(name, "") for name in names}
    if not all(headers.values()):
        raise Refused(401, "unsigned", _("Sign the request: webhook-id, webhook-timestamp and webhook-signature."))
    if not _WEBHOOK_ID.fullmatch(headers["webhook-id"]):
        raise Refused(401, "bad_id", _("webhook-id has 1 to 200 printable ASCII characters."))
    if not _is_fresh(headers["webhook-timestamp"]):
        raise Refused(401, "stale", _("webhook-timestamp is the present time in Unix seconds, give or take 300."))
    if not any(_signed_with(secret, raw, headers) for secret in channel.active_secrets()):
        raise Refused(401, "bad_signature", _("The signature does not fit this body, time and channel."))
    return headers["webhook-id"]


def _is_fresh(stamp: str) -> bool:
    return bool(re.fullmatch(r"[0-9]{1,11}", stamp)) and abs(time.time() - int(stamp)) <= 300


def _signed_with(secret: str, raw: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(raw, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):  # ValueError: not base64, not UTF-8, no comma
        return False
    return True


# --- answers


def _known(item: InboundItem) -> JsonResponse:
    """What was sent before: the same answer. If another process is at it right now, wait for it a moment; then, should
    it have died, do it here."""
    until = time.monotonic() + PATIENCE
    while item.state == InboundItem.State.STORED and time.monotonic() < until:
        time.sleep(0.05)
        item.refresh_from_db(fields=["state", "message"])
    if item.state == InboundItem.State.STORED and (received := take_over(item)):
        return _taken(received)
    if item.message is None:
        return JsonResponse({"status": item.state}, status=202)
    return _answer("duplicate", item.message, 200)


def _taken(received: Received) -> JsonResponse:
    return _answer(received.status, received.message, 200 if received.status == "duplicate" else 201)


def _answer(status: str, message: Any, code: int) -> JsonResponse:
    return JsonResponse({"status": status, "case": message.case.number, "message": message.token}, status=code)


def _problem(refused: Refused) -> JsonResponse:
    body = {
        "type": f"urn:forefront:problem:{refused.code}",
        "title": _TITLES[refused.status],
        "status": refused.status,
        "detail": refused.detail,
    }
    headers = {"Allow": "POST"} if refused.status == 405 else {}
    return JsonResponse(body, status=refused.status, headers=headers, content_type="application/problem+json")
