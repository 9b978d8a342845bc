"""/admin/: what the house asks of its cases, and the tags it knows; what a change of either does is shown before."""

from typing import Any, cast

from django import forms
from django.contrib import admin, messages
from django.db import connection
from django.db.models import Count, Prefetch, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import TabularInline
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from cases import tags, transitions
from cases.admin.queues import named
from cases.filter_keys import KEYS
from cases.models import Case, CaseField, FieldOption, Queue, Tag
from cases.models.case import Refusal
from cases.models.field import ASKED_AT
from cases.models.tag import spelt
from crm.admin import HouseAdmin, me, supervisors
from crm.models import User

CHOICE = "_renames"  # the button that was pressed on the page of the effect
_STATUSES = dict(Case.Status.choices)

# --- fields


class CaseFieldForm(forms.ModelForm):  # type: ignore[type-arg]
    """One field; the queues of other supervisors that ask it go on asking it."""

    user: User  # who fills the form in
    required_for = forms.MultipleChoiceField(
        label=_("Must be filled in before it becomes"),
        choices=[(status, _STATUSES[status]) for status in ASKED_AT],
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Whoever wants that of a case, by hand, in bulk or by the API, is asked for the field first."),
    )

    class Meta:
        model = CaseField
        fields = [
            "name",
            "key",
            "kind",
            "unit",
            "help_text",
            "queues",
            "position",
            "required_for",
            "of_customers",
            "is_active",
        ]

    def clean_key(self) -> str:
        key = str(self.cleaned_data["key"])
        if key in KEYS:
            raise forms.ValidationError(gettext("“%(key)s” is a filter already: choose another key.") % {"key": key})
        return key

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind = cleaned.get("kind") or self.instance.kind
        if kind == CaseField.Kind.SUBSCRIPTION and cleaned.get("of_customers") != CaseField.OfCustomers.NO:
            self.add_error(
                "of_customers", gettext("Nobody knows yet whose subscriptions to offer on the contact form.")
            )
        return cleaned

    def clean_queues(self) -> Any:
        chosen = self.cleaned_data["queues"]
        if self.instance.pk is None:
            return chosen
        steered = Queue.objects.steered_by(self.user).values("pk")
        return chosen | Queue.objects.filter(fields=self.instance).exclude(pk__in=steered)


class OptionInline(TabularInline):  # type: ignore[misc]
    """The answers it offers. None is deleted: cases point at it."""

    model = FieldOption
    fields = ["name", "position", "is_active"]
    extra = 0
    can_delete = False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.admin_site.has_permission(request))

    has_add_permission = has_change_permission = has_view_permission

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field = super().formfield_for_dbfield(db_field, request, **kwargs)
        return named(field) if field else field


@admin.register(CaseField, site=supervisors)
class CaseFieldAdmin(HouseAdmin):
    """What the house wants to know of its cases. A field is never deleted: what was filled in stays readable."""

    form = CaseFieldForm
    list_display = ["name", "key", "kind", "asked_in", "wanted_for", "position", "filled", "is_active"]
    list_filter = ["is_active", "kind"]
    search_fields = ["name", "key"]
    inlines = [OptionInline]
    fieldsets = [
        (None, {"fields": ["name", "key", "kind", "unit", "help_text", "is_active"]}),
        (_("Where and when it is asked"), {"fields": ["queues", "position", "required_for", "of_customers"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[CaseField]:
        queues = Prefetch("queues", Queue.objects.order_by("name"))
        return CaseField.objects.prefetch_related(queues).annotate(many=Count("values__case", distinct=True))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return ["key", "kind"] if obj else []

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        kwargs |= {"queryset": Queue.objects.steered_by(me(request)), "widget": UnfoldAdminCheckboxSelectMultipleWidget}
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        super().save_related(request, form, formsets, change)
        self._warn(request, form.instance)

    def _warn(self, request: HttpRequest, field: CaseField) -> None:
        """What it means for the cases at work now."""
        if field.offers and not field.options.filter(is_active=True).exists():
            told = gettext("%(field)s offers nothing yet: add its options below.") % {"field": field}
            self.message_user(request, told, messages.WARNING)
        if field.required_for and field.is_active:
            lacking = Case.objects.active().exclude(field_values__field=field)
            if queues := list(field.queues.values_list("pk", flat=True)):
                lacking = lacking.filter(queue__in=queues)
            told = gettext("%(count)d open cases lack it now, and will be asked for it.") % {"count": lacking.count()}
            self.message_user(request, told)

    @admin.display(description=_("asked in"))
    def asked_in(self, field: CaseField) -> str:
        return ", ".join(queue.name for queue in field.queues.all()) or str(_("every queue"))

    @admin.display(description=_("must be filled in before"))
    def wanted_for(self, field: CaseField) -> str:
        return ", ".join(str(_STATUSES[status]) for status in field.required_for) or "–"

    @admin.display(description=_("filled in"))
    def filled(self, field: Any) -> int:
        return int(field.many)


# --- tags


class TagForm(forms.ModelForm):  # type: ignore[type-arg]
    """A tag. Another name is a renaming, and that of another tag a merge: on every case, once its effect was seen."""

    class Meta:
        model = Tag
        fields = ["name", "hint", "is_active"]

    def clean_name(self) -> str:
        names = spelt([self.cleaned_data["name"]])
        if not names or "," in names[0]:
            raise forms.ValidationError(gettext("Give the new name: one tag, without a comma."))
        return names[0]

    def validate_unique(self) -> None:
        """Of a new one; the name of another tag means that both become one."""
        if self.instance.pk is None:
            super().validate_unique()

    def _post_clean(self) -> None:
        was = self.instance.name if self.instance.pk else ""
        super()._post_clean()  # type: ignore[misc]
        if was:
            self.instance.name = was  # the flow gives it its name


_USED = f"""
SELECT tag, count(*), count(*) FILTER (WHERE c.status IN ({", ".join(repr(s) for s in transitions.ACTIVE)}))
  FROM cases_case c, unnest(c.tags) AS tag WHERE c.tags && %(names)s::varchar[] AND tag = ANY(%(names)s) GROUP BY tag
"""  # noqa: S608 - our own words


@admin.register(Tag, site=supervisors)
class TagAdmin(HouseAdmin):
    """Every tag there is. To rename one, give it another name; to merge it, that of the other."""

    form = TagForm
    list_display = ["name", "hint", "on_open", "on_all", "is_active", "under_way"]
    list_filter = ["is_active"]
    search_fields = ["name", "hint"]
    fields = ["name", "hint", "is_active"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Tag]:
        return Tag.objects.filter(becomes=None).prefetch_related("was__renamings").order_by("name")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """With how many cases have each tag of the page, in one question that the index of tags answers."""
        found = super().get_changelist_instance(request)
        with connection.cursor() as cursor:
            cursor.execute(_USED, {"names": [tag.name for tag in found.result_list]})
            self.used = {tag: (every, at_work) for tag, every, at_work in cursor.fetchall()}
        return found

    def save_model(self, request: HttpRequest, obj: Tag, form: Any, change: bool) -> None:
        kept = [name for name in form.changed_data if name != "name"]
        if change and kept:
            obj.save(update_fields=kept)
        elif not change:
            obj.save()
        obj.wanted = form.cleaned_data["name"]  # type: ignore[attr-defined]

    def response_change(self, request: HttpRequest, obj: Tag) -> HttpResponse:
        into = obj.wanted  # type: ignore[attr-defined]
        if into == obj.name:
            return super().response_change(request, obj)
        try:
            if request.POST.get(CHOICE) != "yes":
                return self._effect(request, tags.effect(obj, into))
            done = tags.rename(obj, into, by=me(request), at=timezone.now())
        except Refusal as refusal:
            self.message_user(request, refusal.message, messages.ERROR)
            return cast("HttpResponse", self.response_post_save_change(request, obj))
        told = gettext("%(tag)s is now %(into)s. %(count)d cases follow, a few at a time.")
        self.message_user(request, told % {"tag": done.tag, "into": done.into, "count": done.total})
        return cast("HttpResponse", self.response_post_save_change(request, obj))

    def _effect(self, request: HttpRequest, effect: tags.Effect) -> HttpResponse:
        sent = [(k, v) for k, vs in request.POST.lists() for v in vs if k not in {"csrfmiddlewaretoken", CHOICE}]
        context = {**self.admin_site.each_context(request), "title": str(effect.tag), "effect": effect}
        return TemplateResponse(request, "cases/admin_tag_effect.html", {**context, "again": sent, "choice": CHOICE})

    @admin.display(description=_("open cases"))
    def on_open(self, tag: Tag) -> int:
        return int(self.used.get(tag.name, (0, 0))[1])

    @admin.display(description=_("cases"))
    def on_all(self, tag: Tag) -> int:
        return int(self.used.get(tag.name, (0, 0))[0])

    @admin.display(description=_("on its way here"))
    def under_way(self, tag: Tag) -> str:
        going = [each for was in tag.was.all() for each in was.renamings.all() if each.finished_at is None]
        return ", ".join(f"{each.tag} {each.changed} / {each.total}" for each in going) or "–"
