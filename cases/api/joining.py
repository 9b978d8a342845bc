"""Cases that belong together over HTTP: merging with a preview and its undoing, splitting words off, links."""

from typing import Any

from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import linking, merging, splitting
from cases.api import finding
from cases.api.cases import shown
from cases.api.shapes import CaseShape
from cases.models import Case, CaseLink, Message
from cases.models.case import Refusal, lock_all
from cases.models.merge import UNDO_WITHIN
from crm import rest


class NewMerge(serializers.Serializer[Any]):
    into = serializers.IntegerField(min_value=1, max_value=2**63 - 1)


class MergeShape(serializers.Serializer[Any]):
    """A merge: case `gone` is in case `kept` now."""

    gone = serializers.IntegerField(source="gone.number")
    kept = serializers.IntegerField(source="kept.number")
    at = serializers.DateTimeField()
    undo_until = serializers.SerializerMethodField()

    def get_undo_until(self, done: Any) -> str:
        return str((done.at + UNDO_WITHIN).isoformat())


class MergePreview(serializers.Serializer[Any]):
    """What a merge would do; with a `refusal` it would not happen."""

    gone = serializers.IntegerField(source="gone.number")
    kept = serializers.IntegerField(source="kept.number")
    refusal = serializers.CharField(allow_blank=True)
    messages = serializers.IntegerField()
    notes = serializers.IntegerField()
    promises = serializers.IntegerField()
    changes = serializers.ListField(child=serializers.CharField())


class NewSplit(serializers.Serializer[Any]):
    subject = serializers.CharField(max_length=300, required=False, default="")
    with_later = serializers.BooleanField(required=False, default=False)


class NewCaseLink(serializers.Serializer[Any]):
    other = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    kind = serializers.ChoiceField(choices=list(linking.KINDS))


class CaseLinkShape(serializers.Serializer[Any]):
    """One link as it reads from this case; `reads` in words: "duplicate of", "has the duplicate"."""

    id = serializers.IntegerField()
    kind = serializers.CharField()
    other = serializers.IntegerField()
    reads = serializers.CharField()


_INTO = OpenApiParameter("into", int, required=True, description="The number of the case it would go into.")


@extend_schema(
    methods=["GET"],
    summary="What merging it would do",
    operation_id="case_merge_preview",
    parameters=[_INTO],
    responses=MergePreview,
)
@extend_schema(methods=["POST"], summary="Merge it into another case", request=NewMerge, responses={201: MergeShape})
@extend_schema(methods=["DELETE"], summary="Undo its merge, for a day", responses=CaseShape)
@rest.endpoint("GET", "POST", "DELETE", versioned=("POST",))
def merge(request: Request, number: int) -> Response:
    gone = finding.case(request, number)
    finding.need(request, "case.merge", gone)
    if request.method == "GET":
        return Response(MergePreview(merging.preview(gone, _into(request, request.GET.get("into", "")))).data)
    if request.method == "DELETE":
        return _parted(request, gone)
    kept = _into(request, str(rest.read(NewMerge, request)["into"]))
    finding.need(request, "case.merge", kept)
    with transaction.atomic():
        lock_all(gone, kept)
        rest.unchanged_since(request, gone.version)
        done = merging.merge(gone, kept, by=rest.me(request), via="api")
    return Response(MergeShape(done).data, status=201)


def _into(request: Request, given: str) -> Case:
    return _named(request, int(given) if given.isdecimal() and len(given) < 19 else 0, "into")


def _named(request: Request, number: int, field: str) -> Case:
    found = finding.cases(request).filter(number=number).first()
    if found is None:
        raise ValidationError({field: _("There is no case of that number that you may see.")})
    return found


def _parted(request: Request, gone: Case) -> Response:
    done = merging.standing(gone)
    if done is None:
        raise Refusal(_("#%(number)s is not merged into another.") % {"number": gone.number})
    finding.need(request, "case.merge", done.kept)
    merging.undo(done, by=rest.me(request), via="api")
    return shown(request, gone.number)


@extend_schema(summary="Split a message off into a case of its own", request=NewSplit, responses={201: CaseShape})
@rest.endpoint("POST", versioned=("POST",))
def split(request: Request, number: int, pk: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.split", case)
    message = get_object_or_404(Message.objects.filter(case=case), pk=pk)
    given = rest.read(NewSplit, request)
    with transaction.atomic():
        case.lock()
        rest.unchanged_since(request, case.version)
        fresh = splitting.split(message, by=rest.me(request), via="api", **given)
    return shown(request, fresh.number, status=201)


@extend_schema(methods=["GET"], summary="What a case is linked with", responses=CaseLinkShape(many=True))
@extend_schema(
    methods=["POST"], summary="Link it with another case", request=NewCaseLink, responses={201: CaseLinkShape}
)
@rest.endpoint("GET", "POST")
def links(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    if request.method == "GET":
        return Response(
            {"next": None, "previous": None, "results": [_link(*each) for each in linking.of(case, rest.me(request))]}
        )
    finding.need(request, "case.link", case)
    given = rest.read(NewCaseLink, request)
    other = _named(request, given["other"], "other")
    made = linking.link(case, other, given["kind"], by=rest.me(request), via="api")
    return Response(_link(made, other, str(linking.KINDS[made.kind])), status=201)


@extend_schema(summary="Take a link off", responses={204: None})
@rest.endpoint("DELETE")
def link(request: Request, number: int, pk: int) -> Response:
    case = finding.case(request, number)
    finding.need(request, "case.link", case)
    mine = [found for found, _other, _words in linking.of(case, rest.me(request)) if found.pk == pk]
    if not mine:
        raise Http404
    linking.unlink(mine[0], by=rest.me(request), via="api")
    return Response(status=204)


def _link(found: CaseLink, other: Case, words: str) -> dict[str, Any]:
    return dict(CaseLinkShape({"id": found.pk, "kind": found.kind, "other": other.number, "reads": words}).data)
