"""The commands of tests/cases/commands.py about tasks and reminders."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from cases import reminders, tasks
from cases.models import Reminder, Task
from tests.cases.before import World, post
from tests.cases.registry import command

IN_A_CASE = "cases/<int:number>/tasks/<int:pk>/ api/cases/<int:number>/tasks/<int:pk>/"
REMINDED = "cases/<int:number>/reminders/<int:pk>/ api/cases/<int:number>/reminders/<int:pk>/"


def to_do(w: World) -> None:
    tasks.add(w.case, what="Ask the bank", by=w.ana, owner=w.lee, due_at=timezone.now() + timedelta(hours=1))
    tasks.add(w.case, what="Call her", by=w.ana)


def done(w: World) -> None:
    to_do(w)
    tasks.finish(_first(), by=w.lee)


def reminded(w: World) -> None:
    reminders.remind(w.case, w.ana, at=timezone.now() + timedelta(hours=1))


def _first() -> Task:
    return Task.objects.order_by("pk")[0]


@command("task_added", routes="cases/<int:number>/tasks/ api/cases/<int:number>/tasks/")
def _add_a_task(w: World) -> Any:
    return post(w, "tasks/", what="Ask the bank", owner=w.lee.pk, due_at="tomorrow 9:30")


@command("task_changed", before=to_do, routes=IN_A_CASE)
def _change_a_task(w: World) -> Any:
    return post(w, f"tasks/{_first().pk}/", what="Ask the other bank", owner="", due_at="tomorrow 9:30")


@command("task_changed", before=to_do)
def _move_a_task(w: World) -> Any:
    return post(w, f"tasks/{_first().pk}/", steps="1")


@command("task_done", before=to_do, routes="cases/<int:number>/tasks/done/")
def _do_a_task(w: World) -> Any:
    return post(w, "tasks/done/", done=str(_first().pk))


@command("task_undone", before=done)
def _undo_a_task(w: World) -> Any:
    return post(w, f"tasks/{_first().pk}/", done="0")


@command("task_dropped", before=to_do)
def _take_a_task_off(w: World) -> Any:
    return post(w, f"tasks/{_first().pk}/", "delete")


@command("notified", before=to_do)
def _tell_of_a_task_that_is_due(w: World) -> None:
    tasks.tell_due(timezone.now() + timedelta(hours=2))


@command("reminder_set", routes="cases/<int:number>/reminders/ api/cases/<int:number>/reminders/")
def _be_reminded(w: World) -> Any:
    return post(w, "reminders/", at="tomorrow 9:30", note="Look again")


@command("reminder_dropped", before=reminded, routes=REMINDED)
def _not_be_reminded(w: World) -> Any:
    return post(w, f"reminders/{Reminder.objects.get().pk}/", "delete")


@command("notified", before=reminded)
def _remind(w: World) -> None:
    reminders.remind_due(timezone.now() + timedelta(hours=2))
