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
from customers import saying
from customers.comparisons import OPERATORS
from customers.conditions import Collection, Fact


def catalogue(user: User) -> dict[str, Any]:
    """All of it, in this person's language, as far as they may name it."""
    return {
        "facts": [_fact(fact, user) for fact in registry().values() if isinstance(fact, Fact)],
        "collections": [_collection(rows) for rows in registry().values() if isinstance(rows, Collection)],
        "operators": {kind: _operators(kind) for kind in OPERATORS},
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
    told: dict[str, Any] = {"name": fact.name, "type": fact.type, "label": fact_label(fact)}
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


def _collection(rows: Collection) -> dict[str, Any]:
    fields = [{"name": f.name, "type": f.type, "label": str(f.label)} for f in rows.fields]
    return {"name": rows.name, "label": str(rows.label), "fields": fields}


def _operators(kind: str) -> list[dict[str, str]]:
    found = OPERATORS[kind]
    return [{"name": name, "label": str(saying.OPERATORS[name]), "takes": op.takes} for name, op in found.items()]


def _pairs(words_: Any) -> list[list[str]]:
    return [[key, str(label)] for key, label in words_.items()]


def fact_label(fact: Fact | Collection) -> str:
    """As it is chosen from a list: whose it is, and what."""
    return _("Customer: %(fact)s") % {"fact": fact.label} if fact.name.startswith("customer.") else str(fact.label)


def editor() -> dict[str, str]:
    """Every word of static/js/admin_rule.js."""
    return {
        "all": _("All of these hold"),
        "any": _("Any of these holds"),
        "not": _("not"),
        "add": _("Add a condition"),
        "group": _("Add a group"),
        "rows": _("Add: there are …"),
        "remove": _("Remove"),
        "up": _("Up"),
        "down": _("Down"),
        "action": _("Add an action"),
        "json": _("As JSON"),
        "form": _("As a form"),
        "fact": _("What"),
        "compare": _("How"),
        "joined": _("Together"),
        "value": _("Value"),
        "none": _("No condition: it always holds."),
        "nothing": _("No action yet."),
        "yes": _("yes"),
        "no": _("no"),
        "commas": _("several, separated by commas"),
        "days_ago": _("days ago"),
        "hours_ago": _("hours ago"),
        "days_ahead": _("days from now"),
        "hours_ahead": _("hours from now"),
        "at": _("at"),
        "and": _("and"),
        "hours": _("hours"),
        "tags_add": _("Tags to add"),
        "tags_remove": _("Tags to take off"),
        "text": _("Words of the note; @name tells somebody"),
        "what": _("What is promised"),
        "people": _("People"),
        "roles": _("Told"),
        "choose": _("choose …"),
        "where": _("where"),
    }
