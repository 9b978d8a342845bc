"""cases/N/sides/: asking somebody beside a case. None of it is among the case's messages, and no customer is shown it."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases import sides
from cases.api import finding
from cases.api.shapes import Text
from cases.models import Case, Dispatch, SideMessage, SideTalk
from crm import rest


class SideRecipientShape(serializers.Serializer[Any]):
    name = serializers.CharField(allow_blank=True)
    address = serializers.CharField()


class SideTalkShape(serializers.Serializer[SideTalk]):
    """One conversation beside a case."""

    id = serializers.IntegerField()
    subject = serializers.CharField()
    state = serializers.ChoiceField(choices=SideTalk.State.choices)
    recipients = SideRecipientShape(many=True, source="recipients.all")
    made_by = serializers.IntegerField(source="made_by_id")
    made_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()


class SideMessageShape(serializers.Serializer[SideMessage]):
    """One utterance of it; without an author it is theirs. `states`: what became of ours, an address each."""

    id = serializers.IntegerField()
    author = serializers.IntegerField(source="author_id", allow_null=True)
    sender_name = serializers.CharField(allow_blank=True)
    sender_address = serializers.CharField(allow_blank=True)
    text = serializers.CharField()
    quoted = serializers.CharField(allow_blank=True)
    at = serializers.DateTimeField()
    is_auto = serializers.BooleanField()
    flags = serializers.ListField(child=serializers.CharField())
    states = serializers.SerializerMethodField()
    taken_back_at = serializers.DateTimeField(allow_null=True)

    def get_states(self, message: SideMessage) -> dict[str, str]:
        sent = Dispatch.objects.filter(source="side", source_id=message.pk)
        return dict(sent.values_list("address", "state"))


class NewSideMessage(serializers.Serializer[Any]):
    text = Text(max_length=sides.MOST_TEXT)
    quote = serializers.ListField(
        child=serializers.IntegerField(), max_length=sides.MOST_QUOTED, default=list,
        help_text="Messages of the case that are passed on.",
    )  # fmt: skip
    with_files = serializers.BooleanField(default=False)


class NewSideTalk(NewSideMessage):
    """Mail addresses, with or without names: `Repairs <repairs@supplier.example>`."""

    to = serializers.ListField(child=serializers.CharField(max_length=400), max_length=sides.MOST_RECIPIENTS)
    subject = serializers.CharField(max_length=200, allow_blank=True, default="")


class SideTalkChange(serializers.Serializer[Any]):
    """`done`: nothing more is wanted of them; `waiting`: it is not done after all."""

    state = serializers.ChoiceField(choices=["done", "waiting"])


def _talks(case: Case) -> QuerySet[SideTalk]:
    return SideTalk.objects.filter(case=case).prefetch_related("recipients")


def _one(case: Case, pk: int) -> SideTalk:
    return get_object_or_404(_talks(case), pk=pk)


@extend_schema(methods=["GET"], summary="Who was asked beside a case", responses=SideTalkShape(many=True))
@extend_schema(methods=["POST"], summary="Ask somebody", request=NewSideTalk, responses={201: SideTalkShape})
@rest.endpoint("GET", "POST")
def talks(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    if request.method == "GET":
        return rest.page(request, _talks(case), SideTalkShape)
    finding.need(request, "case.side", case)
    given = rest.read(NewSideTalk, request)
    to = ", ".join(given.pop("to"))
    written = sides.begin(case, to=to, by=rest.me(request), via="api", **given)
    return Response(SideTalkShape(_one(case, written.talk_id)).data, status=201)


@extend_schema(methods=["GET"], summary="One talk", operation_id="side_retrieve", responses=SideTalkShape)
@extend_schema(methods=["PATCH"], summary="Done, or not", request=SideTalkChange, responses=SideTalkShape)
@rest.endpoint("GET", "PATCH", versioned=())
def talk(request: Request, number: int, pk: int) -> Response:
    case = finding.case(request, number)
    found = _one(case, pk)
    if request.method == "PATCH":
        finding.need(request, "case.side", case)
        is_done = rest.read(SideTalkChange, request)["state"] == "done"
        (sides.settle if is_done else sides.take_up)(found, by=rest.me(request), via="api")
    return Response(SideTalkShape(_one(case, pk)).data)


@extend_schema(
    methods=["GET"],
    summary="What was said in a talk",
    operation_id="side_messages",
    responses=SideMessageShape(many=True),
)
@extend_schema(methods=["POST"], summary="Go on with it", request=NewSideMessage, responses={201: SideMessageShape})
@rest.endpoint("GET", "POST")
def messages(request: Request, number: int, pk: int) -> Response:
    case = finding.case(request, number)
    found = _one(case, pk)
    if request.method == "GET":
        return rest.page(request, found.messages.all(), SideMessageShape)
    finding.need(request, "case.side", case)
    written = sides.write(found, by=rest.me(request), via="api", **rest.read(NewSideMessage, request))
    return Response(SideMessageShape(written).data, status=201)
