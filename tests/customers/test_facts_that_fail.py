"""A plugin whose fact raises, takes too long or says what is not of its type, in the middle of a question: it rests, the
question is asked again without it, and nothing breaks (F8)."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Length
from django.test import Client

from cases.models import Queue, RuleRun
from crm.models import User
from customers import facts, looking, resting, segments
from customers.conditions import Collection, Fact, Field, compile
from customers.hooks import facts as facts_hook
from customers.models import Customer, Order, SegmentMember
from outreach import deciding
from tests.builders import make_case, make_customer, make_question
from tests.cases.ruled import make_rule
from tests.customers.segmented import AT, keep_up, segment
from tests.customers.test_resting import asked_to_act, plugged
from tests.outreach.conftest import make_offer, open_gates

pytestmark = pytest.mark.django_db

FOUR = {"op": "at_least", "value": 4}
LONG = {"fact": "shop.letters", **FOUR}
LONG_OR_NOT = {"not": LONG}


class Shop:
    """Says how many letters a name has, in its way."""

    def __init__(self) -> None:
        self.says: Callable[[], Any] = lambda: 5

    def of_customers(self) -> list[Fact]:
        return [Fact("shop.letters", "number", "Letters", lambda _c, _at: self.says(), lambda _at: Length("name"))]

    def of_cases(self) -> list[Fact]:
        return [Fact("shop.urgent", "number", "Urgent", lambda _o, _at: self.says(), lambda _at: Length("subject"))]


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    made = Shop()
    with plugged(made, monkeypatch):
        yield made


def raises() -> int:
    raise ConnectionError


def breaks_the_transaction() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 / 0")
    return 5


def slow() -> int:
    time.sleep(0.3)
    return 5


WAYS = [raises, breaks_the_transaction, lambda: "5", lambda: True, lambda: float("nan"), lambda: Decimal("Infinity")]


@pytest.mark.parametrize("way", WAYS)
def test_it_is_unknown_and_the_plugin_rests(shop: Shop, carl: Customer, way: Callable[[], Any]) -> None:
    shop.says = way
    with pytest.raises(resting.Rested):
        facts.load([carl], AT, names=["shop.letters"])
    assert facts.registry()["shop.letters"].rests
    assert "tier" in facts.load([carl], AT)[carl.pk], "the others are known, and the transaction goes on"
    assert compile(LONG, at=AT).resting == {"shop.letters"}


@pytest.mark.parametrize("way", [raises, breaks_the_transaction, lambda: "5"])
@pytest.mark.parametrize("condition", [LONG, LONG_OR_NOT], ids=["it", "its contrary"])
def test_an_offer_that_goes_by_it_stays_shut_and_another_is_made(
    shop: Shop, billing: Queue, carl: Customer, ana: User, way: Callable[[], Any], condition: dict[str, Any]
) -> None:
    case = make_question(billing, carl, ana)
    make_offer(eligibility=condition, need_tags=("refund",), why="Now")
    case.set_tags(["refund"], by=ana)
    open_gates(case, ana)
    shop.says = way
    decision = deciding.decide(case, by=ana)
    assert (decision.outcome, decision.candidates.get().reason) == ("silence", "fact_rests")
    decision.refresh_from_db()
    assert deciding.is_replayed(decision)


def test_the_panel_of_the_case_says_why_nothing_is_offered(
    shop: Shop, billing: Queue, carl: Customer, ana: User, client: Client
) -> None:
    case = make_question(billing, carl, ana)
    make_offer(eligibility=LONG, need_tags=("refund",), why="Now")
    case.set_tags(["refund"], by=ana)
    open_gates(case, ana)
    shop.says = raises
    client.force_login(ana)
    assert client.post(f"/cases/{case.number}/offer/").status_code == 200
    told = client.get(f"/cases/{case.number}/offer/trace/")
    assert told.status_code == 200
    assert "shop.letters" in told.content.decode() or "does not answer" in told.content.decode()


def test_one_that_is_slow_counts_this_time_and_rests_then(shop: Shop, carl: Customer) -> None:
    shop.says = slow
    assert facts.load([carl], AT, names=["shop.letters"])[carl.pk] == {"shop.letters": 5}
    assert facts.registry()["shop.letters"].rests


@pytest.mark.parametrize("way", [raises, lambda: "5"])
def test_segments_keep_who_is_in_them_and_the_others_go_on(shop: Shop, way: Callable[[], Any]) -> None:
    carl = make_customer("Carl", tier="gold")
    long, gold = segment("long", LONG), segment("gold", {"fact": "tier", "op": "is", "value": "gold"})
    keep_up(AT)
    assert set(SegmentMember.objects.values_list("segment", "customer")) == {(long.pk, carl.pk), (gold.pk, carl.pk)}
    shop.says = way
    Customer.objects.filter(pk=carl.pk).update(tier="silver")
    segments.keep_up(AT)
    assert set(SegmentMember.objects.values_list("segment", "customer")) == {(long.pk, carl.pk)}


@pytest.mark.parametrize("fact", ["shop.urgent", "customer.shop.letters"])
def test_a_rule_waits_for_it_and_no_try_is_counted(shop: Shop, billing: Queue, carl: Customer, fact: str) -> None:
    rule = make_rule(condition={"fact": fact, **FOUR})
    shop.says = raises
    run = asked_to_act(rule, make_case(billing, customer=carl))
    assert (run.state, run.attempts) == (RuleRun.State.WAITING, 0)
    assert "does not answer" in run.error


def test_the_editor_counts_and_says_why_nobody_is_known(shop: Shop, carl: Customer, root: User) -> None:
    shop.says = raises
    assert looking.look(LONG, root, AT).note.startswith("“shop.letters” is unknown for now")


def test_each_type_of_the_language_is_recognized() -> None:
    fits = {
        "text": ["x"],
        "number": [1, 1.5, Decimal(2)],
        "date": [date(2026, 1, 1)],
        "time": [datetime(2026, 1, 1, tzinfo=UTC)],
        "boolean": [True],
        "set": [frozenset({"x"}), set()],
    }
    every = [value for some in fits.values() for value in some]
    for kind, some in fits.items():
        fact = Fact("x", kind, "X", lambda _c, _at: None, lambda _at: None)
        found = [value for value in every if resting._fits(fact, value)]
        assert [(type(v), v) for v in found] == [(type(v), v) for v in some], kind
    assert not resting._fits(Fact("x", "set", "X", lambda _c, _at: None, lambda _at: None), None), (
        "a set is never unknown"
    )
    bare = Fact("x", "time", "X", lambda _c, _at: None, lambda _at: None)
    assert not resting._fits(bare, datetime(2026, 1, 1))  # noqa: DTZ001 - whose zone nobody knows


@pytest.mark.parametrize(("says", "fits"), [(5, True), (None, True), ("5", False)])
def test_so_are_the_rows_of_a_collection(carl: Customer, says: object, fits: bool) -> None:
    field = Field("size", "number", "Size", lambda _row, _at: says, lambda _at: None)
    parcels = Collection("shop.parcels", "Parcels", Order, (field,), lambda _customer: [object()])
    resting.forget()
    with facts_hook.registered(lambda: [parcels]):
        if fits:
            assert facts.load([carl], AT, names=["shop.parcels"])[carl.pk] == {"shop.parcels": [{"size": says}]}
        else:
            with pytest.raises(resting.Rested):
                facts.load([carl], AT, names=["shop.parcels"])
    resting.forget()
