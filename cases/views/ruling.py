"""Beside a case: what rules did in it, and why others did nothing."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cases.rules import looking
from cases.views.saying import find, require
from crm.http import StaffRequest


@login_required
@require_GET
def runs(request: StaffRequest, number: int) -> HttpResponse:
    """The newest first: those that acted, and folded those that did not."""
    case = find(request.user, number)
    require(request.user, "rules", case)
    asked = looking.runs_of(case)
    acted = [one for one in asked if one["caused"] or one["run"].state != "unfit"]
    idle = [one for one in asked if one not in acted]
    return render(request, "cases/_rules.html", {"case": case, "acted": acted, "idle": idle})
