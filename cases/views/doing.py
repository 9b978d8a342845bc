"""What is to be done in a case, and what one wants to be reminded of; and all that one has to do."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import reminders as reminding
from cases import tasks as keeping
from cases.forms import ReminderForm, TaskForm, checked
from cases.models import Case, Reminder, Task
from cases.views.saying import changed, find, guarded, require, where
from crm.database.prepared import Prepared
from crm.http import StaffRequest
from crm.models import User
from crm.roles import may

SHOWN_DONE = 5  # of those done, the newest


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def tasks(request: StaffRequest, number: int) -> HttpResponse:
    """The section beside the case; or one more task."""
    case = find(request.user, number)
    if request.method == "GET":
        return render(request, "cases/_tasks.html", _shown(case, request.user))
    require(request.user, "task", case)
    given = checked(TaskForm(request.POST, people=_people(case)))
    keeping.add(case, what=given["what"], owner=given["owner"], due_at=given["due_at"], by=request.user)
    return changed(request, case)


def _shown(case: Case, user: User) -> dict[str, Any]:
    return {
        "case": case,
        "tasks": _OPEN(case.pk),
        "done": _DONE(case.pk),
        "reminders": _REMINDERS(case.pk, user.pk),
        "may_task": may(user, "case.task", case.queue_id),
        "now": timezone.now(),
    }


def _kept(case: int) -> QuerySet[Task]:
    return Task.objects.kept().filter(case=case).select_related("owner", "done_by")


_OPEN = Prepared(lambda case: _kept(case).filter(done_at=None), int)
_DONE = Prepared(lambda case: _kept(case).exclude(done_at=None).order_by("-done_at")[:SHOWN_DONE], int)
_REMINDERS = Prepared(lambda case, user: reminding.waiting().filter(case=case, user=user), int, int)


def _people(case: Case) -> QuerySet[User]:
    return User.objects.filter(is_active=True, memberships__queue=case.queue_id).distinct().order_by("first_name")


@login_required
@require_GET
@guarded
def task_form(request: StaffRequest, number: int) -> HttpResponse:
    case = find(request.user, number)
    require(request.user, "task", case)
    return render(request, "cases/_task_form.html", {"case": case, "people": _people(case)})


@login_required
@require_http_methods(["GET", "POST", "DELETE"])
@guarded
def task(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """One task: its form, what is said of it (`done`, `steps`, or all that is in the form), or that it is off."""
    case = find(request.user, number)
    require(request.user, "task", case)
    found = get_object_or_404(Task.objects.kept().select_related("owner"), case=case, pk=pk)
    if request.method == "GET":
        return render(request, "cases/_task_form.html", {"case": case, "people": _people(case), "task": found})
    if request.method == "DELETE" or "off" in request.POST:
        keeping.drop(found, by=request.user)
        return changed(request, case, _("The task is off."))
    _say(request, case, found)
    return changed(request, case)


def _say(request: StaffRequest, case: Case, found: Task) -> None:
    sent = request.POST
    if "done" in sent:
        (keeping.finish if sent["done"] == "1" else keeping.reopen)(found, by=request.user)
    elif "steps" in sent:
        keeping.move(found, -1 if sent["steps"] == "-1" else 1, by=request.user)
    else:
        _change(request, case, found)


def _change(request: StaffRequest, case: Case, found: Task) -> None:
    """A time left as it was shown stays, though it may have passed."""
    sent = request.POST.copy()
    shown = timezone.localtime(found.due_at).strftime("%Y-%m-%d %H:%M") if found.due_at else ""
    stays = sent.get("due_at", "").strip() == shown
    if stays:
        sent["due_at"] = ""
    given = checked(TaskForm(sent, people=_people(case)))
    due_at = keeping.KEEP if stays else given["due_at"]
    keeping.change(found, by=request.user, what=given["what"], owner=given["owner"], due_at=due_at)


@login_required
@require_POST
@guarded
def done(request: StaffRequest, number: int) -> HttpResponse:
    """Several at once, as ticked where a case is about to be resolved."""
    case = find(request.user, number)
    require(request.user, "task", case)
    ticked = [int(pk) for pk in request.POST.getlist("done") if pk.isdecimal() and len(pk) < 19]
    for found in Task.objects.open().filter(case=case, pk__in=ticked):
        keeping.finish(found, by=request.user)
    return changed(request, case)


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def reminders(request: StaffRequest, number: int) -> HttpResponse:
    """One more, for oneself."""
    case = find(request.user, number)
    require(request.user, "task", case)
    if request.method == "GET":
        mine = reminding.waiting().filter(case=case, user=request.user)
        return render(request, "cases/_reminder_form.html", {"case": case, "reminders": mine})
    given = checked(ReminderForm(request.POST))
    reminding.remind(case, request.user, **given)
    return changed(request, case, _("You are reminded of #%(number)s then.") % {"number": number})


@login_required
@require_http_methods(["POST", "DELETE"])
@guarded
def reminder(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """Take one's own off (DELETE, or POST without scripts)."""
    case = find(request.user, number)
    require(request.user, "task", case)
    reminding.drop(get_object_or_404(Reminder, case=case, user=request.user, pk=pk), by=request.user)
    return changed(request, case, _("You are not reminded."))


@login_required
@require_GET
def mine(request: StaffRequest) -> HttpResponse:
    """All that one has to do and wants to be reminded of, what is due first; the page goes on from where the log stood."""
    place, now = where(), timezone.now()
    tomorrow = timezone.localtime(now).replace(hour=23, minute=59, second=59)
    found = list(keeping.mine(request.user)[:200])
    groups = [
        (_("Overdue"), [each for each in found if each.due_at and each.due_at <= now]),
        (_("Today"), [each for each in found if each.due_at and now < each.due_at <= tomorrow]),
        (_("Later"), [each for each in found if each.due_at and each.due_at > tomorrow]),
        (_("Without a time"), [each for each in found if each.due_at is None]),
    ]
    shown = {"groups": [group for group in groups if group[1]], "reminders": reminding.mine(request.user)[:100]}
    part = request.htmx and request.htmx.target == "my-tasks"
    return render(request, "cases/_my_tasks.html" if part else "cases/my_tasks.html", {**place, **shown, "now": now})
