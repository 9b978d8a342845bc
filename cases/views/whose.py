"""Whose a case of nobody is: what stands where the customer would, and the form by which a person says it."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cases import whose
from cases.forms import NewcomerForm, checked
from cases.models import Case
from cases.models.case import AlreadyTheirs
from cases.views.saying import allowed, changed, find, guarded, require
from cases.views.verbs import asking
from crm.http import StaffRequest
from customers import matching
from customers.finding import LONGEST
from customers.folding import clean
from customers.glance import with_holdings
from customers.masking import masked_fields
from customers.models import Customer


@login_required
@require_GET
def nobody(request: StaffRequest, number: int) -> HttpResponse:
    """The panel of a case that is nobody's yet; of one that is somebody's, their card."""
    case = find(request.user, number)
    if case.customer_id is not None:
        return redirect(f"{reverse('customers:card', args=[case.customer_id])}?case={case.number}")
    context = {"case": case, "claim": whose.claim(case), "may": allowed(request.user, case.queue)}
    return render(request, "cases/_nobody.html", context)


@login_required
@asking
@guarded
def customer(request: StaffRequest, number: int) -> HttpResponse:
    """GET looks for people (`q`); POST says it is theirs (`customer`), or somebody's we did not know (`name`, `mail`)."""
    case = find(request.user, number)
    require(request.user, "customer", case)
    if request.method == "GET":
        return _look(request, case)
    try:
        found = _said(request, case)
    except AlreadyTheirs as taken:
        return changed(request, case, taken.message, status=409)
    return changed(request, case, _("#%(number)s is %(name)s’s.") % {"number": number, "name": found})


def _said(request: StaffRequest, case: Case) -> Customer:
    if chosen := request.POST.get("customer", ""):
        key = int(chosen) if chosen.isascii() and chosen.isdigit() and len(chosen) < 19 else 0
        found = get_object_or_404(Customer.objects.visible_to(request.user), pk=key)
        whose.belongs_to(case, found, by=request.user)
        return found
    given = checked(NewcomerForm(request.POST))
    return whose.newcomer(case, name=given["name"], mail=given["mail"], by=request.user)


def _look(request: StaffRequest, case: Case) -> HttpResponse:
    text = clean(request.GET.get("q", "")).strip()[:LONGEST]
    rows = whose.people(case, request.user, text)
    claim = whose.claim(case)
    more = {
        "q": text,
        "found": with_holdings(rows).order_by("-pk")[: whose.MOST],
        "claim": claim,
        "is_held": claim.address is not None and matching.find([claim.address]) is not None,
        "masks": masked_fields(request.user),
    }
    if request.htmx and request.htmx.target == "whose-found":
        return render(request, "cases/_whose_found.html", more)
    return render(request, "cases/_whose.html", {"case": case, **more})
