"""questions/{id}/ and questions/{id}/answers/: what customers answered to a question, as far as the caller may see its cases."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from cases.api import finding
from crm import rest
from outreach import questions
from outreach.api.offer_shapes import AnswerShape, TallyShape
from outreach.models import Offer, QuestionAnswer


def _question(request: Request, pk: int) -> Offer:
    finding.need(request, "offer.see")
    asking = Offer.objects.filter(purpose=Offer.Purpose.QUESTION, current__isnull=False)
    return get_object_or_404(asking, pk=pk)


@extend_schema(summary="Answers to a question that stand, newest first", responses=AnswerShape(many=True))
@rest.endpoint("GET")
def answers(request: Request, pk: int) -> Response:
    asked = _question(request, pk)
    rows = QuestionAnswer.objects.filter(offer=asked, stands=True, case__in=finding.listed(request).values("pk"))
    return rest.page(request, rows.select_related("offer_version", "case"), AnswerShape)


@extend_schema(
    summary="What came of a question: counts, shares and intervals",
    operation_id="question_retrieve",
    responses=TallyShape,
)
@rest.endpoint("GET")
def question(request: Request, pk: int) -> Response:
    asked = _question(request, pk)
    (told,) = questions.tallies(finding.listed(request), only=[asked.pk])
    return Response(TallyShape(told).data)
