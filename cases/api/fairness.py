"""measures/fairness/: whether like cases got alike, for those who decide about remedies (docs/policies.md)."""

from dataclasses import asdict
from typing import Any

from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from cases.api.measures import period
from cases.models import Queue
from cases.policy import fairness_words
from cases.remedies import awards
from crm import rest

Shape = serializers.Serializer[Any]


class FairFigure(Shape):
    """A figure over `count` remedies with its 95 % interval. Null where nothing can be told: `note` says why."""

    count = serializers.IntegerField()
    value = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class FairLevel(Shape):
    """What those of one label got of the computed amount beyond like cases. `value`: the id of a rep or queue, or the word."""

    value = serializers.CharField(allow_blank=True)
    name = serializers.CharField(allow_blank=True)
    awards = serializers.IntegerField()
    beyond = serializers.FloatField()


class FairGap(Shape):
    """How far apart like cases are by one kind of label, in shares of the computed amount. 95 % of gaps would be between `chance`
    and `chance_most` if it made no difference; `p`: how often chance gives as much (`exact`, or by 999 lots). `found`: p below
    0.01. Null where nothing can be told: `note` says why."""

    awards = serializers.IntegerField()
    pairs = serializers.IntegerField()
    gap = serializers.FloatField(allow_null=True)
    chance = serializers.FloatField(allow_null=True)
    chance_most = serializers.FloatField(allow_null=True)
    p = serializers.FloatField(allow_null=True)
    exact = serializers.BooleanField()
    found = serializers.BooleanField()
    highest = FairLevel(allow_null=True)
    lowest = FairLevel(allow_null=True)
    note = serializers.CharField(allow_blank=True)


class FairReason(Shape):
    """`reason`: as in a remedy. `becomes_row`: given in more than 5 % of the remedies, it should become a row of the policy."""

    reason = serializers.CharField()
    count = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    becomes_row = serializers.BooleanField()


class FairSide(Shape):
    remedy = serializers.IntegerField()
    case = serializers.IntegerField(help_text="Its number.")
    granted = serializers.DecimalField(14, 2)
    computed = serializers.DecimalField(14, 2)
    currency = serializers.CharField()
    rep = serializers.IntegerField(allow_null=True)
    queue = serializers.IntegerField()
    language = serializers.CharField(allow_blank=True)
    tier = serializers.CharField(allow_blank=True)
    channel = serializers.CharField(allow_blank=True)


class FairPair(Shape):
    less = FairSide()
    more = FairSide()


class FairGaps(Shape):
    rep = FairGap()
    queue = FairGap()
    language = FairGap()
    tier = FairGap()
    channel = FairGap()


class Fairness(Shape):
    """`remedies`: all that were granted, `chosen` of them by somebody (the others unasked). `explained`: R² of the policy by
    currency; `by_rep`: intraclass correlation; `by_feeling` and `by_messages`: slopes of granted/computed within the row, which
    should hold 0; `hours`: the median from the opened case. `is_cut`: only the newest 5,000 are in it."""

    remedies = serializers.IntegerField()
    chosen = serializers.IntegerField()
    is_cut = serializers.BooleanField()
    as_computed = FairFigure()
    explained = serializers.DictField(child=FairFigure())
    by_rep = FairFigure()
    by_feeling = FairFigure()
    by_messages = FairFigure()
    hours = FairFigure()
    unasked = FairFigure()
    gaps = FairGaps()
    reasons = FairReason(many=True)
    pairs = FairPair(many=True)


@extend_schema(
    summary="Whether like cases got alike",
    parameters=[OpenApiParameter("from", str), OpenApiParameter("until", str), OpenApiParameter("queue", int)],
    responses=Fairness,
)
@rest.endpoint("GET")
def fairness(request: Request) -> Response:
    """Of the remedies granted from `from` (90 days ago) to before `until` (now) in the queues you lead, or one of them."""
    finding.need(request, "remedy.approve")
    since, until = period(request, "until")
    found = awards.look(_queues(request), since, until, by=rest.me(request))
    return Response(Fairness(_told(found)).data)


def _queues(request: Request) -> list[Queue]:
    led, sent = awards.led_by(rest.me(request)), request.query_params.get("queue", "")
    if not sent:
        return led
    chosen = [queue for queue in led if str(queue.pk) == sent]
    if not chosen:
        raise ValidationError(
            {"queue": _("You lead no queue %(id)s. Give the id of one that you do.") % {"id": sent[:20]}}
        )
    return chosen


def _told(found: awards.Found) -> dict[str, Any]:
    report = found.report
    names = ("as_computed", "by_rep", "by_feeling", "by_messages", "hours", "unasked")
    return {
        "remedies": report.awards,
        "chosen": report.chosen,
        "is_cut": found.is_cut,
        **{name: _figure(getattr(report, name), name) for name in names},
        "explained": {currency: _figure(each) for currency, each in report.explained.items()},
        "gaps": {label: _gap(label, each, found) for label, each in report.gaps.items()},
        "reasons": [{**asdict(each), "becomes_row": each.is_row} for each in report.reasons],
        "pairs": [{"less": asdict(less), "more": asdict(more)} for less, more in found.pairs],
    }


def _figure(each: Any, name: str = "") -> dict[str, Any]:
    return {**asdict(each), "note": fairness_words.note(each, name)}


def _gap(label: str, each: Any, found: awards.Found) -> dict[str, Any]:
    levels = {name: _level(label, getattr(each, name), found) for name in ("highest", "lowest")}
    return {**asdict(each), **levels, "found": each.is_found, "note": fairness_words.gap_note(each)}


def _level(label: str, level: Any, found: awards.Found) -> dict[str, Any] | None:
    return level and {**asdict(level), "value": level.label, "name": found.name(label, level.label)}
