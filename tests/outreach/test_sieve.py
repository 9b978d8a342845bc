"""Conditions asked together say what each says by itself; what a decision keeps of many is what it would keep of each."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.models import Case
from crm.models import User
from customers import conditions
from customers.conditions import Collection, Fact, Money
from customers.facts import field, money_field
from customers.models import Order
from customers.sieve import places
from outreach import arbitration, deciding, keeping, shared, showing
from outreach.catalogue import Shelf, Standing
from outreach.context import Context
from outreach.hooks import Terms
from outreach.models import Decision, Offer
from tests.outreach.conftest import TERMS, make_offer, open_gates

AT = datetime(2026, 3, 31, 12, 0, tzinfo=UTC)


def fact(name: str, kind: str) -> Fact:
    return Fact(name, kind, name, lambda _c, _at: None, lambda _at: None)


ORDERS = Collection("orders", "Orders", Order, (field("status", "text", ""), money_field("total", "", "total"),
                    field("placed_at", "time", "")), lambda c: (), moment="placed_at")  # fmt: skip
FACTS: list[Fact | Collection] = [*(fact(name, kind) for name, kind in (("tier", "text"), ("city", "text"), ("n", "number"), ("since", "date"),
         ("glad", "boolean"), ("plans", "set"), ("dearest", "money"))), ORDERS]  # fmt: skip

leaves = st.one_of(
    st.builds(
        lambda n, v: {"fact": n, "op": "is", "value": v}, st.sampled_from(["tier", "city"]), st.sampled_from("ab")
    ),
    st.builds(lambda v: {"fact": "tier", "op": "in", "value": v}, st.lists(st.sampled_from("abc"), max_size=2)),
    st.builds(lambda v: {"fact": "tier", "op": "known", "value": v}, st.booleans()),
    st.builds(
        lambda o, v: {"fact": "n", "op": o, "value": v},
        st.sampled_from(["is", "less_than", "at_least"]),
        st.integers(0, 3),
    ),
    st.builds(lambda v: {"fact": "since", "op": "before", "value": {"days_ago": v}}, st.integers(0, 40)),
    st.builds(lambda v: {"fact": "glad", "op": "is", "value": v}, st.booleans()),
    st.builds(lambda v: {"fact": "plans", "op": "has", "value": v}, st.sampled_from("xy")),
    st.just({"fact": "dearest", "op": "more_than", "value": {"amount": "20", "currency": "GBP"}}),
    st.builds(
        lambda d, v: {"count": "orders", "within_days": d, "op": "at_least", "value": v},
        st.integers(1, 30),
        st.integers(0, 2),
    ),
    st.just({"exists": "orders", "where": {"fact": "status", "op": "is", "value": "a"}}),
    st.just({"segment": "glad ones"}),
    st.just({"fact": "gone", "op": "is", "value": "a"}),
)
parts = st.recursive(leaves, lambda inner: st.one_of(
    st.builds(lambda p: {"all": p}, st.lists(inner, max_size=3)), st.builds(lambda p: {"any": p}, st.lists(inner, max_size=3)),
    st.builds(lambda p: {"not": p}, inner)), max_leaves=6)  # fmt: skip
values: dict[str, Any] = {
    "tier": st.sampled_from([None, "a", "b", "c"]),
    "city": st.sampled_from([None, "a", "b"]),
    "n": st.sampled_from([None, 0, 1, Decimal(2), 3]),
    "since": st.one_of(st.none(), st.integers(0, 40).map(lambda d: date(2026, 3, 31) - timedelta(days=d))),
    "glad": st.sampled_from([None, True, False]),
    "plans": st.frozensets(st.sampled_from("xy")),
    "dearest": st.sampled_from([None, Money(Decimal(30), "GBP"), Money(Decimal(30), "EUR")]),
    "orders": st.lists(st.fixed_dictionaries({"status": st.sampled_from([None, "a"]), "total": st.none(),
                       "placed_at": st.integers(0, 40).map(lambda d: AT - timedelta(days=d))}), max_size=2),
}  # fmt: skip
facts = st.fixed_dictionaries(values)
MEANT = {
    "glad ones": {
        "all": [
            {"fact": "glad", "op": "is", "value": True},
            {"fact": "since", "op": "before", "value": {"days_ago": 9}},
        ]
    }
}


def shelf(said: list[tuple[Any, bool]], at: datetime = AT) -> Shelf:
    """Offers with these conditions; True: they must be asked for."""
    offers = [
        Standing(
            7 + n,
            f"o{n}",
            f"O {n}",
            100 + 3 * n,
            Terms(**TERMS | {"eligibility": data, "need_tags": ("refund",) if asked else ()}),
        )
        for n, (data, asked) in enumerate(said)
    ]
    made = Shelf(1, at, offers)
    made.__dict__.update(facts=FACTS, segments=MEANT)
    return made


def alone(offer: Standing, made: Shelf, known: Mapping[str, Any], evidence: Mapping[str, Any]) -> str:
    """What is said of an offer where it is asked by itself."""
    if offer.terms.need_tags and str(offer.version) not in evidence:
        return "no_evidence"
    try:
        condition = conditions.compile(offer.terms.eligibility, at=made.moment, among=FACTS, segments=MEANT)
    except conditions.BadCondition:
        return "fact_gone"
    if not condition.names <= known.keys():
        return "fact_gone"
    return "" if condition.holds(known) else "not_eligible"


@given(
    st.lists(st.tuples(parts, st.booleans()), min_size=1, max_size=12),
    facts,
    st.sets(st.integers(0, 11)),
    st.sets(st.sampled_from(sorted(values))),
)
@settings(max_examples=400, deadline=None)
def test_together_they_say_what_each_says_alone(
    said: list[tuple[Any, bool]], known: dict[str, Any], shown: set[int], lost: set[str]
) -> None:
    first = shelf(said, AT - timedelta(days=20))
    first.open_to(known, {})
    evidence = {str(100 + 3 * n): {"by": "tag", "tag": "refund", "quote": ""} for n in shown}
    for made in (first, first.at(AT)):
        for facts_ in (known, {name: v for name, v in known.items() if name not in lost}):
            left, gone = made.open_to(facts_, evidence)
            for n, offer in enumerate(made.offers):
                wanted = alone(offer, made, facts_, evidence)
                assert (left >> n & 1) == (wanted == ""), (offer.terms.eligibility, wanted)
                assert wanted in {"no_evidence", ""} or (gone >> n & 1) == (wanted == "fact_gone")


@pytest.mark.parametrize("odd", [7, ["a"], Decimal(2)])
def test_a_fact_of_another_kind_than_it_says_is_compared_as_it_is_alone(odd: Any) -> None:
    """What cannot be looked up, or raises, is asked offer by offer: an offer that is out already asks nothing of it."""
    made = shelf([({"all": [{"fact": "city", "op": "is", "value": "a"}, {"fact": "tier", "op": "is", "value": "a"}]}, False),
                  ({"all": [{"fact": "city", "op": "is", "value": "b"}, {"fact": "tier", "op": "starts_with", "value": "a"}]}, False),
                  ({"fact": "city", "op": "is", "value": "b"}, False)])  # fmt: skip
    known = {"tier": odd, "city": "a"}
    assert list(places(made.open_to(known, {})[0])) == []
    with pytest.raises(AttributeError):
        made.open_to({"tier": odd, "city": "b"}, {})


def test_places_are_those_of_the_bits() -> None:
    assert list(places(0)) == []
    assert list(places(0b1000_0000_0101)) == [0, 2, 11]


@given(st.lists(st.integers(1, 60), max_size=30, unique=True))
def test_runs_are_the_versions_again(of: list[int]) -> None:
    assert list(keeping.versions(keeping.runs(of))) == of


def test_a_part_that_means_another_time_each_minute_is_compiled_anew() -> None:
    made = shelf(
        [({"fact": "since", "op": "before", "value": {"days_ago": 1}}, False), ({"segment": "glad ones"}, False)]
    )
    known = {"since": date(2026, 3, 30), "glad": True}
    assert made.open_to(known, {})[0] == 0
    assert made.at(AT + timedelta(days=1)).open_to(known, {})[0] == 0b01
    assert made.at(AT + timedelta(days=10)).open_to(known, {})[0] == 0b11


# --- what is judged, and kept


def talk(**told: Any) -> Context:
    since: dict[str, Any] = {
        "of_this_talk": True,
        "talked_at": AT,
        "contact": 1,
        "customer": 1,
        "need_met_event": 1,
        "feeling": "good",
        "consent": True,
    }
    return Context(at=AT, catalogue=1, edition="e", case=1, status="open", **since | told)


@given(st.lists(st.tuples(parts, st.booleans()), min_size=1, max_size=9), facts, st.sets(st.integers(0, 8)),
       st.sampled_from([{}, {"consent": None}, {"need_met_event": None}, {"hands_off": ("minor",)}, {"other_case": 9}]))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_the_trace_is_written_as_json_writes_it(
    said: list[tuple[Any, bool]], known: dict[str, Any], shown: set[int], told: dict[str, Any]
) -> None:
    evidence = {str(100 + 3 * n): {"by": "words", "tag": "refund", "quote": "Wo ist “mein” Geld?"} for n in shown}
    made = shelf(said)
    for _again in range(2):
        verdict = arbitration.judge(talk(facts=known, evidence=evidence, **told), made)
        assert verdict.trace_as_json() == json.dumps(verdict.trace(), sort_keys=True)
        assert [j.offer for j in verdict.candidates] == list(made.offers)
    if not verdict.shut:
        reasons = [j.shut.reason if j.shut else "" for j in verdict.candidates]
        for offer, reason in zip(made.offers, reasons, strict=True):
            wanted = alone(offer, made, known, evidence)
            assert reason == wanted or (not wanted and reason in {"lower", "", "no_sentence"})


@pytest.mark.django_db
def test_a_reason_that_many_share_is_kept_once_and_told_of_each(case: Case, ana: User) -> None:
    nobody = {"all": [{"fact": "tier", "op": "is", "value": "nobody has it"}]}
    for n in range(shared.FEW + 2):
        make_offer(f"other-{n}", need_tags=("spaceship",))
        make_offer(f"nobody-{n}", need_tags=(), eligibility=nobody)
    make_offer()
    make_offer("slow", need_tags=("slow",), eligibility=nobody)
    open_gates(case, ana)
    decision = Decision.objects.get(pk=deciding.decide(case, by=ana).pk)
    assert decision.outcome == "presented"
    assert decision.candidates.count() == 1
    assert [(reason, bin(int(where, 16)).count("1")) for _s, reason, _d, where in decision.shared["said"]] == [
        ("no_evidence", shared.FEW + 2),
        ("not_eligible", shared.FEW + 3),
    ]
    told = {row.offer_version.offer.key: (row.stage, row.reason) for row in showing.candidates(decision)}
    assert len(told) == 2 * (shared.FEW + 2) + 2
    assert told["fibre-500"] == ("", "")
    assert told["other-0"] == ("eligibility", "no_evidence")
    assert told["nobody-3"] == told["slow"] == ("eligibility", "not_eligible")
    assert [row.offer_version.offer_id for row in showing.candidates(decision)] == sorted(
        Offer.objects.values_list("pk", flat=True)
    )
    assert deciding.is_replayed(decision)


@pytest.mark.django_db
def test_before_the_need_is_met_one_line_says_it_of_all(case: Case, ana: User) -> None:
    for n in range(shared.FEW + 1):
        make_offer(f"offer-{n}")
    decision = Decision.objects.get(pk=deciding.decide(case, by=ana).pk)
    assert not decision.candidates.exists()
    assert {row.reason for row in showing.candidates(decision)} == {"need_unmet"}
    assert len(showing.candidates(decision)) == shared.FEW + 1
    assert deciding.is_replayed(decision)


@pytest.mark.django_db
def test_what_was_kept_a_row_each_is_replayed_too(case: Case, ana: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decisions of before there was anything shared."""
    monkeypatch.setattr(shared, "FEW", 100)
    for n in range(8):
        make_offer(f"other-{n}", need_tags=("spaceship",))
    make_offer()
    open_gates(case, ana)
    decision = Decision.objects.get(pk=deciding.decide(case, by=ana).pk)
    assert (decision.shared, decision.candidates.count()) == ({}, 9)
    assert deciding.is_replayed(decision)
    assert len(showing.candidates(decision)) == 9
