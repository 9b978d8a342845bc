"""Who is writing."""

from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from crm.models import Event
from customers.addresses import normalise
from customers.matching import find, match
from customers.merging import merge
from customers.models import ContactPoint, Customer
from tests.builders import make_customer
from tests.racing import outcomes


def mail(text: str) -> Any:
    return normalise("email", text)


def test_a_known_address_finds_its_customer(carl: Customer) -> None:
    assert match([mail("CARL@example.org")]) == carl
    assert Customer.objects.count() == 1
    assert not Event.objects.filter(stream="customer").exists()


def test_a_new_address_makes_a_customer_who_is_not_yet_verified(db: None) -> None:
    customer = match([mail("New@example.org"), normalise("phone", "020 7946 0999")], name="Nia\x00 New", language="de")
    points = customer.contact_points.order_by("kind")
    assert [(p.kind, p.value, p.is_verified) for p in points] == [
        ("email", "new@example.org", False),
        ("phone", "+442079460999", False),
    ]
    assert (customer.name, customer.language) == ("Nia New", "de")
    assert list(Customer.objects.named_like("nia")) == [customer]
    assert Event.objects.get(stream="customer", stream_id=customer.pk).data == {}


def test_no_address_at_all_still_makes_a_customer(db: None) -> None:
    assert match([], name="Somebody").contact_points.count() == 0


def test_an_ended_address_belongs_to_nobody(carl: Customer) -> None:
    carl.contact_points.update(ended_at=timezone.now())
    assert match([mail("carl@example.org")]) != carl


def test_a_merged_customer_is_found_as_who_they_are_now(carl: Customer) -> None:
    twin, third = make_customer("C. Jensen"), make_customer("Carl J.")
    merge(twin, carl, by=None)
    merge(third, twin, by=None)
    ContactPoint.objects.create(customer=carl, kind="handle", value="late")  # written by somebody who knew him before
    assert match([mail("carl@example.org")]) == third
    assert match([normalise("handle", "late")]) == third


def test_of_two_owners_the_verified_one_wins_then_the_first(carl: Customer) -> None:
    other = make_customer("Ola Nord", email="ola@example.org")
    both = [mail("carl@example.org"), mail("ola@example.org")]
    assert match(both) == carl
    other.contact_points.update(verified_at=timezone.now())
    assert match(both) == other
    assert Customer.objects.current().count() == 2


def test_a_new_address_beside_a_known_one_is_added_unverified(carl: Customer) -> None:
    assert match([mail("carl@example.org"), mail("carl@work.example")]) == carl
    assert not carl.contact_points.get(value="carl@work.example").is_verified
    assert Event.objects.get(stream="customer").data == {"count": 1}


def test_a_name_is_learned_only_where_there_was_none(carl: Customer) -> None:
    match([mail("carl@example.org")], name="Somebody Else")
    nameless = make_customer("", email="n@example.org")
    match([mail("n@example.org")], name="Noor Haddad")
    carl.refresh_from_db()
    assert carl.name == "Carl Jensen"
    assert list(Customer.objects.named_like("noor")) == [nameless]


def test_find_changes_nothing(carl: Customer) -> None:
    assert find([mail("carl@example.org")]) == carl
    assert find([mail("stranger@example.org")]) is None
    assert find([]) is None
    assert Customer.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_ten_at_once_with_one_new_address_get_one_customer() -> None:
    def work(_i: int) -> int:
        with transaction.atomic():  # as intake does: the loser waits for the winner's commit
            return match([mail("rush@example.org")], name="Rush").pk

    assert len(set(outcomes(10, work))) == 1
    assert Customer.objects.count() == ContactPoint.objects.count() == 1
    assert Event.objects.filter(kind="created").count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_addresses_in_either_order_at_once_get_one_customer() -> None:
    pair = [mail("one@example.org"), mail("two@example.org")]
    results = outcomes(8, lambda i: match(pair if i % 2 else pair[::-1]).pk)
    assert len(set(results)) == 1, results
    assert ContactPoint.objects.count() == 2
