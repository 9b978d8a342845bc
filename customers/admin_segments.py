"""Segments at /admin/: put together from rows, with whom they mean shown while one writes; every save that changes the
condition is a version."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.forms.widgets import Script
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path, reverse_lazy
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget

from crm.admin import HouseAdmin, me, supervisors
from crm.models import User
from customers import catalogue, facts, looking, saying, segments
from customers.conditions import BadCondition
from customers.models import Segment, SegmentVersion


def condition_field(label: Any, preview: Any) -> forms.CharField:
    """A condition in rows (static/js/admin_rule.js); without scripts the JSON it comes to. `preview`: where whom it means
    is asked while one writes."""
    attrs = {
        "rows": 10,
        "spellcheck": "false",
        "data-rule": "condition",
        "data-catalogue": reverse_lazy("admin:customers_segment_catalogue"),
        "data-preview": preview,
    }
    return forms.CharField(
        label=label,
        initial='{"all": []}',
        max_length=50_000,
        widget=UnfoldAdminTextareaWidget(attrs=attrs),
        help_text=_("Whom it means, and some of them, is shown while you write."),
    )


def condition_json(text: str) -> Any:
    """What the field says. Raises ValidationError."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValidationError(_("This is no JSON: %(why)s.") % {"why": str(error)[:100]}) from error


def condition_text(condition: Any) -> str:
    return json.dumps(saying.as_said(condition), indent=2, ensure_ascii=False)


# What a form with such a field loads.
EDITOR_JS = [Script("js/admin_rule.js", type="module")]
EDITOR_CSS = {"all": ["css/admin_rule.css"]}


class SegmentForm(forms.ModelForm):  # type: ignore[type-arg]
    """A segment with what it means now."""

    user: User  # who fills the form in
    condition = condition_field(_("Who is in it"), reverse_lazy("admin:customers_segment_preview"))

    class Meta:
        model = Segment
        fields = ["name", "key", "description", "owner", "is_active"]
        widgets = {"description": UnfoldAdminTextInputWidget}

    class Media:
        js = EDITOR_JS
        css = EDITOR_CSS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if version := self.instance.current:
            self.initial["condition"] = condition_text(version.condition)
            self.fields["condition"].widget.attrs["data-key"] = self.instance.key

    def clean_condition(self) -> Any:
        return condition_json(self.cleaned_data["condition"])

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        if not self.errors:
            try:
                segments.checked(values["condition"], key=values.get("key") or self.instance.key, at=timezone.now())
            except BadCondition as bad:
                self.add_error("condition", str(bad))
        return values


class VersionInline(TabularInline):  # type: ignore[misc]
    """What it meant before."""

    model = SegmentVersion
    fk_name = "segment"
    fields = readonly_fields = ["number", "sentence", "created_at", "created_by"]
    ordering = ["-number"]
    extra = 0
    can_delete = False
    tab = True

    @admin.display(description=_("meaning"))
    def sentence(self, version: SegmentVersion) -> str:
        return saying.whole(version.condition)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(Segment, site=supervisors)
class SegmentAdmin(HouseAdmin):
    form = SegmentForm
    list_display = ["name", "key", "owner", "is_active", "size", "refreshed_at", "version"]
    list_filter = ["is_active"]
    list_select_related = ["current", "owner"]
    search_fields = ["name", "key", "description"]
    prepopulated_fields = {"key": ["name"]}
    readonly_fields = ["size", "refreshed_at"]
    inlines = [VersionInline]
    fieldsets = [
        (None, {"fields": ["name", "key", "description", "owner", "is_active"]}),
        (_("Who is in it"), {"fields": ["condition", ("size", "refreshed_at")]}),
    ]

    @admin.display(description=_("version"))
    def version(self, segment: Segment) -> int | str:
        return segment.current.number if segment.current else "–"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Segment]:
        return Segment.objects.select_related("current", "owner")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["key", *self.readonly_fields] if obj else list(self.readonly_fields)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "owner":
            kwargs["queryset"] = User.objects.filter(is_active=True).exclude(role="executive").order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Segment, form: Any, change: bool) -> None:
        """What it is called and whether it is used by their own verb; what it means by another."""
        if change:
            named = [name for name in form.changed_data if name in {"name", "description", "owner", "is_active"}]
            Segment.objects.get(pk=obj.pk).describe(**{name: form.cleaned_data[name] for name in named})
        else:
            obj.save()
        obj.publish(form.cleaned_data["condition"], by=me(request))

    # --- while it is written

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        return [
            path("preview/", view(self.preview), name="customers_segment_preview"),
            path("catalogue/", view(self.catalogue), name="customers_segment_catalogue"),
            *super().get_urls(),
        ]

    def preview(self, request: HttpRequest) -> JsonResponse:
        """The condition as a sentence, whom it means and why; what is wrong with it, and where."""
        asked, key = request.POST.get("condition", ""), request.POST.get("key", "")
        return JsonResponse(looking.typed(asked, me(request), timezone.now(), key=key))

    def catalogue(self, request: HttpRequest) -> JsonResponse:
        """What a condition of customers can be put together from, for the editor."""
        return JsonResponse(catalogue.catalogue(facts.registry()))
