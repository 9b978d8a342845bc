"""/system/: what arrived and is in no case: kept for a person, or ignored for a reason."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from cases.models import InboundItem
from crm.admin import ReadOnlyAdmin, log_each, system

KEPT, IGNORED = InboundItem.State.KEPT, InboundItem.State.IGNORED

# Why it became no message, in words (InboundItem.error).
WHY = {
    "auto_reply_to_nothing": _("An automatic reply to nothing we sent."),
    "auto_reply_to_closed": _("An automatic reply to a case that is closed."),
    "receipt_to_nothing": _("A receipt for nothing we sent in a case."),
    "receipt_to_closed": _("A receipt for a case that is closed."),
    "bounce_to_nothing": _("A delivery report about nothing we sent in a case."),
    "bounce_to_closed": _("A delivery report for a case that is closed; the mail it is about is marked there."),
    "own_mail": _("Our own mail came back to us."),
    "BadDocument": _("The document is not what the channel’s manual asks for."),
    "TooLarge": _("It is larger than a message may be."),
    "NoQueue": _("There was no active queue."),
    "cpu": _("Reading it took too much of the processor."),
    "memory": _("Reading it took too much memory."),
    "slow": _("Reading it took too long."),
    "crashed": _("Whatever read it broke down."),
    "killed": _("Whatever read it was ended from outside."),
    "interrupted": _("Whatever tried to read it was ended each time."),
}


class InNoCase(admin.SimpleListFilter):
    """What only a person can decide, unless the ignored ones are asked for."""

    title = _("state")
    parameter_name = "became"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("ignored", IGNORED.label)]

    def choices(self, changelist: Any) -> Iterator[Any]:
        kept, ignored = super().choices(changelist)
        yield {**kept, "display": KEPT.label}
        yield ignored

    def queryset(self, request: HttpRequest, queryset: QuerySet[InboundItem]) -> QuerySet[InboundItem]:
        return queryset.filter(state=IGNORED if self.value() == "ignored" else KEPT)


@admin.register(InboundItem, site=system)
class InNoCaseAdmin(ReadOnlyAdmin):
    """Read why, take the original to your own machine, try it again. What it says is on no page: nobody has read it."""

    list_display = ["received_at", "channel", "queue", "why", "attempts"]
    fields = ["received_at", "channel", "queue", "state", "why", "attempts", "next_try", "original", "external_id"]
    readonly_fields = ["why", "next_try", "original"]
    list_filter = [InNoCase]
    list_select_related = ["queue"]
    ordering = ["-received_at"]
    actions = ["retry"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundItem]:
        found = InboundItem.objects.filter(state__in=[KEPT, IGNORED]).defer("raw")
        return found.annotate(size=Length("raw")).select_related("queue")

    @admin.display(description=_("why"))
    def why(self, item: InboundItem) -> str:
        return str(WHY.get(item.error, item.error))

    @admin.display(description=_("next try"))
    def next_try(self, item: InboundItem) -> str:
        return timezone.localtime(item.next_try_at).strftime("%Y-%m-%d %H:%M") if item.is_looked_at_again else "–"

    @admin.display(description=_("original"))
    def original(self, item: Any) -> SafeString:
        where = reverse("system:cases_inbounditem_raw", args=[item.pk])
        return format_html('<a href="{}">{}</a> ({})', where, _("Download"), filesizeformat(item.size))

    def get_urls(self) -> list[URLPattern]:
        door = self.admin_site.admin_view
        return [path("<int:pk>/raw/", door(self.raw), name="cases_inbounditem_raw"), *super().get_urls()]

    def raw(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The bytes as they came, and nothing a browser would open: what made it unreadable may be meant for one."""
        item = get_object_or_404(InboundItem, pk=pk, state__in=[KEPT, IGNORED])
        log_each(self, request, [item], _("Original downloaded"))
        response = HttpResponse(bytes(item.raw), content_type="application/octet-stream")
        ending = "eml" if item.channel == "mail" else "json"
        response["Content-Disposition"] = f'attachment; filename="{item.channel}-{item.pk}.{ending}"'
        response["Content-Security-Policy"] = "sandbox; default-src 'none'"
        response["X-Content-Type-Options"] = "nosniff"
        response["Cache-Control"] = "private, no-store"
        return response

    @admin.action(description=_("Try the selected items again"))
    def retry(self, request: HttpRequest, queryset: QuerySet[InboundItem]) -> None:
        items = list(queryset.filter(state=KEPT))
        for item in items:
            item.retry(now=timezone.now())
        log_each(self, request, items, _("Tried again"))
        self.message_user(request, _("%(count)d items are in line again.") % {"count": len(items)})
