"""measures/: what the house can say of its work, each with its interval and from when it says nothing."""

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import board, first_contact, surveyed
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


class ShareShape(serializers.Serializer[Any]):
    """So many of them; `low` and `high` its 95 % interval (Wilson). Null of none."""

    count = serializers.IntegerField()
    share = serializers.FloatField(allow_null=True)
    low = serializers.FloatField(allow_null=True)
    high = serializers.FloatField(allow_null=True)


class ResolutionWindow(serializers.Serializer[Any]):
    """Within so many `days` after the first contact, always of the same `issues`: `net`, the customer did not come back about it, in any
    case or channel; `said`, they said that they have what they came for; `not_reopened`, the case stayed closed. `too_young`:
    left out, for their days are not over."""

    days = serializers.IntegerField()
    issues = serializers.IntegerField()
    too_young = serializers.IntegerField()
    net = ShareShape()
    said = ShareShape()
    not_reopened = ShareShape()


class FirstContact(serializers.Serializer[Any]):
    """Of one queue. `unanswered`: issues that nobody answered, which are in none of the numbers."""

    queue = serializers.IntegerField()
    name = serializers.CharField()
    unanswered = serializers.IntegerField()
    windows = ResolutionWindow(many=True)


@extend_schema(
    summary="First-contact resolution, by queue: three numbers together",
    parameters=[OpenApiParameter("from", str), OpenApiParameter("until", str), OpenApiParameter("queue", int)],
    responses=FirstContact(many=True),
)
@rest.endpoint("GET")
def resolution(request: Request) -> Response:
    """Of the issues whose first contact began between `from` (90 days ago) and `until` (now), in the queues you lead, or one."""
    queues, since, until = _asked(request)
    rows = first_contact.firsts(queues, since, until)
    now = timezone.now()
    told = [
        {
            "queue": pk,
            "name": name,
            **asdict(first_contact.resolution((row for row in rows if row.queue == pk), now)),
        }
        for pk, name in queues.items()
    ]
    return Response({"next": None, "previous": None, "results": FirstContact(told, many=True).data})


def _asked(request: Request) -> tuple[dict[int, str], datetime, datetime]:
    """The queues you lead, or the one that is asked for, and the time."""
    finding.need(request, "board.see")
    since, until = period(request, "until")
    queues = {queue.pk: queue.name for queue in board.led_by(rest.me(request))}
    if "queue" in request.query_params:
        queues = _one_of(queues, request.query_params["queue"])
    return queues, since, until


def _one_of(queues: dict[int, str], asked: str) -> dict[int, str]:
    found = {pk: name for pk, name in queues.items() if str(pk) == asked}
    if not found:
        raise ValidationError({"queue": _("You lead no queue %(id)s.") % {"id": asked}})
    return found


class Surveyed(serializers.Serializer[Any]):
    """Of one queue: whom their page `asked`, who of them `answered`, and how many of these said that it was `solved`."""

    queue = serializers.IntegerField()
    name = serializers.CharField()
    asked = serializers.IntegerField()
    answered = serializers.IntegerField()
    solved = ShareShape()


@extend_schema(
    summary="Whether customers say that it was solved, by queue",
    parameters=[OpenApiParameter("from", str), OpenApiParameter("until", str), OpenApiParameter("queue", int)],
    responses=Surveyed(many=True),
)
@rest.endpoint("GET")
def surveys(request: Request) -> Response:
    """Of those whose page first asked between `from` (90 days ago) and `until` (now), in the queues you lead, or one."""
    queues, since, until = _asked(request)
    found = surveyed.answers(queues, since, until)
    told = [{"queue": pk, "name": name, **asdict(found.get(pk, surveyed.NONE))} for pk, name in queues.items()]
    return Response({"next": None, "previous": None, "results": Surveyed(told, many=True).data})
