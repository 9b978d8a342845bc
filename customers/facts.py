"""What can be known about a customer: the facts of this app, and those others register through the `facts` hook."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import NullIf
from django.utils.translation import gettext_lazy as _

from customers import consent, resting
from customers.bringing import bring
from customers.comparisons import Counted
from customers.conditions import Collection, Fact, Field, Money
from customers.hooks import facts as facts_hook
from customers.models import Consent, ContactPoint, Customer, Order, Subscription

log = logging.getLogger(__name__)


def registry() -> dict[str, Fact | Collection]:
    """Every fact and collection by name; ours win over a plugin's of the same name. Those of a plugin that does not answer
    just now are marked so."""
    found: dict[str, Fact | Collection] = {fact.name: fact for fact in own()}
    for fact in resting.gathered(facts_hook):
        if fact.name in found:
            log.warning("the fact %s is registered twice; the first stays", fact.name)
        found.setdefault(fact.name, fact)
    return found


def load(
    customers: Iterable[Customer] | QuerySet[Customer],
    at: datetime,
    *,
    names: Iterable[str] | None = None,
    among: Iterable[Fact | Collection] | None = None,
) -> dict[int, dict[str, Any]]:
    """What is known of each customer as of `at`, by key: a query for each relation needed, whatever their number.

    `names` limits it to some facts (`Condition.names`). Raises resting.Rested where a plugin fails to say one."""
    from django.db.models import prefetch_related_objects

    every = registry() if among is None else {fact.name: fact for fact in among}
    wanted = [fact for fact in every.values() if not fact.rests] if names is None else [every[n] for n in names]
    rows = list(customers)
    needs = needed(wanted)
    if len(rows) == 1:
        bring(rows[0], needs)
    prefetch_related_objects(rows, *needs)
    return {c.pk: {fact.name: _value(fact, c, at) for fact in wanted} for c in rows}


def needed(facts: Iterable[Fact | Collection]) -> list[Any]:
    """The relations that these read."""
    return list(dict.fromkeys(need for fact in facts for need in fact.needs))


def _value(fact: Fact | Collection, customer: Customer, at: datetime) -> Any:
    if isinstance(fact, Fact):
        return resting.said(facts_hook, fact, fact.value, customer, at) if fact.of else fact.value(customer, at)
    return resting.said(facts_hook, fact, _rows, fact, customer, at) if fact.of else _rows(fact, customer, at)


def _rows(collection: Collection, customer: Customer, at: datetime) -> list[dict[str, Any]]:
    return [{f.name: f.value(row, at) for f in collection.fields} for row in collection.rows(customer)]


# --- builders for the common shapes


def column(name: str, kind: str, label: Any, path: str = "", needs: tuple[str, ...] = ()) -> Fact:
    """A fact that is a column of the customer, or one across foreign keys ("organization__name"); blank is unknown."""
    path = path or name
    return Fact(name, kind, label, _getter(path), _expression(path, kind), needs)


def field(name: str, kind: str, label: Any, path: str = "") -> Field:
    """The same for the rows of a collection."""
    path = path or name
    return Field(name, kind, label, _getter(path), _expression(path, kind))


def money_field(name: str, label: Any, amount: str, currency: str = "currency") -> Field:
    """An amount and its currency in two columns of a collection's rows."""
    return Field(
        name,
        "money",
        label,
        lambda row, _at: Money(getattr(row, amount), getattr(row, currency)),
        lambda _at: (F(amount), F(currency)),
    )


def count(
    name: str,
    label: Any,
    rows: Callable[[], QuerySet[Any]],
    value: Callable[[Any, datetime], int],
    needs: tuple[str, ...],
    customer: str = "customer",
) -> Fact:
    """How many rows point at the customer: `rows()` is the queryset to count, by its foreign key `customer`."""

    return Fact(name, "number", label, value, lambda _at: Counted(rows(), customer), needs)


def texts(
    name: str,
    label: Any,
    rows: Callable[[], QuerySet[Any]],
    column: str,
    value: Callable[[Any, datetime], frozenset[str]],
    needs: tuple[str, ...],
    customer: str = "customer",
) -> Fact:
    """The set of words in one column of the rows that point at the customer."""
    return Fact(
        name,
        "set",
        label,
        value,
        lambda _at: ArraySubquery(rows().filter(**{customer: OuterRef("pk")}).values(column)),
        needs,
    )


def _getter(path: str) -> Callable[[Any, datetime], Any]:
    steps = path.split("__")

    def value(row: Any, _at: datetime) -> Any:
        for step in steps:
            row = None if row is None else getattr(row, step)
        return None if row == "" else row

    return value


def _expression(path: str, kind: str) -> Callable[[datetime], Any]:
    if kind == "text":
        return lambda _at: NullIf(F(path), Value(""))
    return lambda _at: F(path)


# --- ours


def own() -> list[Fact | Collection]:
    """The facts of this app."""
    return [*_profile(), *_reach(), *_holdings(), *_consents(), subscriptions(), orders(), consents()]


def _profile() -> list[Fact]:
    organization = ("organization",)
    return [
        column("country", "text", _("Country")),
        column("city", "text", _("City")),
        column("language", "text", _("Language")),
        column("time_zone", "text", _("Time zone"), "tz"),
        column("tier", "text", _("Tier")),
        column("since", "date", _("Customer since")),
        column("created_at", "time", _("Known to us since")),
        column("organization", "text", _("Organization"), "organization__name", organization),
        column("organization_kind", "text", _("Kind of organization"), "organization__kind", organization),
        column(
            "organization_domain", "text", _("Mail domain of the organization"), "organization__domain", organization
        ),
    ]


def _reach() -> list[Fact]:
    kinds = ContactPoint.Kind
    return [_reachable(f"has_{kind.value}", kind, _("Has: %(kind)s") % {"kind": kind.label}) for kind in kinds]


def _reachable(name: str, kind: str, label: Any) -> Fact:
    def value(customer: Any, _at: datetime) -> bool:
        return any(p.kind == kind and p.ended_at is None for p in customer.contact_points.all())

    return Fact(
        name,
        "boolean",
        label,
        value,
        lambda _at: Exists(ContactPoint.objects.filter(customer=OuterRef("pk"), kind=kind, ended_at=None)),
        ("contact_points",),
    )


def _active(customer: Any) -> list[Subscription]:
    return [s for s in customer.subscriptions.all() if s.status == "active"]


def _active_rows() -> QuerySet[Subscription]:
    return Subscription.objects.filter(status="active")


def _holdings() -> list[Fact]:
    held = ("subscriptions__product",)
    return [
        count("subscription_count", _("Active subscriptions"), _active_rows, lambda c, _at: len(_active(c)), held),
        count("order_count", _("Orders"), Order.objects.all, lambda c, _at: len(c.orders.all()), ("orders",)),
        Fact("last_order_at", "time", _("Last order"), _last_order, _last_order_sql, ("orders",)),
        texts(
            "products",
            _("Kinds of product in use"),
            _active_rows,
            "product__kind",
            lambda c, _at: frozenset(s.product.kind for s in _active(c)),
            held,
        ),
        texts(
            "plans", _("Plans in use"), _active_rows, "plan", lambda c, _at: frozenset(s.plan for s in _active(c)), held
        ),
        Fact("dearest_plan", "money", _("Price of the dearest plan"), _dearest, _dearest_sql, held),
    ]


def _dearest(customer: Any, _at: datetime) -> Money | None:
    active = sorted(_active(customer), key=lambda s: (-s.price, s.pk))
    return Money(Decimal(active[0].price), active[0].currency) if active else None


def _dearest_sql(_at: datetime) -> tuple[Any, Any]:
    rows = _active_rows().filter(customer=OuterRef("pk")).order_by("-price", "pk")
    return Subquery(rows.values("price")[:1]), Subquery(rows.values("currency")[:1])


def _last_order(customer: Any, at: datetime) -> datetime | None:
    return max((order.placed_at for order in customer.orders.all() if order.placed_at <= at), default=None)


def _last_order_sql(at: datetime) -> Any:
    newest = Order.objects.filter(customer=OuterRef("pk"), placed_at__lte=at).order_by("-placed_at")
    return Subquery(newest.values("placed_at")[:1])


def _consents() -> list[Fact]:
    return [_consent(purpose, channel) for purpose in Consent.Purpose for channel in consent.CHANNELS]


def _consent(purpose: Consent.Purpose, channel: str) -> Fact:
    def sql(at: datetime) -> Any:
        said = Consent.objects.filter(customer=OuterRef("pk"), purpose=purpose.value, at__lte=at)
        return Subquery(said.filter(channel__in=[channel, consent.ANY]).order_by("-at", "-id").values("granted")[:1])

    return Fact(
        f"consent.{purpose.value}.{channel}",
        "boolean",
        f"{purpose.label} · {consent.CHANNELS[channel]}",
        lambda c, at: consent.newest(c.consents.all(), purpose.value, channel, at),
        sql,
        ("consents",),
    )


def subscriptions() -> Collection:
    """What a customer has, row by row."""
    fields = (
        field("product", "text", _("Product"), "product__name"),
        field("kind", "text", _("Kind"), "product__kind"),
        field("plan", "text", _("Plan")),
        money_field("price", _("Price a month"), "price"),
        field("device", "text", _("Device")),
        field("version", "text", _("Firmware or version")),
        field("lot", "text", _("Lot")),
        field("region", "text", _("Region")),
        field("status", "text", _("Status")),
        field("started_on", "date", _("Started on")),
        field("ended_on", "date", _("Ended on")),
    )
    return Collection(
        "subscriptions",
        _("Subscriptions"),
        Subscription,
        fields,
        lambda c: c.subscriptions.all(),
        needs=("subscriptions__product",),
        moment="started_on",
        one=_("Subscription"),
    )


def orders() -> Collection:
    """What a customer bought, row by row."""
    fields = (
        field("number", "text", _("Number")),
        field("status", "text", _("Status")),
        money_field("total", _("Total"), "total"),
        field("placed_at", "time", _("Placed at")),
    )
    return Collection(
        "orders",
        _("Orders"),
        Order,
        fields,
        lambda c: c.orders.all(),
        needs=("orders",),
        moment="placed_at",
        one=_("Order"),
    )


def consents() -> Collection:
    """What a customer said about what we may do, statement by statement; the facts `consent.…` say what counts."""
    fields = (
        field("purpose", "text", _("Purpose")),
        field("channel", "text", _("Channel")),
        field("granted", "boolean", _("Granted")),
        field("source", "text", _("Said where")),
        field("at", "time", _("Said at")),
    )
    return Collection(
        "consents",
        _("Statements of consent"),
        Consent,
        fields,
        lambda c: c.consents.all(),
        needs=("consents",),
        moment="at",
        one=_("Statement of consent"),
    )
