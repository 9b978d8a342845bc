"""customers/, organizations/, products/, subscriptions/, consents/ over HTTP."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Model, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm import rest, roles
from crm.events import record
from crm.models import User
from customers import consent as consents_of
from customers import finding
from customers import timeline as time_line
from customers.addresses import Address
from customers.matching import find, match
from customers.models import Consent, ContactPoint, Customer, Organization, Product, Subscription
from customers.shapes import (
    ConsentShape,
    CustomerData,
    CustomerShape,
    EntryShape,
    NewCustomerData,
    OrganizationShape,
    ProductShape,
    SubscriptionShape,
    TimelinePage,
    addresses,
)

_Q = OpenApiParameter("q", str, description="Part of a name, a mail address, a phone number in any spelling, a handle.")
_LIST = [OpenApiParameter("cursor", str), OpenApiParameter("limit", int, description="1 to 200, else 50.")]
_KEYS = [OpenApiParameter("source", str), OpenApiParameter("external_id", str), OpenApiParameter("customer", int)]


def need(request: Request, verb: str) -> None:
    """403 unless the caller's roles may do it at all."""
    if not roles.may(request.user, verb):
        raise rest.forbid(_("Your role may not do this (%(verb)s).") % {"verb": verb})


# --- customers


@extend_schema(methods=["GET"], summary="Customers", parameters=[_Q, *_LIST], responses=CustomerShape(many=True))
@extend_schema(
    methods=["POST"],
    summary="Add a customer, or say more about the one with this source and external_id",
    request=NewCustomerData,
    responses={201: CustomerShape, 200: CustomerShape},
)
@rest.endpoint("GET", "POST", versioned=("POST",))
def customers(request: Request) -> Response:
    if request.method == "GET":
        return rest.page(request, _asked(request), CustomerShape)
    need(request, "customer.edit")
    customer, fresh = _kept(request, rest.read(NewCustomerData, request))
    place = request.build_absolute_uri(f"/api/customers/{customer.pk}/")
    shape = CustomerShape(customer, context={"request": request})
    return rest.tagged(shape.data, customer.version, status=201 if fresh else 200, location=place)


@extend_schema(methods=["GET"], summary="A customer", operation_id="customer_retrieve", responses=CustomerShape)
@extend_schema(methods=["PATCH"], summary="Change a customer", request=CustomerData, responses=CustomerShape)
@rest.endpoint("GET", "PATCH")
def customer(request: Request, pk: int) -> Response:
    found = get_object_or_404(_visible(request), pk=pk)
    if request.method == "PATCH":
        need(request, "customer.edit")
        data = rest.read(CustomerData, request)
        with transaction.atomic():
            found = get_object_or_404(Customer.objects.select_for_update(no_key=True), pk=pk)
            rest.unchanged_since(request, found.version)
            _change(found, data, rest.me(request))
        found = get_object_or_404(_visible(request), pk=pk)
    return rest.tagged(CustomerShape(found, context={"request": request}).data, found.version)


def _visible(request: Request) -> QuerySet[Customer]:
    return Customer.objects.visible_to(rest.me(request)).prefetch_related("contact_points")


def _asked(request: Request) -> QuerySet[Customer]:
    text = request.query_params.get("q", "")
    rows = finding.find(text, rest.me(request)).prefetch_related("contact_points")
    for name in ("source", "external_id"):
        if name in request.query_params:
            rows = rows.filter(**{name: request.query_params[name]})
    return rows


def _kept(request: Request, data: dict[str, Any]) -> tuple[Customer, bool]:
    """The customer these data are about, and whether it is new. Two at once: the constraints decide, one looks again."""
    for _attempt in range(3):
        try:
            with transaction.atomic():
                return _keep(request, data)
        except IntegrityError:
            continue
    raise rest.Problem(409, "changed", _("Somebody else is adding this customer. Try again."), retry_after=1)


def _keep(request: Request, data: dict[str, Any]) -> tuple[Customer, bool]:
    by = rest.me(request)
    known = _known(data)
    if known is None:
        return _made(data, by), True
    if not Customer.objects.visible_to(by).filter(pk=known.pk).exists():
        raise rest.forbid(_("This customer exists, and you may not see them."))
    rest.unchanged_since(request, known.version)
    _change(known, data, by)
    return known, False


def _known(data: dict[str, Any]) -> Customer | None:
    rows = Customer.objects.select_for_update(no_key=True)
    if "external_id" in data:
        return rows.filter(source=data["source"], external_id=data["external_id"]).first()
    owner = find(addresses(data.get("contact_points", [])))
    return rows.get(pk=owner.pk) if owner else None


def _made(data: dict[str, Any], by: User) -> Customer:
    columns = {k: v for k, v in data.items() if k not in {"contact_points", "version", "source", "external_id"}}
    named = {"source": data["source"], "external_id": data["external_id"]} if "external_id" in data else {}
    customer = Customer.objects.create(**columns, **named)
    _add_points(customer, addresses(data.get("contact_points", [])))
    record(customer, "created", by=by, via="api")
    return customer


def _change(customer: Customer, data: dict[str, Any], by: User) -> None:
    """Under the customer's lock: only what differs is written, and nothing is recorded when nothing does."""
    fields = [f for f in data if f not in {"contact_points", "version", "source", "external_id"}]
    differing = [f for f in fields if getattr(customer, f) != data[f]]
    for field in differing:
        setattr(customer, field, data[field])
    if differing:
        customer.save(update_fields=differing)
        record(customer, "edited", by=by, via="api", fields=differing)
    if added := _add_points(customer, addresses(data.get("contact_points", []))):
        record(customer, "contact_points_added", by=by, via="api", count=added)


def _add_points(customer: Customer, wanted: list[Address]) -> int:
    """Add what the customer does not have. An address somebody else has is refused: merging is a person's decision."""
    added = 0
    for a in sorted(set(wanted), key=lambda a: (a.kind, a.value)):
        held = ContactPoint.objects.filter(kind=a.kind, value=a.value, ended_at=None).first()
        if held and held.customer_id != customer.pk:
            detail = _("%(address)s belongs to another customer. Merge the two, or end it there first.")
            raise rest.Problem(409, "address_taken", detail % {"address": a.display})
        if held is None:
            ContactPoint.objects.create(customer=customer, kind=a.kind, value=a.value, display=a.display)
            added += 1
    return added


def found_or_made(given: int | dict[str, Any], *, by: User, via: str, at: datetime | None) -> Customer:
    """The customer a case is opened for: an id the caller may see, or who these contact points belong to."""
    if isinstance(given, int):
        customer = Customer.objects.visible_to(by).filter(pk=given).first()
        if customer is None:
            raise ValidationError({"customer": _("There is no customer %(id)s that you may see.") % {"id": given}})
        return customer
    points = addresses(given["contact_points"])
    tz, language = given.get("tz", ""), given.get("language", "")
    return match(points, name=given["name"], language=language, tz=tz, by=by, via=via, at=at)


@extend_schema(
    summary="Everything about a customer in one line of time, newest first",
    parameters=[
        OpenApiParameter("before", datetime, description="`before` of the last page."),
        OpenApiParameter("kind", str, description="Only entries of this kind: message, case, promise, order, …"),
        OpenApiParameter("limit", int, description="1 to 200, else 50."),
    ],
    responses=TimelinePage,
)
@rest.endpoint("GET")
def timeline(request: Request, pk: int) -> Response:
    found = get_object_or_404(_visible(request), pk=pk)
    before, limit = _before(request.query_params.get("before")), _limit(request.query_params.get("limit"))
    kind = request.query_params.get("kind", "")
    shown = time_line.page(found, rest.me(request), before, kind=kind, size=limit)
    return Response(TimelinePage({"before": shown.before, "results": EntryShape(shown.entries, many=True).data}).data)


def _before(text: str | None) -> datetime:
    if text is None:
        return timezone.now()
    try:
        at = parse_datetime(text.replace(" ", "+"))
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        raise ValidationError({"before": _("Give an ISO time with its zone, as 2026-03-01T09:00:00Z.")})
    return at


def _limit(text: str | None) -> int:
    return min(max(int(text), 1), 200) if text and text.isascii() and text.isdigit() and len(text) < 5 else 50


# --- what is above a customer, and what they have


@extend_schema(
    methods=["GET"], summary="Organizations", parameters=[*_KEYS[:2], *_LIST], responses=OrganizationShape(many=True)
)
@extend_schema(
    methods=["POST"],
    summary="Add or change by external_id",
    request=OrganizationShape,
    responses={201: OrganizationShape, 200: OrganizationShape},
)
@rest.endpoint("GET", "POST")
def organizations(request: Request) -> Response:
    return _collection(request, _organizations(request), OrganizationShape)


@extend_schema(
    methods=["GET"], summary="An organization", operation_id="organization_retrieve", responses=OrganizationShape
)
@extend_schema(
    methods=["PATCH"], summary="Change an organization", request=OrganizationShape, responses=OrganizationShape
)
@rest.endpoint("GET", "PATCH", versioned=())
def organization(request: Request, pk: int) -> Response:
    return _member(request, _organizations(request), OrganizationShape, pk)


def _organizations(request: Request) -> QuerySet[Organization]:
    user = rest.me(request)
    if user.is_administrator:
        return Organization.objects.all()
    return Organization.objects.filter(pk__in=Customer.objects.visible_to(user).values("organization_id"))


@extend_schema(methods=["GET"], summary="Products", parameters=[*_KEYS[:2], *_LIST], responses=ProductShape(many=True))
@extend_schema(
    methods=["POST"],
    summary="Add or change by external_id",
    request=ProductShape,
    responses={201: ProductShape, 200: ProductShape},
)
@rest.endpoint("GET", "POST")
def products(request: Request) -> Response:
    return _collection(request, Product.objects.all(), ProductShape)


@extend_schema(methods=["GET"], summary="A product", operation_id="product_retrieve", responses=ProductShape)
@extend_schema(methods=["PATCH"], summary="Change a product", request=ProductShape, responses=ProductShape)
@rest.endpoint("GET", "PATCH", versioned=())
def product(request: Request, pk: int) -> Response:
    return _member(request, Product.objects.all(), ProductShape, pk)


@extend_schema(
    methods=["GET"], summary="Subscriptions", parameters=[*_KEYS, *_LIST], responses=SubscriptionShape(many=True)
)
@extend_schema(
    methods=["POST"],
    summary="Add or change by external_id",
    request=SubscriptionShape,
    responses={201: SubscriptionShape, 200: SubscriptionShape},
)
@rest.endpoint("GET", "POST")
def subscriptions(request: Request) -> Response:
    return _collection(request, _subscriptions(request), SubscriptionShape)


@extend_schema(
    methods=["GET"], summary="A subscription", operation_id="subscription_retrieve", responses=SubscriptionShape
)
@extend_schema(
    methods=["PATCH"], summary="Change a subscription", request=SubscriptionShape, responses=SubscriptionShape
)
@rest.endpoint("GET", "PATCH", versioned=())
def subscription(request: Request, pk: int) -> Response:
    return _member(request, _subscriptions(request), SubscriptionShape, pk)


def _subscriptions(request: Request) -> QuerySet[Subscription]:
    return Subscription.objects.filter(customer__in=Customer.objects.visible_to(rest.me(request)))


def _collection(request: Request, rows: QuerySet[Any], shape: Any) -> Response:
    """List what may be seen; or add one, changing the one with this (source, external_id) if there is one."""
    if request.method == "GET":
        return rest.page(request, _by_keys(request, rows), shape)
    need(request, "customer.edit")
    for _attempt in range(2):
        try:
            with transaction.atomic():
                return _saved(request, rows, shape)
        except IntegrityError:
            continue
    raise rest.Problem(409, "external_id", _("Something you may not see has this external_id."))


def _saved(request: Request, rows: QuerySet[Any], shape: Any) -> Response:
    known = None
    if isinstance(request.data, dict) and (external := request.data.get("external_id")):
        known = rows.filter(source=str(request.data.get("source", "")), external_id=str(external)).first()
    form = rest.valid(shape(known, data=request.data, context={"request": request}), request)
    form.save()
    return Response(form.data, status=200 if known else 201)


def _member(request: Request, rows: QuerySet[Any], shape: Any, pk: int) -> Response:
    found: Model = get_object_or_404(rows, pk=pk)
    if request.method == "GET":
        return Response(shape(found, context={"request": request}).data)
    need(request, "customer.edit")
    form = rest.valid(shape(found, data=request.data, partial=True, context={"request": request}), request)
    try:
        with transaction.atomic():
            form.save()
    except IntegrityError:
        raise rest.Problem(409, "external_id", _("Another one has this external_id.")) from None
    return Response(form.data)


def _by_keys(request: Request, rows: QuerySet[Any]) -> QuerySet[Any]:
    asked = request.query_params
    for name in ("source", "external_id"):
        if name in asked:
            rows = rows.filter(**{name: asked[name]})
    who = asked.get("customer", "")
    if who and not (who.isascii() and who.isdigit() and len(who) < 19):
        raise ValidationError({"customer": _("Give an id: a whole number.")})
    return rows.filter(customer_id=int(who)) if who and rows.model in (Subscription, Consent) else rows


@extend_schema(
    methods=["GET"],
    summary="What customers agreed to",
    parameters=[_KEYS[2], *_LIST],
    responses=ConsentShape(many=True),
)
@extend_schema(methods=["POST"], summary="Record a statement", request=ConsentShape, responses={201: ConsentShape})
@rest.endpoint("GET", "POST")
def consents(request: Request) -> Response:
    if request.method == "GET":
        rows = Consent.objects.filter(customer__in=Customer.objects.visible_to(rest.me(request)))
        return rest.page(request, _by_keys(request, rows), ConsentShape)
    need(request, "customer.consent")
    data = rest.read(ConsentShape, request)
    given = {k: data[k] for k in ("purpose", "channel", "granted", "source")}
    made = consents_of.record(
        data["customer"], **given, wording=data.get("wording", ""), by=rest.me(request), via="api"
    )
    return Response(ConsentShape(made, context={"request": request}).data, status=201)
