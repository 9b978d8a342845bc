"""Organizations, customers, products, subscriptions, orders and consents from elsewhere (docs/import.md)."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from crm import bulk
from crm.events import record_history
from crm.importing import CREATED, UNCHANGED, UPDATED, Kind, Line, by_external_id, missing, store
from crm.models import Event
from crm.times import Moment
from customers.addresses import Address
from customers.folding import words
from customers.matching import points_among
from customers.models import Consent, ContactPoint, Customer, NameWord, Order, Organization, Product, Subscription
from customers.shapes import NewContactPoint, zone


class Named(serializers.Serializer[Any]):
    """Everything with an id of its own elsewhere."""

    external_id = serializers.CharField(max_length=200)


def text(length: int, **options: Any) -> serializers.CharField:
    return serializers.CharField(max_length=length, **{"required": False, "allow_blank": True, **options})


class OrganizationLine(Named):
    name = text(200, required=True, allow_blank=False)
    domain = text(200)
    kind = text(20)


class ProductLine(Named):
    name = text(200, required=True, allow_blank=False)
    kind = text(40)


class PointLine(NewContactPoint):
    verified = serializers.BooleanField(default=False)


class CustomerLine(Named):
    name = text(200)
    organization = text(200)
    language = text(12, allow_blank=False)
    tz = text(64, allow_blank=False)
    country = text(2)
    city = text(120)
    tier = text(40)
    cue = text(300)
    since = serializers.DateField(required=False, allow_null=True)
    created_at = Moment(required=False)
    contact_points = PointLine(many=True, required=False, max_length=50)  # type: ignore[call-arg]

    def validate_tz(self, value: str) -> str:
        return zone(value)


class Holding(Named):
    customer = text(200, required=True, allow_blank=False)
    currency = text(3, allow_blank=False)
    status = text(20, allow_blank=False)


class SubscriptionLine(Holding):
    product = text(200, required=True, allow_blank=False)
    plan = text(120)
    price = serializers.DecimalField(max_digits=14, decimal_places=4, required=False)
    device = text(120)
    version = text(40)
    lot = text(60)
    region = text(80)
    started_on = serializers.DateField(required=False, allow_null=True)
    ended_on = serializers.DateField(required=False, allow_null=True)


class OrderLine(Holding):
    number = text(60, required=True, allow_blank=False)
    total = serializers.DecimalField(max_digits=14, decimal_places=4, required=False)
    items = serializers.ListField(child=serializers.DictField(), required=False)
    placed_at = Moment(required=False)


class ConsentLine(serializers.Serializer[Any]):
    customer = serializers.CharField(max_length=200)
    purpose = serializers.ChoiceField(choices=Consent.Purpose.choices)
    channel = serializers.CharField(max_length=40, default="any")
    granted = serializers.BooleanField()
    source = serializers.CharField(max_length=60, default="import")  # type: ignore[assignment]
    wording = text(500, default="")
    at = Moment()


def load_organizations(lines: list[Line], source: str) -> None:
    store([(line, _without(line, "external_id")) for line in lines], Organization, source)


def load_products(lines: list[Line], source: str) -> None:
    store([(line, _without(line, "external_id")) for line in lines], Product, source)


def _without(line: Line, *names: str) -> dict[str, Any]:
    return {k: v for k, v in line.data.items() if k not in names}


# --- customers


def load_customers(lines: list[Line], source: str) -> None:
    organizations = by_external_id(Organization, source, [line.data.get("organization") for line in lines])
    ready = [(line, columns) for line in lines if (columns := _customer(line, organizations)) is not None]
    stored = [line for line, _columns in ready]
    owners = _owners(stored)
    _adopt(stored, source, owners)
    rows = store(ready, Customer, source)
    for line in stored:
        line.about = rows[line.external_id]
    _add_points(stored, owners)
    _index_names([line.about for line in stored if line.outcome != UNCHANGED])
    _tell([line for line in stored if line.outcome != UNCHANGED])


def _customer(line: Line, organizations: dict[str, Organization]) -> dict[str, Any] | None:
    columns = _without(line, "external_id", "organization", "contact_points")
    name = line.data.get("organization")
    if name and name not in organizations:
        missing(line, _("organization"), name)
        return None
    return columns | ({"organization": organizations[name]} if name else {})


Owners = dict[tuple[str, str], Customer]


def _keys(line: Line) -> dict[tuple[str, str], dict[str, Any]]:
    """The addresses a line gives, each once."""
    return {(p["address"].kind, p["address"].value): p for p in line.data.get("contact_points", [])}


def _owners(lines: list[Line]) -> Owners:
    """Whose the addresses of these lines are now."""
    points = points_among({key for line in lines for key in _keys(line)}).select_related("customer")
    return {(p.kind, p.value): p.customer for p in points}


def _adopt(lines: list[Line], source: str, owners: Owners) -> None:
    """Somebody we know by an address of a line, who has no id elsewhere yet, is who the line is about: unless the
    line's own customer is here already."""
    known = by_external_id(Customer, source, [line.external_id for line in lines])
    for line in lines:
        free = [owners[key] for key in _keys(line) if key in owners and owners[key].external_id is None]
        if free and line.external_id not in known:
            Customer.objects.filter(pk=free[0].pk, external_id=None).update(source=source, external_id=line.external_id)
            free[0].source, free[0].external_id = source, line.external_id


def _add_points(lines: list[Line], owners: Owners) -> None:
    """Add the addresses a customer lacks. One that somebody else has stays theirs: merging is a person's decision."""
    now = timezone.now()
    fresh = []
    for line in lines:
        for key, point in _keys(line).items():
            owner = owners.setdefault(key, line.about)
            if owner is line.about:
                fresh.append(_point(line, point["address"], now if point["verified"] else None))
                line.outcome = UPDATED if line.outcome == UNCHANGED else line.outcome
            elif owner.pk != line.about.pk:
                told = _("%(address)s stays with the customer who has it: merge the two if they are one person.")
                line.warning = str(told % {"address": point["address"].display})
    bulk.insert(fresh)


def _point(line: Line, address: Address, verified_at: datetime | None) -> ContactPoint:
    return ContactPoint(
        customer=line.about, kind=address.kind, value=address.value, display=address.display, verified_at=verified_at
    )


def _index_names(customers: list[Customer]) -> None:
    NameWord.objects.filter(customer__in=customers).delete()
    bulk.insert([NameWord(customer=c, word=w) for c in customers for w in set(words(c.name))])


def _tell(lines: list[Line]) -> None:
    """One event each. The row's lock comes first, and with it the version as it stands."""
    customers = {line.about.pk: line.about for line in lines}
    locked = Customer.objects.select_for_update(no_key=True).filter(pk__in=customers).order_by("pk")
    for pk, version in locked.values_list("pk", "version"):
        customers[pk].version = version + 1
    told = [
        Event(
            stream="customer",
            stream_id=line.about.pk,
            version=line.about.version,
            kind="created" if line.outcome == CREATED else "edited",
            via="import",
            at=line.about.created_at if line.outcome == CREATED else timezone.now(),
        )
        for line in lines
    ]
    record_history(told, list(customers.values()))


# --- what they have, and what they agreed to


def load_subscriptions(lines: list[Line], source: str) -> None:
    products = by_external_id(Product, source, [line.data["product"] for line in lines])
    ready = []
    for line, columns in _of_customers(lines, source):
        product = products.get(line.data["product"])
        if product is None:
            missing(line, _("product"), line.data["product"])
        else:
            ready.append((line, {**columns, "product": product}))
    store(ready, Subscription, source)


def load_orders(lines: list[Line], source: str) -> None:
    store(list(_of_customers(lines, source)), Order, source)


def _of_customers(lines: list[Line], source: str) -> Iterator[tuple[Line, dict[str, Any]]]:
    """The lines whose customer is known, with their columns."""
    customers = by_external_id(Customer, source, [line.data["customer"] for line in lines])
    for line in lines:
        customer = customers.get(line.data["customer"])
        if customer is None:
            missing(line, _("customer"), line.data["customer"])
        else:
            yield line, {**_without(line, "external_id", "product"), "customer": customer}


def load_consents(lines: list[Line], source: str) -> None:
    """A statement is the same when all it says is the same, its time included."""
    ready = list(_of_customers(lines, source))
    rows = Consent.objects.filter(customer__in=[columns["customer"] for _line, columns in ready])
    held = {tuple(row) for row in rows.values_list("customer_id", *_STATEMENT)}
    fresh = []
    for line, columns in ready:
        key = (columns["customer"].pk, *(columns[name] for name in _STATEMENT))
        line.outcome = UNCHANGED if key in held else CREATED
        if key not in held:
            held.add(key)
            fresh.append(Consent(**columns))
    bulk.insert(fresh)


_STATEMENT = ("purpose", "channel", "granted", "source", "wording", "at")

KINDS = {
    "organization": Kind(OrganizationLine, load_organizations),
    "product": Kind(ProductLine, load_products),
    "customer": Kind(CustomerLine, load_customers),
    "subscription": Kind(SubscriptionLine, load_subscriptions),
    "order": Kind(OrderLine, load_orders),
    "consent": Kind(ConsentLine, load_consents),
}
