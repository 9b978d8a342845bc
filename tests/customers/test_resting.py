"""A plugin that does not answer: what its facts say is unknown meanwhile, in three values. Gates stay shut, segments, rules and
exposures leave things as they are, and whoever writes a condition reads why."""

import json
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db.models.functions import Length
from django.test import Client
from django.utils import timezone

from cases.hooks import case_facts, policy_facts
from cases.models import Case, Queue, Rule, RuleRun
from cases.models.rule import faults
from cases.policy import facts as policy_of
from cases.policy.facts import PolicyFact
from cases.rules import knowledge, running
from cases.rules import looking as rules_looking
from crm import hooks
from crm.models import Event, User
from customers import catalogue, facts, looking, resting, segments
from customers.conditions import BadCondition, Condition, Fact, compile
from customers.hooks import facts as facts_hook
from customers.models import Customer, Segment, SegmentTurn
from outreach import deciding, exposure
from outreach.catalogue import _kept
from outreach.models import Exposure, KnownProblem
from tests.api import Caller
from tests.builders import make_case, make_customer, make_message, make_question
from tests.cases.remedied import make_policy
from tests.cases.ruled import keep, make_rule, numbered
from tests.customers.segmented import AT, keep_up, rows, segment
from tests.outreach.conftest import make_offer, open_gates

pytestmark = pytest.mark.django_db

LONG = {"fact": "shop.letters", "op": "at_least", "value": 4}
GOLD = {"fact": "tier", "op": "is", "value": "gold"}
UNKNOWN_FOR_NOW = "“shop.letters” is unknown for now: its plugin does not answer."


def letters() -> Fact:
    """How long the name is: known to both forms."""
    return Fact(
        "shop.letters", "number", "Letters", lambda customer, _at: len(customer.name), lambda _at: Length("name")
    )


class Shop:
    """A plugin with a fact of customers and one of cases, that can be slow, or fail."""

    def __init__(self) -> None:
        self.slow = self.broken = False
        self.asked = 0

    def of_customers(self) -> list[Fact]:
        self.asked += 1
        if self.broken:
            raise ConnectionError
        if self.slow:
            time.sleep(0.25)
        return [letters()]

    def of_cases(self) -> list[Fact]:
        if self.broken:
            raise ConnectionError
        return [Fact("shop.urgent", "boolean", "Urgent", lambda _asked, _at: True, lambda _at: Length("subject"))]

    def times_out(self) -> None:
        """It takes too long once, and is asked no more for a minute."""
        self.slow = True
        facts.registry()
        asked = self.asked
        assert facts.registry()["shop.letters"].rests
        assert self.asked == asked, "whoever asks meanwhile does not wait for it"

    def answers(self) -> None:
        """The minute is over, and it is quick again."""
        self.slow = self.broken = False
        facts_hook._rests.clear()
        assert not facts.registry()["shop.letters"].rests


@contextmanager
def plugged(made: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Its facts are there, in a process that has just started, where a fifth of a second is slow."""
    monkeypatch.setattr(hooks, "SLOW", 0.2)
    resting.forget()
    with facts_hook.registered(made.of_customers), case_facts.registered(made.of_cases):
        yield
    resting.forget()


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    made = Shop()
    with plugged(made, monkeypatch):
        facts.registry()
        yield made
    knowledge.registry()
    _kept.clear()


def holds(condition: Condition, customer: Customer) -> bool:
    """As both executions say it."""
    told = condition.holds(facts.load([customer], AT, names=condition.names)[customer.pk])
    assert told == condition.customers().filter(pk=customer.pk).exists()
    return told


# --- three values


def test_what_depends_on_it_does_not_hold_and_neither_does_the_contrary(shop: Shop) -> None:
    carl = make_customer("Carl", tier="gold")
    shop.times_out()
    for data in (LONG, {"not": LONG}, {"not": {"not": LONG}}, {"all": [GOLD, LONG]}, {"all": [GOLD, {"not": LONG}]}):
        found = compile(data, at=AT)
        assert not holds(found, carl), data
        assert found.resting == {"shop.letters"}
        assert found.perhaps is not None
        assert holds(found.perhaps, carl), data
    for data, said in (
        ({"any": [GOLD, LONG]}, True),
        ({"not": {"all": [{"not": GOLD}, LONG]}}, True),
        ({"all": [{"not": GOLD}, LONG]}, False),
    ):
        found = compile(data, at=AT)
        assert holds(found, carl) is said, "whatever it is"
        assert found.perhaps is not None
        assert holds(found.perhaps, carl) is said
    shop.answers()
    found = compile(LONG, at=AT)
    assert (holds(found, carl), found.resting, found.perhaps) == (True, frozenset(), None)


def kleene(data: Any, gold: bool, unknown: str) -> bool | None:
    """Kleene's strong three-valued logic, said once more in its plainest form."""
    if "not" in data:
        inner = kleene(data["not"], gold, unknown)
        return None if inner is None else not inner
    if "fact" in data:
        return None if data["fact"] == unknown else gold
    said = [kleene(part, gold, unknown) for part in data.get("all", data.get("any"))]
    decides = "any" in data
    return decides if decides in said else None if None in said else not decides


def drawn(lot: random.Random, depth: int) -> Any:
    if depth == 0 or lot.random() < 0.25:
        return lot.choice([GOLD, LONG])
    word = lot.choice(["all", "any", "not"])
    return {
        word: drawn(lot, depth - 1) if word == "not" else [drawn(lot, depth - 1) for _n in range(lot.randint(0, 3))]
    }


def test_any_condition_says_what_three_valued_logic_says_in_both_executions(shop: Shop) -> None:
    gold, plain = make_customer("Ana", tier="gold"), make_customer("Ben")
    shop.times_out()
    lot = random.Random(20)
    unknown = 0
    for _n in range(200):
        data = drawn(lot, 4)
        found = compile(data, at=AT)
        for customer in (gold, plain):
            wanted = kleene(data, customer is gold, "shop.letters")
            unknown += wanted is None
            assert holds(found, customer) is (wanted is True), data
            assert holds(found.perhaps or found, customer) is (wanted is not False), data
            known = facts.load([customer], AT, names=found.names)[customer.pk]
            assert found.is_unknown(known) is (wanted is None), data
    assert unknown > 50


def test_what_was_never_heard_is_unknown_too_and_only_while_somebody_is_silent(shop: Shop) -> None:
    """A process that has just started knows no names: what is kept goes on, what is new cannot be checked."""
    carl = make_customer("Carl")
    shop.broken = True
    resting.forget()
    assert "shop.letters" not in facts.registry()
    for data in (LONG, {"exists": "shop.orders"}, {"count": "shop.orders", "op": "at_least", "value": 1}):
        found = compile(data, at=AT)
        assert not holds(found, carl)
        assert found.perhaps is not None
        with pytest.raises(BadCondition, match="cannot be looked up now: “tests.customers.test_resting"):
            compile(data, at=AT, saving=True)
    shop.answers()
    with pytest.raises(BadCondition, match="There is no “shop.orders” here"):
        compile({"exists": "shop.orders"}, at=AT)


# --- what leaves things as they are


def test_a_segment_keeps_who_is_in_it_takes_nobody_in_and_tells_of_nobody(shop: Shop) -> None:
    """Counted anew, and looked at for who changed."""
    carl, ana = make_customer("Carl"), make_customer("Ana")
    segment("long", {"all": [LONG, {"fact": "country", "op": "is", "value": "GB"}]})
    Customer.objects.update(country="GB")
    keep_up(AT)
    assert rows() == {"long": {carl.pk}}
    shop.times_out()
    Customer.objects.filter(pk=ana.pk).update(name="Ana Maria")
    keep_up(AT + timedelta(seconds=1))
    keep_up(AT + timedelta(minutes=11))
    assert rows() == {"long": {carl.pk}}
    assert Segment.objects.get().size == 1
    assert not SegmentTurn.objects.exists()
    Customer.objects.filter(pk=carl.pk).update(country="DE")
    keep_up(AT + timedelta(minutes=12))
    assert rows() == {"long": set()}, "what is not so whatever it says is known"
    shop.answers()
    keep_up(AT + timedelta(minutes=23))
    assert rows() == {"long": {ana.pk}}
    assert set(SegmentTurn.objects.values_list("customer_id", "joined")) == {(carl.pk, False), (ana.pk, True)}


def test_nobody_is_put_out_by_a_process_that_never_heard_of_the_fact(shop: Shop) -> None:
    carl = make_customer("Carl")
    made = segment("long", LONG)
    keep_up(AT)
    shop.broken = True
    resting.forget()
    keep_up(AT + timedelta(minutes=11))
    assert rows() == {"long": {carl.pk}}
    assert not segments.holds(made, carl), "asked of one, it says no more than is known"


def asked_to_act(rule: Rule, case: Case) -> RuleRun:
    numbered()
    case.record("message_received", by=None, via="channel", message=make_message(case, "Hello").pk)
    keep()
    return RuleRun.objects.get(rule=rule)


def test_a_rule_does_nothing_and_is_asked_again_when_it_can_be_told(shop: Shop, billing: Queue, carl: Customer) -> None:
    rule = make_rule(condition={"fact": "customer.shop.letters", "op": "at_least", "value": 4})
    case = make_case(billing, customer=carl)
    shop.times_out()
    run = asked_to_act(rule, case)
    case.refresh_from_db()
    assert (run.state, run.attempts, case.priority) == (RuleRun.State.WAITING, 0, "normal")
    assert run.error.startswith("“customer.shop.letters” is unknown for now: its plugin does not answer.")
    assert run.due_at > timezone.now()
    assert not Event.objects.filter(kind="rule_failed").exists()
    shop.answers()
    keep(timezone.now() + timedelta(minutes=2))
    run.refresh_from_db()
    case.refresh_from_db()
    assert (run.state, run.error, case.priority) == (RuleRun.State.DONE, "", "high")


def test_a_rule_that_nobody_could_tell_for_an_hour_did_not_hold_and_says_why(
    shop: Shop, billing: Queue, carl: Customer
) -> None:
    rule = make_rule(condition={"fact": "customer.shop.letters", "op": "at_least", "value": 4})
    case = make_case(billing, customer=carl)
    shop.times_out()
    asked_to_act(rule, case)
    keep(timezone.now() + running.WAITS_FOR_PLUGINS + timedelta(minutes=1))
    run = RuleRun.objects.get(rule=rule)
    assert (run.state, run.missed) == (RuleRun.State.UNFIT, [""])
    assert "its plugin does not answer" in run.error
    case.refresh_from_db()
    assert case.priority == "normal"


def test_a_rule_whose_condition_is_decided_by_what_is_known_waits_for_nobody(
    shop: Shop, billing: Queue, carl: Customer
) -> None:
    long = {"fact": "customer.shop.letters", "op": "at_least", "value": 4}
    acts = make_rule("Acts", condition={"any": [long, {"fact": "status", "op": "is", "value": "new"}]})
    rests = make_rule("Rests", condition={"all": [long, {"fact": "status", "op": "is", "value": "resolved"}]})
    shop.times_out()
    asked_to_act(acts, make_case(billing, customer=carl))
    assert RuleRun.objects.get(rule=acts).state == RuleRun.State.DONE
    assert (RuleRun.objects.get(rule=rests).state, RuleRun.objects.get(rule=rests).error) == ("unfit", "")


def test_a_fact_of_cases_that_fails_is_unknown_as_well(shop: Shop, billing: Queue) -> None:
    rule = make_rule(condition={"fact": "shop.urgent", "op": "is", "value": True})
    shop.broken = True
    assert asked_to_act(rule, make_case(billing)).state == RuleRun.State.WAITING


def test_an_offer_stays_shut_says_why_and_opens_the_minute_after(
    shop: Shop, billing: Queue, carl: Customer, ana: User
) -> None:
    case_of_carl = make_question(billing, carl, ana)
    make_offer(eligibility=LONG, need_tags=("refund",), why="Now")
    case_of_carl.set_tags(["refund"], by=ana)
    _kept.clear()
    open_gates(case_of_carl, ana)
    shop.times_out()
    decision = deciding.decide(case_of_carl, by=ana)
    assert decision.outcome == "silence"
    assert decision.candidates.get().reason == "fact_rests"
    decision.refresh_from_db()
    assert decision.context["resting"] == ["shop.letters"]
    shop.answers()
    assert deciding.is_replayed(decision), "as it was then"
    later = timezone.now() + timedelta(minutes=1)
    assert deciding.decide(case_of_carl, by=ana, at=later).outcome == "presented"


def test_who_was_found_to_be_hit_by_a_problem_is_not_forgotten(
    shop: Shop, billing: Queue, carl: Customer, sue: User
) -> None:
    problem = KnownProblem.declare(case=make_case(billing, customer=carl), by=sue, title="The hub restarts")
    exposure.aim(problem, LONG, by=sue)
    hit = set(Exposure.objects.values_list("customer", flat=True))
    assert hit == {carl.pk}
    shop.times_out()
    zoe = make_customer("Zoe Novak")
    exposure.refresh(problem, timezone.now())
    assert set(Exposure.objects.values_list("customer", flat=True)) == hit
    assert looking.note(LONG, timezone.now()).startswith(UNKNOWN_FOR_NOW)
    shop.answers()
    exposure.refresh(problem, timezone.now())
    assert set(Exposure.objects.values_list("customer", flat=True)) == {*hit, zoe.pk}


# --- whoever writes one


def test_it_is_saved_and_checked_as_ever_and_the_editor_says_why(shop: Shop, sue: User) -> None:
    make_customer("Carl")
    shop.times_out()
    made = segment("long", LONG)
    assert made.current is not None
    with pytest.raises(ValidationError, match="at_least"):
        made.publish({"fact": "shop.letters", "op": ">=", "value": 4})
    assert faults({"events": ["opened"]}, {"fact": "customer.shop.letters", "op": "at_least", "value": 4}, [], at=AT).keys() <= {"then"}  # fmt: skip
    found = looking.typed(json.dumps(LONG), sue, AT)
    assert found["ok"]
    assert UNKNOWN_FOR_NOW in found["words"]
    assert "What depends on it stays as it is until it does." in found["words"]
    labels = {fact["name"]: fact["label"] for fact in catalogue.catalogue(facts.registry())["facts"]}
    assert labels["shop.letters"].startswith("Letters (unknown for now: “")
    assert "unknown" not in labels["tier"]
    rule = rules_looking.holds_now({"fact": "customer.shop.letters", "op": "at_least", "value": 4}, sue, AT)
    assert rule["ok"]
    assert "“customer.shop.letters” is unknown for now" in rule["words"]


def test_at_admin_and_over_the_api_it_is_said_too(shop: Shop, sue: User, root: User, client: Client) -> None:
    shop.times_out()
    client.force_login(root)
    shown = client.post("/admin/customers/segment/preview/", {"condition": json.dumps(LONG)}).json()
    assert UNKNOWN_FOR_NOW in shown["words"]
    made = Caller(root).post("segments/", {"name": "Long", "condition": LONG})
    assert made.status_code == 201
    looked = Caller(root).post("segments/preview/", {"condition": LONG}).json()
    assert (looked["count"], looked["note"][: len(UNKNOWN_FOR_NOW)]) == (0, UNKNOWN_FOR_NOW)
    assert Caller(root).get(f"segments/{made.json()['id']}/members/").json()["results"] == []


def test_a_policy_that_goes_by_its_fact_is_saved_and_the_rep_is_asked(
    shop: Shop, billing: Queue, carl: Customer
) -> None:
    def of_policies() -> list[PolicyFact]:
        if shop.broken:
            raise ConnectionError
        return [PolicyFact("shop.parcels", "Parcels", "number", lambda _asked: 3)]

    inputs = [{"name": "parcels", "label": "Parcels", "kind": "number", "from": "shop.parcels"}]
    row = {"when": {}, "remedy": "credit", "amount": {"base": "5"}}
    with policy_facts.registered(of_policies):
        made = make_policy("Lost", {"currency": "EUR", "inputs": inputs, "rows": [row]})
        assert made.current is not None
        occasion = policy_of.Occasion(make_case(billing, customer=carl), made, AT, "EUR")
        assert policy_of.of(made.current.read, occasion, {}) == {"parcels": 3}
        shop.broken = True
        made.publish(table={"currency": "EUR", "inputs": inputs, "rows": [row | {"amount": {"base": "6"}}]})
        assert policy_of.of(made.current.read, occasion, {}) == {}
        assert policy_of.of(made.current.read, occasion, {"parcels": Decimal(2)}) == {"parcels": 2}
