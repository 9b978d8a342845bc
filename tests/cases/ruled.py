"""Builders for rules, and the keeper's part of them: the log numbered, rules asked, and what they want done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from cases import conversation
from cases.models import Case, Message, Queue, Rule, RuleRun
from cases.rules import asking, running
from crm.models import Event

ALWAYS: dict[str, Any] = {"all": []}
_NUMBER = """
UPDATE crm_event e SET pos = placed.pos FROM (
    SELECT id, (SELECT COALESCE(max(pos), 0) FROM crm_event) + row_number() OVER (ORDER BY id) AS pos
    FROM crm_event WHERE pos IS NULL) placed
WHERE e.id = placed.id
"""


def fact(name: str, op: str, value: Any) -> dict[str, Any]:
    return {"fact": name, "op": op, "value": value}


def make_rule(
    name: str = "First things first",
    *,
    on: Sequence[str] = ("message_received",),
    condition: Any = None,
    then: Sequence[dict[str, Any]] = ({"do": "priority", "to": "high"},),
    queues: Sequence[Queue] = (),
    position: int = 0,
    switched: bool = True,
    at: datetime | None = None,
    **waits: float,
) -> Rule:
    rule = Rule.objects.create(name=name, position=position)
    rule.queues.set(queues)
    rule.publish(when={"events": list(on), **waits}, condition=condition or ALWAYS, then=list(then), at=at)
    if switched:
        numbered()
        rule.switch_on(at=at)
    return rule


def numbered() -> None:
    """What the sequencer does."""
    with connection.cursor() as cursor:
        cursor.execute(_NUMBER)


def keep(now: datetime | None = None, *, rounds: int = 50) -> int:
    """The keeper's turns until nothing is left to do; returns how many rules were asked."""
    total = 0
    for _round in range(rounds):
        numbered()
        asked = asking.follow(now or timezone.now()) + asking.wait(now or timezone.now())
        done = running.run_due(now or timezone.now())
        total += done
        if not asked and not done:
            return total
    raise AssertionError("it never ends")


def states(rule: Rule) -> list[str]:
    return list(RuleRun.objects.filter(rule=rule).order_by("pk").values_list("state", flat=True))


def events_of(case: Case, via: str = "rule") -> list[str]:
    rows = Event.objects.filter(stream="case", stream_id=case.pk, via=via).order_by("version")
    return list(rows.values_list("kind", flat=True))


def hear(case: Case, text: str = "You took it twice.") -> Message:
    return conversation.add_inbound(case, text=text, sender=None, channel="web", at=timezone.now())


def fresh(case: Case) -> Case:
    case.refresh_from_db()
    return case
