"""One condition language, two executions: Python over known facts, PostgreSQL over the tables. They always agree."""

import timeit
from datetime import UTC, date, datetime
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from cases.models import Case, Queue
from customers import facts, hooks
from customers.conditions import BadCondition, Fact, compile
from customers.models import Customer, Product, Subscription

AT = datetime(2026, 5, 17, 12, 30, tzinfo=UTC)
# --- the meaning, by example


@pytest.fixture
def gold(db: None) -> Customer:
    customer = Customer.objects.create(name="Ana Torres", tier="gold", since=date(2026, 4, 17))
    fibre = Product.objects.create(name="Fibre 300", kind="broadband")
    Subscription.objects.create(
        customer=customer, product=fibre, plan="Fibre 300", price="42.90", device="R7", version="2.3"
    )
    Subscription.objects.create(customer=customer, product=fibre, plan="Old", price="99", status="ended", device="R6")
    return customer


def holds(customer: Customer, data: object) -> bool:
    condition = compile(data, at=AT)
    known = facts.load([Customer.objects.get(pk=customer.pk)], AT, names=condition.names)[customer.pk]
    answer = condition.holds(known)
    assert condition.customers().filter(pk=customer.pk).exists() is answer
    return answer


@pytest.mark.parametrize(
    ("data", "answer"),
    [
        ({"fact": "tier", "op": "is", "value": "gold"}, True),
        ({"fact": "tier", "op": "is", "value": "Gold"}, False),
        ({"fact": "country", "op": "is", "value": "GB"}, False),  # unknown is never equal
        ({"not": {"fact": "country", "op": "is", "value": "GB"}}, True),  # and its contrary is true
        ({"fact": "country", "op": "known"}, False),
        ({"fact": "country", "op": "known", "value": False}, True),
        ({"fact": "since", "op": "since", "value": {"days_ago": 30}}, True),
        ({"fact": "since", "op": "after", "value": {"days_ago": 30}}, False),
        ({"fact": "products", "op": "has", "value": "broadband"}, True),
        ({"fact": "products", "op": "has_all", "value": []}, True),
        ({"fact": "products", "op": "has_any", "value": []}, False),
        ({"fact": "subscription_count", "op": "at_least", "value": "1.5"}, False),
        ({"fact": "subscription_count", "op": "more_than", "value": 0.5}, True),
        ({"fact": "dearest_plan", "op": "at_most", "value": {"amount": "42.90", "currency": "GBP"}}, True),
        ({"fact": "dearest_plan", "op": "at_most", "value": {"amount": "42.90", "currency": "EUR"}}, False),
        ({"fact": "consent.marketing.mail", "op": "is", "value": False}, False),
        ({"exists": "subscriptions"}, True),
        ({"exists": "orders"}, False),
        ({"not": {"exists": "orders"}}, True),
        # Both halves must hold of one row, not of two.
        (
            {
                "exists": "subscriptions",
                "where": {
                    "all": [
                        {"fact": "device", "op": "is", "value": "R6"},
                        {"fact": "status", "op": "is", "value": "active"},
                    ]
                },
            },
            False,
        ),
        ({"count": "subscriptions", "op": "is", "value": 2}, True),
        (
            {
                "count": "subscriptions",
                "where": {"fact": "status", "op": "is", "value": "active"},
                "op": "at_least",
                "value": 2,
            },
            False,
        ),
        ({"count": "orders", "op": "is", "value": 0}, True),
        ({"count": "orders", "op": "between", "value": [0, 3]}, True),
        ({"not": {"count": "orders", "op": "less_than", "value": 1}}, False),
        # A row without a time is in no window, however wide; those of a window are also those of none.
        ({"count": "subscriptions", "within_days": 36525, "op": "at_least", "value": 1}, False),
        ({"exists": "subscriptions", "within_days": 30}, False),
        ({"not": {"exists": "orders", "within_days": 90}}, True),
        ({"all": []}, True),
        ({"any": []}, False),
    ],
)
def test_what_a_condition_means(gold: Customer, data: object, answer: bool) -> None:
    assert holds(gold, data) is answer


@pytest.mark.parametrize(
    ("data", "path", "word"),
    [
        ([], "", "object"),
        ({"all": {}}, "all", "list"),
        ({"fact": "shoe_size", "op": "is", "value": 44}, "fact", "shoe_size"),
        ({"all": [{"any": [{"fact": "tier", "op": "roughly", "value": "gold"}]}]}, "all[0].any[0].op", "starts_with"),
        ({"fact": "tier", "op": "is", "value": 3}, "value", "text"),
        ({"fact": "tier", "op": "is", "value": "a\x00b"}, "value", "text"),
        ({"fact": "tier", "op": "is", "value": "\ud800"}, "value", "text"),
        ({"fact": "tier", "op": "is", "value": "gold", "extra": 1}, "", "extra"),
        ({"fact": "since", "op": "before", "value": "31.3.2026"}, "value", "day"),
        ({"fact": "since", "op": "before", "value": "2026-02-30"}, "value", "day"),
        ({"fact": "since", "op": "before", "value": {"days_ago": -1}}, "value", "whole number"),
        ({"fact": "since", "op": "before", "value": {"days_ago": True}}, "value", "whole number"),
        ({"fact": "created_at", "op": "before", "value": "2026-02-03T10:00:00"}, "value", "zone"),
        ({"fact": "created_at", "op": "before", "value": "0001-01-01T00:00:00+14:00"}, "value", "zone"),
        ({"fact": "order_count", "op": "is", "value": "NaN"}, "value", "number"),
        ({"fact": "order_count", "op": "is", "value": 1e300}, "value", "number"),
        ({"fact": "order_count", "op": "between", "value": [1]}, "value", "two values"),
        ({"fact": "dearest_plan", "op": "is", "value": 3}, "value", "currency"),
        ({"exists": "shoes"}, "exists", "orders"),
        ({"exists": "orders", "where": {"exists": "orders"}}, "where.exists", "orders"),
        ({"exists": "orders", "where": {"fact": "tier", "op": "is", "value": "x"}}, "where.fact", "placed_at"),
        ({"fact": "tier", "op": ["is"], "value": "x"}, "op", "is"),
        ({"fact": "orders", "op": "is", "value": "x"}, "fact", "tier"),
        ({"fact": "order_count", "op": ">=", "value": 1}, "op", "at_least"),
        ({"fact": "tier", "op": ">=", "value": "gold"}, "op", "starts_with"),
        ({"count": "shoes", "op": "is", "value": 1}, "count", "orders"),
        ({"count": "orders"}, "op", "at_least"),
        ({"count": "orders", "op": ">", "value": 1}, "op", "more_than"),
        ({"count": "orders", "op": "known"}, "op", "at_least"),
        ({"count": "orders", "op": "is", "value": "many"}, "value", "number"),
        ({"count": "orders", "op": "is", "value": 1, "within_days": 0}, "within_days", "whole number"),
        ({"count": "orders", "op": "is", "value": 1, "within_days": "30"}, "within_days", "whole number"),
        ({"count": "orders", "op": "is", "value": 1, "since": 30}, "", "since"),
        ({"exists": "orders", "where": {"count": "orders", "op": "is", "value": 1}}, "where.count", "orders"),
        ({"exists": "orders", "where": {"segment": "gold"}}, "where.segment", "where"),
        ({"segment": "nobody-said-so"}, "segment", "nobody-said-so"),
        ({"segment": ["gold"]}, "segment", "gold"),
        ({"segment": "gold", "op": "is"}, "", "op"),
    ],
)
def test_a_bad_condition_says_where_and_what_to_write(db: None, data: object, path: str, word: str) -> None:
    with pytest.raises(BadCondition) as refused:
        compile(data, at=AT)
    assert refused.value.path == path
    assert word in refused.value.message


def test_a_tower_of_nots_is_refused_not_run(db: None) -> None:
    data: dict[str, Any] = {"fact": "tier", "op": "is", "value": "gold"}
    for _ in range(5000):
        data = {"not": data}
    with pytest.raises(BadCondition, match="deep"):
        compile(data, at=AT)


# --- registering


def test_a_fact_with_one_form_only_cannot_be_registered() -> None:
    for broken in ({"value": None, "sql": lambda at: F("tier")}, {"value": lambda c, at: c.tier, "sql": None}):
        with pytest.raises(TypeError, match="both forms"):
            Fact("tier_again", "text", "Tier", **broken)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="type"):
        Fact("odd", "colour", "Colour", lambda c, at: None, lambda at: F("tier"))


def test_others_register_facts_by_the_hook(gold: Customer) -> None:
    def more() -> list[Fact]:
        return [facts.column("shouted_tier", "text", "Tier", "tier")]

    with hooks.facts.registered(more):
        assert holds(gold, {"fact": "shouted_tier", "op": "is", "value": "gold"})


def test_a_plugin_cannot_change_the_meaning_of_our_facts(gold: Customer) -> None:
    with hooks.facts.registered(lambda: [facts.column("tier", "text", "Tier", "city")]):
        assert holds(gold, {"fact": "tier", "op": "is", "value": "gold"})


# --- cost


def test_one_loaded_customer_is_judged_without_a_query(gold: Customer) -> None:
    condition = compile(
        {
            "all": [
                {"fact": "tier", "op": "is", "value": "gold"},
                {"exists": "subscriptions"},
                {"not": {"exists": "orders"}},
            ]
        },
        at=AT,
    )
    known = facts.load([gold], AT)[gold.pk]
    with CaptureQueriesContext(connection) as asked:
        timeit.timeit(lambda: condition.holds(known), number=1000)
    assert len(asked) == 0


@pytest.mark.parametrize(
    ("op", "value", "answer"),
    [
        ("is", 0, {"none"}),
        ("less_than", 2, {"none", "one"}),
        ("at_least", 1, {"one", "two"}),
        ("between", [1, 1], {"one"}),
        ("in", [0, 2], {"none", "two"}),
        ("known", True, {"none", "one", "two"}),
        ("known", False, set()),
    ],
)
def test_rows_are_counted_once_for_all_and_those_of_nobody_do_not_count(
    db: None, op: str, value: object, answer: set[str]
) -> None:
    queue = Queue.objects.create(name="Billing")
    Case.objects.create(queue=queue, customer=None)
    for number, name in enumerate(["none", "one", "two"]):
        customer = Customer.objects.create(name=name)
        for _ in range(number):
            Case.objects.create(queue=queue, customer=customer)
    asked = {"fact": "open_cases", "op": op, "value": value}
    for written, expected in ((asked, answer), ({"not": asked}, {"none", "one", "two"} - answer)):
        found = compile(written, at=AT).customers()
        assert set(found.values_list("name", flat=True)) == expected
        assert "GROUP BY" in str(found.query)
        assert '= ("customers_customer"."id")' not in str(found.query)  # asked for each customer by itself
