"""What a rule's version says: when it is asked, and what is done then. Its shape, its one spelling, and what is wrong
with it; the condition between the two is the house's language (customers.conditions)."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext_lazy

from cases import transitions
from customers.folding import clean

# The events a rule may wait for: those sockets, the API and webhooks tell of, in groups a person looks under.
EVENTS: dict[str, dict[str, LazyText]] = {
    "words": {
        "opened": gettext_lazy("a case is opened"),
        "message_received": gettext_lazy("the customer writes"),
        "answer_released": gettext_lazy("an answer goes out"),
        "reply_released": gettext_lazy("a reply that is no answer goes out"),
        "note_added": gettext_lazy("a note is written"),
        "feeling_marked": gettext_lazy("it is noted how the customer felt"),
        "send_failed": gettext_lazy("a message could not be delivered"),
    },
    "people": {
        "claimed": gettext_lazy("somebody takes it"),
        "assigned": gettext_lazy("it is given to somebody"),
        "released": gettext_lazy("it is put back for anyone"),
        "transferred": gettext_lazy("it is moved to another queue"),
        "customer_set": gettext_lazy("it is said whose it is"),
    },
    "standing": {
        "status_changed": gettext_lazy("its status changes"),
        "resolved": gettext_lazy("it is resolved"),
        "reopened": gettext_lazy("it is opened again"),
        "closed": gettext_lazy("it is closed"),
        "marked_spam": gettext_lazy("it is marked as spam"),
        "priority_changed": gettext_lazy("its priority changes"),
        "tagged": gettext_lazy("its tags change"),
        "fields_filled": gettext_lazy("fields are filled in"),
        "snoozed": gettext_lazy("it is snoozed"),
        "woken": gettext_lazy("it wakes up"),
        "need_met": gettext_lazy("the need is met"),
        "need_unmet": gettext_lazy("the need proves not to be met"),
    },
    "time": {
        "promise_made": gettext_lazy("a promise is made"),
        "promise_due_soon": gettext_lazy("a promise is due soon"),
        "promise_broken": gettext_lazy("a promise is broken"),
        "promise_kept": gettext_lazy("a promise is kept"),
        "sla_warned": gettext_lazy("a service time runs out soon"),
        "sla_breached": gettext_lazy("a service time has run out"),
    },
}
GROUPS: dict[str, Any] = {
    "words": gettext_lazy("What is said"),
    "people": gettext_lazy("Whose it is"),
    "standing": gettext_lazy("How it stands"),
    "time": gettext_lazy("Time and promises"),
}
KINDS: dict[str, LazyText] = {kind: label for group in EVENTS.values() for kind, label in group.items()}
# Moments that are no event: so many hours have passed and nothing happened.
UNANSWERED, QUIET = "unanswered", "quiet"
WAITS = (UNANSWERED, QUIET)
LONGEST_WAIT = 24 * 365  # hours

PRIORITY, TAG, ASSIGN, RELEASE, TRANSFER = "priority", "tag", "assign", "release", "transfer"
STATUS, SNOOZE, NOTE, NOTIFY, ESCALATE, PROMISE = "status", "snooze", "note", "notify", "escalate", "promise"
MACRO = "macro"
ACTIONS: dict[str, LazyText] = {
    PRIORITY: gettext_lazy("Set the priority"),
    TAG: gettext_lazy("Set tags"),
    ASSIGN: gettext_lazy("Give it to a person"),
    RELEASE: gettext_lazy("Put it back for anyone"),
    TRANSFER: gettext_lazy("Move it to a queue"),
    STATUS: gettext_lazy("Set the status"),
    SNOOZE: gettext_lazy("Snooze it"),
    NOTE: gettext_lazy("Write a note"),
    NOTIFY: gettext_lazy("Tell people"),
    ESCALATE: gettext_lazy("Escalate: one priority up, and tell the leads"),
    PROMISE: gettext_lazy("Promise something"),
    MACRO: gettext_lazy("Run a macro"),
}
HIGHER, OWNER, LEADS = "higher", "owner", "leads"
PRIORITIES = ("low", "normal", "high", "urgent")
STATUSES = (*transitions.WORKING, transitions.RESOLVED)
MOST_ACTIONS, MOST_PEOPLE, MOST_TAGS = 20, 50, 20
LONGEST_NOTE, LONGEST_PROMISE, LONGEST_TAG = 2000, 300, 60

# What each action says beside `do`: (needed, allowed).
KEYS: dict[str, tuple[set[str], set[str]]] = {
    PRIORITY: ({"to"}, {"to"}),
    TAG: (set(), {"add", "remove"}),
    ASSIGN: ({"person"}, {"person"}),
    RELEASE: (set(), set()),
    TRANSFER: ({"queue"}, {"queue"}),
    STATUS: ({"to"}, {"to"}),
    SNOOZE: ({"hours"}, {"hours"}),
    NOTE: ({"text"}, {"text"}),
    NOTIFY: (set(), {"roles", "people"}),
    ESCALATE: (set(), set()),
    PROMISE: ({"what", "hours"}, {"what", "hours"}),
    MACRO: ({"macro"}, {"macro"}),
}


def canonical_when(when: Mapping[str, Any]) -> dict[str, Any]:
    """The one spelling of a checked `when`: events in the order of the list above, no empty wait."""
    asked = set(when.get("events") or ())
    waits = {wait: when[wait] for wait in WAITS if when.get(wait)}
    return {"events": [kind for kind in KINDS if kind in asked], **waits}


def canonical_then(then: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The one spelling of checked actions, in their order."""
    return [{"do": action["do"], **_told(action)} for action in then]


def _told(action: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for key in sorted(KEYS[action["do"]][1]):
        value = action.get(key)
        if isinstance(value, (list, tuple)):
            told |= {key: sorted({word(v) if key in {"add", "remove"} else v for v in value})} if value else {}
        elif value not in (None, ""):
            told[key] = clean(value).strip() if isinstance(value, str) else value
    return told


def word(tag: str) -> str:
    return clean(tag).strip().lower()


def named(then: Sequence[Mapping[str, Any]]) -> tuple[set[int], set[int]]:
    """The queues and the people that checked actions name."""
    queues = {action["queue"] for action in then if action.get("queue")}
    people = {p for action in then for p in [*(action.get("people") or ()), action.get("person")] if p}
    return queues, people


def macros_in(then: Sequence[Mapping[str, Any]]) -> set[int]:
    """The macros that checked actions run."""
    return {action["macro"] for action in then if action.get("macro")}
