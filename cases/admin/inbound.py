"""What arrived and is in no case: kept for a person, or ignored for a reason. At /admin/ for whoever steers its queue, at
/system/ everything."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import BinaryField, F, Func, OuterRef, QuerySet, Subquery
from django.db.models.functions import Length
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cases.mail import arriving, words
from cases.models import InboundItem, MailboxMail
from cases.receiving import of_steered
from cases.undelivered import cause
from crm.admin import ReadOnlyAdmin, log_each, me, supervisors, system

LONGEST_HEAD, LONGEST_LINE = 16 * 1024, 400  # bytes that are looked at to tell one from another
KEPT, IGNORED = InboundItem.State.KEPT, InboundItem.State.IGNORED

# Why it became no message, in words (InboundItem.error).
WHY = {
    "auto_reply_to_nothing": _("An automatic reply to nothing we sent."),
    "auto_reply_to_closed": _("An automatic reply to a case that is closed."),
    "receipt_to_nothing": _("A receipt for nothing we sent in a case."),
    "receipt_to_closed": _("A receipt for a case that is closed."),
    "bounce_to_nothing": _("A delivery report about nothing we sent in a case."),
    "bounce_to_closed": _("A delivery report for a case that is closed; the mail it is about is marked there."),
    "auto_reply_to_mail": _("An automatic reply to a mail of ours that is in no case."),
    "receipt_to_mail": _("A receipt for a mail of ours that is in no case; that mail says so."),
    "bounce_to_mail": _("A delivery report about a mail of ours that is in no case; that mail is marked with it."),
    "own_mail": _("Our own mail came back to us."),
    "BadDocument": _("The document is not what the channel’s manual asks for."),
    "TooLarge": _("It is larger than a message may be."),
    "NoQueue": _("There was no active queue."),
    "cpu": _("Reading it took too much of the processor."),
    "memory": _("Reading it took too much memory."),
    "slow": _("Reading it took too long."),
    "crashed": _("Whatever read it broke down."),
    "killed": _("Whatever read it was ended from outside."),
    "junk": _("Set aside: nothing for us."),
    "handled": _("Set aside: dealt with in another way."),
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
    """Read why, take the original to your own machine, try it again or set it aside. Of what it says no more is on a page
    than the two lines by which it is told apart: nobody has read it."""

    list_display = ["received_at", "came_by", "sender", "subject", "why", "attempts", "next_try", "original"]
    fields = [
        "received_at",
        "came_by",
        "queue",
        "sender",
        "subject",
        "state",
        "why",
        "about",
        "attempts",
        "next_try",
        "original",
    ]
    readonly_fields = ["came_by", "sender", "subject", "why", "about", "next_try", "original"]
    list_filter = [InNoCase]
    list_select_related = ["queue"]
    list_before_template = "cases/admin_kept.html"
    change_form_outer_after_template = "cases/admin_kept_item.html"
    ordering = ["-received_at"]
    actions = ["retry", "set_aside_as_junk", "set_aside_as_handled"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundItem]:
        found = InboundItem.objects.filter(state__in=[KEPT, IGNORED]).defer("raw")
        box = MailboxMail.objects.filter(item=OuterRef("pk")).order_by("pk").values("mailbox__address")[:1]
        head = Func(F("raw"), 1, LONGEST_HEAD, function="substr", output_field=BinaryField())
        return found.annotate(size=Length("raw"), head=head, box=Subquery(box)).select_related("queue")

    @admin.display(description=_("came by"))
    def came_by(self, item: Any) -> str:
        return str(item.box or item.channel)

    @admin.display(description=_("says it is from"))
    def sender(self, item: Any) -> str:
        return _line(item, b"from")

    @admin.display(description=_("subject"))
    def subject(self, item: Any) -> str:
        return _line(item, b"subject")

    @admin.display(description=_("why"))
    def why(self, item: InboundItem) -> str:
        return str(WHY.get(item.error, item.error))

    @admin.display(description=_("about"))
    def about(self, item: InboundItem) -> str:
        """The mail of ours it tells of, and how that one stands."""
        mail = item.dispatch
        if mail is None:
            return "–"
        return " · ".join(filter(None, [mail.message_class, mail.get_state_display(), cause(mail.reason)]))

    @admin.display(description=_("next try"))
    def next_try(self, item: InboundItem) -> str:
        return timezone.localtime(item.next_try_at).strftime("%Y-%m-%d %H:%M") if item.is_looked_at_again else "–"

    @admin.display(description=_("original"))
    def original(self, item: Any) -> SafeString:
        where = reverse(f"{self.admin_site.name}:cases_inbounditem_raw", args=[item.pk])
        link = '<a class="text-primary-600 dark:text-primary-500" href="{}">{}</a> ({})'
        return format_html(link, where, _("Open as a file"), filesizeformat(item.size))

    def get_urls(self) -> list[URLPattern]:
        door = self.admin_site.admin_view
        return [path("<int:pk>/raw/", door(self.raw), name="cases_inbounditem_raw"), *super().get_urls()]

    def raw(self, request: HttpRequest, pk: int) -> HttpResponse:
        """The bytes as they came, and nothing a browser would open: what made it unreadable may be meant for one."""
        item = get_object_or_404(self.get_queryset(request).defer(None), pk=pk)
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
        items = [item for item in queryset if item.retry(now=timezone.now())]
        log_each(self, request, items, _("Tried again"))
        told = ngettext("%(count)d item is in line again.", "%(count)d items are in line again.", len(items))
        self.message_user(request, told % {"count": len(items)})

    @admin.action(description=_("Set the selected items aside: nothing for us"))
    def set_aside_as_junk(self, request: HttpRequest, queryset: QuerySet[InboundItem]) -> None:
        self._set_aside(request, queryset, "junk")

    @admin.action(description=_("Set the selected items aside: dealt with in another way"))
    def set_aside_as_handled(self, request: HttpRequest, queryset: QuerySet[InboundItem]) -> None:
        self._set_aside(request, queryset, "handled")

    def _set_aside(self, request: HttpRequest, queryset: QuerySet[InboundItem], why: str) -> None:
        items = [item for item in queryset if item.set_aside(why, now=timezone.now())]
        log_each(self, request, items, str(WHY[why]))
        told = ngettext(
            "%(count)d item is set aside. It stays as it came, under “ignored”.",
            "%(count)d items are set aside. They stay as they came, under “ignored”.",
            len(items),
        )
        self.message_user(request, told % {"count": len(items)})


@admin.register(InboundItem, site=supervisors)
class KeptForSupervisorsAdmin(InNoCaseAdmin):
    """The same of the queues one steers."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[InboundItem]:
        return super().get_queryset(request).filter(of_steered(me(request)))


def _line(item: Any, name: bytes) -> str:
    """One line of the head of a mail, clipped before it is looked at; "–" where it has none."""
    head, _ends, _rest = bytes(item.head).replace(b"\r\n", b"\n").partition(b"\n\n")
    if item.channel != arriving.CHANNEL:
        return "–"
    lines = (line for line in head.split(b"\n") if line[: len(name) + 1].lower() == name + b":")
    said = next(lines, b"")[len(name) + 1 :][:LONGEST_LINE]
    return words.read(said)[:120] or "–"
