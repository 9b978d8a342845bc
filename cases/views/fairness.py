"""The fairness report, for those who decide about remedies: whether like cases got alike."""

from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from cases.models import Queue, Remedy
from cases.models.refusals import Refusal
from cases.policy import fairness_words
from cases.policy.words import money
from cases.remedies import awards
from cases.views.saying import where
from crm.http import StaffRequest
from crm.roles import may

USUAL = 90  # days


@login_required
@require_GET
def fairness(request: StaffRequest) -> HttpResponse:
    """Of the queues one leads, or one of them (`queue`), from the day `from` to the day `until`, both included."""
    if not may(request.user, "remedy.approve"):
        raise PermissionDenied(_("The fairness report is for those who lead a queue."))
    led = awards.led_by(request.user)
    today = timezone.localdate()
    context: dict[str, Any] = {**where(), "queues": led, "first": today - timedelta(days=USUAL - 1), "last": today}
    try:
        context["first"], context["last"] = first, last = _period(request.GET, context["first"], today)
        context["chosen"], among = _among(request.GET.get("queue", ""), led)
    except Refusal as refusal:
        return render(request, "cases/fairness.html", {**context, "wrong": str(refusal)}, status=400)
    found = awards.look(among, _begin(first), _begin(last + timedelta(days=1)), by=request.user)
    return render(request, "cases/fairness.html", {**context, **_shown(found)})


def _period(sent: QueryDict, first: date, last: date) -> tuple[date, date]:
    given = [_day(sent.get("from", ""), first), _day(sent.get("until", ""), last)]
    if given[0] > given[1]:
        raise Refusal(_("Choose a first day that is not after the last."))
    return given[0], given[1]


def _day(sent: str, usual: date) -> date:
    try:
        found = parse_date(sent) if sent else usual
    except ValueError:
        found = None
    if found is None or not 1970 <= found.year < 9999:
        raise Refusal(_("Give days as 2026-03-01."))
    return found


def _begin(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


def _among(sent: str, led: list[Queue]) -> tuple[Queue | None, list[Queue]]:
    if not sent:
        return None, led
    chosen = next((queue for queue in led if str(queue.pk) == sent), None)
    if chosen is None:
        raise Refusal(_("Choose one of the queues you lead."))
    return chosen, [chosen]


def _shown(found: awards.Found) -> dict[str, Any]:
    report = found.report
    reasons = [(Remedy.Why(each.reason).label, each) for each in report.reasons if each.reason in Remedy.Why]
    return {
        "report": report,
        "is_cut": found.is_cut,
        "figures": fairness_words.figures(report, found.name) if report.awards else [],
        "reasons": [(name, each.share and fairness_words.percent(each.share), each) for name, each in reasons],
        "pairs": [[_side(each, found) for each in pair] for pair in found.pairs],
    }


def _side(award: Any, found: awards.Found) -> dict[str, Any]:
    about = [
        (label, found.name(label, getattr(award, label)))
        for label in fairness_words.LABELS
        if award.rep or label != "rep"
    ]
    return {
        "case": award.case,
        "granted": money(award.granted, award.currency),
        "computed": money(award.computed, award.currency),
        "about": [value for _label, value in about if value],
    }
