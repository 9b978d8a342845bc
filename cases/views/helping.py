"""Over a colleague's shoulder: whispers beside the thread, joining their case, taking it over."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases import helping, whispering
from cases.forms import TakeoverForm, checked
from cases.models import Case
from cases.views.room import whispers_of, writing
from cases.views.saying import changed, find, guarded, require
from cases.views.verbs import asking
from crm.http import StaffRequest


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def whispers(request: StaffRequest, number: int) -> HttpResponse:
    """What I may read of a case's whispers; POST says that I have."""
    case = find(request.user, number)
    if request.method == "POST":
        whispering.hear(case, by=request.user)
    return render(request, "cases/_whispers.html", whispers_of(case, request.user))


@login_required
@require_http_methods(["POST", "DELETE"])
@guarded
def help_out(request: StaffRequest, number: int) -> HttpResponse:
    """Join a colleague's case (POST), or leave it to them again (DELETE)."""
    case = find(request.user, number)
    require(request.user, "join", case)
    if request.method == "DELETE":
        helping.leave(case, by=request.user)
        return _composer_too(request, case, _("You only watch again."))
    helping.join(case, by=request.user)
    name = case.assignee.name if case.assignee else ""
    return _composer_too(request, case, _("You write here too now. %(name)s is told.") % {"name": name})


@login_required
@asking
@guarded
def takeover(request: StaffRequest, number: int) -> HttpResponse:
    """Take a case from whoever has it, and say why."""
    case = find(request.user, number)
    require(request.user, "take_over", case)
    if request.method == "GET":
        return render(request, "cases/_takeover.html", {"case": case})
    helping.take_over(case, by=request.user, reason=checked(TakeoverForm(request.POST))["reason"])
    return _composer_too(request, case, _("#%(number)s is yours.") % {"number": number})


def _composer_too(request: StaffRequest, case: Case, text: str) -> HttpResponse:
    """What changed, and the composer as it is for who writes here now."""
    answer = changed(request, case, text)
    if request.htmx:
        fresh = find(request.user, case.number)
        answer.write(render_to_string("cases/_composer.html", writing(fresh, request.user), request=request))
    return answer
