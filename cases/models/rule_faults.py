"""What is wrong with what a rule's version would say, a sentence each (cases.models.rule_shape)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.macro_steps import personal
from cases.models.rule_shape import (
    ACTIONS,
    HIGHER,
    KEYS,
    KINDS,
    LEADS,
    LONGEST_NOTE,
    LONGEST_PROMISE,
    LONGEST_TAG,
    LONGEST_WAIT,
    MOST_ACTIONS,
    MOST_PEOPLE,
    MOST_TAGS,
    NOTIFY,
    OWNER,
    PRIORITIES,
    PRIORITY,
    STATUS,
    STATUSES,
    TAG,
    WAITS,
    macros_in,
    named,
    word,
)
from crm.models import User
from customers.folding import clean

if TYPE_CHECKING:
    from cases.models.macro import Macro


def when_faults(when: object) -> Iterator[str]:
    """Everything wrong with a rule's `when`, a sentence each."""
    if not isinstance(when, Mapping) or set(when) - {"events", *WAITS}:
        yield _("“When” has some of: %(keys)s.") % {"keys": ", ".join(["events", *WAITS])}
        return
    events = when.get("events") or []
    if not isinstance(events, (list, tuple)) or (unknown := [e for e in events if e not in KINDS]):
        names = ", ".join(map(str, unknown))[:120] if isinstance(events, (list, tuple)) else ""
        yield _("A rule cannot wait for %(names)s. Choose some of: %(kinds)s.") % {
            "names": names or "events",
            "kinds": ", ".join(KINDS),
        }
    for wait in WAITS:
        if when.get(wait) is not None and not _is_hours(when[wait]):
            yield _("Give the hours of %(wait)s as a number, at most %(most)d.") % {"wait": wait, "most": LONGEST_WAIT}
    if not events and not any(when.get(wait) for wait in WAITS):
        yield _("Say when the rule is asked: an event, or a time without one.")


def then_faults(then: object) -> Iterator[str]:
    """Everything wrong with a rule's actions, a sentence each."""
    if not isinstance(then, (list, tuple)) or not then or len(then) > MOST_ACTIONS:
        yield _("Say what is done: a list of 1 to %(most)d actions.") % {"most": MOST_ACTIONS}
        return
    sound = []
    for number, action in enumerate(then, start=1):
        wrong = list(_action_faults(action))
        yield from (_("Action %(number)d: %(fault)s") % {"number": number, "fault": fault} for fault in wrong)
        sound += [] if wrong else [action]
    yield from _gone(sound)


def _action_faults(action: object) -> Iterator[str]:
    do = action.get("do") if isinstance(action, Mapping) else None
    if not isinstance(action, Mapping) or do not in ACTIONS:
        yield _("choose one of %(actions)s.") % {"actions": ", ".join(ACTIONS)}
        return
    needed, allowed = KEYS[do]
    given = {key for key in set(action) - {"do"} if action[key] not in (None, "", [])}
    if missing := sorted(needed - given):
        yield _("%(keys)s is missing.") % {"keys": ", ".join(missing)}
    if extra := sorted(given - allowed):
        yield _("%(keys)s does not belong here.") % {"keys": ", ".join(map(str, extra))[:120]}
    if not missing and not extra:
        yield from _value_faults(do, {key: action[key] for key in given})


def _value_faults(do: str, given: Mapping[str, Any]) -> Iterator[str]:
    words = {PRIORITY: (*PRIORITIES, HIGHER), STATUS: STATUSES}
    if do in words and given["to"] not in words[do]:
        yield _("it becomes one of %(words)s.") % {"words": ", ".join(words[do])}
    if do == TAG and not given:
        yield _("name a tag to add or to take off.")
    if do == NOTIFY and not given:
        yield _("say who is told: %(roles)s, or people.") % {"roles": f"{OWNER}, {LEADS}"}
    for key, check, told in _CHECKS:
        if key in given and not check(given[key]):
            yield str(told)


def _is_hours(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 < value <= LONGEST_WAIT


def _is_id(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63


def _are_tags(value: object) -> bool:
    fits = isinstance(value, (list, tuple)) and len(value) <= MOST_TAGS
    return fits and all(isinstance(t, str) and 0 < len(word(t)) <= LONGEST_TAG for t in value)  # type: ignore[attr-defined]


def _are_people(value: object) -> bool:
    return isinstance(value, (list, tuple)) and len(value) <= MOST_PEOPLE and all(map(_is_id, value))


def _are_roles(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(role in (OWNER, LEADS) for role in value)


def _fits(most: int) -> Any:
    return lambda value: isinstance(value, str) and bool(clean(value).strip()) and len(value) <= most


_CHECKS: list[tuple[str, Any, LazyText]] = [
    ("hours", _is_hours, gettext_lazy("give the hours as a number, at most a year.")),
    ("person", _is_id, gettext_lazy("name the person by their id.")),
    ("people", _are_people, gettext_lazy("people are a list of ids.")),
    ("roles", _are_roles, gettext_lazy("tell some of owner, leads.")),
    ("queue", _is_id, gettext_lazy("name the queue by its id.")),
    ("macro", _is_id, gettext_lazy("name the macro by its id.")),
    ("add", _are_tags, gettext_lazy("tags are a list of short words.")),
    ("remove", _are_tags, gettext_lazy("tags are a list of short words.")),
    ("text", _fits(LONGEST_NOTE), gettext_lazy("the note is too long.")),
    ("what", _fits(LONGEST_PROMISE), gettext_lazy("what is promised is too long.")),
]


def _gone(sound: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What actions name must be there, and at work."""
    from cases.models.queue import Queue

    queues, people = named(sound)
    here = set(Queue.objects.filter(pk__in=queues, is_active=True).values_list("pk", flat=True)) if queues else set()
    if missing := sorted(queues - here):
        yield _("There is no active queue %(id)s.") % {"id": ", ".join(map(str, missing))}
    known = set(User.objects.filter(pk__in=people, is_active=True).values_list("pk", flat=True)) if people else set()
    if missing := sorted(people - known):
        yield _("There is no active person %(ids)s.") % {"ids": ", ".join(map(str, missing))}
    yield from _macros_gone(macros_in(sound))


def _macros_gone(wanted: set[int]) -> Iterator[str]:
    """A macro must be there, and be one that needs nobody."""
    from cases.models.macro import Macro

    found = Macro.objects.filter(pk__in=wanted, is_active=True, current__isnull=False).select_related("current")
    macros = found.in_bulk() if wanted else {}
    if missing := sorted(wanted - macros.keys()):
        yield _("There is no active macro %(ids)s.") % {"ids": ", ".join(map(str, missing))}
    for macro in macros.values():
        if personal(macro.steps):
            yield by_nobody(macro)


def by_nobody(macro: "Macro") -> str:
    """Why no rule can run it; only where some of it is personal."""
    words = {"macro": macro, "what": ", ".join(personal(macro.steps))}
    return _("“%(macro)s” is run in somebody’s name (%(what)s), and a rule has none.") % words
