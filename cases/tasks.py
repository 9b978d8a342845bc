"""What is to be done in a case: added, done, taken off, put in order; and told of when it is due (docs/tasks.md)."""

from collections.abc import Callable, Collection
from datetime import datetime
from functools import partial
from typing import Any

from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from cases.models import Case, Task
from cases.models.case import Refusal
from cases.models.queue import Queue
from cases.notifying import notify
from cases.promises import leads_of
from crm.models import User
from customers.folding import clean

MOST = 100  # open ones in a case
BATCH = 100
KEEP = object()  # what is not said stays


class OpenTasks(Refusal):
    """A case is about to be resolved with something left to do in it."""

    def __init__(self, case: Case, tasks: list[Task]) -> None:
        told = ngettext("%(count)d task is still open.", "%(count)d tasks are still open.", len(tasks))
        super().__init__(told % {"count": len(tasks)})
        self.case, self.tasks = case, tasks


def ask_before_resolving(case: Case) -> None:
    """Raises OpenTasks, for whoever has not said that they may be left."""
    if case.open_tasks and (left := list(open_in(case))):
        raise OpenTasks(case, left)


def open_in(case: Case) -> Any:
    return Task.objects.open().filter(case=case).select_related("owner")


def mine(user: User) -> Any:
    """What this person has to do, in cases they may see; what is due first comes first."""
    seen = Case.objects.visible_to(user)
    rows = Task.objects.open().of(user).filter(case__in=seen).select_related("case__customer", "case__queue", "owner")
    return rows.order_by("due_at", "case_id", "position", "pk")


# --- verbs; each under the case's lock


@transaction.atomic
def add(
    case: Case,
    *,
    what: str,
    by: User | None,
    owner: User | None = None,
    due_at: datetime | None = None,
    at: datetime | None = None,
    via: str = "person",
) -> Task:
    """One more, at the end."""
    case.lock()
    if case.status == Case.Status.MERGED:
        raise Refusal(_("Case #%(number)s was merged: write in the one it goes on in.") % {"number": case.number})
    if case.open_tasks >= MOST:
        raise Refusal(_("There are %(most)d open tasks in this case already.") % {"most": MOST})
    last = Task.objects.filter(case=case).order_by("-position").values_list("position", flat=True).first()
    task = Task(case=case, made_by=by, made_at=at or timezone.now(), position=(last or 0) + 1)
    _describe(task, what, owner, due_at)
    task.save()
    _told("task_added", task, case, by, at, via)
    return task


@transaction.atomic
def change(
    task: Task,
    *,
    by: User | None,
    what: str | None = None,
    owner: Any = KEEP,
    due_at: Any = KEEP,
    at: datetime | None = None,
    via: str = "person",
) -> None:
    """What is given; the rest stays. A new time is told of anew."""
    case = _locked(task)
    _must_be_kept(task)
    was = (task.what, task.owner_id, task.due_at)
    _describe(
        task,
        task.what if what is None else what,
        task.owner if owner is KEEP else owner,
        task.due_at if due_at is KEEP else due_at,
    )
    if (task.what, task.owner_id, task.due_at) == was:
        return
    if task.due_at != was[2]:
        task.told_at = None
    task.save(update_fields=["what", "owner", "due_at", "told_at"])
    _told("task_changed", task, case, by, at, via, **({"was": was[1]} if task.owner_id != was[1] else {}))


@transaction.atomic
def finish(task: Task, *, by: User | None, at: datetime | None = None, via: str = "person") -> None:
    case = _locked(task)
    _must_be_kept(task)
    if task.done_at is not None:
        return
    task.done_at, task.done_by = at or timezone.now(), by
    task.save(update_fields=["done_at", "done_by"])
    _told("task_done", task, case, by, at, via)


@transaction.atomic
def reopen(task: Task, *, by: User | None, at: datetime | None = None, via: str = "person") -> None:
    """It was not done after all."""
    case = _locked(task)
    _must_be_kept(task)
    if task.done_at is None:
        return
    task.done_at = task.done_by = None
    task.save(update_fields=["done_at", "done_by"])
    _told("task_undone", task, case, by, at, via)


@transaction.atomic
def drop(task: Task, *, by: User | None, at: datetime | None = None, via: str = "person") -> None:
    """It is not to be done."""
    case = _locked(task)
    if task.dropped_at is not None:
        return
    task.dropped_at = at or timezone.now()
    task.save(update_fields=["dropped_at"])
    _told("task_dropped", task, case, by, at, via)


@transaction.atomic
def move(task: Task, steps: int, *, by: User | None, at: datetime | None = None, via: str = "person") -> None:
    """Up (-1) or down (1) among the open ones."""
    case = _locked(task)
    rows = list(Task.objects.open().filter(case=case))
    here = next((n for n, row in enumerate(rows) if row.pk == task.pk), None)
    there = None if here is None else min(max(here + steps, 0), len(rows) - 1)
    if here is None or there is None or here == there:
        return
    rows.insert(there, rows.pop(here))
    for position, row in enumerate(rows, start=1):
        row.position = position
    Task.objects.bulk_update(rows, ["position"])
    _told("task_changed", task, case, by, at, via)


def _describe(task: Task, what: str, owner: User | None, due_at: datetime | None) -> None:
    words = " ".join(clean(what).split())[:300]
    if not words:
        raise Refusal(_("Say what is to be done."))
    if owner is not None and not Queue.objects.visible_to(owner).filter(pk=task.case.queue_id).exists():
        told = {"name": owner.name, "queue": task.case.queue.name}
        raise Refusal(_("%(name)s does not work in %(queue)s.") % told)
    task.what, task.owner, task.due_at = words, owner, due_at


def _locked(task: Task) -> Case:
    """Its case, locked, and then the task as it is: it may have moved with a merge."""
    task.refresh_from_db()
    case = Case.objects.get(pk=task.case_id)
    case.lock()
    task.refresh_from_db()
    task.case = case
    return case


def _must_be_kept(task: Task) -> None:
    if task.dropped_at is not None:
        raise Refusal(_("This task was taken off."))


def _told(kind: str, task: Task, case: Case, by: User | None, at: datetime | None, via: str, **more: Any) -> None:
    recount([case])
    case.record(kind, by=by, at=at, via=via, task=task.pk, **more)


_RECOUNT = """
UPDATE cases_case c
   SET open_tasks = held.many, task_due_at = held.due
  FROM (SELECT wanted.id, count(t.id) AS many, min(t.due_at) AS due
          FROM unnest(%s::bigint[]) AS wanted (id)
          LEFT JOIN cases_task t ON t.case_id = wanted.id AND t.done_at IS NULL AND t.dropped_at IS NULL
         GROUP BY wanted.id) held
 WHERE c.id = held.id
RETURNING c.id, c.open_tasks, c.task_due_at
"""


def recount(cases: Collection[Case]) -> None:
    """How many are open in these locked cases, and when the first is due: on rows and instances, for lists to show."""
    with connection.cursor() as cursor:
        cursor.execute(_RECOUNT, [[case.pk for case in cases]])
        found = {pk: (many, due) for pk, many, due in cursor.fetchall()}
    for case in cases:
        case.open_tasks, case.task_due_at = found[case.pk]


# --- told of once, when it is due


def tell_due(now: datetime) -> int:
    """Tell whose they are of tasks that are due; returns how many."""
    due = Task.objects.open().filter(told_at=None, due_at__lte=now).order_by("due_at", "pk")
    return sum(_tell(pk, case, now) for pk, case in list(due.values_list("pk", "case")[:BATCH]))


def _tell(pk: int, case: int, now: datetime) -> int:
    return once(case, lambda held: _say(pk, held, now))


@transaction.atomic
def once(case: int, do: Callable[[Case], bool]) -> int:
    """Under the case's lock, as every verb takes it; a case somebody works on right now is left to the next turn. Event and
    mark are one commit: whoever dies in it has told nobody."""
    rows = Case.objects.filter(pk=case).select_for_update(skip_locked=True, no_key=True, of=("self",))
    held = rows.first()
    return int(held is not None and do(held))


def _say(pk: int, case: Case, now: datetime) -> bool:
    waiting = Task.objects.open().filter(pk=pk, case=case, told_at=None, due_at__lte=now)
    task = waiting.select_for_update(of=("self",)).first()
    if task is None:
        return False
    task.told_at = now
    task.save(update_fields=["told_at"])
    theirs = task.owner_id or case.assignee_id
    people = [theirs] if theirs else leads_of(case.queue_id)
    told(partial(notify, case, people, "reminder", at=now, task=task.pk))
    return True


def told(tell: Callable[[], object]) -> bool:
    """False where nobody is left who may hear of it."""
    try:
        tell()
    except Refusal:
        return False
    return True
