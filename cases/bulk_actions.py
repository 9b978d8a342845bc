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

from cases import bulk_back, bulk_macros, outcomes, transitions, when
from cases.bulk_back import NAPS, OWNERS, STATUSES, VIA, Given
from cases.hooks import resolve_checks
from cases.models import Case, Queue
from cases.models.case import Refusal
from cases.models.outcome import PARTS
from crm.models import User


@dataclass(frozen=True)
class Action:
    """`verb` is its row of the roles table. `read` makes plain ids and words of what a form or a script says, or raises
    Refusal. `do` is done under the case's lock, told the version that was `seen` too, and may say what it made; `back` gets
    that and what `stood` said before, and may say what of it stays. `touches` are the events by which somebody else changes
    the same thing; `heeds` those that besides make it pointless."""

    name: str
    label: Words
    verb: str
    do: Callable[[Case, User, Given], Given | None]
    stood: Callable[[Case], Given]
    back: Callable[[Case, User, Given, Given], str | None]
    touches: Callable[[Given], frozenset[str]]
    read: Callable[[Mapping[str, Any], User], Given] = lambda _given, _by: {}
    heeds: Callable[[Given], frozenset[str]] = lambda _given: frozenset()


# --- whose


def _assign(case: Case, by: User, given: Given) -> None:
    to = User.objects.filter(pk=given["to"], is_active=True).first()
    if to is None:
        raise Refusal(_("There is nobody of that name."))
    case.assign(to, by=by, via=VIA)


def _read_person(given: Mapping[str, Any], by: User) -> Given:
    to = _number(given.get("to"))
    if to is None or not User.objects.filter(pk=to, is_active=True).exists():
        raise Refusal(_("Choose who gets them."))
    return {"to": to}


def _to_owner(case: Case, by: User, stood: Given, given: Given) -> None:
    bulk_back.to_owner(case, by, stood)


# --- where


def _transfer(case: Case, by: User, given: Given) -> None:
    bulk_back.transfer(case, by, given["queue"])


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
        outcomes.note(case, by=by, via=VIA, **outcomes.chosen({k: given[k] for k in PARTS if k in given}))
    case.change_status(given["status"], by=by, via=VIA)


def _read_status(given: Mapping[str, Any], by: User) -> Given:
    """With how they all ended, where they are resolved and somebody says so; a case that wants more is refused by itself."""
    if given.get("status") not in BY_HAND:
        raise Refusal(_("Choose a status."))
    if given["status"] != transitions.RESOLVED:
        return {"status": given["status"]}
    said = outcomes.chosen({part: given[part] for part in PARTS if given.get(part)})
    return {"status": given["status"], **{part: row.pk for part, row in said.items()}}


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
    bulk_back.to_sleep(case, by, stood)


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


def _always(*kinds: str) -> Callable[[Given], frozenset[str]]:
    return lambda _given: frozenset(kinds)


ACTIONS: dict[str, Action] = {
    action.name: action
    for action in [
        Action(
            "take",
            gettext_lazy("Take them"),
            "claim",
            lambda case, by, _given: case.claim(by=by, via=VIA),
            bulk_back.owner,
            _to_owner,
            _always(*OWNERS),
        ),
        Action(
            "assign",
            gettext_lazy("Assign"),
            "assign",
            _assign,
            bulk_back.owner,
            _to_owner,
            _always(*OWNERS),
            _read_person,
        ),
        Action(
            "release",
            gettext_lazy("Put back for anyone"),
            "release",
            lambda case, by, _given: case.release(by=by, via=VIA),
            bulk_back.owner,
            _to_owner,
            _always(*OWNERS),
        ),
        Action(
            "transfer",
            gettext_lazy("Move to another queue"),
            "transfer",
            _transfer,
            bulk_back.place,
            lambda case, by, stood, _given: bulk_back.to_place(case, by, stood),
            _always(*OWNERS),
            _read_queue,
        ),
        Action(
            "status",
            gettext_lazy("Status"),
            "status",
            _status,
            bulk_back.standing,
            lambda case, by, stood, _given: bulk_back.to_standing(case, by, stood),
            _always(*STATUSES),
            _read_status,
            _heeded,
        ),
        Action(
            "priority",
            gettext_lazy("Priority"),
            "priority",
            lambda case, by, given: case.set_priority(given["priority"], by=by, via=VIA),
            bulk_back.urgency,
            lambda case, by, stood, _given: bulk_back.to_urgency(case, by, stood),
            _always("priority_changed"),
            _read_priority,
        ),
        Action(
            "tag",
            gettext_lazy("Add tags"),
            "tag",
            _add_tags,
            bulk_back.tagged,
            _undo_added,
            _always(),
            _tags,
        ),
        Action(
            "untag",
            gettext_lazy("Remove tags"),
            "tag",
            _drop_tags,
            bulk_back.tagged,
            _undo_dropped,
            _always(),
            _tags,
        ),
        Action(
            "snooze",
            gettext_lazy("Snooze"),
            "snooze",
            _snooze,
            bulk_back.asleep,
            _to_sleep,
            _always(*NAPS, *STATUSES),
            _read_time,
        ),
        Action(
            "wake",
            gettext_lazy("Wake"),
            "snooze",
            lambda case, by, _given: case.wake(by=by, via=VIA),
            bulk_back.asleep,
            _to_sleep,
            _always(*NAPS, *STATUSES),
        ),
        Action(
            "macro",
            gettext_lazy("Run a macro"),
            "macro",
            bulk_macros.do,
            bulk_macros.stood,
            bulk_macros.back,
            bulk_macros.touches,
            bulk_macros.read,
            bulk_macros.heeds,
        ),
    ]
}
