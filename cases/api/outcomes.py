"""dispositions/, causes/ and cases/N/outcome/: what cases are about when they end, and what would have prevented them."""

from typing import Any

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import outcomes
from cases.api import finding
from cases.api.cases import shown
from cases.api.shapes import CaseShape
from cases.api.skills import steered
from cases.models import Cause, Disposition
from cases.models.outcome import PARTS
from crm import rest
from crm.models import User

_MOST = 2**63 - 1


class DispositionShape(serializers.Serializer[Disposition]):
    """Offered in these queues; in none: in every queue. `merged_into`: what it became."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    queues = serializers.SerializerMethodField()
    position = serializers.IntegerField()
    is_active = serializers.BooleanField()
    merged_into = serializers.IntegerField(source="merged_into_id", allow_null=True)

    def get_queues(self, row: Disposition) -> list[int]:
        return sorted(queue.pk for queue in row.queues.all())


class DispositionData(serializers.Serializer[Any]):
    """A name suffices. With `merged_into`, every case that ended with this one has that one."""

    name = serializers.CharField(max_length=80)
    queues = serializers.ListField(child=serializers.IntegerField(), max_length=1000, required=False)
    position = serializers.IntegerField(min_value=0, max_value=32767, required=False)
    is_active = serializers.BooleanField(required=False)
    merged_into = serializers.IntegerField(required=False, min_value=1, max_value=_MOST)


class CauseShape(serializers.Serializer[Cause]):
    """`owner`: who sees to it that it is put right."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    owner = serializers.IntegerField(source="owner_id", allow_null=True)
    position = serializers.IntegerField()
    is_active = serializers.BooleanField()
    merged_into = serializers.IntegerField(source="merged_into_id", allow_null=True)


class CauseData(serializers.Serializer[Any]):
    """A name suffices."""

    name = serializers.CharField(max_length=120)
    owner = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=_MOST)
    position = serializers.IntegerField(min_value=0, max_value=32767, required=False)
    is_active = serializers.BooleanField(required=False)
    merged_into = serializers.IntegerField(required=False, min_value=1, max_value=_MOST)


class Outcome(serializers.Serializer[Any]):
    """What is left out stays; null takes it back."""

    disposition = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=_MOST)
    cause = serializers.IntegerField(required=False, allow_null=True, min_value=1, max_value=_MOST)
    version = serializers.IntegerField(required=False)


@extend_schema(methods=["GET"], summary="What cases are about", responses=DispositionShape(many=True))
@extend_schema(
    methods=["POST"], summary="Add a disposition", request=DispositionData, responses={201: DispositionShape}
)
@rest.endpoint("GET", "POST", writes="settings")
def dispositions(request: Request) -> Response:
    if request.method == "GET":
        return rest.page(request, Disposition.objects.prefetch_related("queues"), DispositionShape)
    row = Disposition()
    _set(request, row, DispositionData)
    return Response(DispositionShape(row).data, status=201)


@extend_schema(summary="Change a disposition", request=DispositionData, responses=DispositionShape)
@rest.endpoint("PATCH", writes="settings", versioned=())
def disposition(request: Request, pk: int) -> Response:
    row = get_object_or_404(Disposition, pk=pk)
    _set(request, row, DispositionData)
    return Response(DispositionShape(row).data)


@extend_schema(methods=["GET"], summary="What would have prevented cases", responses=CauseShape(many=True))
@extend_schema(methods=["POST"], summary="Add a cause", request=CauseData, responses={201: CauseShape})
@rest.endpoint("GET", "POST", writes="settings")
def causes(request: Request) -> Response:
    if request.method == "GET":
        return rest.page(request, Cause.objects.all(), CauseShape)
    row = Cause()
    _set(request, row, CauseData)
    return Response(CauseShape(row).data, status=201)


@extend_schema(summary="Change a cause", request=CauseData, responses=CauseShape)
@rest.endpoint("PATCH", writes="settings", versioned=())
def cause(request: Request, pk: int) -> Response:
    row = get_object_or_404(Cause, pk=pk)
    _set(request, row, CauseData)
    return Response(CauseShape(row).data)


def _set(request: Request, row: Any, shape: type[serializers.Serializer[Any]]) -> None:
    finding.need(request, "field.change")
    data = rest.read(shape, request, partial=row.pk is not None)
    queues = steered(request, data.pop("queues")) if "queues" in data else None
    into = _other(type(row), data.pop("merged_into")) if "merged_into" in data else None
    if data.get("owner") is not None:
        data["owner"] = _owner(data["owner"])
    for name, value in data.items():
        setattr(row, name, value)
    try:
        with transaction.atomic():
            row.save()
            if queues is not None:
                row.queues.set(queues)
            if into is not None:
                row.merge(into)
    except IntegrityError:
        raise rest.Problem(409, "exists", _("There is one with this name already: choose another.")) from None


def _other(model: Any, pk: int) -> Any:
    found = model.objects.filter(pk=pk).first()
    if found is None:
        raise ValidationError({"merged_into": _("There is none with the id %(id)s.") % {"id": pk}})
    return found


def _owner(pk: int) -> User:
    return finding.person(pk, "owner")


@extend_schema(summary="Say how a case ended, or correct it", request=Outcome, responses=CaseShape)
@rest.endpoint("PUT", versioned=("PUT",))
def outcome(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.status", case)
    data = rest.read(Outcome, request)
    with transaction.atomic():
        case.lock()
        rest.unchanged_since(request, case.version)
        told = outcomes.chosen({part: data[part] for part in PARTS if part in data})
        outcomes.note(case, by=rest.me(request), via="api", **told)
    return shown(request, number)
