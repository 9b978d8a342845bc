"""One customer: who they are, how they are reached, what they have, and everything that happened in one line of time."""

from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET

from crm.http import StaffRequest
from customers import sections
from customers import timeline as time_line
from customers.glance import glance
from customers.hooks import customer_panels, last_spoken
from customers.masking import masked_fields
from customers.models import Customer
from customers.views.doors import find, follows_merges, where

SINCE = 8  # entries of "since we last spoke"


@login_required
@require_GET
@follows_merges
def customer(request: StaffRequest, pk: int) -> HttpResponse:
    place = where()
    found = find(request.user, pk)
    now = timezone.now()
    context = {
        **place,
        "customer": found,
        "glance": glance(found, request.user, masked_fields(request.user), now),
        "panels": customer_panels.collect(found, request.user),
        **_line(request, found, now),
    }
    return render(request, "customers/customer.html", context)


@login_required
@require_GET
@follows_merges
def card(request: StaffRequest, pk: int) -> HttpResponse:
    """Who this is, for the column beside a case."""
    place = where()
    found = find(request.user, pk)
    shown = glance(found, request.user, masked_fields(request.user), timezone.now())
    return render(
        request,
        "customers/_card.html",
        {**place, "customer": found, "glance": shown, "is_beside": "page" not in request.GET},
    )


@login_required
@require_GET
@follows_merges
def since(request: StaffRequest, pk: int) -> HttpResponse:
    """What happened since we last spoke, or at last when we never did; what was said is in the thread beside it."""
    found, now = find(request.user, pk), timezone.now()
    spoke = max((at for at in last_spoken.collect(found, request.user) if at), default=None)
    entries = time_line.page(found, request.user, now, size=4 * SINCE).entries
    news = [e for e in entries if e.kind not in {"message", "note"} and (spoke is None or e.at > spoke)]
    return render(request, "customers/_since.html", {"customer": found, "entries": news[:SINCE], "spoke": spoke})


@login_required
@require_GET
@follows_merges
def timeline(request: StaffRequest, pk: int) -> HttpResponse:
    """A piece of the line: `kind` filters, `before` asks for older, `to` for all down to there."""
    found = find(request.user, pk)
    return render(request, "customers/_timeline.html", {"customer": found, **_line(request, found, timezone.now())})


def _line(request: StaffRequest, found: Customer, now: datetime) -> dict[str, Any]:
    kinds = time_line.kinds()
    kind = request.GET.get("kind", "")
    kind = kind if kind in dict(kinds) else ""
    to, before = _moment(request, "to"), _moment(request, "before")
    if to is not None:
        shown = time_line.down_to(found, request.user, now, to, kind=kind)
    else:
        shown = time_line.page(found, request.user, before or now, kind=kind)
    return {"kinds": kinds, "kind": kind, "page": shown, "is_first": before is None}


def _moment(request: StaffRequest, name: str) -> datetime | None:
    try:
        at = parse_datetime(request.GET.get(name, "").replace(" ", "+"))
    except ValueError:
        return None
    return at if at is not None and at.tzinfo is not None and 1900 < at.year < 3000 else None


@login_required
@require_GET
@follows_merges
def panel(request: StaffRequest, pk: int, name: str) -> HttpResponse:
    """One section of the page, by itself."""
    section = sections.SECTIONS.get(name)
    if section is None:
        raise Http404
    found = find(request.user, pk)
    masks = masked_fields(request.user)
    context = {"customer": found, "masks": masks, **section(found, request.user, masks)}
    return render(request, f"customers/_{name}.html", context)
