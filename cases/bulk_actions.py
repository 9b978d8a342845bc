"""What may be done to many cases at once: what each needs to be told, does by the case's own verbs, and takes back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.functional import Promise as Words
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import transitions, when
from cases.hooks import resolve_checks
from cases.models import Case, Queue
from cases.models.case import Refusal
from crm.models import User

VIA = "bulk"
Given = dict[str, Any]


@dataclass(frozen=True)
class Action:
    """`verb` is its row of the roles table. `read` makes plain ids and words of what a form or a script says, or raises
    Refusal. `do` is done under the case's lock; `back` gets what `stood` said before. `touches` are the events by which
    somebody else changes the same thing; `heeds` those that besides make it pointless."""

    name: str
    label: Words
    verb: str
    do: Callable[[Case, User, Given], None]
    stood: Callable[[Case], Given]
    back: Callable[[Case, User, Given, Given], None]
    touches: frozenset[str]
    read: Callable[[Mapping[str, Any], User], Given] = lambda _given, _by: {}
    heeds: Callable[[Given], frozenset[str]] = lambda _given: frozenset()


_OWNERS = frozenset({"claimed", "assigned", "released", "transferred"})
_STATUSES = frozenset({"status_changed", "resolved", "reopened", "closed", "marked_spam", "merged", "unmerged"})
_NAPS = frozenset({"snoozed", "woken"})


# --- whose


def _owner(case: Case) -> Given:
    return {"assignee": case.assignee_id}


def _assign(case: Case, by: User, given: Given) -> None:
    to = User.objects.filter(pk=given["to"], is_active=True).first()
    if to is None:
        raise Refusal(_("There is nobody of that name."))
    case.assign(to, by=by, via=VIA)


def _to_owner(case: Case, by: User, stood: Given, given: Given) -> None:
    was = User.objects.filter(pk=stood["assignee"], is_active=True).first()
    if stood["assignee"] is None:
        case.release(by=by, via=VIA)
    elif was is None:
        raise Refusal(_("Who had it is no longer here."))
    else:
        case.assign(was, by=by, via=VIA)


def _read_person(given: Mapping[str, Any], by: User) -> Given:
    to = _number(given.get("to"))
    if to is None or not User.objects.filter(pk=to, is_active=True).exists():
        raise Refusal(_("Choose who gets them."))
    return {"to": to}


# --- where


def _transfer(case: Case, by: User, given: Given) -> None:
    queue = Queue.objects.filter(pk=given["queue"], is_active=True).first()
    if queue is None:
        raise Refusal(_("There is no such queue any more."))
    case.transfer(queue, by=by, via=VIA)


def _to_queue(case: Case, by: User, stood: Given, given: Given) -> None:
    _transfer(case, by, stood)
    if case.assignee_id != stood["assignee"]:
        _to_owner(case, by, stood, given)


def _read_queue(given: Mapping[str, Any], by: User) -> Given:
    queue = _number(given.get("queue"))
    if queue is None or not Queue.objects.filter(pk=queue, is_active=True).exists():
        raise Refusal(_("Choose a queue."))
    return {"queue": queue}


# --- how it stands

BY_HAND = frozenset({transitions.OPEN, "waiting_customer", "waiting_internal", transitions.RESOLVED, transitions.SPAM})


def _status(case: Case, by: User, given: Given) -> None:
    if given["status"] == transitions.RESOLVED and case.status != transitions.RESOLVED:
        told = [sentence for sentence in resolve_checks.collect(case, by) if sentence]
        if told:
            raise Refusal(" ".join(told))
    case.change_status(given["status"], by=by, via=VIA)


def _to_status(case: Case, by: User, stood: Given, given: Given) -> None:
    """Along the table, and with the wait that was counted. What was new is open: somebody has looked at it."""
    wanted = transitions.OPEN if stood["status"] == transitions.NEW else stood["status"]
    if not transitions.allowed(case.status, wanted) and case.status != wanted:
        case.change_status(transitions.OPEN, by=by, via=VIA)
    case.change_status(wanted, by=by, via=VIA)
    waited = parse_datetime(stood["waiting_since"] or "")
    if wanted == transitions.OPEN and case.waiting_since != waited:
        case.waiting_since = waited
        case.save(update_fields=["waiting_since"])


def _standing(case: Case) -> Given:
    waiting = case.waiting_since.isoformat() if case.waiting_since else None
    return {"status": case.status, "waiting_since": waiting}


def _read_status(given: Mapping[str, Any], by: User) -> Given:
    if given.get("status") not in BY_HAND:
        raise Refusal(_("Choose a status."))
    return {"status": given["status"]}


def _heeded(given: Given) -> frozenset[str]:
    """Who has just written is not done with."""
    return frozenset({"message_received"}) if given["status"] not in transitions.ACTIVE else frozenset()


def _read_priority(given: Mapping[str, Any], by: User) -> Given:
    if given.get("priority") not in Case.Priority.values:
        raise Refusal(_("Choose a priority."))
    return {"priority": given["priority"]}


# --- tags


def _tags(given: Mapping[str, Any], by: User) -> Given:
    typed = given.get("tags", "")
    each = typed.split(",") if isinstance(typed, str) else [str(tag) for tag in typed]
    wanted = sorted({tag.strip().lower()[:60] for tag in each if tag.strip()})
    if not wanted or len(wanted) > 20:
        raise Refusal(_("Type one tag or several, with commas between, at most 20."))
    return {"tags": wanted}


def _add_tags(case: Case, by: User, given: Given) -> None:
    case.set_tags([*case.tags, *given["tags"]], by=by, via=VIA)


def _drop_tags(case: Case, by: User, given: Given) -> None:
    case.set_tags([tag for tag in case.tags if tag not in given["tags"]], by=by, via=VIA)


def _undo_added(case: Case, by: User, stood: Given, given: Given) -> None:
    _drop_tags(case, by, {"tags": [tag for tag in given["tags"] if tag not in stood["tags"]]})


def _undo_dropped(case: Case, by: User, stood: Given, given: Given) -> None:
    _add_tags(case, by, {"tags": [tag for tag in given["tags"] if tag in stood["tags"]]})


# --- sleep


def _snooze(case: Case, by: User, given: Given) -> None:
    until = parse_datetime(given["until"])
    assert until is not None  # noqa: S101 - `_read_time` wrote it
    case.snooze(until, by=by, via=VIA)


def _to_sleep(case: Case, by: User, stood: Given, given: Given) -> None:
    until = parse_datetime(stood["until"] or "")
    if until is not None and until > timezone.now():
        case.snooze(until, by=by, via=VIA)
    else:
        case.wake(by=by, via=VIA)


def _asleep(case: Case) -> Given:
    return {"until": case.snoozed_until.isoformat() if case.snoozed_until else None}


def _read_time(given: Mapping[str, Any], by: User) -> Given:
    typed = str(given.get("until", ""))
    exact = _exact(typed)
    if exact is not None:
        return {"until": exact.isoformat()}
    try:
        return {"until": when.parse(typed, now=timezone.localtime()).isoformat()}
    except when.NotATime as error:
        raise Refusal(str(error)) from None


def _exact(typed: str) -> datetime | None:
    try:
        at = parse_datetime(typed)
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None and at > timezone.now() else None


def _number(given: Any) -> int | None:
    text = str(given)
    return int(text) if text.isdecimal() and len(text) < 19 else None


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in [
        Action(
            "take",
            gettext_lazy("Take them"),
            "claim",
            lambda case, by, _given: case.claim(by=by, via=VIA),
            _owner,
            _to_owner,
            _OWNERS,
        ),
        Action("assign", gettext_lazy("Assign"), "assign", _assign, _owner, _to_owner, _OWNERS, _read_person),
        Action(
            "release",
            gettext_lazy("Put back for anyone"),
            "release",
            lambda case, by, _given: case.release(by=by, via=VIA),
            _owner,
            _to_owner,
            _OWNERS,
        ),
        Action(
            "transfer",
            gettext_lazy("Move to another queue"),
            "transfer",
            _transfer,
            lambda case: {"queue": case.queue_id, "assignee": case.assignee_id},
            _to_queue,
            _OWNERS,
            _read_queue,
        ),
        Action(
            "status", gettext_lazy("Status"), "status", _status, _standing, _to_status, _STATUSES, _read_status, _heeded
        ),
        Action(
            "priority",
            gettext_lazy("Priority"),
            "priority",
            lambda case, by, given: case.set_priority(given["priority"], by=by, via=VIA),
            lambda case: {"priority": case.priority},
            lambda case, by, stood, _given: case.set_priority(stood["priority"], by=by, via=VIA),
            frozenset({"priority_changed"}),
            _read_priority,
        ),
        Action(
            "tag",
            gettext_lazy("Add tags"),
            "tag",
            _add_tags,
            lambda c: {"tags": list(c.tags)},
            _undo_added,
            frozenset(),
            _tags,
        ),
        Action(
            "untag",
            gettext_lazy("Remove tags"),
            "tag",
            _drop_tags,
            lambda c: {"tags": list(c.tags)},
            _undo_dropped,
            frozenset(),
            _tags,
        ),
        Action("snooze", gettext_lazy("Snooze"), "snooze", _snooze, _asleep, _to_sleep, _NAPS | _STATUSES, _read_time),
        Action(
            "wake",
            gettext_lazy("Wake"),
            "snooze",
            lambda case, by, _given: case.wake(by=by, via=VIA),
            _asleep,
            _to_sleep,
            _NAPS | _STATUSES,
        ),
    ]
}
