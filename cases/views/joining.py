"""Cases that belong together: one merged into another, words split off, links between them."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from cases import linking, merging, splitting
from cases.forms import LinkForm, MergeForm, SplitForm, checked
from cases.models import Case
from cases.models.case import Refusal
from cases.views.saying import changed, find, go, guarded, require
from cases.views.verbs import asking
from crm.http import StaffRequest
from crm.models import User


@login_required
@require_http_methods(["GET", "POST", "DELETE"])
@guarded
def merge(request: StaffRequest, number: int) -> HttpResponse:
    """GET looks for what to merge this case `into`, and shows what would happen; POST does it; DELETE undoes it."""
    gone = find(request.user, number)
    require(request.user, "merge", gone)
    if request.method == "GET":
        return _look(request, gone)
    if request.method == "DELETE":
        return _part(request, gone)
    kept = _named(request.user, checked(MergeForm(request.POST))["into"])
    require(request.user, "merge", kept)
    merging.merge(gone, kept, by=request.user)
    return go(request, reverse("cases:case", args=[kept.number]))


def _look(request: StaffRequest, gone: Case) -> HttpResponse:
    asked = request.GET.get("into", "").strip().lstrip("#")
    context: dict[str, Any] = {"case": gone, "into": asked}
    if asked:
        try:
            kept = _named(request.user, int(asked) if asked.isdecimal() and len(asked) < 19 else 0)
            context["preview"] = merging.preview(gone, kept)
        except Refusal as unknown:
            context["unknown"] = unknown.message
    if request.htmx and request.htmx.target == "merge-preview":
        return render(request, "cases/_merge_preview.html", context)
    context["candidates"] = merging.candidates(gone, request.user)
    return render(request, "cases/_merge.html", context)


def _named(user: User, number: int) -> Case:
    """A case somebody typed the number of; unknown and invisible read alike."""
    found = Case.objects.visible_to(user).select_related("customer", "assignee", "queue").filter(number=number).first()
    if found is None:
        raise Refusal(_("There is no case of that number that you may see."))
    return found


def _part(request: StaffRequest, gone: Case) -> HttpResponse:
    done = merging.standing(gone)
    if done is None:
        raise Refusal(_("#%(number)s is not merged into another.") % {"number": gone.number})
    require(request.user, "merge", done.kept)
    merging.undo(done, by=request.user)
    kept = find(request.user, done.kept.number)
    return changed(request, kept, _("#%(number)s is a case of its own again.") % {"number": gone.number}, whole=True)


@login_required
@asking
@guarded
def split(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """A message of the customer becomes a case of its own."""
    case = find(request.user, number)
    require(request.user, "split", case)
    message = get_object_or_404(case.messages, pk=pk)
    if request.method == "GET":
        later = case.messages.filter(at__gt=message.at).count()
        return render(request, "cases/_split.html", {"case": case, "message": message, "later": later})
    given = checked(SplitForm(request.POST))
    fresh = splitting.split(message, subject=given["subject"], with_later=given["with_later"], by=request.user)
    return go(request, reverse("cases:case", args=[fresh.number]))


@login_required
@asking
@guarded
def links(request: StaffRequest, number: int) -> HttpResponse:
    """Say that this case belongs to another, and how."""
    case = find(request.user, number)
    require(request.user, "link", case)
    if request.method == "GET":
        context = {"case": case, "kinds": linking.KINDS, "links": linking.of(case, request.user)}
        return render(request, "cases/_links.html", context)
    given = checked(LinkForm(request.POST))
    other = _named(request.user, given["other"])
    linking.link(case, other, given["kind"], by=request.user)
    return changed(request, case, _("Linked with #%(number)s.") % {"number": other.number})


@login_required
@require_http_methods(["DELETE", "POST"])
@guarded
def link(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """Take a link off (DELETE, or POST without scripts)."""
    case = find(request.user, number)
    require(request.user, "link", case)
    found = next((one for one, _other, _words in linking.of(case, request.user) if one.pk == pk), None)
    if found is not None:
        linking.unlink(found, by=request.user)
    return changed(request, case, _("The link is off."))
