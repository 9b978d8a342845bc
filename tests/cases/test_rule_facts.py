"""What a rule's condition asks of a case means the same to Python and to the database."""

import random
import timeit
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cases.models import Case, Queue
from cases.rules import knowledge
from crm.models import User
from customers.conditions import Fact
from tests.builders import make_case, make_customer
from tests.cases.ruled import fact

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 17, 12, 30, tzinfo=UTC)
WORDS = {
    "text": ["open", "high", "Billing", "mail", "ana", "gold"],
    "words": ["refund", "DOUBLE", "Ünï"],
    "set": ["vip", "b"],
}


def population(queues: list[Queue], people: list[User]) -> None:
    rng = random.Random(7)
    for number in range(40):
        customer = make_customer(tier=rng.choice(["", "gold"])) if rng.random() < 0.7 else None
        moment = AT - timedelta(hours=rng.choice([-5, 0, 5, 100]))
        make_case(
            rng.choice(queues), rng.choice(["", "Refund ÜNÏ 100%", "double charge", "a_b"]), customer=customer, channel=rng.choice(["mail", "web"]),
            status=rng.choice(["new", "open", "waiting_customer"]), priority=rng.choice(["normal", "high"]), tags=rng.choice([[], ["vip"], ["b", "vip"]]),
            assignee=rng.choice([None, *people]), waiting_since=rng.choice([None, moment]), snoozed_until=rng.choice([None, moment]),
            promise_due_at=rng.choice([None, moment]), opened_at=AT - timedelta(days=number),
        )  # fmt: skip


def leaves(one: Fact) -> list[Any]:
    found: list[Any] = [fact(one.name, "known", True)] if one.type != "set" else [fact(one.name, "is_empty", True)]
    if one.type == "boolean":
        return [*found, fact(one.name, "is", True), fact(one.name, "is", False)]
    if one.type in {"date", "time"}:
        return [*found, fact(one.name, "before", {"days_ago": 1}), fact(one.name, "since", {"days_ago": 3})]
    if one.type == "set":
        return [*found, fact(one.name, "has", "vip"), fact(one.name, "has_any", ["b", "x"])]
    if one.type == "words":
        return [*found, *(fact(one.name, op, word) for op in ("contains", "is") for word in WORDS["words"]), fact(one.name, "contains_any", ["refund", "a_b"])]  # fmt: skip
    if one.type == "text":
        return [
            *found,
            *(fact(one.name, "is", word) for word in WORDS["text"]),
            fact(one.name, "in", WORDS["text"][:3]),
        ]
    return [*found, fact(one.name, "at_least", 1)] if one.type == "number" else found


def test_every_fact_says_the_same_twice(billing: Queue, technical: Queue, ana: User, ben: User) -> None:
    population([billing, technical], [ana, ben])
    cases = list(Case.objects.select_related("customer", "queue", "assignee"))
    asked = 0
    for one in knowledge.registry().values():
        if not isinstance(one, Fact) or one.name.split(".")[0] in {"event", "message"}:
            continue
        names = knowledge.compiled(leaves(one)[0], AT).names
        known = {c.pk: knowledge.known(knowledge.Occasion(c, AT), names) for c in cases}
        for leaf in leaves(one):
            for condition in (leaf, {"not": leaf}):
                checked = knowledge.compiled(condition, AT)
                assert checked.names == names
                held = {pk for pk, told in known.items() if checked.holds(told)}
                assert set(Case.objects.filter(checked.q).values_list("pk", flat=True)) == held, condition
                asked += 1
    assert asked > 150


def test_one_case_is_judged_in_microseconds(billing: Queue) -> None:
    condition = {"all": [fact("priority", "is", "high"), fact("subject", "contains_any", ["refund", "charge"]), {"not": fact("assigned", "is", True)}]}  # fmt: skip
    checked = knowledge.compiled(condition, AT)
    known = knowledge.known(knowledge.Occasion(make_case(billing, priority="high"), AT), checked.names)
    assert checked.holds(known)
    assert timeit.timeit(lambda: checked.holds(known), number=1000) < 1  # a millisecond each, however busy the machine
