"""Commands of rules: what they do to a case, what they cannot, and how they are stopped."""

from typing import Any

from cases.models import Queue, RuleRun
from cases.rules import asking, running
from tests.cases.before import World, claimed
from tests.cases.registry import command
from tests.cases.ruled import make_rule, numbered


def _asked(w: World, *then: dict[str, Any], depth: int = 0) -> None:
    """The case changed its priority, and a rule waits for its turn because of it."""
    make_rule(on=["priority_changed"], then=list(then))
    w.case.set_priority("low", by=w.ana)
    numbered()
    asking.follow(w.now)
    RuleRun.objects.update(due_at=w.now, depth=depth)


def wanting(w: World) -> None:
    _asked(w, {"do": "tag", "add": ["vip"]}, {"do": "escalate"}, {"do": "status", "to": "waiting_internal"},
           {"do": "snooze", "hours": 2}, {"do": "note", "text": "Look at their bill."},
           {"do": "promise", "what": "A call", "hours": 4})  # fmt: skip


def failing(w: World) -> None:
    gone = Queue.objects.create(name="Gone")
    _asked(w, {"do": "transfer", "queue": gone.pk})
    Queue.objects.filter(pk=gone.pk).update(is_active=False)


def circling(w: World) -> None:
    _asked(w, {"do": "priority", "to": "high"}, depth=9)


@command(
    "tagged", "priority_changed", "notified", "status_changed", "snoozed", "note_added", "promise_made",
    before=(claimed, wanting),
)  # fmt: skip
def _let_a_rule_act(w: World) -> None:
    running.run_due(w.now)


@command("rule_failed", before=(claimed, failing))
def _let_a_rule_fail(w: World) -> None:
    running.run_due(w.now)


@command("rule_stopped", "notified", before=(claimed, circling))
def _stop_a_rule_that_goes_in_circles(w: World) -> None:
    running.run_due(w.now)
