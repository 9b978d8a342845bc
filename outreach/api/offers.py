"""offers/, decisions/ and a case's offer/: what may be offered, what was decided, what the customer said."""

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from cases.models.case import Refusal
from crm import rest
from crm.models import User
from customers import looking
from customers.models import Customer
from outreach import deciding, qualifying, responding, showing
from outreach.api.offer_shapes import (
    TERMS,
    Asked,
    DecisionRow,
    DecisionShape,
    NewPresentation,
    NewResponse,
    OfferData,
    OfferShape,
    Qualified,
)
from outreach.hooks import Terms
from outreach.models import Decision, Offer

# --- what may be offered


@extend_schema(methods=["GET"], summary="Offers", responses=OfferShape(many=True))
@extend_schema(methods=["POST"], summary="Add an offer", request=OfferData, responses={201: OfferShape})
@rest.endpoint("GET", "POST", writes="settings")
def offers(request: Request) -> Response:
    if request.method == "GET":
        finding.need(request, "offer.see")
        return rest.page(request, _offers(), OfferShape)
    finding.need(request, "offer.change")
    data = rest.read(OfferData, request)
    try:
        with transaction.atomic():
            offer = Offer.objects.create(key=data.get("key") or slugify(data["name"])[:80], **_about(data))
            _publish(offer, data, rest.me(request))
    except IntegrityError:
        raise rest.Problem(409, "exists", _("There is an offer with this key already.")) from None
    return _told(offer, status=201)


@extend_schema(methods=["GET"], summary="An offer", operation_id="offer_retrieve", responses=OfferShape)
@extend_schema(methods=["PATCH"], summary="Publish a new version", request=OfferData, responses=OfferShape)
@rest.endpoint("GET", "PATCH", writes="settings")
def offer(request: Request, pk: int) -> Response:
    finding.need(request, "offer.see")
    found = get_object_or_404(_offers(), pk=pk)
    if request.method == "GET":
        return _told(found)
    finding.need(request, "offer.change")
    data = rest.read(OfferData, request, partial=True)
    with transaction.atomic():
        found = get_object_or_404(Offer.objects.select_for_update(of=("self",)), pk=pk)
        rest.unchanged_since(request, found.current.number if found.current else 0)
        stands = {name: getattr(found.current.terms, name) for name in TERMS} if found.current else {}
        _publish(found, {**stands, **{k: v for k, v in data.items() if k in request.data}}, rest.me(request))
        found.describe(**{k: v for k, v in _about(data).items() if k.removesuffix("_id") in request.data})
    return _told(get_object_or_404(_offers(), pk=pk))


def _offers() -> QuerySet[Offer]:
    return Offer.objects.select_related("current")


def _about(data: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {name: data[name] for name in ("name", "purpose", "is_active") if name in data}
    if "owner" not in data:
        return about
    owner = data["owner"]
    if owner is not None and not User.objects.filter(pk=owner, is_active=True).exists():
        raise ValidationError({"owner": _("There is no active user %(who)s.") % {"who": owner}})
    return about | {"owner_id": owner}


def _publish(offer: Offer, data: dict[str, Any], by: User) -> None:
    terms = {name: data[name] for name in TERMS if name in data}
    lists = {name: tuple(data.get(name, ())) for name in ("need_tags", "choices")}
    try:
        offer.publish(Terms(**terms | lists), by=by)
    except Invalid as error:
        raise ValidationError(error.message_dict) from None


def _told(offer: Offer, *, status: int = 200) -> Response:
    return rest.tagged(OfferShape(offer).data, offer.current.number if offer.current else 0, status=status)


@extend_schema(summary="Who would qualify", request=Asked, responses=Qualified)
@rest.endpoint("POST", writes="read")
def preview(request: Request) -> Response:
    finding.need(request, "offer.change")
    asked = rest.read(Asked, request)["eligibility"]
    try:
        found, note = qualifying.who(asked, at=(now := timezone.now())), looking.note(asked, now)
    except Invalid as error:
        raise ValidationError({"eligibility": error.messages}) from None
    seen = Customer.objects.visible_to(rest.me(request)).filter(pk__in=found.values("pk")).order_by("pk")
    sample = list(seen.values_list("pk", flat=True)[:10])
    return Response({"count": found.count(), "sample": sample, "note": note})


# --- what was decided

_FILTERS = [
    OpenApiParameter("case", int, description="A case’s number."),
    OpenApiParameter("customer", int, description="A customer’s id."),
]


@extend_schema(summary="Decisions, newest first", parameters=_FILTERS, responses=DecisionRow(many=True))
@rest.endpoint("GET")
def decisions(request: Request) -> Response:
    finding.need(request, "offer.see")
    rows = _decisions(request)
    for name, path in (("case", "case__number"), ("customer", "customer_id")):
        if (given := request.query_params.get(name)) is not None:
            if not (given.isascii() and given.isdigit() and len(given) < 19):
                raise ValidationError({name: _("Give an id: a whole number.")})
            rows = rows.filter(**{path: int(given)})
    return rest.page(request, rows, DecisionRow)


@extend_schema(summary="A decision with its trace", operation_id="decision_retrieve", responses=DecisionShape)
@rest.endpoint("GET")
def decision(request: Request, pk: int) -> Response:
    finding.need(request, "offer.see")
    return Response(DecisionShape(get_object_or_404(_decisions(request), pk=pk)).data)


def _decisions(request: Request) -> QuerySet[Decision]:
    """Those of cases in queues where the caller may see offers."""
    visible = finding.listed(request)
    return Decision.objects.filter(case__in=visible.values("pk")).select_related("case", "presentation")


# --- a case's offer


@extend_schema(methods=["GET"], summary="What is offered, or why nothing", responses=DecisionShape)
@extend_schema(
    methods=["POST"],
    summary="Decide, and present",
    request=NewPresentation,
    responses={200: DecisionShape, 201: DecisionShape},
)
@rest.endpoint("GET", "POST")
def case_offer(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    if request.method == "GET":
        finding.need(request, "offer.see", case)
        return Response(DecisionShape(showing.decided(case, timezone.now())).data)
    finding.need(request, "offer.respond", case)
    data = rest.read(NewPresentation, request)
    wanted = _version(data["offer"]) if "offer" in data else None
    early = case.need_met_event_id is None
    how = Decision.Asked.TRY if early else Decision.Asked.API
    decided = deciding.decide(case, by=rest.me(request), asked=how, wanted=wanted)
    if decided.outcome == Decision.Outcome.PRESENTED:
        return Response(DecisionShape(decided).data, status=201)
    return _refused(request, decided) if early or wanted is not None else Response(DecisionShape(decided).data)


def _refused(request: Request, decided: Decision) -> Response:
    """Trying through a shut gate: an answer and not an exception, or the try would be undone with it."""
    told = _("Nothing is offered: a gate is shut. That you tried is kept.")
    shut = rest.Problem(409, "gate_shut", told, decision=decided.pk, gates=showing.shut_words(decided))
    return rest.problem(shut, {"request": request})


def _version(offer: int) -> int:
    found = Offer.objects.active().filter(pk=offer).values_list("current_id", flat=True).first()
    if found is None:
        raise ValidationError({"offer": _("There is no active offer %(id)s.") % {"id": offer}})
    return found


@extend_schema(summary="What the customer said to it", request=NewResponse, responses={201: DecisionShape})
@rest.endpoint("POST")
def case_response(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "offer.respond", case)
    data = rest.read(NewResponse, request)
    shown = showing.card(case)
    if shown is None:
        raise Refusal(_("There is no offer in this conversation to answer."))
    until = data.get("until")
    more = {"reason": data["reason"], "until": until, "answer": data.get("answer")}
    responding.respond(shown.presentation, data["kind"], by=rest.me(request), **more)
    return Response(DecisionShape(showing.decided(case, timezone.now())).data, status=201)
