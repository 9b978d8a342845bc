"""board/ and the levelling of a queue's load: the numbers of the console's board, and what a lead does with them."""

from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import board, leveling
from cases.api import finding
from cases.models import Queue
from cases.models.presence import State
from crm import rest
from crm.models import User


class BoardPerson(serializers.Serializer[Any]):
    """`load`: cases that count as in hand, in whatever queues; `limit`: at which this queue gives them no more, empty where
    it gives out nothing."""

    user = serializers.IntegerField(source="user.pk")
    name = serializers.CharField(source="user.name")
    role = serializers.CharField()
    state = serializers.ChoiceField(source="presence.shown", choices=State.choices)
    load = serializers.IntegerField()
    limit = serializers.IntegerField(allow_null=True)


class BoardProblem(serializers.Serializer[Any]):
    """`cases`: how many at work here are about it."""

    name = serializers.CharField(source="fire.name")
    title = serializers.CharField(source="fire.title")
    level = serializers.CharField(source="fire.level")
    cases = serializers.IntegerField()


class BoardFigures(serializers.Serializer[Any]):
    """Cases; what each counts is in docs/board.md."""

    waiting = serializers.IntegerField()
    due_soon = serializers.IntegerField()
    overdue = serializers.IntegerField()
    promised = serializers.IntegerField()
    broken = serializers.IntegerField()
    unassigned = serializers.IntegerField()
    met = serializers.IntegerField()
    missed = serializers.IntegerField()
    arrived = serializers.IntegerField()
    answered = serializers.IntegerField()


class BoardShape(serializers.Serializer[Any]):
    """How a queue stood at `at`. `service_level`: per cent of `met` and `missed` that are met; empty where nothing was due
    yet today. `arrived` and `answered` beside the figures: messages of the last hour, five minutes each, the oldest first."""

    queue = serializers.IntegerField(source="queue.pk")
    name = serializers.CharField(source="queue.name")
    at = serializers.DateTimeField()
    figures = BoardFigures(source="figures.counts")
    longest_wait_since = serializers.DateTimeField(source="figures.longest", allow_null=True)
    service_level = serializers.IntegerField(source="level", allow_null=True)
    arrived = serializers.ListField(source="figures.pulse.arrived", child=serializers.IntegerField())
    answered = serializers.ListField(source="figures.pulse.answered", child=serializers.IntegerField())
    people = BoardPerson(many=True)
    problems = BoardProblem(source="fires", many=True)


class BoardMove(serializers.Serializer[Any]):
    """A case goes from one person to another; empty is the queue itself."""

    number = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    was = serializers.IntegerField(allow_null=True, min_value=1, max_value=2**63 - 1)
    to = serializers.IntegerField(allow_null=True, min_value=1, max_value=2**63 - 1)


class LevelingPlan(serializers.Serializer[Any]):
    moves = BoardMove(many=True)


@extend_schema(summary="How the queues you lead stand", responses=BoardShape(many=True))
@rest.endpoint("GET")
def stands(request: Request) -> Response:
    finding.need(request, "board.see")
    found = board.stands(board.led_by(rest.me(request)), timezone.now())
    return Response({"next": None, "previous": None, "results": BoardShape(found, many=True).data})


_OF = OpenApiParameter("of", int, description="A person's id: all that presses of theirs, not what levels the load.")


@extend_schema(
    methods=["GET"], summary="What would level the load of a queue", parameters=[_OF], responses=LevelingPlan
)
@extend_schema(
    methods=["POST"], summary="Do these moves; those that were done", request=LevelingPlan, responses=LevelingPlan,
    operation_id="queue_leveling_carry_out",
)  # fmt: skip
@rest.endpoint("GET", "POST")
def level(request: Request, pk: int) -> Response:
    queue = get_object_or_404(Queue.objects.visible_to(rest.me(request)), pk=pk, is_active=True)
    finding.need(request, "board.level", queue)
    if request.method == "GET":
        plan = leveling.plan(queue, timezone.now(), of=_somebody(request))
        return Response(LevelingPlan(plan).data)
    given = rest.read(LevelingPlan, request)["moves"]
    if len(given) > leveling.MOST:
        raise ValidationError({"moves": _("Move at most %(n)s cases at once.") % {"n": leveling.MOST}})
    moves = [leveling.Move(**move) for move in given]
    done = leveling.carry_out(queue, moves, by=rest.me(request), via="api")
    return Response(LevelingPlan({"moves": done}).data)


def _somebody(request: Request) -> User | None:
    text = request.GET.get("of", "")
    return finding.person(int(text), "of") if text.isdecimal() and len(text) < 19 else None
