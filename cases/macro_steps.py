"""What a macro may do: its actions as they are kept, and what is wrong with them in words. Pure."""

import zoneinfo
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import transitions, variables, when

Step = dict[str, Any]

MOST = 20
ME, NOBODY = "me", "nobody"
PRIORITIES = ("low", "normal", "high", "urgent")
# What a person may set by hand (cases.views.verbs): merging and closing have their own ways.
STATUSES = (*transitions.WORKING, transitions.RESOLVED, transitions.SPAM)
KINDS: dict[str, LazyText] = {
    "reply": gettext_lazy("reply to the customer"),
    "note": gettext_lazy("write a note"),
    "add_tags": gettext_lazy("add tags"),
    "remove_tags": gettext_lazy("take tags off"),
    "priority": gettext_lazy("set the priority"),
    "status": gettext_lazy("set the status"),
    "assign": gettext_lazy("give it to somebody"),
    "transfer": gettext_lazy("move it to another queue"),
    "snooze": gettext_lazy("snooze it"),
    "promise": gettext_lazy("promise something"),
}
# What each kind holds beside `do`.
FIELDS: dict[str, tuple[str, ...]] = {
    "reply": ("texts", "send", "is_answer", "next_step", "by_when"),
    "note": ("text",),
    "add_tags": ("tags",),
    "remove_tags": ("tags",),
    "priority": ("priority",),
    "status": ("status",),
    "assign": ("to",),
    "transfer": ("queue",),
    "snooze": ("until",),
    "promise": ("what", "by_when"),
}


def cleaned(steps: Sequence[Mapping[str, Any]]) -> list[Step]:
    """The actions with just what their kind holds, empty places left out; an unknown kind is kept for `faults` to name."""
    return [
        {"do": step.get("do", "")} | {k: step[k] for k in FIELDS.get(step.get("do", ""), ()) if step.get(k)}
        for step in steps
    ]


def sends(steps: Sequence[Mapping[str, Any]]) -> bool:
    """Whether something leaves to the customer."""
    return any(step["do"] == "reply" and step.get("send") for step in steps)


def personal(steps: Sequence[Mapping[str, Any]]) -> list[str]:
    """What of these actions is done in somebody's name, in words: nobody but a person can."""
    found = [step["do"] for step in steps if step["do"] == "reply" or step.get("to") == ME]
    return [str(KINDS[kind]) for kind in found]


def faults(steps: Sequence[Step], *, now: datetime) -> list[str]:
    """A sentence for everything that is wrong with these actions."""
    if not steps:
        return [_("Give it at least one action.")]
    if len(steps) > MOST:
        return [_("A macro has at most %(n)s actions.") % {"n": MOST}]
    kinds = [step["do"] for step in steps]
    if unknown := [kind for kind in kinds if kind not in KINDS]:
        return [_("There is no action “%(kind)s”.") % {"kind": str(unknown[0])[:40]}]
    twice = [
        _("Only one action may %(what)s.") % {"what": KINDS[k]} for k in dict.fromkeys(kinds) if kinds.count(k) > 1
    ]
    found = [fault for step in steps for fault in _FAULTS[step["do"]](step, now)]
    if sends(steps) and any(step.get("status") == transitions.SPAM for step in steps):
        found.append(_("Spam is not answered: leave the reply or the status out."))
    return twice + found


def _reply(step: Step, now: datetime) -> list[str]:
    promised = _time(step["by_when"], now) if "by_when" in step else []
    if "by_when" in step and "next_step" not in step:
        promised.append(_("Say what will be done by then."))
    texts = step.get("texts")
    return [
        *variables.text_faults(texts if isinstance(texts, dict) else {}),
        *variables.faults(step.get("next_step", "")),
        *promised,
    ]


def _text(name: str, most: int, empty: LazyText) -> Callable[[Step, datetime], list[str]]:
    def look(step: Step, _now: datetime) -> list[str]:
        text = str(step.get(name, ""))
        too_long = [_("That is too long: at most %(n)s characters.") % {"n": most}] if len(text) > most else []
        return [*([] if text.strip() else [str(empty)]), *too_long, *variables.faults(text)]

    return look


def _tags(step: Step, _now: datetime) -> list[str]:
    tags = step.get("tags")
    if not isinstance(tags, list) or not tags or any(not isinstance(t, str) or not t.strip() for t in tags):
        return [_("Name the tags.")]
    return [_("A tag has at most 60 characters.")] if any(len(tag) > 60 for tag in tags) else []


def _one_of(name: str, values: Sequence[str], said: LazyText) -> Callable[[Step, datetime], list[str]]:
    return lambda step, _now: [] if step.get(name) in values else [str(said)]


def _key(name: str, said: LazyText, *, or_one_of: Sequence[str] = ()) -> Callable[[Step, datetime], list[str]]:
    def look(step: Step, _now: datetime) -> list[str]:
        value = step.get(name)
        is_key = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**63
        return [] if is_key or value in or_one_of else [str(said)]

    return look


def _time(text: object, now: datetime) -> list[str]:
    """Whether the words name a time at all. One that has passed today is right again tomorrow."""
    try:
        when.parse(str(text), now=now)
    except when.NotATime as wrong:
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        try:
            when.parse(str(text), now=midnight)
        except when.NotATime:
            return [str(wrong)]
    return []


def _promise(step: Step, now: datetime) -> list[str]:
    return [*_SAID(step, now), *_time(step.get("by_when", ""), now)]


_SAID = _text("what", 300, gettext_lazy("Say what is promised."))
_FAULTS: dict[str, Callable[[Step, datetime], list[str]]] = {
    "reply": _reply,
    "note": _text("text", 20_000, gettext_lazy("Write the note.")),
    "add_tags": _tags,
    "remove_tags": _tags,
    "priority": _one_of("priority", PRIORITIES, gettext_lazy("Choose a priority.")),
    "status": _one_of("status", STATUSES, gettext_lazy("Choose a status.")),
    "assign": _key("to", gettext_lazy("Choose who gets it."), or_one_of=(ME, NOBODY)),
    "transfer": _key("queue", gettext_lazy("Choose the queue.")),
    "snooze": lambda step, now: _time(step.get("until", ""), now),
    "promise": _promise,
}


def moment(text: str, *, at: datetime, tz: str) -> datetime:
    """The time some words mean when somebody in this zone says them. Raises when.NotATime."""
    return when.parse(text, now=at.astimezone(zoneinfo.ZoneInfo(tz)))
