"""Two records of one person: find the other, see what moves, merge, and take it back."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from crm.http import StaffRequest
from customers import merging
from customers.finding import LONGEST
from customers.finding import find as find_like
from customers.folding import clean
from customers.glance import with_holdings
from customers.masking import masked_fields
from customers.models import Customer, Merge
from customers.views.doors import find, follows_merges, require, where

_MOST = 10


@login_required
@require_http_methods(["GET", "POST"])
@follows_merges
def merges(request: StaffRequest, pk: int) -> HttpResponse:
    """GET looks for the other (`q`) and shows what would move (`other`); POST (`gone`) merges it into this one."""
    place = where()
    kept = find(request.user, pk)
    require(request.user, "merge")
    if request.method == "GET":
        return _look(request, kept, place)
    gone = find(request.user, _number(request.POST.get("gone", "")))
    try:
        merging.merge(kept, gone, by=request.user)
    except merging.CannotMerge as cannot:
        messages.error(request, cannot.message)
    else:
        words = _("%(gone)s is part of %(kept)s now. You can undo it below “Merged records”.")
        messages.success(request, words % {"gone": gone, "kept": kept})
    return redirect("customers:customer", pk=kept.pk)


def _look(request: StaffRequest, kept: Customer, place: dict[str, object]) -> HttpResponse:
    text = clean(request.GET.get("q", "")).strip()[:LONGEST]
    other = find(request.user, _number(request.GET["other"])) if "other" in request.GET else None
    rows = find_like(text, request.user).filter(merged_into=None, erased_at=None).exclude(pk=kept.pk)
    context = {
        **place,
        "customer": kept,
        "q": text,
        "found": with_holdings(rows).order_by("-pk")[:_MOST] if text and other is None else None,
        "other": other if other != kept else None,
        "moves": merging.preview(other) if other else [],
        "masks": masked_fields(request.user),
    }
    return render(request, "customers/merge.html", context)


def _number(text: str) -> int:
    """A key out of a form; 0, which nobody has, for anything else."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


@login_required
@require_POST
def undoing(request: StaffRequest, pk: int) -> HttpResponse:
    """Take a merge back: exactly the rows that moved."""
    merge = get_object_or_404(Merge.objects.select_related("kept"), pk=pk)
    now = merging.current(merge.kept)
    get_object_or_404(Customer.objects.visible_to(request.user), pk=now.pk)
    require(request.user, "merge")
    merging.undo(merge, by=request.user)
    messages.success(request, _("Undone: both records are as they were."))
    return redirect("customers:customer", pk=now.pk)
