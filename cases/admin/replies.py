"""/admin/: the saved replies that supervisors share."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString
from django.utils.text import format_lazy
from django.utils.translation import gettext_lazy as _

from cases import saved_replies, variables
from cases.admin.publishing import Publishing, names, only_theirs
from cases.models import SavedReply
from cases.reply_forms import TEXTS, SharedReplyForm
from crm.admin import me, supervisors


@admin.register(SavedReply, site=supervisors)
class SavedReplyAdmin(Publishing):
    """People's own are theirs: only the shared ones are here."""

    form = SharedReplyForm
    list_display = [
        "__str__",
        "shortcut",
        "folder",
        "touches",
        "languages",
        "used_count",
        "used_at",
        "is_active",
        "version",
    ]
    list_filter = ["is_active", "folder"]
    search_fields = ["current__title", "shortcut", "folder"]
    ordering = ["folder", "current__title", "pk"]
    readonly_fields = ["preview"]
    fieldsets = [
        (None, {"fields": ["title", "shortcut", "folder", "is_active"]}),
        (
            _("What is said"),
            {
                "fields": list(TEXTS.values()),
                "description": format_lazy(_("The case fills in: {variables}."), variables=variables.all_written()),
            },
        ),
        (_("For whom"), {"fields": ["queues"]}),
        (_("As it reads"), {"fields": ["preview"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedReply]:
        rows = SavedReply.objects.filter(owner=None).defer("document")
        return only_theirs(rows.select_related("current").prefetch_related("queues"), me(request))

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """With a case to read it in: the newest the supervisor sees."""
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            found.reader, found.read_in = me(request), saved_replies.sample(me(request))
        return found

    @admin.display(description=_("queues"))
    def touches(self, reply: SavedReply) -> str:
        return names(reply) or str(_("every queue"))

    @admin.display(description=_("languages"))
    def languages(self, reply: SavedReply) -> str:
        return ", ".join(reply.texts)

    @admin.display(description=_("In a case"))
    def preview(self, reply: Any) -> SafeString | str:
        """As it stands saved, in each of its languages."""
        if reply.pk is None:
            return str(_("Save it first: it is tried on a case here."))
        case = reply.read_in
        shown = saved_replies.trial(reply.texts, case, reply.reader) if case else []
        return render_to_string("cases/_reply_preview.html", {"case": case, "shown": shown})
