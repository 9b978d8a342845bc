"""Rules as sentences: when they are asked, if what, and what they do. Names of people, queues and values are what stands
in the database now; nothing here decides anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise as LazyText
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.models import Case, Macro, Message, Queue, RuleVersion
from cases.models.rule_shape import ACTIONS, HIGHER, KINDS, LEADS, OWNER, QUIET, UNANSWERED, macros_in
from cases.models.rule_shape import named as named_in
from cases.rules.knowledge import registry
from crm.models import User
from customers import saying

LONGEST = 160  # of a reason in a line of a thread
# What the words of a fact are, where they are enumerated.
CHOICES: dict[str, dict[str, Any]] = {
    "status": dict(Case.Status.choices),
    "priority": dict(Case.Priority.choices),
    "event.was": dict(Case.Status.choices) | dict(Case.Priority.choices),
    "event": dict(KINDS),
    "message.feeling": dict(Message.Feeling.choices),
}


def named(version: RuleVersion | None) -> str:
    """Who did it, at the beginning of a sentence."""
    return _("The rule “%(name)s”") % {"name": version.rule.name} if version else _("A rule")


def because(version: RuleVersion | None) -> str:
    """At the end of a sentence: by what it went; nothing where it asked nothing."""
    told = condition(version.condition) if version else ""
    return _(", because: %(condition)s") % {"condition": Truncator(told).chars(LONGEST)} if told else ""


# --- when


def when(asked: Mapping[str, Any]) -> str:
    """ "a case is opened, or the customer writes" """
    told = [str(KINDS.get(kind, kind)) for kind in asked.get("events", ())]
    told += [_wait(kind, asked[kind]) for kind in (UNANSWERED, QUIET) if asked.get(kind)]
    return _(", or ").join(told)


def _wait(kind: str, hours: float) -> str:
    span = ngettext("%(count)s hour", "%(count)s hours", int(hours) or 1) % {"count": f"{hours:g}"}
    sentences = {
        UNANSWERED: _("the customer has waited for us for %(span)s"),
        QUIET: _("the customer has not come back for %(span)s"),
    }
    return sentences[kind] % {"span": span}


# --- if


def condition(data: Any) -> str:
    """A condition as a sentence; "" for one that holds for everything."""
    return saying.condition(data, registry(), CHOICES)


def parts(data: Any, paths: Sequence[str]) -> list[str]:
    """The parts of a condition at these paths (RuleRun.missed), as sentences."""
    facts = registry()
    found = [data["all"][int(path[4:-1])] if path else data for path in paths]
    return [saying.condition(part, facts, CHOICES) for part in found]


# --- then


@dataclass(frozen=True)
class Names:
    """What the ids in actions stand for."""

    queues: Mapping[int, str] = field(default_factory=dict)
    people: Mapping[int, str] = field(default_factory=dict)
    macros: Mapping[int, str] = field(default_factory=dict)


def names_in(*lists: Sequence[Mapping[str, Any]]) -> Names:
    """Asked once, for however many actions."""
    found = [named_in(actions) for actions in lists]
    queues = {pk for some, _people in found for pk in some}
    people = {pk for _queues, some in found for pk in some}
    rows = Queue.objects.filter(pk__in=queues).values_list("pk", "name") if queues else ()
    users = User.objects.filter(pk__in=people) if people else ()
    run = set[int]().union(*(macros_in(actions) for actions in lists))
    macros = Macro.objects.filter(pk__in=run).select_related("current") if run else ()
    return Names(dict(rows), {user.pk: user.name for user in users}, {macro.pk: str(macro) for macro in macros})


def then(actions: Sequence[Mapping[str, Any]], names: Names | None = None) -> list[str]:
    """Each action as a sentence."""
    known = names or names_in(actions)
    return [_action(action, known) for action in actions]


def _action(action: Mapping[str, Any], names: Names) -> str:
    label, detail = str(ACTIONS.get(action["do"], action["do"])), _detail(action, names)
    return f"{label}: {detail}" if detail else label


def _detail(action: Mapping[str, Any], names: Names) -> str:
    if "to" in action:
        words = CHOICES.get(action["do"], {}) | {HIGHER: _("one step up")}
        return str(words.get(action["to"], action["to"]))
    if "queue" in action:
        return names.queues.get(action["queue"], f"#{action['queue']}")
    if "person" in action:
        return names.people.get(action["person"], f"#{action['person']}")
    return str(_DETAILS.get(action["do"], lambda _action, _names: "")(action, names))


def _tags(action: Mapping[str, Any], _names: Names) -> str:
    return ", ".join([*(f"+{tag}" for tag in action.get("add", ())), *(f"−{tag}" for tag in action.get("remove", ()))])


def _told(action: Mapping[str, Any], names: Names) -> str:
    people = [names.people.get(pk, f"#{pk}") for pk in action.get("people", ())]
    return ", ".join([*(role(name) for name in action.get("roles", ())), *people])


def _hours(action: Mapping[str, Any], _names: Names) -> str:
    hours = action["hours"]
    span = ngettext("%(count)s hour", "%(count)s hours", int(hours) or 1) % {"count": f"{hours:g}"}
    return _("“%(what)s” within %(span)s") % {"what": action["what"], "span": span} if "what" in action else span


_DETAILS: dict[str, Any] = {
    "tag": _tags,
    "notify": _told,
    "snooze": _hours,
    "promise": _hours,
    "macro": lambda action, names: f"“{names.macros.get(action['macro'], action['macro'])}”",
    "note": lambda action, _names: f"“{Truncator(action['text']).chars(60)}”",
}


# --- what was done


def sentence(version: RuleVersion) -> dict[str, Any]:
    """A whole rule in words: when, if, then."""
    return {"when": when(version.when), "if": condition(version.condition), "then": then(version.then)}


_CAUSED: dict[str, LazyText] = {
    "priority_changed": gettext_lazy("priority"),
    "tagged": gettext_lazy("tags set"),
    "assigned": gettext_lazy("given to somebody"),
    "released": gettext_lazy("put back for anyone"),
    "transferred": gettext_lazy("moved to another queue"),
    "status_changed": gettext_lazy("status"),
    "resolved": gettext_lazy("resolved"),
    "reopened": gettext_lazy("opened again"),
    "snoozed": gettext_lazy("snoozed"),
    "woken": gettext_lazy("woken"),
    "note_added": gettext_lazy("note written"),
    "notified": gettext_lazy("people told"),
    "promise_made": gettext_lazy("promise made"),
    "macro_used": gettext_lazy("macro run"),
    "rule_failed": gettext_lazy("could not do everything"),
    "rule_stopped": gettext_lazy("stopped: a loop"),
}


def caused(told: Mapping[str, Any]) -> str:
    """One event a rule caused, shortly: "priority: normal → high"."""
    label = str(_CAUSED.get(told["kind"], told["kind"].replace("_", " ")))
    for key, choices in (("priority", Case.Priority.choices), ("status", Case.Status.choices)):
        if key in told:
            names = dict(choices)
            return f"{label}: {names.get(str(told.get('was')), '–')} → {names.get(told[key], told[key])}"
    return label


def role(name: str) -> str:
    return str({OWNER: _("whoever has it, or the leads"), LEADS: _("the leads")}[name])


def higher() -> str:
    return str(_("one step up"))
