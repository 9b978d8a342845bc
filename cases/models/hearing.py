"""Who hears of an event of a case, and why; and what it makes superfluous. In the event's own transaction, under the
case's lock: a row a person and event, so that nobody is told twice and nothing told is lost."""

import json
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from cases.models.reasons import LOUD, Reason, Way, ways, weight
from crm.database.prepared import kept
from crm.models import Event

if TYPE_CHECKING:
    from cases.models.case import Case

BEFORE_PUSH = timedelta(seconds=10)  # who reads it in the console meanwhile is not told again on a phone
Audience = Callable[["Case", Event], Iterable[int | None]]


def _owner(case: "Case", _event: Event) -> list[int | None]:
    return [case.assignee_id]


def _named(key: str) -> Audience:
    """Whom the event's data names: one person, or several."""

    def people(_case: "Case", event: Event) -> Iterable[int | None]:
        found = event.data.get(key)
        return found if isinstance(found, list) else [found]

    return people


def _promised(case: "Case", event: Event) -> list[int | None]:
    """Whose promise it is; where it is nobody's, whoever has the case."""
    return [event.data.get("owner") or case.assignee_id]


def _author(case: "Case", event: Event) -> list[int | None]:
    from cases.models.message import Message

    author = Message.objects.filter(pk=event.data["message"]).values_list("author", flat=True).first()
    return [author, case.assignee_id]


_UNDELIVERED: list[tuple[Reason, Audience]] = [(Reason.DELIVERY_FAILED, _author)]
_WHO: Mapping[str, list[tuple[Reason, Audience]]] = {
    "message_received": [(Reason.CUSTOMER_WROTE, _owner)],
    "note_added": [(Reason.MENTION, _named("mentions")), (Reason.NOTE, _owner)],
    "helper_joined": [(Reason.NOTE, _owner)],
    "helper_left": [(Reason.NOTE, _owner)],
    "assigned": [(Reason.ASSIGNED, _named("assignee")), (Reason.TAKEN, _named("was"))],
    "released": [(Reason.TAKEN, _named("was"))],
    "woken": [(Reason.WOKEN, _owner)],
    "reopened": [(Reason.REOPENED, _owner)],
    "promise_due_soon": [(Reason.PROMISE_SOON, _promised), (Reason.PROMISE_SOON, _named("leads"))],
    "promise_raised": [(Reason.PROMISE_SOON, _named("leads"))],
    "promise_broken": [(Reason.PROMISE_BROKEN, _promised)],
    "survey_answered": [(Reason.UNSOLVED, _owner), (Reason.UNSOLVED, _named("leads"))],
    "sla_warned": [(Reason.SLA_WARNED, _owner)],
    "sla_breached": [(Reason.SLA_BREACHED, _owner)],
    "remedy_asked": [(Reason.APPROVAL, _named("leads"))],
    "remedy_raised": [(Reason.APPROVAL, _named("people")), (Reason.DECIDED, _named("asker"))],
    "remedy_approved": [(Reason.DECIDED, _named("asker"))],
    "remedy_refused": [(Reason.DECIDED, _named("asker"))],
    "send_failed": _UNDELIVERED,
    "send_suppressed": _UNDELIVERED,
    "send_unknown": _UNDELIVERED,
    "took_in": [(Reason.MERGED, _owner)],
    "gave_back": [(Reason.MERGED, _owner)],
    "unmerged": [(Reason.MERGED, _owner)],
}
# What whoever follows a case hears of: what was said, whose it is, where it goes.
FOLLOWED = frozenset(
    {"message_received", "reply_released", "answer_released", "note_added", "assigned", "claimed", "released",
     "transferred", "resolved", "reopened", "promise_broken", "took_in", "gave_back", "split_off"}
)  # fmt: skip
TELLING = frozenset(_WHO) | FOLLOWED | {"notified"}


def tell(case: "Case", event: Event) -> None:
    """A row for everybody the event concerns but who did it, as they want to hear of it."""
    _tell(case, event, _direct(case, event) if event.kind in TELLING else {})


def tell_one(case: "Case", event: Event, user: int, reason: Reason) -> None:
    """The same of an event that is not the case's own, to the one it is for."""
    _tell(case, event, {user: reason})


def _tell(case: "Case", event: Event, direct: Mapping[int, Reason]) -> None:
    follows = event.kind in FOLLOWED and not _is_fresh(case, event)
    if not direct and not follows:
        return
    for user, chosen, muted in _listening(case, event, direct, follows=follows):
        reason = direct.get(user, Reason.FOLLOWING)
        by = ways(reason, chosen)
        if by and (not muted or reason in LOUD):
            _add(case, event, user, reason, by)


def _direct(case: "Case", event: Event) -> dict[int, Reason]:
    """Each person once, for the strongest of their reasons."""
    found: dict[int, Reason] = {}
    for reason, audience in _audiences(event):
        for user in audience(case, event):
            if user and (user not in found or weight(reason) < weight(found[user])):
                found[user] = reason
    return found


def _audiences(event: Event) -> list[tuple[Reason, Audience]]:
    if event.kind == "notified":
        return [(Reason(event.reason) if event.reason in Reason else Reason.TOLD, _named("people"))]
    if event.kind == "reopened" and event.reason == "customer_replied":
        return []  # what the customer wrote is told already
    if event.kind == "survey_answered" and event.reason == "solved":
        return []  # nobody is needed
    return _WHO.get(event.kind, [])


def _is_fresh(case: "Case", event: Event) -> bool:
    """Nobody can follow a case of which this is the first, or that was opened for it: following, too, raises its version."""
    return event.version <= 1 or (event.version == 2 and event.at == case.opened_at)


def _listening(
    case: "Case", event: Event, direct: Mapping[int, Reason], *, follows: bool
) -> list[tuple[int, dict[str, list[str]], bool]]:
    """Who of them works here and has not done it: with what they chose, and whether they muted the case."""
    clock = str(event.data.get("clock", "")) if event.kind == "notified" else ""
    with kept() as cursor:
        values = {"case": case.pk, "actor": event.actor_id or 0, "direct": list(direct), "follows": follows}
        cursor.execute(_LISTENING, {**values, "clock": clock, "reason": event.reason})
        return [(user, json.loads(chosen), muted) for user, chosen, muted in cursor.fetchall()]


# What a service time's action tells is what its warning or breach told already: each hears of it once.
_LISTENING = """
SELECT u.id, COALESCE(s.ways, '{}'), EXISTS (SELECT FROM cases_mutedcase m WHERE m.user_id = u.id AND m.case_id = %(case)s)
  FROM crm_user u LEFT JOIN cases_notificationsettings s ON s.user_id = u.id
 WHERE u.is_active AND u.id <> %(actor)s
   AND u.id IN (SELECT unnest(%(direct)s::bigint[])
                UNION SELECT user_id FROM cases_watch WHERE %(follows)s::boolean AND case_id = %(case)s)
   AND (%(clock)s::text = '' OR NOT EXISTS (
        SELECT FROM cases_notification n JOIN crm_event e ON e.id = n.event_id
         WHERE n.user_id = u.id AND n.case_id = %(case)s AND n.reason = %(reason)s AND e.data ->> 'clock' = %(clock)s::text))
 ORDER BY u.id
"""


def _add(case: "Case", event: Event, user: int, reason: Reason, by: list[str]) -> None:
    with kept() as cursor:
        push = event.at + BEFORE_PUSH if Way.PUSH in by else None
        cursor.execute(_ADDED, [user, case.pk, event.pk, reason.value, by, event.at, push])


_ADDED = """
INSERT INTO cases_notification (user_id, case_id, event_id, reason, ways, at, push_at)
VALUES (%s, %s, %s, %s, %s::varchar[], %s, %s::timestamptz)
ON CONFLICT DO NOTHING
"""


# --- what is over

_TO_ANSWER = (Reason.CUSTOMER_WROTE, Reason.REOPENED, Reason.UNSOLVED)
_OF_OWNERS = (
    Reason.ASSIGNED, Reason.CUSTOMER_WROTE, Reason.REOPENED, Reason.WOKEN, Reason.NOTE, Reason.SLA_WARNED,
    Reason.SLA_BREACHED, Reason.UNSOLVED,
)  # fmt: skip
_OVER = (*_OF_OWNERS, Reason.PROMISE_SOON)
_PROMISES = (Reason.PROMISE_SOON, Reason.PROMISE_BROKEN)
# After these, notifications of these reasons tell nothing true any more: all of the case's, or (with a key) those whose
# event has the same promise, message or clock.
_ENDS: Mapping[str, tuple[tuple[Reason, ...], str]] = {
    "reply_released": (_TO_ANSWER, ""),
    "answer_released": (_TO_ANSWER, ""),
    "resolved": (_OVER, ""),
    "closed": (tuple(reason for reason in _OVER if reason != Reason.UNSOLVED), ""),  # by itself, a week after: no help
    "marked_spam": (_OVER, ""),
    "reopened": ((Reason.UNSOLVED,), ""),
    "need_met": ((Reason.UNSOLVED,), ""),
    "promise_kept": (_PROMISES, "promise"),
    "promise_moved": (_PROMISES, "promise"),
    "promise_broken": ((Reason.PROMISE_SOON,), "promise"),
    "send_retried": ((Reason.DELIVERY_FAILED,), "message"),
    "sent": ((Reason.DELIVERY_FAILED,), "message"),
    "message_delivered": ((Reason.DELIVERY_FAILED,), "message"),
    "message_read": ((Reason.DELIVERY_FAILED,), "message"),
    "task_done": ((Reason.REMINDER,), "task"),
    "task_dropped": ((Reason.REMINDER,), "task"),
    "remedy_approved": ((Reason.APPROVAL,), "remedy"),
    "remedy_refused": ((Reason.APPROVAL,), "remedy"),
    "remedy_called_off": ((Reason.APPROVAL,), "remedy"),
    "sla_breached": ((Reason.SLA_WARNED,), "clock"),
    # Whose it is no longer need not answer in it.
    "assigned": (_OF_OWNERS, "owner"),
    "released": (_OF_OWNERS, "owner"),
    "claimed": (_OF_OWNERS, "owner"),
    "transferred": (_OF_OWNERS, "owner"),
}
# With these a clock of the case may have been met or stopped.
_STOPS_CLOCKS = frozenset(
    {"answer_released", "reply_released", "status_changed", "resolved", "closed", "priority_changed"}
)
ENDING = frozenset(_ENDS) | _STOPS_CLOCKS


def end(case: "Case", event: Event) -> None:
    """What was told before and is done with this: it leaves everybody's panel."""
    reasons, key = _ENDS.get(event.kind, ((), ""))
    if reasons:
        _end(case, event, [r.value for r in reasons], key)
    if event.kind in _STOPS_CLOCKS:
        _end(case, event, [Reason.SLA_WARNED.value, Reason.SLA_BREACHED.value], "stopped")


def _end(case: "Case", event: Event, reasons: list[str], key: str) -> None:
    about = {"key": key, "value": str(event.data.get(key, "")), "owner": case.assignee_id or 0}
    with kept() as cursor:
        cursor.execute(_ENDED, {"event": event.pk, "case": case.pk, "reasons": reasons, **about})


_ENDED = """
UPDATE cases_notification n SET ended_by_id = %(event)s FROM crm_event e
 WHERE n.case_id = %(case)s AND n.read_at IS NULL AND n.ended_by_id IS NULL AND n.reason = ANY(%(reasons)s)
   AND e.id = n.event_id AND CASE %(key)s::text
       WHEN '' THEN true
       WHEN 'owner' THEN n.user_id <> %(owner)s
       WHEN 'stopped' THEN NOT EXISTS (
            SELECT FROM cases_clock c WHERE c.id = (e.data ->> 'clock')::bigint
               AND c.met_at IS NULL AND c.cancelled_at IS NULL AND c.paused_at IS NULL)
       ELSE e.data ->> %(key)s::text = %(value)s END
"""
