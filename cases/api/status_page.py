"""The customer's page of a case over HTTP: its address for a program that writes to them, and calling its links back."""

from typing import Any

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases import status_page
from cases.api import finding
from cases.models import Message, SurveyAnswer
from crm import rest


class StatusPageShape(serializers.Serializer[Any]):
    """Where one of us sees what the customer sees; and how many days a link to a customer lives."""

    url = serializers.CharField()
    days = serializers.IntegerField()


@extend_schema(methods=["GET"], summary="What the customer sees", responses=StatusPageShape)
@extend_schema(methods=["DELETE"], summary="Make every link sent so far void", responses={204: None})
@rest.endpoint("GET", "DELETE")
def status(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.status_page", case)
    if request.method == "GET":
        return Response(StatusPageShape({"url": status_page.look(case), "days": status_page.DAYS}).data)
    status_page.revoke(case, by=rest.me(request), via="api")
    return Response(status=204)


class SurveyShape(serializers.Serializer[SurveyAnswer]):
    """What the customer answered on their page once the case was resolved; they may change it for a day."""

    solved = serializers.BooleanField()
    feeling = serializers.ChoiceField(choices=Message.Feeling.choices, allow_blank=True)
    words = serializers.CharField(allow_blank=True)
    answered_at = serializers.DateTimeField()
    changed_at = serializers.DateTimeField()


@extend_schema(summary="What the customer answered: did this solve it?", responses=SurveyShape)
@rest.endpoint("GET")
def survey(request: Request, number: int) -> Response:
    """404 where they did not answer."""
    return Response(SurveyShape(get_object_or_404(SurveyAnswer, case=finding.case(request, number))).data)
