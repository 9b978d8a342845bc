"""What strangers are offered, at /admin/: active only beside a twin for existing customers that is at least as good."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from crm.admin import HouseAdmin, supervisors
from crm.models import User
from outreach import parity
from outreach.extras import extras_field, extras_read, extras_text
from outreach.models import Offer, PublicOffer


class PublicOfferForm(forms.ModelForm):  # type: ignore[type-arg]
    """Refused, with the reason, where its twin is not as good; the database refuses what gets past this."""

    extras = extras_field()

    class Meta:
        model = PublicOffer
        fields = [
            *("name", "where", "twin", "price", "months", "gifts", "fees", "currency", "extras"),
            *("valid_from", "valid_until", "lead_days", "owner", "is_active"),
        ]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["extras"] = extras_text(self.instance.extras)

    def clean_extras(self) -> dict[str, float]:
        return extras_read(self.cleaned_data["extras"])

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def _post_clean(self) -> None:
        super()._post_clean()  # type: ignore[misc]
        if self.instance.is_active and not self.errors:
            for word in parity.breaches(self.instance):
                self.add_error("twin", str(parity.WORDS[word]))


@admin.register(PublicOffer, site=supervisors)
class PublicOfferAdmin(HouseAdmin):
    form = PublicOfferForm
    list_display = ["name", "where", "twin", "price", "valid_from", "valid_until", "is_active"]
    list_filter = ["is_active"]
    list_select_related = ["twin"]
    search_fields = ["name", "where"]
    list_before_template = "outreach/admin_parity.html"
    fieldsets = [
        (None, {"fields": ["name", "where", "owner"]}),
        (_("What it costs and gives"), {"fields": [("price", "currency"), ("months", "gifts", "fees"), "extras"]}),
        (_("Existing customers first"), {"fields": ["twin", "lead_days"]}),
        (_("When"), {"fields": ["valid_from", "valid_until", "is_active"]}),
    ]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "twin":
            kwargs["queryset"] = Offer.objects.active().filter(current__question="").order_by("name")
        if db_field.name == "owner":
            kwargs["queryset"] = User.objects.filter(is_active=True).exclude(role="executive").order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        attest = path("attestation/", self.admin_site.admin_view(self.attestation), name="outreach_parity_attestation")
        return [attest, *super().get_urls()]

    def attestation(self, request: HttpRequest) -> HttpResponse:
        """The proof as a file: every active public offer with its twin, and a digest."""
        now = timezone.now()
        text = json.dumps(parity.attestation(now), indent=1, ensure_ascii=False)
        name = f"parity-{now:%Y-%m-%d}.json"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(text, content_type="application/json", headers=headers)
