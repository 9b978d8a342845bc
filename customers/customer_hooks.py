"""What this app itself puts on a customer's page: sections, the timeline of what they bought, have and agreed to, and
the columns that hold something about a person."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import User
from customers.consent import ANY, CHANNELS
from customers.hooks import Entry, Panel, customer_panels, personal_data, timeline, timeline_kinds
from customers.masking import PAYMENT, masked_fields
from customers.models import Consent, ContactPoint, Customer, Merge, NameWord, Order

# The sections of `customers.sections`, in their order on the page.
_TITLES = {
    "reach": gettext_lazy("Contact"),
    "holdings": gettext_lazy("Subscriptions"),
    "orders": gettext_lazy("Orders"),
    "consent": gettext_lazy("Consent"),
    "organization": gettext_lazy("Organization"),
    "merges": gettext_lazy("Merged records"),
}
_STATUS = {
    "placed": gettext_lazy("placed"),
    "shipped": gettext_lazy("shipped"),
    "delivered": gettext_lazy("delivered"),
    "returned": gettext_lazy("returned"),
    "cancelled": gettext_lazy("cancelled"),
}
_MERGES = {
    "merged": gettext_lazy("Another record of this person was merged"),
    "merge_undone": gettext_lazy("A merge was undone"),
}


def money(amount: Decimal, currency: str) -> str:
    """An amount as people read it: 42.90 GBP. Rounded here and nowhere earlier."""
    return f"{number_format(round(amount, 2), 2, force_grouping=True)} {currency}"


def order_status(status: str) -> str:
    """How far an order is, in words; a status we do not know as it is."""
    return str(_STATUS.get(status, status))


# --- sections


def _shows(name: str, customer: Customer) -> bool:
    """A section that would be empty for most is left out for them."""
    if name == "organization":
        return customer.organization_id is not None
    return name != "merges" or Merge.objects.filter(kept=customer, undone_at=None).exists()


def _section(name: str) -> Callable[[Customer, User], Panel | None]:
    def panel(customer: Customer, user: User) -> Panel | None:
        if not _shows(name, customer):
            return None
        return Panel(name, str(_TITLES[name]), reverse("customers:panel", args=[customer.pk, name]))

    return panel


for _place, _name in enumerate(_TITLES):
    customer_panels.register(_section(_name), order=_place, name=f"customers.{_name}")


# --- the timeline


@timeline_kinds.register(order=10)
def kinds() -> list[tuple[str, Any]]:
    return [
        ("order", gettext_lazy("Orders")),
        ("subscription", gettext_lazy("Subscriptions")),
        ("consent", gettext_lazy("Consent")),
        ("merge", gettext_lazy("Merges")),
    ]


@timeline.register(order=10)
def what_we_know(customer: Customer, user: User, before: datetime, limit: int, kind: str) -> list[Entry]:
    """Orders, subscriptions, statements of consent and merges; one query."""
    parts = [part for name, part in _PARTS.items() if kind in {"", name}]
    if not parts:
        return []
    with connection.cursor() as cursor:
        union = " UNION ALL ".join(f"({rows})" for rows, _told in parts)
        cursor.execute(union, {"customer": customer.pk, "before": before, "limit": limit, "merges": list(_MERGES)})
        rows = cursor.fetchall()
    masks = masked_fields(user) if any(kind == "order" for kind, _at, _data in rows) else frozenset()
    told = {name: words for name, (_rows, words) in _PARTS.items()}
    entries = [told[kind](at, json.loads(data), masks) for kind, at, data in rows]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]


def _order(at: datetime, data: dict[str, Any], masks: frozenset[str]) -> Entry:
    status = order_status(data["status"])
    text = status if PAYMENT in masks else f"{status} · {money(Decimal(data['total']), data['currency'])}"
    return Entry(at, "order", _("Order %(number)s") % data, text, icon="package")


def _subscription(at: datetime, data: dict[str, Any], _masks: frozenset[str]) -> Entry:
    words = _("Began: %(plan)s") if data["began"] else _("Ended: %(plan)s")
    return Entry(at, "subscription", words % data, data["device"], icon="router")


def _consent(at: datetime, data: dict[str, Any], _masks: frozenset[str]) -> Entry:
    purpose = dict(Consent.Purpose.choices).get(data["purpose"], data["purpose"])
    answer = _("yes") if data["granted"] else _("no")
    return Entry(at, "consent", f"{purpose}: {answer}", _channel(data["channel"]), icon="shield")


def _channel(channel: str) -> str:
    return _("on every channel") if channel == ANY else str(CHANNELS.get(channel, channel))


def _merge(at: datetime, data: dict[str, Any], _masks: frozenset[str]) -> Entry:
    actor = User(first_name=data["first"] or "", last_name=data["last"] or "", username=data["username"] or "")
    return Entry(at, "merge", str(_MERGES[data["kind"]]), actor.name, icon="git-merge")


# Days are told at midnight UTC: one when a subscription began, one when it ended.
_DAY = """
SELECT 'subscription', {day}::timestamp AT TIME ZONE 'UTC', json_build_object('began', {began},
       'plan', COALESCE(NULLIF(s.plan, ''), p.name), 'device', s.device)::text
  FROM customers_subscription s JOIN customers_product p ON p.id = s.product_id
 WHERE s.customer_id = %(customer)s AND {day}::timestamp AT TIME ZONE 'UTC' < %(before)s
 ORDER BY {day} DESC, s.id DESC LIMIT %(limit)s
"""
_ORDERS = """
SELECT 'order', placed_at,
       json_build_object('number', number, 'status', status, 'total', total::text, 'currency', currency)::text
  FROM customers_order WHERE customer_id = %(customer)s AND placed_at < %(before)s
 ORDER BY placed_at DESC, id DESC LIMIT %(limit)s
"""
_CONSENTS = """
SELECT 'consent', at, json_build_object('purpose', purpose, 'granted', granted, 'channel', channel)::text
  FROM customers_consent WHERE customer_id = %(customer)s AND at < %(before)s ORDER BY at DESC, id DESC LIMIT %(limit)s
"""
_MERGED = """
SELECT 'merge', e.at, json_build_object('kind', e.kind, 'first', u.first_name, 'last', u.last_name,
       'username', u.username)::text
  FROM crm_event e LEFT JOIN crm_user u ON u.id = e.actor_id
 WHERE e.stream = 'customer' AND e.stream_id = %(customer)s AND e.kind = ANY(%(merges)s) AND e.at < %(before)s
 ORDER BY e.at DESC, e.id DESC LIMIT %(limit)s
"""
_DAYS = f"({_DAY.format(day='s.started_on', began='true')}) UNION ALL ({_DAY.format(day='s.ended_on', began='false')})"
_PARTS: dict[str, tuple[str, Callable[[datetime, dict[str, Any], frozenset[str]], Entry]]] = {
    "order": (_ORDERS, _order),
    "subscription": (_DAYS, _subscription),
    "consent": (_CONSENTS, _consent),
    "merge": (_MERGED, _merge),
}


# --- what is personal


@personal_data.register
def columns() -> list[tuple[Any, str, str]]:
    """(model, field, how): blank empties it, delete removes the row, keep says why not: it names nobody alone."""
    return [
        *((Customer, name, "blank") for name in ("name", "pronunciation", "city", "country", "cue", "external_id")),
        (NameWord, "word", "delete"),
        (ContactPoint, "value", "delete"),
        (ContactPoint, "display", "delete"),
        (Order, "number", "blank"),
        (Order, "items", "blank"),
        (Consent, "wording", "keep"),
    ]
