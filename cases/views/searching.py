"""Search over cases and customers, as you type, and what may be typed next."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from cases import filters
from cases import search as finding
from cases.asking import LONGEST
from cases.filter_keys import KEYS
from cases.filter_parts import Asker
from crm.http import StaffRequest
from customers.folding import clean


@login_required
@require_GET
def search(request: StaffRequest) -> HttpResponse:
    """Only what this person may see, newest first."""
    q = _typed(request)
    found = finding.find(request.user, q, at=timezone.now()) if len(q) > 1 else None
    by_kind = {kind: [hit for hit in found.hits if hit.kind == kind] if found else [] for kind in ("customer", "case")}
    context = {"q": q, "found": found, "customers": by_kind["customer"], "cases": by_kind["case"]}
    if request.htmx and request.htmx.target == "found":
        return render(request, "cases/_found.html", context)
    return render(request, "cases/search.html", {**context, "keys": KEYS.values()})


@login_required
@require_GET
def suggestions(request: StaffRequest) -> JsonResponse:
    """What the last word may become, and what of the text is not understood."""
    asker = Asker(request.user, timezone.now())
    text = clean(request.GET.get("q", ""))[:LONGEST]
    told = [{"shown": offer.shown, "says": offer.says, "text": offer.text} for offer in filters.offers(text, asker)]
    return JsonResponse({"offers": told, "problems": filters.read(text, asker).problems})


def _typed(request: StaffRequest) -> str:
    return " ".join(clean(request.GET.get("q", "")).split())[: LONGEST + 1]
