"""skills/, cases/N/skills/, people/N/routing/: what cases need, what people can do and have in hand at most."""

from typing import Any

from django.db import IntegrityError, transaction
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import desks, skills
from cases.api import finding
from cases.models import Capacity, Case, CaseSkill, PersonSkill, Queue, QueueMembership, Skill
from cases.models.presence import colleagues
from cases.models.skill import MOST_AT_ONCE
from crm import rest, roles
from crm.models import User


class SkillShape(serializers.Serializer[Skill]):
    """Cases in these languages, with any of these tags, or of these queues need it."""

    id = serializers.IntegerField()
    name = serializers.CharField()
    languages = serializers.ListField(child=serializers.CharField())
    tags = serializers.ListField(child=serializers.CharField())
    queues = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()

    def get_queues(self, skill: Skill) -> list[int]:
        return sorted(queue.pk for queue in skill.queues.all())


class SkillData(serializers.Serializer[Any]):
    """A name suffices: then only people say which case needs it."""

    name = serializers.CharField(max_length=60)
    languages = serializers.ListField(child=serializers.CharField(max_length=12), max_length=100, required=False)
    tags = serializers.ListField(child=serializers.CharField(max_length=60), max_length=100, required=False)
    queues = serializers.ListField(child=serializers.IntegerField(), max_length=1000, required=False)
    is_active = serializers.BooleanField(required=False)


class CaseSkills(serializers.Serializer[Any]):
    """The keys of the skills it is said to need; those it needs by itself are not among them."""

    skills = serializers.ListField(child=serializers.IntegerField(), max_length=100)


class Limit(serializers.Serializer[Any]):
    """At most so many cases at once in a channel; without one, in all together."""

    channel = serializers.CharField(max_length=40, allow_blank=True, default="")
    most = serializers.IntegerField(min_value=0, max_value=MOST_AT_ONCE)


class RoutingShape(serializers.Serializer[Any]):
    """`load` counts what waits for us or whose clock runs; `capacity` is empty where no queue gives them cases."""

    user = serializers.IntegerField()
    skills = serializers.ListField(child=serializers.IntegerField())
    capacities = Limit(many=True)
    load = serializers.IntegerField()
    capacity = serializers.IntegerField(allow_null=True)


class RoutingData(serializers.Serializer[Any]):
    """What is given replaces what stood there."""

    skills = serializers.ListField(child=serializers.IntegerField(), max_length=1000, required=False)
    capacities = Limit(many=True, required=False, max_length=50)  # type: ignore[call-arg] # the stub knows no many=True


@extend_schema(methods=["GET"], summary="Skills", responses=SkillShape(many=True))
@extend_schema(methods=["POST"], summary="Add a skill", request=SkillData, responses={201: SkillShape})
@rest.endpoint("GET", "POST", writes="settings")
def all_skills(request: Request) -> Response:
    if request.method == "GET":
        finding.need(request, "skill.see")
        return rest.page(request, Skill.objects.prefetch_related("queues"), SkillShape)
    skill = Skill()
    _set(request, skill)
    return Response(SkillShape(skill).data, status=201)


@extend_schema(methods=["GET"], summary="A skill", operation_id="skill_retrieve", responses=SkillShape)
@extend_schema(methods=["PATCH"], summary="Change a skill", request=SkillData, responses=SkillShape)
@rest.endpoint("GET", "PATCH", writes="settings", versioned=())
def one_skill(request: Request, pk: int) -> Response:
    finding.need(request, "skill.see")
    skill = get_object_or_404(Skill, pk=pk)
    if request.method == "PATCH":
        _set(request, skill)
    return Response(SkillShape(skill).data)


def _set(request: Request, skill: Skill) -> None:
    finding.need(request, "skill.change")
    data = rest.read(SkillData, request, partial=skill.pk is not None)
    queues = steered(request, data.pop("queues")) if "queues" in data else None
    for name, value in data.items():
        setattr(skill, name, value)
    try:
        with transaction.atomic():
            skill.save()
            if queues is not None:
                skill.queues.set(queues)
    except IntegrityError:
        raise rest.Problem(409, "exists", _("There is a skill with this name already.")) from None


def steered(request: Request, wanted: list[int]) -> list[Queue]:
    """The queues of these keys, all of them steered by who asks."""
    found = list(Queue.objects.steered_by(rest.me(request)).filter(pk__in=wanted))
    if missing := sorted(set(wanted) - {queue.pk for queue in found}):
        raise ValidationError({"queues": _("You steer no queue %(ids)s.") % {"ids": ", ".join(map(str, missing))}})
    return found


@extend_schema(
    methods=["GET"], summary="The skills a case is said to need", operation_id="case_skills", responses=CaseSkills
)
@extend_schema(methods=["PUT"], summary="Say which skills it needs", request=CaseSkills, responses=CaseSkills)
@rest.endpoint("GET", "PUT")
def of_case(request: Request, number: int) -> Response:
    case = finding.case(request, number)
    if request.method == "PUT":
        finding.need(request, "case.skills", case)
        wanted = _known(rest.read(CaseSkills, request)["skills"])
        skills.ask_for(case, wanted, by=rest.me(request), via="api")
    return Response({"skills": _asked(case)})


def _asked(case: Case) -> list[int]:
    return sorted(CaseSkill.objects.filter(case=case).values_list("skill_id", flat=True))


def _known(keys: list[int]) -> list[Skill]:
    found = list(Skill.objects.filter(pk__in=keys))
    if missing := sorted(set(keys) - {skill.pk for skill in found}):
        raise ValidationError({"skills": _("There is no skill %(ids)s.") % {"ids": ", ".join(map(str, missing))}})
    return found


@extend_schema(
    methods=["GET"], summary="What somebody can do and has in hand", operation_id="person_routing",
    responses=RoutingShape,
)  # fmt: skip
@extend_schema(
    methods=["PUT"], summary="Say what somebody can do and is given at most", request=RoutingData,
    responses=RoutingShape,
)  # fmt: skip
@rest.endpoint("GET", "PUT", writes="settings")
def of_person(request: Request, user: int) -> Response:
    person = get_object_or_404(colleagues(rest.me(request)), pk=user)
    if request.method == "PUT":
        data = rest.read(RoutingData, request)
        if not _may_say(rest.me(request), person, "person.routing" if "skills" in data else "person.capacity"):
            raise rest.forbid(_("Only who steers a queue they work in may say this."))
        _describe(person, data)
    return Response(RoutingShape(_routing(person)).data)


def _may_say(by: User, person: User, verb: str) -> bool:
    """What somebody can do is said by who steers a queue they work in; how much they are given, by who leads one too."""
    if by.is_administrator:
        return True
    theirs = QueueMembership.objects.filter(user=person).values_list("queue_id", flat=True)
    return any(roles.may(by, verb, queue) for queue in theirs)


@transaction.atomic
def _describe(person: User, data: dict[str, Any]) -> None:
    if "skills" in data:
        wanted = _known(data["skills"])
        PersonSkill.objects.filter(user=person).exclude(skill__in=wanted).delete()
        PersonSkill.objects.bulk_create(
            [PersonSkill(user=person, skill=skill) for skill in wanted], ignore_conflicts=True
        )
    if "capacities" in data:
        limits = {limit["channel"]: limit["most"] for limit in data["capacities"]}
        Capacity.objects.filter(user=person).exclude(channel__in=limits).delete()
        for channel, most in limits.items():
            Capacity.objects.update_or_create(user=person, channel=channel, defaults={"most": most})


def _routing(person: User) -> dict[str, Any]:
    desk = desks.of(person, timezone.now())
    return {
        "user": person.pk,
        "skills": sorted(PersonSkill.objects.filter(user=person).values_list("skill_id", flat=True)),
        "capacities": list(Capacity.objects.filter(user=person).order_by("channel").values("channel", "most")),
        "load": desk.load if desk else Case.objects.pressing(timezone.now()).filter(assignee=person).count(),
        "capacity": max(desk.limits.values()) if desk else None,
    }
