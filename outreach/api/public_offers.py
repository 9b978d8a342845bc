"""offers/public/ and offers/parity/: what strangers are offered, and the proof that existing customers are offered as much."""

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from crm import rest
from crm.times import Moment
from outreach import parity
from outreach.api.offer_shapes import Amount
from outreach.models import Offer, PublicOffer


class PublicOfferShape(serializers.Serializer[PublicOffer]):
    """What anybody is offered who is no customer yet. Active only beside a twin that is at least as good."""

    id = serializers.IntegerField(read_only=True)
    name = serializers.CharField(max_length=120)
    where = serializers.CharField(max_length=120, allow_blank=True, default="")
    twin = serializers.IntegerField(source="twin_id", allow_null=True, default=None, help_text="The id of an offer.")
    price = Amount(min_value=0, help_text="A month.")
    months = serializers.IntegerField(default=1, min_value=1, max_value=120, help_text="Of minimum term.")
    gifts = Amount(default=0, min_value=0, help_text="Cash, vouchers and gifts at face value, in all.")
    fees = Amount(default=0, min_value=0, help_text="In all.")
    currency = serializers.RegexField(r"^[A-Za-z]{3}$", default="GBP")
    extras = serializers.DictField(child=serializers.FloatField(), default=dict)
    valid_from = Moment()
    valid_until = Moment(allow_null=True, default=None)
    lead_days = serializers.IntegerField(default=14, min_value=0, max_value=3650)
    is_active = serializers.BooleanField(default=False)


class Pair(serializers.Serializer[Any]):
    """A public offer, its twin, what each costs a month, and whether it holds."""

    public = serializers.IntegerField()
    name = serializers.CharField()
    valid_from = serializers.DateTimeField()
    valid_until = serializers.DateTimeField(allow_null=True)
    effective_price = serializers.CharField()
    currency = serializers.CharField()
    extras = serializers.DictField(child=serializers.CharField())
    twin = serializers.CharField(allow_null=True)
    twin_version = serializers.IntegerField(allow_null=True)
    twin_effective_price = serializers.CharField(allow_null=True)
    twin_extras = serializers.DictField(child=serializers.CharField())
    holds = serializers.BooleanField()
    breach = serializers.CharField(allow_blank=True)


class Attestation(serializers.Serializer[Any]):
    """`sha256` is of all the rest, as JSON with sorted keys."""

    at = serializers.CharField()
    catalogue_version = serializers.IntegerField()
    checked = serializers.IntegerField()
    violations = serializers.IntegerField()
    pairs = Pair(many=True)
    sha256 = serializers.CharField()


@extend_schema(methods=["GET"], summary="Public offers", responses=PublicOfferShape(many=True))
@extend_schema(
    methods=["POST"], summary="Add a public offer", request=PublicOfferShape, responses={201: PublicOfferShape}
)
@rest.endpoint("GET", "POST", writes="settings")
def public_offers(request: Request) -> Response:
    if request.method == "GET":
        finding.need(request, "offer.see")
        return rest.page(request, PublicOffer.objects.all(), PublicOfferShape)
    finding.need(request, "offer.change")
    public = PublicOffer()
    with transaction.atomic():
        _write(public, rest.read(PublicOfferShape, request))
    return Response(PublicOfferShape(public).data, status=201)


@extend_schema(
    methods=["GET"], summary="A public offer", operation_id="public_offer_retrieve", responses=PublicOfferShape
)
@extend_schema(methods=["PATCH"], summary="Change a public offer", request=PublicOfferShape, responses=PublicOfferShape)
@rest.endpoint("GET", "PATCH", writes="settings")
def public_offer(request: Request, pk: int) -> Response:
    finding.need(request, "offer.see")
    public = get_object_or_404(PublicOffer, pk=pk)
    if request.method == "PATCH":
        finding.need(request, "offer.change")
        data = rest.read(PublicOfferShape, request, partial=True)
        with transaction.atomic():
            public = get_object_or_404(PublicOffer.objects.select_for_update(of=("self",)), pk=pk)
            _write(public, {k: v for k, v in data.items() if k.removesuffix("_id") in request.data})
    return Response(PublicOfferShape(public).data)


def _write(public: PublicOffer, data: dict[str, Any]) -> None:
    twin = data.pop("twin_id", public.twin_id)
    if twin is not None and not Offer.objects.filter(pk=twin).exists():
        raise ValidationError({"twin": _("There is no offer %(pk)s.") % {"pk": twin}})
    public.twin_id = twin
    for name, value in data.items():
        setattr(public, name, value.upper() if name == "currency" else value)
    if public.valid_until and public.valid_until <= public.valid_from:
        raise ValidationError({"valid_until": _("It ends before it begins.")})
    if public.is_active and (found := [str(parity.WORDS[word]) for word in parity.breaches(public)]):
        raise ValidationError({"twin": found})
    try:
        public.full_clean(exclude=["extras"])
    except Invalid as error:
        raise ValidationError(error.message_dict) from None
    public.save()


@extend_schema(
    summary="The attestation: every public offer beside its twin", operation_id="parity", responses=Attestation
)
@rest.endpoint("GET")
def attestation(request: Request) -> Response:
    finding.need(request, "offer.change")
    return Response(parity.attestation(timezone.now()))
