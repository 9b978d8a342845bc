"""What this app itself puts on a customer's page: sections, the timeline of what they bought, have and agreed to, and
the columns that hold something about a person."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from django.urls import reverse
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from crm.models import Event, User
from customers.consent import ANY, CHANNELS
from customers.hooks import Entry, Panel, customer_panels, personal_data, timeline, timeline_kinds
from customers.masking import PAYMENT, masked_fields
from customers.models import Consent, ContactPoint, Customer, Merge, NameWord, Order, Subscription

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
    """Orders, subscriptions, statements of consent and merges."""
    parts = [part for name, part in _PARTS.items() if kind in {"", name}]
    entries = [entry for part in parts for entry in part(customer, user, before, limit)]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]


def _orders(customer: Customer, user: User, before: datetime, limit: int) -> list[Entry]:
    rows = list(Order.objects.filter(customer=customer, placed_at__lt=before).order_by("-placed_at", "-pk")[:limit])
    covered = bool(rows) and PAYMENT in masked_fields(user)
    title = _("Order %(number)s")
    return [Entry(o.placed_at, "order", title % {"number": o.number}, _sum(o, covered), icon="package") for o in rows]


def _sum(order: Order, covered: bool) -> str:
    status = order_status(order.status)
    return status if covered else f"{status} · {money(order.total, order.currency)}"


def _subscriptions(customer: Customer, _user: User, before: datetime, limit: int) -> list[Entry]:
    """Days, told at midnight UTC: one when it began, one when it ended."""
    rows = list(Subscription.objects.filter(customer=customer).select_related("product"))
    told = [(row, row.started_on, _("Began: %(plan)s")) for row in rows]
    told += [(row, row.ended_on, _("Ended: %(plan)s")) for row in rows]
    entries = [
        Entry(_midnight(day), "subscription", words % {"plan": row.plan or row.product.name}, row.device, icon="router")
        for row, day, words in told
        if day is not None and _midnight(day) < before
    ]
    return sorted(entries, key=lambda entry: entry.at, reverse=True)[:limit]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _consents(customer: Customer, _user: User, before: datetime, limit: int) -> list[Entry]:
    rows = Consent.objects.filter(customer=customer, at__lt=before).order_by("-at", "-pk")[:limit]
    return [
        Entry(c.at, "consent", f"{c.get_purpose_display()}: {_answer(c)}", _channel(c), icon="shield") for c in rows
    ]


def _answer(consent: Consent) -> str:
    return _("yes") if consent.granted else _("no")


def _channel(consent: Consent) -> str:
    return _("on every channel") if consent.channel == ANY else str(CHANNELS.get(consent.channel, consent.channel))


def _merges(customer: Customer, _user: User, before: datetime, limit: int) -> list[Entry]:
    rows = Event.objects.filter(stream="customer", stream_id=customer.pk, kind__in=_MERGES, at__lt=before)
    newest = rows.select_related("actor").order_by("-at", "-pk")[:limit]
    return [
        Entry(e.at, "merge", str(_MERGES[e.kind]), e.actor.name if e.actor else "", icon="git-merge") for e in newest
    ]


_PARTS: dict[str, Callable[[Customer, User, datetime, int], list[Entry]]] = {
    "order": _orders,
    "subscription": _subscriptions,
    "consent": _consents,
    "merge": _merges,
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
