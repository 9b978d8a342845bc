"""cases/{number}/messages/: the thread, and saying something in it."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cases import conversation
from cases.api import finding
from cases.api.shapes import ListedMessage, MessageShape, NewMessage
from cases.models import Case, Message
from crm import rest


@extend_schema(methods=["GET"], summary="The thread, in the order it was stored", responses=ListedMessage(many=True))
@extend_schema(methods=["POST"], summary="Reply or add a note", request=NewMessage, responses={201: MessageShape})
@rest.endpoint("GET", "POST", versioned=("POST",))
def messages(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    if request.method == "GET":
        return rest.page(request, ListedMessage.begun(_with_parts(case)), ListedMessage, order="id")
    data = rest.read(NewMessage, request)
    finding.need(request, "case.note" if data["direction"] == "note" else "case.reply", case)
    message = _known(case, data) or _said(request, case, data)
    return rest.tagged(MessageShape(message).data, message.case.version, status=201)


@extend_schema(summary="One message, with all it says", responses=MessageShape)
@rest.endpoint("GET")
def message(request: Request, number: int, pk: int) -> Response:
    found = get_object_or_404(_with_parts(finding.case(request, number)), pk=pk)
    return Response(MessageShape(found).data)


def _with_parts(case: Case) -> QuerySet[Message]:
    return case.messages.select_related("author", "dispatch").prefetch_related("attachments")


def _known(case: Case, data: dict[str, Any]) -> Message | None:
    if "external_id" not in data:
        return None
    return Message.objects.filter(case=case, source=data["source"], external_id=data["external_id"]).first()


def _said(request: Request, case: Case, data: dict[str, Any]) -> Message:
    """Say it once: whoever comes second with one external_id finds what the first one said."""
    try:
        with transaction.atomic():
            return _say(request, case, data)
    except IntegrityError:
        if known := _known(case, data):
            return known
        raise rest.Problem(409, "external_id", _("Another case has a message with this external_id.")) from None


def _say(request: Request, case: Case, data: dict[str, Any]) -> Message:
    case.lock()
    if "If-Match" in request.headers:
        rest.unchanged_since(request, case.version)
    at, via = finding.dated(request, data.get("at"))
    finding.in_order(case, at)
    named = {"source": data["source"], "external_id": data["external_id"]} if "external_id" in data else {}
    common: dict[str, Any] = {"text": data["text"], "via": via, **named}
    if data["direction"] == "inbound":
        rest.require(request, "import")  # customers speak through channels; only history is told for them
        now = at or timezone.now()
        return conversation.add_inbound(case, sender=None, channel=case.channel, at=now, **common)
    if data["direction"] == "note":
        return conversation.add_note(case, by=rest.me(request), at=at, **common)
    told = ("is_answer", "next_step", "by_when", "then_status", "anyway")
    against = data.get("version", case.version)
    return conversation.reply(
        case, by=rest.me(request), at=at, written_against=against, **common, **{k: data[k] for k in told if k in data}
    )
