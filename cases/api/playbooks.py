"""playbooks/, cases/N/playbook/: what is done in which order, and how far a case has come."""

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import playbooks as keeping
from cases.api import finding
from cases.models import Playbook
from crm import rest


class StepShape(serializers.Serializer[Any]):
    key = serializers.SlugField(max_length=60, required=False)
    label = serializers.CharField(max_length=120)  # type: ignore[assignment]
    hint = serializers.CharField(max_length=500, allow_blank=True, default="")


class PlaybookShape(serializers.Serializer[Playbook]):
    """`version` counts the changes of its steps."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    queues = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    version = serializers.IntegerField(source="current.number", default=0)
    steps = StepShape(source="current.steps", many=True, default=list)

    def get_queues(self, playbook: Playbook) -> list[int]:
        return sorted(queue.pk for queue in playbook.queues.all())


class PlaybookData(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    queues = serializers.ListField(child=serializers.IntegerField(), default=list, max_length=1000)
    is_active = serializers.BooleanField(default=True)
    steps = StepShape(many=True)


class TakenShape(serializers.Serializer[Any]):
    """`early`: it was taken before its turn, for `reason`."""

    key = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    hint = serializers.CharField(allow_blank=True)
    done_at = serializers.DateTimeField(allow_null=True)
    done_by = serializers.IntegerField(allow_null=True)
    early = serializers.BooleanField()
    reason = serializers.CharField(allow_blank=True)


class WayShape(serializers.Serializer[Any]):
    """`next`: the key of the step that comes now; null when all are done."""

    playbook = serializers.IntegerField()
    name = serializers.CharField()
    version = serializers.IntegerField()
    next = serializers.CharField(allow_null=True)
    steps = TakenShape(many=True)


class Begin(serializers.Serializer[Any]):
    playbook = serializers.IntegerField()


class TakeStep(serializers.Serializer[Any]):
    step = serializers.CharField(max_length=60)
    reason = serializers.CharField(max_length=300, allow_blank=True, default="", help_text="Why before its turn.")


def _way(run: Any) -> dict[str, Any]:
    found = keeping.way(run)
    steps = [
        {
            **vars(step),
            "done_at": row.at if row else None,
            "done_by": row.by_id if row else None,
            "early": bool(row and row.reason),
            "reason": row.reason if row else "",
        }
        for step, row in found.steps
    ]
    playbook = run.version.playbook
    coming = found.next.key if found.next and run.ended_at is None else None
    return {
        "playbook": playbook.pk,
        "name": playbook.name,
        "version": run.version.number,
        "next": coming,
        "steps": steps,
    }


@extend_schema(methods=["GET"], summary="Playbooks", responses=PlaybookShape(many=True))
@extend_schema(methods=["POST"], summary="Add a playbook", request=PlaybookData, responses={201: PlaybookShape})
@rest.endpoint("GET", "POST", writes="settings")
def playbooks(request: Request) -> Response:
    if request.method == "GET":
        return rest.page(request, _readable(request), PlaybookShape)
    finding.need(request, "macro.change")
    data = rest.read(PlaybookData, request)
    with transaction.atomic():
        made = _written(request, Playbook(), data)
    return Response(PlaybookShape(made).data, status=201)


@extend_schema(methods=["GET"], summary="A playbook", operation_id="playbook_retrieve", responses=PlaybookShape)
@extend_schema(methods=["PATCH"], summary="Change a playbook", request=PlaybookData, responses=PlaybookShape)
@rest.endpoint("GET", "PATCH", writes="settings")
def playbook(request: Request, pk: int) -> Response:
    found = get_object_or_404(_readable(request), pk=pk)
    if request.method == "PATCH":
        finding.need(request, "macro.change")
        data = rest.read(PlaybookData, request, partial=True)
        with transaction.atomic():
            found = get_object_or_404(Playbook.objects.select_for_update(of=("self",)), pk=pk)
            found = _written(
                request, found, {**PlaybookShape(found).data, **{k: v for k, v in data.items() if k in request.data}}
            )
    return Response(PlaybookShape(found).data)


def _readable(request: Request) -> QuerySet[Playbook]:
    finding.need(request, "macro.see")
    rows = Playbook.objects.select_related("current").prefetch_related("queues")
    return rows.readable_by(rest.me(request))


def _written(request: Request, playbook: Playbook, data: dict[str, Any]) -> Playbook:
    """By who steers every queue it is for, and was for."""
    queues = finding.steered(request, playbook, data["queues"])
    playbook.name, playbook.is_active = data["name"], data["is_active"]
    playbook.save()
    playbook.queues.set(queues or [])
    try:
        playbook.publish([dict(step) for step in data["steps"]], by=rest.me(request))
    except Invalid as error:
        raise ValidationError({"steps": error.messages}) from None
    return playbook


@extend_schema(methods=["GET"], summary="How far a case has come in its playbook", responses=WayShape)
@extend_schema(methods=["POST"], summary="Begin a playbook in a case", request=Begin, responses={201: WayShape})
@extend_schema(methods=["DELETE"], summary="Leave the playbook of a case", responses={204: None})
@rest.endpoint("GET", "POST", "DELETE")
def of_case(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    user = rest.me(request)
    if request.method == "POST":
        finding.need(request, "case.task", case)
        asked = rest.read(Begin, request)["playbook"]
        found = Playbook.objects.offered(case.queue).filter(pk=asked).first()
        if found is None:
            raise ValidationError({"playbook": _("There is no playbook %(pk)s for this queue.") % {"pk": asked}})
        return Response(WayShape(_way(keeping.start(case, found, by=user, via="api"))).data, status=201)
    there = _running(case)
    if request.method == "DELETE":
        finding.need(request, "case.task", case)
        keeping.leave(there.run, by=user, via="api")
        return Response(status=204)
    return Response(WayShape(_way(there.run)).data)


def _running(case: Any) -> keeping.Way:
    there = keeping.of(case)
    if there is None:
        raise NotFound(_("No playbook runs in this case."))
    return there


@extend_schema(summary="Take a step of the playbook of a case", request=TakeStep, responses={201: WayShape})
@rest.endpoint("POST")
def steps(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.task", case)
    data = rest.read(TakeStep, request)
    run = _running(case).run
    keeping.take(run, data["step"], by=rest.me(request), reason=data["reason"], via="api")
    return Response(WayShape(_way(run)).data, status=201)
