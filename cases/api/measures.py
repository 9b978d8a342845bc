"""measures/: what the house can say of its work, each with its interval and from when it says nothing."""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import board
from cases.api import finding
from cases.api.cases import moment
from crm import rest

USUAL = timedelta(days=90)


class FeelingChange(serializers.Serializer[Any]):
    """`change`: how much better (above 0) or worse customers of this queue felt with their last message than with their first,
    from -2 to 2, as it would be had every queue's begun alike; `low` and `high` its 95 % interval. Null where fewer than 30 cases
    say anything: `note` says so."""

    queue = serializers.IntegerField()
    name = serializers.CharField()
    cases = serializers.IntegerField()
    change = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)
    note = serializers.CharField(allow_blank=True)


@extend_schema(
    summary="How feelings change from the first message to the last, by queue",
    parameters=[OpenApiParameter("from", str), OpenApiParameter("to", str)],
    responses=FeelingChange(many=True),
)
@rest.endpoint("GET")
def sentiment(request: Request) -> Response:
    """Of the cases opened between `from` (90 days ago) and `to` (now) in the queues you lead."""
    from cases.sentiment import change  # brings libraries that only this needs

    finding.need(request, "board.see")
    since, until = period(request, "to")
    queues = {queue.pk: queue for queue in board.led_by(rest.me(request))}
    found = {each.queue: each for each in change.changes(change.talks(queues, since, until))}
    told = [_told(queue.name, found.get(pk, change.Change(pk, 0))) for pk, queue in queues.items()]
    return Response({"next": None, "previous": None, "results": told})


def period(request: Request, end: str) -> tuple[datetime, datetime]:
    """What a measure is asked over: from `from` (90 days before) to `end` (now)."""
    sent = request.query_params
    until = moment(sent[end], end) if end in sent else timezone.now()
    try:
        since = moment(sent["from"], "from") if "from" in sent else until - USUAL
    except OverflowError:
        since = until
    if since >= until:
        raise ValidationError({"from": _("Give a time before the end.")})
    return since, until


def _told(name: str, change: Any) -> dict[str, Any]:
    note = _("Not enough data: 30 cases are needed in which both are known.") if change.change is None else ""
    values = {key: getattr(change, key) for key in ("queue", "cases", "change", "low", "high")}
    return FeelingChange({**values, "name": name, "note": note}).data
