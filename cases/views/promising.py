"""Promises by hand: what stands in a case, and that one was kept. One is moved with the reply that tells the customer."""

from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from cases import conversation
from cases import promises as promising
from cases.forms import KeptForm, checked
from cases.models import Case, Promise
from cases.models.case import Refusal
from cases.views.saying import allowed, changed, find, guarded, require
from crm.http import StaffRequest
from crm.models import User

MOST = 12


@login_required
@require_GET
def promises(request: StaffRequest, number: int) -> HttpResponse:
    """What we promised in this case, open ones first, with what may be done about each."""
    case = find(request.user, number)
    found = promising.in_order(case.promises.select_related("owner", "moved_to"))[:MOST]
    return render(
        request,
        "cases/_promises.html",
        {"case": case, "promises": found, "may": allowed(request.user, case.queue), "now": timezone.now()},
    )


@login_required
@require_POST
@guarded
def keeping(request: StaffRequest, number: int, pk: int) -> HttpResponse:
    """It was done without an answer saying so; how we know becomes a note. Posted twice it is one."""
    case = find(request.user, number)
    require(request.user, "promise", case)
    promise = get_object_or_404(case.promises, pk=pk)
    how = checked(KeptForm(request.POST))["how"]
    _keep(case, promise, how, by=request.user)
    return changed(request, case, _("Kept: “%(what)s”. Your reason is a note in the case.") % {"what": promise.what})


@transaction.atomic
def _keep(case: Case, promise: Promise, how: str, *, by: User) -> None:
    """The note and the promise together, or neither; settled meanwhile, nothing is written."""
    case.lock()
    promise.refresh_from_db()
    promise.case = case
    if promise.state == Promise.State.KEPT:
        return
    if promise.state == Promise.State.MOVED:
        raise Refusal(_("This promise was moved to another time. Keep the one that took its place."))
    now = timezone.now()
    if promising.is_overdue(promise, now):
        raise Refusal(_("Its time has passed, so it counts as broken. Tell the customer, and promise a new time."))
    note = conversation.add_note(case, by=by, text=_("Promise kept: %(what)s") % {"what": promise.what} + f"\n{how}")
    promising.keep(promise, message=note, by=by, at=now)
