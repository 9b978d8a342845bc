"""How a case stood before it was changed with many others, and how that is given back, along the case's own verbs."""

from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

from cases import transitions
from cases.models import Case, Queue
from cases.models.case import Refusal
from crm.models import User

VIA = "bulk"
Given = dict[str, Any]
# The events by which somebody else changes the same thing.
OWNERS = frozenset({"claimed", "assigned", "released", "transferred"})
STATUSES = frozenset({"status_changed", "resolved", "reopened", "closed", "marked_spam", "merged", "unmerged"})
NAPS = frozenset({"snoozed", "woken"})


def owner(case: Case) -> Given:
    return {"assignee": case.assignee_id}


def to_owner(case: Case, by: User, stood: Given) -> None:
    was = User.objects.filter(pk=stood["assignee"], is_active=True).first()
    if stood["assignee"] is None:
        case.release(by=by, via=VIA)
    elif was is None:
        raise Refusal(_("Who had it is no longer here."))
    else:
        case.assign(was, by=by, via=VIA)


def place(case: Case) -> Given:
    return {"queue": case.queue_id} | owner(case)


def transfer(case: Case, by: User, key: int) -> None:
    queue = Queue.objects.filter(pk=key, is_active=True).first()
    if queue is None:
        raise Refusal(_("There is no such queue any more."))
    case.transfer(queue, by=by, via=VIA)


def to_place(case: Case, by: User, stood: Given) -> None:
    transfer(case, by, stood["queue"])
    if case.assignee_id != stood["assignee"]:
        to_owner(case, by, stood)


def standing(case: Case) -> Given:
    waiting = case.waiting_since.isoformat() if case.waiting_since else None
    return {"status": case.status, "waiting_since": waiting}


def to_standing(case: Case, by: User, stood: Given) -> None:
    """Along the table, and with the wait that was counted. What was new is open: somebody has looked at it."""
    wanted = transitions.OPEN if stood["status"] == transitions.NEW else stood["status"]
    if not transitions.allowed(case.status, wanted) and case.status != wanted:
        case.change_status(transitions.OPEN, by=by, via=VIA)
    case.change_status(wanted, by=by, via=VIA)
    waited = parse_datetime(stood["waiting_since"] or "")
    if wanted == transitions.OPEN and case.waiting_since != waited:
        case.waiting_since = waited
        case.save(update_fields=["waiting_since"])


def urgency(case: Case) -> Given:
    return {"priority": case.priority}


def to_urgency(case: Case, by: User, stood: Given) -> None:
    case.set_priority(stood["priority"], by=by, via=VIA)


def tagged(case: Case) -> Given:
    return {"tags": list(case.tags)}


def asleep(case: Case) -> Given:
    return {"until": case.snoozed_until.isoformat() if case.snoozed_until else None}


def to_sleep(case: Case, by: User, stood: Given) -> None:
    until = parse_datetime(stood["until"] or "")
    if until is not None and until > timezone.now():
        case.snooze(until, by=by, via=VIA)
    else:
        case.wake(by=by, via=VIA)
