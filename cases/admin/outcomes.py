"""/admin/: what cases are about when they end, and what would have prevented them."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from cases.admin.publishing import names
from cases.models import Cause, Disposition, Queue
from crm.admin import HouseAdmin, supervisors
from crm.models import User

_SAME = _("Every case that ended with this one then has that one, and this one is offered no more.")


class _OutcomeForm(forms.ModelForm):  # type: ignore[type-arg]
    """One of them. `merged_into` is done by the verb, after everything else is saved."""

    user: User  # who fills the form in

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "merged_into" in self.fields:
            others = type(self.instance)._default_manager.filter(is_active=True, merged_into=None)
            self.fields["merged_into"].queryset = others.exclude(pk=self.instance.pk)  # type: ignore[attr-defined]
            self.fields["merged_into"].help_text = _SAME

    def clean_merged_into(self) -> Any:
        was, wanted = self.initial.get("merged_into"), self.cleaned_data["merged_into"]
        if was and wanted is None:
            raise forms.ValidationError(gettext("Its cases have gone on already: choose where they are now."))
        return wanted


class DispositionForm(_OutcomeForm):
    class Meta:
        model = Disposition
        fields = ["name", "queues", "position", "is_active", "merged_into"]

    def clean_queues(self) -> Any:
        """The queues of other supervisors that offer it go on offering it."""
        chosen = self.cleaned_data["queues"]
        if self.instance.pk is None:
            return chosen
        steered = Queue.objects.steered_by(self.user).values("pk")
        return chosen | Queue.objects.filter(dispositions=self.instance).exclude(pk__in=steered)


class CauseForm(_OutcomeForm):
    class Meta:
        model = Cause
        fields = ["name", "owner", "position", "is_active", "merged_into"]


class _OutcomeAdmin(HouseAdmin):
    search_fields = ["name"]
    list_filter = ["is_active"]
    ordering = ["position", "name"]

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """A new one is not the same as another."""
        wanted = list(self.form.Meta.fields)
        return wanted if obj else [name for name in wanted if name != "merged_into"]

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        into = form.cleaned_data.get("merged_into") if "merged_into" in form.changed_data else None
        if into is not None:
            obj.merged_into = None
        super().save_model(request, obj, form, change)
        if into is not None:
            obj.merge(into)

    @admin.display(description=_("cases"), ordering="many")
    def ended(self, row: Any) -> int:
        return int(row.many)


@admin.register(Disposition, site=supervisors)
class DispositionAdmin(_OutcomeAdmin):
    form = DispositionForm
    list_display = ["name", "offered_in", "position", "ended", "is_active", "merged_into"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Disposition]:
        queues = Prefetch("queues", Queue.objects.order_by("name"))
        rows = Disposition.objects.prefetch_related(queues).select_related("merged_into")
        return rows.annotate(many=Count("cases", distinct=True))

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "queues":
            kwargs["queryset"] = Queue.objects.steered_by(request.user)  # type: ignore[arg-type]
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description=_("queues"))
    def offered_in(self, row: Disposition) -> str:
        return names(row) or str(_("every queue"))


@admin.register(Cause, site=supervisors)
class CauseAdmin(_OutcomeAdmin):
    form = CauseForm
    list_display = ["name", "owner", "position", "ended", "is_active", "merged_into"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Cause]:
        rows = Cause.objects.select_related("merged_into", "owner")
        return rows.annotate(many=Count("cases", distinct=True))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "owner":
            kwargs["queryset"] = User.objects.filter(is_active=True).order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)
