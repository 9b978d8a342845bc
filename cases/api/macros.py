"""macros/ and cases/{number}/macros/: several actions in one, what they would do to a case, and doing it."""

from typing import Any

from django.core.exceptions import ValidationError as Faulty
from django.db import transaction
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import macro_steps, macros
from cases.api import finding
from cases.macro_doing import Order
from cases.models import Case, Macro, MacroVersion, Queue
from cases.variables import LONGEST_TEXT
from crm import rest
from crm.database.deadlocks import transacted


class MacroStep(serializers.Serializer[Any]):
    """One action. `do` says which of the others count (docs/macros.md)."""

    do = serializers.ChoiceField(choices=list(macro_steps.KINDS))
    texts = serializers.DictField(child=serializers.CharField(max_length=LONGEST_TEXT), required=False)
    send = serializers.BooleanField(required=False)
    is_answer = serializers.BooleanField(required=False)
    next_step = serializers.CharField(max_length=300, allow_blank=True, required=False)
    by_when = serializers.CharField(max_length=60, allow_blank=True, required=False)
    text = serializers.CharField(max_length=LONGEST_TEXT, allow_blank=True, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=60), max_length=50, required=False)
    priority = serializers.CharField(max_length=10, required=False)
    status = serializers.CharField(max_length=20, required=False)
    to = serializers.JSONField(required=False, help_text="`me`, `nobody`, or the key of a person.")
    queue = serializers.IntegerField(min_value=1, max_value=2**63 - 1, required=False)
    until = serializers.CharField(max_length=60, required=False)
    what = serializers.CharField(max_length=300, required=False)


class MacroShape(serializers.Serializer[Macro]):
    """`queues` empty: for cases of every queue. `opens_next`: what the console opens after it."""

    id = serializers.IntegerField()
    title = serializers.CharField(source="current.title", default="")
    steps = MacroStep(many=True)
    opens_next = serializers.ChoiceField(
        source="current.opens_next", choices=MacroVersion.OpensNext.choices, default=MacroVersion.OpensNext.STAY
    )
    queues = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    used_count = serializers.IntegerField()
    used_at = serializers.DateTimeField(allow_null=True)
    version = serializers.IntegerField(source="current.number", default=0)

    def get_queues(self, macro: Macro) -> list[int]:
        return sorted(queue.pk for queue in macro.queues.all())


class MacroData(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=120)
    steps = MacroStep(many=True, max_length=macro_steps.MOST)  # type: ignore[call-arg] # the stub knows no many=True
    opens_next = serializers.ChoiceField(choices=MacroVersion.OpensNext.choices, required=False)
    queues = serializers.ListField(child=serializers.IntegerField(), max_length=1000, required=False)
    is_active = serializers.BooleanField(required=False)
    version = serializers.IntegerField(required=False)


class MacroRun(serializers.Serializer[Any]):
    """`macro_version` and `written_against` (the case's version) as they were looked at: a macro that changed is refused,
    and a reply where somebody else spoke since (`anyway`: all the same). `partly` leaves out what is refused; `filled`
    fills in variables nothing is known for."""

    macro_version = serializers.IntegerField(required=False)
    written_against = serializers.IntegerField(min_value=0, max_value=2**63 - 1, required=False)
    anyway = serializers.BooleanField(required=False)
    partly = serializers.BooleanField(required=False)
    filled = serializers.DictField(child=serializers.CharField(max_length=500), required=False)


class MacroEffect(serializers.Serializer[macros.Effect]):
    """`fate`: it will happen (or did), is already so, or is refused, and then `why`."""

    do = serializers.CharField()
    told = serializers.CharField()
    fate = serializers.ChoiceField(choices=[macros.WILL, macros.ALREADY, macros.REFUSED])
    why = serializers.CharField(allow_blank=True)
    words = serializers.CharField(allow_blank=True)
    missing = serializers.ListField(child=serializers.CharField())


class MacroDone(serializers.Serializer[macros.Done]):
    """`messages`: the keys of what it wrote."""

    macro = serializers.IntegerField()
    version = serializers.IntegerField()
    opens_next = serializers.CharField()
    effects = MacroEffect(many=True)
    messages = serializers.ListField(child=serializers.IntegerField())


@extend_schema(methods=["GET"], summary="Macros", responses=MacroShape(many=True))
@extend_schema(methods=["POST"], summary="Make a macro", request=MacroData, responses={201: MacroShape})
@rest.endpoint("GET", "POST", writes="settings")
def all_macros(request: Request) -> Response:
    finding.need(request, "macro.see")
    if request.method == "GET":
        return rest.page(request, _readable(request), MacroShape)
    return _told(_written(request, Macro(), rest.read(MacroData, request)), status=201)


@extend_schema(methods=["GET"], summary="A macro", operation_id="macro_retrieve", responses=MacroShape)
@extend_schema(methods=["PATCH"], summary="Change a macro", request=MacroData, responses=MacroShape)
@rest.endpoint("GET", "PATCH", writes="settings")
def one_macro(request: Request, pk: int) -> Response:
    finding.need(request, "macro.see")
    found = get_object_or_404(_readable(request), pk=pk)
    if request.method == "GET":
        return _told(found)
    finding.need(request, "macro.change")
    data = rest.read(MacroData, request, partial=True)
    with transaction.atomic():
        locked = Macro.objects.select_for_update(of=("self",)).select_related("current").get(pk=found.pk)
        rest.unchanged_since(request, locked.current.number if locked.current else 0)
        then = locked.current.opens_next if locked.current else MacroVersion.OpensNext.STAY
        standing = {"title": str(locked), "steps": locked.steps, "opens_next": then}
        changed = _written(request, locked, standing | data)
    return _told(changed)


def _readable(request: Request) -> Any:
    return Macro.objects.readable_by(rest.me(request)).select_related("current").prefetch_related("queues")


def _written(request: Request, macro: Macro, data: dict[str, Any]) -> Macro:
    finding.need(request, "macro.change")
    queues = finding.steered(request, macro, data.get("queues"))
    macro.is_active = data.get("is_active", macro.is_active)
    steps = [dict(step) for step in data["steps"]]
    _must_lead_somewhere(steps)
    try:
        with transaction.atomic():
            macro.save()
            if queues is not None:
                macro.queues.set(queues)
            then = data.get("opens_next", MacroVersion.OpensNext.STAY)
            macro.publish(title=data["title"], steps=steps, opens_next=then, by=rest.me(request))
    except Faulty as faulty:
        raise ValidationError({"steps": faulty.messages}) from None
    return macro


def _must_lead_somewhere(steps: list[dict[str, Any]]) -> None:
    """To queues there are, and to people who are here."""
    wanted = [step["queue"] for step in steps if step["do"] == "transfer" and "queue" in step]
    if Queue.objects.filter(pk__in=wanted, is_active=True).count() < len(set(wanted)):
        raise ValidationError({"steps": _("There is no such queue to move it to.")})
    for step in steps:
        if step["do"] == "assign" and isinstance(step.get("to"), int):
            finding.person(step["to"], "steps")


def _told(macro: Macro, *, status: int = 200) -> Response:
    return rest.tagged(MacroShape(macro).data, macro.current.number if macro.current else 0, status=status)


# --- on a case


@extend_schema(summary="The macros there are for a case", operation_id="case_macros", responses=MacroShape(many=True))
@rest.endpoint("GET")
def offered(request: Request, number: int) -> Response:
    case = _runnable(request, number)
    found = Macro.objects.offered(case.queue_id).select_related("current").prefetch_related("queues")
    return rest.page(request, found, MacroShape)


@extend_schema(
    methods=["GET"], summary="What a macro would do to a case", operation_id="case_macro_preview", responses=MacroDone
)
@extend_schema(methods=["POST"], summary="Run a macro on a case", request=MacroRun, responses=MacroDone)
@rest.endpoint("GET", "POST", versioned=("POST",))
def of_case(request: Request, number: int, pk: int) -> Response:
    case = _runnable(request, number)
    macro = get_object_or_404(Macro.objects.offered(case.queue_id), pk=pk)
    if request.method == "GET":
        return rest.tagged(MacroDone(macros.preview(case, macro, by=rest.me(request))).data, case.version)
    given = rest.read(MacroRun, request)
    order = Order(**{name: given[name] for name in _ORDER if name in given}, version=given.get("macro_version"))

    def ordered() -> macros.Done:
        case.lock()
        rest.unchanged_since(request, case.version)
        return macros.carry_out(case, macro, by=rest.me(request), order=order)

    done = transacted(ordered)
    return rest.tagged(MacroDone(done).data, case.version)


_ORDER = ("written_against", "anyway", "partly", "filled")


def _runnable(request: Request, number: int) -> Case:
    case = finding.case(request, number)
    finding.need(request, "case.macro", case)
    return case
