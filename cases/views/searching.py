"""Search over cases and customers, as you type."""

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from cases import search as finding
from crm.http import StaffRequest

LONGEST = 200


@login_required
@require_GET
def search(request: StaffRequest) -> HttpResponse:
    """Only what this person may see, newest first."""
    q = " ".join(request.GET.get("q", "").split())[:LONGEST]
    found = finding.search(request.user, q) if len(q) > 1 else None
    by_kind = {kind: [hit for hit in found or [] if hit.kind == kind] for kind in ("customer", "case")}
    context = {"q": q, "found": found, "customers": by_kind["customer"], "cases": by_kind["case"]}
    if request.htmx and request.htmx.target == "found":
        return render(request, "cases/_found.html", context)
    return render(request, "cases/search.html", context)
