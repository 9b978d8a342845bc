"""Plugins of offers: a gate only removes, a scorer only orders, a broken or slow one makes us quieter and breaks nothing."""

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from django.utils import timezone

import crm.hooks
from cases.models import Case
from crm.models import User
from outreach import deciding, sources
from outreach.hooks import Candidate, Offered, Situation, Terms, offer_gates, offer_scorers, offer_sources
from outreach.models import Decision, Offer
from tests.outreach.conftest import TERMS, make_offer, open_gates
from tests.plugin.models import Card

pytestmark = pytest.mark.django_db


@pytest.fixture
def talk(case: Case, ana: User) -> Callable[[], Decision]:
    open_gates(case, ana)
    return lambda: deciding.decide(case, by=ana)


def boom(*_args: Any) -> Any:
    raise RuntimeError("a plugin of somebody else")


def bad_sql(*_args: Any) -> Any:
    return list(Card.objects.raw("SELECT nothing FROM nowhere"))


def test_a_gate_removes_with_its_sentence_and_the_next_best_is_made(talk: Callable[[], Decision]) -> None:
    make_offer("large", gain=Decimal(90))
    make_offer("small")

    def no_large(situation: Situation, candidate: Candidate) -> str | None:
        return "Not on a Friday." if candidate.offer == "large" else None

    with offer_gates.registered(no_large):
        decision = talk()
    told = {c.offer_version.offer.key: c for c in decision.candidates.all()}
    assert (told["large"].stage, told["large"].detail["words"]) == ("plugin", "Not on a Friday.")
    assert decision.presentation.candidate == told["small"]
    assert deciding.is_replayed(decision)


def test_the_example_plugins_gate_keeps_us_quiet_while_a_voucher_is_owed(
    talk: Callable[[], Decision], case: Case
) -> None:
    make_offer()
    card = Card.objects.create(customer=case.customer, issued_at=timezone.now(), voucher_owed=True)
    assert talk().candidates.get().detail["words"] == "We owe them a voucher first."
    Card.objects.filter(pk=card.pk).update(voucher_owed=False)
    assert talk().outcome == "presented"


@pytest.mark.parametrize("broken", [boom, bad_sql])
@pytest.mark.parametrize("hook", [offer_gates, offer_scorers])
def test_one_that_raises_makes_us_quieter_and_breaks_nothing(
    talk: Callable[[], Decision], hook: Any, broken: Callable[..., Any]
) -> None:
    make_offer()
    with hook.registered(broken):
        decision = talk()
    assert decision.candidates.get().reason == "plugin_failed"
    assert deciding.is_replayed(decision)
    assert talk().outcome == "presented"


def test_a_slow_one_rests_and_nothing_is_offered_meanwhile(
    talk: Callable[[], Decision], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_offer("one")
    make_offer("two", gain=Decimal(59))
    monkeypatch.setattr(crm.hooks, "SLOW", 0.5)
    asked: list[str] = []

    def slow(_situation: Situation, candidate: Candidate) -> str | None:
        asked.append(candidate.offer)
        time.sleep(0.6)
        return "no"

    with offer_gates.registered(slow):
        decision = talk()
    assert asked == ["one"]
    assert {c.reason for c in decision.candidates.all()} == {"plugin", "plugin_failed"}


def test_a_scorer_orders_within_its_bounds_and_never_outweighs_silence(talk: Callable[[], Decision]) -> None:
    make_offer("better", gain=Decimal(60))
    make_offer("favoured", gain=Decimal(45))
    make_offer("worthless", gain=Decimal(2))

    def favours(_situation: Situation, candidate: Candidate) -> float:
        return {"favoured": 1e9, "worthless": 1e9}.get(candidate.offer, float("nan"))

    with offer_scorers.registered(favours):
        decision = talk()
    told = {c.offer_version.offer.key: c for c in decision.candidates.all()}
    assert told["favoured"].scores["factor"] == 2.0
    assert decision.presentation.candidate == told["favoured"]
    assert told["worthless"].reason == "not_worth_it"
    assert deciding.is_replayed(decision)


def test_a_source_becomes_versions_and_what_it_leaves_out_ends() -> None:
    offered = [Offered("a", "A", "saving", Terms(**TERMS)), Offered("b", "B", "saving", Terms(**TERMS))]
    offer_sources.register(lambda: offered, name="shop.source")
    try:
        assert sources.refresh() >= 2
        offered[0] = Offered("a", "A", "saving", Terms(**TERMS | {"price": Decimal(5)}))
        del offered[1]
        sources.refresh()
        found = {o.key: (o.current.number, o.is_active) for o in Offer.objects.filter(source="shop.source")}  # type: ignore[union-attr]
        assert found == {"shop-source-a": (2, True), "shop-source-b": (1, False)}
        offered[0] = Offered("a", "A", "saving", Terms(**TERMS | {"gain": Decimal(0)}))
        sources.refresh()
        assert Offer.objects.get(key="shop-source-a").current.number == 2  # type: ignore[union-attr]
    finally:
        offer_sources._fills = [f for f in offer_sources._fills if f[1] != "shop.source"]


def test_a_source_that_fails_changes_nothing() -> None:
    make_offer()
    with offer_sources.registered(boom):
        sources.refresh()
    assert Offer.objects.get(key="fibre-500").is_active
