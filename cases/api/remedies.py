"""remedies/ and cases/{number}/remedies/: what is made good, who decides about it, and whether it was given."""

import uuid
from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from cases.models import Remedy, ServicePolicy
from cases.remedies import granting, paying
from cases.remedies.granting import Wish
from crm import rest


class LikeShape(serializers.Serializer[Any]):
    remedy = serializers.IntegerField()
    case = serializers.IntegerField()
    granted = serializers.DecimalField(max_digits=14, decimal_places=2)


class RemedyShape(serializers.Serializer[Remedy]):
    """`computed`: what the table said; `granted`: what it is. `needs`: why it was not granted at once. `answer_by`: by when
    somebody should have decided; `raised_at`: nobody had, so that it was given to `raised_to` (null: nobody else may)."""

    id = serializers.IntegerField()
    case = serializers.IntegerField(source="case.number")
    customer = serializers.IntegerField(source="customer_id")
    policy = serializers.IntegerField(source="policy_id")
    version = serializers.IntegerField(source="policy_version.number")
    row = serializers.IntegerField()
    facts = serializers.DictField()
    computed = serializers.DecimalField(max_digits=14, decimal_places=2)
    granted = serializers.DecimalField(max_digits=14, decimal_places=2)
    currency = serializers.CharField()
    kind = serializers.ChoiceField(choices=Remedy.Kind.choices)
    reason = serializers.CharField(source="override_reason", allow_blank=True)
    note = serializers.CharField(source="override_note", allow_blank=True)
    needs = serializers.ListField(child=serializers.CharField())
    like = LikeShape(many=True)
    state = serializers.ChoiceField(choices=Remedy.State.choices)
    unasked = serializers.BooleanField()
    asked_by = serializers.IntegerField(source="asked_by_id", allow_null=True)
    asked_at = serializers.DateTimeField()
    answer_by = serializers.DateTimeField(allow_null=True)
    raised_at = serializers.DateTimeField(allow_null=True)
    raised_to = serializers.IntegerField(source="raised_to_id", allow_null=True)
    decided_by = serializers.IntegerField(source="decided_by_id", allow_null=True)
    decided_at = serializers.DateTimeField(allow_null=True)
    decision_note = serializers.CharField(allow_blank=True)
    paid_at = serializers.DateTimeField(allow_null=True)
    reference = serializers.CharField(allow_blank=True)


class RemedyData(serializers.Serializer[Any]):
    """Without `amount` and `kind`: what the table gives; else, and where like cases got otherwise, with a `reason`. `key`
    names it: the same key again is the same remedy. `policy_version` as it was quoted: a table that changed is refused."""

    policy = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    given = serializers.DictField(child=serializers.JSONField(), default=dict)
    amount = serializers.DecimalField(max_digits=12, decimal_places=2, required=False, min_value=0)
    kind = serializers.ChoiceField(choices=Remedy.Kind.choices, required=False)
    reason = serializers.ChoiceField(choices=Remedy.Why.choices, required=False)
    note = serializers.CharField(max_length=300, required=False, allow_blank=True)
    key = serializers.UUIDField(required=False)
    policy_version = serializers.IntegerField(required=False, min_value=1, max_value=2**31 - 1)


class ApprovalData(serializers.Serializer[Any]):
    """`reason` is what whoever asked reads; a refusal needs it."""

    approved = serializers.BooleanField()
    reason = serializers.CharField(max_length=300, required=False, allow_blank=True, default="")


class GivingData(serializers.Serializer[Any]):
    """Where it can be found: the number of a credit note, or of an order."""

    reference = serializers.CharField(max_length=200)


_STATE = OpenApiParameter("state", str, enum=list(Remedy.State.values), description="Only those that are so.")


@extend_schema(methods=["GET"], summary="The remedies of a case", operation_id="case_remedies", responses=RemedyShape(many=True))  # fmt: skip
@extend_schema(methods=["POST"], summary="Grant a remedy, or ask for its approval", request=RemedyData, responses={201: RemedyShape})  # fmt: skip
@rest.endpoint("GET", "POST")
def of_case(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.remedy", case)
    if request.method == "GET":
        return rest.page(request, _seen(request).filter(case=case), RemedyShape)
    data = rest.read(RemedyData, request)
    policy = ServicePolicy.objects.readable_by(rest.me(request)).filter(pk=data["policy"]).first()
    if policy is None:
        raise ValidationError({"policy": _("There is no policy %(id)s that you may use.") % {"id": data["policy"]}})
    plain = {name: data[name] for name in ("given", "amount", "kind", "reason", "note") if name in data}
    wish = Wish(**plain, key=data.get("key") or uuid.uuid4(), version=data.get("policy_version"))
    made = granting.propose(case, policy, wish, by=rest.me(request), via="api")
    return Response(RemedyShape(_seen(request).get(pk=made.pk)).data, status=201)


@extend_schema(summary="Remedies", parameters=[_STATE], responses=RemedyShape(many=True))
@rest.endpoint("GET")
def all_remedies(request: Request) -> Response:
    finding.need(request, "case.remedy")
    rows = _seen(request)
    if state := request.query_params.get("state"):
        if state not in Remedy.State.values:
            raise ValidationError({"state": _("One of: %(states)s.") % {"states": ", ".join(Remedy.State.values)}})
        rows = rows.filter(state=state)
    return rest.page(request, rows, RemedyShape)


@extend_schema(methods=["GET"], summary="A remedy", operation_id="remedy_retrieve", responses=RemedyShape)
@extend_schema(methods=["DELETE"], summary="Call it off, as long as nothing was given", responses={200: RemedyShape})
@rest.endpoint("GET", "DELETE")
def one_remedy(request: Request, pk: int) -> Response:
    found = _found(request, pk, "case.remedy")
    if request.method == "DELETE":
        if found.asked_by_id != rest.me(request).pk:
            finding.need(request, "remedy.approve", found.case)
        granting.call_off(found, by=rest.me(request), via="api")
    return _told(request, pk)


@extend_schema(summary="Approve a remedy or refuse it", request=ApprovalData, responses=RemedyShape)
@rest.endpoint("POST")
def approval(request: Request, pk: int) -> Response:
    found = _found(request, pk, "remedy.approve")
    given = rest.read(ApprovalData, request)
    decide = granting.approve if given["approved"] else granting.refuse
    decide(found, by=rest.me(request), note=given["reason"], via="api")
    return _told(request, pk)


@extend_schema(summary="Note that it was given by hand", request=GivingData, responses=RemedyShape)
@rest.endpoint("POST")
def giving(request: Request, pk: int) -> Response:
    found = _found(request, pk, "remedy.approve")
    given = rest.read(GivingData, request)
    paying.note_given(found, by=rest.me(request), reference=given["reference"], via="api")
    return _told(request, pk)


def _seen(request: Request) -> QuerySet[Remedy]:
    return Remedy.objects.visible_to(rest.me(request)).select_related("case", "policy_version")


def _found(request: Request, pk: int, verb: str) -> Remedy:
    found = get_object_or_404(_seen(request), pk=pk)
    finding.need(request, verb, found.case)
    return found


def _told(request: Request, pk: int) -> Response:
    return Response(RemedyShape(_seen(request).get(pk=pk)).data)
