"""The customer's page of a case over HTTP: its address for a program that writes to them, and calling its links back."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases import status_page
from cases.api import finding
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
