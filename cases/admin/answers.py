"""/admin/: articles, and the questions that no article answers."""

from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _

from cases import answers
from cases.admin.forms import ArticleForm
from cases.admin.publishing import Publishing, names, only_theirs
from cases.models import Article, KnowledgeGap, Queue, QueueMembership
from crm.admin import ReadOnlyAdmin, me, supervisors
from crm.models import User


@admin.register(Article, site=supervisors)
class ArticleAdmin(Publishing):
    form = ArticleForm
    list_display = ["__str__", "audience", "owner", "review_on", "is_active", "touches", "version"]
    list_filter = ["audience", "is_active"]
    search_fields = ["current__title"]
    ordering = ["current__title", "pk"]
    fieldsets = [
        (None, {"fields": ["title", "language", "body"]}),
        (_("For whom"), {"fields": ["audience", "queues", "is_active"]}),
        (_("Kept true by"), {"fields": ["owner", "review_on"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Article]:
        rows = Article.objects.select_related("current", "owner").prefetch_related("queues")
        return only_theirs(rows, me(request))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "owner":
            kwargs["queryset"] = _colleagues(me(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @admin.display(description=_("queues"))
    def touches(self, article: Article) -> str:
        return names(article) or str(_("every queue"))


def _colleagues(user: User) -> QuerySet[User]:
    """The people of the queues one steers, oneself included."""
    people = User.objects.filter(is_active=True).order_by("username")
    if user.is_administrator:
        return people
    members = QueueMembership.objects.filter(queue__in=Queue.objects.steered_by(user).values("pk"))
    return people.filter(Q(pk=user.pk) | Q(pk__in=members.values("user")))


@admin.register(KnowledgeGap, site=supervisors)
class KnowledgeGapAdmin(ReadOnlyAdmin):
    """What customers ask and no article answers, as the last training found it."""

    list_display = ["words", "count", "queue", "asked", "first_at", "last_at"]
    list_display_links = None
    ordering = ["-count", "pk"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[KnowledgeGap]:
        return answers.gaps(me(request))

    @admin.display(description=_("asked in"))
    def asked(self, gap: KnowledgeGap) -> str:
        links = ((reverse("cases:case", args=[number]), number) for number in gap.cases[:5])
        return format_html_join(", ", '<a href="{}">#{}</a>', links)
