"""Two records become one, and can become two again."""

import threading
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from cases.models import Case, Queue
from crm.jobs import exhaust, sweeps
from crm.models import Event, User
from customers import consent
from customers.hooks import Moves, customer_merging
from customers.merging import CannotMerge, columns, current, gather, merge, preview, undo
from customers.models import ContactPoint, Customer, Merge, Order, Product, Subscription
from tests.builders import make_case, make_customer
from tests.racing import outcomes


@pytest.fixture
def twin(db: None) -> Customer:
    """Carl once more, with everything a customer can have."""
    customer = make_customer("C. Jensen", email="carl@work.example")
    product = Product.objects.create(name="Fibre 300", kind="broadband")
    Subscription.objects.create(customer=customer, product=product, plan="Fibre 300")
    Order.objects.create(customer=customer, number="A-1")
    consent.record(customer, "marketing", "mail", granted=True, source="rep")
    return customer


def holdings(customer: Customer) -> dict[str, list[int]]:
    """The keys of every row that is the customer's now, by column."""
    return {
        f"{m.model._meta.label}.{m.field}": sorted(
            m.model.objects.filter(**{m.field: customer.pk}).values_list("pk", flat=True)
        )
        for m in columns()
    }


def test_a_merge_moves_everything_and_remembers_it(carl: Customer, twin: Customer, billing: Queue, ana: User) -> None:
    case = make_case(billing, customer=twin)
    before = holdings(twin)
    done = merge(carl, twin, by=ana)
    assert all(not ids for ids in holdings(twin).values())
    assert {r.table: r.ids for r in done.moved.all()} == {k: v for k, v in before.items() if v}
    assert "cases.Case.customer" in before
    case.refresh_from_db()
    assert case.customer == carl
    assert current(Customer.objects.get(pk=twin.pk)) == carl


def test_both_streams_tell_of_it_without_names(carl: Customer, twin: Customer, ana: User) -> None:
    done = merge(carl, twin, by=ana)
    told = {e.stream_id: e for e in Event.objects.filter(stream="customer", kind="merged")}
    assert told[twin.pk].data == {"merge": done.pk, "into": carl.pk}
    assert told[carl.pk].data["gone"] == twin.pk
    assert {e.actor for e in told.values()} == {ana}


def test_undo_gives_back_exactly_what_moved(carl: Customer, twin: Customer, billing: Queue, ana: User) -> None:
    make_case(billing, customer=twin)
    before = holdings(carl), holdings(twin)
    done = merge(carl, twin, by=ana)
    later = Order.objects.create(customer=carl, number="A-2")
    undo(done, by=ana)
    after_carl, after_twin = holdings(carl), holdings(twin)
    assert after_twin == before[1]
    assert after_carl.pop("customers.Order.customer") == [later.pk]  # what arrived since stays
    assert after_carl == {k: v for k, v in before[0].items() if k != "customers.Order.customer"}
    twin.refresh_from_db()
    done.refresh_from_db()
    assert twin.merged_into is None
    assert done.undone_by == ana


def test_what_a_person_moved_since_is_left_where_they_put_it(carl: Customer, twin: Customer, ana: User) -> None:
    done = merge(carl, twin, by=ana)
    third = make_customer("Third")
    Order.objects.update(customer=third)
    undo(done, by=ana)
    assert Order.objects.get().customer == third


def test_undoing_twice_and_merging_again_are_quiet(carl: Customer, twin: Customer, ana: User) -> None:
    done = merge(carl, twin, by=ana)
    assert merge(carl, twin, by=ana) == done
    assert merge(twin, carl, by=ana) == done  # the other way round it is the same pair
    undo(done, by=ana)
    events = Event.objects.count()
    undo(done, by=ana)
    assert Event.objects.count() == events
    assert merge(carl, twin, by=ana) != done


def test_merging_into_a_merged_one_follows_the_chain(carl: Customer, twin: Customer, ana: User) -> None:
    third = make_customer("Carl J.", email="third@example.org")
    first = merge(carl, twin, by=ana)
    second = merge(twin, third, by=ana)  # twin is carl by now
    assert second.kept == carl
    third_kept = make_customer("Karl")
    merge(third_kept, twin, by=ana)
    assert current(Customer.objects.get(pk=twin.pk)) == third_kept
    undo(first, by=ana)  # its rows have travelled on: they come back from there
    assert Order.objects.get().customer == twin
    assert ContactPoint.objects.get(value="carl@work.example").customer == twin
    assert ContactPoint.objects.get(value="third@example.org").customer == third_kept


def test_undoing_in_any_order_gives_every_row_back(carl: Customer, twin: Customer, ana: User) -> None:
    last = make_customer("Karl")
    before = holdings(carl), holdings(twin)
    first, second = merge(carl, twin, by=ana), merge(last, carl, by=ana)
    undo(first, by=ana)
    undo(second, by=ana)
    assert (holdings(carl), holdings(twin)) == before
    first, second = merge(carl, twin, by=ana), merge(last, carl, by=ana)
    undo(second, by=ana)
    undo(first, by=ana)
    assert (holdings(carl), holdings(twin)) == before


def test_the_same_or_an_erased_customer_cannot_be_merged(carl: Customer, twin: Customer, ana: User) -> None:
    with pytest.raises(CannotMerge, match="another"):
        merge(carl, carl, by=ana)
    Customer.objects.filter(pk=twin.pk).update(erased_at=timezone.now())
    before = holdings(twin)
    with pytest.raises(CannotMerge, match="erased"):
        merge(carl, twin, by=ana)
    assert holdings(twin) == before
    assert not Merge.objects.exists()


def test_a_no_said_while_they_were_one_holds_for_both_afterwards(carl: Customer, twin: Customer, ana: User) -> None:
    done = merge(carl, twin, by=ana)
    assert consent.state(carl, "marketing", "mail", timezone.now()) is True
    consent.withdraw(carl, ["marketing"], source="preference_page")
    undo(done, by=ana)
    for customer in (carl, twin):
        assert consent.state(customer, "marketing", "mail", timezone.now()) is False


def test_consent_asked_of_a_merged_customer_is_who_they_are_nows(carl: Customer, twin: Customer) -> None:
    merge(carl, twin, by=None)
    consent.withdraw(carl, ["marketing"], source="rep")
    assert consent.state(Customer.objects.get(pk=twin.pk), "marketing", "mail", timezone.now()) is False


def test_the_preview_counts_what_would_move(carl: Customer, twin: Customer, billing: Queue) -> None:
    make_case(billing, customer=twin)
    assert dict(preview(twin)) == {"contact points": 1, "subscriptions": 1, "orders": 1, "consents": 1, "cases": 1}
    assert dict(preview(make_customer("Nobody"))) == {}


def test_other_apps_name_their_columns_by_the_hook(carl: Customer, twin: Customer) -> None:
    with customer_merging.registered(lambda: [Moves(Case, "customer")]):
        assert [m for m in columns() if m.model is Case]


def test_rows_written_by_somebody_who_read_before_follow_and_go_back(carl: Customer, twin: Customer, ana: User) -> None:
    done = merge(carl, twin, by=ana)
    straggler = Order.objects.create(customer=twin, number="LATE")
    assert gather(timezone.now()) == 1
    assert gather(timezone.now()) == 0
    straggler.refresh_from_db()
    assert straggler.customer == carl
    undo(done, by=ana)
    straggler.refresh_from_db()
    assert straggler.customer == twin
    assert gather(timezone.now()) == 0


# --- at once


@pytest.mark.django_db(transaction=True)
def test_two_merges_of_one_pair_at_once_are_one_merge() -> None:
    a, b = make_customer("A", email="a@example.org"), make_customer("B", email="b@example.org")

    def work(i: int) -> Any:
        kept, gone = (a, b) if i % 2 else (b, a)
        return merge(kept, gone, by=None).pk

    results = outcomes(8, work)
    assert len(set(results)) == 1, results
    survivor = Customer.objects.current().get()
    assert ContactPoint.objects.filter(customer=survivor).count() == 2
    assert Event.objects.filter(kind="merged").count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_ring_of_merges_at_once_ends_in_one_customer_or_a_sentence() -> None:
    people = [make_customer(f"P{i}", email=f"p{i}@example.org") for i in range(4)]
    results = outcomes(4, lambda i: merge(people[i], people[(i + 1) % 4], by=None).pk)
    assert all(isinstance(r, int | CannotMerge) for r in results), results
    for person in people:
        current(Customer.objects.get(pk=person.pk))  # no circle
    assert Customer.objects.current().count() == 1
    assert ContactPoint.objects.filter(customer=Customer.objects.current().get()).count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_undoings_at_once_are_one() -> None:
    a, b = make_customer("A"), make_customer("B", email="b@example.org")
    done = merge(a, b, by=None)
    assert outcomes(4, lambda _i: undo(Merge.objects.get(pk=done.pk), by=None)) == [None] * 4
    assert ContactPoint.objects.get().customer == b
    assert Event.objects.filter(kind="merge_undone").count() == 2


@pytest.mark.django_db(transaction=True)
def test_an_order_placed_during_the_merge_is_not_left_behind() -> None:
    a, b = make_customer("A"), make_customer("B")
    placed, merged = threading.Event(), threading.Event()

    def work(i: int) -> None:
        if i == 0:
            with transaction.atomic():
                Order.objects.create(customer=b, number="MID")
                placed.set()
                assert merged.wait(10)  # it commits after the merge, which could not see it
        else:
            assert placed.wait(10)
            merge(a, b, by=None)
            merged.set()

    assert outcomes(2, work) == [None, None]
    assert exhaust(next(s.function for s in sweeps() if s.name == "customers.gather")) == 1
    assert Order.objects.get().customer == a
    undo(Merge.objects.get(), by=None)
    assert Order.objects.get().customer == b
