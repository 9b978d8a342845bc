"""What people change about a customer: who they are, how they are reached, what they agreed to."""

from collections.abc import Sequence
from copy import copy

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.http import StaffRequest
from customers import consent, reach, sections
from customers.forms import AddressForm, ConsentForm, ProfileForm
from customers.masking import masked_fields
from customers.models import ContactPoint, Customer
from customers.views.doors import find, follows_merges, require, where


@login_required
@require_http_methods(["GET", "POST"])
@follows_merges
def profile(request: StaffRequest, pk: int) -> HttpResponse:
    """Name, language, place. Two people at once: the second sees what the first wrote, with their own text kept."""
    place = where()
    found = find(request.user, pk)
    require(request.user, "edit")
    if request.method == "GET":
        form = ProfileForm(instance=found, initial={"version": found.version})
        return _profile(request, found, form, place)
    form = ProfileForm(request.POST, instance=copy(found))  # validating writes into the instance
    if not form.is_valid():
        return _profile(request, found, form, place, status=422)
    values = {name: form.cleaned_data[name] for name in form.Meta.fields}
    try:
        reach.edit(found, values, by=request.user, against=form.cleaned_data["version"])
    except reach.Changed as changed:
        return _conflict(request, changed.now, values, place)
    return redirect("customers:customer", pk=pk)


def _conflict(request: StaffRequest, now: Customer, values: dict[str, str], place: dict[str, object]) -> HttpResponse:
    """The form again with what was typed, against what stands now, and beside it what differs."""
    form = ProfileForm(initial={**values, "version": now.version}, instance=now)
    differs = [(form.fields[n].label, getattr(now, n)) for n, value in values.items() if getattr(now, n) != value]
    return _profile(request, now, form, place, status=409, differs=differs)


def _profile(
    request: StaffRequest,
    customer: Customer,
    form: ProfileForm,
    place: dict[str, object],
    *,
    status: int = 200,
    differs: Sequence[tuple[object, object]] = (),
) -> HttpResponse:
    context = {**place, "customer": customer, "form": form, "differs": differs}
    return render(request, "customers/profile.html", context, status=status)


@login_required
@require_POST
@follows_merges
def contact_points(request: StaffRequest, pk: int) -> HttpResponse:
    """Add a way to reach them."""
    found = find(request.user, pk)
    require(request.user, "edit")
    form = AddressForm(request.POST, region=found.country)
    owner = None
    if form.is_valid() and form.address:
        try:
            reach.add(found, form.address, by=request.user)
            form = AddressForm()
        except reach.Taken as taken:
            owner = taken.owner if taken.owner and _may_see(request, taken.owner) else None
            form.add_error("value", taken.message)
    return _reach(request, found, form, owner)


def _may_see(request: StaffRequest, customer: Customer) -> bool:
    return Customer.objects.visible_to(request.user).filter(pk=customer.pk).exists()


def _reach(request: StaffRequest, found: Customer, form: AddressForm, owner: Customer | None = None) -> HttpResponse:
    if not request.htmx:
        for error in form.errors.get("value", []):
            messages.error(request, str(error))
        return redirect("customers:customer", pk=found.pk)
    masks = masked_fields(request.user)
    context = {**sections.reach(found, request.user, masks), "customer": found, "form": form, "owner": owner}
    return render(request, "customers/_reach.html", context)


@login_required
@require_POST
def verification(request: StaffRequest, pk: int) -> HttpResponse:
    """They have shown that the address is theirs."""
    point = _point(request, pk)
    reach.verify(point, by=request.user)
    return _reach(request, point.customer, AddressForm())


@login_required
@require_POST
def ending(request: StaffRequest, pk: int) -> HttpResponse:
    """They are no longer reached there."""
    point = _point(request, pk)
    reach.end(point, by=request.user)
    return _reach(request, point.customer, AddressForm())


def _point(request: StaffRequest, pk: int) -> ContactPoint:
    seen = Customer.objects.visible_to(request.user)
    point = get_object_or_404(ContactPoint.objects.select_related("customer"), pk=pk, customer__in=seen)
    require(request.user, "edit")
    return point


@login_required
@require_POST
@follows_merges
def consents(request: StaffRequest, pk: int) -> HttpResponse:
    """Write down what they said."""
    found = find(request.user, pk)
    require(request.user, "consent")
    form = ConsentForm(request.POST)
    if form.is_valid():
        said = form.cleaned_data
        consent.record(
            found,
            said["purpose"],
            said["channel"],
            said["granted"],
            source="rep",
            wording=said["wording"],
            by=request.user,
        )
        form = ConsentForm()
    if not request.htmx:
        if form.errors:
            messages.error(request, _("Say what they agreed to, how, and whether it was yes or no."))
        return redirect("customers:customer", pk=pk)
    context = {**sections.agreed(found, request.user, frozenset()), "customer": found, "form": form}
    return render(request, "customers/_consent.html", context)
