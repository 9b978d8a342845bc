"""Asking somebody beside a case: what was asked and said, one more question, an answer to an answer. None of it is the
customer's."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases import sides as asking
from cases.forms import SideForm, SideReplyForm, checked
from cases.models import Case, SideFile, SideMessage, SideTalk
from cases.views.public import streamed
from cases.views.saying import changed, find, guarded, require
from crm.http import StaffRequest
from crm.roles import may


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def sides(request: StaffRequest, number: int) -> HttpResponse:
    """The section beside the case; or one more talk."""
    case = find(request.user, number)
    if request.method == "GET":
        context = {"case": case, "talks": asking.of(case), "may_ask": may(request.user, "case.side", case.queue_id)}
        return render(request, "cases/_sides.html", context)
    require(request.user, "side", case)
    given = checked(SideForm(request.POST, _files(request), quotable=asking.quotable(case)))
    asking.begin(case, by=request.user, **given)
    return changed(request, case, _("Asked. Their answer comes here, never into the thread."))


def _files(request: StaffRequest) -> Any:
    return {"files": request.FILES.getlist("files")}


@login_required
@require_GET
@guarded
def side_form(request: StaffRequest, number: int) -> HttpResponse:
    case = find(request.user, number)
    require(request.user, "side", case)
    return render(request, "cases/_side_form.html", {"case": case, "quotable": asking.quotable(case)})


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def side(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """One talk: the form to go on with it, what is written in it, or whether it is `done`."""
    case = find(request.user, number)
    require(request.user, "side", case)
    talk = get_object_or_404(SideTalk, case=case, pk=pk)
    if request.method == "GET":
        context = {"case": case, "talk": talk, "quotable": asking.quotable(case)}
        return render(request, "cases/_side_form.html", context)
    if "done" in request.POST:
        (asking.settle if request.POST["done"] == "1" else asking.take_up)(talk, by=request.user)
        return changed(request, case)
    given = checked(SideReplyForm(request.POST, _files(request), quotable=asking.quotable(case)))
    asking.write(talk, by=request.user, **given)
    return changed(request, case, _("On its way to %(to)s.") % {"to": talk.to})


@login_required
@require_POST
@guarded
def undo(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """Take what one has just written back."""
    case = find(request.user, number)
    require(request.user, "side", case)
    asking.take_back(_message(case, pk), by=request.user)
    return changed(request, case, _("Taken back."))


@login_required
@require_POST
@guarded
def retry(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """Send what failed once more."""
    case = find(request.user, number)
    require(request.user, "side", case)
    asking.retry(_message(case, pk), by=request.user)
    return changed(request, case, _("It is being sent again."))


def _message(case: Case, pk: int) -> SideMessage:
    return get_object_or_404(SideMessage.objects.select_related("talk"), talk__case=case, author__isnull=False, pk=pk)


@login_required
@require_GET
def file(request: HttpRequest, token: str) -> HttpResponse | StreamingHttpResponse:
    """A file of such a talk, for those who may see its case."""
    seen = Case.objects.visible_to(request.user)
    files = SideFile.objects.select_related("file")
    return streamed(request, get_object_or_404(files, token=token, message__talk__case__in=seen))
