"""service-policies/…/proposals/: rows that people override again and again, each with the draft that gives what they gave.
Nothing is changed by reading one; whoever wants it so writes the draft as the policy's next version."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from cases.api.policies import PolicyTable
from cases.models import Queue, Remedy, ServicePolicy
from cases.policy import overriding
from cases.policy.overriding import Proposal
from cases.remedies import overrides
from crm import rest


@dataclass(frozen=True)
class Told:
    """One proposal of a policy as it stands."""

    found: Proposal
    policy: ServicePolicy

    @property
    def currency(self) -> str:
        return str(self._table["currency"])

    @property
    def says(self) -> str:
        return overrides.sentence(self.found, self.currency)

    @property
    def why(self) -> str:
        return self.says[: overrides.LONGEST]

    @property
    def version(self) -> int:
        return self.policy.current.number if self.policy.current else 0

    @property
    def table(self) -> dict[str, Any]:
        return overriding.changed(self._table, self.found)

    @property
    def _table(self) -> dict[str, Any]:
        return dict(self.policy.current.table) if self.policy.current else {}


class ProposalShape(serializers.Serializer[Any]):
    """A `row` of the present table (from 0) that `count` of `of` decisions of the last 30 days overrode for one `reason`;
    `granted` and `computed`: the medians of what they gave and of what the row says. `key` names it while it stands."""

    key = serializers.CharField(source="found.key")
    row = serializers.IntegerField(source="found.row")
    reason = serializers.ChoiceField(choices=Remedy.Why.choices, source="found.reason")
    count = serializers.IntegerField(source="found.count")
    of = serializers.IntegerField(source="found.of")
    granted = serializers.DecimalField(max_digits=14, decimal_places=2, source="found.granted")
    computed = serializers.DecimalField(max_digits=14, decimal_places=2, source="found.computed")
    ratio = serializers.SerializerMethodField(help_text="Null where the row gave nothing.")
    kind = serializers.ChoiceField(choices=Remedy.Kind.choices, source="found.kind")
    currency = serializers.CharField()
    says = serializers.CharField()

    def get_ratio(self, told: Told) -> float | None:
        ratio: Decimal | None = told.found.ratio
        return None if ratio is None else round(float(ratio), 4)


class DraftShape(ProposalShape):
    """The same with its draft: the whole `table` with that row giving what people gave, and `why`. PATCH both to the policy,
    with If-Match of this `version`, to make it its next."""

    version = serializers.IntegerField()
    table = PolicyTable()
    why = serializers.CharField()


@extend_schema(summary="Rows that people override again and again", responses=ProposalShape(many=True))
@rest.endpoint("GET")
def proposals(request: Request, pk: int) -> Response:
    """The most frequent first; at least five times and in a fifth of the row's decisions, for one reason."""
    told = _told(_theirs(request, pk))
    return Response({"next": None, "previous": None, "results": ProposalShape(told, many=True).data})


@extend_schema(
    summary="The draft of another row", operation_id="service_policy_proposal_retrieve", responses=DraftShape
)
@rest.endpoint("GET")
def proposal(request: Request, pk: int, key: str) -> Response:
    """404 where nothing is proposed under this key, or no longer."""
    found = next((each for each in _told(_theirs(request, pk)) if each.found.key == key), None)
    if found is None:
        raise Http404
    return rest.tagged(DraftShape(found).data, found.version)


def _told(policy: ServicePolicy) -> list[Told]:
    return [Told(each, policy) for each in overrides.proposed(policy, timezone.now())]


def _theirs(request: Request, pk: int) -> ServicePolicy:
    """A policy this person may change: they steer each of its queues; administrators every one."""
    finding.need(request, "service_policy.see")
    me = rest.me(request)
    policy = get_object_or_404(ServicePolicy.objects.readable_by(me).select_related("current"), pk=pk)
    finding.need(request, "service_policy.change")
    queues = set(policy.queues.values_list("pk", flat=True))
    steered = set(Queue.objects.steered_by(me).values_list("pk", flat=True))
    if not me.is_administrator and not (queues and queues <= steered):
        raise rest.forbid(_("What people decide otherwise is for those who steer every queue of the policy."))
    return policy
