"""The problem room: what is known, which cases are about it, whom it is likely to hit."""

import json
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.models import Case
from cases.models.case import Refusal
from crm.http import StaffRequest
from crm.models import User
from customers import catalogue as catalogues
from customers import facts, looking, saying
from customers.conditions import BadCondition
from outreach import exposure
from outreach.models import KnownProblem, ProblemCase
from outreach.problem_forms import ConditionForm, DeclareForm, ProblemForm
from outreach.reasons_out import words_of
from outreach.views.doors import problem_for, refusing, require, rights, told, where

SHOWN_CASES = 30
NOBODY: dict[str, Any] = {"any": []}  # what rows are put to where nothing was said: as long as there are none, nobody
# What an empty condition box offers to begin with.
EXAMPLES = (
    (
        gettext_lazy("Who has a device with a firmware"),
        {
            "exists": "subscriptions",
            "where": {
                "all": [
                    {"fact": "device", "op": "is", "value": "Hub 5"},
                    {"fact": "version", "op": "starts_with", "value": "2.3"},
                    {"fact": "status", "op": "is", "value": "active"},
                ]
            },
        },
    ),
    (
        gettext_lazy("Who has a product in a region"),
        {
            "exists": "subscriptions",
            "where": {
                "all": [
                    {"fact": "product", "op": "is", "value": "Fibre 100"},
                    {"fact": "region", "op": "in", "value": ["North", "East"]},
                ]
            },
        },
    ),
    (
        gettext_lazy("Who ordered in the last 30 days"),
        {"exists": "orders", "where": {"fact": "placed_at", "op": "after", "value": {"days_ago": 30}}},
    ),
)


@login_required
@require_http_methods(["GET", "POST"])
def problems(request: StaffRequest) -> HttpResponse:
    """All of them, those that stand first; POST declares one."""
    if request.method == "POST":
        return _declare(request)
    require(request.user, "problem.see")
    rows = KnownProblem.objects.select_related("owner").order_by("closed_at", "-declared_at", "-pk")
    shown = [p for p in rows[:200] if p.is_standing], [p for p in rows[:200] if not p.is_standing]
    context = {**where(), "standing": shown[0], "closed": shown[1][:20], "may": rights(request.user)}
    return render(request, "outreach/problems.html", {**context, "form": DeclareForm()})


def _declare(request: StaffRequest) -> HttpResponse:
    require(request.user, "problem.declare")
    form = DeclareForm(request.POST)
    if not form.is_valid():
        context = {**where(), "standing": [], "closed": [], "may": rights(request.user), "form": form}
        return render(request, "outreach/problems.html", context, status=422)
    made = KnownProblem.declare(by=request.user, **form.cleaned_data)
    return told(request, _("Declared. Now say whom it hits."), "outreach:problem", made.pk)


@login_required
@require_GET
def problem(request: StaffRequest, pk: int) -> HttpResponse:
    place = where()
    found = problem_for(request.user, "problem.see", pk)
    return render(request, "outreach/problem.html", {**place, **_room(found, request.user)})


@login_required
@require_GET
def standing(request: StaffRequest, pk: int) -> HttpResponse:
    """The parts of the room that change by themselves."""
    found = problem_for(request.user, "problem.see", pk)
    return render(request, "outreach/_standing.html", _room(found, request.user))


def _room(problem: KnownProblem, user: User) -> dict[str, Any]:
    seen = Case.objects.visible_to(user)
    linked = ProblemCase.objects.filter(problem=problem)
    shown = linked.filter(case__in=seen).select_related("case__customer", "case__queue").order_by("-linked_at", "-pk")
    outlook = exposure.outlook(problem, timezone.now())
    return {
        "problem": problem,
        "may": rights(user),
        "linked": list(shown[:SHOWN_CASES]),
        "linked_count": linked.count(),
        "outlook": outlook,
        "withheld": [(words_of(reason), n) for reason, n in outlook.withheld.items()],
        "notices": list(problem.notices.select_related("approved_by")),
    }


@login_required
@require_GET
def examples(request: StaffRequest, pk: int) -> HttpResponse:
    """Ten of those it hits, as it is saved."""
    found = problem_for(request.user, "problem.see", pk)
    rows = exposure.sample(found, found.condition, timezone.now(), user=request.user)
    return render(request, "outreach/_sample.html", {"sample": rows, "problem": found})


@login_required
@require_http_methods(["GET", "POST"])
@refusing
def wording(request: StaffRequest, pk: int) -> HttpResponse:
    """What is written about it."""
    place = where()
    found = problem_for(request.user, "problem.change", pk)
    form = ProblemForm(request.POST or None, instance=KnownProblem.objects.get(pk=pk))
    if request.method == "GET" or not form.is_valid():
        context = {**place, "problem": found, "form": form, "may": rights(request.user)}
        return render(request, "outreach/wording.html", context, status=422 if request.method == "POST" else 200)
    found.edit(by=request.user, **form.cleaned_data)
    return told(request, _("Saved. Open cases show it now."), "outreach:problem", pk)


@login_required
@require_http_methods(["GET", "POST"])
@refusing
def condition(request: StaffRequest, pk: int) -> HttpResponse:
    """Whom it hits: GET the editor, POST saves and finds them."""
    place = where()
    found = problem_for(request.user, "problem.change", pk)
    context = {**place, "problem": found, "may": rights(request.user), "examples": _examples()}
    if request.method == "GET":
        return render(request, "outreach/condition.html", {**context, "text": _pretty(found.condition)})
    form = ConditionForm(request.POST)
    try:
        exposure.aim(found, _given(form), by=request.user)
    except BadCondition as bad:
        context |= {"text": request.POST.get("condition", ""), "bad": bad}
        return render(request, "outreach/condition.html", context, status=422)
    size = found.exposed
    return told(request, _("Saved. %(n)s customers are likely to be hit.") % {"n": f"{size:,}"}, "outreach:problem", pk)


@login_required
@require_GET
def catalogue(request: StaffRequest) -> JsonResponse:
    """What a condition can be put together from, for the editor."""
    require(request.user, "problem.change")
    return JsonResponse(catalogues.catalogue(facts.registry()))


@login_required
@require_POST
def preview(request: StaffRequest, pk: int) -> HttpResponse:
    """What a condition would find, before it is saved; nothing changes."""
    found = problem_for(request.user, "problem.change", pk)
    now = timezone.now()
    try:
        given = _given(ConditionForm(request.POST))
        outlook = exposure.tried(found, given, now) if given is not None else None
        sample = exposure.sample(found, given, now, user=request.user) if given is not None else []
        note = looking.note(given, now)
    except BadCondition as bad:
        return render(request, "outreach/_preview.html", {"bad": bad})
    withheld = [(words_of(reason), n) for reason, n in outlook.withheld.items()] if outlook else []
    context = {"outlook": outlook, "withheld": withheld, "sample": sample, "problem": found, "note": note}
    return render(request, "outreach/_preview.html", context)


def _given(form: ConditionForm) -> dict[str, Any] | None:
    if not form.is_valid():
        raise BadCondition("", _("This is not JSON: look for a missing comma, quote or bracket."))
    given = form.cleaned_data["condition"]
    if given in (None, "", NOBODY):
        return None
    if not isinstance(given, dict):
        raise BadCondition("", _("A condition is an object: { … }."))
    return given


def _pretty(condition: Any) -> str:
    return json.dumps(saying.as_said(NOBODY if condition is None else condition), indent=2, ensure_ascii=False)


def _examples() -> list[tuple[str, str]]:
    return [(str(words), _pretty(data)) for words, data in EXAMPLES]


# --- its cases


@login_required
@require_POST
@refusing
def cases(request: StaffRequest, pk: int) -> HttpResponse:
    """Link a case by its number; with `remove`, take it off."""
    found = problem_for(request.user, "problem.link", pk)
    number = request.POST.get("number", "").strip().lstrip("#")
    seen = Case.objects.visible_to(request.user)
    case = seen.filter(number=int(number)).first() if number.isdecimal() and len(number) < 15 else None
    if case is None:
        raise Refusal(_("There is no case of this number that you may see."))
    if "remove" in request.POST:
        found.unlink(case, by=request.user)
        return told(request, _("#%(number)s is no longer linked.") % {"number": number}, "outreach:problem", pk)
    found.link(case, by=request.user)
    return told(request, _("#%(number)s is linked.") % {"number": number}, "outreach:problem", pk)


@login_required
@require_POST
@refusing
def closing(request: StaffRequest, pk: int) -> HttpResponse:
    found = problem_for(request.user, "problem.change", pk)
    found.close(by=request.user)
    return told(request, _("Closed. No case shows it any more."), "outreach:problem", pk)


@login_required
@require_POST
@refusing
def reopening(request: StaffRequest, pk: int) -> HttpResponse:
    problem_for(request.user, "problem.change", pk).reopen(by=request.user)
    return redirect("outreach:problem", pk=pk)
