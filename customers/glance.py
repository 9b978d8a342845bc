"""A customer at a glance, before one speaks: who, where, since when, with what; one query."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import CharField, OuterRef, QuerySet
from django.db.models.functions import Cast, JSONObject
from django.utils.formats import date_format

from crm.models import User
from customers.customer_hooks import money
from customers.hooks import cues
from customers.masking import CONTACT_POINTS, PAYMENT
from customers.models import ContactPoint, Customer, Subscription

_MOST = 12


@dataclass(frozen=True)
class Glance:
    """What the card shows; `points` and `price` stay empty for whoever may not see them."""

    customer: Customer
    masks: frozenset[str]
    local_time: str
    place: str
    plans: str
    price: str
    points: list[dict[str, Any]]
    cues: list[str]


def with_holdings(rows: QuerySet[Customer]) -> QuerySet[Customer]:
    """Customers with what they have and how they are reached, without a query for each."""
    held = Subscription.objects.filter(customer=OuterRef("pk"), status="active").order_by("pk")
    points = ContactPoint.objects.filter(customer=OuterRef("pk"), ended_at=None)
    points = points.order_by("-is_preferred", "kind", "pk")
    plan = JSONObject(plan="plan", product="product__name", price=Cast("price", CharField()), currency="currency")
    point = JSONObject(kind="kind", value="value", display="display", verified_at="verified_at")
    return rows.select_related("organization").annotate(
        plans_held=ArraySubquery(held.values(data=plan)[:_MOST]),
        points_held=ArraySubquery(points.values(data=point)[:_MOST]),
    )


def glance(customer: Customer, user: User, masks: frozenset[str], now: datetime) -> Glance:
    """`customer` comes from `with_holdings`."""
    plans: list[dict[str, Any]] = customer.plans_held  # type: ignore[attr-defined]
    points: list[dict[str, Any]] = customer.points_held  # type: ignore[attr-defined]
    return Glance(
        customer=customer,
        masks=masks,
        local_time=local_time(customer.tz, now),
        place=customer.city or customer.country,
        plans=_plans(plans),
        price="" if PAYMENT in masks else _price(plans),
        points=[] if CONTACT_POINTS in masks else points,
        cues=[cue for cue in (customer.cue, *cues.collect(customer, user)) if cue],
    )


def local_time(tz: str, now: datetime) -> str:
    """The clock on the customer's wall; nothing when we do not know their zone."""
    try:
        return date_format(now.astimezone(ZoneInfo(tz)), "H:i")
    except (KeyError, ValueError, OSError):  # no such zone, or no name of one
        return ""


def _plans(plans: list[dict[str, Any]]) -> str:
    return " + ".join(plan["plan"] or plan["product"] for plan in plans)


def _price(plans: list[dict[str, Any]]) -> str:
    """What they pay a month, a sum for each currency."""
    sums: dict[str, Decimal] = {}
    for plan in plans:
        sums[plan["currency"]] = sums.get(plan["currency"], Decimal(0)) + Decimal(plan["price"])
    return " + ".join(money(amount, currency) for currency, amount in sorted(sums.items()) if amount)
