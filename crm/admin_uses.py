"""Before a row of the configuration is retired at an admin, or changed in a way that hurts: who uses it, and one more
question that names the numbers."""

from collections.abc import Sequence
from typing import Any

from django.contrib.admin import AdminSite
from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse

from crm import uses
from crm.models import User

SURE = "_sure"  # the button on the page that asks once more


def hurt_by_retiring(row: Model, form: Any, user: User) -> list[str]:
    """What goes on using a row that this form switches off."""
    if "is_active" not in form.changed_data or form.cleaned_data.get("is_active", True):
        return []
    return [use.text for use in uses.of(row, user) if use.hurts]


def ask_once_more(site: AdminSite, request: HttpRequest, row: Model, told: Sequence[str]) -> TemplateResponse | None:
    """The page that names what would be hurt, with all that was saved undone; nothing where nothing would be, or where
    that was answered."""
    if not told or SURE in request.POST:
        return None
    again = [(k, v) for k, values in request.POST.lists() for v in values if k != "csrfmiddlewaretoken"]
    context = {**site.each_context(request), "title": str(row), "told": told, "again": again, "sure": SURE}
    transaction.set_rollback(True)
    return TemplateResponse(request, "crm/admin_sure.html", context)
