"""/admin/: how people are there."""

from django.contrib import admin

from cases.models import PresenceReason
from crm.admin import HouseAdmin, supervisors


@admin.register(PresenceReason, site=supervisors)
class PresenceReasonAdmin(HouseAdmin):
    """The company's own words for being away or busy; one that is not offered stays where somebody chose it."""

    list_display = ["name", "state", "position", "is_active"]
    list_filter = ["state", "is_active"]
    search_fields = ["name"]
    fields = ["name", "state", "position", "is_active"]
