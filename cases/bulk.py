"""Many cases changed at once: frozen into rows when asked for, done one by one by the keeper, taken back for a day.

A few rows are done in one transaction, each with the case's own verb: killed in the middle, neither rows nor cases have
changed, and the next keeper takes them up. What somebody changed since it was chosen, or the person may not do, is left out
and says why. docs/views.md tells the rules.
"""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.db.models import Count, Q
from django.utils import translation
from django.utils.translation import gettext as _

from cases.bulk_actions import ACTIONS, Action
from cases.models import Bulk, BulkRow, Case, Queue
from cases.models.bulk import UNDO_WITHIN
from cases.models.case import Refusal
from cases.models.case_rows import CaseQuerySet
from crm import jobs
from crm.database.deadlocks import transacted
from crm.models import Event, User
from crm.roles import may

log = logging.getLogger(__name__)
T = TypeVar("T")
MOST = 10_000  # cases of one change
BATCH = 20  # rows of one turn of the keeper
SLICE = 5  # of them under lock together: who works on one of them waits no longer than a page takes
SWEEP = "cases.bulk"


@transaction.atomic
def begin(
    action: str,
    given: Mapping[str, Any],
    cases: CaseQuerySet,
    *,
    by: User,
    at: datetime,
    seen: Mapping[int, int] | None = None,
    **place: Any,
) -> Bulk:
    """Freeze what was chosen and let the keeper begin. `cases` are those `by` may see; `seen` are the numbers that were
    chosen and the versions of them on the screen. Raises Refusal for what is no action, nothing, or too many."""
    wanted = ACTIONS.get(action)
    if wanted is None:
        raise Refusal(_("There is no such action. There are %(known)s.") % {"known": ", ".join(ACTIONS)})
    plain = wanted.read(given, by)
    chosen = list(cases.order_by("pk").values_list("pk", "number", "version")[: MOST + 1])
    if not chosen:
        raise Refusal(_("Nothing is chosen, or none of it is here any more."))
    if len(chosen) > MOST:
        raise Refusal(_("That is more than %(most)d cases. Narrow it down, and do it in parts.") % {"most": MOST})
    versions = seen or {}
    missing = max(len(versions) - len(chosen), 0)
    task = Bulk.objects.create(by=by, at=at, action=action, given=plain, total=len(chosen), missing=missing, **place)
    rows = [BulkRow(bulk=task, case_id=pk, seen=min(versions.get(n, now), now)) for pk, n, now in chosen]
    BulkRow.objects.bulk_create(rows, batch_size=2000)
    jobs.nudge(SWEEP)
    return task


def sweep(now: datetime) -> int:
    """Some rows of whatever was asked for, in turn; returns how many. Several keepers take different rows."""
    under_way = list(Bulk.objects.filter(state__in=["running", "undoing"]).order_by("pk")[:10])
    return sum(_some(task, now, max(BATCH // len(under_way), 1)) for task in under_way)


def _some(task: Bulk, now: datetime, most: int) -> int:
    done = 0
    while done < most:
        few = min(SLICE, most - done)
        passed = transacted(lambda few=few: _next(task, now, few))  # type: ignore[misc] # the default binds it
        done += passed
        if not passed:
            break
    return done


def _next(task: Bulk, now: datetime, few: int) -> int:
    """Few rows under the locks of their cases, or the end; returns how many. The lock on the task keeps it from being
    stopped in the middle of them."""
    locked = Bulk.objects.select_for_update(no_key=True, skip_locked=True, of=("self",)).select_related("by")
    held = locked.filter(pk=task.pk, state__in=["running", "undoing"]).first()
    if held is None:
        return 0
    doing = held.state == Bulk.State.RUNNING
    wanted = BulkRow.State.WAITING if doing else BulkRow.State.DONE
    rows = list(held.rows.filter(state=wanted).order_by("case_id")[:few])
    if not rows:
        _finish(held, now)
        return 0
    _lock(rows)
    with translation.override(held.by.language):
        (_do if doing else _take_back)(held, ACTIONS[held.action], rows)
    _keep(rows)
    return len(rows)


def _lock(rows: Sequence[BulkRow]) -> None:
    """Their cases afresh under their locks, in the order of their keys, in one statement."""
    wanted = Case.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=[row.case_id for row in rows])
    cases = {case.pk: case for case in wanted.select_related("customer").order_by("pk")}
    for row in rows:
        row.case = cases[row.case_id]


_KEPT = """
UPDATE cases_bulkrow r SET state = t.state, why = t.why, stood = t.stood, version = t.version
  FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::jsonb[], %s::bigint[]) AS t (id, state, why, stood, version)
 WHERE r.id = t.id
"""


def _keep(rows: Sequence[BulkRow]) -> None:
    """What came of them, in one statement: as Django writes it, it costs as much as a verb."""
    told = [(row.pk, str(row.state), row.why, json.dumps(row.stood), row.version) for row in rows]
    with connection.cursor() as cursor:
        cursor.execute(_KEPT, [list(column) for column in zip(*told, strict=True)])


def _finish(task: Bulk, now: datetime) -> None:
    if task.state == Bulk.State.RUNNING:
        task.state, task.finished_at = Bulk.State.DONE, now
    else:
        task.state, task.undone_at = Bulk.State.UNDONE, now
    task.save(update_fields=["state", "finished_at", "undone_at"])


# --- a few rows


class _Rights:
    """What the person may do now, each question asked once for a few rows."""

    def __init__(self, by: User, action: Action) -> None:
        self._by, self._verb = by, f"case.{action.verb}"
        self._seen = set(Queue.objects.visible_to(by).values_list("pk", flat=True))
        self._may: dict[int, bool] = {}

    def unseen(self, queue: int) -> str:
        return "" if queue in self._seen else _("You may not see it any more.")

    def refused(self, queue: int) -> str:
        if queue not in self._may:
            self._may[queue] = may(self._by, self._verb, queue)
        return "" if self._may[queue] else _("Your role here does not allow this.")


def _do(task: Bulk, action: Action, rows: Sequence[BulkRow]) -> None:
    rights = _Rights(task.by, action)
    since = {row.case_id: row.seen for row in rows}
    changed = _changed(since, action.touches(task.given) | action.heeds(task.given), but=task.by)
    for row in rows:
        queue = row.case.queue_id
        why = rights.unseen(queue) or rights.refused(queue) or changed.get(row.case_id, "")
        if why:
            row.state, row.why = BulkRow.State.SKIPPED, why[:300]
        else:
            _do_one(task, action, row)


def _do_one(task: Bulk, action: Action, row: BulkRow) -> None:
    before, row.stood = row.case.version, action.stood(row.case)
    made, why = _tried(lambda: action.do(row.case, task.by, task.given | {"seen": row.seen}))
    if why:
        row.state, row.why = BulkRow.State.SKIPPED, why[:300]
    elif row.case.version == before:
        row.state, row.why = BulkRow.State.SKIPPED, _("It was so already.")
    else:
        row.state, row.version, row.stood = BulkRow.State.DONE, row.case.version, row.stood | (made or {})


def _take_back(task: Bulk, action: Action, rows: Sequence[BulkRow]) -> None:
    """Where it was chosen decides about roles: what was moved out of sight can be fetched back."""
    rights = _Rights(task.by, action)
    changed = _changed({row.case_id: row.version or 0 for row in rows}, action.touches(task.given))
    for row in rows:
        queue = row.stood.get("queue", row.case.queue_id)
        why = rights.refused(queue) or changed.get(row.case_id, "")
        stays = ""
        if not why:
            told, why = _tried(lambda row=row: action.back(row.case, task.by, row.stood, task.given))  # type: ignore[misc]
            stays = told or ""
        row.state, row.why = (BulkRow.State.KEPT, why[:300]) if why else (BulkRow.State.UNDONE, stays[:300])


def _tried(change: Callable[[], T]) -> tuple[T | None, str]:
    """What it says, or what refuses it, in words."""
    try:
        with transaction.atomic():
            return change(), ""
    except Refusal as refusal:
        return None, str(refusal.message)
    except PermissionDenied as denied:
        return None, str(denied)
    except OperationalError:
        raise  # a deadlock: the few are done again
    except Exception:
        log.exception("a case could not be changed with others")
        return None, _("Something went wrong on our side. It was written down.")


def _changed(since: Mapping[int, int], kinds: frozenset[str], *, but: User | None = None) -> dict[int, str]:
    """Of these cases, who changed the same thing last after a version, in words."""
    if not kinds:
        return {}
    later = Q()
    for case, version in since.items():
        later |= Q(stream_id=case, version__gt=version)
    events = Event.objects.filter(later, stream="case", kind__in=kinds).select_related("actor").order_by("version")
    return {event.stream_id: _who_did(event) for event in events if but is None or event.actor_id != but.pk}


def _who_did(event: Event) -> str:
    if event.kind == "message_received":
        return _("The customer has written since.")
    who = event.actor.name if event.actor else _("something")
    return _("%(who)s has changed it since.") % {"who": who}


# --- what a person does with one


@transaction.atomic
def cancel(task: Bulk, *, by: User, at: datetime) -> None:
    """Leave the rest as it is. What is done stays done, and can be undone. Quiet when it is over."""
    held = _held(task, by)
    if held.state != Bulk.State.RUNNING:
        return
    with translation.override(by.language):
        held.rows.filter(state=BulkRow.State.WAITING).update(state=BulkRow.State.SKIPPED, why=_("It was stopped."))
    held.state, held.finished_at = Bulk.State.CANCELLED, at
    held.save(update_fields=["state", "finished_at"])


@transaction.atomic
def undo(task: Bulk, *, by: User, at: datetime) -> None:
    """Take back just what it changed, where nobody has changed it since, for a day. Quiet when it is being undone."""
    held = _held(task, by)
    if held.state in {Bulk.State.UNDOING, Bulk.State.UNDONE}:
        return
    if held.state == Bulk.State.RUNNING:
        raise Refusal(_("It is still under way: stop it first."))
    if at - held.at > UNDO_WITHIN:
        raise Refusal(_("This can be undone for a day."))
    held.state = Bulk.State.UNDOING
    held.save(update_fields=["state"])
    jobs.nudge(SWEEP)


def _held(task: Bulk, by: User) -> Bulk:
    if task.by_id != by.pk:
        raise PermissionDenied(_("Only who began it may do that."))
    return Bulk.objects.select_for_update(no_key=True).get(pk=task.pk)


def how_far(tasks: Sequence[Bulk]) -> dict[int, dict[str, int]]:
    """How many rows of each stand how, in one query."""
    empty = dict.fromkeys(BulkRow.State.values, 0)
    found = {task.pk: dict(empty) for task in tasks}
    rows = BulkRow.objects.filter(bulk__in=found).order_by().values_list("bulk", "state").annotate(n=Count("pk"))
    for task, state, n in rows:
        found[task][state] = n
    return found


def may_undo(task: Bulk, done: int, at: datetime) -> bool:
    """Whether there is something to take back, and time for it."""
    over = task.state in {Bulk.State.DONE, Bulk.State.CANCELLED}
    return over and done > 0 and at - task.at <= UNDO_WITHIN
