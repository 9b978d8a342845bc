"""saved-replies/ and cases/{number}/saved-replies/: what people write again and again, and what it says in a case."""

from typing import Any

from django.core.exceptions import ValidationError as Faulty
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import saved_replies
from cases.api import finding
from cases.models import SavedReply
from cases.variables import LONGEST_TEXT
from crm import rest


class SavedReplyShape(serializers.Serializer[SavedReply]):
    """`texts` by language, with variables. `mine`: only you have it; else it is for `queues`, or for the whole house."""

    id = serializers.IntegerField()
    title = serializers.CharField(source="current.title", default="")
    texts = serializers.DictField(child=serializers.CharField())
    folder = serializers.CharField()
    shortcut = serializers.CharField()
    mine = serializers.SerializerMethodField()
    queues = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    used_count = serializers.IntegerField()
    used_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField(source="current.number", default=0)

    def get_mine(self, reply: SavedReply) -> bool:
        return reply.owner_id is not None

    def get_queues(self, reply: SavedReply) -> list[int]:
        return sorted(queue.pk for queue in reply.queues.all())


class SavedReplyData(serializers.Serializer[Any]):
    """`mine` says whose a new one is, and cannot be changed afterwards."""

    title = serializers.CharField(max_length=120)
    texts = serializers.DictField(child=serializers.CharField(max_length=LONGEST_TEXT, trim_whitespace=False))
    folder = serializers.CharField(max_length=60, allow_blank=True, required=False)
    shortcut = serializers.RegexField(r"^[\w-]*$", max_length=30, allow_blank=True, required=False)
    mine = serializers.BooleanField(required=False)
    queues = serializers.ListField(child=serializers.IntegerField(), max_length=1000, required=False)
    is_active = serializers.BooleanField(required=False)
    version = serializers.IntegerField(required=False)


class OfferedReply(serializers.Serializer[saved_replies.Rendered]):
    """`text` as it reads in this case; `missing` names the variables nothing is known for, which it still holds."""

    id = serializers.IntegerField(source="reply.pk")
    title = serializers.CharField(source="reply.current.title")
    shortcut = serializers.CharField(source="reply.shortcut")
    language = serializers.CharField()
    text = serializers.CharField()
    missing = serializers.ListField(child=serializers.CharField())


class OfferedReplies(serializers.Serializer[Any]):
    results = OfferedReply(many=True)


@extend_schema(methods=["GET"], summary="Saved replies", responses=SavedReplyShape(many=True))
@extend_schema(methods=["POST"], summary="Save a reply", request=SavedReplyData, responses={201: SavedReplyShape})
@rest.endpoint("GET", "POST")
def replies(request: Request) -> Response:
    finding.need(request, "saved_reply.see")
    if request.method == "GET":
        return rest.page(request, _readable(request), SavedReplyShape)
    data = rest.read(SavedReplyData, request)
    reply = SavedReply(owner=rest.me(request) if data.pop("mine", True) else None)
    return _told(_written(request, reply, data), status=201)


@extend_schema(methods=["GET"], summary="A saved reply", operation_id="saved_reply_retrieve", responses=SavedReplyShape)
@extend_schema(methods=["PATCH"], summary="Change a saved reply", request=SavedReplyData, responses=SavedReplyShape)
@rest.endpoint("GET", "PATCH")
def reply(request: Request, pk: int) -> Response:
    finding.need(request, "saved_reply.see")
    found = get_object_or_404(_readable(request), pk=pk)
    if request.method == "GET":
        return _told(found)
    data = rest.read(SavedReplyData, request, partial=True)
    if data.pop("mine", found.owner_id is not None) != (found.owner_id is not None):
        raise ValidationError({"mine": _("Whose it is does not change: save another one.")})
    with transaction.atomic():
        locked = SavedReply.objects.select_for_update(of=("self",)).select_related("current").get(pk=found.pk)
        rest.unchanged_since(request, locked.current.number if locked.current else 0)
        changed = _written(request, locked, {"title": str(locked), "texts": locked.texts, **data})
    return _told(changed)


def _readable(request: Request) -> Any:
    found = SavedReply.objects.readable_by(rest.me(request))
    return found.select_related("current").prefetch_related("queues")


def _written(request: Request, reply: SavedReply, data: dict[str, Any]) -> SavedReply:
    """One's own by who has it, a shared one by who steers every queue it is for."""
    mine = reply.owner_id is not None
    finding.need(request, "saved_reply.own" if mine else "saved_reply.change")
    queues = None if mine else finding.steered(request, reply, data.get("queues"))
    for name in ("folder", "shortcut", "is_active"):
        setattr(reply, name, data.get(name, getattr(reply, name)))
    try:
        with transaction.atomic():
            reply.save()
            if queues is not None:
                reply.queues.set(queues)
            reply.publish(title=data["title"], texts=data["texts"], by=rest.me(request))
    except IntegrityError:
        raise rest.Problem(409, "exists", _("You have a saved reply with this shortcut already.")) from None
    except Faulty as faulty:
        raise ValidationError({"texts": faulty.messages}) from None
    return reply


def _told(reply: SavedReply, *, status: int = 200) -> Response:
    version = reply.current.number if reply.current else 0
    return rest.tagged(SavedReplyShape(reply).data, version, status=status)


@extend_schema(
    summary="What may be said in a case",
    operation_id="case_saved_replies",
    parameters=[OpenApiParameter("q", str, description="A shortcut, or words of title, folder or text.")],
    responses=OfferedReplies,
)
@rest.endpoint("GET")
def offered(request: Request, number: int) -> Response:
    """Best first, at most fifty, filled in for this case in its customer's language."""
    case = finding.case(request, number)
    finding.need(request, "saved_reply.see", case)
    me = rest.me(request)
    found = saved_replies.offered(case, me, request.query_params.get("q", ""))[:50]
    shown = OfferedReply(saved_replies.render(found, case, me), many=True)  # type: ignore[arg-type]
    return Response({"results": shown.data})
