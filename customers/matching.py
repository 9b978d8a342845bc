"""Who is writing: the customer behind an address, or a new one. Never merges anybody."""

from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.utils import timezone

from crm.database.prepared import Prepared
from crm.events import record
from crm.models import User
from customers.addresses import Address
from customers.folding import clean
from customers.merging import current
from customers.models import ContactPoint, Customer

_TRIES = 5


def match(
    addresses: Sequence[Address],
    *,
    name: str = "",
    language: str = "",
    tz: str = "",
    by: User | None = None,
    via: str = "channel",
    at: datetime | None = None,
) -> Customer:
    """The customer these addresses belong to, following merges; else a new one with unverified contact points.

    Addresses of several customers: the owner of a verified one, else of the first given. Addresses nobody had yet are
    added to the customer found, unverified. Whoever else brings the same new address at the same moment gets the same
    customer: the unique contact point decides, and the loser looks again.
    """
    wanted = list(dict.fromkeys(addresses))
    now = at or timezone.now()
    if known := _nothing_new(wanted, name):
        return known
    for _attempt in range(_TRIES):
        try:
            with transaction.atomic():
                return _found(wanted, name, by, via, now) or _created(wanted, name, language, tz, by, via, now)
        except IntegrityError:
            continue
    raise RuntimeError("the contact points kept changing hands; try again")


def newcomer(
    addresses: Sequence[Address], *, name: str, language: str, by: User | None, via: str, at: datetime
) -> Customer | None:
    """A new customer who is reached at these addresses, unverified; None where one of them is somebody's, or becomes so
    at this very moment."""
    try:
        with transaction.atomic():
            return _created(list(dict.fromkeys(addresses)), name, language, "", by, via, at)
    except IntegrityError:
        return None


def find(addresses: Sequence[Address]) -> Customer | None:
    """The customer these addresses lead to, without changing anything."""
    return _owner(addresses, _points(addresses))


def _owner(addresses: Sequence[Address], points: list[ContactPoint]) -> Customer | None:
    if not points:
        return None
    order = {(a.kind, a.value): place for place, a in enumerate(addresses)}
    best = min(points, key=lambda p: (p.verified_at is None, order[p.kind, p.value]))
    return current(best.customer)


def point_of(address: Address) -> ContactPoint | None:
    """Whose this address is at present, with the customer."""
    return _POINT.first(address.kind, address.value)


_POINT = Prepared(
    lambda kind, value: ContactPoint.objects.filter(kind=kind, value=value, ended_at=None).select_related("customer"),
    str,
    str,
)


def _points(addresses: Sequence[Address]) -> list[ContactPoint]:
    if len(addresses) == 1:
        return _POINT(addresses[0].kind, addresses[0].value)
    wanted = {(a.kind, a.value) for a in addresses}
    points = points_among(wanted).select_related("customer")
    return [p for p in points if (p.kind, p.value) in wanted]


def points_among(wanted: Collection[tuple[str, str]]) -> QuerySet[ContactPoint]:
    """At least the points of these kinds and values, at present. The index begins with the kind: without one, all points
    there are would be looked at."""
    kinds, values = {kind for kind, _value in wanted}, {value for _kind, value in wanted}
    return ContactPoint.objects.filter(kind__in=kinds, value__in=values, ended_at=None)


def _nothing_new(addresses: list[Address], name: str) -> Customer | None:
    """The customer who has all of these addresses, and a name: most who write are known, and nothing is written."""
    points = _points(addresses)
    customer = _owner(addresses, points) if len(points) == len(addresses) else None
    return customer if customer and (customer.name or not name.strip()) else None


def _found(addresses: list[Address], name: str, by: User | None, via: str, now: datetime) -> Customer | None:
    points = _points(addresses)
    customer = _owner(addresses, points)
    if customer is None:
        return None
    held = {(p.kind, p.value) for p in points}
    fresh = [a for a in addresses if (a.kind, a.value) not in held]
    if fresh:
        _add(customer, fresh, now)
        record(customer, "contact_points_added", by=by, via=via, at=now, count=len(fresh))
    if name.strip() and not customer.name:
        customer.name = clean(name).strip()[:200]
        customer.save(update_fields=["name"])
        record(customer, "edited", by=by, via=via, at=now, fields=["name"])
    return customer


def _created(
    addresses: list[Address], name: str, language: str, tz: str, by: User | None, via: str, now: datetime
) -> Customer:
    customer = Customer(name=clean(name).strip()[:200], created_at=now)
    customer.language = clean(language)[:12] or customer.language
    customer.tz = clean(tz)[:64] or customer.tz
    customer.save()
    _add(customer, addresses, now)
    record(customer, "created", by=by, via=via, at=now)
    return customer


def _add(customer: Customer, addresses: list[Address], now: datetime) -> None:
    """In one order everywhere, so that two who bring the same addresses cannot wait for each other in a circle."""
    for a in sorted(addresses, key=lambda a: (a.kind, a.value)):
        ContactPoint.objects.create(
            customer=customer, kind=a.kind, value=a.value, display=clean(a.display)[:320], created_at=now
        )
