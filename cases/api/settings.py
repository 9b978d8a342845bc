"""queues/: what supervisors set of them, and who works there."""

from typing import Any

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from cases.api.setting_shapes import MemberShape, NewMember, QueueData, QueueShape
from cases.models import BusinessCalendar, Queue, QueueMembership
from crm import rest
from crm.models import User

# --- queues


@extend_schema(methods=["GET"], summary="The queues you may see", responses=QueueShape(many=True))
@extend_schema(methods=["POST"], summary="Add a queue", request=QueueData, responses={201: QueueShape})
@rest.endpoint("GET", "POST", writes="settings")
def queues(request: Request) -> Response:
    if request.method == "GET":
        return rest.page(request, Queue.objects.visible_to(rest.me(request)), QueueShape)
    finding.need(request, "queue.settings")
    queue = _new_queue(rest.read(QueueData, request), rest.me(request))
    return rest.tagged(QueueShape(queue).data, queue.version, status=201)


def _new_queue(data: dict[str, Any], by: User) -> Queue:
    """A supervisor's new queue is marked theirs, or they could not see what they made."""
    try:
        with transaction.atomic():
            queue = Queue.objects.create(**_columns(data))
            if not by.is_administrator:
                QueueMembership.objects.create(queue=queue, user=by, role=QueueMembership.Role.SUPERVISOR)
            queue.record("queue_created", by=by, via="api")
    except IntegrityError:
        raise exists(Queue.objects.visible_to(by).filter(name=data["name"]).first()) from None
    return queue


def _columns(data: dict[str, Any]) -> dict[str, Any]:
    """A calendar is named by its id."""
    columns = {k: v for k, v in data.items() if k not in {"version", "calendar"}}
    return columns | ({"calendar": calendar_of(data["calendar"])} if "calendar" in data else {})


def calendar_of(pk: int | None) -> BusinessCalendar | None:
    calendar = BusinessCalendar.objects.filter(pk=pk).first() if pk is not None else None
    if pk is not None and calendar is None:
        raise ValidationError({"calendar": _("There is no calendar %(id)s.") % {"id": pk}})
    return calendar


def exists(row: Any) -> rest.Problem:
    extra = {"id": row.pk} if row else {}
    return rest.Problem(
        409, "exists", _("There is one with this name already: choose another, or change that one."), **extra
    )


@extend_schema(methods=["GET"], summary="A queue", operation_id="queue_retrieve", responses=QueueShape)
@extend_schema(methods=["PATCH"], summary="Change a queue", request=QueueData, responses=QueueShape)
@rest.endpoint("GET", "PATCH", writes="settings")
def queue(request: Request, pk: int) -> Response:
    found = get_object_or_404(Queue.objects.visible_to(rest.me(request)), pk=pk)
    if request.method == "PATCH":
        finding.need(request, "queue.settings", found)
        data = rest.read(QueueData, request, partial=True)
        with transaction.atomic():
            found = Queue.objects.select_for_update(no_key=True).get(pk=pk)
            rest.unchanged_since(request, found.version)
            _change_queue(found, _columns(data), rest.me(request))
    return rest.tagged(QueueShape(found).data, found.version)


def _change_queue(queue: Queue, wanted: dict[str, Any], by: User) -> None:
    differing = [name for name, value in wanted.items() if getattr(queue, name) != value]
    if not differing:
        return
    for name in differing:
        setattr(queue, name, wanted[name])
    try:
        with transaction.atomic():
            queue.save(update_fields=differing)
    except IntegrityError:
        raise exists(None) from None
    queue.record("queue_changed", by=by, via="api", fields=differing)


@extend_schema(methods=["GET"], summary="Who works in a queue", responses=MemberShape(many=True))
@extend_schema(
    methods=["POST"], summary="Add a member, or change the role", request=NewMember, responses={201: MemberShape}
)
@rest.endpoint("GET", "POST", writes="settings")
def members(request: Request, pk: int) -> Response:
    queue = get_object_or_404(Queue.objects.visible_to(rest.me(request)), pk=pk)
    if request.method == "GET":
        return rest.page(request, queue.memberships.select_related("user"), MemberShape)
    finding.need(request, "queue.members", queue)
    data = rest.read(NewMember, request)
    user, by = finding.person(data["user"], "user"), rest.me(request)
    if data["role"] == QueueMembership.Role.SUPERVISOR and not by.is_administrator:
        raise rest.forbid(_("Only an administrator marks a queue as a supervisor’s."))
    known = queue.memberships.filter(user=user).exists()
    queue.admit(user, data["role"], by=by, via="api")
    member = queue.memberships.select_related("user").get(user=user)
    return Response(MemberShape(member).data, status=200 if known else 201)


@extend_schema(methods=["DELETE"], summary="Take somebody out of a queue", responses={204: None})
@rest.endpoint("DELETE", writes="settings")
def member(request: Request, pk: int, user: int) -> Response:
    queue = get_object_or_404(Queue.objects.visible_to(rest.me(request)), pk=pk)
    finding.need(request, "queue.members", queue)
    row = get_object_or_404(queue.memberships, user=user)
    if row.role == QueueMembership.Role.SUPERVISOR and not rest.me(request).is_administrator:
        raise rest.forbid(_("Only an administrator takes a queue from its supervisor."))
    queue.dismiss(row.user, by=rest.me(request), via="api")
    return Response(status=204)
