"""/admin/: opening hours, service levels, and what service levels did not manage to do."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from cases import admin_actions, escalation
from cases.admin_forms import CalendarForm, PolicyForm
from cases.admin_publishing import Publishing, names, only_theirs
from cases.business_hours import DAYS
from cases.models import BusinessCalendar, ClockAction, Queue, SLAPolicy
from cases.models.sla import KINDS
from crm.admin import ReadOnlyAdmin, log_each, me, supervisors


@admin.register(BusinessCalendar, site=supervisors)
class CalendarAdmin(Publishing):
    """Opening hours are shared: the list says which queues a change touches."""

    form = CalendarForm
    list_display = ["name", "touches", "version"]
    search_fields = ["name"]
    fieldsets = [
        (None, {"fields": ["name", "tz"]}),
        (_("Opening hours"), {"fields": list(DAYS)}),
        (_("Closed"), {"fields": ["holidays"]}),
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


@admin.register(SLAPolicy, site=supervisors)
class PolicyAdmin(Publishing):
    form = PolicyForm
    list_display = ["name", "position", "is_active", "touches", "version"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    fieldsets = [
        (None, {"fields": ["name", "is_active", "position"]}),
        (_("Which cases"), {"fields": ["queues", "priorities", "channels", "tiers"]}),
        (_("How quickly"), {"fields": list(KINDS)}),
        (_("What counts"), {"fields": ["calendar", "pause_statuses"]}),
        (_("When a quarter of the time is left"), {"fields": admin_actions.names("warn"), "classes": ["collapse"]}),
        (_("When time has run out"), {"fields": admin_actions.names("breach"), "classes": ["collapse"]}),
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
