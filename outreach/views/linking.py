"""From an open case: say which known problem it is about, or declare one."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases.hooks import case_banners
from cases.models import Case
from cases.models.case import Refusal
from cases.views.saying import changed, find, guarded
from crm.http import StaffRequest
from crm.models import User
from crm.roles import may
from outreach.models import KnownProblem, ProblemCase

MOST_OFFERED = 12


@login_required
@require_http_methods(["GET", "POST", "DELETE"])
@guarded
def case_problem(request: StaffRequest, number: int) -> HttpResponse:
    """GET the small form; POST links to `problem`, or declares one by `title`; DELETE (or POST remove) takes it off."""
    case = find(request.user, number)
    if request.method == "GET":
        return _ask(request, case)
    if request.method == "DELETE" or "remove" in request.POST:
        text = _taken_off(case, request.user)
    elif request.POST.get("problem"):
        text = _linked(case, request.user, request.POST["problem"])
    else:
        text = _declared(case, request)
    banners = [banner for banner in case_banners.collect(case, request.user) if banner]
    return changed(request, case, text, banners=banners)


def _ask(request: StaffRequest, case: Case) -> HttpResponse:
    linked = ProblemCase.objects.select_related("problem").filter(case=case).first()
    near = list(KnownProblem.objects.standing().touching(case)[:3])
    others = KnownProblem.objects.standing().exclude(pk__in=[p.pk for p in near])[:MOST_OFFERED]
    context = {"case": case, "linked": linked, "near": near, "others": others}
    rights = {"may_declare": may(request.user, "problem.declare"), "may_link": _may_link(request.user, case)}
    return render(request, "outreach/_case_problem.html", {**context, **rights})


def _may_link(user: User, case: Case) -> bool:
    return may(user, "problem.link", case.queue_id)


def _linked(case: Case, user: User, pk: str) -> str:
    _must(_may_link(user, case))
    if not (pk.isdecimal() and len(pk) < 15):
        raise Refusal(_("Choose a problem."))
    problem = get_object_or_404(KnownProblem, pk=int(pk))
    problem.link(case, by=user)
    return _("#%(number)s is linked to “%(title)s”.") % {"number": case.number, "title": problem}


def _taken_off(case: Case, user: User) -> str:
    _must(_may_link(user, case))
    linked = ProblemCase.objects.select_related("problem").filter(case=case).first()
    if linked:
        linked.problem.unlink(case, by=user)
    return _("#%(number)s is no longer linked.") % {"number": case.number}


def _declared(case: Case, request: StaffRequest) -> str:
    _must(may(request.user, "problem.declare"))
    written: dict[str, Any] = {name: request.POST.get(name, "")[:5000] for name in ("symptom", "workaround")}
    problem = KnownProblem.declare(case=case, by=request.user, title=request.POST.get("title", ""), **written)
    return _("“%(title)s” is a known problem now.") % {"title": problem}


def _must(is_so: bool) -> None:
    if not is_so:
        raise PermissionDenied(_("Your role here does not allow this."))
