"""Commands of clocks that act: what policies do at a breach, and what they cannot."""

from datetime import timedelta
from typing import Any

from cases import clocks, escalation, recalculating
from cases.models import Clock, ClockAction, Queue, SLAPolicy, SLAPolicyVersion
from tests.cases.before import World, claimed
from tests.cases.registry import command


def _breached(w: World, block: dict[str, Any]) -> None:
    """One target is missed, under a policy that does this."""
    policy = SLAPolicy.objects.get()
    content = {"targets": policy.current.targets, "actions": {"breach": block}} if policy.current else {}
    Clock.objects.update(policy_version=SLAPolicyVersion.objects.create(policy=policy, number=99, **content))
    clocks.breach_due(w.now + timedelta(hours=31))
    one = ClockAction.objects.order_by("pk").values_list("clock", flat=True)[0]
    ClockAction.objects.exclude(clock=one).delete()


def acting(w: World) -> None:
    _breached(w, {"notify": ["owner"], "priority": "higher"})


def failing(w: World) -> None:
    """It should go where nobody can go any more."""
    gone = Queue.objects.create(name="Gone")
    _breached(w, {"queue": gone.pk})
    Queue.objects.filter(pk=gone.pk).update(is_active=False)


@command("notified", "priority_changed", before=(claimed, acting))
def _act_on_a_breach(w: World) -> None:
    escalation.act_due(w.now + timedelta(hours=31))


@command("sla_action_failed", before=(claimed, failing))
def _fail_to_act_on_a_breach(w: World) -> None:
    escalation.act_due(w.now + timedelta(hours=31))


@command("sla_recomputed", before=claimed)
def _let_running_clocks_follow(w: World) -> None:
    policy = SLAPolicy.objects.get()
    policy.publish(targets=[{"kind": "resolution", "minutes": 5000}])
    recalculating.begin(policy, by=w.sue, at=w.now)
    recalculating.recalculate(w.now + timedelta(minutes=1))
