"""service-policies/: what the house gives for what went wrong, and what that would be in a case."""

from typing import Any

from django.core.exceptions import ValidationError as Faulty
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from cases.models import ServicePolicy
from cases.policy.table import ASKED, KINDS, REMEDIES, UNASKED, Input
from cases.remedies import limits, quoting
from cases.remedies.alike import Award
from cases.remedies.limits import Left
from cases.remedies.quoting import Quote
from crm import rest


class InputOption(serializers.Serializer[Any]):
    value = serializers.CharField(max_length=120)
    label = serializers.CharField(max_length=120)  # type: ignore[assignment]


class PolicyInput(serializers.Serializer[Any]):
    """One thing the table goes by. `from`: `asked`, or the name of a fact (docs/policies.md)."""

    name = serializers.CharField(max_length=40)
    label = serializers.CharField(max_length=120)  # type: ignore[assignment]
    kind = serializers.ChoiceField(choices=KINDS)
    options = InputOption(many=True, required=False)
    least = serializers.JSONField(required=False, help_text="A number; 0 where it is left out.")
    most = serializers.JSONField(required=False, help_text="A number; left out: without end.")

    def get_fields(self) -> dict[str, Any]:
        return {**super().get_fields(), "from": serializers.CharField(max_length=60, default=ASKED)}


class PolicyAmount(serializers.Serializer[Any]):
    """clip((base + each · of) · factor · min(1 + step · prior, most_times), least, most); numbers, as such or in quotes."""

    base = serializers.JSONField(required=False)
    each = serializers.JSONField(required=False)
    of = serializers.CharField(max_length=40, required=False, allow_blank=True)
    factor_of = serializers.CharField(max_length=40, required=False, allow_blank=True)
    factors = serializers.DictField(child=serializers.JSONField(), required=False)
    step = serializers.JSONField(required=False)
    most_times = serializers.JSONField(required=False)
    least = serializers.JSONField(required=False)
    most = serializers.JSONField(required=False)


class PolicyRow(serializers.Serializer[Any]):
    """`when`: by input its values, or {from, below} for a number; left out: any. `unasked`: what has it paid with nobody
    asking."""

    when = serializers.DictField(child=serializers.JSONField(), required=False)
    remedy = serializers.ChoiceField(choices=REMEDIES)
    amount = PolicyAmount(required=False)
    words = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    unasked = serializers.ChoiceField(choices=UNASKED, required=False, allow_blank=True)


class PolicyTable(serializers.Serializer[Any]):
    currency = serializers.CharField(max_length=3)
    inputs = PolicyInput(many=True)
    rows = PolicyRow(many=True)


class ServicePolicyShape(serializers.Serializer[ServicePolicy]):
    """`queues` empty: for cases of every queue."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    queues = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    version = serializers.IntegerField(source="current.number", default=0)
    table = PolicyTable(source="current.table", default=None, allow_null=True)
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    external_id = serializers.CharField(allow_null=True)

    def get_queues(self, policy: ServicePolicy) -> list[int]:
        return sorted(queue.pk for queue in policy.queues.all())


class TableField(serializers.JSONField):
    """The table as it was sent: what is wrong with it is said by what proves it, in whole sentences."""


class ServicePolicyData(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=120)
    table = TableField()
    queues = serializers.ListField(child=serializers.IntegerField(), max_length=1000, required=False)
    is_active = serializers.BooleanField(required=False)
    why = serializers.CharField(max_length=200, required=False, allow_blank=True)
    source = serializers.CharField(max_length=40, required=False, default="api", allow_blank=True)  # type: ignore[assignment]
    external_id = serializers.CharField(max_length=200, required=False, allow_null=True)
    version = serializers.IntegerField(required=False)


class QuoteData(serializers.Serializer[Any]):
    """`given`: by input what the rep says; computed inputs need nothing."""

    case = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    given = serializers.DictField(child=serializers.JSONField(), default=dict)


class LeftShape(serializers.Serializer[Left]):
    """What is left to you of each limit; null: no limit. Without `authority` somebody else approves whatever it is."""

    authority = serializers.BooleanField()
    per_case = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    per_day = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    per_customer = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    budget = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)


class AwardShape(serializers.Serializer[Award]):
    """A like case. `distance` 0: the same row and facts."""

    case = serializers.IntegerField()
    granted = serializers.DecimalField(max_digits=14, decimal_places=2)
    distance = serializers.FloatField()


class MissingInput(serializers.Serializer[Input]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(choices=KINDS)
    values = serializers.ListField(child=serializers.CharField())


class QuoteShape(serializers.Serializer[Quote]):
    """While something is `missing` nothing is decided: `amount` is null. `needs`: why somebody would have to approve it;
    `reason_wanted`: like cases got noticeably more or less."""

    version = serializers.IntegerField(source="version.number")
    known = serializers.DictField(child=serializers.CharField())
    missing = MissingInput(many=True)
    row = serializers.IntegerField(source="decision.place", default=None, allow_null=True)
    because = serializers.CharField()
    kind = serializers.CharField(allow_blank=True)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    currency = serializers.CharField(source="table.currency")
    steps = serializers.ListField(child=serializers.CharField())
    words = serializers.CharField(allow_blank=True)
    prior = serializers.IntegerField()
    needs = serializers.ListField(child=serializers.ChoiceField(choices=[
        limits.NO_AUTHORITY, limits.PER_CASE, limits.PER_DAY, limits.PER_CUSTOMER, limits.BUDGET]))  # fmt: skip
    left = LeftShape()
    like = AwardShape(source="awards", many=True)
    reason_wanted = serializers.BooleanField(source="is_unlike")


@extend_schema(methods=["GET"], summary="Service policies", responses=ServicePolicyShape(many=True))
@extend_schema(
    methods=["POST"],
    summary="Make a service policy, or a new version of the one with this source and external_id",
    request=ServicePolicyData,
    responses={201: ServicePolicyShape, 200: ServicePolicyShape},
)
@rest.endpoint("GET", "POST", writes="settings", versioned=("POST",))
def all_policies(request: Request) -> Response:
    finding.need(request, "service_policy.see")
    if request.method == "GET":
        return rest.page(request, _readable(request), ServicePolicyShape)
    finding.need(request, "service_policy.change")
    data = rest.read(ServicePolicyData, request)
    with transaction.atomic():
        known = _known(data)
        if known:
            rest.unchanged_since(request, known.current.number if known.current else 0)
        policy = _written(request, known or ServicePolicy(**_named(data)), data)
    return _told(policy, status=200 if known else 201)


def _named(data: dict[str, Any]) -> dict[str, Any]:
    return {"source": data["source"], "external_id": data["external_id"]} if data.get("external_id") else {}


def _known(data: dict[str, Any]) -> ServicePolicy | None:
    named = _named(data)
    rows = ServicePolicy.objects.select_for_update(of=("self",)).select_related("current")
    return rows.filter(**named).first() if named else None


@extend_schema(methods=["GET"], summary="A service policy", operation_id="service_policy_retrieve", responses=ServicePolicyShape)  # fmt: skip
@extend_schema(
    methods=["PATCH"], summary="Write a new version", request=ServicePolicyData, responses=ServicePolicyShape
)
@rest.endpoint("GET", "PATCH", writes="settings")
def one_policy(request: Request, pk: int) -> Response:
    finding.need(request, "service_policy.see")
    found = get_object_or_404(_readable(request), pk=pk)
    if request.method == "GET":
        return _told(found)
    finding.need(request, "service_policy.change")
    data = rest.read(ServicePolicyData, request, partial=True)
    with transaction.atomic():
        locked = ServicePolicy.objects.select_for_update(of=("self",)).select_related("current").get(pk=found.pk)
        rest.unchanged_since(request, locked.current.number if locked.current else 0)
        stands = {"name": locked.name, "table": locked.current.table if locked.current else None}
        changed = _written(request, locked, {**stands, **data})
    return _told(changed)


def _readable(request: Request) -> QuerySet[ServicePolicy]:
    rows = ServicePolicy.objects.readable_by(rest.me(request))
    return rows.select_related("current").prefetch_related("queues")


def _written(request: Request, policy: ServicePolicy, data: dict[str, Any]) -> ServicePolicy:
    queues = finding.steered(request, policy, data.get("queues"))
    policy.name, policy.is_active = data["name"].strip(), data.get("is_active", policy.is_active)
    try:
        with transaction.atomic():
            policy.save()
            if queues is not None:
                policy.queues.set(queues)
            policy.publish(table=data["table"], by=rest.me(request), why=data.get("why", ""))
    except Faulty as faulty:
        raise ValidationError({"table": faulty.messages}) from None
    except IntegrityError:
        told = _("There is another policy of this name. Give it a name of its own, or change that one.")
        raise ValidationError({"name": told}) from None
    return policy


def _told(policy: ServicePolicy, *, status: int = 200) -> Response:
    return rest.tagged(ServicePolicyShape(policy).data, policy.current.number if policy.current else 0, status=status)


@extend_schema(summary="What a policy would give in a case", request=QuoteData, responses=QuoteShape)
@rest.endpoint("POST", writes="read")
def quote(request: Request, pk: int) -> Response:
    """Changes nothing."""
    given = rest.read(QuoteData, request)
    case = finding.case(request, given["case"])
    finding.need(request, "case.remedy", case)
    policy = get_object_or_404(ServicePolicy.objects.offered(case.queue_id).select_related("current"), pk=pk)
    found = quoting.quote(case, policy, given["given"], by=rest.me(request), at=timezone.now())
    return Response(QuoteShape(found).data)
