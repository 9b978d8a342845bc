"""Whether the need is met, and how the customer felt: what a rep marks, and takes back, in one step."""

from django.contrib.auth.decorators import login_required
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases import feelings, thread
from cases.models import Case, Message
from cases.models.need import HOW
from cases.templatetags.feel import feeling_marks
from cases.views.saying import ask, changed, find, guarded, require
from crm.http import StaffRequest


@login_required
@require_http_methods(["GET", "POST", "DELETE"])
@guarded
def need(request: StaffRequest, number: int) -> HttpResponse:
    """The customer has what they came for (POST how=), or it proved otherwise (DELETE, or POST without how)."""
    case = find(request.user, number)
    if request.method == "GET":
        return ask(request, case, "need", ways=HOW.items())
    require(request.user, "need", case)
    how = request.POST.get("how", "") if request.method == "POST" else ""
    if how:
        case.mark_need_met(by=request.user, how=how)
        return changed(request, case, _("Need met in #%(number)s.") % {"number": number})
    case.mark_need_unmet(by=request.user)
    return changed(request, case, _("The need of #%(number)s is not met.") % {"number": number})


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def feeling(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """How the customer felt with this message (POST `feeling=`, empty: nobody knows); GET has the marks as they are now."""
    case = find(request.user, number)
    if request.method == "GET":
        shown = get_object_or_404(_shown(case), pk=pk)
        shown.case = case
        return HttpResponse(feeling_marks(shown))
    require(request.user, "feeling", case)
    message = get_object_or_404(_shown(case), pk=pk)
    message.case = case
    feelings.mark(message, request.POST.get("feeling", ""), by=request.user)
    return changed(request, case, messages=[get_object_or_404(_shown(case), pk=pk)])


def _shown(case: Case) -> QuerySet[Message]:
    return thread.with_parts(case.messages.all())
