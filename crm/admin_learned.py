"""/admin/: model cards. What each learner learned, from how much, how well it did on what was held back, and its limits."""

from collections.abc import Mapping
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from crm import learning
from crm.admin import ReadOnlyAdmin, supervisors
from crm.models import Learned


@admin.register(Learned, site=supervisors)
class LearnedAdmin(ReadOnlyAdmin):
    """A card a training, the newest first; everything on it is what the training itself kept."""

    list_display = ["what", "version", "made_at", "state", "headline"]
    list_filter = ["in_use"]
    ordering = ["-pk"]
    fields = ["what", "about", "version", "made_at", "state", "learned_from", "how_well", "limits", "took"]
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Learned]:
        return Learned.objects.defer("content")

    @admin.display(description=_("learner"))
    def what(self, row: Learned) -> str:
        return str(learning.card(row.kind).title)

    @admin.display(description=_("version"), ordering="pk")
    def version(self, row: Learned) -> int:
        return row.pk

    @admin.display(description=_("what it is for"))
    def about(self, row: Learned) -> str:
        return str(learning.card(row.kind).about)

    @admin.display(description=_("what it cannot do"))
    def limits(self, row: Learned) -> str:
        return str(learning.card(row.kind).limits)

    @admin.display(description=_("state"))
    def state(self, row: Learned) -> str:
        if not row.in_use:
            return str(_("not used: %(why)s") % {"why": row.why})
        newer = Learned.objects.filter(kind=row.kind, in_use=True, pk__gt=row.pk).order_by("pk").first()
        if newer is None:
            return str(_("in use since then"))
        return str(_("was in use until version %(version)s") % {"version": newer.pk})

    @admin.display(description=_("how well"))
    def headline(self, row: Learned) -> str:
        """The first few figures that are one number."""
        single = {name: value for name, value in row.figures.items() if not isinstance(value, dict)}
        told = _named(row.kind, single)[:3]
        return " · ".join(f"{name}: {value}" for name, value in told)

    @admin.display(description=_("learned from"))
    def learned_from(self, row: Learned) -> SafeString | str:
        return _lines(row.kind, row.seen) or str(_("nothing yet"))

    @admin.display(description=_("how well, on what was held back"))
    def how_well(self, row: Learned) -> SafeString | str:
        return _lines(row.kind, row.figures) or str(_("not enough data to say"))


def _lines(kind: str, told: Mapping[str, Any]) -> SafeString:
    return format_html_join("", "<div>{}: <b>{}</b></div>", _named(kind, told))


def _named(kind: str, told: Mapping[str, Any]) -> list[tuple[str, str]]:
    """In the order of the card's words, for the database keeps none; what the card has no word for comes last."""
    names = learning.card(kind).names
    ordered = [name for name in names if name in told] + [name for name in told if name not in names]
    return [(str(names.get(name, name)), _value(told[name], names)) for name in ordered]


def _value(value: Any, names: Mapping[str, Any]) -> str:
    """Numbers as one reads them, words by their names."""
    if isinstance(value, dict):
        return ", ".join(f"{names.get(name, name)} {_value(each, names)}" for name, each in value.items())
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(names.get(value, value))
