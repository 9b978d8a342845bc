"""Offers at /admin/: shared by all who steer; every save that changes the terms is a version."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from cases.admin.publishing import Publishing
from crm.admin import me, supervisors
from crm.models import User
from customers import looking
from outreach.admin_forms import OfferForm
from outreach.models import Catalogue, Offer, OfferVersion


class VersionInline(TabularInline):  # type: ignore[misc]
    """How it stood before."""

    model = OfferVersion
    fk_name = "offer"
    fields = readonly_fields = ["number", "what", "price", "public_price", "created_at", "created_by"]
    ordering = ["-number"]
    extra = 0
    can_delete = False
    tab = True

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    has_change_permission = has_delete_permission = has_add_permission


@admin.register(Offer, site=supervisors)
class OfferAdmin(Publishing):
    form = OfferForm
    list_display = ["name", "purpose", "owner", "is_active", "version", "source"]
    list_filter = ["is_active", "purpose"]
    list_select_related = ["current", "owner"]
    search_fields = ["name", "key"]
    prepopulated_fields = {"key": ["name"]}
    inlines = [VersionInline]
    fieldsets = [
        (None, {"fields": ["name", "key", "purpose", "owner", "is_active"]}),
        (_("In three lines"), {"fields": ["what", "why", "benefit"]}),
        (_("For whom, and when"), {"fields": ["need_tags", "eligibility", "valid_from", "valid_until", "stock"]}),
        (
            _("What it costs and brings"),
            {
                "fields": [
                    ("price", "public_price", "currency"),
                    ("months", "gifts", "fees"),
                    "extras",
                    ("value", "gain", "minutes"),
                ]
            },
        ),
        (_("A question"), {"fields": ["question", "answer_kind", "choices"]}),
        (_("After a no"), {"fields": ["cooloff_days"]}),
    ]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["key"] if obj else []

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> dict[str, Any]:
        return {} if obj else self.prepopulated_fields

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "owner":
            kwargs["queryset"] = User.objects.filter(is_active=True).exclude(role="executive").order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Offer, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        Catalogue.turn()

    def get_urls(self) -> list[URLPattern]:
        preview = path("preview/", self.admin_site.admin_view(self.preview), name="outreach_offer_preview")
        return [preview, *super().get_urls()]

    def preview(self, request: HttpRequest) -> JsonResponse:
        """Who a condition holds for, while it is written; what is wrong with it, and where."""
        return JsonResponse(looking.typed(request.POST.get("condition", ""), me(request), timezone.now()))
