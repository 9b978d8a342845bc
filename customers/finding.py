"""Customers found by what people know of them: part of a name, an address in any spelling, where they belong."""

from django.db.models import QuerySet

from crm.models import User
from customers.addresses import Address, guess
from customers.folding import clean, words
from customers.masking import CONTACT_POINTS, masked_fields
from customers.models import ContactPoint, Customer, Organization

LONGEST = 200


def find(text: str, user: User) -> QuerySet[Customer]:
    """Whom `text` may mean among those `user` may open; whoever may not see addresses cannot search by them either."""
    seen = Customer.objects.visible_to(user)
    text = clean(text).strip()[:LONGEST]
    if not text:
        return seen
    address = None if CONTACT_POINTS in masked_fields(user) else guess(text)
    if address is not None and address.kind != "handle":
        return seen.filter(pk__in=_reached(address))
    parts = [_named(text), _belonging(text), *([_reached(address)] if address else [])]
    first, *rest = parts
    return seen.filter(pk__in=first.union(*rest, all=True))


def _named(text: str) -> QuerySet[Customer]:
    rows = Customer.objects.named_like(text) if words(text) else Customer.objects.none()
    return rows.order_by().values("pk")  # type: ignore[return-value]


def _belonging(text: str) -> QuerySet[Customer]:
    held = Organization.objects.filter(name__icontains=text) if len(text) > 1 else Organization.objects.none()
    return Customer.objects.filter(organization__in=held).order_by().values("pk")  # type: ignore[return-value]


def _reached(address: Address) -> QuerySet[Customer]:
    points = ContactPoint.objects.filter(kind=address.kind, value=address.value, ended_at=None)
    return points.order_by().values("customer_id")  # type: ignore[return-value]
