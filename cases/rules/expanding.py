"""A macro as a rule runs it: its actions as the rule's own, in the house's name and the time zone of the case's queue. What is
done in a person's name (a reply, a draft, "mine") no rule can."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from cases.macro_steps import NOBODY, Step, moment
from cases.models import Case
from cases.models.rule_shape import ASSIGN, NOTE, PRIORITY, PROMISE, RELEASE, SNOOZE, STATUS, TAG, TRANSFER
from cases.when import NotATime

Action = Mapping[str, Any]


class Passed(Exception):
    """A time of the macro has passed."""


def actions(steps: Sequence[Step], case: Case, at: datetime) -> list[Action]:
    """In their order. Raises Passed, with the reason in words."""
    try:
        return [_AS[step["do"]](step, lambda text: moment(text, at=at, tz=_zone(case))) for step in steps]
    except NotATime as wrong:
        raise Passed(str(wrong)) from wrong


def _zone(case: Case) -> str:
    calendar = case.queue.calendar
    return calendar.current.tz if calendar and calendar.current else settings.TIME_ZONE


When = Callable[[str], datetime]


def _assigned(step: Step, _when: When) -> Action:
    return {"do": RELEASE} if step["to"] == NOBODY else {"do": ASSIGN, "person": step["to"]}


_AS: dict[str, Callable[[Step, When], Action]] = {
    "note": lambda step, _when: {"do": NOTE, "text": step["text"]},
    "add_tags": lambda step, _when: {"do": TAG, "add": step["tags"]},
    "remove_tags": lambda step, _when: {"do": TAG, "remove": step["tags"]},
    "priority": lambda step, _when: {"do": PRIORITY, "to": step["priority"]},
    "status": lambda step, _when: {"do": STATUS, "to": step["status"]},
    "assign": _assigned,
    "transfer": lambda step, _when: {"do": TRANSFER, "queue": step["queue"]},
    "snooze": lambda step, when: {"do": SNOOZE, "until": when(step["until"])},
    "promise": lambda step, when: {"do": PROMISE, "what": step["what"], "until": when(step["by_when"])},
}


def until(action: Action, at: datetime) -> datetime:
    """When what the action begins is over: a macro says a time, a rule hours."""
    told: datetime | None = action.get("until")
    return told or at + timedelta(hours=action["hours"])
