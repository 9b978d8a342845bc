"""What every console view says back: fragments to place, a sentence for the person, the position it was rendered at."""

import json
from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.core.exceptions import PermissionDenied
from django.db.models import BigIntegerField
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from cases import feelings, fields, outcomes, thread
from cases.hooks import Banner
from cases.models import Case, CaseField, Clock, Message, Queue
from cases.models.case import Refusal
from cases.models.case_rows import CaseQuerySet
from cases.models.refusals import FieldsMissing, OutcomeWanted
from cases.sight import Sight
from cases.tasks import OpenTasks
from crm.database.prepared import Prepared
from crm.http import StaffRequest
from crm.live import position
from crm.models import User
from crm.roles import TABLE, may, roles_of

P = ParamSpec("P")
View = Callable[Concatenate[StaffRequest, P], HttpResponse]


def where() -> dict[str, Any]:
    """Where the log stood before the page read its state: the page carries it, the socket goes on from there."""
    epoch, _colon, pos = position().rpartition(":")
    return {"epoch": epoch, "pos": pos}


def find(user: User, number: int) -> Case:
    """The one door to a case: 404 for whoever may not see it, and nothing says whether it exists."""
    return found(_FOUND, user, number)


def seen(user: User, **more: Any) -> CaseQuerySet:
    """The cases behind that door, with what every page of one shows."""
    return Case.objects.visible_to(user).select_related("customer", "assignee", "queue").annotate(**more)


def found(asked: Sight[Case], user: User, number: int) -> Case:
    """What `find` does, with other things beside the case: a question of a person and its number."""
    case = asked.first(user, number) if number <= BigIntegerField.MAX_BIGINT else None
    if case is None:
        raise Http404
    return case


_FOUND = Sight(lambda user, number: seen(user).filter(number=number), int)


def require(user: User, verb: str, place: Case | Queue) -> None:
    """403 with a sentence unless the table of roles lets this person do `verb` to cases of that queue."""
    queue = place.queue_id if isinstance(place, Case) else place.pk
    if not may(user, f"case.{verb}", queue):
        raise PermissionDenied(_("Your role here does not allow this."))


def allowed(user: User, queue: Queue) -> dict[str, bool]:
    """Which verbs on cases of this queue the person's buttons are shown for."""
    held = roles_of(user, queue.pk)
    return {verb.removeprefix("case."): bool(who & held) for verb, who in TABLE.items() if verb.startswith("case.")}


def guarded(view: View[P]) -> View[P]:
    """A verb that refuses becomes a sentence for the person and a 409, never an error page."""

    @wraps(view)
    def answer(request: StaffRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except FieldsMissing as lacking:
            return fill_first(request, lacking)
        except OpenTasks as left:
            return tasks_first(request, left)
        except OutcomeWanted as wanted:
            return outcome_first(request, wanted)
        except Refusal as refusal:
            return said(request, refusal.message, status=409, level="red")
        except PermissionDenied as denied:
            return said(request, str(denied), status=403, level="red")

    return answer  # type: ignore[return-value] # wraps() keeps the parameter's name, which Concatenate has not


def fill_first(request: StaffRequest, lacking: FieldsMissing) -> HttpResponse:
    """What must be filled in before it goes on, as the form that fills it in; the browser then asks again what it asked
    (static/js/console/first.js). Where one may not, or without scripts, the sentence."""
    if not request.htmx or not may(request.user, "case.field", lacking.case.queue_id):
        return said(request, lacking.message, status=409, level="red")
    return first(request, "cases/_fields_form.html", form_of(lacking.case, lacking))


def tasks_first(request: StaffRequest, left: OpenTasks) -> HttpResponse:
    """What is still to be done before it is resolved: done now, or left on purpose."""
    if not request.htmx:
        return said(request, left.message, status=409, level="red")
    return first(request, "cases/_tasks_first.html", {"case": left.case, "tasks": left.tasks, "said": left.message})


def outcome_first(request: StaffRequest, wanted: OutcomeWanted) -> HttpResponse:
    """How it ended, before it is resolved; where nothing of it must be said, one may go on without."""
    if not request.htmx:
        return said(request, wanted.message, status=409, level="red")
    return first(request, "cases/_outcome_form.html", outcome_form(wanted.case, resolves=True))


def outcome_form(case: Case, *, resolves: bool = False) -> dict[str, Any]:
    """What `cases/_outcome_form.html` shows."""
    may_leave = resolves and outcomes.may_be_left(case)
    return {"case": case, "parts": outcomes.parts(case), "resolves": resolves, "may_leave": may_leave}


def first(request: StaffRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """Something to be answered in the dialog before what was asked goes on."""
    response = render(request, template, context, status=409)
    response["HX-Retarget"] = "#ask-body"
    response["HX-Reswap"] = "innerHTML"
    response["X-First"] = "1"
    return response


def form_of(case: Case, lacking: FieldsMissing | None = None) -> dict[str, Any]:
    """What `cases/_fields_form.html` shows: every field asked of this case, or those that are wanted now."""
    wanted = {field.pk for field in lacking.fields} if lacking else None
    filled = [each for each in fields.of(case) if (each.is_asked if wanted is None else each.field.pk in wanted)]
    about = any(each.field.kind == CaseField.Kind.SUBSCRIPTION for each in filled)
    return {
        "case": case,
        "filled": filled,
        "subscriptions": fields.subscriptions(case) if about else [],
        "becomes": dict(Case.Status.choices).get(lacking.status, "") if lacking else "",
    }


def said(request: StaffRequest, text: str, *, status: int = 200, level: str = "calm") -> HttpResponse:
    """Only a sentence; the screen stays as it is."""
    response = HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
    return _toast(response, text, level) if request.htmx else response


def _toast(response: HttpResponse, text: str, level: str) -> HttpResponse:
    response["HX-Reswap"] = "none"
    response["HX-Trigger"] = json.dumps({"said": {"text": str(text), "level": level}})
    return response


def ask(request: StaffRequest, case: Case, noun: str, **more: Any) -> HttpResponse:
    """The small form of one noun, for the dialog."""
    return render(request, "cases/_ask.html", {"case": case, "noun": noun, **more})


def changed(
    request: StaffRequest,
    case: Case,
    text: str = "",
    *,
    messages: list[Message] | None = None,
    banners: list[Banner] | None = None,
    gone: bool = False,
    whole: bool = False,
    status: int = 200,
) -> HttpResponse:
    """What a verb changed, as the same fragments the socket brings: the client places them, newest version wins."""
    if not request.htmx:
        return said(request, text, status=status) if status != 200 else _see(case)
    shown = screened(case.pk)
    context = {"case": shown, "messages": thread.dressed(shown, messages or []), "gone": gone}
    context["banners"] = banners
    if whole:
        context["piece"] = thread.piece(shown)
    body = render_to_string("cases/_changed.html", context, request=request)
    response = HttpResponse(body, status=status)
    response["X-Fragments"] = "1"
    return _toast(response, text, "calm" if status == 200 else "red") if text else _quiet(response)


def screened(pk: int) -> Case:
    """A case as it is now, with everything its head and its row show."""
    shown = _SHOWN.first(pk)
    if shown is None:
        raise Http404
    shown.open_clocks = Clock.objects.shown(pk)  # type: ignore[attr-defined]
    return shown


_SHOWN = Prepared(lambda pk: Case.objects.filter(pk=pk).shown().annotate(**feelings.columns()), int)


def go(request: StaffRequest, url: str) -> HttpResponse:
    """Look elsewhere."""
    if request.htmx:
        return HttpResponse(status=204, headers={"HX-Redirect": url})
    return redirect(url)


def _see(case: Case) -> HttpResponse:
    """Without scripts: look at the case again (303, so that a DELETE is not repeated there)."""
    response = redirect("cases:case", number=case.number)
    response.status_code = 303
    return response


def _quiet(response: HttpResponse) -> HttpResponse:
    response["HX-Reswap"] = "none"
    return response
