"""What a person does to a case. Each is a noun: GET shows its small form, POST does it."""

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cases import conversation, desks, outcomes, tasks, transitions
from cases.forms import AssignmentForm, PriorityForm, SnoozeForm, StatusForm, TransferForm, checked
from cases.hooks import resolve_checks
from cases.matching import Desk
from cases.models import Case, Presence, Queue
from cases.models.case import AlreadyClaimed, Refusal
from cases.views.saying import ask, changed, find, guarded, require
from crm.http import StaffRequest
from crm.models import User

asking = require_http_methods(["GET", "POST"])


@login_required
@require_POST
@guarded
def claim(request: StaffRequest, number: int) -> HttpResponse:
    """Take it; whoever is second reads who was first."""
    case = find(request.user, number)
    require(request.user, "claim", case)
    try:
        case.claim(by=request.user)
    except AlreadyClaimed as lost:
        return changed(request, case, lost.message, status=409)
    return changed(request, case, _("#%(number)s is yours.") % {"number": number})


@login_required
@require_http_methods(["GET", "POST", "DELETE"])
@guarded
def assignment(request: StaffRequest, number: int) -> HttpResponse:
    """Give it to somebody of its queue (POST to=id), or back to everybody (DELETE, or POST without one)."""
    case = find(request.user, number)
    if request.method == "GET":
        return ask(request, case, "assignment", people=beside(case.queue))
    if request.method == "DELETE" or not request.POST.get("to"):
        require(request.user, "release", case)
        case.release(by=request.user)
        return changed(request, case, _("#%(number)s is free for anyone.") % {"number": number})
    require(request.user, "assign", case)
    to = checked(AssignmentForm(request.POST, people=_people(case.queue)))["to"]
    case.assign(to, by=request.user)
    return changed(request, case, _("#%(number)s is now with %(name)s.") % {"number": number, "name": to.name})


def _people(queue: Queue) -> QuerySet[User]:
    return User.objects.filter(is_active=True, memberships__queue=queue).distinct().order_by("first_name", "last_name")


def beside(queue: Queue) -> list[tuple[User, Presence, Desk]]:
    """Who works there, how they are there, and what they have in hand."""
    people = list(_people(queue).select_related("presence__reason"))
    in_hand = desks.of_queue(queue, [user.pk for user in people], timezone.now())
    return [(user, getattr(user, "presence", None) or Presence(user=user), in_hand[user.pk]) for user in people]


@login_required
@asking
@guarded
def transfer(request: StaffRequest, number: int) -> HttpResponse:
    """Move it to another queue, with a note for those who get it."""
    case = find(request.user, number)
    if request.method == "GET":
        return ask(request, case, "transfer", queues=Queue.objects.filter(is_active=True).exclude(pk=case.queue_id))
    require(request.user, "transfer", case)
    given = checked(TransferForm(request.POST))
    with transaction.atomic():
        if given["note"].strip():
            conversation.add_note(case, by=request.user, text=given["note"])
        case.transfer(given["queue"], by=request.user)
    still = Case.objects.visible_to(request.user).filter(pk=case.pk).exists()
    return changed(
        request,
        case,
        _("#%(number)s is now in %(queue)s.") % {"number": number, "queue": given["queue"].name},
        gone=not still,
    )


@login_required
@asking
@guarded
def status(request: StaffRequest, number: int) -> HttpResponse:
    """Where it stands, along the transition table; resolving goes through its checks."""
    case = find(request.user, number)
    if request.method == "GET":
        steps = [(s, label) for s, label in Case.Status.choices if s in _by_hand(case)]
        return ask(request, case, "status", steps=steps)
    wanted = checked(StatusForm(request.POST))["status"]
    return _move(request, case, wanted)


def _by_hand(case: Case) -> frozenset[str]:
    """The statuses a person may choose: merging has its own noun, closing happens by itself."""
    return transitions.TRANSITIONS[case.status] - {transitions.MERGED, transitions.CLOSED}


@login_required
@require_POST
@guarded
def resolution(request: StaffRequest, number: int) -> HttpResponse:
    """It is done; what still forbids that is said in words."""
    return _move(request, find(request.user, number), transitions.RESOLVED)


def _move(request: StaffRequest, case: Case, wanted: str) -> HttpResponse:
    require(request.user, "status", case)
    if wanted not in _by_hand(case) and wanted != case.status:
        raise Refusal(_("A case that is %(now)s cannot be set to that by hand.") % {"now": case.get_status_display()})
    if wanted == transitions.RESOLVED:
        may_resolve(case, request)
    case.change_status(wanted, by=request.user)
    return changed(
        request, case, _("#%(number)s is %(status)s.") % {"number": case.number, "status": case.get_status_display()}
    )


def may_resolve(case: Case, request: StaffRequest) -> None:
    """Refuse with every sentence the checks have to say; and where tasks are open or it was not said how it ended, unless
    both may be left so. Only a screen with scripts can be asked what one need not say."""
    if sentences := [sentence for sentence in resolve_checks.collect(case, request.user) if sentence]:
        raise Refusal(" ".join(sentences))
    if not request.POST.get("tasks_left"):
        tasks.ask_before_resolving(case)
    if request.htmx and not request.POST.get("outcome_left") and case.status != transitions.RESOLVED:
        outcomes.ask_before_resolving(case)


@login_required
@require_http_methods(["GET", "POST", "DELETE"])
@guarded
def snooze(request: StaffRequest, number: int) -> HttpResponse:
    """Hide it until then, or until the customer writes (DELETE wakes it)."""
    case = find(request.user, number)
    if request.method == "GET":
        return ask(request, case, "snooze")
    require(request.user, "snooze", case)
    if request.method == "DELETE" or "wake" in request.POST:
        case.wake(by=request.user)
        return changed(request, case, _("#%(number)s is awake.") % {"number": number})
    case.snooze(checked(SnoozeForm(request.POST))["until"], by=request.user)
    return changed(
        request, case, _("#%(number)s sleeps until then, or until the customer writes.") % {"number": number}
    )


@login_required
@asking
@guarded
def priority(request: StaffRequest, number: int) -> HttpResponse:
    case = find(request.user, number)
    if request.method == "GET":
        return ask(request, case, "priority", choices=Case.Priority.choices)
    require(request.user, "priority", case)
    case.set_priority(checked(PriorityForm(request.POST))["priority"], by=request.user)
    return changed(request, case)
