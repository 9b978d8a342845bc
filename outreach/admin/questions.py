"""/admin/: what customers answered to questions: how many said what, each answer that stands, and all of them as a file."""

import csv
from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from crm.admin import ReadOnlyAdmin, me, supervisors
from outreach import questions
from outreach.models import Offer, QuestionAnswer

COLUMNS = ("question", "answer", "scale", "case", "customer", "asked by", "at")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Asked(admin.SimpleListFilter):
    """One question's."""

    title, parameter_name = _("question"), "offer"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return list(Offer.objects.filter(purpose=Offer.Purpose.QUESTION).values_list("pk", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        given = self.value() or ""
        return queryset.filter(offer=int(given)) if given.isdigit() and len(given) < 19 else queryset


@admin.register(QuestionAnswer, site=supervisors)
class QuestionAnswerAdmin(ReadOnlyAdmin):
    list_display = ["words", "offer", "the_case", "by", "at"]
    list_filter = [Asked]
    list_select_related = ["offer", "case", "by"]
    list_before_template = "outreach/admin_answers.html"
    fields = readonly_fields = ["offer", "asked", "words", "the_case", "by", "at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[QuestionAnswer]:
        """Those that stand, of cases this person may see."""
        seen = Case.objects.visible_to(me(request)).order_by().values("pk")
        rows = QuestionAnswer.objects.filter(stands=True, case__in=seen)
        return rows.select_related("offer", "offer_version", "case", "by")

    @admin.display(description=_("answer"))
    def words(self, answer: QuestionAnswer) -> str:
        return answer.words or "–"

    @admin.display(description=_("as it was asked"))
    def asked(self, answer: QuestionAnswer) -> str:
        return answer.offer_version.question

    @admin.display(description=_("case"))
    def the_case(self, answer: QuestionAnswer) -> SafeString:
        place = reverse("cases:case", args=[answer.case.number])
        return format_html('<a href="{}">#{}</a>', place, answer.case.number)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        tallies = questions.tallies(Case.objects.visible_to(me(request)))
        return super().changelist_view(request, {**(extra_context or {}), "tallies": tallies})

    def get_urls(self) -> list[URLPattern]:
        door = self.admin_site.admin_view
        return [path("answers.csv", door(self.as_file), name="outreach_questionanswer_csv"), *super().get_urls()]

    def as_file(self, request: HttpRequest) -> StreamingHttpResponse:
        """All of them, a row each; with `offer` one question's."""
        rows = self.get_queryset(request).order_by("pk")
        if (given := request.GET.get("offer", "")).isdigit() and len(given) < 19:
            rows = rows.filter(offer=int(given))
        name = f"answers-{timezone.now():%Y-%m-%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
        return StreamingHttpResponse(_lines(rows), content_type="text/csv; charset=utf-8", headers=headers)


class _Echo:
    """What csv writes to: it hands each line on."""

    def write(self, line: str) -> str:
        return line


def _lines(rows: QuerySet[QuestionAnswer]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for answer in rows.iterator(500):
        asked = answer.offer_version.question
        told = [asked, answer.words, answer.scale, answer.case.number, answer.customer_id, answer.by.username]
        yield writer.writerow([_harmless(value) for value in [*told, answer.at.isoformat()]])


def _harmless(value: Any) -> Any:
    """A spreadsheet runs what begins like a formula: such words are marked as text."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
