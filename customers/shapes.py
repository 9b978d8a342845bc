"""The shapes of customers in JSON, out and in (docs/api.md)."""

import zoneinfo
from typing import Any

from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from customers.addresses import Address, BadAddress, normalise
from customers.masking import CONTACT_POINTS, PAYMENT, masked_fields
from customers.models import Consent, ContactPoint, Customer, Organization, Product, Subscription


class ContactPointShape(serializers.Serializer[ContactPoint]):
    kind = serializers.ChoiceField(choices=ContactPoint.Kind.choices)
    value = serializers.CharField()
    display = serializers.CharField()
    verified = serializers.BooleanField(source="is_verified")
    preferred = serializers.BooleanField(source="is_preferred")


class CustomerShape(serializers.Serializer[Customer]):
    """A person. `contact_points` is empty for whoever may not see how people are reached (`masked` says so)."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    pronunciation = serializers.CharField()
    organization = serializers.IntegerField(source="organization_id", allow_null=True)
    language = serializers.CharField()
    tz = serializers.CharField()
    country = serializers.CharField()
    city = serializers.CharField()
    tier = serializers.CharField()
    since = serializers.DateField(allow_null=True)
    contact_points = serializers.SerializerMethodField()
    masked = serializers.SerializerMethodField()
    merged_into = serializers.IntegerField(source="merged_into_id", allow_null=True)
    version = serializers.IntegerField()
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    external_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()

    @extend_schema_field(ContactPointShape(many=True))
    def get_contact_points(self, customer: Customer) -> Any:
        if CONTACT_POINTS in self._masked:
            return []
        points = [p for p in customer.contact_points.all() if p.ended_at is None]
        return ContactPointShape(points, many=True).data  # type: ignore[arg-type]

    def get_masked(self, customer: Customer) -> list[str]:
        return sorted(self._masked)

    @property
    def _masked(self) -> frozenset[str]:
        """Asked once a page, not once a row."""
        context: dict[str, Any] = self.context  # type: ignore[assignment]
        if "masked" not in context:
            context["masked"] = masked_fields(context["request"].user)
        masked: frozenset[str] = context["masked"]
        return masked


class NewContactPoint(serializers.Serializer[Any]):
    """An address as people write it; it is kept in one spelling (mail in lower case, phones in E.164)."""

    kind = serializers.ChoiceField(choices=ContactPoint.Kind.choices)
    value = serializers.CharField(max_length=320)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        try:
            return {**data, "address": normalise(data["kind"], data["value"])}
        except BadAddress as error:
            raise serializers.ValidationError({"value": error.message}) from None


def zone(name: str) -> str:
    """A time zone's name, checked."""
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise serializers.ValidationError(_("There is no such time zone. Names look like Europe/Berlin.")) from None
    return name


class CustomerData(serializers.Serializer[Any]):
    """What is said about a customer; what is left out stays as it is."""

    name = serializers.CharField(max_length=200, allow_blank=True, required=False)
    pronunciation = serializers.CharField(max_length=200, allow_blank=True, required=False)
    organization = serializers.PrimaryKeyRelatedField(
        queryset=Organization.objects.all(), allow_null=True, required=False
    )
    language = serializers.CharField(max_length=12, required=False)
    tz = serializers.CharField(max_length=64, required=False)
    country = serializers.CharField(max_length=2, allow_blank=True, required=False)
    city = serializers.CharField(max_length=120, allow_blank=True, required=False)
    tier = serializers.CharField(max_length=40, allow_blank=True, required=False)
    since = serializers.DateField(allow_null=True, required=False)
    contact_points = NewContactPoint(many=True, required=False, max_length=20)  # type: ignore[call-arg]
    version = serializers.IntegerField(required=False)

    def validate_tz(self, value: str) -> str:
        return zone(value)


class NewCustomerData(CustomerData):
    """A name, an address or an external_id: something by which somebody can be told from another."""

    source = serializers.CharField(max_length=40, default="api")  # type: ignore[assignment]
    external_id = serializers.CharField(max_length=200, required=False)

    def validate(self, data: dict[str, Any]) -> dict[str, Any]:
        if not (data.get("name") or data.get("contact_points") or data.get("external_id")):
            raise serializers.ValidationError({"name": _("Give a name, contact_points or an external_id.")})
        return data


def addresses(points: list[dict[str, Any]]) -> list[Address]:
    return [p["address"] for p in points]


class OrganizationShape(serializers.ModelSerializer[Organization]):
    """A company or household above its people."""

    class Meta:
        model = Organization
        fields = ["id", "name", "domain", "kind", "source", "external_id", "created_at"]
        read_only_fields = ["created_at"]
        validators: list[Any] = []


class ProductShape(serializers.ModelSerializer[Product]):
    """Something we sell or run for people."""

    class Meta:
        model = Product
        fields = ["id", "name", "kind", "source", "external_id"]
        validators: list[Any] = []


class VisibleCustomer(serializers.PrimaryKeyRelatedField[Customer]):
    """The id of a customer the caller may see."""

    def get_queryset(self) -> Any:
        request = self.context.get("request")
        return Customer.objects.visible_to(request.user) if request else Customer.objects.all()


class SubscriptionShape(serializers.ModelSerializer[Subscription]):
    """What a customer has. `price` is a decimal in a string, empty for whoever may not see payments."""

    customer = VisibleCustomer(queryset=Customer.objects.all())

    class Meta:
        model = Subscription
        fields = [
            "id", "customer", "product", "plan", "price", "currency", "device", "version", "lot", "region", "status",
            "started_on", "ended_on", "source", "external_id",
        ]  # fmt: skip
        validators: list[Any] = []
        extra_kwargs = {"status": {"help_text": "active, paused or ended"}}

    def to_representation(self, instance: Subscription) -> dict[str, Any]:
        shown: dict[str, Any] = super().to_representation(instance)
        context: dict[str, Any] = self.context  # type: ignore[assignment]
        if "masked" not in context:
            context["masked"] = masked_fields(context["request"].user)
        if PAYMENT in context["masked"]:
            shown["price"] = None
        return shown


class ConsentShape(serializers.ModelSerializer[Consent]):
    """One statement of a customer: the newest of a purpose and channel counts."""

    customer = VisibleCustomer(queryset=Customer.objects.all())

    class Meta:
        model = Consent
        fields = ["id", "customer", "purpose", "channel", "granted", "source", "wording", "at"]
        read_only_fields = ["at"]
        extra_kwargs = {"source": {"default": "api"}, "channel": {"help_text": "mail, sms, phone, chat or any"}}


class EntryShape(serializers.Serializer[Any]):
    """One line of a customer's timeline."""

    at = serializers.DateTimeField()
    kind = serializers.CharField()
    title = serializers.CharField()
    text = serializers.CharField()
    url = serializers.CharField()


class TimelinePage(serializers.Serializer[Any]):
    """`before` goes into the next call to read on; null: this was all."""

    before = serializers.DateTimeField(allow_null=True)
    results = EntryShape(many=True)
