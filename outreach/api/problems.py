"""problems/ and notices/ over HTTP."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases.models import Case
from crm import rest, roles
from customers import looking
from customers.conditions import BadCondition
from customers.models import Customer
from outreach import delivery, exposure
from outreach.api.problem_shapes import (
    DeliveryShape,
    ExposureData,
    ExposureShape,
    KnownProblemShape,
    LinkedCase,
    NewLink,
    NewNotice,
    NewProblem,
    NoticeData,
    NoticeShape,
    ProblemData,
)
from outreach.models import KnownProblem, Notice, NoticeDelivery, ProblemCase

_LIST = [OpenApiParameter("cursor", str), OpenApiParameter("limit", int, description="1 to 200, else 50.")]


def need(request: Request, verb: str) -> None:
    """403 unless the caller's roles may do it at all."""
    if not roles.may(request.user, verb):
        raise rest.forbid(_("Your role may not do this (%(verb)s).") % {"verb": verb})


def _problem(request: Request, pk: int, verb: str = "problem.see") -> KnownProblem:
    need(request, verb)
    return get_object_or_404(KnownProblem, pk=pk)


def _case(request: Request, number: int) -> Case:
    found = Case.objects.visible_to(rest.me(request)).filter(number=number).first()
    if found is None:
        raise ValidationError({"case": _("There is no case %(number)s that you may see.") % {"number": number}})
    return found


# --- problems


@extend_schema(methods=["GET"], summary="Known problems", parameters=_LIST, responses=KnownProblemShape(many=True))
@extend_schema(
    methods=["POST"], summary="Declare a known problem", request=NewProblem, responses={201: KnownProblemShape}
)
@rest.endpoint("GET", "POST")
def problems(request: Request) -> Response:
    if request.method == "GET":
        need(request, "problem.see")
        return rest.page(request, KnownProblem.objects.all(), KnownProblemShape)
    need(request, "problem.declare")
    data = rest.read(NewProblem, request)
    case = _case(request, data.pop("case")) if "case" in data else None
    made = KnownProblem.declare(case=case, by=rest.me(request), **data)
    place = request.build_absolute_uri(f"/api/problems/{made.pk}/")
    return rest.tagged(KnownProblemShape(made).data, made.version, status=201, location=place)


@extend_schema(methods=["GET"], summary="A known problem", operation_id="problem_retrieve", responses=KnownProblemShape)
@extend_schema(methods=["PATCH"], summary="Change what is known", request=ProblemData, responses=KnownProblemShape)
@rest.endpoint("GET", "PATCH")
def problem(request: Request, pk: int) -> Response:
    found = _problem(request, pk)
    if request.method == "PATCH":
        need(request, "problem.change")
        data = rest.read(ProblemData, request)
        with transaction.atomic():
            found.lock()
            rest.unchanged_since(request, found.version)
            _change(found, data, request)
        found.refresh_from_db()
    return rest.tagged(KnownProblemShape(found).data, found.version)


def _change(problem: KnownProblem, data: dict[str, Any], request: Request) -> None:
    by, state = rest.me(request), data.pop("state", None)
    if state and state != KnownProblem.State.CLOSED and not problem.is_standing:
        problem.reopen(by=by, via="api")
    is_over = state == KnownProblem.State.CLOSED
    words = data if is_over or not state else {**data, "state": state}
    problem.edit(by=by, via="api", **words)
    if is_over:
        problem.close(by=by, via="api")


@extend_schema(methods=["GET"], summary="Whom a problem hits", responses=ExposureShape)
@extend_schema(
    methods=["POST"], summary="Try a condition; nothing is saved", request=ExposureData, responses=ExposureShape
)
@extend_schema(methods=["PUT"], summary="Say whom it hits", request=ExposureData, responses=ExposureShape)
@rest.endpoint("GET", "POST", "PUT")
def problem_exposure(request: Request, pk: int) -> Response:
    found = _problem(request, pk, "problem.see" if request.method == "GET" else "problem.change")
    given, by = found.condition, rest.me(request)
    try:
        if request.method != "GET":
            given = rest.read(ExposureData, request)["condition"]
        if request.method == "PUT":
            exposure.aim(found, _object(given), by=by, via="api")
        return Response(_exposure(found, _object(given), request))
    except BadCondition as bad:
        raise ValidationError({"condition": str(bad)}) from None


def _object(given: Any) -> dict[str, Any] | None:
    if given is not None and not isinstance(given, dict):
        raise BadCondition("", _("A condition is an object: { … }."))
    return given


def _exposure(problem: KnownProblem, given: dict[str, Any] | None, request: Request) -> Any:
    now, user = timezone.now(), rest.me(request)
    is_tried = request.method == "POST" and given is not None
    looked = exposure.tried(problem, given, now) if is_tried and given else exposure.outlook(problem, now)
    sample = exposure.sample(problem, given, now, user=user)
    counts = {name: getattr(looked, name) for name in ("size", "reachable", "told", "withheld")}
    return ExposureShape({"condition": given, "sample": sample, "note": looking.note(given, now), **counts}).data


@extend_schema(methods=["GET"], summary="Cases about a problem", parameters=_LIST, responses=LinkedCase(many=True))
@extend_schema(methods=["POST"], summary="Link a case", request=NewLink, responses={201: LinkedCase})
@rest.endpoint("GET", "POST")
def problem_cases(request: Request, pk: int) -> Response:
    found = _problem(request, pk)
    seen = _links(request, found)
    if request.method == "GET":
        return rest.page(request, seen, LinkedCase)
    need(request, "problem.link")
    case = _case(request, rest.read(NewLink, request)["case"])
    found.link(case, by=rest.me(request), via="api")
    return Response(LinkedCase(seen.get(case=case)).data, status=201)


@extend_schema(summary="Take a case off a problem", request=None, responses={204: None})
@rest.endpoint("DELETE")
def problem_case(request: Request, pk: int, number: int) -> Response:
    found = _problem(request, pk)
    need(request, "problem.link")
    link = get_object_or_404(_links(request, found), case__number=number)
    found.unlink(link.case, by=rest.me(request), via="api")
    return Response(status=204)


def _links(request: Request, problem: KnownProblem) -> QuerySet[ProblemCase]:
    seen = Case.objects.visible_to(rest.me(request))
    return ProblemCase.objects.filter(problem=problem, case__in=seen).select_related("case")


# --- notices


@extend_schema(
    methods=["GET"],
    summary="Notices",
    parameters=[OpenApiParameter("problem", int), *_LIST],
    responses=NoticeShape(many=True),
)
@extend_schema(methods=["POST"], summary="Write a notice", request=NewNotice, responses={201: NoticeShape})
@rest.endpoint("GET", "POST")
def notices(request: Request) -> Response:
    if request.method == "GET":
        need(request, "problem.see")
        about = request.query_params.get("problem", "")
        rows = Notice.objects.all()
        is_key = about.isdecimal() and len(about) < 18
        return rest.page(request, rows.filter(problem=int(about)) if is_key else rows, NoticeShape)
    need(request, "notice.write")
    data = rest.read(NewNotice, request)
    about_it = KnownProblem.objects.filter(pk=data["problem"]).first()
    if about_it is None:
        raise ValidationError({"problem": _("There is no such problem.")})
    made = Notice.write(about_it, data["texts"], by=rest.me(request), via="api")
    place = request.build_absolute_uri(f"/api/notices/{made.pk}/")
    return rest.tagged(NoticeShape(made).data, made.version, status=201, location=place)


@extend_schema(methods=["GET"], summary="A notice", operation_id="notice_retrieve", responses=NoticeShape)
@extend_schema(methods=["PATCH"], summary="Change a draft", request=NoticeData, responses=NoticeShape)
@rest.endpoint("GET", "PATCH")
def notice(request: Request, pk: int) -> Response:
    found = _notice(request, pk, "problem.see")
    if request.method == "PATCH":
        need(request, "notice.write")
        data = rest.read(NoticeData, request)
        with transaction.atomic():
            found.lock()
            rest.unchanged_since(request, found.version)
            found.rewrite(data["texts"], by=rest.me(request), via="api")
    return _told(found)


def _notice(request: Request, pk: int, verb: str) -> Notice:
    need(request, verb)
    return get_object_or_404(Notice.objects.select_related("problem"), pk=pk)


def _told(notice: Notice) -> Response:
    notice.refresh_from_db()
    return rest.tagged(NoticeShape(notice).data, notice.version)


@extend_schema(summary="A notice, customer by customer", parameters=_LIST, responses=DeliveryShape(many=True))
@rest.endpoint("GET")
def deliveries(request: Request, pk: int) -> Response:
    found = _notice(request, pk, "problem.see")
    seen = Customer.objects.visible_to(rest.me(request))
    rows = NoticeDelivery.objects.filter(notice=found, customer__in=seen).select_related("dispatch")
    return rest.page(request, rows, DeliveryShape)


@extend_schema(summary="Approve: it goes out to everyone exposed", request=None, responses=NoticeShape)
@rest.endpoint("POST")
def approval(request: Request, pk: int) -> Response:
    found = _notice(request, pk, "notice.approve")
    delivery.approve(found, by=rest.me(request), now=timezone.now(), via="api")
    return _told(found)


@extend_schema(methods=["POST"], summary="Pause it", request=None, responses=NoticeShape)
@extend_schema(methods=["DELETE"], summary="On with it", request=None, responses=NoticeShape)
@rest.endpoint("POST", "DELETE")
def pause(request: Request, pk: int) -> Response:
    found = _notice(request, pk, "notice.approve")
    if request.method == "POST":
        found.pause(by=rest.me(request), via="api")
    else:
        delivery.resume(found, by=rest.me(request), now=timezone.now(), via="api")
    return _told(found)


@extend_schema(summary="Stop it for good", request=None, responses=NoticeShape)
@rest.endpoint("POST")
def stop(request: Request, pk: int) -> Response:
    found = _notice(request, pk, "notice.approve")
    found.stop(by=rest.me(request), via="api")
    return _told(found)
