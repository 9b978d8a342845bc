"""Many cases at once: asked for in a list, watched on its way, stopped, undone."""

import hashlib
import json
import uuid
from typing import Any

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import bulk, bulk_macros, filtered, macros, outcomes, variables
from cases.bulk_actions import ACTIONS, BY_HAND
from cases.filter_parts import Asker
from cases.models import Bulk, BulkRow, Case, Macro, Queue
from cases.models.case_rows import CaseQuerySet
from cases.views.saying import guarded, require, said
from cases.views.verbs import asking, beside
from crm import commands
from crm.http import StaffRequest
from crm.models import User

PAGE = 100


@login_required
@asking
@guarded
def change(request: StaffRequest, pk: int) -> HttpResponse:
    """GET the small form of what is to be done (`do`); POST does it to the `numbers` that were chosen, as "number:version",
    or to `everything` in the view."""
    queue = get_object_or_404(Queue.objects.visible_to(request.user), pk=pk)
    if request.method == "GET":
        return _macro(request, queue) if request.GET.get("macro") else _form(request, queue)
    wanted = ACTIONS.get(request.POST.get("do", ""))
    if wanted is not None:
        require(request.user, wanted.verb, queue)
    cases, seen = _chosen(request, queue)
    given = {name: value for name, value in request.POST.items() if name not in _ABOUT}

    def begin() -> tuple[int, int]:
        name = request.POST.get("do", "")
        return 202, bulk.begin(name, given, cases, by=request.user, at=timezone.now(), seen=seen, queue=queue).pk

    try:
        task = _own(request.user).get(
            pk=commands.once(request.user, _key(request), _fingerprint(request), begin).response
        )
    except (commands.OtherCommand, commands.StillRunning):
        return said(request, _("This was already begun. Look at what you changed together."), status=409)
    return _progress(request, task) if request.htmx else redirect("cases:bulk", pk=task.pk)


_ABOUT = {"do", "numbers", "everything", "view", "q", "key", "csrfmiddlewaretoken"}


def _key(request: StaffRequest) -> str:
    """One form begins one change, however often it comes; what is sent without a form has its own key."""
    return (request.headers.get("Idempotency-Key") or request.POST.get("key") or str(uuid.uuid4()))[:120]


def _fingerprint(request: StaffRequest) -> str:
    told = sorted((name, value) for name, value in request.POST.items() if name not in {"key", "csrfmiddlewaretoken"})
    return hashlib.sha256(json.dumps([request.path, told]).encode()).hexdigest()


def _form(request: StaffRequest, queue: Queue) -> HttpResponse:
    name = request.GET.get("do", "")
    context = {
        "queue": queue,
        "action": ACTIONS.get(name) or ACTIONS["assign"],
        "people": beside(queue),
        "queues": Queue.objects.filter(is_active=True).exclude(pk=queue.pk).order_by("name"),
        "statuses": [(value, label) for value, label in Case.Status.choices if value in BY_HAND],
        "priorities": Case.Priority.choices,
        "outcome": outcomes.parts(Case(queue=queue)) if name == "status" else [],
        "key": uuid.uuid4(),
    }
    if name == "macro":
        context["macros"] = Macro.objects.offered(queue.pk).select_related("current").order_by(*MOST_USED)
    return render(request, "cases/_bulk_form.html", context)


MOST_USED = ("-used_count", "current__title")


def _macro(request: StaffRequest, queue: Queue) -> HttpResponse:
    """What a macro would do, by the first of the chosen as an example, and what of it could not be taken back."""
    wanted = request.GET["macro"]
    offered = Macro.objects.offered(queue.pk).select_related("current")
    macro = get_object_or_404(offered, pk=int(wanted) if wanted.isdecimal() and len(wanted) < 19 else 0)
    case = Case.objects.visible_to(request.user).filter(number=_pair(request.GET.get("example", ""))[0]).first()
    done = macros.preview(case, macro, by=request.user) if case else None
    context = {
        "queue": queue,
        "macro": macro,
        "case": case,
        "effects": [(effect, variables.pieces(effect.words)) for effect in done.effects] if done else [],
        "stays": bulk_macros.would_stay(macro.steps),
        "key": uuid.uuid4(),
    }
    return render(request, "cases/_bulk_macro.html", context)


def _chosen(request: StaffRequest, queue: Queue) -> tuple[CaseQuerySet, dict[int, int] | None]:
    """The cases, and for those that were chosen by hand the versions that were seen."""
    asker = Asker(request.user, timezone.now())
    if request.POST.get("everything"):
        listed = filtered.asked(request.POST, queue, asker, filtered.beside(queue, asker))
        return (listed.cases if listed else Case.objects.none()), None
    seen = dict(_pair(each) for each in request.POST.get("numbers", "").split(",")[: bulk.MOST + 1])
    seen.pop(0, None)
    return Case.objects.visible_to(request.user).filter(number__in=seen), seen


def _pair(text: str) -> tuple[int, int]:
    number, _colon, version = text.partition(":")
    if all(part.isdecimal() and len(part) < 16 for part in (number, version or "9" * 15)):
        return int(number), int(version or "9" * 15)
    return 0, 0


@login_required
@require_http_methods(["GET", "DELETE", "POST"])
@guarded
def one(request: StaffRequest, pk: int) -> HttpResponse:
    """How far it is (to htmx the line that tells it, else the result of each row); DELETE or POST stops it."""
    task = get_object_or_404(_own(request.user), pk=pk)
    if request.method != "GET":
        bulk.cancel(task, by=request.user, at=timezone.now())
        return _progress(request, task) if request.htmx else redirect("cases:bulk", pk=pk)
    if request.htmx:
        return _progress(request, task)
    return render(request, "cases/bulk.html", _context(task) | _results(request, task))


@login_required
@require_POST
@guarded
def undo(request: StaffRequest, pk: int) -> HttpResponse:
    """Take back what it changed, where nobody has changed it since."""
    task = get_object_or_404(_own(request.user), pk=pk)
    bulk.undo(task, by=request.user, at=timezone.now())
    return _progress(request, task) if request.htmx else redirect("cases:bulk", pk=pk)


@login_required
@require_GET
def mine(request: StaffRequest) -> HttpResponse:
    """What this person changed together of late."""
    tasks = list(_own(request.user).select_related("queue")[:PAGE])
    counted = bulk.how_far(tasks)
    return render(
        request, "cases/bulks.html", {"tasks": [(each, ACTIONS[each.action], counted[each.pk]) for each in tasks]}
    )


def _own(user: User) -> QuerySet[Bulk]:
    return Bulk.objects.filter(by=user).order_by("-pk")


def _context(task: Bulk) -> dict[str, Any]:
    fresh = Bulk.objects.get(pk=task.pk)
    counts = bulk.how_far([fresh])[fresh.pk]
    behind = counts["done"] if fresh.state == Bulk.State.UNDOING else counts["waiting"]
    return {
        "task": fresh,
        "action": ACTIONS[fresh.action],
        "counts": counts,
        "passed": fresh.total - behind,
        "may_undo": bulk.may_undo(fresh, counts["done"], timezone.now()),
    }


def _progress(request: StaffRequest, task: Bulk) -> HttpResponse:
    return render(request, "cases/_bulk.html", _context(task))


def _results(request: StaffRequest, task: Bulk) -> dict[str, Any]:
    """The rows, those that say why first; a case one may no longer see has no name here."""
    start = int(request.GET["start"]) if request.GET.get("start", "").isdecimal() else 0
    rows = list(
        task.rows.select_related("case", "case__customer").order_by("why", "pk").reverse()[start : start + PAGE]
    )
    seen = set(
        Case.objects.visible_to(request.user).filter(pk__in=[row.case_id for row in rows]).values_list("pk", flat=True)
    )
    more = start + PAGE if BulkRow.objects.filter(bulk=task).count() > start + PAGE else 0
    return {"rows": [(row, row.case_id in seen) for row in rows], "more": more}
