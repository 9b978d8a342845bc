"""Rules: asked once by each event, in their order, by the house's condition language; what they do, and what they cannot."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, close_old_connections, connections, transaction
from django.utils import timezone

from cases import conversation, promises
from cases.models import Case, Queue, Rule, RuleRun
from cases.rules import asking, running
from crm.models import Event, User
from customers.models import Customer
from tests.builders import make_case
from tests.cases.ruled import ALWAYS, events_of, fact, fresh, hear, keep, make_rule, numbered, states

pytestmark = pytest.mark.django_db


# --- asked, once


def test_an_event_asks_a_rule_that_waits_for_it_and_what_it_does_says_so(billing: Queue) -> None:
    rule = make_rule()
    case = make_case(billing)
    hear(case)
    assert keep() == 1
    assert fresh(case).priority == "high"
    done = Event.objects.get(stream_id=case.pk, kind="priority_changed")
    assert (done.via, done.actor, done.data["rule_version"]) == ("rule", None, rule.current.pk)  # type: ignore[union-attr]
    assert keep() == 0
    hear(case, "Well?")
    assert keep() == 1
    assert states(rule) == ["done", "done"]
    assert events_of(case) == ["priority_changed"]  # it was high already


def test_what_lies_before_it_was_switched_on_asks_nothing(billing: Queue) -> None:
    case = make_case(billing)
    hear(case)
    rule = make_rule()
    assert keep() == 0
    rule.switch_off()
    hear(case)
    assert keep() == 0
    rule.switch_on()
    assert keep() == 0
    hear(case)
    assert keep() == 1
    assert fresh(case).priority == "high"


def test_history_brought_in_asks_nothing(billing: Queue) -> None:
    make_rule()
    case = make_case(billing)
    now = timezone.now()
    conversation.add_inbound(case, text="Long ago", sender=None, channel="web", at=now, via="import")
    conversation.add_inbound(case, text="Last week", sender=None, channel="web", at=now - timedelta(days=7))
    assert keep() == 0
    assert fresh(case).priority == "normal"


def test_a_rule_is_for_its_queues(billing: Queue, technical: Queue) -> None:
    rule = make_rule(queues=[technical])
    ours, theirs = make_case(billing), make_case(technical)
    hear(ours)
    hear(theirs)
    assert keep() == 1
    assert (fresh(ours).priority, fresh(theirs).priority) == ("normal", "high")
    assert states(rule) == ["done"]


def test_several_are_asked_in_their_order_and_each_sees_what_the_one_before_did(billing: Queue) -> None:
    high = fact("priority", "is", "high")
    make_rule("second", position=2, condition={"all": [high]}, then=[{"do": "tag", "add": ["second"]}])
    make_rule("first", position=1)
    make_rule("third", position=3, condition={"not": high}, then=[{"do": "tag", "add": ["third"]}])
    case = make_case(billing)
    hear(case)
    keep()
    assert (fresh(case).priority, fresh(case).tags) == ("high", ["second"])
    assert list(RuleRun.objects.order_by("pk").values_list("rule__name", "state")) == [
        ("first", "done"),
        ("second", "done"),
        ("third", "unfit"),
    ]


def test_it_is_done_as_the_version_says_that_was_asked(billing: Queue) -> None:
    rule = make_rule()
    case = make_case(billing)
    hear(case)
    numbered()
    asking.follow(timezone.now())
    rule.publish(when={"events": ["message_received"]}, condition=ALWAYS, then=[{"do": "priority", "to": "urgent"}])
    running.run_due(timezone.now())
    assert fresh(case).priority == "high"


def test_a_version_never_changes(billing: Queue) -> None:
    rule = make_rule()
    with pytest.raises(IntegrityError, match="never changes"), transaction.atomic():
        rule.versions.update(then=[])
    assert rule.publish(when={"events": ["message_received"]}, condition=ALWAYS,
                        then=[{"do": "priority", "to": "high"}]).number == 1  # fmt: skip


def test_who_waits_for_a_turn_and_is_switched_off_does_nothing(billing: Queue) -> None:
    rule = make_rule()
    case = make_case(billing)
    hear(case)
    numbered()
    asking.follow(timezone.now())
    rule.switch_off()
    assert running.run_due(timezone.now()) == 1
    assert (states(rule), fresh(case).priority) == (["moot"], "normal")


@pytest.mark.django_db(transaction=True)
def test_a_case_somebody_works_on_is_left_to_the_next_turn(billing: Queue) -> None:
    make_rule()
    busy, free = make_case(billing), make_case(billing)
    hear(busy)
    hear(free)
    numbered()
    asking.follow(timezone.now())

    def elsewhere() -> int:
        close_old_connections()
        try:
            return running.run_due(timezone.now())
        finally:
            connections.close_all()

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        Case.objects.select_for_update(no_key=True).get(pk=busy.pk)
        assert pool.submit(elsewhere).result(timeout=60) == 1
    assert (fresh(busy).priority, fresh(free).priority) == ("normal", "high")
    assert keep() == 1
    assert fresh(busy).priority == "high"


# --- the condition


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (fact("subject", "contains", "DOUBLE charge"), True),
        (fact("message", "contains_any", ["refund", "Twice"]), True),
        (fact("message", "contains", "refund"), False),
        (fact("event", "is", "message_received"), True),
        (fact("event.via", "is", "channel"), True),
        (fact("message.first", "is", True), True),
        (fact("assigned", "is", False), True),
        (fact("tags", "is_empty", True), True),
        (fact("queue", "is", "Billing"), True),
        (fact("customer.tier", "is", "gold"), True),
        (fact("customer.has_email", "is", True), False),
        ({"not": fact("event.was", "known", True)}, True),
        ({"exists": "customer.orders"}, False),
        (fact("waiting_since", "after", {"hours_ago": 1}), True),
        (fact("open_now", "is", True), True),
    ],
)
def test_the_condition_asks_how_it_stands_what_happened_and_whose_it_is(
    billing: Queue, carl: Customer, condition: Any, holds: bool
) -> None:
    carl.contact_points.all().delete()
    Customer.objects.filter(pk=carl.pk).update(tier="gold")
    carl.refresh_from_db()
    rule = make_rule(condition=condition)
    hear(make_case(billing, customer=carl))
    keep()
    assert states(rule) == ["done" if holds else "unfit"]


def test_it_says_which_part_did_not_hold(billing: Queue) -> None:
    condition = {"all": [fact("priority", "is", "normal"), fact("channel", "is", "mail"), fact("status", "is", "open")]}
    make_rule(condition=condition)
    hear(make_case(billing, channel="web"))
    keep()
    assert RuleRun.objects.get().missed == ["all[1]", "all[2]"]


def test_of_a_case_of_nobody_nothing_is_known_of_its_customer(billing: Queue) -> None:
    rule = make_rule(
        condition={"any": [fact("customer.tier", "is", "gold"), fact("customer.products", "has", "mobile")]}
    )
    hear(make_case(billing, customer=None))
    keep()
    assert states(rule) == ["unfit"]


# --- what is done


def test_everything_a_rule_may_do(billing: Queue, technical: Queue, ana: User, ben: User, lee: User) -> None:
    billing.memberships.filter(user=lee).update(role="lead")
    make_rule(
        then=[
            {"do": "priority", "to": "low"},
            {"do": "escalate"},
            {"do": "tag", "add": ["VIP", "late"], "remove": ["new"]},
            {"do": "note", "text": "Look at their last bill, @ana."},
            {"do": "notify", "people": [ana.pk], "roles": ["leads"]},
            {"do": "promise", "what": "A call", "hours": 4},
            {"do": "transfer", "queue": technical.pk},
            {"do": "assign", "person": ben.pk},
            {"do": "status", "to": "waiting_internal"},
            {"do": "snooze", "hours": 2},
        ]
    )
    case = make_case(billing, tags=["new"], status="open")
    hear(case)
    keep()
    run = RuleRun.objects.get()
    assert (run.state, run.did, run.error) == ("done", list(range(10)), "")
    fresh(case)
    assert (case.priority, case.tags, case.queue, case.assignee) == ("normal", ["late", "vip"], technical, ben)
    assert (case.status, case.is_snoozed, case.promises.get().what) == ("waiting_internal", True, "A call")
    note = case.messages.get(direction="note")
    assert (note.author, note.sender_name, note.mentions.get().user) == (None, "First things first", ana)
    told = Event.objects.filter(stream_id=case.pk, kind="notified").order_by("version")
    assert [(event.reason, event.data["people"]) for event in told] == [
        ("escalated", [lee.pk]),
        ("rule", sorted([ana.pk, lee.pk])),
    ]
    by_rule = Event.objects.filter(stream="case", stream_id=case.pk, via="rule")
    assert {event.data["rule_version"] for event in by_rule} == {run.version_id}
    assert run.caused == sorted(by_rule.values_list("version", flat=True))
    assert not Event.objects.filter(via="rule", actor__isnull=False).exists()  # counted apart from people


def test_of_a_case_that_is_over_only_what_still_means_something_is_done(billing: Queue, ana: User) -> None:
    then = [{"do": "assign", "person": ana.pk}, {"do": "tag", "add": ["done"]}, {"do": "snooze", "hours": 1}]
    make_rule(on=["resolved"], then=then)
    case = make_case(billing, status="open")
    case.resolve(by=ana)
    keep()
    assert (fresh(case).tags, case.assignee, RuleRun.objects.get().state) == (["done"], None, "done")


# --- so long after nothing happened


def test_no_answer_for_hours_asks_once_a_wait(billing: Queue, ana: User) -> None:
    rule = make_rule(on=(), unanswered=4, then=[{"do": "escalate"}, {"do": "tag", "add": ["late"]}])
    now = timezone.now()
    case = make_case(billing, status="open", assignee=ana)
    hear(case)
    assert keep(now + timedelta(hours=3, minutes=59)) == 0
    assert keep(now + timedelta(hours=4, minutes=1)) == 1
    assert keep(now + timedelta(hours=9)) == 0
    assert (fresh(case).priority, case.tags) == ("high", ["late"])
    case.change_status("waiting_customer", by=ana)
    later = now + timedelta(hours=10)
    conversation.add_inbound(case, text="Well?", sender=None, channel="web", at=later)
    assert keep(later + timedelta(hours=5)) == 1
    assert states(rule) == ["done", "done"]


def test_a_customer_who_does_not_come_back(billing: Queue, ana: User) -> None:
    make_rule(on=(), quiet=48, then=[{"do": "status", "to": "resolved"}])
    now = timezone.now()
    case = make_case(billing, status="open")
    hear(case)
    case.change_status("waiting_customer", by=ana)
    assert keep(now + timedelta(hours=47)) == 0
    assert keep(now + timedelta(hours=49)) == 1
    assert fresh(case).status == "resolved"


def test_a_wait_that_was_over_before_the_rule_asks_it_nothing(billing: Queue) -> None:
    now = timezone.now()
    old = make_case(billing, status="open", waiting_since=now - timedelta(hours=30))
    make_rule(on=(), unanswered=4)
    assert keep(now + timedelta(minutes=1)) == 0
    assert fresh(old).priority == "normal"


def test_a_wait_that_ended_before_its_turn_is_moot(billing: Queue, ana: User) -> None:
    rule = make_rule(on=(), unanswered=4)
    now = timezone.now()
    case = make_case(billing, status="open")
    hear(case)
    assert asking.wait(now + timedelta(hours=5)) == 1
    case.change_status("waiting_customer", by=ana)
    running.run_due(now + timedelta(hours=5))
    assert states(rule) == ["moot"]


# --- what is refused


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"when": {}}, "Say when"),
        ({"when": {"events": ["lunch"]}}, "cannot wait for lunch"),
        ({"when": {"events": "opened"}}, "cannot wait for"),
        ({"when": {"unanswered": -1}}, "Give the hours"),
        ({"when": {"unanswered": True}}, "Give the hours"),
        ({"condition": fact("shoe_size", "is", 4)}, "There is no “shoe_size” here"),
        ({"condition": fact("priority", "contains_any", ["x"])}, "Compare priority with one of"),
        ({"then": []}, "Say what is done"),
        ({"then": [{"do": "dance"}]}, "choose one of"),
        ({"then": [{"do": "priority"}]}, "to is missing"),
        ({"then": [{"do": "priority", "to": "mad"}]}, "it becomes one of"),
        ({"then": [{"do": "release", "to": 1}]}, "does not belong here"),
        ({"then": [{"do": "tag"}]}, "name a tag"),
        ({"then": [{"do": "tag", "add": ["x" * 61]}]}, "short words"),
        ({"then": [{"do": "notify"}]}, "say who is told"),
        ({"then": [{"do": "notify", "people": ["ana"]}]}, "list of ids"),
        ({"then": [{"do": "assign", "person": 10**6}]}, "no active person"),
        ({"then": [{"do": "transfer", "queue": 10**6}]}, "no active queue"),
        ({"then": [{"do": "snooze", "hours": 10**6}]}, "hours as a number"),
        ({"then": [{"do": "note", "text": "x" * 2001}]}, "too long"),
        ({"then": [{"do": "status", "to": "spam"}]}, "it becomes one of"),
    ],
)
def test_what_cannot_be_is_refused_in_words(given: Any, fault: str) -> None:
    rule = Rule.objects.create(name="Wrong")
    sound = {"when": {"events": ["opened"]}, "condition": ALWAYS, "then": [{"do": "release"}]}
    with pytest.raises(ValidationError, match=fault):
        rule.publish(**(sound | given))
    assert rule.current is None


def test_a_promise_of_a_rule_is_the_owner_s(billing: Queue, ana: User) -> None:
    make_rule(on=["claimed"], then=[{"do": "promise", "what": "A first look", "hours": 1}])
    case = make_case(billing)
    case.claim(by=ana)
    keep()
    assert promises.owned_by(ana)
    assert case.promises.filter(promises.owned_by(ana)).count() == 1
