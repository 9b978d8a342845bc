"""What I was told: the panel behind the bell, and what I do with it."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from cases import news, watching
from cases.forms import SnoozeForm, checked
from cases.models import Case
from cases.views.saying import find, guarded, where
from crm.http import StaffRequest


@login_required
@require_GET
def panel(request: StaffRequest) -> HttpResponse:
    """What is new for me, by case, what needs me first. Looking reads nothing: opening a case does."""
    place = where()
    context = {**place, **_shown(request)}
    news.looked(request.user, timezone.now())
    return render(request, "cases/_news.html" if request.htmx else "cases/news.html", context)


def _shown(request: StaffRequest) -> dict[str, Any]:
    return {"inbox": news.inbox(request.user, timezone.now())}


def _again(request: StaffRequest) -> HttpResponse:
    """The panel as it is now; its bell comes with it."""
    return render(request, "cases/_news.html", _shown(request)) if request.htmx else redirect("cases:news")


@login_required
@require_GET
def bell(request: StaffRequest) -> HttpResponse:
    """How many cases have something new, for a tab that may have missed it."""
    return render(request, "cases/_bell.html", {"waiting": news.count(request.user)})


@login_required
@require_POST
@guarded
def read(request: StaffRequest) -> HttpResponse:
    """I know of it: of one case (POST case=number), or of everything. With unread=1 its latest is new again."""
    case = _case(request)
    if case and request.POST.get("unread"):
        news.unread(request.user, case)
    else:
        news.read(request.user, at=timezone.now(), case=case)
    return _again(request)


@login_required
@require_POST
@guarded
def snooze(request: StaffRequest) -> HttpResponse:
    """Not now: what is new on a case comes back at its time, or with the next thing that happens in it."""
    case = _case(request)
    until = checked(SnoozeForm(request.POST))["until"]
    if case:
        news.snooze(request.user, case, until)
    return _again(request)


def _case(request: StaffRequest) -> Case | None:
    number = request.POST.get("case", "")
    return find(request.user, int(number)) if number.isdecimal() and len(number) < 19 else None


@login_required
@require_POST
def mute(request: StaffRequest, number: int) -> HttpResponse:
    """Nothing more of this case but being named in it or given it; off=1: as before."""
    case = find(request.user, number)
    if request.POST.get("off"):
        watching.unmute(case, by=request.user)
        return redirect("cases:news_settings")
    watching.mute(case, by=request.user)
    news.read(request.user, at=timezone.now(), case=case)
    return _again(request)
