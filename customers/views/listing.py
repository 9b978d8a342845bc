"""All customers one may open, newest first, found as one types."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from crm.http import StaffRequest
from customers.finding import LONGEST, find
from customers.folding import clean
from customers.glance import with_holdings
from customers.masking import masked_fields
from customers.views.doors import where

PAGE = 50


@login_required
@require_GET
def customers(request: StaffRequest) -> HttpResponse:
    """A page of the list; to htmx only its rows."""
    place = where()
    text = clean(request.GET.get("q", "")).strip()[:LONGEST]
    rows = find(text, request.user).filter(merged_into=None, erased_at=None)
    after = request.GET.get("after", "")
    if after.isascii() and after.isdigit() and len(after) < 19:
        rows = rows.filter(pk__lt=int(after))
    shown = list(with_holdings(rows).order_by("-pk")[: PAGE + 1])
    context = {
        **place,
        "q": text,
        "customers": shown[:PAGE],
        "after": shown[PAGE - 1].pk if len(shown) > PAGE else None,
        "masks": masked_fields(request.user),
    }
    if request.htmx and request.htmx.target in {"found", "more"}:
        return render(request, "customers/_found.html", context)
    return render(request, "customers/list.html", context)
