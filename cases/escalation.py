"""What a policy does when a clock warns or breaches: each action in a transaction of its own, together with the row that
says so, so that it is done once, whoever dies and however many look. One that fails waits and tries again; the others go on."""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, transaction
from django.utils.translation import gettext as _

from cases.models import Case, Clock, ClockAction, Queue
from cases.models.refusals import Refusal
from cases.models.sla_actions import HIGHER, LEADS, OWNER
from cases.notifying import notify
from cases.promises import leads_of
from crm.models import Event, User

BATCH = 100
PAUSES = [timedelta(minutes=m) for m in (1, 5, 30, 120, 480)]  # between attempts; after the last it is given up
MOST_MOVES = 3  # of one case by clocks in a day: two policies must not send it to and fro
State = ClockAction.State
log = logging.getLogger(__name__)


def act_due(now: datetime) -> int:
    """Do what clocks asked for, in the order they asked; returns how many actions were settled or put off."""
    due = ClockAction.objects.due(now).order_by("due_at", "pk").values_list("pk", "clock__case")[:BATCH]
    settled, broken = 0, None
    for pk, case in list(due):
        try:
            settled += _attempt(pk, case, now)
        except (OperationalError, InterfaceError) as error:  # the connection or a lock: nothing was changed
            broken = error
    if broken:
        raise broken  # once the others had their turn: the next sweep tries this one again
    return settled


def _attempt(pk: int, case: int, now: datetime) -> int:
    try:
        return _do(pk, case, now)
    except Refusal as refusal:
        return _put_off(pk, str(refusal.message), now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # whatever it is, it must not hold up the other actions
        log.warning("action %s failed: %s", pk, type(error).__name__, exc_info=True)
        return _put_off(pk, type(error).__name__, now)


@transaction.atomic
def _do(pk: int, case_id: int, now: datetime) -> int:
    action, case = _taken(pk, case_id)
    if action is None or case is None:
        return 0
    if _is_moot(action, case):
        _settle(action, State.MOOT, now)
        return 1
    block = action.policy_version.actions.get(action.moment, {})
    _DOING[action.action](case, block, action, now)
    _settle(action, State.DONE, now)
    return 1


def _taken(pk: int, case_id: int) -> tuple[ClockAction | None, Case | None]:
    """The case's lock first, as every verb takes it: a case somebody works on right now is left to the next turn. Under
    it the row is read again: another sweep may have been quicker."""
    rows = Case.objects.filter(pk=case_id).select_for_update(skip_locked=True, no_key=True, of=("self",))
    case = rows.first()
    if case is None:
        return None, None
    waiting = ClockAction.objects.filter(pk=pk, state=State.WAITING)
    return waiting.select_related("clock", "policy_version").select_for_update(of=("self",)).first(), case


def _is_moot(action: ClockAction, case: Case) -> bool:
    """A case that is over needs nothing any more; a warning is overtaken by the clock's end or breach."""
    clock: Clock = action.clock
    if action.action != ClockAction.Action.NOTIFY and not case.is_active:
        return True
    return action.moment == ClockAction.Moment.WARN and (clock.is_finished or clock.breached_at is not None)


def _settle(action: ClockAction, state: str, now: datetime) -> None:
    action.state, action.settled_at, action.error = state, now, ""
    action.save(update_fields=["state", "settled_at", "error"])


@transaction.atomic
def _put_off(pk: int, why: str, now: datetime) -> int:
    """It failed: once it is told in the case, always in the list of what is in trouble."""
    found = ClockAction.objects.filter(pk=pk).values_list("clock__case", flat=True).first()
    action, case = _taken(pk, found or 0)
    if action is None or case is None:
        return 0
    if action.attempts < len(PAUSES):
        action.due_at = now + PAUSES[action.attempts]
    else:
        action.state, action.settled_at = State.FAILED, now
    action.attempts += 1
    action.error = why[:300]
    action.save(update_fields=["state", "due_at", "attempts", "error", "settled_at"])
    if action.attempts == 1:
        case.record("sla_action_failed", by=None, via="clock", at=now, action=action.action, moment=action.moment)
    return 1


@transaction.atomic
def try_again(action: ClockAction, *, now: datetime) -> bool:
    """A person asks for one more attempt, now; whether there was anything to try."""
    action = ClockAction.objects.select_for_update().get(pk=action.pk)
    if not action.attempts or action.state not in {State.WAITING, State.FAILED}:
        return False
    action.state, action.due_at, action.settled_at = State.WAITING, now, None
    action.save(update_fields=["state", "due_at", "settled_at"])
    return True


# --- the actions; each raises Refusal in words when it cannot


def _notify(case: Case, block: dict[str, Any], action: ClockAction, now: datetime) -> None:
    """Owner and leads as they are now; where nobody has the case, the leads hear of it instead."""
    roles, people = block.get("notify", []), set(block.get("people", []))
    if OWNER in roles and case.assignee_id:
        people.add(case.assignee_id)
    if LEADS in roles or (OWNER in roles and not case.assignee_id):
        people.update(leads_of(case.queue_id))
    why = "sla_warned" if action.moment == ClockAction.Moment.WARN else "sla_breached"
    notify(case, people, why, at=now, clock=action.clock_id, target=action.clock.kind)


def _move(case: Case, block: dict[str, Any], action: ClockAction, now: datetime) -> None:
    queue = Queue.objects.filter(pk=block["queue"], is_active=True).first()
    if queue is None:
        raise Refusal(_("The queue it should go to is no longer there."))
    if queue.pk != case.queue_id and _moves(case, now) >= MOST_MOVES:
        raise Refusal(_("Service times have moved this case several times today: look where its policies send it."))
    case.transfer(queue, by=None, at=now, via="clock")


def _moves(case: Case, now: datetime) -> int:
    day = now - timedelta(days=1)
    moves = Event.objects.filter(stream="case", stream_id=case.pk, kind="transferred", via="clock", at__gt=day)
    return int(moves.count())


def _raise(case: Case, block: dict[str, Any], action: ClockAction, now: datetime) -> None:
    levels = Case.Priority.values
    stands, wish = levels.index(case.priority), block["priority"]
    becomes = min(stands + 1, len(levels) - 1) if wish == HIGHER else max(stands, levels.index(wish))
    case.set_priority(levels[becomes], by=None, at=now, via="clock")


def _assign(case: Case, block: dict[str, Any], action: ClockAction, now: datetime) -> None:
    person = User.objects.filter(pk=block["assignee"], is_active=True).first()
    if person is None:
        raise Refusal(_("The person it should go to is no longer here."))
    case.assign(person, by=None, at=now, via="clock", reason=f"sla_{action.moment}")


def _release(case: Case, block: dict[str, Any], action: ClockAction, now: datetime) -> None:
    case.release(by=None, at=now, via="clock")


_DOING: dict[str, Callable[[Case, dict[str, Any], ClockAction, datetime], None]] = {
    "notify": _notify,
    "move": _move,
    "raise": _raise,
    "assign": _assign,
    "release": _release,
}
