"""bulk/: many cases changed at once, watched row by row, stopped, undone."""

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import bulk, filters
from cases.api import finding
from cases.bulk_actions import ACTIONS, BY_HAND
from cases.filter_parts import Asker
from cases.models import Bulk, BulkRow, Case, Queue
from cases.models.bulk import UNDO_WITHIN
from cases.models.case_rows import CaseQuerySet
from crm import rest


class BulkShape(serializers.Serializer[Bulk]):
    """`counts`: how many cases stand how. `missing`: chosen, but not to be seen when it began."""

    id = serializers.IntegerField()
    action = serializers.CharField()
    given = serializers.DictField()
    queue = serializers.IntegerField(source="queue_id", allow_null=True)
    at = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=Bulk.State.choices)
    total = serializers.IntegerField()
    missing = serializers.IntegerField()
    counts = serializers.SerializerMethodField()
    finished_at = serializers.DateTimeField(allow_null=True)
    undo_until = serializers.SerializerMethodField()
    undone_at = serializers.DateTimeField(allow_null=True)

    def get_counts(self, task: Bulk) -> dict[str, int]:
        return bulk.how_far([task])[task.pk]

    def get_undo_until(self, task: Bulk) -> str:
        return str((task.at + UNDO_WITHIN).isoformat())


class BulkRowShape(serializers.Serializer[BulkRow]):
    """What came of one case; `why` in words where it was left out or kept."""

    id = serializers.IntegerField()
    case = serializers.IntegerField(source="case.number")
    state = serializers.ChoiceField(choices=BulkRow.State.choices)
    why = serializers.CharField(allow_blank=True)


class ChosenCase(serializers.Serializer[Any]):
    """With a `version`: left out if somebody changed the same thing after it."""

    number = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    version = serializers.IntegerField(required=False, min_value=0, max_value=2**63 - 1)


class NewBulk(serializers.Serializer[Any]):
    """`cases` by number, or everything that a filter `q` means in a `queue`, as its list would show it. Beside the action,
    what it needs: assign `to`, transfer `to_queue`, status `status` (with `disposition` and `cause` where it is
    resolved), priority `priority`, tag and untag `tags`, snooze
    `until`, macro `macro` (left out row by row where it is another than `macro_version` by then)."""

    action = serializers.ChoiceField(choices=list(ACTIONS))
    cases = ChosenCase(many=True, required=False, max_length=bulk.MOST)  # type: ignore[call-arg] # the stub knows no many=True
    queue = serializers.IntegerField(required=False)
    q = serializers.CharField(required=False, allow_blank=True, max_length=400)
    to = serializers.IntegerField(required=False)
    to_queue = serializers.IntegerField(required=False)
    status = serializers.ChoiceField(choices=sorted(BY_HAND), required=False)
    disposition = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    cause = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    priority = serializers.ChoiceField(choices=Case.Priority.choices, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=60), required=False, max_length=20)
    until = serializers.DateTimeField(required=False)
    macro = serializers.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    macro_version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


@extend_schema(methods=["GET"], summary="What you changed together", responses=BulkShape(many=True))
@extend_schema(methods=["POST"], summary="Change many cases at once", request=NewBulk, responses={202: BulkShape})
@rest.endpoint("GET", "POST")
def all_bulks(request: Request) -> Response:
    if request.method == "GET":
        return rest.page(request, _own(request), BulkShape)
    given = rest.read(NewBulk, request)
    queue = finding.queue(request, given["queue"]) if "queue" in given else None
    finding.need(request, f"case.{ACTIONS[given['action']].verb}", queue)
    cases, seen = _chosen(request, given, queue)
    task = bulk.begin(
        given["action"], _needed(given), cases, by=rest.me(request), at=timezone.now(), seen=seen, queue=queue
    )
    return Response(BulkShape(task).data, status=202)


def _needed(given: dict[str, Any]) -> dict[str, Any]:
    needed: dict[str, Any] = {
        name: given[name]
        for name in ("to", "status", "disposition", "cause", "priority", "tags", "macro")
        if name in given
    }
    if "macro_version" in given:
        needed["version"] = given["macro_version"]
    if "to_queue" in given:
        needed["queue"] = given["to_queue"]
    if "until" in given:
        needed["until"] = given["until"].isoformat()
    return needed


def _chosen(request: Request, given: dict[str, Any], queue: Queue | None) -> tuple[CaseQuerySet, dict[int, int] | None]:
    me = rest.me(request)
    if "cases" in given:
        seen = {each["number"]: each.get("version", 2**62) for each in given["cases"]}
        return Case.objects.visible_to(me).filter(number__in=seen), seen
    if queue is None or "q" not in given:
        raise ValidationError({"cases": _("Name the cases, or a queue and a filter q.")})
    asker = Asker(me, timezone.now())
    wanted = filters.read(given["q"], asker)
    if wanted.problems:
        raise ValidationError({"q": list(wanted.problems)})
    return filters.in_list(wanted, queue, asker), None


@extend_schema(methods=["GET"], summary="How far it is", operation_id="bulk_retrieve", responses=BulkShape)
@extend_schema(methods=["DELETE"], summary="Stop it; what is done stays done", responses=BulkShape)
@rest.endpoint("GET", "DELETE")
def one_bulk(request: Request, pk: int) -> Response:
    task = get_object_or_404(_own(request), pk=pk)
    if request.method == "DELETE":
        bulk.cancel(task, by=rest.me(request), at=timezone.now())
        task.refresh_from_db()
    return Response(BulkShape(task).data)


@extend_schema(
    summary="What came of each case", parameters=[OpenApiParameter("state", str)], responses=BulkRowShape(many=True)
)
@rest.endpoint("GET")
def rows(request: Request, pk: int) -> Response:
    task = get_object_or_404(_own(request), pk=pk)
    found = task.rows.select_related("case")
    if state := request.query_params.get("state", ""):
        found = found.filter(state=state)
    return rest.page(request, found, BulkRowShape)


@extend_schema(summary="Take it back, for a day", request=None, responses={202: BulkShape})
@rest.endpoint("POST")
def undo(request: Request, pk: int) -> Response:
    task = get_object_or_404(_own(request), pk=pk)
    bulk.undo(task, by=rest.me(request), at=timezone.now())
    task.refresh_from_db()
    return Response(BulkShape(task).data, status=202)


def _own(request: Request) -> QuerySet[Bulk]:
    return Bulk.objects.filter(by=rest.me(request))
