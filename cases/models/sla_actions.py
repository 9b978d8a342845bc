"""What a policy does at the warning and at the breach of a clock: its shape, its one spelling, and what is wrong with it."""

from collections.abc import Iterator, Mapping
from typing import Any

from django.utils.translation import gettext as _

from crm.models import User

MOMENTS = ("warn", "breach")
NOTIFY, MOVE, RAISE, ASSIGN, RELEASE = "notify", "move", "raise", "assign", "release"
ACTIONS = (NOTIFY, MOVE, RAISE, ASSIGN, RELEASE)  # in this order: who had the case is told before it goes elsewhere
OWNER, LEADS = "owner", "leads"
HIGHER = "higher"  # one step up
PRIORITIES = (HIGHER, "normal", "high", "urgent")  # a level is the least it becomes: nothing is ever lowered
MOST_PEOPLE = 50

_EMPTY: dict[str, Any] = {
    "kinds": [], "notify": [], "people": [], "queue": None, "priority": "", "assignee": None, "release": False,
}  # fmt: skip
_LISTS = ("kinds", "notify", "people")


def canonical(actions: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The one spelling of checked actions: what is empty is left out, lists are in order."""
    found = {}
    for moment in MOMENTS:
        block = {key: actions.get(moment, {}).get(key) or empty for key, empty in _EMPTY.items()}
        told = {key: sorted(set(value)) if key in _LISTS else value for key, value in block.items() if value}
        if set(told) - {"kinds"}:
            found[moment] = told
    return found


def wanted(actions: Mapping[str, Any], moment: str, kind: str) -> list[str]:
    """Which of ACTIONS are to be done at this moment of a clock of this kind."""
    block = actions.get(moment, {})
    if block.get("kinds") and kind not in block["kinds"]:
        return []
    asked = {
        NOTIFY: block.get("notify") or block.get("people"),
        MOVE: block.get("queue"),
        RAISE: block.get("priority"),
        ASSIGN: block.get("assignee"),
        RELEASE: block.get("release"),
    }
    return [action for action in ACTIONS if asked[action]]


def faults(actions: object) -> list[str]:
    """Everything wrong with these actions, a sentence each."""
    if not isinstance(actions, Mapping) or set(actions) - set(MOMENTS):
        return [_("Actions are given by moment: warn, breach.")]
    return [fault for moment in MOMENTS if moment in actions for fault in _block_faults(actions[moment])]


def _block_faults(block: object) -> Iterator[str]:
    if not isinstance(block, Mapping) or set(block) - set(_EMPTY):
        yield _("An action has some of: %(keys)s.") % {"keys": ", ".join(_EMPTY)}
        return
    yield from _word_faults(block)
    if block.get("assignee") and block.get("release"):
        yield _("Give the case to somebody, or put it back for anyone: not both.")
    yield from _people_faults(block)
    yield from _queue_faults(block.get("queue"))


def _word_faults(block: Mapping[str, Any]) -> Iterator[str]:
    from cases.models.sla import KINDS

    for key, allowed in (("kinds", KINDS), ("notify", (OWNER, LEADS))):
        given = block.get(key) or []
        if not isinstance(given, (list, tuple)) or set(map(str, given)) - set(allowed):
            yield _("%(key)s is a list of some of: %(allowed)s.") % {"key": key, "allowed": ", ".join(allowed)}
    if (block.get("priority") or HIGHER) not in PRIORITIES:
        yield _("The priority is raised to one of: %(allowed)s.") % {"allowed": ", ".join(PRIORITIES)}


def _people_faults(block: Mapping[str, Any]) -> Iterator[str]:
    people = block.get("people") or []
    if not isinstance(people, (list, tuple)) or not all(_is_id(p) for p in people) or len(people) > MOST_PEOPLE:
        yield _("People are a list of at most %(count)d ids.") % {"count": MOST_PEOPLE}
        return
    named = {*people, *([block["assignee"]] if block.get("assignee") else [])}
    if not all(_is_id(person) for person in named):
        yield _("There is no active person %(ids)s.") % {"ids": str(block["assignee"])[:40]}
        return
    known = set(User.objects.filter(pk__in=named, is_active=True).values_list("pk", flat=True)) if named else set()
    if missing := sorted(named - known):
        yield _("There is no active person %(ids)s.") % {"ids": ", ".join(map(str, missing))}


def _queue_faults(queue: object) -> Iterator[str]:
    from cases.models.queue import Queue

    if queue is not None and not (
        isinstance(queue, int) and _is_id(queue) and Queue.objects.filter(pk=queue, is_active=True).exists()
    ):
        yield _("There is no active queue %(id)s.") % {"id": str(queue)[:40]}


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
