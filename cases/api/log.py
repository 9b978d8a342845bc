"""events/: everything that happened, to be followed with one cursor; a reader sees what they may see, nothing twice."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.models import Case, Queue
from crm import rest
from crm.models import Event, Installation, User
from customers.models import Customer

WINDOW = 500


class EventShape(serializers.Serializer[Event]):
    """Something that happened. `case` is set on the events of cases; `data` holds ids, numbers, times and words."""

    pos = serializers.IntegerField(allow_null=True)
    stream = serializers.CharField()
    stream_id = serializers.IntegerField()
    case = serializers.SerializerMethodField()
    version = serializers.IntegerField()
    kind = serializers.CharField()
    actor = serializers.IntegerField(source="actor_id", allow_null=True)
    via = serializers.CharField()
    reason = serializers.CharField()
    at = serializers.DateTimeField()
    data = serializers.DictField()  # type: ignore[assignment]

    def get_case(self, event: Event) -> int | None:
        numbers: dict[int, int] = self.context.get("numbers", {})
        return numbers.get(event.stream_id) if event.stream == "case" else None


class LogPage(serializers.Serializer[Any]):
    """`cursor` goes into the next call's `since`; `more`: there is more to read at once."""

    cursor = serializers.CharField()
    more = serializers.BooleanField()
    results = EventShape(many=True)


@extend_schema(
    summary="Follow everything that happens",
    parameters=[
        OpenApiParameter("since", str, description="`cursor` of the last answer; `now`; or nothing: from the start.")
    ],
    responses=LogPage,
)
@rest.endpoint("GET", reads="events")
def events(request: Request) -> Response:
    """One window of the log from the cursor on. The cursor passes over what the reader may not see, so that following
    it misses nothing and repeats nothing; a restored or other database answers 410."""
    epoch = str(Installation.objects.values_list("epoch", flat=True).first() or "")
    since = _position(request.query_params.get("since", ""), epoch)
    window = list(Event.objects.filter(pos__gt=since).order_by("pos")[:WINDOW])
    numbers = _numbers(rest.me(request), window)
    seen = [e for e in window if _may_see(e, numbers)]
    last = window[-1].pos if window else since
    shown = EventShape(seen, many=True, context={"numbers": numbers["case"]})  # type: ignore[arg-type]
    return Response({"cursor": f"{epoch}:{last}", "more": len(window) == WINDOW, "results": shown.data})


def _position(since: str, epoch: str) -> int:
    if not since:
        return 0
    if since == "now":
        return Event.objects.filter(pos__isnull=False).order_by("-pos").values_list("pos", flat=True).first() or 0
    named, _colon, pos = since.rpartition(":")
    if not (pos.isascii() and pos.isdigit() and len(pos) < 19 and _is_epoch(named)):
        raise rest.Problem(400, "cursor", _("This cursor is not one of ours: begin again without it."))
    if named != epoch:
        raise rest.Problem(410, "resync", _("The log this cursor belongs to is gone: begin again without it."))
    return int(pos)


def _is_epoch(text: str) -> bool:
    try:
        return bool(UUID(text))
    except ValueError:
        return False


def _numbers(user: User, window: list[Event]) -> dict[str, dict[int, int]]:
    """For each stream, what of this window the user may see: id to the number it is shown by."""
    doors: dict[str, tuple[QuerySet[Any], str]] = {
        "case": (Case.objects.visible_to(user), "number"),
        "queue": (Queue.objects.visible_to(user), "pk"),
        "customer": (Customer.objects.visible_to(user), "pk"),
    }
    named = {stream: {e.stream_id for e in window if e.stream == stream} for stream in doors}
    return {
        stream: dict(rows.filter(pk__in=named[stream]).values_list("pk", number)) if named[stream] else {}
        for stream, (rows, number) in doors.items()
    }


def _may_see(event: Event, numbers: dict[str, dict[int, int]]) -> bool:
    return event.stream_id in numbers.get(event.stream, {})
