"""filters/: what people saved to stand beside the views of a queue, their own and shared ones."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import filtered, saved_filters
from cases.api import finding
from cases.filter_parts import Asker
from cases.models import Queue, SavedFilter
from crm import rest


class SavedFilterShape(serializers.Serializer[SavedFilter]):
    """Shared in a `queue`, or (null) the caller's own. `count`: how many cases it holds in the queue that was asked about."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    text = serializers.CharField()
    queue = serializers.IntegerField(source="queue_id", allow_null=True)
    position = serializers.IntegerField()
    count = serializers.SerializerMethodField()

    def get_count(self, saved: SavedFilter) -> int | None:
        return self.context.get("counts", {}).get(saved.view)  # type: ignore[no-any-return]


class SavedFilterData(serializers.Serializer[Any]):
    """`text` as in GET cases/?q=, without `queue:`. With a `queue` it is shared with everybody there."""

    name = serializers.CharField(max_length=40)
    text = serializers.CharField(max_length=400)
    queue = serializers.IntegerField(required=False, allow_null=True)


class SavedFilterChange(serializers.Serializer[Any]):
    """`position`: its place, from 0, among those it stands with."""

    name = serializers.CharField(max_length=40, required=False)
    text = serializers.CharField(max_length=400, required=False)
    position = serializers.IntegerField(required=False, min_value=0, max_value=1000)


_QUEUE = OpenApiParameter(
    "queue", int, description="Those beside the views of this queue, with how many cases each holds."
)


@extend_schema(methods=["GET"], summary="Saved filters", parameters=[_QUEUE], responses=SavedFilterShape(many=True))
@extend_schema(methods=["POST"], summary="Save a filter", request=SavedFilterData, responses={201: SavedFilterShape})
@rest.endpoint("GET", "POST")
def all_filters(request: Request) -> Response:
    me, at = rest.me(request), timezone.now()
    if request.method == "GET":
        return _beside(request) if "queue" in request.query_params else _all(request)
    given = rest.read(SavedFilterData, request)
    queue = finding.queue(request, given["queue"]) if given.get("queue") is not None else None
    fresh = saved_filters.save(given["name"], given["text"], by=me, at=at, shared_in=queue)
    return Response(SavedFilterShape(fresh).data, status=201)


def _all(request: Request) -> Response:
    return rest.page(request, SavedFilter.objects.visible_to(rest.me(request)), SavedFilterShape)


def _beside(request: Request) -> Response:
    asked = request.query_params["queue"]
    queues = Queue.objects.visible_to(rest.me(request))
    queue = queues.filter(pk=asked).first() if asked.isdecimal() and len(asked) < 19 else None
    if queue is None:
        raise ValidationError({"queue": _("There is no queue %(id)s that you may use.") % {"id": asked}})
    shown = filtered.beside(queue, Asker(rest.me(request), timezone.now()))
    rows = [each.saved for each in shown.values()]
    counts = filtered.counts(shown)
    data = SavedFilterShape(rows, many=True, context={"counts": counts}).data  # type: ignore[arg-type]
    return Response({"next": None, "previous": None, "results": data})


@extend_schema(methods=["GET"], summary="A saved filter", operation_id="filter_retrieve", responses=SavedFilterShape)
@extend_schema(methods=["PATCH"], summary="Change it", request=SavedFilterChange, responses=SavedFilterShape)
@extend_schema(methods=["DELETE"], summary="Take it away", responses={204: None})
@rest.endpoint("GET", "PATCH", "DELETE", versioned=())
def one_filter(request: Request, pk: int) -> Response:
    me = rest.me(request)
    saved = get_object_or_404(SavedFilter.objects.visible_to(me).select_related("queue"), pk=pk)
    if request.method == "DELETE":
        saved_filters.remove(saved, by=me)
        return Response(status=204)
    if request.method == "PATCH":
        given = rest.read(SavedFilterChange, request)
        _change(saved, given, request)
    return Response(SavedFilterShape(saved).data)


def _change(saved: SavedFilter, given: dict[str, Any], request: Request) -> None:
    me = rest.me(request)
    if "name" in given or "text" in given:
        words = {name: given[name] for name in ("name", "text") if name in given}
        saved_filters.change(saved, by=me, at=timezone.now(), **words)
    if "position" in given:
        saved_filters.move(saved, given["position"], by=me)
