"""One condition language, two executions: Python over known facts, PostgreSQL over the tables. They always agree."""

import random
import timeit
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.models import Case, Contact, Queue
from customers import facts, hooks
from customers.comparisons import OPERATORS
from customers.conditions import BadCondition, Collection, Fact, Field, compile
from customers.models import Consent, ContactPoint, Customer, Order, Organization, Product, Subscription
from tests.plugin.models import Card

AT = datetime(2026, 5, 17, 12, 30, tzinfo=UTC)
TEXTS = [
    "GB",
    "DE",
    "Ánçora",
    "100%",
    "a_b",
    "a'b\\",
    "gold",
    "x" * 40,
    "Zoë",
    "active",
    "ended",
    "mobile",
    "2.3",
    "2.10",
]
NUMBERS = [0, 1, 2, "0.5", "42.90", 42.9, 99999, -1]
CURRENCIES = ["GBP", "EUR"]
DAYS = ["2026-05-17", "2026-04-01", "2020-01-01", {"days_ago": 0}, {"days_ago": 46}, {"days_ahead": 3}]
TIMES = ["2026-05-17T12:30:00Z", "2026-05-16T23:00:00-05:00", {"days_ago": 30}, {"hours_ago": 5}, {"days_ahead": 1}]


# --- a population with every kind of gap


def populate(seed: int, size: int) -> None:
    rng = random.Random(seed)
    houses = [Organization.objects.create(name=n, domain=d) for n, d in (("Ánçora", "ancora.example"), ("100%", ""))]
    products = [
        Product.objects.create(name=n, kind=k) for n, k in (("Fibre", "broadband"), ("SIM", "mobile"), ("Box", ""))
    ]
    for _ in range(size):
        _person(rng, houses, products)


def _person(rng: random.Random, houses: list[Organization], products: list[Product]) -> None:
    customer = Customer.objects.create(
        name="Somebody",
        country=rng.choice(["", "GB", "DE"]),
        city=rng.choice(["", *TEXTS]),
        tier=rng.choice(["", "gold", "100%"]),
        since=rng.choice([None, date(2020, 1, 1), date(2026, 4, 1), date(2026, 5, 17)]),
        organization=rng.choice([None, *houses]),
        created_at=AT - timedelta(hours=rng.choice([0, 5, 24 * 30, 24 * 400])),
    )
    for _ in range(rng.choice([0, 0, 1, 2])):
        Subscription.objects.create(
            customer=customer,
            product=rng.choice(products),
            plan=rng.choice(["", *TEXTS]),
            price=Decimal(rng.choice(["0", "0.5", "42.90", "99999"])),
            currency=rng.choice(CURRENCIES),
            version=rng.choice(["", "2.3", "2.10"]),
            status=rng.choice(["active", "ended"]),
            started_on=rng.choice([None, date(2026, 4, 1), date(2026, 5, 17)]),
        )
    for _ in range(rng.choice([0, 0, 1, 2])):
        Order.objects.create(
            customer=customer,
            number=rng.choice(TEXTS),
            total=Decimal(rng.choice(["0", "42.90", "1"])),
            currency=rng.choice(CURRENCIES),
            placed_at=AT - timedelta(hours=rng.choice([0, 5, 24 * 30])),
        )
    for _ in range(rng.choice([0, 1, 3])):
        Consent.objects.create(
            customer=customer,
            purpose=rng.choice(Consent.Purpose.values),
            channel=rng.choice(["mail", "phone", "any"]),
            granted=rng.choice([True, False]),
            at=AT + timedelta(hours=rng.choice([-48, -1, -1, 1])),
        )
    _dealings(rng, customer)
    if rng.random() < 0.5:
        value = f"{customer.pk}@example.org"
        ContactPoint.objects.create(customer=customer, kind="email", value=value, ended_at=rng.choice([None, AT]))


def _dealings(rng: random.Random, customer: Customer) -> None:
    """What other apps know: cases and contacts, a loyalty card."""
    queue = Queue.objects.get_or_create(name="Billing")[0]
    for _ in range(rng.choice([0, 0, 1, 2])):
        status = rng.choice(["new", "waiting_customer", "resolved", "spam", "merged"])
        case = Case.objects.create(queue=queue, customer=customer, status=status, resolved_at=AT)
        last_at = AT + timedelta(hours=rng.choice([-24 * 30, -5, 0, 1]))
        Contact.objects.create(case=case, customer=customer, channel="mail", started_at=last_at, last_at=last_at)
    if rng.random() < 0.4:
        Card.objects.create(customer=customer, points=rng.choice([0, 1, 2]), issued_at=AT)


# --- random conditions over whatever facts are registered


def operands(kind: str, takes: str) -> st.SearchStrategy[Any]:
    one = {
        "text": st.sampled_from(TEXTS),
        "set": st.sampled_from(["mobile", "broadband", "gold", "100%"]),
        "number": st.sampled_from(NUMBERS),
        "money": st.fixed_dictionaries({"amount": st.sampled_from(NUMBERS), "currency": st.just("GBP")}),
        "date": st.sampled_from(DAYS),
        "time": st.sampled_from(TIMES),
        "boolean": st.booleans(),
    }[kind]
    many = {"list": st.lists(one, max_size=3), "pair": st.lists(one, min_size=2, max_size=2), "yes/no": st.booleans()}
    return many.get(takes, one)


def leaves(known: list[Fact] | list[Field]) -> st.SearchStrategy[Any]:
    choices = [(f.name, f.type, op) for f in known for op in OPERATORS[f.type]]
    return st.sampled_from(choices).flatmap(
        lambda c: operands(c[1], OPERATORS[c[1]][c[2]].takes).map(lambda v: {"fact": c[0], "op": c[2], "value": v})
    )


def trees(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.recursive(
        leaf,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda parts: {"all": parts}),
            st.lists(inner, max_size=3).map(lambda parts: {"any": parts}),
            inner.map(lambda part: {"not": part}),
        ),
        max_leaves=6,
    )


def exists(collection: Collection) -> st.SearchStrategy[Any]:
    return trees(leaves(list(collection.fields))).map(lambda where: {"exists": collection.name, "where": where})


def conditions() -> st.SearchStrategy[Any]:
    known = facts.registry().values()
    plain = [f for f in known if isinstance(f, Fact)]
    groups = [f for f in known if isinstance(f, Collection)]
    return trees(st.one_of(leaves(plain), *(exists(c) for c in groups)))


@pytest.fixture
def population(db: None) -> dict[int, dict[str, Any]]:
    populate(seed=7, size=60)
    return facts.load(Customer.objects.order_by("pk"), AT)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_python_and_sql_agree_on_every_customer_and_condition(
    population: dict[int, dict[str, Any]], data: st.DataObject
) -> None:
    written = data.draw(conditions())
    condition = compile(written, at=AT)
    by_python = {pk for pk, known in population.items() if condition.holds(known)}
    by_sql = set(condition.customers(Customer.objects.all()).values_list("pk", flat=True))
    assert by_python == by_sql


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), written=st.deferred(lambda: st.lists(conditions(), min_size=4, max_size=4)))
def test_they_agree_on_other_populations_too(db: None, seed: int, written: list[Any]) -> None:
    for kept in (Contact, Case, Card, Customer):
        kept.objects.all().delete()
    populate(seed, size=8)
    known = facts.load(Customer.objects.all(), AT)
    for each in written:
        condition = compile(each, at=AT)
        by_sql = set(condition.customers(Customer.objects.all()).values_list("pk", flat=True))
        assert {pk for pk, k in known.items() if condition.holds(k)} == by_sql


@pytest.mark.parametrize("name", sorted(n for n, f in facts.registry().items() if isinstance(f, Fact)))
def test_each_fact_reads_the_same_from_python_and_from_the_database(population: dict[int, Any], name: str) -> None:
    fact = facts.registry()[name]
    assert isinstance(fact, Fact)
    expression = fact.sql(AT)
    pair = expression if isinstance(expression, tuple) else (expression,)
    rows = Customer.objects.annotate(**{f"x{i}": e for i, e in enumerate(pair)})
    for row in rows:
        said = tuple(getattr(row, f"x{i}") for i in range(len(pair)))
        known = population[row.pk][name]
        if fact.type == "money":
            assert known == (None if said[0] is None else said)
        else:
            assert known == (frozenset(said[0]) if fact.type == "set" else said[0])


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


def test_many_customers_take_one_query_and_facts_as_many_as_relations(population: dict[int, Any]) -> None:
    data = {"all": [{"fact": "products", "op": "has", "value": "mobile"}, {"exists": "orders"}]}
    condition = compile(data, at=AT)
    with CaptureQueriesContext(connection) as asked:
        list(condition.customers())
    assert len(asked) == 1
    counted = []
    for size in (2, 40):
        with CaptureQueriesContext(connection) as asked:
            facts.load(Customer.objects.all()[:size], AT, names=condition.names)
        counted.append(sum(query["sql"].startswith("SELECT") for query in asked))
    assert counted[0] == counted[1] == 4  # customers, subscriptions, their products, orders


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
