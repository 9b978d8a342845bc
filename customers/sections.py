"""What the sections of a customer's page show: each a function of the customer, the reader and what is masked."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from crm.models import User
from crm.roles import TABLE, roles_of
from customers import consent
from customers.customer_hooks import money, order_status
from customers.forms import AddressForm, ConsentForm
from customers.masking import CONTACT_POINTS, PAYMENT
from customers.models import Consent, Customer, Merge, Order, Subscription

_MOST = 20


def reach(customer: Customer, user: User, masks: frozenset[str]) -> dict[str, Any]:
    """Contact points, the ended ones last; none for whoever may not see them."""
    hidden = CONTACT_POINTS in masks
    points = [] if hidden else list(customer.contact_points.order_by("-is_preferred", "kind", "pk"))
    return {
        "points": sorted(points, key=lambda point: point.ended_at is not None),
        "is_hidden": hidden,
        "form": AddressForm(),
        "may_edit": _may(user, "edit"),
    }


def holdings(customer: Customer, user: User, masks: frozenset[str]) -> dict[str, Any]:
    rows = Subscription.objects.filter(customer=customer).select_related("product").order_by("status", "-started_on")
    shows = PAYMENT not in masks
    return {"rows": [(row, money(row.price, row.currency) if shows else "") for row in rows[:_MOST]]}


def orders(customer: Customer, user: User, masks: frozenset[str]) -> dict[str, Any]:
    rows = Order.objects.filter(customer=customer).order_by("-placed_at", "-pk")[:_MOST]
    shows = PAYMENT not in masks
    return {"rows": [(row, order_status(row.status), money(row.total, row.currency) if shows else "") for row in rows]}


def agreed(customer: Customer, user: User, masks: frozenset[str]) -> dict[str, Any]:
    """Yes, no or never asked, a row a purpose and a column a channel."""
    now = timezone.now()
    said = list(Consent.objects.filter(customer=customer, at__lte=now))
    rows = [
        (purpose.label, [consent.newest(said, purpose, channel, now) for channel in consent.CHANNELS])
        for purpose in Consent.Purpose
    ]
    return {
        "rows": rows,
        "channels": consent.CHANNELS.values(),
        "form": ConsentForm(),
        "may_edit": _may(user, "consent"),
    }


def organization(customer: Customer, user: User, masks: frozenset[str]) -> dict[str, Any]:
    """Where they belong, and who else there the reader may open."""
    others = Customer.objects.visible_to(user).filter(organization=customer.organization_id, merged_into=None)
    return {"organization": customer.organization, "others": others.exclude(pk=customer.pk).order_by("-pk")[:_MOST]}


def merges(customer: Customer, user: User, masks: frozenset[str]) -> dict[str, Any]:
    """The records that became part of this one, and can become their own again."""
    rows = Merge.objects.filter(kept=customer, undone_at=None).select_related("gone", "by").order_by("-at")
    return {"rows": rows[:_MOST], "may_merge": _may(user, "merge")}


def _may(user: User, verb: str) -> bool:
    return bool(TABLE[f"customer.{verb}"] & roles_of(user))


SECTIONS: dict[str, Callable[[Customer, User, frozenset[str]], dict[str, Any]]] = {
    "reach": reach,
    "holdings": holdings,
    "orders": orders,
    "consent": agreed,
    "organization": organization,
    "merges": merges,
}
