"""Guided steps beside a case: which playbook, what is next, what was done."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cases import playbooks as keeping
from cases.models import Case, Playbook
from cases.models.case import Refusal
from cases.views.saying import changed, find, guarded, require
from crm.http import StaffRequest
from crm.models import User
from crm.roles import may


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def playbook(request: StaffRequest, number: int) -> HttpResponse:
    """The section beside the case; or begin one (`playbook`), or leave the one that runs (`leave`)."""
    case = find(request.user, number)
    if request.method == "GET":
        return render(request, "cases/_playbook.html", _shown(case, request.user))
    require(request.user, "task", case)
    if "leave" in request.POST:
        if there := keeping.of(case):
            keeping.leave(there.run, by=request.user)
        return changed(request, case)
    asked = request.POST.get("playbook", "")
    found = get_object_or_404(Playbook.objects.offered(case.queue), pk=asked if asked.isdecimal() else 0)
    keeping.start(case, found, by=request.user)
    return changed(request, case)


def _shown(case: Case, user: User) -> dict[str, Any]:
    way = keeping.of(case)
    known = [] if way else list(Playbook.objects.offered(case.queue).order_by("name")[:200])
    return {"case": case, "way": way, "playbooks": known, "may_take": may(user, "case.task", case.queue_id)}


@login_required
@require_POST
@guarded
def step(request: StaffRequest, number: int) -> HttpResponse:
    """A step is done; before its turn only with a reason."""
    case = find(request.user, number)
    require(request.user, "task", case)
    there = keeping.of(case)
    if there is None:
        raise Refusal(_("No playbook runs in this case."))
    keeping.take(there.run, request.POST.get("step", ""), by=request.user, reason=request.POST.get("reason", ""))
    return changed(request, case)
