"""A notice: written, read as a customer will, approved, watched on its way, held or stopped."""

from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.models import Dispatch, InboundItem
from cases.models.case import Refusal
from cases.receiving import of_steered
from crm.http import StaffRequest
from crm.models import User
from customers.models import Customer
from outreach import composing, delivery, exposure
from outreach.models import Notice, NoticeDelivery
from outreach.problem_forms import NoticeForm
from outreach.reasons_out import stands, words_of
from outreach.views.doors import notice_for, problem_for, refusing, require, rights, told, where

PAGE = 50
# The colours of the bar, in the order of the states in it.
_TONES = {"sent": "ok", "claimed": "going", "held": "going", "planned": "line", "unknown": "amber", "failed": "red"}


@login_required
@require_http_methods(["GET", "POST"])
@refusing
def writing(request: StaffRequest, pk: int) -> HttpResponse:
    """A new notice about a problem."""
    place = where()
    problem = problem_for(request.user, "notice.write", pk)
    form = NoticeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            made = Notice.write(problem, form.texts(), by=request.user)
        except Refusal as refusal:
            form.add_error(None, refusal.message)
        else:
            return told(request, _("Kept as a draft. Read it as a customer will."), "outreach:notice", made.pk)
    context = {**place, "problem": problem, "notice": None, "form": form, "may": rights(request.user)}
    return render(request, "outreach/writing.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_http_methods(["GET", "POST"])
@refusing
def notice_words(request: StaffRequest, pk: int) -> HttpResponse:
    """Other words for a draft."""
    place = where()
    found = notice_for(request.user, "notice.write", pk)
    form = NoticeForm(request.POST or None, texts=found.texts)
    if request.method == "POST" and form.is_valid():
        found.rewrite(form.texts(), by=request.user)
        return told(request, _("Saved."), "outreach:notice", pk)
    context = {**place, "problem": found.problem, "notice": found, "form": form, "may": rights(request.user)}
    return render(request, "outreach/writing.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_GET
def notice(request: StaffRequest, pk: int) -> HttpResponse:
    place = where()
    found = notice_for(request.user, "problem.see", pk)
    now = timezone.now()
    context = {
        **place,
        **_progress(found, request.user),
        "outlook": exposure.outlook(found.problem, now) if found.state == Notice.State.DRAFT else None,
        "languages": [(code, name) for code, name in settings.LANGUAGES if code in found.texts],
        "mail": _as_read(found, "en", request.user),
    }
    if context["outlook"]:
        context["withheld"] = [(words_of(reason), n) for reason, n in context["outlook"].withheld.items()]
    return render(request, "outreach/notice.html", context)


@login_required
@require_GET
def notice_mail(request: StaffRequest, pk: int) -> HttpResponse:
    """As a customer of this language reads it."""
    found = notice_for(request.user, "problem.see", pk)
    language = request.GET.get("language", "en")[:12]
    return render(request, "outreach/_mail.html", {"mail": _as_read(found, language, request.user), "notice": found})


def _as_read(notice: Notice, language: str, user: User) -> dict[str, Any]:
    """With the names and the clock of a customer who will get it, of those this person may see; else nobody's."""
    exposed = Customer.objects.visible_to(user).filter(exposures__problem=notice.problem_id)
    real = exposed.filter(language__startswith=language).order_by("pk").first() or exposed.order_by("pk").first()
    tz = real.tz if real else user.tz
    way_out = f"{settings.PUBLIC_URL}/unsubscribe/…/"  # a link of a preview would be nobody's
    mail = composing.read(notice, language=language, tz=tz, way_out=way_out)
    return {"to": real, "tz": tz, "subject": mail.subject, "text": mail.text, "language": mail.language}


@login_required
@require_GET
def notice_progress(request: StaffRequest, pk: int) -> HttpResponse:
    """How it fares, by itself."""
    found = notice_for(request.user, "problem.see", pk)
    return render(request, "outreach/_progress.html", _progress(found, request.user))


def _progress(notice: Notice, user: User) -> dict[str, Any]:
    counts = [(name.partition("."), n) for name, n in notice.numbers.items()]
    rows = [(state, stands(state), words_of(why, state) if why else "", n) for (state, _dot, why), n in counts]
    total = sum(n for *_words, n in rows)
    return {
        "notice": notice,
        "problem": notice.problem,
        "may": rights(user),
        "rows": rows,
        "total": total,
        "told": sum(n for state, *_words, n in rows if state == "sent"),
        "aside": sum(n for state, *_words, n in rows if state in {"withheld", "suppressed"}),
        "bar": _bar([(state, n) for state, *_words, n in rows]),
        "answered": notice.deliveries.exclude(answered_at=None).count() if notice.approved_at else 0,
    }


def _bar(counts: list[tuple[str, int]]) -> list[dict[str, Any]]:
    """Pieces of the whole that is written to, in thousandths: where each begins and how wide it is."""
    by_tone = {
        tone: sum(n for state, n in counts if _TONES.get(state) == tone) for tone in dict.fromkeys(_TONES.values())
    }
    whole, begin, pieces = sum(by_tone.values()), 0.0, []
    for tone, n in by_tone.items():
        width = 1000 * n / whole if whole else 0
        pieces.append({"tone": tone, "x": round(begin, 1), "width": round(width, 1)})
        begin += width
    return [piece for piece in pieces if piece["width"]]


# --- what is decided about it


@login_required
@require_POST
@refusing
def notice_approval(request: StaffRequest, pk: int) -> HttpResponse:
    found = notice_for(request.user, "notice.approve", pk)
    delivery.approve(found, by=request.user, now=timezone.now())
    planned = f"{found.numbers.get('planned', 0):,}"
    return told(request, _("Approved: %(n)s customers are in line.") % {"n": planned}, "outreach:notice", pk)


@login_required
@require_POST
@refusing
def notice_pause(request: StaffRequest, pk: int) -> HttpResponse:
    notice_for(request.user, "notice.approve", pk).pause(by=request.user)
    return told(request, _("Paused: nothing more leaves until you resume it."), "outreach:notice", pk)


@login_required
@require_POST
@refusing
def notice_resumption(request: StaffRequest, pk: int) -> HttpResponse:
    found = notice_for(request.user, "notice.approve", pk)
    delivery.resume(found, by=request.user, now=timezone.now())
    return redirect("outreach:notice", pk=pk)


@login_required
@require_POST
@refusing
def notice_stop(request: StaffRequest, pk: int) -> HttpResponse:
    notice_for(request.user, "notice.approve", pk).stop(by=request.user)
    return told(request, _("Stopped: nothing more leaves."), "outreach:notice", pk)


# --- each customer


@login_required
@require_GET
def notice_deliveries(request: StaffRequest, pk: int) -> HttpResponse:
    """Customer by customer, of one state or all; those one may not open are counted and not named."""
    place = where()
    found = notice_for(request.user, "problem.see", pk)
    state, after = request.GET.get("state", ""), request.GET.get("after", "")
    rows = delivery.deliveries(found)
    if state in Dispatch.State.values:
        rows = rows.filter(dispatch__state=state)
    elif state in NoticeDelivery.State.values:
        rows = rows.filter(state=state)
    seen = rows.filter(customer__in=Customer.objects.visible_to(request.user))
    shown = list(seen.filter(pk__gt=int(after) if after.isdecimal() and len(after) < 18 else 0)[: PAGE + 1])
    context = {
        **place,
        "notice": found,
        "state": state,
        "states": [(name, stands(name)) for name in ("sent", "unknown", "failed", "suppressed", "withheld", "planned")],
        "rows": _rows(shown[:PAGE], request.user),
        "next": shown[PAGE - 1].pk if len(shown) > PAGE else None,
        "may": rights(request.user),
    }
    return render(request, "outreach/deliveries.html", context)


def _rows(shown: list[NoticeDelivery], user: User) -> list[tuple[NoticeDelivery, str, str, int | None]]:
    """Each with how it stands, why, and what a machine reported of it, for who steers the queue that came to."""
    came = InboundItem.objects.filter(of_steered(user), dispatch__in=[row.dispatch_id for row in shown])
    reports = dict(came.order_by("received_at", "pk").values_list("dispatch", "pk"))
    return [
        (row, stands(row.stands), words_of(row.why, row.stands) if row.why else "", reports.get(row.dispatch_id or 0))
        for row in shown
    ]


@login_required
@require_POST
def delivery_repeat(request: StaffRequest, pk: int) -> HttpResponse:
    """Send again what is unknown or failed, by this person's word."""
    require(request.user, "notice.approve")
    seen = NoticeDelivery.objects.filter(customer__in=Customer.objects.visible_to(request.user))
    found = get_object_or_404(seen.select_related("notice", "dispatch"), pk=pk)
    try:
        delivery.send_again(found, by=request.user, now=timezone.now())
    except Refusal as refusal:
        return told(request, refusal.message, "outreach:notice", found.notice_id)
    return told(request, _("It goes once more."), "outreach:notice_deliveries", found.notice_id)
