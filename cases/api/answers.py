"""articles/, answers/suggest/, search/, me/: what is known, what is found, and who asks."""

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from cases import answers
from cases.api import finding
from cases.api.setting_shapes import QueueShape
from cases.api.shapes import CaseRow
from cases.models import Article, Case, KnowledgeGap, Queue
from cases.search import find
from crm import rest, roles, tokens
from crm.models import User


class ArticleShape(serializers.Serializer[Article]):
    id = serializers.IntegerField()
    title = serializers.CharField(source="current.title", default="")
    body = serializers.CharField(source="current.body", default="")
    language = serializers.CharField(source="current.language", default="")
    audience = serializers.ChoiceField(choices=Article.Audience.choices)
    queues = serializers.SerializerMethodField()
    is_active = serializers.BooleanField()
    review_on = serializers.DateField(allow_null=True)
    version = serializers.IntegerField(source="current.number", default=0)
    source = serializers.CharField(allow_blank=True)  # type: ignore[assignment]
    external_id = serializers.CharField(allow_null=True)

    def get_queues(self, article: Article) -> list[int]:
        return sorted(q.pk for q in article.queues.all())


class ArticleData(serializers.Serializer[Any]):
    title = serializers.CharField(max_length=200)
    body = serializers.CharField(max_length=200_000, trim_whitespace=False)
    language = serializers.CharField(max_length=12, default="en")
    audience = serializers.ChoiceField(choices=Article.Audience.choices, default=Article.Audience.INTERNAL)
    queues = serializers.ListField(child=serializers.IntegerField(), default=list, max_length=1000)
    is_active = serializers.BooleanField(default=True)
    review_on = serializers.DateField(allow_null=True, default=None)
    source = serializers.CharField(max_length=40, default="api")  # type: ignore[assignment]
    external_id = serializers.CharField(max_length=200, required=False)
    version = serializers.IntegerField(required=False)


@extend_schema(methods=["GET"], summary="Articles", responses=ArticleShape(many=True))
@extend_schema(
    methods=["POST"],
    summary="Write an article, or a new version of the one with this source and external_id",
    request=ArticleData,
    responses={201: ArticleShape, 200: ArticleShape},
)
@rest.endpoint("GET", "POST", writes="settings", versioned=("POST",))
def articles(request: Request) -> Response:
    if request.method == "GET":
        return rest.page(request, _readable(request), ArticleShape)
    finding.need(request, "article.change")
    data = rest.read(ArticleData, request)
    named = {"source": data["source"], "external_id": data["external_id"]} if "external_id" in data else {}
    with transaction.atomic():
        known = Article.objects.select_for_update(of=("self",)).filter(**named).first() if named else None
        queues = finding.steered(request, known or Article(), data["queues"])
        if known:
            rest.unchanged_since(request, known.current.number if known.current else 0)
        article = _written(request, known or _new(named), queues or [], data)
    return _told(article, status=200 if known else 201)


def _new(named: dict[str, str]) -> Article:
    try:
        with transaction.atomic():
            return Article.objects.create(**named)
    except IntegrityError:
        raise rest.Problem(409, "still_running", _("Somebody is adding this article now."), retry_after=1) from None


@extend_schema(methods=["GET"], summary="An article", operation_id="article_retrieve", responses=ArticleShape)
@extend_schema(methods=["PATCH"], summary="Write a new version", request=ArticleData, responses=ArticleShape)
@rest.endpoint("GET", "PATCH", writes="settings")
def article(request: Request, pk: int) -> Response:
    found = get_object_or_404(_readable(request), pk=pk)
    if request.method == "GET":
        return _told(found)
    finding.need(request, "article.change")
    data = rest.read(ArticleData, request, partial=True)
    with transaction.atomic():
        found = get_object_or_404(Article.objects.select_for_update(of=("self",)), pk=pk)
        told = {**ArticleShape(found).data, **data}
        queues = finding.steered(request, found, told["queues"])
        rest.unchanged_since(request, found.current.number if found.current else 0)
        found = _written(request, found, queues or [], told)
    return _told(found)


def _readable(request: Request) -> QuerySet[Article]:
    """Articles of the queues one sees, and those of no queue in particular."""
    finding.need(request, "article.see")
    rows = Article.objects.select_related("current").prefetch_related("queues")
    user = rest.me(request)
    if user.is_administrator:
        return rows
    mine = Q(queues=None) | Q(queues__in=Queue.objects.visible_to(user))
    return rows.filter(pk__in=Article.objects.filter(mine).values("pk"))


def _written(request: Request, article: Article, queues: list[Queue], data: dict[str, Any]) -> Article:
    article.audience, article.is_active, article.review_on = data["audience"], data["is_active"], data["review_on"]
    article.save(update_fields=["audience", "is_active", "review_on"])
    article.queues.set(queues)
    article.publish(title=data["title"], body=data["body"], language=data["language"], by=rest.me(request))
    return article


def _told(article: Article, *, status: int = 200) -> Response:
    version = article.current.number if article.current else 0
    return rest.tagged(ArticleShape(article).data, version, status=status)


# --- suggestions


class Question(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=20_000)
    queue = serializers.IntegerField(required=False, allow_null=True)


class Suggestion(serializers.Serializer[answers.Suggestion]):
    """`because`: the words that speak for it."""

    article = serializers.IntegerField(source="article.pk")
    external_id = serializers.CharField(source="article.external_id", allow_null=True)
    title = serializers.CharField(source="article.current.title")
    score = serializers.FloatField()
    because = serializers.SerializerMethodField()

    def get_because(self, found: answers.Suggestion) -> str:
        return ", ".join(found.because)


class Suggestions(serializers.Serializer[Any]):
    """`results`: what comes nearest. `refused`: none of it is near enough to be offered to somebody who did not ask for it;
    show nothing. `confidence`: how probable it is that the answer is among the first three."""

    results = Suggestion(many=True)
    refused = serializers.BooleanField()
    confidence = serializers.FloatField()
    version = serializers.IntegerField()


@extend_schema(summary="Which article answers this", request=Question, responses=Suggestions)
@rest.endpoint("POST", writes="read")
def suggest(request: Request) -> Response:
    data = rest.read(Question, request)
    finding.need(request, "article.see")
    queue = finding.queue(request, data["queue"]) if data.get("queue") is not None else None
    found = answers.suggest(data["text"], queue=queue, among=_readable(request))
    return Response(Suggestions(found).data)


class Gap(serializers.Serializer[KnowledgeGap]):
    """Questions that came again and that no article answers. `cases`: the numbers of some, the most typical first."""

    words = serializers.CharField()
    count = serializers.IntegerField()
    queue = serializers.IntegerField(source="queue_id", allow_null=True)
    cases = serializers.SerializerMethodField()
    first_at = serializers.DateTimeField()
    last_at = serializers.DateTimeField()

    def get_cases(self, gap: KnowledgeGap) -> list[int]:
        return [number for number in gap.cases if number in self.context["seen"]]


@extend_schema(summary="What customers ask and no article answers", responses=Gap(many=True))
@rest.endpoint("GET")
def gaps(request: Request) -> Response:
    """As the last training found them, the most frequent first; of cases those one may see."""
    finding.need(request, "article.change")
    user = rest.me(request)
    rows = list(answers.gaps(user))
    named = {number for gap in rows for number in gap.cases}
    seen = set(Case.objects.visible_to(user).filter(number__in=named).values_list("number", flat=True))
    return Response(Gap(rows, many=True, context={"seen": seen}).data)  # type: ignore[arg-type]


# --- search and me


class FoundCustomer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()


class FoundThing(serializers.Serializer[Any]):
    """A case or a customer; the other is null. `snippet` is HTML with what was found in <mark>."""

    kind = serializers.CharField()
    case = CaseRow(allow_null=True)
    customer = FoundCustomer(allow_null=True)
    snippet = serializers.CharField()


class Found(serializers.Serializer[Any]):
    """`told`: sentences on what was taken for something else than was typed, as a tag by a name it gave up."""

    results = FoundThing(many=True)
    told = serializers.ListField(child=serializers.CharField())


@extend_schema(summary="Find cases", parameters=[OpenApiParameter("q", str, required=True)], responses=Found)
@rest.endpoint("GET")
def search(request: Request) -> Response:
    """By number, mail address, phone in any spelling, beginnings of names, words of subject and messages; narrowed by
    filters, as `queue:billing is:unassigned promise:<2h "exact words"` (docs/search.md)."""
    text = request.query_params.get("q", "").strip()
    if not text:
        raise ValidationError({"q": _("Say what to look for.")})
    found = find(rest.me(request), text, at=timezone.now())
    if found.problems:
        raise ValidationError({"q": list(found.problems)})
    hits = [
        {"kind": h.kind, "case": None, "customer": None, "snippet": str(h.snippet)} | {h.kind: h.object}
        for h in found.hits
    ]
    return Response(Found({"results": hits, "told": found.told}).data)


class Me(serializers.Serializer[User]):
    id = serializers.IntegerField()
    username = serializers.CharField()
    name = serializers.CharField()
    role = serializers.CharField()
    roles = serializers.SerializerMethodField()
    language = serializers.CharField()
    tz = serializers.CharField()
    scopes = serializers.SerializerMethodField()
    queues = serializers.SerializerMethodField()

    def get_roles(self, user: User) -> list[str]:
        return sorted(roles.roles_of(user))

    def get_scopes(self, user: User) -> list[str]:
        return [s for s in tokens.SCOPES if rest.carries(self.context["request"], s)]

    @extend_schema_field(QueueShape(many=True))
    def get_queues(self, user: User) -> Any:
        return QueueShape(Queue.objects.visible_to(user), many=True).data  # type: ignore[arg-type]


@extend_schema(summary="Who you are and what you may", responses=Me)
@rest.endpoint("GET", reads="read")
def me(request: Request) -> Response:
    return Response(Me(rest.me(request), context={"request": request}).data)
