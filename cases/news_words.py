"""What a notification says: what happened, and why its reader is told."""

from collections.abc import Iterable
from typing import Any

from django.utils.functional import Promise as LazyText
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import telling, thread
from cases.models import Notification
from cases.models.reasons import Reason
from cases.undelivered import cause
from crm.models import Event

# What a case's thread shows as a message, or not at all, and a panel tells in a line.
_WHAT: dict[str, LazyText] = {
    "message_received": gettext_lazy("%(customer)s wrote"),
    "whispered": gettext_lazy("%(who)s whispers to you"),
    "note_added": gettext_lazy("%(who)s wrote a note"),
    "reply_released": gettext_lazy("%(who)s replied"),
    "answer_released": gettext_lazy("%(who)s answered"),
    "promise_due_soon": gettext_lazy("A promise is soon due"),
    "promise_raised": gettext_lazy("A promise is nearly due, and still open"),
    "send_failed": gettext_lazy("Not delivered: %(cause)s"),
    "send_suppressed": gettext_lazy("Not sent: %(cause)s"),
    "send_unknown": gettext_lazy("It may not have arrived: %(cause)s"),
}
_GIVEN = gettext_lazy("%(who)s gave it to you")
_TOLD: dict[str, LazyText] = {
    Reason.SLA_WARNED: gettext_lazy("A service time runs out soon"),
    Reason.SLA_BREACHED: gettext_lazy("A service time has run out"),
    Reason.REMINDER: gettext_lazy("A reminder is due"),
    Reason.ASIDE: gettext_lazy("Who was asked beside the case has answered"),
}
WHY: dict[str, LazyText] = {
    Reason.DELIVERY_FAILED: gettext_lazy("you wrote it, or the case is yours"),
    Reason.PROMISE_BROKEN: gettext_lazy("the promise is yours"),
    Reason.SLA_BREACHED: gettext_lazy("the case is yours, or you look after its queue"),
    Reason.PROMISE_SOON: gettext_lazy("the promise is yours, or you look after its queue"),
    Reason.SLA_WARNED: gettext_lazy("the case is yours, or you look after its queue"),
    Reason.REMINDER: gettext_lazy("you are to be reminded"),
    Reason.MENTION: gettext_lazy("you are named"),
    Reason.ASSIGNED: gettext_lazy("it is yours now"),
    Reason.WHISPER: gettext_lazy("it is for you alone"),
    Reason.CUSTOMER_WROTE: gettext_lazy("the case is yours"),
    Reason.UNSOLVED: gettext_lazy("the case is yours, or you look after its queue"),
    Reason.ASIDE: gettext_lazy("you asked, or the case is yours"),
    Reason.APPROVAL: gettext_lazy("you lead the queue"),
    Reason.DECIDED: gettext_lazy("you asked"),
    Reason.REOPENED: gettext_lazy("the case is yours"),
    Reason.WOKEN: gettext_lazy("the case is yours"),
    Reason.TOLD: gettext_lazy("a rule has you told"),
    Reason.NOTE: gettext_lazy("the case is yours"),
    Reason.TAKEN: gettext_lazy("the case was yours"),
    Reason.MERGED: gettext_lazy("the case is yours"),
    Reason.FOLLOWING: gettext_lazy("you follow it"),
}


def worded(rows: Iterable[Notification], *, named: bool = True) -> list[Notification]:
    """Each with its sentence (`what`) and reason (`why`) in the active language; the names in them asked for together,
    the customer's only if `named`. They are read with `event__actor` and `case__customer`."""
    found = list(rows)
    thread.named([row.event for row in found])
    for row in found:
        row.what, row.why = what(row, named=named), str(WHY[row.reason])  # type: ignore[attr-defined]
    return found


def what(row: Notification, *, named: bool) -> str:
    event: Event = row.event
    if row.reason == Reason.REMINDER and "task" in event.data:
        return _("A task is due")
    if event.kind == "notified":
        return str(_TOLD.get(row.reason) or _("A rule asks you to look"))
    sentence = _GIVEN if row.reason == Reason.ASSIGNED and event.actor else _WHAT.get(event.kind)
    if sentence is None:
        return telling.told(event)
    return str(sentence) % _words(row, event, named)


def _words(row: Notification, event: Event, named: bool) -> dict[str, Any]:
    return {
        "who": event.actor.name if event.actor else _("Somebody"),
        "customer": row.case.customer.name if named and row.case.customer else _("The customer"),
        "cause": cause(event.reason),
    }
