"""How a customer is reached, and who they are: changed by people, each change one event."""

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from crm.events import record
from crm.models import User
from customers.addresses import Address
from customers.models import ContactPoint, Customer


class Taken(Exception):
    """Somebody else has this address. `owner` is who, for those who may see them."""

    def __init__(self, owner: Customer | None) -> None:
        super().__init__(_("This address belongs to another customer. If it is the same person, merge the two."))
        self.message = str(self)
        self.owner = owner


class Changed(Exception):
    """Somebody else changed this customer meanwhile; `now` is how they stand."""

    def __init__(self, now: Customer) -> None:
        super().__init__(_("Somebody changed this customer meanwhile."))
        self.now = now


def lock(customer: Customer) -> Customer:
    """This customer's row, read afresh under its lock."""
    return Customer.objects.select_for_update(no_key=True).get(pk=customer.pk)


@transaction.atomic
def edit(customer: Customer, values: dict[str, Any], *, by: User, against: int, at: datetime | None = None) -> Customer:
    """Write what differs. Raises Changed when the customer is newer than the version `against` and a field somebody
    else wrote meanwhile would be overwritten."""
    held = lock(customer)
    differing = [name for name, value in values.items() if getattr(held, name) != value]
    if differing and held.version != against:
        raise Changed(held)
    for name in differing:
        setattr(held, name, values[name])
    if differing:
        held.save(update_fields=differing)
        record(held, "edited", by=by, at=at, fields=differing)
    return held


def add(customer: Customer, address: Address, *, by: User, at: datetime | None = None) -> ContactPoint:
    """One more way to reach them, unverified; quiet when they have it. Raises Taken."""
    try:
        return _add(customer, address, by, at or timezone.now())
    except IntegrityError as error:  # two at once, or somebody else's: the unique contact point says which
        point = ContactPoint.objects.filter(kind=address.kind, value=address.value, ended_at=None).first()
        if point is None or point.customer_id != customer.pk:
            raise Taken(point.customer if point else None) from error
        return point


@transaction.atomic
def _add(customer: Customer, address: Address, by: User, now: datetime) -> ContactPoint:
    lock(customer)
    point = ContactPoint.objects.filter(
        customer=customer, kind=address.kind, value=address.value, ended_at=None
    ).first()
    if point is None:
        point = ContactPoint.objects.create(
            customer=customer, kind=address.kind, value=address.value, display=address.display, created_at=now
        )
        record(customer, "contact_points_added", by=by, at=now, count=1)
    return point


@transaction.atomic
def verify(point: ContactPoint, *, by: User, at: datetime | None = None) -> None:
    """The customer has shown that this address is theirs."""
    lock(point.customer)
    now = at or timezone.now()
    if ContactPoint.objects.filter(pk=point.pk, verified_at=None, ended_at=None).update(verified_at=now):
        record(point.customer, "contact_point_verified", by=by, at=now, contact_point=point.pk)


@transaction.atomic
def end(point: ContactPoint, *, by: User, at: datetime | None = None) -> None:
    """They are no longer reached there; the address is free for whoever has it now."""
    lock(point.customer)
    now = at or timezone.now()
    if ContactPoint.objects.filter(pk=point.pk, ended_at=None).update(ended_at=now):
        record(point.customer, "contact_point_ended", by=by, at=now, contact_point=point.pk)
