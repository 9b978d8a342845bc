"""tasks/, cases/N/tasks/, cases/N/reminders/: what is to be done, and what one wants to be reminded of."""

from typing import Any

from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases import reminders as reminding
from cases import tasks as keeping
from cases.api import finding
from cases.api.shapes import Person
from cases.models import Reminder, Task
from crm import rest
from crm.models import User
from crm.times import Ahead


class TaskShape(serializers.Serializer[Task]):
    """One thing to do. Without an owner it is whoever's the case is."""

    id = serializers.IntegerField()
    case = serializers.IntegerField(source="case.number")
    what = serializers.CharField()
    owner = serializers.IntegerField(source="owner_id", allow_null=True)
    due_at = serializers.DateTimeField(allow_null=True)
    position = serializers.IntegerField()
    made_at = serializers.DateTimeField()
    done_at = serializers.DateTimeField(allow_null=True)
    done_by = serializers.IntegerField(source="done_by_id", allow_null=True)


class NewTask(serializers.Serializer[Any]):
    what = serializers.CharField(max_length=300)
    owner = Person(required=False, allow_null=True)
    due_at = Ahead(required=False, allow_null=True)


class TaskChange(serializers.Serializer[Any]):
    """What may be said anew of a task; what is left out stays. `steps` moves it up (-1) or down (1)."""

    what = serializers.CharField(max_length=300, required=False)
    owner = Person(required=False, allow_null=True)
    due_at = Ahead(required=False, allow_null=True)
    done = serializers.BooleanField(required=False)
    steps = serializers.IntegerField(required=False, min_value=-1, max_value=1)


class ReminderShape(serializers.Serializer[Reminder]):
    """One's own: nobody sees another's."""

    id = serializers.IntegerField()
    case = serializers.IntegerField(source="case.number")
    at = serializers.DateTimeField()
    note = serializers.CharField(allow_blank=True)
    unless_customer_writes = serializers.BooleanField()


class NewReminder(serializers.Serializer[Any]):
    at = Ahead()
    note = serializers.CharField(max_length=200, allow_blank=True, default="")
    unless_customer_writes = serializers.BooleanField(default=True)


@extend_schema(summary="What I have to do, in every case I may see", responses=TaskShape(many=True))
@rest.endpoint("GET")
def mine(request: Request) -> Response:
    return rest.page(request, keeping.mine(rest.me(request)).order_by(), TaskShape)


_DONE = OpenApiParameter("done", bool, description="Only those done, or only those still to do.")


@extend_schema(methods=["GET"], summary="The tasks of a case", parameters=[_DONE], responses=TaskShape(many=True))
@extend_schema(methods=["POST"], summary="Add a task", request=NewTask, responses={201: TaskShape})
@rest.endpoint("GET", "POST")
def of_case(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    if request.method == "GET":
        rows = Task.objects.kept().filter(case=case).select_related("case")
        if "done" in request.query_params:
            rows = rows.filter(done_at__isnull=request.query_params["done"].lower() not in {"true", "1"})
        return rest.page(request, rows, TaskShape)
    finding.need(request, "case.task", case)
    given = rest.read(NewTask, request)
    owner = _owner(given)
    made = keeping.add(
        case, what=given["what"], owner=owner, due_at=given.get("due_at"), by=rest.me(request), via="api"
    )
    return Response(TaskShape(made).data, status=201)


def _owner(given: dict[str, Any]) -> User | None:
    return finding.person(given["owner"], "owner") if given.get("owner") is not None else None


@extend_schema(methods=["PATCH"], summary="Do a task, or say it anew", request=TaskChange, responses=TaskShape)
@extend_schema(methods=["DELETE"], summary="Take a task off", responses={204: None})
@rest.endpoint("PATCH", "DELETE")
def one(request: Request, number: int, pk: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.task", case)
    task = get_object_or_404(Task.objects.kept().select_related("case"), case=case, pk=pk)
    if request.method == "DELETE":
        keeping.drop(task, by=rest.me(request), via="api")
        return Response(status=204)
    _say(task, rest.read(TaskChange, request), rest.me(request))
    return Response(TaskShape(task).data)


@transaction.atomic
def _say(task: Task, given: dict[str, Any], by: User) -> None:
    owner = _owner(given) if "owner" in given else keeping.KEEP
    due_at = given.get("due_at", keeping.KEEP)
    keeping.change(task, by=by, what=given.get("what"), owner=owner, due_at=due_at, via="api")
    if "done" in given:
        (keeping.finish if given["done"] else keeping.reopen)(task, by=by, via="api")
    if given.get("steps"):
        keeping.move(task, given["steps"], by=by, via="api")
        task.refresh_from_db(fields=["position"])


@extend_schema(
    methods=["GET"],
    summary="My reminders in a case",
    operation_id="case_reminders",
    responses=ReminderShape(many=True),
)
@extend_schema(methods=["POST"], summary="Remind me", request=NewReminder, responses={201: ReminderShape})
@rest.endpoint("GET", "POST")
def reminders(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    if request.method == "GET":
        mine = reminding.waiting().filter(case=case, user=rest.me(request)).select_related("case")
        return rest.page(request, mine, ReminderShape)
    finding.need(request, "case.task", case)
    given = rest.read(NewReminder, request)
    made = reminding.remind(case, rest.me(request), **given, now=timezone.now(), via="api")
    return Response(ReminderShape(made).data, status=201)


@extend_schema(summary="Take a reminder off", responses={204: None})
@rest.endpoint("DELETE")
def reminder(request: Request, number: int, pk: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.task", case)
    found = get_object_or_404(Reminder, case=case, user=rest.me(request), pk=pk)
    reminding.drop(found, by=rest.me(request), via="api")
    return Response(status=204)
