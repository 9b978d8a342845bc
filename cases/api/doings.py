"""What is done to a case: assignment, status, resolution, promises, clocks, its events."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import feelings, outcomes, tasks, transitions, whose
from cases import promises as keeping
from cases.api import finding
from cases.api.cases import shown
from cases.api.log import EventShape
from cases.api.shapes import (
    CaseShape,
    ClockShape,
    MessageShape,
    NewAssignment,
    NewFeeling,
    NewNeed,
    NewOwner,
    NewPromise,
    NewResolution,
    NewStatus,
    PromiseShape,
)
from cases.hooks import resolve_checks
from cases.models import Case
from cases.models.case import Refusal
from cases.models.outcome import PARTS
from crm import rest
from crm.models import Event, User
from customers.api import found_or_made


@extend_schema(methods=["POST"], summary="Assign or claim", request=NewAssignment, responses=CaseShape)
@extend_schema(methods=["DELETE"], summary="Give it back to the queue", responses=CaseShape)
@rest.endpoint("POST", "DELETE", versioned=("POST", "DELETE"))
def assignment(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    data = rest.read(NewAssignment, request) if request.method == "POST" else {}
    to = finding.person(data["assignee"], "assignee") if "assignee" in data else None
    finding.need(request, _verb(data, to), case)
    with transaction.atomic():
        case.lock()
        rest.unchanged_since(request, case.version)
        _assigned(case, data, to, rest.me(request))
    return shown(request, number)


def _verb(data: dict[str, Any], to: User | None) -> str:
    if not data:
        return "case.release"
    return "case.assign" if to else "case.claim"


def _assigned(case: Case, data: dict[str, Any], to: User | None, by: User) -> None:
    if not data:
        case.release(by=by, via="api")
    elif to:
        case.assign(to, by=by, via="api")
    else:
        case.claim(by=by, via="api")


@extend_schema(summary="Change the status, along the transition table", request=NewStatus, responses=CaseShape)
@rest.endpoint("POST", versioned=("POST",))
def status(request: Request, number: int) -> Response:
    data = rest.read(NewStatus, request)
    _become(request, number, data["status"], data.get("at"), tasks_left=data["tasks_left"])
    return shown(request, number)


@extend_schema(methods=["POST"], summary="Resolve", request=NewResolution, responses=CaseShape)
@extend_schema(methods=["DELETE"], summary="Reopen", responses=CaseShape)
@rest.endpoint("POST", "DELETE", versioned=("POST", "DELETE"))
def resolution(request: Request, number: int) -> Response:
    if request.method == "DELETE":
        _become(request, number, transitions.OPEN, None)
    else:
        data = rest.read(NewResolution, request)
        told = {part: data[part] for part in PARTS if part in data}
        _become(request, number, transitions.RESOLVED, data.get("at"), tasks_left=data["tasks_left"], outcome=told)
    return shown(request, number)


@transaction.atomic
def _become(
    request: Request,
    number: int,
    wanted: str,
    asked_at: datetime | None,
    *,
    tasks_left: bool = False,
    outcome: dict[str, Any] | None = None,
) -> None:
    """One door for every change of status. What happened in the past is not asked whether it may."""
    case = finding.case(request, number)
    finding.need(request, "case.status", case)
    at, via = finding.dated(request, asked_at)
    case.lock()
    rest.unchanged_since(request, case.version)
    finding.in_order(case, at)
    if wanted == transitions.RESOLVED and at is None and case.status != wanted:
        _may_be_resolved(case, rest.me(request), tasks_left=tasks_left)
    outcomes.note(case, by=rest.me(request), at=at, via=via, **outcomes.chosen(outcome or {}))
    case.change_status(wanted, by=rest.me(request), at=at, via=via)


def _may_be_resolved(case: Case, by: User, *, tasks_left: bool) -> None:
    if sentences := [s for s in resolve_checks.collect(case, by) if s]:
        raise Refusal(" ".join(sentences))
    if not tasks_left:
        tasks.ask_before_resolving(case)


@extend_schema(methods=["POST"], summary="The need is met", request=NewNeed, responses=CaseShape)
@extend_schema(methods=["DELETE"], summary="The need is not met after all", responses=CaseShape)
@rest.endpoint("POST", "DELETE", versioned=("POST", "DELETE"))
def need(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.need", case)
    data = rest.read(NewNeed, request) if request.method == "POST" else {}
    with transaction.atomic():
        case.lock()
        rest.unchanged_since(request, case.version)
        if data:
            case.mark_need_met(by=rest.me(request), how=data["how"], via="api")
        else:
            case.mark_need_unmet(by=rest.me(request), via="api")
    return shown(request, number)


@extend_schema(summary="Say whose a case without a customer is", request=NewOwner, responses=CaseShape)
@rest.endpoint("POST", versioned=("POST",))
def customer(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.customer", case)
    given = rest.read(NewOwner, request)["customer"]
    by = rest.me(request)
    with transaction.atomic():
        theirs = found_or_made(given, by=by, via="api", at=None)
        case.lock()
        rest.unchanged_since(request, case.version)
        whose.belongs_to(case, theirs, by=by, via="api")
    return shown(request, number)


@extend_schema(summary="How the customer felt with a message", request=NewFeeling, responses=MessageShape)
@rest.endpoint("PUT")
def feeling(request: Request, number: int, pk: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.feeling", case)
    message = get_object_or_404(case.messages.select_related("author", "dispatch"), pk=pk)
    message.case = case
    feelings.mark(message, rest.read(NewFeeling, request)["feeling"], by=rest.me(request), via="api")
    return Response(MessageShape(message).data)


@extend_schema(methods=["GET"], summary="What we promised", responses=PromiseShape(many=True))
@extend_schema(methods=["POST"], summary="Promise something", request=NewPromise, responses={201: PromiseShape})
@rest.endpoint("GET", "POST")
def promises(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    if request.method == "GET":
        return rest.page(request, case.promises.all(), PromiseShape)
    finding.need(request, "case.promise", case)
    data = rest.read(NewPromise, request)
    return Response(PromiseShape(_promised(case, data, rest.me(request))).data, status=201)


def _promised(case: Case, data: dict[str, Any], by: User) -> Any:
    now = timezone.now()
    if data["due_at"] <= now:
        raise ValidationError({"due_at": _("This time has already passed: choose a later one.")})
    owner = finding.person(data["owner"], "owner") if "owner" in data else case.assignee or by
    return keeping.make(
        case, what=data["what"], due_at=data["due_at"], owner=owner, made_by=None, at=now, by=by, via="api"
    )


@extend_schema(summary="The clocks of a case", responses=ClockShape(many=True))
@rest.endpoint("GET")
def clocks(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    rows = case.clocks.select_related("calendar_version", "policy_version")
    return rest.page(request, rows, ClockShape, now=timezone.now())


@extend_schema(summary="What happened to a case, in order", responses=EventShape(many=True))
@rest.endpoint("GET")
def events(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    return rest.page(request, _events(case), EventShape, order="version", numbers={case.pk: case.number})


def _events(case: Case) -> QuerySet[Event]:
    return Event.objects.filter(stream="case", stream_id=case.pk)
