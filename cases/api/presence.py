"""presence/, presence-reasons/: who is there, said by themselves, by another program for them, or by who leads them."""

from typing import Any

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from cases.models import Presence, PresenceReason, QueueMembership
from cases.models.presence import State, colleagues
from crm import rest, roles
from crm.models import User


class PresenceShape(serializers.Serializer[Presence]):
    """`state` is what they are to everybody now; `chosen`, what they said: the two differ while their console is gone."""

    user = serializers.IntegerField(source="user_id")
    username = serializers.CharField(source="user.username")
    name = serializers.CharField(source="user.name")
    state = serializers.ChoiceField(source="shown", choices=State.choices)
    chosen = serializers.ChoiceField(source="state", choices=State.choices)
    reason = serializers.IntegerField(source="reason_id", allow_null=True)
    since = serializers.DateTimeField()
    version = serializers.IntegerField()


class PresenceData(serializers.Serializer[Any]):
    """`reason`: the key of one of the company's reasons to be away or busy."""

    state = serializers.ChoiceField(choices=State.choices)
    reason = serializers.IntegerField(allow_null=True, default=None)
    version = serializers.IntegerField(required=False)


class ReasonShape(serializers.Serializer[PresenceReason]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    state = serializers.ChoiceField(choices=PresenceReason.WITH_REASON)
    position = serializers.IntegerField()
    is_active = serializers.BooleanField()


class ReasonData(serializers.Serializer[Any]):
    """A name suffices: it means away then."""

    name = serializers.CharField(max_length=40)
    state = serializers.ChoiceField(choices=PresenceReason.WITH_REASON, required=False)
    position = serializers.IntegerField(min_value=0, max_value=32767, required=False)
    is_active = serializers.BooleanField(required=False)


@extend_schema(summary="Who is there, among those you work with", responses=PresenceShape(many=True))
@rest.endpoint("GET")
def everybody(request: Request) -> Response:
    rows = Presence.objects.visible_to(rest.me(request)).select_related("user")
    return rest.page(request, rows, PresenceShape)


@extend_schema(methods=["GET"], summary="How you are there", responses=PresenceShape)
@extend_schema(methods=["PUT"], summary="Say how you are there", request=PresenceData, responses=PresenceShape)
@rest.endpoint("GET", "PUT", versioned=("PUT",))
def mine(request: Request) -> Response:
    finding.need(request, "presence.own")
    if request.method == "PUT":
        _say(request, rest.me(request))
    return _told(rest.me(request))


@extend_schema(
    methods=["GET"], summary="How somebody is there", operation_id="presence_of_somebody", responses=PresenceShape
)
@extend_schema(
    methods=["PUT"], summary="Say it for somebody you lead", request=PresenceData, responses=PresenceShape,
    operation_id="presence_of_somebody_update",
)  # fmt: skip
@rest.endpoint("GET", "PUT", versioned=("PUT",))
def somebodys(request: Request, user: int) -> Response:
    person = get_object_or_404(colleagues(rest.me(request)), pk=user)
    if request.method == "PUT":
        if not _leads(rest.me(request), user):
            raise rest.forbid(_("Only who leads a queue they work in may say this for somebody else."))
        _say(request, person)
    return _told(person)


def _leads(by: User, user: int) -> bool:
    if by.pk == user or by.is_administrator:
        return True
    theirs = QueueMembership.objects.filter(user=user).values_list("queue_id", flat=True)
    return any(roles.may(by, "presence.others", queue) for queue in theirs)


@transaction.atomic
def _say(request: Request, person: User) -> None:
    data = rest.read(PresenceData, request)
    row = Presence.objects.of(person)
    row.lock()
    rest.unchanged_since(request, row.version)
    row.choose(data["state"], _reason(data["reason"]), by=rest.me(request), via="api")


def _reason(pk: int | None) -> PresenceReason | None:
    reason = PresenceReason.objects.filter(pk=pk).first() if pk is not None else None
    if pk is not None and reason is None:
        raise ValidationError({"reason": _("There is no reason %(id)s.") % {"id": pk}})
    return reason


def _told(person: User) -> Response:
    row = Presence.objects.known(person)
    return rest.tagged(PresenceShape(row).data, row.version)


@extend_schema(methods=["GET"], summary="The reasons to be away or busy", responses=ReasonShape(many=True))
@extend_schema(methods=["POST"], summary="Add a reason", request=ReasonData, responses={201: ReasonShape})
@rest.endpoint("GET", "POST", writes="settings")
def reasons(request: Request) -> Response:
    if request.method == "GET":
        finding.need(request, "presence.own")
        return rest.page(request, PresenceReason.objects.all(), ReasonShape)
    finding.need(request, "presence.reasons")
    reason = PresenceReason(**rest.read(ReasonData, request))
    _save(reason)
    return Response(ReasonShape(reason).data, status=201)


@extend_schema(methods=["GET"], summary="A reason", operation_id="presence_reason_retrieve", responses=ReasonShape)
@extend_schema(methods=["PATCH"], summary="Change a reason", request=ReasonData, responses=ReasonShape)
@rest.endpoint("GET", "PATCH", writes="settings", versioned=())
def reason(request: Request, pk: int) -> Response:
    finding.need(request, "presence.own")
    found = get_object_or_404(PresenceReason, pk=pk)
    if request.method == "PATCH":
        finding.need(request, "presence.reasons")
        for name, value in rest.read(ReasonData, request, partial=True).items():
            setattr(found, name, value)
        _save(found)
    return Response(ReasonShape(found).data)


def _save(reason: PresenceReason) -> None:
    try:
        with transaction.atomic():
            reason.save()
    except IntegrityError:
        raise rest.Problem(409, "exists", _("There is a reason with this name already.")) from None
