"""/admin/: how people are there, what they can do and how much they are given. /system/: how much where nobody says."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminTextInputWidget

from cases import desks
from cases.admin.queues import named
from cases.models import Capacity, Colleague, PersonSkill, Presence, PresenceReason, Queue, QueueMembership, Skill
from crm.admin import HouseAdmin, me, supervisors, system
from crm.models import User


def people_of(user: User) -> QuerySet[User]:
    """Who works in the queues one steers."""
    theirs = QueueMembership.objects.filter(queue__in=Queue.objects.steered_by(user).values("pk"))
    return User.objects.filter(is_active=True, pk__in=theirs.values("user")).order_by("username")


@admin.register(PresenceReason, site=supervisors)
class PresenceReasonAdmin(HouseAdmin):
    """The company's own words for being away or busy; one that is not offered stays where somebody chose it."""

    list_display = ["name", "state", "position", "is_active"]
    list_filter = ["state", "is_active"]
    search_fields = ["name"]
    fields = ["name", "state", "position", "is_active"]


# --- skills


class Row(TabularInline):  # type: ignore[misc]
    """A line of a person or a skill, for who steers a queue the person works in."""

    extra = 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    has_add_permission = has_change_permission = has_delete_permission = has_view_permission

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        return named(field) if field else field


class HolderInline(Row):
    """Who can do it, of one's own people."""

    model = PersonSkill
    fields = ["user"]
    verbose_name, verbose_name_plural = _("person"), _("who can do it")

    def get_queryset(self, request: HttpRequest) -> QuerySet[PersonSkill]:
        rows = PersonSkill.objects.select_related("user", "skill").order_by("pk")
        return rows if me(request).is_administrator else rows.filter(user__in=people_of(me(request)).values("pk"))

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "user":
            kwargs["queryset"] = people_of(me(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


class SkillForm(forms.ModelForm):  # type: ignore[type-arg]
    """One skill; the queues of other supervisors that need it go on needing it."""

    user: User  # who fills the form in

    class Meta:
        model = Skill
        fields = ["name", "languages", "tags", "queues", "is_active"]
        widgets = {"languages": UnfoldAdminTextInputWidget, "tags": UnfoldAdminTextInputWidget}

    def clean_queues(self) -> Any:
        chosen = self.cleaned_data["queues"]
        if self.instance.pk is None:
            return chosen
        steered = Queue.objects.steered_by(self.user).values("pk")
        return chosen | Queue.objects.filter(skills=self.instance).exclude(pk__in=steered)

    def clean_languages(self) -> list[str]:
        return _lowered(self.cleaned_data["languages"])

    def clean_tags(self) -> list[str]:
        return _lowered(self.cleaned_data["tags"])


def _lowered(words: list[str]) -> list[str]:
    """As cases have them."""
    return sorted({word.strip().lower() for word in words if word.strip()})


@admin.register(Skill, site=supervisors)
class SkillAdmin(HouseAdmin):
    """What not everybody can do: which cases need it, and who can."""

    form = SkillForm
    list_display = ["name", "needed_by", "holders", "is_active"]
    list_filter = ["is_active"]
    search_fields = ["name"]
    inlines = [HolderInline]
    fieldsets = [
        (None, {"fields": ["name", "is_active"]}),
        (_("Which cases need it"), {"fields": ["languages", "tags", "queues"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Skill]:
        queues = Prefetch("queues", Queue.objects.order_by("name"))
        return Skill.objects.prefetch_related(queues).annotate(held=Count("people", distinct=True)).order_by("name")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs |= {"queryset": Queue.objects.steered_by(me(request)), "widget": UnfoldAdminCheckboxSelectMultipleWidget}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    @admin.display(description=_("needed by"))
    def needed_by(self, skill: Skill) -> str:
        queues = [queue.name for queue in skill.queues.all()]
        return ", ".join([*skill.languages, *skill.tags, *queues]) or str(_("what somebody says needs it"))

    @admin.display(description=_("people"))
    def holders(self, skill: Any) -> int:
        return int(skill.held)


# --- people


class HoursInline(Row):
    """When they work, if they come and go by the clock."""

    model = Presence
    fields = ["calendar"]
    verbose_name = verbose_name_plural = _("working hours")
    max_num = 1
    can_delete = False


class CapacityInline(Row):
    """Their own figures, which go before those of queues and of the house."""

    model = Capacity
    fields = ["channel", "most"]
    verbose_name, verbose_name_plural = _("figure"), _("cases at once")


class AbilityInline(Row):
    """What they can do."""

    model = PersonSkill
    fields = ["skill"]
    verbose_name, verbose_name_plural = _("skill"), _("skills")


@admin.register(Colleague, site=supervisors)
class ColleagueAdmin(HouseAdmin):
    """The people of the queues one steers: how they are there and what they have in hand. Nothing of their rights."""

    list_display = ["__str__", "there", "in_hand", "abilities"]
    search_fields = ["username", "first_name", "last_name"]
    fields = readonly_fields = ["__str__", "there"]
    inlines = [HoursInline, CapacityInline, AbilityInline]
    list_per_page = 50

    def get_queryset(self, request: HttpRequest) -> QuerySet[Colleague]:
        abilities = Prefetch("skills", PersonSkill.objects.select_related("skill"))
        rows = Colleague.objects.filter(pk__in=people_of(me(request)).values("pk"))
        return rows.select_related("presence__reason").prefetch_related(abilities).order_by("username")

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What everybody on the page has in hand is read together."""
        page = super().get_changelist_instance(request)
        found = desks.of_people([person.pk for person in page.result_list], timezone.now())
        for person in page.result_list:
            person.desk = found.get(person.pk)
        return page

    @admin.display(description=_("is"))
    def there(self, person: Any) -> str:
        return (getattr(person, "presence", None) or Presence(user=person)).words

    @admin.display(description=_("in hand"))
    def in_hand(self, person: Any) -> str:
        return f"{person.desk.load} / {max(person.desk.limits.values())}" if person.desk else "–"

    @admin.display(description=_("skills"))
    def abilities(self, person: Any) -> str:
        return ", ".join(held.skill.name for held in person.skills.all()) or "–"


@admin.register(Capacity, site=system)
class HouseCapacityAdmin(HouseAdmin):
    """How many cases one person is given at once where neither they nor their queue say otherwise."""

    list_display = ["channel_name", "most"]
    fields = ["channel", "most"]
    search_fields = ["channel"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Capacity]:
        return Capacity.objects.filter(user=None).order_by("channel")

    @admin.display(description=_("channel"), ordering="channel")
    def channel_name(self, row: Capacity) -> str:
        return row.channel or str(_("all channels"))
