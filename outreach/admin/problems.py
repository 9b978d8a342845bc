"""/admin/: known problems and their notices, to look up; they are steered in the problem room."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from crm.admin import ReadOnlyAdmin, supervisors
from customers import saying
from outreach.models import KnownProblem, Notice


@admin.register(KnownProblem, site=supervisors)
class KnownProblemAdmin(ReadOnlyAdmin):
    list_display = ["title", "state", "severity", "is_safety", "owner", "exposed", "told", "told_first", "declared_at"]
    list_filter = ["state", "severity", "is_safety"]
    list_select_related = ["owner"]
    search_fields = ["title", "symptom", "cause"]
    readonly_fields = ["room", "hits"]
    fields = ["room", *KnownProblem.WRITTEN, "hits", "exposed", "told", "told_first", "declared_at", "closed_at"]
    ordering = ["-declared_at"]

    @admin.display(description=_("steered in"))
    def room(self, problem: Any) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("outreach:problem", args=[problem.pk]), _("the problem room"))

    @admin.display(description=_("Whom it hits"))
    def hits(self, problem: Any) -> SafeString:
        """In words, and where it is put together."""
        said = saying.whole(problem.condition) if problem.condition is not None else _("Nobody yet.")
        place = reverse("outreach:condition", args=[problem.pk])
        return format_html('{} <a href="{}">{}</a>', said, place, _("Put it together from rows"))


@admin.register(Notice, site=supervisors)
class NoticeAdmin(ReadOnlyAdmin):
    list_display = ["__str__", "problem", "state", "written_by", "approved_by", "approved_at"]
    list_filter = ["state"]
    list_select_related = ["problem", "written_by", "approved_by"]
    readonly_fields = ["room"]
    fields = ["room", "problem", "texts", "state", "written_by", "written_at", "approved_by", "approved_at", "numbers"]
    ordering = ["-written_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Notice]:
        return Notice.objects.select_related("problem", "written_by", "approved_by")

    @admin.display(description=_("steered in"))
    def room(self, notice: Any) -> SafeString:
        return format_html('<a href="{}">{}</a>', reverse("outreach:notice", args=[notice.pk]), _("its page"))
