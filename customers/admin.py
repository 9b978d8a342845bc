"""/system/: addresses nothing may be sent to."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminSelectWidget

from crm.admin import HouseAdmin, log_each, system
from customers.addresses import BadAddress, normalise
from customers.models import Consent, ContactPoint, Suppression


class SuppressionForm(forms.ModelForm):  # type: ignore[type-arg]
    """One address, in the one spelling it is compared by."""

    kind = forms.ChoiceField(label=_("Kind"), choices=ContactPoint.Kind.choices, widget=UnfoldAdminSelectWidget)
    purpose = forms.ChoiceField(
        label=_("For"),
        required=False,
        choices=[("", _("Everything")), *Consent.Purpose.choices],
        widget=UnfoldAdminSelectWidget,
    )

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if "kind" not in values or "value" not in values:
            return values
        try:
            values["value"] = normalise(values["kind"], values["value"]).value
        except BadAddress as error:
            self.add_error("value", str(error))
            return values
        same = {name: values[name] for name in ("kind", "value", "purpose")}
        if Suppression.objects.filter(lifted_at=None, **same).exists():
            self.add_error("value", _("This address is suppressed already."))
        return values


@admin.register(Suppression, site=system)
class SuppressionAdmin(HouseAdmin):
    """Added here by hand, lifted by an action; what a bounce or a complaint said stays readable."""

    form = SuppressionForm
    list_display = ["value", "kind", "purpose", "reason", "at", "lifted_at"]
    list_filter = ["kind", "purpose"]
    search_fields = ["value"]
    ordering = ["-at"]
    fields = ["kind", "value", "purpose", "reason"]
    actions = ["lift"]

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    @admin.action(description=_("Lift the selected suppressions"))
    def lift(self, request: HttpRequest, queryset: QuerySet[Suppression]) -> None:
        standing = list(queryset.filter(lifted_at=None))
        Suppression.objects.filter(pk__in=[row.pk for row in standing]).update(lifted_at=timezone.now())
        log_each(self, request, standing, _("Lifted"))
        self.message_user(request, _("%(count)d suppressions lifted.") % {"count": len(standing)})
