"""calendars/, sla-policies/: when we are open and how quickly we answer. Both change by new versions."""

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db import IntegrityError, transaction
from django.db.models import F, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import days_off, recalculating
from cases.api import finding
from cases.api.setting_shapes import (
    CalendarData,
    CalendarShape,
    EffectShape,
    HolidayFile,
    PolicyData,
    PolicyShape,
    RecalculationData,
    RecalculationShape,
)
from cases.api.settings import calendar_of, exists
from cases.models import BusinessCalendar, Case, Queue, QueueMembership, Recalculation, SLAPolicy
from cases.models.sla_actions import faults
from crm import rest
from crm.models import User

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
        raise exists(BusinessCalendar.objects.filter(name=data["name"]).first()) from None
    return _told_calendar(calendar, status=201)


@extend_schema(methods=["GET"], summary="A calendar", operation_id="calendar_retrieve", responses=CalendarShape)
@extend_schema(methods=["PATCH"], summary="Publish a new version", request=CalendarData, responses=CalendarShape)
@rest.endpoint("GET", "PATCH", writes="settings")
def calendar(request: Request, pk: int) -> Response:
    found = get_object_or_404(_calendars(), pk=pk)
    finding.need(request, "calendar.see")
    if request.method == "GET":
        return _told_calendar(found)
    with transaction.atomic():
        found = _changed_calendar(request, pk)
    return _told_calendar(found)


@extend_schema(
    summary="What a change of a calendar would do to running clocks", request=CalendarData, responses=EffectShape
)
@rest.endpoint("POST", writes="settings")
def calendar_preview(request: Request, pk: int) -> Response:
    with transaction.atomic():
        told = _effect(request, _changed_calendar(request, pk))
        transaction.set_rollback(True)
    return Response(told)


def _changed_calendar(request: Request, pk: int) -> BusinessCalendar:
    finding.need(request, "calendar.change")
    data = rest.read(CalendarData, request, partial=True)
    found = get_object_or_404(BusinessCalendar.objects.select_for_update(of=("self",)), pk=pk)
    if request.method == "PATCH":
        rest.unchanged_since(request, found.current.number if found.current else 0)
    _rename(found, data)
    stands = CalendarShape(found).data
    _publish_calendar(found, {**stands, **data}, rest.me(request))
    _let_follow(request, found, data)
    return found


def _let_follow(request: Request, subject: Any, data: dict[str, Any]) -> None:
    """Begin the change of running clocks, if that was asked for."""
    if data.get("change_running"):
        subject.begun = recalculating.begin(subject, by=rest.me(request), at=timezone.now())


def _effect(request: Request, subject: Any) -> Any:
    """Everything is counted; what is named is what one may see."""
    effect = recalculating.effect(subject, timezone.now())
    seen = Case.objects.visible_to(rest.me(request)).filter(pk__in={move.case.pk for move in effect.moves})
    known = set(seen.values_list("pk", flat=True))
    effect.moves = [move for move in effect.moves if move.case.pk in known]
    return EffectShape(effect).data


def _calendars() -> QuerySet[BusinessCalendar]:
    return BusinessCalendar.objects.select_related("current")


def _publish_calendar(calendar: BusinessCalendar, data: dict[str, Any], by: User) -> None:
    if wrong := days_off.faults(data["country"], data["subdivision"]):
        raise ValidationError({"country": wrong})
    place = {name: data[name] for name in ("tz", "hours", "holidays", "country", "subdivision", "observed")}
    names = {**(calendar.current.names if calendar.current else {}), **data.get("names", {})}
    try:
        calendar.publish(names=names, by=by, **place)
    except Invalid as error:
        raise ValidationError({"hours": error.messages}) from None


@extend_schema(summary="Add the days of an iCalendar file", request=HolidayFile, responses=CalendarShape)
@rest.endpoint("POST", writes="settings")
def calendar_holidays(request: Request, pk: int) -> Response:
    finding.need(request, "calendar.change")
    data = rest.read(HolidayFile, request)
    try:
        days = days_off.read(data["icalendar"].encode(), days_off.span(timezone.now().year))
    except days_off.Unreadable as fault:
        raise ValidationError({"icalendar": str(fault)}) from None
    with transaction.atomic():
        found = get_object_or_404(BusinessCalendar.objects.select_for_update(of=("self",)), pk=pk)
        stands = CalendarShape(found).data
        kept = [] if data["replace"] else stands["holidays"]
        _publish_calendar(found, {**stands, "holidays": [*kept, *days], "names": days}, rest.me(request))
        _let_follow(request, found, data)
    return _told_calendar(found)


def _rename(row: BusinessCalendar | SLAPolicy, data: dict[str, Any]) -> None:
    if data.get("name", row.name) == row.name:
        return
    row.name = data["name"]
    try:
        with transaction.atomic():
            row.save(update_fields=["name"])
    except IntegrityError:
        raise exists(None) from None


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
    _reachable(data["actions"], {}, rest.me(request))
    try:
        with transaction.atomic():
            policy = _first(data)
            policy.queues.set(queues)
            _publish_policy(policy, data, rest.me(request))
    except IntegrityError:
        raise exists(SLAPolicy.objects.filter(name=data["name"]).first()) from None
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
    with transaction.atomic():
        found = _changed_policy(request, pk)
    return _told_policy(found)


@extend_schema(
    summary="What a change of an SLA policy would do to running clocks", request=PolicyData, responses=EffectShape
)
@rest.endpoint("POST", writes="settings")
def policy_preview(request: Request, pk: int) -> Response:
    with transaction.atomic():
        told = _effect(request, _changed_policy(request, pk))
        transaction.set_rollback(True)
    return Response(told)


def _changed_policy(request: Request, pk: int) -> SLAPolicy:
    found = get_object_or_404(_policies(), pk=pk)
    _steered(request, [q.pk for q in found.queues.all()])
    data = rest.read(PolicyData, request, partial=True)
    found = get_object_or_404(SLAPolicy.objects.select_for_update(of=("self",)), pk=pk)
    if request.method == "PATCH":
        rest.unchanged_since(request, found.current.number if found.current else 0)
    _change_policy(request, found, data)
    _let_follow(request, found, data)
    return found


def _change_policy(request: Request, policy: SLAPolicy, data: dict[str, Any]) -> None:
    stands = PolicyShape(policy).data
    _rename(policy, data)
    if "queues" in data:
        policy.queues.set(_steered(request, data["queues"]))
    policy.position = data.get("position", policy.position)
    policy.is_active = data.get("is_active", policy.is_active)
    policy.save(update_fields=["position", "is_active"])
    if "actions" in data:
        _reachable(data["actions"], policy.current.actions if policy.current else {}, rest.me(request))
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


def _reachable(actions: dict[str, Any], stands: dict[str, Any], by: User) -> None:
    """A supervisor sends cases to queues they steer and to people of those, besides what stands already."""
    if wrong := faults(actions):
        raise ValidationError({"actions": wrong})
    if by.is_administrator:
        return
    queues, people = _named(actions)
    known_queues, known_people = _named(stands)
    theirs = set(Queue.objects.steered_by(by).values_list("pk", flat=True))
    if far := sorted(queues - known_queues - theirs):
        raise ValidationError({"actions": _("You steer no queue %(ids)s.") % {"ids": ", ".join(map(str, far))}})
    members = QueueMembership.objects.filter(queue__in=theirs).values_list("user", flat=True)
    if far := sorted(people - known_people - {by.pk, *members}):
        told = _("Nobody of your queues has the id %(ids)s.") % {"ids": ", ".join(map(str, far))}
        raise ValidationError({"actions": told})


def _named(actions: dict[str, Any]) -> tuple[set[int], set[int]]:
    """The queues and the people that actions name."""
    blocks = actions.values()
    people = {p for block in blocks for p in [*(block.get("people") or []), block.get("assignee")] if p}
    return {block["queue"] for block in blocks if block.get("queue")}, people


def _policies() -> QuerySet[SLAPolicy]:
    return SLAPolicy.objects.select_related("current").prefetch_related("queues")


def _publish_policy(policy: SLAPolicy, data: dict[str, Any], by: User) -> None:
    lists = {name: list(data[name]) for name in ("priorities", "channels", "tiers", "pause_statuses")}
    try:
        policy.publish(
            targets=data["targets"], calendar=calendar_of(data["calendar"]), actions=data["actions"], by=by, **lists
        )
    except Invalid as error:
        raise ValidationError({"targets": error.messages}) from None


def _told_policy(policy: SLAPolicy, *, status: int = 200) -> Response:
    version = policy.current.number if policy.current else 0
    return rest.tagged(PolicyShape(policy).data, version, status=status)


# --- changes of running clocks


@extend_schema(summary="Changes of running clocks", responses=RecalculationShape(many=True))
@rest.endpoint("GET")
def recalculations(request: Request) -> Response:
    finding.need(request, "policy.see")
    return rest.page(request, Recalculation.objects.all(), RecalculationShape)


@extend_schema(
    methods=["GET"],
    summary="How far a change of running clocks is",
    operation_id="recalculation_retrieve",
    responses=RecalculationShape,
)
@extend_schema(
    methods=["PATCH"], summary="Stop it, or let it go on", request=RecalculationData, responses=RecalculationShape
)
@rest.endpoint("GET", "PATCH", writes="settings", versioned=())
def recalculation(request: Request, pk: int) -> Response:
    task = get_object_or_404(Recalculation, pk=pk)
    finding.need(request, "policy.see")
    if request.method == "PATCH":
        finding.need(request, "policy.change" if task.policy_id else "calendar.change")
        if task.policy is not None:
            _steered(request, [q.pk for q in task.policy.queues.all()])
        wanted = rest.read(RecalculationData, request)["state"]
        (recalculating.stop if wanted == Recalculation.State.STOPPED else recalculating.go_on)(task)
        task.refresh_from_db()
    return Response(RecalculationShape(task).data)
