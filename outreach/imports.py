"""Offers and what customers said to them, from elsewhere (docs/import.md)."""

from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm import bulk
from crm.importing import CREATED, UNCHANGED, UPDATED, Kind, Line, by_external_id, missing
from crm.times import Past
from customers.imports import Named, text
from customers.models import Customer
from outreach.api.offer_shapes import TERMS, TermsShape
from outreach.hooks import Terms
from outreach.models import Offer, PastResponse
from outreach.responding import NOT_NOW


class OfferLine(TermsShape):
    external_id = serializers.SlugField(max_length=80)
    name = serializers.CharField(max_length=120)
    purpose = serializers.ChoiceField(choices=Offer.Purpose.choices, default=Offer.Purpose.ADDITION)
    is_active = serializers.BooleanField(default=True)


class ResponseLine(Named):
    customer = serializers.CharField(max_length=200)
    offer = serializers.CharField(max_length=80)
    kind = serializers.ChoiceField(choices=PastResponse.Kind.choices)
    at = Past()
    until = serializers.DateTimeField(required=False, allow_null=True)
    reason = text(300)


def load_offers(lines: list[Line], source: str) -> None:
    """An offer is known by its key, which the line names as external_id: its terms become a version if they differ."""
    known = {offer.key: offer for offer in Offer.objects.filter(key__in=[line.external_id for line in lines])}
    for line in lines:
        offer = known.get(line.external_id)
        try:
            line.outcome = _brought(offer, line.data)
        except ValidationError as error:
            line.fail(" ".join(f"{name}: {' '.join(told)}" for name, told in error.message_dict.items()))


def _brought(offer: Offer | None, data: dict[str, Any]) -> str:
    about = {name: data[name] for name in ("name", "purpose", "is_active")}
    lists = {name: tuple(data[name]) for name in ("need_tags", "choices")}
    terms = Terms(**{name: data[name] for name in TERMS} | lists)
    if offer is None:
        offer = Offer(key=data["external_id"], **about)
        offer.full_clean(exclude=["current"])
        offer.save()
        try:
            offer.publish(terms)
        except ValidationError:
            offer.delete()
            raise
        return CREATED
    before, was = offer.current_id, {name: getattr(offer, name) for name in about}
    offer.publish(terms)
    offer.describe(**about)
    return UNCHANGED if (offer.current_id, was) == (before, about) else UPDATED


def load_responses(lines: list[Line], source: str) -> None:
    known = by_external_id(PastResponse, source, [line.external_id for line in lines])
    customers = by_external_id(Customer, source, [line.data["customer"] for line in lines])
    offers = {offer.key: offer for offer in Offer.objects.filter(key__in={line.data["offer"] for line in lines})}
    fresh = []
    for line in lines:
        data = line.data
        customer, offer = customers.get(data["customer"]), offers.get(data["offer"])
        if line.external_id in known:
            line.outcome = UNCHANGED
        elif customer is None:
            missing(line, _("customer"), data["customer"])
        elif offer is None:
            missing(line, _("offer"), data["offer"])
        else:
            until = (data.get("until") or data["at"] + NOT_NOW) if data["kind"] == "not_now" else None
            line.about, line.outcome = None, CREATED
            about = {"kind": data["kind"], "at": data["at"], "until": until, "reason": data.get("reason", "")}
            fresh.append(
                PastResponse(customer=customer, offer=offer, source=source, external_id=line.external_id, **about)
            )
    bulk.insert(fresh)


KINDS = {"offer": Kind(OfferLine, load_offers), "response": Kind(ResponseLine, load_responses)}
