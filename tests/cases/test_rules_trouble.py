"""What rules cannot do, how they are kept from chasing each other, and that each is asked once, whoever dies."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, close_old_connections, connections
from django.utils import timezone

from cases.models import Queue, Rule, RuleMark, RuleRun
from cases.rules import asking, doing, running
from crm.models import Event, User
from tests.builders import make_case
from tests.cases.ruled import events_of, fact, fresh, hear, keep, make_rule, numbered, states

pytestmark = pytest.mark.django_db

# --- what cannot be done


def test_one_action_that_fails_holds_up_no_other_is_shown_and_tried_again(billing: Queue, technical: Queue) -> None:
    make_rule(then=[{"do": "transfer", "queue": technical.pk}, {"do": "priority", "to": "high"}])
    Queue.objects.filter(pk=technical.pk).update(is_active=False)
    case = make_case(billing)
    hear(case)
    now = timezone.now()
    assert keep(now) == 1
    run = RuleRun.objects.in_trouble().get()
    assert (run.did, run.attempts, fresh(case).priority) == ([1], 1, "high")
    assert "no longer there" in run.error
    assert events_of(case) == ["priority_changed", "rule_failed"]
    assert keep(now + timedelta(seconds=59)) == 0
    assert keep(now + timedelta(minutes=1)) == 1
    Queue.objects.filter(pk=technical.pk).update(is_active=True)
    assert keep(now + timedelta(minutes=6)) == 1
    assert fresh(case).queue == technical
    assert events_of(case) == ["priority_changed", "rule_failed", "transferred"]
    run.refresh_from_db()
    assert (run.state, run.did, len(run.caused)) == ("done", [1, 0], 2)


def test_it_is_given_up_until_a_person_asks_again(billing: Queue, technical: Queue, sue: User) -> None:
    make_rule(then=[{"do": "transfer", "queue": technical.pk}])
    Queue.objects.filter(pk=technical.pk).update(is_active=False)
    case = make_case(billing)
    hear(case)
    now = timezone.now()
    for minutes in (0, 1, 6, 36, 156):
        assert keep(now + timedelta(minutes=minutes)) == 1
    run = RuleRun.objects.get()
    assert (run.state, run.attempts) == ("failed", 5)
    Queue.objects.filter(pk=technical.pk).update(is_active=True)
    assert running.try_again(run, by=sue, now=now + timedelta(hours=9))
    assert keep(now + timedelta(hours=9)) == 1
    assert fresh(case).queue == technical
    assert not running.try_again(RuleRun.objects.get(), by=sue, now=now)


def test_what_another_attempt_would_not_mend_is_given_up_at_once(billing: Queue, ana: User) -> None:
    make_rule(on=["closed"], then=[{"do": "status", "to": "open"}])
    case = make_case(billing, status="resolved", resolved_at=timezone.now())
    case.change_status("closed", by=ana)
    keep()
    run = RuleRun.objects.get()
    assert (run.state, run.attempts) == ("failed", 1)
    assert "cannot become" in run.error


def test_whatever_breaks_is_kept_and_the_others_go_on(billing: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    make_rule("broken", then=[{"do": "note", "text": "x"}], position=1)
    make_rule("sound", position=2)
    monkeypatch.setitem(doing._DOING, "note", lambda *_args: 1 / 0)
    case = make_case(billing)
    hear(case)
    keep(timezone.now())
    assert fresh(case).priority == "high"
    run = RuleRun.objects.in_trouble().get()
    assert (run.rule.name, run.error) == ("broken", "ZeroDivisionError")


# --- circles


def circle(billing: Queue) -> tuple[Rule, Rule]:
    was_high, was_less = fact("event.was", "is", "high"), fact("event.was", "in", ["low", "normal"])
    up = make_rule("up", on=["priority_changed"], condition=was_high, then=[{"do": "priority", "to": "high"}])
    down = make_rule("down", on=["priority_changed"], condition=was_less, then=[{"do": "priority", "to": "low"}])
    return up, down


def test_rules_that_chase_each_other_are_stopped_and_that_is_said(billing: Queue, ana: User, sue: User) -> None:
    up, down = circle(billing)
    case = make_case(billing)
    case.set_priority("high", by=ana)
    keep()
    assert events_of(case) == ["priority_changed"] * 5 + ["rule_stopped", "notified"]
    numbered()
    stopped = Event.objects.get(kind="rule_stopped")
    up.refresh_from_db()
    down.refresh_from_db()
    paused = up if up.paused_at else down
    assert (paused.paused_why, paused.paused_in, stopped.reason) == ("depth", case, "depth")
    assert Event.objects.get(kind="notified").data["people"] == [sue.pk]
    assert {up.paused_at is None, down.paused_at is None} == {True, False}
    assert RuleRun.objects.filter(state="stopped").get().rule == paused
    assert paused.go_on()
    numbered()
    case.set_priority("urgent", by=ana)
    keep()
    assert RuleRun.objects.filter(rule=paused).latest("pk").event.pos > stopped.pos


def test_a_rule_that_changes_one_case_too_often_in_an_hour_is_paused(billing: Queue) -> None:
    rule = make_rule(then=[{"do": "note", "text": "They wrote again."}])
    case = make_case(billing)
    for number in range(22):
        hear(case, f"And {number}?")
        keep()
    rule.refresh_from_db()
    assert (rule.paused_why, case.messages.filter(direction="note").count()) == ("often", 20)
    assert states(rule) == ["done"] * 20 + ["stopped"]


def test_many_messages_that_change_nothing_pause_nothing(billing: Queue) -> None:
    rule = make_rule()
    case = make_case(billing)
    for number in range(25):
        hear(case, f"And {number}?")
    keep()
    rule.refresh_from_db()
    assert (rule.paused_at, len(states(rule))) == (None, 25)


# --- exactly once, whoever dies


class Killed(BaseException):
    """The process is gone."""


def worker(_n: int) -> int:
    close_old_connections()
    try:
        now = timezone.now()
        return asking.follow(now) + asking.wait(now) + running.run_due(now)
    except (Killed, OperationalError):
        return 0
    finally:
        connections.close_all()


def kill_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the middle of what it does, or just before it says that it is done, or with the mark in its hand."""
    calls = iter(range(10**6))

    def deadly(call: Any) -> Any:
        def done(*args: Any, **kwargs: Any) -> Any:
            if next(calls) % 5 == 0:
                raise Killed
            found = call(*args, **kwargs)
            if next(calls) % 7 == 0:
                raise Killed
            return found

        return done

    for name in ("_settle", "_do_all"):
        monkeypatch.setattr(running, name, deadly(getattr(running, name)))
    monkeypatch.setattr(RuleMark, "save", deadly(RuleMark.save))


@pytest.mark.django_db(transaction=True)
def test_several_keepers_that_die_anywhere_ask_each_rule_once(billing: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    note = [{"do": "note", "text": "Read it."}]
    rules = [make_rule(f"rule {n}", position=n, then=[*note, {"do": "tag", "add": [f"t{n}"]}]) for n in range(2)]
    cases = [make_case(billing) for _n in range(5)]
    for case in cases:
        hear(case)
        hear(case, "Well?")
    numbered()
    kill_now_and_then(monkeypatch)
    with ThreadPoolExecutor(3) as pool:
        for _round in range(60):
            list(pool.map(worker, range(3)))
            if not RuleRun.objects.exclude(state="done").exists() and RuleRun.objects.count() == 20:
                break
    for case in cases:
        assert case.messages.filter(direction="note").count() == 4
        assert fresh(case).tags == ["t0", "t1"]
        order = list(RuleRun.objects.filter(case=case).order_by("settled_at", "pk").values_list("event", "rule"))
        assert order == sorted(order)
    assert [states(rule) for rule in rules] == [["done"] * 10] * 2
    assert set(RuleRun.objects.values_list("attempts", flat=True)) == {0}


def test_a_keeper_whose_look_at_the_clock_is_older_does_not_turn_the_log_of_a_case_around(billing: Queue) -> None:
    rules = [make_rule(f"rule {n}", position=n, then=[{"do": "tag", "add": [f"t{n}"]}]) for n in range(2)]
    case = make_case(billing)
    hear(case)
    numbered()
    early = timezone.now()
    asking.follow(early)
    late = early + timedelta(seconds=2)
    assert running._turn(case.pk, late)
    assert running._turn(case.pk, early)
    assert list(RuleRun.objects.order_by("pk").values_list("rule", "settled_at")) == [(rule.pk, late) for rule in rules]


def test_what_did_nothing_is_forgotten_after_two_weeks_and_never_asked_again(billing: Queue) -> None:
    rule = make_rule(condition=fact("channel", "is", "mail"))
    hear(make_case(billing, channel="web"))
    keep()
    assert asking.forget(timezone.now() + timedelta(days=13)) == 0
    assert asking.forget(timezone.now() + timedelta(days=15)) == 1
    assert keep() == 0
    assert states(rule) == []
