"""issues/: the contacts of one customer about one thing, across cases and channels; and saying that two cases are of one."""

from typing import Any

from django.http import Http404
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import issues
from cases.api import finding
from cases.api.cases import shown
from cases.api.shapes import CaseShape
from cases.models import Case, Contact, Issue
from crm import rest

MOST = 200  # cases, and contacts, of one issue that are told: the newest


class IssueCase(serializers.Serializer[Case]):
    number = serializers.IntegerField()
    subject = serializers.CharField()
    status = serializers.CharField()
    channel = serializers.CharField()
    queue = serializers.IntegerField(source="queue_id")
    opened_at = serializers.DateTimeField()


class IssueContact(serializers.Serializer[Contact]):
    """One stretch of talk in one channel, on the case it stands in now."""

    id = serializers.IntegerField()
    case = serializers.IntegerField(source="case.number")
    channel = serializers.CharField()
    started_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()
    ended_at = serializers.DateTimeField(allow_null=True)


class IssueShape(serializers.Serializer[Any]):
    """What of an issue you may see: its cases and their contacts, the newest first, at most 200 of each."""

    id = serializers.IntegerField()
    customer = serializers.IntegerField()
    opened_at = serializers.DateTimeField()
    cases = IssueCase(many=True)
    contacts = IssueContact(many=True)


class SameThing(serializers.Serializer[Any]):
    other = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


@extend_schema(summary="An issue: its cases you may see and their contacts", responses=IssueShape)
@rest.endpoint("GET")
def issue(request: Request, pk: int) -> Response:
    seen = list(finding.cases(request).filter(issue=pk).order_by("-opened_at", "-pk")[:MOST])
    if not seen:
        raise Http404
    row = Issue.objects.get(pk=pk)
    contacts = Contact.objects.filter(issue=pk, case__in=[case.pk for case in seen]).select_related("case")
    told = {"id": pk, "customer": row.customer_id, "opened_at": row.opened_at, "cases": seen}
    return Response(IssueShape({**told, "contacts": contacts.order_by("-started_at", "-pk")[:MOST]}).data)


@extend_schema(
    methods=["POST"], summary="It is about the same thing as another", request=SameThing, responses=CaseShape
)
@extend_schema(methods=["DELETE"], summary="It is a thing of its own", request=None, responses=CaseShape)
@rest.endpoint("POST", "DELETE")
def of_case(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.link", case)
    if request.method == "DELETE":
        issues.leave(case, by=rest.me(request), via="api")
        return shown(request, number)
    other = finding.cases(request).filter(number=rest.read(SameThing, request)["other"]).first()
    if other is None:
        raise ValidationError({"other": _("There is no case of that number that you may see.")})
    finding.need(request, "case.link", other)
    issues.join(case, other, by=rest.me(request), via="api")
    return shown(request, number)
