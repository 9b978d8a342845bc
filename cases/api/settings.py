"""queues/, calendars/, sla-policies/: what supervisors set. Calendars and policies change by new versions."""

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from cases.api.setting_shapes import (
    CalendarData,
    CalendarShape,
    MemberShape,
    NewMember,
    PolicyData,
    PolicyShape,
    QueueData,
    QueueShape,
)
from cases.models import BusinessCalendar, Queue, QueueMembership, SLAPolicy
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
        raise _exists(Queue.objects.visible_to(by).filter(name=data["name"]).first()) from None
    return queue


def _columns(data: dict[str, Any]) -> dict[str, Any]:
    """A calendar is named by its id."""
    columns = {k: v for k, v in data.items() if k not in {"version", "calendar"}}
    return columns | ({"calendar": _calendar(data["calendar"])} if "calendar" in data else {})


def _calendar(pk: int | None) -> BusinessCalendar | None:
    calendar = BusinessCalendar.objects.filter(pk=pk).first() if pk is not None else None
    if pk is not None and calendar is None:
        raise ValidationError({"calendar": _("There is no calendar %(id)s.") % {"id": pk}})
    return calendar


def _exists(row: Any) -> rest.Problem:
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
        raise _exists(None) from None
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


# --- calendars


@extend_schema(methods=["GET"], summary="Calendars", responses=CalendarShape(many=True))
@extend_schema(methods=["POST"], summary="Add a calendar", request=CalendarData, responses={201: CalendarShape})
@rest.endpoint("GET", "POST", writes="settings")
def calendars(request: Request) -> Response:
    if request.method == "GET":
        finding.need(request, "calendar.see")
        return rest.page(request, _calendars(), CalendarShape)
    finding.need(request, "calendar.change")
    data = rest.read(CalendarData, request)
    try:
        with transaction.atomic():
            calendar = BusinessCalendar.objects.create(name=data["name"])
            _publish_calendar(calendar, data, rest.me(request))
    except IntegrityError:
        raise _exists(BusinessCalendar.objects.filter(name=data["name"]).first()) from None
    return _told_calendar(calendar, status=201)


@extend_schema(methods=["GET"], summary="A calendar", operation_id="calendar_retrieve", responses=CalendarShape)
@extend_schema(methods=["PATCH"], summary="Publish a new version", request=CalendarData, responses=CalendarShape)
@rest.endpoint("GET", "PATCH", writes="settings")
def calendar(request: Request, pk: int) -> Response:
    found = get_object_or_404(_calendars(), pk=pk)
    finding.need(request, "calendar.see")
    if request.method == "GET":
        return _told_calendar(found)
    finding.need(request, "calendar.change")
    data = rest.read(CalendarData, request, partial=True)
    with transaction.atomic():
        found = get_object_or_404(BusinessCalendar.objects.select_for_update(of=("self",)), pk=pk)
        rest.unchanged_since(request, found.current.number if found.current else 0)
        _rename(found, data)
        stands = CalendarShape(found).data
        _publish_calendar(found, {**stands, **data}, rest.me(request))
    return _told_calendar(found)


def _calendars() -> QuerySet[BusinessCalendar]:
    return BusinessCalendar.objects.select_related("current")


def _publish_calendar(calendar: BusinessCalendar, data: dict[str, Any], by: User) -> None:
    try:
        calendar.publish(tz=data["tz"], hours=data["hours"], holidays=data["holidays"], by=by)
    except Invalid as error:
        raise ValidationError({"hours": error.messages}) from None


def _rename(row: BusinessCalendar | SLAPolicy, data: dict[str, Any]) -> None:
    if data.get("name", row.name) == row.name:
        return
    row.name = data["name"]
    try:
        with transaction.atomic():
            row.save(update_fields=["name"])
    except IntegrityError:
        raise _exists(None) from None


def _told_calendar(calendar: BusinessCalendar, *, status: int = 200) -> Response:
    version = calendar.current.number if calendar.current else 0
    return rest.tagged(CalendarShape(calendar).data, version, status=status)


# --- service levels


@extend_schema(methods=["GET"], summary="SLA policies, in the order they are asked", responses=PolicyShape(many=True))
@extend_schema(methods=["POST"], summary="Add an SLA policy", request=PolicyData, responses={201: PolicyShape})
@rest.endpoint("GET", "POST", writes="settings")
def policies(request: Request) -> Response:
    if request.method == "GET":
        finding.need(request, "policy.see")
        return rest.page(request, _policies(), PolicyShape)
    data = rest.read(PolicyData, request)
    queues = _steered(request, data["queues"])
    try:
        with transaction.atomic():
            policy = _first(data)
            policy.queues.set(queues)
            _publish_policy(policy, data, rest.me(request))
    except IntegrityError:
        raise _exists(SLAPolicy.objects.filter(name=data["name"]).first()) from None
    return _told_policy(policy, status=201)


def _first(data: dict[str, Any]) -> SLAPolicy:
    """A new policy is asked before the others unless it says where it stands: the first that matches applies."""
    if "position" not in data:
        SLAPolicy.objects.update(position=F("position") + 1)
    return SLAPolicy.objects.create(name=data["name"], position=data.get("position", 0), is_active=data["is_active"])


@extend_schema(methods=["GET"], summary="An SLA policy", operation_id="sla_policy_retrieve", responses=PolicyShape)
@extend_schema(methods=["PATCH"], summary="Publish a new version", request=PolicyData, responses=PolicyShape)
@rest.endpoint("GET", "PATCH", writes="settings")
def policy(request: Request, pk: int) -> Response:
    found = get_object_or_404(_policies(), pk=pk)
    finding.need(request, "policy.see")
    if request.method == "GET":
        return _told_policy(found)
    _steered(request, [q.pk for q in found.queues.all()])
    data = rest.read(PolicyData, request, partial=True)
    with transaction.atomic():
        found = get_object_or_404(SLAPolicy.objects.select_for_update(of=("self",)), pk=pk)
        rest.unchanged_since(request, found.current.number if found.current else 0)
        _change_policy(request, found, data)
    return _told_policy(found)


def _change_policy(request: Request, policy: SLAPolicy, data: dict[str, Any]) -> None:
    stands = PolicyShape(policy).data
    _rename(policy, data)
    if "queues" in data:
        policy.queues.set(_steered(request, data["queues"]))
    policy.position = data.get("position", policy.position)
    policy.is_active = data.get("is_active", policy.is_active)
    policy.save(update_fields=["position", "is_active"])
    _publish_policy(policy, {**stands, **data}, rest.me(request))


def _steered(request: Request, wanted: list[int]) -> list[Queue]:
    """The queues a policy is for. One for every queue is the administrators'; a supervisor's is for their own."""
    finding.need(request, "policy.change")
    user = rest.me(request)
    found = list(Queue.objects.steered_by(user).filter(pk__in=wanted))
    if missing := sorted(set(wanted) - {q.pk for q in found}):
        raise ValidationError({"queues": _("You steer no queue %(ids)s.") % {"ids": ", ".join(map(str, missing))}})
    if not wanted and not user.is_administrator:
        raise rest.forbid(_("A policy for every queue is set by administrators: name the queues it is for."))
    return found


def _policies() -> QuerySet[SLAPolicy]:
    return SLAPolicy.objects.select_related("current").prefetch_related("queues")


def _publish_policy(policy: SLAPolicy, data: dict[str, Any], by: User) -> None:
    lists = {name: list(data[name]) for name in ("priorities", "channels", "tiers", "pause_statuses")}
    try:
        policy.publish(targets=data["targets"], calendar=_calendar(data["calendar"]), by=by, **lists)
    except Invalid as error:
        raise ValidationError({"targets": error.messages}) from None


def _told_policy(policy: SLAPolicy, *, status: int = 200) -> Response:
    version = policy.current.number if policy.current else 0
    return rest.tagged(PolicyShape(policy).data, version, status=status)
