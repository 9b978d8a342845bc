"""/admin/: what supervisors set, for the queues they steer. /system/: queues, channels and what got stuck."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline

from cases import desks
from cases.admin.forms import MemberForm
from cases.models import (
    Case,
    Channel,
    Dispatch,
    Queue,
    QueueMembership,
)
from crm.admin import HouseAdmin, ReadOnlyAdmin, log_each, me, supervisors, system
from crm.models import User

Role = QueueMembership.Role

# --- queues


def named(field: Any) -> Any:
    """A field of a table row has no label beside it: whoever hears the page hears the column's name."""
    field.widget.attrs["aria-label"] = field.label
    return field


class MemberInline(TabularInline):  # type: ignore[misc]
    """Who works in the queue; a supervisor names reps and leads among the staff, nothing higher."""

    model = QueueMembership
    form = MemberForm
    fields = ["user", "role"]
    hide_title = True  # it would say both once more
    extra = 0
    roles: tuple[str, ...] = (Role.REP, Role.LEAD)

    def people(self) -> QuerySet[User]:
        return User.objects.filter(is_active=True, role=User.Role.STAFF).order_by("username")

    def get_queryset(self, request: HttpRequest) -> QuerySet[QueueMembership]:
        return QueueMembership.objects.filter(role__in=self.roles).select_related("user", "queue").order_by("pk")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = self.people()
        return named(super().formfield_for_foreignkey(db_field, request, **kwargs))

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_choice_field(db_field, request, **kwargs)
        field.choices = [(role, label) for role, label in Role.choices if role in self.roles]
        return named(field)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission


class EveryMemberInline(MemberInline):
    """Administrators also mark queues as a supervisor's."""

    roles = tuple(Role.values)

    def people(self) -> QuerySet[User]:
        return User.objects.filter(is_active=True).order_by("username")


@admin.register(Queue, site=supervisors)
class QueueAdmin(HouseAdmin):
    """The queues marked as theirs."""

    list_display = ["name", "description", "calendar", "assignment", "is_public", "is_active"]
    list_filter = ["is_active", "is_public"]
    list_select_related = ["calendar"]
    search_fields = ["name", "description"]
    fieldsets = [
        (None, {"fields": ["name", "description", "calendar", "is_public", "is_active"]}),
        (_("How cases are given out"), {"fields": ["assignment", "capacity", "return_minutes", "skill_minutes"]}),
        (_("How cases end"), {"fields": ["asks_disposition", "asks_cause", "asks_survey"]}),
        (_("What is made good"), {"fields": ["approval_minutes"]}),
        (_("What customers are told"), {"fields": ["acknowledges", "reach", "silence_days"]}),
    ]
    inlines = [MemberInline]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Queue]:
        return Queue.objects.steered_by(me(request))

    def save_model(self, request: HttpRequest, obj: Queue, form: Any, change: bool) -> None:
        """Only what was changed is written: the version belongs to the events. A supervisor's new queue is theirs."""
        if change:
            if form.changed_data:
                obj.save(update_fields=form.changed_data)
                obj.record("queue_changed", by=me(request), fields=form.changed_data)
            if "assignment" in form.changed_data:
                self.message_user(request, effect_of_giving(obj))
            return
        obj.save()
        if me(request).is_supervisor:
            QueueMembership.objects.create(queue=obj, user=me(request), role=Role.SUPERVISOR)
        obj.record("queue_created", by=me(request))

    def dangers(self, request: HttpRequest, row: Queue, form: Any, formsets: Any) -> list[str]:
        """Whoever leaves with cases in hand loses sight of them; and somebody must be left."""
        leaving = [gone.instance.user for formset in formsets for gone in formset.deleted_forms if gone.instance.pk]
        return [*super().dangers(request, row, form, formsets), *_left_behind(row, leaving)]

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        queue, by = form.instance, me(request)
        for row in formset.forms:
            if row in formset.deleted_forms:
                if row.instance.pk:
                    queue.dismiss(row.instance.user, by=by)
            elif row.has_changed():
                queue.admit(row.instance.user, row.instance.role, by=by)


def _left_behind(queue: Queue, leaving: list[User]) -> Iterator[str]:
    active = Case.objects.active().filter(queue=queue)
    for person in leaving:
        if count := active.filter(assignee=person).count():
            told = ngettext(
                "%(name)s has %(count)d open case here, and would see it no more.",
                "%(name)s has %(count)d open cases here, and would see them no more.",
                count,
            )
            yield told % {"name": person.name, "count": count}
    hands = queue.memberships.filter(role__in=(Role.REP, Role.LEAD)).exclude(user__in=leaving)
    if leaving and not hands.exists() and (waiting := active.count()):
        told = ngettext(
            "Nobody would work here any more: %(count)d open case would be left.",
            "Nobody would work here any more: %(count)d open cases would be left.",
            waiting,
        )
        yield told % {"count": waiting}


def effect_of_giving(queue: Queue) -> str:
    """What happens now that its cases are given out in another way."""
    rules = desks.rules([queue.pk])
    if not rules:
        return gettext("People take the cases of %(queue)s themselves from now on.") % {"queue": queue.name}
    now = timezone.now()
    waiting, people = sum(1 for _each in desks.waiting(rules, now)), len(desks.present(rules, now))
    told = gettext("%(queue)s: %(waiting)d cases wait and are given out now; %(people)d people are online for them.")
    return told % {"queue": queue.name, "waiting": waiting, "people": people}


@admin.register(Queue, site=system)
class EveryQueueAdmin(QueueAdmin):
    inlines = [EveryMemberInline]


# --- in and out


@admin.register(Channel, site=system)
class ChannelAdmin(HouseAdmin):
    """Ways in and out. The signing secret is made here and shown once, on the page that made it."""

    list_display = ["name", "slug", "kind", "queue", "is_active"]
    list_select_related = ["queue"]
    list_filter = ["is_active"]
    search_fields = ["name", "slug"]
    ordering = ["name"]
    fields = ["name", "slug", "queue", "callback_url", "is_active"]
    actions = ["rotate", "retire"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["slug"] if obj else []

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "callback_url":
            kwargs["assume_scheme"] = "https"
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def response_add(self, request: HttpRequest, obj: Channel, post_url_continue: Any = None) -> HttpResponse:
        return self._show_new_secret(request, obj)

    def _show_new_secret(self, request: HttpRequest, channel: Channel) -> HttpResponse:
        """The answer itself carries it: neither a session nor a cookie ever holds the secret."""
        secret = channel.add_secret()
        context = {**self.admin_site.each_context(request), "title": channel.name, "channel": channel, "secret": secret}
        return TemplateResponse(request, "cases/admin_secret.html", context)

    @admin.action(description=_("Make a new secret (the present ones keep verifying)"))
    def rotate(self, request: HttpRequest, queryset: QuerySet[Channel]) -> HttpResponse | None:
        if queryset.count() != 1:
            self.message_user(request, _("Choose one channel: its new secret is shown once."), messages.ERROR)
            return None
        channel = queryset.get()
        log_each(self, request, [channel], _("New secret"))
        return self._show_new_secret(request, channel)

    @admin.action(description=_("Let only the newest secret verify"))
    def retire(self, request: HttpRequest, queryset: QuerySet[Channel]) -> None:
        for channel in queryset:
            channel.retire_secrets()
        log_each(self, request, queryset, _("Older secrets retired"))
        self.message_user(request, _("From now on only the newest secret verifies."))


@admin.register(Dispatch, site=system)
class TroubledDispatchAdmin(ReadOnlyAdmin):
    """What did not leave, or may not have arrived; what it says stays in its case."""

    list_display = ["created_at", "channel", "message_class", "state", "reason", "attempts"]
    list_filter = ["state", "message_class"]
    fields = ["created_at", "channel", "message_class", "state", "reason", "detail", "attempts", "released_at"]
    ordering = ["-created_at"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dispatch]:
        return Dispatch.objects.filter(state__in=[Dispatch.State.FAILED, Dispatch.State.UNKNOWN])
