"""Conditions as sentences, in the three languages, and why one holds for somebody."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from customers import facts, saying
from customers.conditions import compile
from customers.models import Customer, Order, Product, Segment, Subscription
from tests.builders import make_customer

pytestmark = pytest.mark.django_db

AT = datetime(2026, 5, 17, 12, 30, tzinfo=UTC)
GOLD = {"fact": "tier", "op": "is", "value": "gold"}
MANY = {"count": "cases", "within_days": 30, "op": "at_least", "value": 3}
PHONED = MANY | {"where": {"fact": "channel", "op": "is", "value": "phone"}}


@pytest.mark.parametrize(
    ("condition", "english", "german", "spanish"),
    [
        ({"all": []}, "Every customer.", "Alle Kunden.", "Todos los clientes."),
        (
            {"all": [MANY, GOLD]},
            "Customers of whom this is true: at least 3 cases in the last 30 days and Tier is gold.",
            "Kunden, auf die zutrifft: mindestens 3 Fälle in den letzten 30 Tagen und Stufe ist gold.",
            "Clientes de los que es cierto: al menos 3 casos en los últimos 30 días y Nivel es gold.",
        ),
        (
            {"any": [{"count": "orders", "op": "is", "value": 1}, {"segment": "vip"}]},
            "Customers of whom this is true: exactly 1 order or in the segment “The best”.",
            "Kunden, auf die zutrifft: genau 1 Bestellung oder im Segment „The best“.",
            "Clientes de los que es cierto: exactamente 1 pedido o en el segmento «The best».",
        ),
    ],
)
def test_a_condition_is_one_sentence(condition: Any, english: str, german: str, spanish: str) -> None:
    Segment.objects.create(key="vip", name="The best").publish(GOLD)
    for language, sentence in (("en", english), ("de", german), ("es", spanish)):
        with translation.override(language):
            assert saying.whole(condition) == sentence


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"all": [PHONED, GOLD]}, "(at least 3 cases in the last 30 days where Channel is phone) and Tier is gold"),
        ({"not": {"exists": "orders", "within_days": 90}}, "not (there are orders in the last 90 days)"),
        ({"count": "orders", "op": "between", "value": [2, 4]}, "between 2 and 4 orders"),
        ({"count": "orders", "op": "in", "value": [0, 4]}, "one of 0, 4 orders"),
        ({"not": {"all": []}}, "not (always)"),
        ({"any": []}, "never"),
        ({"segment": "gone"}, "in the segment “gone”"),
    ],
)
def test_its_parts_read_as_they_mean(condition: Any, told: str) -> None:
    assert saying.condition(condition, facts.registry()) == told


def test_why_it_holds_names_what_is_known_and_only_what_holds() -> None:
    ana = make_customer("Ana Torres", tier="gold")
    fibre = Product.objects.create(name="Fibre 300", kind="broadband")
    Subscription.objects.create(customer=ana, product=fibre, plan="Fibre 300", price="42.90", currency="GBP")
    for days in (1, 2, 60):
        Order.objects.create(customer=ana, number="N", placed_at=AT - timedelta(days=days))
    lately = {"count": "orders", "within_days": 30, "op": "at_least", "value": 2}
    condition = {
        "all": [
            {"any": [{"fact": "tier", "op": "is", "value": "silver"}, GOLD]},
            lately,
            {"exists": "subscriptions", "where": {"fact": "kind", "op": "is", "value": "broadband"}},
            {"fact": "dearest_plan", "op": "at_most", "value": {"amount": "50", "currency": "GBP"}},
            {"fact": "plans", "op": "has", "value": "Fibre 300"},
            {"fact": "country", "op": "known", "value": False},
            {"not": {"fact": "city", "op": "is", "value": "Leeds"}},
        ]
    }
    known = facts.load(Customer.objects.all(), AT)[ana.pk]
    assert compile(condition, at=AT).holds(known)
    assert saying.reasons(condition, known, AT) == [
        "Tier: gold",
        "2 orders in the last 30 days",
        "1 subscription",
        "Price of the dearest plan: 42.90 GBP",
        "Plans in use: Fibre 300",
        "Country: not so (is known)",
        "not (City is Leeds)",
    ]
