"""Every fact and every condition, over customers with every kind of gap: Python and PostgreSQL agree about each."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.models import Case, Contact, Message, Promise, Queue
from customers import facts
from customers.comparisons import COUNTS, OPERATORS
from customers.conditions import Collection, Fact, Field, compile
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
        opened_at = AT - timedelta(hours=rng.choice([0, 5, 24 * 30, 24 * 30 + 1]))
        tags = rng.choice([[], ["gold"], ["gold", "100%"]])
        case = Case.objects.create(
            queue=queue, customer=customer, status=status, resolved_at=AT, opened_at=opened_at, tags=tags
        )
        last_at = AT + timedelta(hours=rng.choice([-24 * 30, -5, 0, 1]))
        Contact.objects.create(case=case, customer=customer, channel="mail", started_at=last_at, last_at=last_at)
        _said(rng, case)
    if rng.random() < 0.4:
        Card.objects.create(customer=customer, points=rng.choice([0, 1, 2]), issued_at=AT)


def _said(rng: random.Random, case: Case) -> None:
    """Words with a feeling and without, at one moment and at several; promises in every state."""
    for _ in range(rng.choice([0, 1, 3])):
        at = AT + timedelta(hours=rng.choice([-24 * 30, -5, -5, 1]))
        Message.objects.create(
            case=case, direction="inbound", channel="mail", text="So.", feeling=rng.choice(["", "bad", "good"]), at=at
        )
    for _ in range(rng.choice([0, 0, 1, 2])):
        state, due_at = rng.choice(Promise.State.values), AT + timedelta(hours=rng.choice([-24 * 46, -5, 5]))
        Promise.objects.create(
            case=case, what="Ring", due_at=due_at, state=state, settled_at=rng.choice([None, AT]), made_at=AT
        )


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


def rows(collection: Collection) -> st.SearchStrategy[Any]:
    """Whether there is such a row, and how many there are: with and without a window, and a condition of their own."""
    meant: dict[str, st.SearchStrategy[Any]] = {"where": trees(leaves(list(collection.fields)))}
    if collection.moment:
        meant["within_days"] = st.sampled_from([1, 29, 30, 31, 46, 36525])
    name = st.just(collection.name)
    counts = st.sampled_from(sorted(COUNTS)).flatmap(
        lambda op: st.fixed_dictionaries(
            {"count": name, "op": st.just(op), "value": operands("number", COUNTS[op].takes)}, optional=meant
        )
    )
    return st.one_of(st.fixed_dictionaries({"exists": name}, optional=meant), counts)


def conditions() -> st.SearchStrategy[Any]:
    known = facts.registry().values()
    plain = [f for f in known if isinstance(f, Fact)]
    groups = [f for f in known if isinstance(f, Collection)]
    named = st.sampled_from(sorted(SEGMENTS)).map(lambda key: {"segment": key})
    return trees(st.one_of(leaves(plain), named, *(rows(c) for c in groups)))


# Segments the conditions may name: one that is simple, one that names it, and one nobody is in.
SEGMENTS = {
    "gold": {"fact": "tier", "op": "is", "value": "gold"},
    "quiet-gold": {"all": [{"segment": "gold"}, {"not": {"exists": "cases", "within_days": 30}}]},
    "nobody": {"any": []},
}


@pytest.fixture(scope="module")
def people(kept: None) -> dict[int, dict[str, Any]]:
    """What is known of sixty of them; made once, for no test here changes them for the next."""
    populate(seed=7, size=60)
    return facts.load(Customer.objects.order_by("pk"), AT)


@pytest.fixture
def population(people: dict[int, dict[str, Any]], db: None) -> dict[int, dict[str, Any]]:
    return people


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_python_and_sql_agree_on_every_customer_and_condition(
    population: dict[int, dict[str, Any]], data: st.DataObject
) -> None:
    written, zone = (
        data.draw(conditions()),
        data.draw(st.sampled_from(["UTC", "Pacific/Auckland", "America/Los_Angeles"])),
    )
    condition = compile(written, at=AT.astimezone(ZoneInfo(zone)), segments=SEGMENTS)
    by_python = {pk for pk, known in population.items() if condition.holds(known)}
    by_sql = set(condition.customers(Customer.objects.all()).values_list("pk", flat=True))
    assert by_python == by_sql


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**6), written=st.deferred(lambda: st.lists(conditions(), min_size=4, max_size=4)))
def test_they_agree_on_other_populations_too(db: None, seed: int, written: list[Any]) -> None:
    for model in (Promise, Message, Contact, Case, Card, Customer):
        model.objects.all().delete()
    populate(seed, size=8)
    known = facts.load(Customer.objects.all(), AT)
    for each in written:
        condition = compile(each, at=AT, segments=SEGMENTS)
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
