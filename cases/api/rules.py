"""rules/: what the house does by itself. They change by new versions; a dry run says what one would have done."""

from datetime import timedelta
from typing import Any

from django.core.exceptions import ValidationError as Invalid
from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from cases.api.settings import exists
from cases.models import Case, Queue, Rule, RuleRun, RuleTrial
from cases.rules import looking, reach, trying, words
from crm import rest
from crm.models import User

MOST_DAYS = 31


class RuleShape(serializers.Serializer[Rule]):
    """A rule as it stands; `sentence` is its when, if and then in words."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    is_active = serializers.BooleanField()
    position = serializers.IntegerField()
    queues = serializers.SerializerMethodField()
    version = serializers.IntegerField(source="current.number")
    when = serializers.JSONField(source="current.when")
    condition = serializers.JSONField(source="current.condition")
    then = serializers.JSONField(source="current.then")
    paused_at = serializers.DateTimeField(allow_null=True)
    paused_why = serializers.CharField()
    sentence = serializers.SerializerMethodField()

    def get_queues(self, rule: Rule) -> list[int]:
        return sorted(queue.pk for queue in rule.queues.all())

    def get_sentence(self, rule: Rule) -> dict[str, Any]:
        return words.sentence(rule.current) if rule.current else {}


class RuleData(serializers.Serializer[Any]):
    """`when`: {events: [kind], unanswered?: hours, quiet?: hours} · `condition`: docs/conditions.md · `then`: [{do, …}]
    (docs/rules.md). A rule is made switched off; `is_active: true` switches it on."""

    name = serializers.CharField(max_length=120)
    is_active = serializers.BooleanField(required=False, default=False)
    position = serializers.IntegerField(required=False, default=0, min_value=0, max_value=2**31 - 1)
    queues = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), max_length=500, default=list)  # fmt: skip
    when = serializers.JSONField()
    condition = serializers.JSONField(required=False, default=lambda: {"all": []})
    then = serializers.JSONField()
    version = serializers.IntegerField(required=False, min_value=0, max_value=2**31 - 1)


class RuleRunShape(serializers.Serializer[RuleRun]):
    """One time it was asked; `missed` are the parts of the condition that did not hold, in words."""

    id = serializers.IntegerField()
    case = serializers.IntegerField(source="case.number")
    version = serializers.IntegerField(source="version.number")
    event = serializers.IntegerField(source="event_id", allow_null=True)
    state = serializers.CharField()
    asked_at = serializers.DateTimeField()
    settled_at = serializers.DateTimeField(allow_null=True)
    attempts = serializers.IntegerField()
    error = serializers.CharField()
    caused = serializers.ListField(child=serializers.IntegerField(), help_text="Versions of the case's events.")
    missed = serializers.SerializerMethodField()

    def get_missed(self, run: RuleRun) -> list[str]:
        return words.parts(run.version.condition, run.missed)


class RuleTrialData(serializers.Serializer[Any]):
    days = serializers.IntegerField(required=False, default=7, min_value=1, max_value=MOST_DAYS)


class RuleTrialShape(serializers.Serializer[RuleTrial]):
    """A dry run: how far it is, and what the rule would have done."""

    id = serializers.IntegerField()
    state = serializers.CharField()
    version = serializers.IntegerField(source="version.number")
    since = serializers.DateTimeField()
    until = serializers.DateTimeField()
    total = serializers.IntegerField()
    looked = serializers.IntegerField()
    asked = serializers.IntegerField()
    fired = serializers.IntegerField()
    cases = serializers.IntegerField()
    loops = serializers.IntegerField()
    counts = serializers.JSONField()
    sample = serializers.SerializerMethodField()

    def get_sample(self, trial: RuleTrial) -> list[dict[str, Any]]:
        told = looking.trial_told(trial, self.context["user"])
        return [{key: row[key] for key in ("number", "at", "kind", "caused")} for row in told["rows"]]


@extend_schema(methods=["GET"], summary="Rules, in the order they are asked", responses=RuleShape(many=True))
@extend_schema(methods=["POST"], summary="Add a rule", request=RuleData, responses={201: RuleShape})
@rest.endpoint("GET", "POST", writes="settings")
def rules(request: Request) -> Response:
    if request.method == "GET":
        finding.need(request, "rule.see")
        return rest.page(request, _rows(request), RuleShape)
    finding.need(request, "rule.change")
    data = rest.read(RuleData, request)
    queues = _steered(data["queues"], rest.me(request))
    try:
        with transaction.atomic():
            rule = Rule.objects.create(name=data["name"], position=data["position"])
            _change(rule, data, queues, rest.me(request))
    except IntegrityError:
        raise exists(_rows(request).filter(name=data["name"]).first()) from None
    return _told(rule, status=201)


@extend_schema(methods=["GET"], summary="A rule", operation_id="rule_retrieve", responses=RuleShape)
@extend_schema(methods=["PATCH"], summary="Publish a new version", request=RuleData, responses=RuleShape)
@rest.endpoint("GET", "PATCH", writes="settings")
def rule(request: Request, pk: int) -> Response:
    finding.need(request, "rule.see")
    found = get_object_or_404(_rows(request), pk=pk)
    if request.method == "PATCH":
        finding.need(request, "rule.change")
        data = rest.read(RuleData, request, partial=True)
        queues = _steered(data.get("queues", [queue.pk for queue in found.queues.all()]), rest.me(request))
        with transaction.atomic():
            found = Rule.objects.select_for_update(of=("self",)).select_related("current").get(pk=pk)
            rest.unchanged_since(request, found.current.number if found.current else 0)
            _rename(found, data)
            _change(found, {**_stands(found), **data}, queues, rest.me(request))
    return _told(found)


@extend_schema(summary="What a rule did lately", responses=RuleRunShape(many=True))
@rest.endpoint("GET")
def rule_runs(request: Request, pk: int) -> Response:
    finding.need(request, "rule.see")
    found = get_object_or_404(_rows(request), pk=pk)
    seen = RuleRun.objects.filter(rule=found, case__in=Case.objects.visible_to(rest.me(request)))
    return rest.page(request, seen.select_related("case", "version"), RuleRunShape)


@extend_schema(methods=["GET"], summary="Its dry runs", responses=RuleTrialShape(many=True))
@extend_schema(
    methods=["POST"],
    summary="Try it on what happened lately",
    request=RuleTrialData,
    responses={201: RuleTrialShape},
)
@rest.endpoint("GET", "POST", writes="settings")
def rule_trials(request: Request, pk: int) -> Response:
    finding.need(request, "rule.see")
    found = get_object_or_404(_rows(request), pk=pk)
    if request.method == "GET":
        rows = RuleTrial.objects.filter(version__rule=found).select_related("version")
        return rest.page(request, rows, RuleTrialShape, user=rest.me(request))
    days = rest.read(RuleTrialData, request)["days"]
    assert found.current is not None  # noqa: S101 - every rule of the API was published
    begun = trying.begin(found.current, by=rest.me(request), now=timezone.now(), span=timedelta(days=days))
    return Response(RuleTrialShape(begun, context={"user": rest.me(request)}).data, status=201)


@extend_schema(summary="How far a dry run is", operation_id="rule_trial_retrieve", responses=RuleTrialShape)
@rest.endpoint("GET")
def rule_trial(request: Request, pk: int, trial: int) -> Response:
    finding.need(request, "rule.see")
    found = get_object_or_404(_rows(request), pk=pk)
    row = get_object_or_404(RuleTrial.objects.select_related("version"), version__rule=found, pk=trial)
    return Response(RuleTrialShape(row, context={"user": rest.me(request)}).data)


def _rows(request: Request) -> Any:
    rows = reach.steered_by(rest.me(request)).filter(current__isnull=False)
    return rows.select_related("current").prefetch_related("queues")


def _stands(rule: Rule) -> dict[str, Any]:
    version = rule.current
    assert version is not None  # noqa: S101
    content = {"when": version.when, "condition": version.condition, "then": version.then}
    return {"is_active": rule.is_active, "position": rule.position, **content}


def _rename(rule: Rule, data: dict[str, Any]) -> None:
    if data.get("name", rule.name) == rule.name:
        return
    rule.name = data["name"]
    try:
        with transaction.atomic():
            rule.save(update_fields=["name"])
    except IntegrityError:
        raise exists(None) from None


def _change(rule: Rule, data: dict[str, Any], queues: list[Queue], by: User) -> None:
    stands = rule.current.then if rule.current else []
    try:
        rule.publish(when=data["when"], condition=data["condition"], then=data["then"], by=by)
    except Invalid as error:
        raise ValidationError(error.message_dict) from None
    if far := reach.out_of_reach(rule.current.then if rule.current else [], stands, by):
        raise ValidationError({"then": far})
    rule.queues.set(queues)
    rule.position = data["position"]
    rule.save(update_fields=["position"])
    rule.switch_on() if data["is_active"] else rule.switch_off()


def _steered(wanted: list[int], by: User) -> list[Queue]:
    """One for every queue is the administrators'; a supervisor's is for their own."""
    found = list(Queue.objects.steered_by(by).filter(pk__in=wanted))
    if missing := sorted(set(wanted) - {queue.pk for queue in found}):
        raise ValidationError({"queues": _("You steer no queue %(ids)s.") % {"ids": ", ".join(map(str, missing))}})
    if not wanted and not by.is_administrator:
        raise rest.forbid(_("A rule for every queue is set by administrators: name the queues it is for."))
    return found


def _told(rule: Rule, *, status: int = 200) -> Response:
    fresh = Rule.objects.select_related("current").prefetch_related("queues").get(pk=rule.pk)
    return rest.tagged(RuleShape(fresh).data, fresh.current.number if fresh.current else 0, status=status)
