"""case-fields/ and tags/: what the house asks of its cases, the tags it knows, and how one becomes another."""

from typing import Any

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from cases import tags as tagging
from cases.api import finding
from cases.api.skills import steered
from cases.filter_keys import KEYS
from cases.models import CaseField, Tag
from cases.models.field import ASKED_AT
from cases.models.tag import LONGEST
from crm import rest


class OptionShape(serializers.Serializer[Any]):
    """An answer a field offers; the key is what cases and searches name it by."""

    key = serializers.CharField(max_length=60)
    name = serializers.CharField(max_length=80)
    is_active = serializers.BooleanField(default=True)


class CaseFieldShape(serializers.Serializer[CaseField]):
    """Something the house asks of cases: in these queues, or, without any, in every one."""

    id = serializers.IntegerField()
    key = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=CaseField.Kind.choices)
    unit = serializers.CharField(allow_blank=True)
    help_text = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    queues = serializers.SerializerMethodField()
    position = serializers.IntegerField()
    required_for = serializers.ListField(child=serializers.CharField())
    of_customers = serializers.ChoiceField(choices=CaseField.OfCustomers.choices)
    options = OptionShape(many=True, source="options.all")
    is_active = serializers.BooleanField()

    def get_queues(self, field: CaseField) -> list[int]:
        return sorted(queue.pk for queue in field.queues.all())


class CaseFieldData(serializers.Serializer[Any]):
    """A key, a name and a kind suffice. `options` are those of a field that offers some: one that is left out is no longer
    offered, and stays where it was chosen."""

    key = serializers.RegexField(r"^[a-z][a-z0-9_]*\Z", max_length=40)
    name = serializers.CharField(max_length=60)
    kind = serializers.ChoiceField(choices=CaseField.Kind.choices)
    unit = serializers.CharField(max_length=12, allow_blank=True, required=False)
    help_text = serializers.CharField(max_length=300, allow_blank=True, required=False)  # type: ignore[assignment]
    queues = serializers.ListField(child=serializers.IntegerField(), max_length=1000, required=False)
    position = serializers.IntegerField(min_value=0, max_value=32767, required=False)
    required_for = serializers.ListField(
        child=serializers.ChoiceField(choices=[(s, s) for s in ASKED_AT]), max_length=len(ASKED_AT), required=False
    )
    of_customers = serializers.ChoiceField(choices=CaseField.OfCustomers.choices, required=False)
    options = serializers.ListField(child=serializers.CharField(max_length=80), max_length=200, required=False)
    is_active = serializers.BooleanField(required=False)

    def validate_key(self, key: str) -> str:
        if key in KEYS:
            told = _("“%(key)s” is a filter already: choose another key.")
            raise serializers.ValidationError(told % {"key": key})
        return key


class CaseFieldChange(CaseFieldData):
    """Key and kind stay what they are: what is filled in was read by them."""

    key = kind = None  # type: ignore[assignment]


class TagShape(serializers.Serializer[Any]):
    """A tag; with `becomes`, one that went into another."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    hint = serializers.CharField(allow_blank=True)
    is_active = serializers.BooleanField()
    becomes = serializers.CharField(allow_null=True, source="becomes.name", default=None)


class NewTagName(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=LONGEST)


class TagEffect(serializers.Serializer[Any]):
    """What giving a tag this name would do; where there is one of that name, both become one. Beside the
    cases, what names it and follows."""

    name = serializers.CharField(source="into")
    merges = serializers.BooleanField(source="is_merge")
    cases = serializers.IntegerField()
    open = serializers.IntegerField()
    both = serializers.IntegerField()
    filters = serializers.IntegerField()
    macros = serializers.IntegerField()
    rules = serializers.IntegerField()
    skills = serializers.IntegerField()


class TagRenamingShape(serializers.Serializer[Any]):
    """A renaming under way: cases get the new name a few at a time."""

    id = serializers.IntegerField()
    name = serializers.CharField(source="into.name")
    total = serializers.IntegerField()
    changed = serializers.IntegerField()
    finished_at = serializers.DateTimeField(allow_null=True)


@extend_schema(methods=["GET"], summary="What the house asks of cases", responses=CaseFieldShape(many=True))
@extend_schema(methods=["POST"], summary="Ask something more", request=CaseFieldData, responses={201: CaseFieldShape})
@rest.endpoint("GET", "POST", writes="settings")
def all_fields(request: Request) -> Response:
    if request.method == "GET":
        return rest.page(request, CaseField.objects.prefetch_related("options", "queues"), CaseFieldShape)
    finding.need(request, "field.change")
    field = CaseField()
    _set(request, field, rest.read(CaseFieldData, request))
    return Response(CaseFieldShape(field).data, status=201)


@extend_schema(methods=["GET"], summary="A field", operation_id="case_field_retrieve", responses=CaseFieldShape)
@extend_schema(methods=["PATCH"], summary="Change a field", request=CaseFieldChange, responses=CaseFieldShape)
@rest.endpoint("GET", "PATCH", writes="settings", versioned=())
def one_field(request: Request, pk: int) -> Response:
    field = get_object_or_404(CaseField, pk=pk)
    if request.method == "PATCH":
        finding.need(request, "field.change")
        _set(request, field, rest.read(CaseFieldChange, request, partial=True))
    return Response(CaseFieldShape(field).data)


def _set(request: Request, field: CaseField, data: dict[str, Any]) -> None:
    queues = steered(request, data.pop("queues")) if "queues" in data else None
    options = data.pop("options", None)
    for name, value in data.items():
        setattr(field, name, value)
    try:
        with transaction.atomic():
            field.save()
            if queues is not None:
                field.queues.set(queues)
            if options is not None and field.offers:
                field.offer(options)
    except IntegrityError:
        raise rest.Problem(409, "exists", _("There is a field with this key already.")) from None


@extend_schema(
    summary="The tags the house knows",
    parameters=[OpenApiParameter("q", str, description="Only those that hold this.")],
    responses=TagShape(many=True),
)
@rest.endpoint("GET")
def all_tags(request: Request) -> Response:
    rows = Tag.objects.select_related("becomes")
    if typed := request.query_params.get("q", "").strip().lower():
        rows = rows.filter(name__contains=typed)
    return rest.page(request, rows, TagShape)


@extend_schema(
    methods=["GET"],
    summary="What giving a tag another name would do",
    operation_id="tag_renaming_preview",
    parameters=[OpenApiParameter("name", str, required=True)],
    responses=TagEffect,
)
@extend_schema(methods=["POST"], summary="Rename or merge a tag", request=NewTagName, responses={201: TagRenamingShape})
@rest.endpoint("GET", "POST", writes="settings")
def renaming(request: Request, pk: int) -> Response:
    finding.need(request, "field.change")
    tag = get_object_or_404(Tag, pk=pk)
    if request.method == "GET":
        return Response(TagEffect(tagging.effect(tag, request.query_params.get("name", ""))).data)
    into = rest.read(NewTagName, request)["name"]
    done = tagging.rename(tag, into, by=rest.me(request), at=timezone.now())
    return Response(TagRenamingShape(done).data, status=201)
