"""What a case is said to be: its tags, and the fields the house asks of it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_http_methods

from cases import fields as filling
from cases import outcomes
from cases import tags as tagging
from cases.forms import TagsForm, checked
from cases.models import Case
from cases.views.saying import changed, find, form_of, guarded, outcome_form, require
from crm.http import StaffRequest
from crm.roles import may


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def tags(request: StaffRequest, number: int) -> HttpResponse:
    """All of them, with those known to choose from; to the box one types in, only what fits."""
    case = find(request.user, number)
    if request.method == "GET":
        return _choose(request, case)
    require(request.user, "tag", case)
    form = TagsForm(request.POST)
    checked(form)
    case.set_tags(form.words(), by=request.user)
    return changed(request, case)


def _choose(request: StaffRequest, case: Case) -> HttpResponse:
    """The last of the words in the box is the one being typed."""
    words = request.GET.get("tags", "").split(",")
    held = [word.strip().lower() for word in words[:-1]] if "tags" in request.GET else case.tags
    offered = tagging.offered(case.queue, words[-1][:60], but=held)
    part = request.htmx and request.htmx.target == "known-tags"
    return render(request, "cases/_tags_known.html" if part else "cases/_tags.html", {"case": case, "offered": offered})


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def fields(request: StaffRequest, number: int) -> HttpResponse:
    """The section beside the case; or what its form sends, where a field that is not in it stays as it is."""
    case = find(request.user, number)
    if request.method == "GET":
        context = {"case": case, "filled": filling.of(case), "may_fill": may(request.user, "case.field", case.queue_id)}
        return render(request, "cases/_fields.html", context)
    require(request.user, "field", case)
    filling.fill(case, _given(request), by=request.user)
    return changed(request, case)


def _given(request: StaffRequest) -> dict[str, Any]:
    """By key; a field of several options says with `shown` that it was there though none is ticked."""
    sent = request.POST
    given: dict[str, Any] = {name.removeprefix("field."): [] for name in sent.getlist("shown")}
    for name in sent:
        if name.startswith("field."):
            values = sent.getlist(name)
            given[name.removeprefix("field.")] = values if name in sent.getlist("shown") else values[-1]
    return given


@login_required
@require_GET
@guarded
def fields_form(request: StaffRequest, number: int) -> HttpResponse:
    """Everything asked of this case, to be filled in."""
    case = find(request.user, number)
    require(request.user, "field", case)
    return render(request, "cases/_fields_form.html", form_of(case))


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def outcome(request: StaffRequest, number: int) -> HttpResponse:
    """What it was about and what would have prevented it: the form, or what it sends."""
    case = find(request.user, number)
    require(request.user, "status", case)
    if request.method == "GET":
        return render(request, "cases/_outcome_form.html", outcome_form(case))
    outcomes.note(case, by=request.user, **outcomes.chosen(request.POST))
    return changed(request, case)
