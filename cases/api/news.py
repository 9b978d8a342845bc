"""notifications/, cases/…/following/: what the caller is told, how they want to hear, and what they follow."""

import zoneinfo
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import news, news_words, watching
from cases.api import finding
from cases.models import Notification, NotificationSettings, PushDevice, Watch
from cases.models.reasons import Reason, Way, ways
from crm import rest


class NotificationShape(serializers.Serializer[Notification]):
    """`what` and `why` in words, in the caller's language; `is_over`: done with, whoever did it."""

    id = serializers.IntegerField()
    case = serializers.IntegerField(source="case.number")
    kind = serializers.CharField(source="event.kind")
    reason = serializers.ChoiceField(choices=Reason.choices)
    what = serializers.CharField()
    why = serializers.CharField()
    at = serializers.DateTimeField()
    read_at = serializers.DateTimeField(allow_null=True)
    is_over = serializers.SerializerMethodField()
    snoozed_until = serializers.DateTimeField(allow_null=True)

    def get_is_over(self, row: Notification) -> bool:
        return row.ended_by_id is not None


class WordedNotifications(serializers.ListSerializer[Any]):
    def to_representation(self, data: Any) -> list[Any]:
        return super().to_representation(news_words.worded(data))


class ListedNotification(NotificationShape):
    class Meta:
        list_serializer_class = WordedNotifications


class ReadData(serializers.Serializer[Any]):
    """One case (its number), some notifications (their ids), or neither: all."""

    case = serializers.IntegerField(required=False)
    ids = serializers.ListField(child=serializers.IntegerField(), required=False, max_length=500)


class ReadShape(serializers.Serializer[Any]):
    read = serializers.IntegerField()
    waiting = serializers.IntegerField(help_text="Cases that still have something new.")


class WaysShape(serializers.Serializer[NotificationSettings]):
    """`ways` names every reason with the ways in force; sending some changes those."""

    ways = serializers.SerializerMethodField()
    quiet_from = serializers.TimeField(allow_null=True)
    quiet_until = serializers.TimeField(allow_null=True)
    tz = serializers.CharField()
    heeds_presence = serializers.BooleanField()
    shows_customer = serializers.BooleanField()
    digest = serializers.ChoiceField(choices=NotificationSettings.Digest.choices)
    digest_at = serializers.TimeField()
    version = serializers.IntegerField()

    def get_ways(self, row: NotificationSettings) -> dict[str, list[str]]:
        return {reason: ways(reason, row.ways) for reason in Reason.values}


class WaysData(serializers.Serializer[Any]):
    ways = serializers.DictField(
        child=serializers.ListField(child=serializers.ChoiceField(choices=Way.choices)), required=False
    )
    quiet_from = serializers.TimeField(allow_null=True, required=False)
    quiet_until = serializers.TimeField(allow_null=True, required=False)
    tz = serializers.CharField(max_length=64, allow_blank=True, required=False)
    heeds_presence = serializers.BooleanField(required=False)
    shows_customer = serializers.BooleanField(required=False)
    digest = serializers.ChoiceField(choices=NotificationSettings.Digest.choices, required=False)
    digest_at = serializers.TimeField(required=False)
    version = serializers.IntegerField(required=False)

    def validate_ways(self, given: dict[str, list[str]]) -> dict[str, list[str]]:
        if unknown := sorted(set(given) - set(Reason.values)):
            raise ValidationError(_("There is no reason %(reason)s.") % {"reason": unknown[0]})
        return given

    def validate_tz(self, name: str) -> str:
        if name and name not in zoneinfo.available_timezones():
            raise ValidationError(_("There is no such time zone. Write it like “Europe/Berlin”."))
        return name


class FollowerShape(serializers.Serializer[Watch]):
    user = serializers.IntegerField(source="user_id")
    name = serializers.CharField(source="user.name")
    since = serializers.DateTimeField(source="at")


_UNREAD = OpenApiParameter("unread", bool, description="Only what still wants a look.")


@extend_schema(
    summary="What you are told, the newest first", parameters=[_UNREAD], responses=NotificationShape(many=True)
)
@rest.endpoint("GET")
def notifications(request: Request) -> Response:
    finding.need(request, "notification.own")
    rows = Notification.objects.filter(user=rest.me(request)).visible()
    if request.query_params.get("unread") in {"1", "true"}:
        rows = rows.unread().awake(timezone.now())
    return rest.page(request, rows.select_related("case__customer", "event__actor"), ListedNotification)


@extend_schema(summary="You know of it", request=ReadData, responses=ReadShape)
@rest.endpoint("POST")
def reading(request: Request) -> Response:
    finding.need(request, "notification.own")
    given = rest.read(ReadData, request) if request.data else {}
    case = finding.case(request, given["case"]) if "case" in given else None
    user, now = rest.me(request), timezone.now()
    done = news.read(user, at=now, case=case, keys=given.get("ids"))
    return Response(ReadShape({"read": done, "waiting": news.count(user, now)}).data)


@extend_schema(methods=["GET"], summary="How you hear", responses=WaysShape)
@extend_schema(methods=["PATCH"], summary="Hear otherwise", request=WaysData, responses=WaysShape)
@rest.endpoint("GET", "PATCH")
def settings(request: Request) -> Response:
    finding.need(request, "notification.own")
    wants, _fresh = NotificationSettings.objects.get_or_create(user=rest.me(request))
    if request.method == "PATCH":
        given = rest.read(WaysData, request)
        rest.unchanged_since(request, wants.version)
        given.pop("version", None)
        _must_fit(wants, given)
        chosen = given.pop("ways", None)
        wants.choose(None if chosen is None else wants.ways | chosen, **given)
    return rest.tagged(WaysShape(wants).data, wants.version)


def _must_fit(wants: NotificationSettings, given: dict[str, Any]) -> None:
    ends = [given.get(name, getattr(wants, name)) for name in ("quiet_from", "quiet_until")]
    if (ends[0] is None) != (ends[1] is None):
        raise ValidationError({"quiet_until": _("Quiet hours have a beginning and an end.")})


@extend_schema(methods=["GET"], summary="Who follows a case", responses=FollowerShape(many=True))
@extend_schema(methods=["PUT"], summary="Follow it", request=None, responses={204: None})
@extend_schema(methods=["DELETE"], summary="No longer follow it", responses={204: None})
@rest.endpoint("GET", "PUT", "DELETE")
def following(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    if request.method == "GET":
        return rest.page(request, case.watches.select_related("user"), FollowerShape)
    finding.need(request, "case.follow", case)
    act = watching.follow if request.method == "PUT" else watching.unfollow
    act(case, by=rest.me(request), via="api")
    return Response(status=204)


class PushDeviceShape(serializers.Serializer[PushDevice]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    made_at = serializers.DateTimeField()
    reached_at = serializers.DateTimeField(allow_null=True)


@extend_schema(summary="The devices you are told on", responses=PushDeviceShape(many=True))
@rest.endpoint("GET")
def devices(request: Request) -> Response:
    finding.need(request, "notification.own")
    return rest.page(request, PushDevice.objects.filter(user=rest.me(request)), PushDeviceShape)


@extend_schema(summary="No longer on this one", responses={204: None})
@rest.endpoint("DELETE")
def device(request: Request, pk: int) -> Response:
    get_object_or_404(PushDevice, pk=pk, user=rest.me(request)).delete()
    return Response(status=204)
