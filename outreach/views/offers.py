"""The offer beside a case: absent until it is earned, one card when it is, and always why nothing."""

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.forms import checked
from cases.models import Case
from cases.models.case import Refusal
from cases.views.saying import find, guarded, said
from crm.http import StaffRequest
from crm.models import User
from crm.roles import may
from outreach import deciding, responding, showing
from outreach.forms import LATER, ResponseForm
from outreach.models import Decision


def _find(user: User, number: int) -> Case:
    """A case this person may make offers in; executives are told that they may not."""
    case = find(user, number)
    if not may(user, "offer.respond", case.queue_id):
        raise PermissionDenied(_("Your role here does not allow this."))
    return case


@login_required
@require_http_methods(["GET", "POST"])
@guarded
def offer(request: StaffRequest, number: int) -> HttpResponse:
    """GET: what stands; once the need is met, the panel of whoever has the case asks by POST, which decides, and presents
    if anything is to be offered. Before the need is met that is refused, and kept as a try."""
    case = _find(request.user, number)
    if request.method == "GET":
        return _panel(request, case, showing.card(case), asks=_is_theirs(case, request.user))
    early = case.need_met_event_id is None
    decided = deciding.decide(case, by=request.user, asked=Decision.Asked.TRY if early else Decision.Asked.PANEL)
    if early:
        raise Refusal(_("The need is not met yet: nothing is offered. That you tried is kept."))
    # Silence is decided only where this talk shows nothing.
    return _panel(request, case, showing.card(case) if decided.outcome == Decision.Outcome.PRESENTED else None)


def _is_theirs(case: Case, user: User) -> bool:
    """Who only looks over a shoulder is shown nothing, so that what is shown is shown to who speaks with the customer."""
    return case.need_met_event_id is not None and case.assignee_id in {user.pk, None}


def _panel(request: StaffRequest, case: Case, shown: showing.Card | None, *, asks: bool = False) -> HttpResponse:
    context = {"case": case, "card": shown, "asks": asks and shown is None, "later": LATER.items()}
    return render(request, "outreach/_offer.html", context)


@login_required
@require_GET
@guarded
def trace(request: StaffRequest, number: int) -> HttpResponse:
    """Why nothing, in words, as it stands now."""
    case = _find(request.user, number)
    return render(request, "outreach/_why.html", {"case": case, "trace": showing.trace(case, timezone.now())})


@login_required
@require_POST
@guarded
def response(request: StaffRequest, number: int) -> HttpResponse:
    """What the customer said to the offer of this talk."""
    case = _find(request.user, number)
    given = ResponseForm(request.POST)
    values = checked(given)
    shown = showing.card(case)
    if shown is None:
        raise Refusal(_("There is no offer in this conversation to answer."))
    more = {"reason": values["reason"], "until": given.until(), "answer": values["answer"]}
    responding.respond(shown.presentation, values["kind"], by=request.user, **more)
    if not request.htmx:
        return said(request, _("Noted."))
    return _panel(request, case, showing.card(case))
