"""/admin/: opening hours, service levels, and what service levels did not manage to do."""

from datetime import date
from typing import Any

from django.contrib import admin
from django.db.models import Count, Prefetch, Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cases import escalation, recalculating
from cases.admin import clock_actions
from cases.admin.effects import Previewing
from cases.admin.forms import CalendarForm, PolicyForm
from cases.admin.publishing import names, only_theirs
from cases.business_hours import DAYS
from cases.models import BusinessCalendar, ClockAction, Queue, Recalculation, SLAPolicy
from cases.models.sla import KINDS
from crm.admin import ReadOnlyAdmin, log_each, me, supervisors


@admin.register(BusinessCalendar, site=supervisors)
class CalendarAdmin(Previewing):
    """Opening hours are shared: the list says which queues a change touches."""

    form = CalendarForm
    list_display = ["name", "touches", "version"]
    readonly_fields = ["closed_days"]
    search_fields = ["name"]
    fieldsets = [
        (None, {"fields": ["name", "tz"]}),
        (_("Opening hours"), {"fields": list(DAYS)}),
        (_("Closed"), {"fields": ["country", "subdivision", "observed", "holidays", "calendar_file", "closed_days"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[BusinessCalendar]:
        mine = Prefetch("queues", Queue.objects.steered_by(me(request)), to_attr="mine")
        rows = BusinessCalendar.objects.select_related("current").annotate(touched=Count("queues", distinct=True))
        return rows.prefetch_related(mine).order_by("name")

    @admin.display(description=_("touches"))
    def touches(self, calendar: Any) -> str:
        """Their own queues by name, those of others by number."""
        names = ", ".join(queue.name for queue in calendar.mine)
        others = calendar.touched - len(calendar.mine)
        if not others:
            return names or str(_("no queue"))
        more = ngettext("%(count)d queue of others", "%(count)d queues of others", others) % {"count": others}
        return f"{names}, {more}" if names else more

    @admin.display(description=_("Closed this year and next"))
    def closed_days(self, calendar: BusinessCalendar) -> SafeString | str:
        """As the saved version counts them, in words."""
        version, year = calendar.current, timezone.now().year
        named = {**version.public, **{d: version.names.get(d, "") for d in version.holidays}} if version else {}
        days = [
            (date.fromisoformat(d), name) for d, name in sorted(named.items()) if d[:4] in {str(year), str(year + 1)}
        ]
        if not days:
            return str(_("No day."))
        return format_html_join(
            SafeString("<br>"), "{} {}", ((date_format(day, "D, j M Y"), name) for day, name in days)
        )


@admin.register(SLAPolicy, site=supervisors)
class PolicyAdmin(Previewing):
    form = PolicyForm
    list_display = ["name", "position", "is_active", "touches", "version"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    fieldsets = [
        (None, {"fields": ["name", "is_active", "position"]}),
        (_("Which cases"), {"fields": ["queues", "priorities", "channels", "tiers"]}),
        (_("How quickly"), {"fields": list(KINDS)}),
        (_("What counts"), {"fields": ["calendar", "pause_statuses"]}),
        (_("When a quarter of the time is left"), {"fields": clock_actions.names("warn"), "classes": ["collapse"]}),
        (_("When time has run out"), {"fields": clock_actions.names("breach"), "classes": ["collapse"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SLAPolicy]:
        rows = SLAPolicy.objects.select_related("current").prefetch_related("queues")
        return only_theirs(rows, me(request))

    @admin.display(description=_("queues"))
    def touches(self, policy: SLAPolicy) -> str:
        return names(policy) or str(_("every queue"))


@admin.register(ClockAction, site=supervisors)
class ClockActionAdmin(ReadOnlyAdmin):
    """What a policy wanted done at a warning or breach and could not yet: tried again by itself, or now by hand."""

    list_display = ["created_at", "case", "moment", "action", "state", "attempts", "due_at", "error"]
    list_filter = ["state", "action"]
    fields = ["created_at", "case", "moment", "action", "state", "attempts", "due_at", "error"]
    ordering = ["-created_at", "-pk"]
    actions = ["try_again"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[ClockAction]:
        rows = ClockAction.objects.in_trouble().select_related("clock__case")
        user = me(request)
        return rows if user.is_administrator else rows.filter(clock__case__queue__in=Queue.objects.steered_by(user))

    @admin.display(description=_("case"))
    def case(self, action: ClockAction) -> SafeString:
        number = action.clock.case.number
        return format_html('<a href="{}">#{}</a>', reverse("cases:case", args=[number]), number)

    @admin.action(description=_("Try the selected ones again now"))
    def try_again(self, request: HttpRequest, queryset: QuerySet[ClockAction]) -> None:
        now = timezone.now()
        asked = [action for action in queryset if escalation.try_again(action, now=now)]
        log_each(self, request, asked, _("Tried again"))
        self.message_user(request, _("They are tried again within seconds: %(count)d.") % {"count": len(asked)})


@admin.register(Recalculation, site=supervisors)
class RecalculationAdmin(ReadOnlyAdmin):
    """Running clocks on their way to what a calendar or policy says now: how far they are, and a hand to stop them."""

    list_display = ["asked_at", "__str__", "state", "progress", "changed", "asked_by", "finished_at"]
    list_filter = ["state"]
    list_select_related = ["calendar", "policy", "asked_by"]
    fields = ["asked_at", "asked_by", "state", "progress", "changed", "finished_at"]
    ordering = ["-pk"]
    actions = ["stop", "go_on"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Recalculation]:
        """Calendars are everybody's; of policies only theirs."""
        theirs = only_theirs(SLAPolicy.objects.all(), me(request))
        return Recalculation.objects.filter(Q(policy=None) | Q(policy__in=theirs.order_by().values("pk")))

    @admin.display(description=_("looked at"))
    def progress(self, task: Recalculation) -> str:
        return _("%(looked)d of %(total)d") % {"looked": task.looked, "total": max(task.total, task.looked)}

    @admin.action(description=_("Stop the selected ones where they are"))
    def stop(self, request: HttpRequest, queryset: QuerySet[Recalculation]) -> None:
        done = [task for task in queryset if recalculating.stop(task)]
        log_each(self, request, done, _("Stopped"))
        self.message_user(request, _("Stopped: %(count)d.") % {"count": len(done)})

    @admin.action(description=_("Let the selected ones go on"))
    def go_on(self, request: HttpRequest, queryset: QuerySet[Recalculation]) -> None:
        done = [task for task in queryset if recalculating.go_on(task)]
        log_each(self, request, done, _("Gone on"))
        self.message_user(request, _("Going on: %(count)d.") % {"count": len(done)})
