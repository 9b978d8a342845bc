"""Over a colleague's shoulder, over HTTP: whispers, joining a case, taking it over."""

from typing import Any

from django.db import transaction
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases import helping, whispering
from cases.api import finding
from cases.api.cases import shown
from cases.api.shapes import CaseShape
from cases.models import Whisper
from crm import rest


class WhisperShape(serializers.Serializer[Whisper]):
    """A word between whoever works on a case and who leads them. Only those two and who leads the queue get it."""

    id = serializers.IntegerField()
    author = serializers.IntegerField(source="author_id")
    to = serializers.IntegerField(source="to_id")
    text = serializers.CharField()
    at = serializers.DateTimeField()
    heard_at = serializers.DateTimeField(allow_null=True)


class NewWhisper(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=100_000)


class NewTakeover(serializers.Serializer[Any]):
    """`reason` stands in the case as a note."""

    reason = serializers.CharField(max_length=2000)
    version = serializers.IntegerField(required=False)


@extend_schema(methods=["GET"], summary="The whispers of a case that you may read", responses=WhisperShape(many=True))
@extend_schema(
    methods=["POST"], summary="Whisper to whoever has it, or answer", request=NewWhisper, responses={201: WhisperShape}
)
@rest.endpoint("GET", "POST")
def whispers(request: Request, number: int) -> Response:
    case, me = finding.case(request, number), rest.me(request)
    if request.method == "GET":
        return rest.page(request, whispering.of(case, me), WhisperShape, order="id")
    if whispering.addressee(case, me) is None:
        finding.need(request, "case.whisper", case)
    said = whispering.say(case, by=me, text=rest.read(NewWhisper, request)["text"], via="api")
    return Response(WhisperShape(said).data, status=201)


@extend_schema(methods=["POST"], summary="Join a colleague's case", request=None, responses=CaseShape)
@extend_schema(methods=["DELETE"], summary="Leave it to them again", responses=CaseShape)
@rest.endpoint("POST", "DELETE")
def help_out(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.join", case)
    (helping.join if request.method == "POST" else helping.leave)(case, by=rest.me(request), via="api")
    return shown(request, number)


@extend_schema(summary="Take a case over from whoever has it", request=NewTakeover, responses=CaseShape)
@rest.endpoint("POST", versioned=("POST",))
def takeover(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.take_over", case)
    reason = rest.read(NewTakeover, request)["reason"]
    with transaction.atomic():
        case.lock()
        rest.unchanged_since(request, case.version)
        helping.take_over(case, by=rest.me(request), reason=reason, via="api")
    return shown(request, number)
