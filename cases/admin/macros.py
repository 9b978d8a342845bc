"""/admin/: macros, with what each would do to a case."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cases import macros, variables
from cases.admin.macro_forms import MacroForm
from cases.admin.publishing import Publishing, names, only_theirs
from cases.models import Case, Macro
from cases.models.case import Refusal
from cases.templatetags.replies import step_words
from crm.admin import me, supervisors


@admin.register(Macro, site=supervisors)
class MacroAdmin(Publishing):
    form = MacroForm
    change_form_template = "cases/admin_macro.html"
    list_display = ["__str__", "does", "touches", "used_count", "used_at", "is_active", "version"]
    list_filter = ["is_active"]
    search_fields = ["current__title"]
    ordering = ["current__title", "pk"]
    readonly_fields = ["effect"]
    fieldsets = [
        (None, {"fields": ["title", "is_active", "opens_next"]}),
        (_("For cases of"), {"fields": ["queues"]}),
        (_("What it would do"), {"fields": ["effect"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Macro]:
        rows = Macro.objects.select_related("current").prefetch_related("queues")
        return only_theirs(rows, me(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """With who looks, in whose name it is tried."""
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            found.reader = me(request)
        return found

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> str:
        told = super().construct_change_message(request, form, formsets, add)
        return "; ".join(filter(None, [told, str(_("Actions")) if form.rows.has_changed() else ""]))

    @admin.display(description=_("does"))
    def does(self, macro: Macro) -> str:
        return step_words(macro.steps)

    @admin.display(description=_("queues"))
    def touches(self, macro: Macro) -> str:
        return names(macro) or str(_("every queue"))

    @admin.display(description=_("On a case"))
    def effect(self, macro: Any) -> SafeString | str:
        """As it stands saved, on the newest open case of its queues."""
        if macro.pk is None:
            return str(_("Save it first: it is tried on a case here."))
        case = _sample(macro)
        if case is None:
            return str(_("There is no open case you could try it on."))
        try:
            done = macros.preview(case, macro, by=macro.reader)
        except Refusal as refusal:
            return refusal.message
        effects = [(effect, variables.pieces(effect.words)) for effect in done.effects]
        return render_to_string("cases/admin_macro_effects.html", {"case": case, "effects": effects})


def _sample(macro: Any) -> Case | None:
    seen = Case.objects.visible_to(macro.reader).active().select_related("customer", "queue").order_by("-pk")
    queues = [queue.pk for queue in macro.queues.all()]
    return (seen.filter(queue__in=queues) if queues else seen).first()
