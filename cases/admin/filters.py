"""/admin/: the filters that stand beside the views of a queue for everybody in it."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminTextInputWidget

from cases import saved_filters
from cases.models import Queue, SavedFilter
from crm.admin import HouseAdmin, me, supervisors


class SharedFilterForm(forms.ModelForm):  # type: ignore[type-arg]
    """A text that means nothing is not saved; why is said beside it."""

    asked_by: Any = None

    class Meta:
        model = SavedFilter
        fields = ["queue", "name", "text", "position"]
        widgets = {"text": UnfoldAdminTextInputWidget()}
        help_texts = {
            "text": _("As people type it: is:unassigned priority:high waiting:>1d. “me” is whoever looks."),
            "position": _("Smaller ones come first."),
        }

    def clean_text(self) -> str:
        text = " ".join(str(self.cleaned_data["text"]).split())
        if problem := saved_filters.problem_of(text, by=self.asked_by, at=timezone.now()):
            raise forms.ValidationError(problem)
        return text


class OfQueue(admin.SimpleListFilter):
    """Of the queues one steers: Django's own would name every one."""

    title = _("queue")
    parameter_name = "queue"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(pk), name) for pk, name in Queue.objects.steered_by(me(request)).values_list("pk", "name")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value() or ""
        return queryset.filter(queue=int(value)) if value.isdigit() and len(value) < 19 else queryset


@admin.register(SavedFilter, site=supervisors)
class SharedFilterAdmin(HouseAdmin):
    """Of the queues one steers. People's own filters are theirs alone."""

    form = SharedFilterForm
    list_display = ["name", "queue", "text", "position", "made_by"]
    list_filter = [OfQueue]
    list_select_related = ["queue", "made_by"]
    search_fields = ["name", "text"]
    ordering = ["queue__name", "position", "pk"]
    actions = ["take_away"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[SavedFilter]:
        return SavedFilter.objects.filter(queue__in=Queue.objects.steered_by(me(request)).values("pk"))

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        form.asked_by = me(request)
        form.base_fields["queue"].required = True
        form.base_fields["queue"].queryset = Queue.objects.steered_by(me(request))
        return form

    def save_model(self, request: HttpRequest, obj: SavedFilter, form: Any, change: bool) -> None:
        if not change:
            obj.made_by = me(request)
        obj.save()
        assert obj.queue is not None  # noqa: S101 - the form asks for it
        obj.queue.record("filter_changed" if change else "filter_shared", by=me(request), filter=obj.pk)

    @admin.action(description=_("Take away"))
    def take_away(self, request: HttpRequest, queryset: QuerySet[SavedFilter]) -> None:
        count = 0
        for saved in queryset.select_related("queue"):
            saved_filters.remove(saved, by=me(request))
            count += 1
        self.message_user(request, _("Taken away: %d.") % count)
