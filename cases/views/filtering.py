"""Saved filters: named, renamed, put in order, taken away, beside the views of a queue."""

import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cases import saved_filters
from cases.models import Queue, SavedFilter
from cases.views.saying import guarded, said
from cases.views.verbs import asking
from crm.http import StaffRequest
from crm.roles import may


@login_required
@asking
@guarded
def saved(request: StaffRequest, pk: int) -> HttpResponse:
    """GET: those beside the views of a queue, or with `q` the form that names it. POST saves one, `shared` or one's own."""
    queue = get_object_or_404(Queue.objects.visible_to(request.user), pk=pk)
    if request.method == "GET":
        return _form(request, queue, None) if request.GET.get("q") else _shown(request, queue)
    fresh = saved_filters.save(
        request.POST.get("name", ""),
        request.POST.get("text", ""),
        by=request.user,
        at=timezone.now(),
        shared_in=queue if request.POST.get("shared") else None,
    )
    return _again(request, queue, fresh.view, _("“%(name)s” is saved.") % {"name": fresh.name})


def _shown(request: StaffRequest, queue: Queue) -> HttpResponse:
    rows = list(SavedFilter.objects.beside(queue, request.user))
    own = [row for row in rows if not row.is_shared]
    shared = [row for row in rows if row.is_shared]
    context = {
        "queue": queue,
        "own": own,
        "shared": shared,
        "may_share": may(request.user, saved_filters.SHARE, queue.pk),
    }
    return render(request, "cases/_filters.html", context)


def _form(request: StaffRequest, queue: Queue, row: SavedFilter | None) -> HttpResponse:
    context: dict[str, Any] = {
        "queue": queue,
        "row": row,
        "text": row.text if row else request.GET.get("q", ""),
        "may_share": row is None and may(request.user, saved_filters.SHARE, queue.pk),
    }
    return render(request, "cases/_filter.html", context)


@login_required
@require_http_methods(["GET", "POST", "DELETE"])
@guarded
def one(request: StaffRequest, pk: int, saved: int) -> HttpResponse:
    """GET its form; POST another name or text; DELETE (or POST remove=1) takes it away."""
    queue = get_object_or_404(Queue.objects.visible_to(request.user), pk=pk)
    row = get_object_or_404(SavedFilter.objects.beside(queue, request.user), pk=saved)
    if request.method == "GET":
        return _form(request, queue, row)
    if request.method == "DELETE" or "remove" in request.POST:
        saved_filters.remove(row, by=request.user)
        return _again(request, queue, "", _("“%(name)s” is gone.") % {"name": row.name})
    given = request.POST
    saved_filters.change(
        row, by=request.user, at=timezone.now(), name=given.get("name", ""), text=given.get("text", "")
    )
    return _again(request, queue, row.view, _("“%(name)s” is saved.") % {"name": row.name})


@login_required
@require_POST
@guarded
def place(request: StaffRequest, pk: int, saved: int) -> HttpResponse:
    """Put it at the place `to`, from 0, among those it stands with."""
    queue = get_object_or_404(Queue.objects.visible_to(request.user), pk=pk)
    row = get_object_or_404(SavedFilter.objects.beside(queue, request.user), pk=saved)
    to = request.POST.get("to", "")
    if not (to.isdecimal() and len(to) < 4):
        return said(request, _("Say which place, from 0."), status=400, level="red")
    saved_filters.move(row, int(to), by=request.user)
    if not request.htmx:
        return redirect("cases:queue", pk=queue.pk)
    answer = _shown(request, queue)
    answer["HX-Trigger"] = json.dumps({"list:again": {}})
    return answer


def _again(request: StaffRequest, queue: Queue, view: str, text: str) -> HttpResponse:
    """The list comes anew, in that view."""
    address = reverse("cases:queue", args=[queue.pk]) + (f"?view={view}" if view else "")
    if not request.htmx:
        return redirect(address)
    answer = said(request, text)
    answer["HX-Trigger"] = json.dumps({"said": {"text": text, "level": "calm"}, "list:again": {"view": view}})
    return answer
