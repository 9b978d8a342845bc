"""What a rule can be put together from, for whoever writes one: facts with their comparisons, events, actions, and the
people and queues that may be named."""

from typing import Any

from django.utils.translation import gettext as _

from cases.macro_steps import personal
from cases.models import Case, Channel, Macro, Queue
from cases.models.rule_shape import ACTIONS, EVENTS, GROUPS, HIGHER, LEADS, OWNER, STATUSES
from cases.rules import reach, words
from cases.rules.knowledge import registry
from crm.models import User
from customers import catalogue as of_conditions
from customers.conditions import Collection, Fact


def catalogue(user: User) -> dict[str, Any]:
    """All of it, in this person's language, as far as they may name it."""
    return {
        "facts": [_fact(fact, user) for fact in registry().values() if isinstance(fact, Fact)],
        "collections": [of_conditions.collection(rows) for rows in registry().values() if isinstance(rows, Collection)],
        **of_conditions.common(),
        "events": [{"label": str(GROUPS[group]), "kinds": _pairs(kinds)} for group, kinds in EVENTS.items()],
        "actions": _pairs(ACTIONS),
        "queues": list(Queue.objects.steered_by(user).filter(is_active=True).values_list("pk", "name")),
        "people": [[person.pk, person.name] for person in reach.people_of(user).order_by("first_name", "username")],
        "macros": _macros(user),
        "roles": [[OWNER, words.role(OWNER)], [LEADS, words.role(LEADS)]],
        "words": editor(),
        "priorities": [[HIGHER, words.higher()], *_pairs(dict(Case.Priority.choices))],
        "statuses": [[s, str(label)] for s, label in Case.Status.choices if s in STATUSES],
    }


def _macros(user: User) -> list[list[Any]]:
    """Those a rule can run: nothing of them is done in a person's name."""
    found = Macro.objects.readable_by(user).filter(is_active=True, current__isnull=False).select_related("current")
    return [[macro.pk, str(macro)] for macro in found.order_by("current__title") if not personal(macro.steps)]


def _fact(fact: Fact, user: User) -> dict[str, Any]:
    told = of_conditions.fact_told(fact, fact_label(fact))
    if choices := _choices(fact.name, user):
        told["choices"] = choices
    return told


def _choices(name: str, user: User) -> list[list[str]]:
    theirs = Queue.objects.steered_by(user).filter(is_active=True)
    if name == "queue":
        return [[queue, queue] for queue in theirs.values_list("name", flat=True)]
    if name == "channel":
        kinds = {
            "mail",
            "web",
            "chat",
            "phone",
            *Channel.objects.filter(queue__in=theirs).values_list("slug", flat=True),
        }
        return [[kind, kind] for kind in sorted(kinds)]
    return _pairs(words.CHOICES.get(name, {}))


def _pairs(words_: Any) -> list[list[str]]:
    return [[key, str(label)] for key, label in words_.items()]


def fact_label(fact: Fact | Collection) -> str:
    """As it is chosen from a list: whose it is, and what."""
    return _("Customer: %(fact)s") % {"fact": fact.label} if fact.name.startswith("customer.") else str(fact.label)


def editor() -> dict[str, str]:
    """Every word of static/js/admin_rule.js."""
    return of_conditions.words() | {
        "up": _("Up"),
        "down": _("Down"),
        "action": _("Add an action"),
        "nothing": _("No action yet."),
        "hours": _("hours"),
        "tags_add": _("Tags to add"),
        "tags_remove": _("Tags to take off"),
        "text": _("Words of the note; @name tells somebody"),
        "what": _("What is promised"),
        "people": _("People"),
        "roles": _("Told"),
        "choose": _("choose …"),
    }
