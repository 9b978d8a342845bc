"""segments/: what they mean, who is in them, and a condition tried before it is kept."""

from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.text import slugify
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from crm import rest
from crm.models import User
from customers import looking, saying, segments
from customers.api import need
from customers.conditions import BadCondition
from customers.models import Customer, Segment
from customers.shapes import CustomerShape

_LIST = [OpenApiParameter("cursor", str), OpenApiParameter("limit", int, description="1 to 200, else 50.")]


class SegmentShape(serializers.Serializer[Segment]):
    """A segment as it stands; `version` counts its meanings, `sentence` says the present one in words. `size` is as of
    `refreshed_at`, which is empty where it was not counted yet."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()
    description = serializers.CharField()
    owner = serializers.IntegerField(source="owner_id", allow_null=True)
    is_active = serializers.BooleanField()
    version = serializers.IntegerField(source="current.number")
    condition = serializers.JSONField(source="current.condition")
    sentence = serializers.SerializerMethodField()
    size = serializers.IntegerField()
    refreshed_at = serializers.DateTimeField(allow_null=True)

    def get_sentence(self, segment: Segment) -> str:
        return saying.whole(segment.current.condition) if segment.current else ""


class SegmentData(serializers.Serializer[Any]):
    """A new segment, or (PATCH) what is to be said anew of one: what is left out stays. The key stays as it is."""

    key = serializers.SlugField(max_length=80, required=False, help_text="Made from the name if it is missing.")
    name = serializers.CharField(max_length=120)
    description = serializers.CharField(max_length=300, allow_blank=True, required=False)
    owner = serializers.IntegerField(allow_null=True, required=False, min_value=1, max_value=2**63 - 1)
    is_active = serializers.BooleanField(required=False)
    condition = serializers.DictField(help_text="docs/conditions.md")
    version = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)


class SegmentAsked(serializers.Serializer[Any]):
    """A condition to try on everybody."""

    condition = serializers.DictField()


class SegmentExample(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="customer.pk")
    name = serializers.CharField(source="customer.name")
    reasons = serializers.ListField(child=serializers.CharField())


class SegmentLook(serializers.Serializer[looking.Look]):
    """Whom it means: how many of all customers, and up to ten the caller may see, each with why. `took_ms`: to count."""

    count = serializers.IntegerField()
    sentence = serializers.CharField()
    sample = SegmentExample(many=True)
    took_ms = serializers.FloatField()
    note = serializers.CharField(help_text="What of it nobody can tell just now, because a plugin does not answer.")


@extend_schema(methods=["GET"], summary="Segments", parameters=_LIST, responses=SegmentShape(many=True))
@extend_schema(methods=["POST"], summary="Add a segment", request=SegmentData, responses={201: SegmentShape})
@rest.endpoint("GET", "POST", writes="settings")
def all_segments(request: Request) -> Response:
    if request.method == "GET":
        need(request, "segment.see")
        return rest.page(request, _rows(), SegmentShape)
    need(request, "segment.change")
    data = rest.read(SegmentData, request)
    key = data.get("key") or slugify(data["name"])[:80]
    if not key:
        raise ValidationError({"key": _("Give a key: letters, digits, hyphens.")})
    try:
        with transaction.atomic():
            made = Segment.objects.create(key=key, **_about(data))
            _publish(made, data["condition"], rest.me(request))
    except IntegrityError:
        raise rest.Problem(409, "exists", _("There is a segment with this key already.")) from None
    return _told(made.pk, status=201)


@extend_schema(methods=["GET"], summary="A segment", operation_id="segment_retrieve", responses=SegmentShape)
@extend_schema(methods=["PATCH"], summary="Publish a new version", request=SegmentData, responses=SegmentShape)
@extend_schema(methods=["DELETE"], summary="Retire it; what names it goes on meaning the same", responses={204: None})
@rest.endpoint("GET", "PATCH", "DELETE", writes="settings")
def one_segment(request: Request, pk: int) -> Response:
    need(request, "segment.see")
    found = get_object_or_404(_rows(), pk=pk)
    if request.method == "GET":
        return _told(pk)
    need(request, "segment.change")
    if request.method == "DELETE":
        found.describe(is_active=False)
        return Response(status=204)
    data = rest.read(SegmentData, request, partial=True)
    with transaction.atomic():
        found = get_object_or_404(_rows().select_for_update(of=("self",)), pk=pk)
        rest.unchanged_since(request, found.current.number if found.current else 0)
        if data.get("key", found.key) != found.key:
            raise ValidationError({"key": _("The key of a segment stays: conditions name it by this. Add another.")})
        if "condition" in data:
            _publish(found, data["condition"], rest.me(request))
        found.describe(**_about(data))
    return _told(pk)


@extend_schema(summary="Who is in it now", parameters=_LIST, responses=CustomerShape(many=True))
@rest.endpoint("GET")
def members(request: Request, pk: int) -> Response:
    need(request, "segment.see")
    found = get_object_or_404(_rows(), pk=pk)
    seen = Customer.objects.visible_to(rest.me(request)).current()
    rows = segments.compiled(found, timezone.now()).customers(seen)
    return rest.page(request, rows.prefetch_related("contact_points"), CustomerShape)


@extend_schema(summary="Who a condition means", request=SegmentAsked, responses=SegmentLook)
@rest.endpoint("POST", writes="read")
def preview(request: Request) -> Response:
    need(request, "segment.change")
    asked = rest.read(SegmentAsked, request)["condition"]
    try:
        found = looking.look(asked, rest.me(request), timezone.now())
    except BadCondition as bad:
        raise ValidationError({"condition": str(bad)}) from None
    return Response(SegmentLook(found).data)


def _rows() -> QuerySet[Segment]:
    return Segment.objects.filter(current__isnull=False).select_related("current")


def _about(data: dict[str, Any]) -> dict[str, Any]:
    about: dict[str, Any] = {name: data[name] for name in ("name", "description", "is_active") if name in data}
    if "owner" not in data:
        return about
    owner = data["owner"]
    if owner is not None and not User.objects.filter(pk=owner, is_active=True).exists():
        raise ValidationError({"owner": _("There is no active user %(who)s.") % {"who": owner}})
    return about | {"owner_id": owner}


def _publish(segment: Segment, condition: Any, by: User) -> None:
    try:
        segment.publish(condition, by=by)
    except Invalid as error:
        raise ValidationError(error.message_dict) from None


def _told(pk: int, *, status: int = 200) -> Response:
    found = _rows().get(pk=pk)
    return rest.tagged(SegmentShape(found).data, found.current.number if found.current else 0, status=status)
