"""Who is in a segment, kept up: the rows say just what a recount would."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cases import feelings
from cases.models import Queue
from crm.models import User
from customers import merging, segments
from customers.models import (
    Consent,
    ContactPoint,
    Customer,
    Order,
    Organization,
    Product,
    Segment,
    SegmentTurn,
    Subscription,
    Touched,
)
from tests.builders import make_case, make_customer
from tests.customers.segmented import AT, BUYS, GOLD, keep_up, recomputed, rows, segment

pytestmark = pytest.mark.django_db


# --- kept up


def test_who_joins_and_who_leaves_is_told_once(db: None) -> None:
    ana, ben = make_customer("Ana", tier="gold"), make_customer("Ben")
    segment("gold", GOLD)
    keep_up(AT)
    assert rows() == {"gold": {ana.pk}}
    assert not SegmentTurn.objects.exists()  # who was in it from the beginning did not join
    Customer.objects.filter(pk=ana.pk).update(tier="")
    Customer.objects.filter(pk=ben.pk).update(tier="gold")
    for _ in range(2):
        keep_up(AT + timedelta(seconds=1))
    assert rows() == {"gold": {ben.pk}}
    assert set(SegmentTurn.objects.values_list("customer_id", "joined")) == {(ana.pk, False), (ben.pk, True)}
    assert Segment.objects.get().size == 1
    assert segments.drop_turns(AT + timedelta(days=31)) == 0
    assert not SegmentTurn.objects.exists()


def test_a_segment_that_means_something_else_is_counted_anew_and_so_are_those_that_name_it(db: None) -> None:
    ana, ben = make_customer("Ana", tier="gold"), make_customer("Ben")
    gold = segment("gold", GOLD)
    segment("others", {"not": {"segment": "gold"}})
    keep_up(AT)
    gold.publish({"fact": "tier", "op": "known"}, at=AT)
    gold.publish({"not": GOLD}, at=AT)
    keep_up(AT + timedelta(seconds=1))
    assert rows() == recomputed(AT) == {"gold": {ben.pk}, "others": {ana.pk}}
    gold.describe(is_active=False)
    keep_up(AT + timedelta(seconds=2))
    assert rows() == {"others": {ana.pk}}


def test_days_pass_and_it_is_counted_anew(db: None) -> None:
    customer = make_customer("Ana")
    Order.objects.bulk_create(Order(customer=customer, number=str(n), placed_at=AT) for n in range(2))
    segment("buys", BUYS)
    keep_up(AT)
    assert rows() == {"buys": {customer.pk}}
    later = AT + timedelta(days=31)
    keep_up(later)
    assert rows() == recomputed(later) == {"buys": set()}


def test_a_flood_of_changes_is_counted_and_not_looked_at_one_by_one(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    segment("gold", GOLD)
    keep_up(AT)
    monkeypatch.setattr(segments, "TOO_MANY", 3)
    Customer.objects.bulk_create(Customer(name=f"C{n}", tier="gold") for n in range(9))
    monkeypatch.setattr(segments, "_look_at", lambda *_: pytest.fail("nobody is looked at alone"))
    keep_up(AT)
    assert rows() == recomputed(AT)
    assert len(rows()["gold"]) == 9


def test_whoever_dies_in_it_has_done_nothing(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    segment("gold", GOLD)
    keep_up(AT)
    make_customer("Ana", tier="gold")

    def die(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as during, pytest.raises(RuntimeError):
        during.setattr(segments, "_write", die)
        segments.keep_up(AT)
    assert Touched.objects.exists()
    keep_up(AT)
    assert rows() == recomputed(AT)
    assert not Touched.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_keep_up_at_once_do_it_once(db: None) -> None:
    segment("gold", GOLD)
    keep_up(AT)
    customers = [make_customer(f"C{n}", tier="gold") for n in range(20)]
    threads = [threading.Thread(target=_one_turn) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    keep_up(AT)
    assert rows() == {"gold": {each.pk for each in customers}}
    assert SegmentTurn.objects.count() == Segment.objects.get().size == 20


def _one_turn() -> None:
    segments.keep_up(AT)
    connection.close()


# --- the rows say what a recount would, whatever happened

WATCHED: dict[str, Any] = {
    "gold": GOLD,
    "buys": BUYS,
    "quiet": {"not": {"exists": "cases", "within_days": 30}},
    "upset": {"fact": "last_feeling", "op": "is", "value": "bad"},
    "let-down": {"count": "promises", "where": {"fact": "state", "op": "is", "value": "broken"}, "op": "at_least", "value": 1},
    "house": {"fact": "organization", "op": "is", "value": "Ánçora"},
    "fibre": {"fact": "products", "op": "has", "value": "fibre"},
    "may-ask": {"fact": "consent.research.mail", "op": "is", "value": True},
    "reachable": {"fact": "has_email", "op": "is", "value": True},
    "busy": {"any": [{"segment": "buys"}, {"fact": "open_cases", "op": "at_least", "value": 2}]},
    "none-of-it": {"not": {"any": [{"segment": "gold"}, {"segment": "busy"}, {"fact": "tier", "op": "known"}]}},
}  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
def test_rows_equal_a_recount_after_every_kind_of_change(seed: int, billing: Queue, sue: User) -> None:
    rng = random.Random(seed)
    house, product = Organization.objects.create(name="Ánçora"), Product.objects.create(name="Fibre", kind="fibre")
    world = World(rng, billing, sue, house, product)
    people = [make_customer(f"C{n}", tier=rng.choice(["", "gold"])) for n in range(12)]
    for key, condition in WATCHED.items():
        segment(key, condition)
    keep_up(AT)
    for step in range(25):
        for _ in range(rng.choice([1, 3])):
            customer = merging.current(Customer.objects.get(pk=rng.choice(people).pk))
            rng.choice(_CHANGES)(world, customer)
        now = AT + timedelta(seconds=step)
        keep_up(now)
        assert rows() == recomputed(now), step
        assert {s.key: s.size for s in Segment.objects.all()} == {key: len(found) for key, found in rows().items()}


@dataclass
class World:
    """What changes, drawn by one seed."""

    rng: random.Random
    queue: Queue
    by: User
    house: Organization
    product: Product

    def some(self, *values: Any) -> Any:
        return self.rng.choice(values)


def _opens(world: World, customer: Customer) -> None:
    make_case(world.queue, customer=customer).record("opened", by=world.by)


def _feels(world: World, customer: Customer) -> None:
    said = make_case(world.queue, customer=customer).messages.create(direction="inbound", text="So.", at=AT)
    feelings.mark(said, world.some("bad", "good"), by=world.by)


def _is_let_down(world: World, customer: Customer) -> None:
    case = make_case(world.queue, customer=customer)
    case.promises.create(what="Ring", due_at=AT, state="broken")
    case.record("promise_broken", by=None)


def _proves_another(world: World, customer: Customer) -> None:
    other = Customer.objects.current().exclude(pk=customer.pk).order_by("pk").last()
    if other and world.some(True, False, False):
        merging.merge(customer, other, by=world.by)


_CHANGES: list[Callable[[World, Customer], object]] = [
    _opens,
    _feels,
    _is_let_down,
    _proves_another,
    lambda w, c: Customer.objects.filter(pk=c.pk).update(tier=w.some("", "gold")),
    lambda w, c: Customer.objects.filter(pk=c.pk).update(organization=w.some(None, w.house)),
    lambda w, c: Order.objects.create(customer=c, number="N", placed_at=AT - timedelta(days=w.some(1, 40))),
    lambda w, c: c.orders.all().delete(),
    lambda w, c: Organization.objects.filter(pk=w.house.pk).update(name=w.some("Ánçora", "Other")),
    lambda w, c: Subscription.objects.create(customer=c, product=w.product, status=w.some("active", "ended")),
    lambda w, c: Product.objects.filter(pk=w.product.pk).update(kind=w.some("fibre", "mobile")),
    lambda w, c: Consent.objects.create(
        customer=c, purpose="research", channel="any", granted=w.some(True, False), at=AT
    ),
    lambda w, c: ContactPoint.objects.create(
        customer=c, kind="email", value=f"{w.rng.random()}@example.org", ended_at=w.some(None, AT)
    ),
]


def test_a_change_of_nothing_touches_nobody_and_a_thousand_rows_take_one_statement(db: None) -> None:
    customer = make_customer("Ana")
    Touched.objects.all().delete()
    Customer.objects.filter(pk=customer.pk).update(version=7, tier=customer.tier)
    assert not Touched.objects.exists()
    Order.objects.bulk_create(Order(customer=customer, number=str(n)) for n in range(1000))
    assert list(Touched.objects.values_list("customer", flat=True)) == [customer.pk]


def test_facts_are_read_at_once_for_all_segments(db: None) -> None:
    """What is looked at costs a query a relation, however many customers changed."""
    for key, condition in WATCHED.items():
        segment(key, condition)
    keep_up(AT)
    counted = []
    for size in (2, 40):
        for n in range(size):
            make_customer(f"C{n}", tier="gold")
        with CaptureQueriesContext(connection) as asked:
            segments.keep_up(AT)
        counted.append(len(asked))
    assert counted[0] == counted[1]
