"""Segments: what they mean, who is in them, and that the rows that are kept up say just that."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from cases.models import Case, Queue
from cases.rules import knowledge
from crm.models import User
from customers import facts, merging, segments
from customers.conditions import BadCondition, compile
from customers.models import (
    Customer,
    Order,
    Segment,
)
from outreach import catalogue
from outreach.models import Catalogue
from tests.builders import make_case, make_customer
from tests.customers.segmented import AT, GOLD, keep_up, recomputed, rows, segment
from tests.outreach.conftest import make_offer

pytestmark = pytest.mark.django_db
# --- what it means


def test_a_segment_is_asked_exactly_of_one_and_of_all(db: None) -> None:
    ana, _ben = make_customer("Ana", tier="gold"), make_customer("Ben")
    gold = segment("gold", GOLD)
    assert list(segments.members(gold, AT)) == [ana] == segments.sample(gold, at=AT)
    assert segments.count(gold, AT) == 1
    assert [segments.holds(gold, each, AT) for each in Customer.objects.order_by("pk")] == [True, False]
    with CaptureQueriesContext(connection) as asked:
        segments.members(gold, AT).count()
    assert len(asked) == 1


def test_merged_and_erased_customers_are_in_none(db: None) -> None:
    kept, gone, erased = (make_customer(name, tier="gold") for name in ("Ana", "Ana T.", "Ben"))
    merging.merge(kept, gone, by=None)
    Customer.objects.filter(pk=erased.pk).update(erased_at=AT)
    gold = segment("gold", GOLD)
    assert [c.pk for c in Customer.objects.order_by("pk") if segments.holds(gold, c, AT)] == [kept.pk]
    keep_up(AT)
    assert rows() == recomputed(AT) == {"gold": {kept.pk}}


def test_saying_it_anew_makes_a_version_and_the_same_makes_none(ana: User) -> None:
    gold = segment("gold", GOLD)
    assert gold.publish(dict(GOLD), by=ana).number == 1
    assert gold.publish({"not": GOLD}, by=ana).number == 2
    first = gold.versions.get(number=1)
    with pytest.raises(DatabaseError), transaction.atomic():
        first.condition = {"all": []}
        first.save()
    with pytest.raises(DatabaseError), transaction.atomic():
        first.delete()


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        ({"fact": "shoes", "op": "is", "value": 4}, "fact: There is no “shoes”"),
        ({"all": [{"segment": "gold"}]}, "part of itself"),
        ({"any": [{"not": {"segment": "naming"}}]}, "part of itself"),
        ({"segment": "silver"}, "There is no “silver”"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_its_place(condition: Any, told: str) -> None:
    gold = segment("gold", GOLD)
    segment("naming", {"all": [{"segment": "gold"}]})
    with pytest.raises(ValidationError) as refused:
        gold.publish(condition)
    assert told in refused.value.message_dict["condition"][0]
    assert Segment.objects.get(pk=gold.pk).current == gold.versions.get()


@pytest.mark.django_db(transaction=True)
def test_two_that_name_each_other_at_once_cannot_both_be_saved() -> None:
    keys = ("one", "other")
    for key in keys:
        segment(key, GOLD)
    refused: list[str] = []
    at_once = threading.Barrier(2)

    def say(key: str, named: str) -> None:
        made = Segment.objects.get(key=key)
        at_once.wait()
        try:
            made.publish({"segment": named})
        except ValidationError:
            refused.append(key)
        connection.close()

    threads = [threading.Thread(target=say, args=pair) for pair in (keys, keys[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    for key in keys:
        compile({"segment": key}, at=AT)


def test_a_retired_one_goes_on_meaning_what_it_meant(db: None) -> None:
    make_customer("Ana", tier="gold")
    gold = segment("gold", GOLD)
    gold.describe(is_active=False)
    assert compile({"segment": "gold"}, at=AT).customers().count() == 1


def test_a_case_is_asked_about_its_customer_and_one_of_nobody_is_in_none(billing: Queue) -> None:
    hers, theirs = make_case(billing, customer=make_customer("Ana", tier="gold")), make_case(billing)
    Case.objects.filter(pk=theirs.pk).update(customer=None)
    segment("gold", GOLD)
    segment("not-gold", {"not": {"segment": "gold"}})
    for key, held in (("gold", {hers.pk}), ("not-gold", set())):
        checked = knowledge.compiled({"segment": key}, AT)
        assert set(Case.objects.filter(checked.q).values_list("pk", flat=True)) == held
        occasions = [knowledge.Occasion(case, AT) for case in Case.objects.all()]
        assert {o.case.pk for o in occasions if checked.holds(knowledge.known(o, checked.names))} == held


def test_a_rule_hears_that_a_segment_means_something_else(billing: Queue) -> None:
    hers = make_case(billing, customer=make_customer("Ana", tier="gold"))
    gold = segment("gold", GOLD)
    asked = {"segment": "gold"}
    for condition, held in ((GOLD, True), ({"not": GOLD}, False)):
        gold.publish(condition)
        checked = knowledge.compiled(asked, AT)
        assert checked.holds(knowledge.known(knowledge.Occasion(hers, AT), checked.names)) is held


def test_counts_of_a_cases_customer_agree_and_nobody_has_none(billing: Queue) -> None:
    customer = make_customer("Ana")
    Order.objects.create(customer=customer, number="1", placed_at=AT - timedelta(days=2))
    hers, theirs = make_case(billing, customer=customer), make_case(billing)
    Case.objects.filter(pk=theirs.pk).update(customer=None)
    for op, value, held in (("at_least", 1, {hers.pk}), ("is", 0, {theirs.pk}), ("at_most", 1, {hers.pk, theirs.pk})):
        for negated in (False, True):
            counted: Any = {"count": "customer.orders", "within_days": 30, "op": op, "value": value}
            checked = knowledge.compiled({"not": counted} if negated else counted, AT)
            wanted = {hers.pk, theirs.pk} - held if negated else held
            assert set(Case.objects.filter(checked.q).values_list("pk", flat=True)) == wanted
            occasions = [knowledge.Occasion(case, AT) for case in Case.objects.all()]
            assert {o.case.pk for o in occasions if checked.holds(knowledge.known(o, checked.names))} == wanted


def test_a_segment_whose_fact_is_gone_is_for_nobody(db: None) -> None:
    make_customer("Ana", tier="gold")
    from customers import hooks

    with hooks.facts.registered(lambda: [facts.column("shouted", "text", "Tier", "tier")]):
        odd = segment("odd", {"not": {"fact": "shouted", "op": "is", "value": "x"}})
        assert segments.count(odd, AT) == 1
    assert segments.count(odd, AT) == 0
    with pytest.raises(BadCondition):
        compile({"segment": "odd"}, at=AT)


def test_offers_in_memory_forget_what_a_segment_meant(db: None) -> None:
    gold = segment("gold", GOLD)
    make_offer(eligibility={"all": [{"segment": "gold"}]})
    for n, condition in enumerate((GOLD, {"fact": "city", "op": "is", "value": "Leeds"})):
        gold.publish(condition)
        held = Catalogue.objects.get()
        shelf = catalogue.shelf(str(held.edition), held.version, AT)
        compiled = shelf.condition(shelf.offers[0])
        assert compiled is not None
        assert compiled.holds({"tier": "gold", "city": "York"}) is (n == 0)
        assert {condition["fact"]} <= shelf.names
