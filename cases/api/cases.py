"""cases/ and cases/{number}/: the list, one case, opening one, describing it anew."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import conversation
from cases import fields as filling
from cases.api import finding
from cases.api.shapes import CaseChange, CaseRow, CaseShape, NewCase
from cases.filter_parts import Asker
from cases.filters import read
from cases.intake import open_case
from cases.models import Case
from cases.phrases import MOST_READ
from cases.search import search_cases
from crm import rest
from crm.models import Event
from customers.api import found_or_made
from customers.folding import clean
from customers.models import Customer

_FILTERS = [
    OpenApiParameter(
        "q",
        str,
        description="Filters and words, as `is:unassigned promise:<2h refund`: of words the newest 1,000 that match.",
    ),
    OpenApiParameter("queue", int, description="A queue's id."),
    OpenApiParameter("status", str, description="One status, or several with commas."),
    OpenApiParameter("assignee", str, description="A user's id, `me` or `none`."),
    OpenApiParameter("customer", int, description="A customer's id."),
    OpenApiParameter("external_id", str, description="The id it has elsewhere (with `source`)."),
    OpenApiParameter("source", str),
    OpenApiParameter(
        "field",
        str,
        many=True,
        description="What a field holds: `serial:AB12`, `amount:>=100`, `fault:none`. Repeated.",
    ),
    OpenApiParameter("updated_since", OpenApiTypes.DATETIME, description="Only what changed at or after this time."),
    OpenApiParameter("cursor", str, description="From `next` or `previous` of a page."),
    OpenApiParameter("limit", int, description="1 to 200, else 50."),
]


@extend_schema(methods=["GET"], summary="Cases, newest first", parameters=_FILTERS, responses=CaseRow(many=True))
@extend_schema(methods=["POST"], summary="Open a case", request=NewCase, responses={201: CaseShape})
@rest.endpoint("GET", "POST")
def cases(request: Request) -> Response:
    if request.method == "GET":
        return rest.page(request, _asked(request, finding.listed(request)), CaseRow)
    case = _opened(request, rest.read(NewCase, request))
    return shown(request, case.number, status=201)


@extend_schema(methods=["GET"], summary="A case", operation_id="case_retrieve", responses=CaseShape)
@extend_schema(methods=["PATCH"], summary="Describe a case anew", request=CaseChange, responses=CaseShape)
@rest.endpoint("GET", "PATCH")
def case(request: Request, number: int) -> Response:
    if request.method == "GET":
        return shown(request, number)
    _changed(request, finding.case(request, number), rest.read(CaseChange, request))
    return shown(request, number)


def shown(request: Request, number: int, *, status: int = 200) -> Response:
    """A case as it stands, with its version as ETag. Whoever moved it out of their own sight gets 204."""
    found = finding.cases(request).filter(number=number).exists() or request.method == "GET"
    if not found:
        return Response(status=204)
    case = finding.whole(request, number)
    place = request.build_absolute_uri(f"/api/cases/{number}/") if status == 201 else ""
    data = CaseShape(case, context={"now": timezone.now()}).data
    return rest.tagged(data, case.version, status=status, location=place)


# --- the list


def _asked(request: Request, rows: QuerySet[Case]) -> QuerySet[Case]:
    asked = request.query_params
    if asked.get("q", "").strip():
        rows = _matching(rows, request, asked["q"])
    for name in ("queue", "customer"):
        if name in asked:
            rows = rows.filter(**{f"{name}_id": _id(asked[name], name)})
    for name in ("source", "external_id"):
        if name in asked:
            rows = rows.filter(**{name: asked[name]})
    if "status" in asked:
        rows = rows.filter(status__in=_statuses(asked["status"]))
    rows = rows.filter(*map(_holds, asked.getlist("field")))
    if "updated_since" in asked:
        rows = rows.filter(_touched(asked["updated_since"]))
    return _of_assignee(rows, asked["assignee"], request) if "assignee" in asked else rows


def _matching(rows: QuerySet[Case], request: Request, text: str) -> QuerySet[Case]:
    """The same language as everywhere. Words are found by search, newest first, and no more than it reads."""
    wanted = read(clean(text), Asker(rest.me(request), timezone.now()))
    if wanted.problems:
        raise ValidationError({"q": list(wanted.problems)})
    if not wanted.asked.words:
        return rows.filter(wanted.q)
    found = search_cases(rest.me(request), text, limit=MOST_READ)
    return rows.filter(pk__in=[case.pk for case in found])


def _of_assignee(rows: QuerySet[Case], who: str, request: Request) -> QuerySet[Case]:
    if who == "none":
        return rows.filter(assignee=None)
    return rows.filter(assignee_id=rest.me(request).pk if who == "me" else _id(who, "assignee"))


def _statuses(text: str) -> list[str]:
    wanted = text.split(",")
    if strange := [s for s in wanted if s not in Case.Status.values]:
        known = ", ".join(Case.Status.values)
        told = _("“%(given)s” is none of: %(known)s.") % {"given": strange[0], "known": known}
        raise ValidationError({"status": told})
    return wanted


def _id(text: str, name: str) -> int:
    if text.isascii() and text.isdigit() and len(text) < 19:
        return int(text)
    raise ValidationError({name: _("Give an id: a whole number.")})


def _holds(term: str) -> Q:
    try:
        return filling.typed_condition(term)
    except filling.UnknownField as unknown:
        raise ValidationError({"field": _("There is no field “%(key)s”.") % {"key": str(unknown)}}) from unknown
    except filling.BadValue as wrong:
        raise ValidationError({"field": wrong.message}) from wrong


def _touched(since: str) -> Exists:
    events = Event.objects.filter(stream="case", stream_id=OuterRef("pk"), at__gte=moment(since, "updated_since"))
    return Exists(events)


def moment(text: str, field: str) -> datetime:
    """A time of a query, or a 400 that names its parameter."""
    try:
        at = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValidationError({field: _("Give an ISO time with its zone, as 2026-03-01T09:00:00Z.")})
    return at


# --- opening one


def _opened(request: Request, data: dict[str, Any]) -> Case:
    """Two at once with one external_id: the constraint lets one in, and the other finds it."""
    try:
        return _open(request, data)
    except IntegrityError:
        return _open(request, data)


@transaction.atomic
def _open(request: Request, data: dict[str, Any]) -> Case:
    """What is known by (source, external_id) already is returned as it is: opening twice has one effect."""
    queue = finding.queue(request, data["queue"])
    finding.need(request, "case.open", queue)
    at, via = finding.dated(request, data.get("opened_at"))
    if known := _known(request, data):
        return known
    case = open_case(
        queue=queue,
        customer=_customer(request, data.get("customer"), via, at),
        subject=data["subject"],
        channel=data["channel"],
        at=at or timezone.now(),
        by=rest.me(request),
        via=via,
        priority=data["priority"],
        language=data["language"],
        tags=data["tags"],
        custom=data["custom"],
        **_named(data),
    )
    if data.get("fields"):
        filled_in(case, data["fields"], by=rest.me(request), at=at, via=via)
    if text := data.get("text"):
        when = at or timezone.now()
        conversation.add_inbound(case, text=text, sender=None, channel=case.channel, at=when, via=via)
    return case


def _named(data: dict[str, Any]) -> dict[str, Any]:
    if "external_id" not in data:
        return {}
    return {"source": data["source"], "external_id": data["external_id"]}


def _known(request: Request, data: dict[str, Any]) -> Case | None:
    named = _named(data)
    if not named:
        return None
    case = Case.objects.filter(**named).first()
    if case and not Case.objects.visible_to(rest.me(request)).filter(pk=case.pk).exists():
        raise ValidationError({"external_id": _("Another case has this external_id.")})
    return case


def _customer(request: Request, given: Any, via: str, at: datetime | None) -> Customer | None:
    return None if given is None else found_or_made(given, by=rest.me(request), via=via, at=at)


# --- describing it anew


def filled_in(case: Case, given: dict[str, Any], **how: Any) -> None:
    try:
        filling.fill(case, given, **how)
    except filling.BadValue as wrong:
        raise ValidationError({"fields": {wrong.field: [wrong.why]}}) from wrong


_VERBS = {"priority": "case.priority", "tags": "case.tag", "queue": "case.transfer", "fields": "case.field"}


@transaction.atomic
def _changed(request: Request, case: Case, data: dict[str, Any]) -> None:
    for field, verb in _VERBS.items():
        if field in data:
            finding.need(request, verb, case)
    case.lock()
    rest.unchanged_since(request, case.version)
    by = rest.me(request)
    if "priority" in data:
        case.set_priority(data["priority"], by=by, via="api")
    if "tags" in data:
        case.set_tags(data["tags"], by=by, via="api")
    if "fields" in data:
        filled_in(case, data["fields"], by=by, at=None, via="api")
    if "queue" in data:
        case.transfer(finding.queue(request, data["queue"]), by=by, via="api")
